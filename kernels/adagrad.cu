// Adagrad (Duchi, Hazan & Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization",
// the diagonal form of figure 1, without its projection):
//     sum = sum + g g,  p = p - lr g / (sqrt(sum) + eps)
// The host passes lr after its own decay. Flags: maximize, weight_decay, and first, where sum starts as `start`.
// adagrad(g | p, sum | lr, eps, weight_decay, start)           inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#if first
sum = start + d * d;
#else
sum += d * d;
#endif
p -= lr * d / (sqrt(sum) + eps);
