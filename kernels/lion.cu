// Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2):
//     u = sign(beta1 m + (1 - beta1) g),  p = p - alpha (u + weight_decay p),  m = beta2 m + (1 - beta2) g
// The host passes c1 = 1 - beta1, c2 = 1 - beta2 and decay = alpha times weight decay. Flags: maximize; decoupled, with
// the term weight_decay p.
// lion(g | p, m | lr, c1, c2, decay)                              inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if decoupled
p -= decay * p;
#endif
p -= lr * sign(m + c1 * (d - m));
m += c2 * (d - m);
