// MADGRAD (Defazio & Jelassi 2021, "Adaptivity without compromise: a momentumized, adaptive, dual averaged gradient
// method for stochastic optimization", algorithm 1): from where it began, x0, along the sum of all gradients,
//     sum = sum + lamb g,  square = square + lamb g g,  z = x0 - sum / (cbrt(square) + eps)
//     p = (1 - c) p + c z
// The host passes lamb = lr sqrt(t) and c = 1 - momentum. Flags: first, where x0 is p; maximize; weight_decay, which adds
// weight_decay p to the gradient.
// madgrad(g | p, sum, square, x0 | lamb, c, eps, weight_decay)    inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#if first
x0 = p;
#endif
sum += lamb * d;
square += lamb * (d * d);
p += c * (x0 - sum / (cbrt(square) + eps) - p);
