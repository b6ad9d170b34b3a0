// The ascent of sharpness-aware minimization (Foret, Kleiner, Mobahi & Neyshabur 2021, "Sharpness-aware minimization
// for efficiently improving generalization", equation 2 for the Euclidean norm), to where the gradient is taken again:
//     p = p + rho g / |g|, with the norm over all parameters
// and, with the flag adaptive, of ASAM (Kwon, Kim, Park & Choi 2021, "ASAM: adaptive sharpness-aware minimization for
// scale-invariant learning of deep neural networks", algorithm 1), where each weight counts by its size:
//     p = p + rho T u / |u|, u = T g, T = |p| + eta
// The host passes rho and eta. With the flag scale the text makes u, of which the host then takes the norm.
// The host does not fold rho / norm into one number, which overflows where g is tiny.
// sam(g | p, u | rho, norm, eta)                                  inputs | updated in place | scalars
#if scale
u = (fabs(p) + eta) * g;
#else
#if adaptive
p += rho * ((fabs(p) + eta) * (u / norm));
#else
p += rho * (g / norm);
#endif
#endif
