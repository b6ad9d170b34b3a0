// Yogi (Zaheer, Reddi, Sachan, Kale & Kumar 2018, "Adaptive methods for nonconvex optimization", algorithm 2):
//     m = beta1 m + (1 - beta1) g,  v = v - (1 - beta2) sign(v - g g) g g
//     p = p - alpha sqrt(b2) / b1 m / (sqrt(v) + eps)
// with b1 = 1 - beta1^t and b2 = 1 - beta2^t, a correction that is in the authors' code only. The host passes
// c1 = 1 - beta1, c2 = 1 - beta2 and lr = alpha sqrt(b2) / b1.
// Flags: first, where v starts as `start`; maximize; weight_decay, which adds weight_decay p to the gradient.
// yogi(g | p, m, v | lr, c1, c2, eps, start, weight_decay)        inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
T square = d * d;
m += c1 * (d - m);
#if first
v = start - c2 * (sign(start - square) * square);
#else
v -= c2 * (sign(v - square) * square);
#endif
p -= lr * m / (sqrt(v) + eps);
