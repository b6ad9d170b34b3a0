// Schedule-free AdamW (Defazio et al. 2024, "The road less scheduled", algorithm 1): as schedule_free_sgd.cu, along
//     v = beta2 v + (1 - beta2) g g,  u = g / (sqrt(v / b2) + epsilon) + weight_decay y
// in place of g, with b2 = 1 - beta2^t. The host passes share and pull as there, c2 = 1 - beta2, root = sqrt(b2),
// eps = epsilon sqrt(b2) and weight_decay. Flags: first, where z is p; maximize; decoupled, with the term
// weight_decay y; switch_place.
// schedule_free_adamw(g | p, z, v | lr, share, pull, c2, root, eps, weight_decay) inputs | updated in place | scalars
#if switch_place
p += share * (z - p);
#else
T d = g;
#if maximize
d = -d;
#endif
#if first
z = p;
#endif
v += c2 * (d * d - v);
T u = root * d / (sqrt(v) + eps);
#if decoupled
u += weight_decay * p;
#endif
p += share * (z - p);
p -= pull * u;
z -= lr * u;
#endif
