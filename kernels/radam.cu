// RAdam (Liu et al. 2020, "On the variance of the adaptive learning rate and beyond", algorithm 2):
//     m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g g
//     p = p - alpha r (m / b1) sqrt(b2) / (sqrt(v) + eps) where the variance is tractable, otherwise p - alpha m / b1
// with b1 = 1 - beta1^t, b2 = 1 - beta2^t and the rectification r, which depends on beta2 and t alone. The host decides
// between the two and passes c1 = 1 - beta1, c2 = 1 - beta2, and lr = alpha r sqrt(b2) / b1 or alpha / b1.
// Flags: maximize; weight_decay, which adds weight_decay p to the gradient; decoupled, which shrinks p itself, by
// decay = alpha times weight decay; rectified, where the variance is tractable.
// radam(g | p, m, v | lr, c1, c2, eps, weight_decay, decay)       inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#if decoupled
p -= decay * p;
#endif
m += c1 * (d - m);
v += c2 * (d * d - v);
#if rectified
p -= lr * m / (sqrt(v) + eps);
#else
p -= lr * m;
#endif
