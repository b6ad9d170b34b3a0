// The elementwise halves of LAMB (You et al. 2020, "Large batch optimization for deep learning: training BERT in 76
// minutes", algorithm 2). The first half is Adam's direction, with weight decay,
//     m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g g
//     u = (m / b1) / (sqrt(v / b2) + epsilon) + weight_decay p
// with b1 = 1 - beta1^t and b2 = 1 - beta2^t. The host passes c1 = 1 - beta1, c2 = 1 - beta2, mean = sqrt(b2) / b1 and
// eps = epsilon sqrt(b2); then it takes the norms of p and u, which give the rate of the second half (flag step),
//     p = p - rate u
// Flags: step; maximize; decoupled, with the term weight_decay p.
// lamb(g | p, m, v, u | c1, c2, mean, eps, weight_decay, rate)    inputs | updated in place | scalars
#if step
p -= rate * u;
#else
T d = g;
#if maximize
d = -d;
#endif
m += c1 * (d - m);
v += c2 * (d * d - v);
u = mean * m / (sqrt(v) + eps);
#if decoupled
u += weight_decay * p;
#endif
#endif
