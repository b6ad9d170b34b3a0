// AdaMax (Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 2), in PyTorch's form:
//     m = beta1 m + (1 - beta1) g,  u = max(beta2 u, |g| + eps),  p = p - alpha / (1 - beta1^t) m / u
// The paper has no eps. The host passes c1 = 1 - beta1 and folds the bias correction into lr = alpha / (1 - beta1^t).
// Flags: maximize; weight_decay, which adds weight_decay p to the gradient.
// adamax(g | p, m, u | lr, c1, beta2, eps, weight_decay)          inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
m += c1 * (d - m);
u = maximum(beta2 * u, fabs(d) + eps);
p -= lr * m / u;
