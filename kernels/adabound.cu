// AdaBound (Luo, Xiong, Liu & Sun 2019, "Adaptive gradient methods with dynamic bound of learning rate", algorithm 2), in
// the form of the authors' code:
//     m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g g
//     p = p - rate m,  rate = alpha sqrt(b2) / b1 / (sqrt(v) + eps), kept in [lower, upper]
// with b1 = 1 - beta1^t and b2 = 1 - beta2^t, and bounds that close in on the final rate as t grows. The host passes
// c1 = 1 - beta1, c2 = 1 - beta2, lr = alpha sqrt(b2) / b1, and the bounds.
// Flags: maximize; weight_decay, which adds weight_decay p to the gradient; amsbound, with the largest v so far as w.
// adabound(g | p, m, v, w | lr, c1, c2, eps, lower, upper, weight_decay)      inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
m += c1 * (d - m);
v += c2 * (d * d - v);
#if amsbound
w = maximum(w, v);
T rate = lr / (sqrt(w) + eps);
#else
T rate = lr / (sqrt(v) + eps);
#endif
p -= minimum(maximum(rate, lower), upper) * m;
