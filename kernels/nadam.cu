// NAdam (Dozat 2016, "Incorporating Nesterov momentum into Adam", algorithm 2), in PyTorch's form:
//     m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g g
//     p = p - alpha ((1 - mu_t) / (1 - M_t) g + mu_(t+1) / (1 - M_(t+1)) m) / (sqrt(v / b2) + epsilon)
// with b2 = 1 - beta2^t, the schedule mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2) and M_t = mu_1 mu_2 ... mu_t.
// The host passes c1 = 1 - beta1, c2 = 1 - beta2, eps = epsilon sqrt(b2), and alpha sqrt(b2) times the two factors as
// now (of the gradient) and next (of the mean).
// Flags: maximize; weight_decay, which adds weight_decay p to the gradient; decoupled, which shrinks p itself, by
// decay = alpha times weight decay.
// nadam(g | p, m, v | now, next, c1, c2, eps, weight_decay, decay)    inputs | updated in place | scalars
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
p -= (now * d + next * m) / (sqrt(v) + eps);
