// M-SVAG (Balles & Hennig 2018, "Dissecting Adam: the sign, magnitude and variance of stochastic gradients", section 4,
// algorithm 1): momentum, each weight's step shortened by how uncertain its mean gradient is,
//     m = beta m + (1 - beta) g,  v = beta v + (1 - beta) g g,  both divided by 1 - beta^t: M and V
//     s = (V - M M) / (1 - rho),  p = p - lr M M / (M M + rho s) M
// with rho = (1 - beta) (1 + beta^t) / ((1 + beta) (1 - beta^t)). The host passes c = 1 - beta, grow = 1 / (1 - beta^t)
// and noise = rho / (1 - rho). Where all gradients were 0, nothing moves; rounding may leave s below 0, taken as 0.
// Flags: first, where a variance cannot be told yet and p = p - lr M; maximize; weight_decay, which adds weight_decay p
// to the gradient.
// msvag(g | p, m, v | lr, c, grow, noise, weight_decay)           inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
m += c * (d - m);
v += c * (d * d - v);
T mean = grow * m;
#if first
p -= lr * mean;
#else
T square = mean * mean;
T whole = square + noise * maximum(grow * v - square, 0.0);
p -= where(whole == 0.0, 0.0, lr * (square / whole) * mean);
#endif
