// NovoGrad (Ginsburg et al. 2019, "Stochastic gradient methods with layer-wise adaptive moments for training of deep
// networks", algorithm 1):
//     m = beta1 m + g / (root + eps) + weight_decay p,  p = p - lr m
// with one mean square for the whole layer, of which the host takes the root, and passes scale = 1 / (root + eps).
// Flags: first, where m begins; maximize; decoupled, with the term weight_decay p.
// novograd(g | p, m | lr, beta1, scale, weight_decay)             inputs | updated in place | scalars
T d = scale * g;
#if maximize
d = -d;
#endif
#if decoupled
d += weight_decay * p;
#endif
#if first
m = d;
#else
m = beta1 * m + d;
#endif
p -= lr * m;
