// Adam (Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1):
//     m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g g,  p = p - alpha (m / b1) / (sqrt(v / b2) + epsilon)
// with b1 = 1 - beta1^t and b2 = 1 - beta2^t. The host passes c1 = 1 - beta1 and c2 = 1 - beta2, and folds the bias
// correction into two scalars, lr = alpha sqrt(b2) / b1 and eps = epsilon sqrt(b2): the end of the paper's section 2.
// Flags: maximize; weight_decay, which adds weight_decay p to the gradient; decoupled (Loshchilov & Hutter 2019,
// "Decoupled weight decay regularization", algorithm 2), which shrinks p itself, by decay = alpha times weight decay;
// amsgrad (Reddi, Kale & Kumar 2018, "On the convergence of Adam and beyond", algorithm 2), which divides by the root
// of w, the largest v so far.
// adam(g | p, m, v, w | lr, c1, c2, eps, weight_decay, decay)     inputs | updated in place | scalars
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
#if amsgrad
w = maximum(w, v);
p -= lr * m / (sqrt(w) + eps);
#else
p -= lr * m / (sqrt(v) + eps);
#endif
