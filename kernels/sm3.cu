// The elementwise part of SM3-II (Anil, Gupta, Koren & Singer 2019, "Memory-efficient adaptive optimization", algorithm
// SM3-II), with momentum. The host passes as nu the smallest of the sums that an element shares in, one for each of its
// axes, and takes the largest of the new ones back into them:
//     nu = nu + g g,  m = momentum m + (1 - momentum) g / (sqrt(nu) + eps),  p = p - lr m
// The host passes c = 1 - momentum. Flags: maximize; weight_decay, which adds weight_decay p to the gradient.
// sm3(g | p, nu, m | lr, c, eps, weight_decay)                    inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
nu += d * d;
m += c * (d / (sqrt(nu) + eps) - m);
p -= lr * m;
