// Adan (Xie, Zhou, Li, Lin & Yan 2022, "Adan: adaptive Nesterov momentum algorithm for faster optimizing deep models",
// algorithm 1), with the betas of the authors' code, which are 1 minus the paper's:
//     change = g - prev (0 at the first step),  m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) change
//     u = g + beta2 change,  n = beta3 n + (1 - beta3) u u
//     p = p - alpha (m / b1 + beta2 v / b2) / (sqrt(n / b3) + epsilon),  b_i = 1 - beta_i^t
// The host passes c1, c2, c3 = 1 - the betas, eps = epsilon sqrt(b3), and alpha sqrt(b3) times 1 / b1 and beta2 / b2 as
// mean and drift. Weight decay is proximal, p / (1 + alpha weight_decay) after the step: shrink is 1 / (1 + ...); with
// the flag decoupled it is p - decay p before it.
// Flags: first; maximize; proximal; decoupled.
// adan(g | p, m, v, n, prev | mean, drift, c1, c2, c3, beta2, eps, shrink, decay)     inputs | updated | scalars
T d = g;
#if maximize
d = -d;
#endif
#if decoupled
p -= decay * p;
#endif
m += c1 * (d - m);
#if first
n = c3 * (d * d);
p -= mean * m / (sqrt(n) + eps);
#else
T change = d - prev;
v += c2 * (change - v);
T u = d + beta2 * change;
n += c3 * (u * u - n);
p -= (mean * m + drift * v) / (sqrt(n) + eps);
#endif
#if proximal
p *= shrink;
#endif
prev = d;
