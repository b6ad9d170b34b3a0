// ADOPT (Taniguchi et al. 2024, "ADOPT: modified Adam can converge with any beta2 with the optimal rate", algorithm 2):
// the gradient is divided by the root of the v from before it, and only then averaged,
//     n = g / max(sqrt(v), eps), cut to [-t^(1/4), t^(1/4)] or the like,  m = beta1 m + (1 - beta1) n
//     p = p - lr m,  v = beta2 v + (1 - beta2) g g
// At the first step v = g g, and nothing else happens. The host passes c1 = 1 - beta1, c2 = 1 - beta2, and the bounds as
// least and most. Flags: first; maximize; clip; weight_decay, which adds weight_decay p to the gradient; decoupled, which
// shrinks p itself, by decay = lr times weight decay.
// adopt(g | p, m, v | lr, c1, c2, eps, least, most, weight_decay, decay)  inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#if first
v = d * d;
#else
#if decoupled
p -= decay * p;
#endif
T n = d / maximum(sqrt(v), eps);
#if clip
n = minimum(maximum(n, least), most);
#endif
m += c1 * (n - m);
v += c2 * (d * d - v);
p -= lr * m;
#endif
