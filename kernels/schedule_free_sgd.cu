// Schedule-free SGD (Defazio et al. 2024, "The road less scheduled", equations 2 to 4): descent at z, its average x, and
// between them the place y where gradients are taken, which is p while training:
//     z' = z - lr g,  x' = (1 - share) x + share z',  y' = (1 - beta) z' + beta x'
// of which x need not be kept. The host passes share, the new z's weight over all weights so far, and
// pull = lr (1 - beta (1 - share)). Under the flag switch_place the text goes from y to x or back, and does no more.
// Flags: first, where z is p; maximize; weight_decay, which adds weight_decay y to the gradient; switch_place.
// schedule_free_sgd(g | p, z | lr, share, pull, weight_decay)     inputs | updated in place | scalars
#if switch_place
p += share * (z - p);
#else
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#if first
z = p;
#endif
p += share * (z - p);
p -= pull * d;
z -= lr * d;
#endif
