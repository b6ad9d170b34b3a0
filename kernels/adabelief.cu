// AdaBelief (Zhuang et al. 2020, "AdaBelief optimizer: adapting stepsizes by the belief in observed gradients",
// algorithm 2): Adam, but for the spread s of the gradients around their mean in place of their mean square:
//     m = beta1 m + (1 - beta1) g,  s = beta2 s + (1 - beta2) (g - m) (g - m) + epsilon
//     p = p - alpha (m / b1) / (sqrt(s / b2) + epsilon)
// with b1 = 1 - beta1^t and b2 = 1 - beta2^t. The host passes c1 = 1 - beta1, c2 = 1 - beta2, floor = epsilon, and folds
// the bias correction into lr = alpha sqrt(b2) / b1 and eps = epsilon sqrt(b2).
// Flags: maximize; weight_decay, which adds weight_decay p to the gradient; decoupled, which shrinks p itself, by
// decay = alpha times weight decay; amsgrad, which divides by the root of w, the largest s so far.
// adabelief(g | p, m, s, w | lr, c1, c2, eps, floor, weight_decay, decay)     inputs | updated in place | scalars
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
T surprise = d - m;
s += c2 * (surprise * surprise - s) + floor;
#if amsgrad
w = maximum(w, s);
p -= lr * m / (sqrt(w) + eps);
#else
p -= lr * m / (sqrt(s) + eps);
#endif
