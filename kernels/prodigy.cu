// The elementwise parts of Prodigy (Mishchenko & Defazio 2023, "Prodigy: an expeditiously adaptive parameter-free
// learner", algorithm 4). The gradient first (flag begin), turned, of which the host takes the product with x0 - p; then
//     m = beta1 m + (1 - beta1) D g,  v = beta2 v + (1 - beta2) D D g g,  s = beta3 s + c3 g
// of which the host takes the sum of |s|, and finds the next D; then the step (flag step)
//     p = p - decay p - lr m / (sqrt(v) + eps)
// The host passes c1 = (1 - beta1) D, c2 = (1 - beta2) D D, c3, lr times D, and eps times the next D.
// Flags: begin, and with it first, where x0 is p, maximize, and weight_decay, which adds weight_decay p to the gradient;
// step, and with it decoupled, with the term decay p.
// prodigy(g | p, m, v, s, x0, turned | beta1, beta2, beta3, c1, c2, c3, lr, eps, weight_decay, decay)
#if begin
turned = g;
#if maximize
turned = -turned;
#endif
#if weight_decay
turned += weight_decay * p;
#endif
#if first
x0 = p;
#endif
#else
#if step
#if decoupled
p -= decay * p;
#endif
p -= lr * m / (sqrt(v) + eps);
#else
m = beta1 * m + c1 * turned;
v = beta2 * v + c2 * (turned * turned);
s = beta3 * s + c3 * turned;
#endif
#endif
