// Quasi-hyperbolic momentum (Ma & Yarats 2019, "Quasi-hyperbolic momentum and Adam for deep learning", equations 3 and 4):
//     m = momentum m + (1 - momentum) g,  p = p - lr ((1 - nu) g + nu m)
// The host passes c = 1 - momentum, and lr times 1 - nu and nu as now and mean. Flags: maximize; weight_decay, which adds
// weight_decay p to the gradient.
// qhm(g | p, m | now, mean, c, weight_decay)                      inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
m += c * (d - m);
p -= now * d + mean * m;
