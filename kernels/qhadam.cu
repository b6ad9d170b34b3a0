// QHAdam (Ma & Yarats 2019, "Quasi-hyperbolic momentum and Adam for deep learning", section 4.2): Adam between its means
// and the gradient at hand,
//     m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g g
//     p = p - lr ((1 - nu1) g + nu1 m / b1) / (sqrt((1 - nu2) g g + nu2 v / b2) + eps)
// with b1 = 1 - beta1^t and b2 = 1 - beta2^t. The host passes c1 = 1 - beta1, c2 = 1 - beta2, lr times 1 - nu1 and
// nu1 / b1 as now and mean, 1 - nu2 and nu2 / b2 as here and spread.
// Flags: maximize; weight_decay, which adds weight_decay p to the gradient; decoupled, which shrinks p itself, by
// decay = lr times weight decay.
// qhadam(g | p, m, v | now, mean, here, spread, c1, c2, eps, weight_decay, decay)     inputs | updated | scalars
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
p -= (now * d + mean * m) / (sqrt(here * (d * d) + spread * v) + eps);
