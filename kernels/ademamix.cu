// AdEMAMix (Pagliardini, Ablin & Grangier 2024, "The AdEMAMix optimizer: better, faster, older", algorithm 1): AdamW with
// a second mean of the gradients that forgets slowly,
//     m = beta1 m + (1 - beta1) g,  old = beta3 old + (1 - beta3) g,  v = beta2 v + (1 - beta2) g g
//     p = p - lr ((m / b1 + alpha old) / (sqrt(v / b2) + epsilon) + weight_decay p)
// with b1 = 1 - beta1^t and b2 = 1 - beta2^t. The host passes c1, c2, c3 = 1 - the betas of the moment, eps = epsilon
// sqrt(b2), lr sqrt(b2) times 1 / b1 and alpha as fast and slow, and decay = lr times weight decay.
// Flags: maximize; decoupled, with the term weight_decay p.
// ademamix(g | p, m, old, v | fast, slow, c1, c2, c3, eps, decay)     inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if decoupled
p -= decay * p;
#endif
m += c1 * (d - m);
old += c3 * (d - old);
v += c2 * (d * d - v);
p -= (fast * m + slow * old) / (sqrt(v) + eps);
