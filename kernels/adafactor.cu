// The elementwise halves of Adafactor (Shazeer & Stern 2018, "Adafactor: adaptive learning rates with sublinear memory
// cost", algorithms 4 and 5), in PyTorch's form. The first half scales the gradient by the mean square v,
//     u = g / sqrt(max(v, floor)), for a vector with v = v + c (g g - v); a matrix's v the host makes of two factors.
// The host then takes the norm of u, which gives the rate of the second half (flag step),
//     p = p - decay p - rate u, the middle term with the flag decoupled
// adafactor(g | p, v, u | c, floor, rate, decay)                  inputs | updated in place | scalars
#if step
#if decoupled
p -= decay * p;
#endif
p -= rate * u;
#else
#if vector
v += c * (g * g - v);
#endif
u = g / sqrt(maximum(v, floor));
#endif
