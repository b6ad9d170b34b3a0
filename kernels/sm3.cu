// The elementwise part of SM3-II (Anil, Gupta, Koren & Singer 2019, "Memory-efficient adaptive optimization", algorithm
// SM3-II), with momentum. The host passes as root the smallest root of the sums that an element shares in, one for each
// of its axes, and takes the largest of the new ones back into them:
//     nu = nu + g g,  m = momentum m + (1 - momentum) g / (sqrt(nu) + eps),  p = p - lr m
// with root = sqrt(nu), for the square of a gradient of 1e-23 is 0 in single precision, and c = 1 - momentum.
// Flags: maximize; weight_decay, which adds weight_decay p to the gradient.
// sm3(g | p, root, m | lr, c, eps, weight_decay)                  inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
T top = maximum(root, fabs(d));
T unit = where(top > 0.0, top, 1.0);
T x = root / unit;
T y = d / unit;
root = top * sqrt(x * x + y * y);
m += c * (d / (root + eps) - m);
p -= lr * m;
