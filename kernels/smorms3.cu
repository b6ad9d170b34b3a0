// SMORMS3 (Funk 2015, "RMSprop loses to SMORMS3 - beware the epsilon!"): means of g and g g over a memory that each
// weight has for itself, and that a clear gradient shortens:
//     r = 1 / (memory + 1),  mean = (1 - r) mean + r g,  square = (1 - r) square + r g g
//     x = mean mean / (square + eps),  p = p - g min(lr, x) / (sqrt(square) + eps),  memory = 1 + memory (1 - x)
// Flags: first, where memory starts as 1; maximize; weight_decay, which adds weight_decay p to the gradient.
// smorms3(g | p, mean, square, memory | lr, eps, weight_decay)    inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#if first
memory = 1.0;
#endif
T length = memory + 1.0;
mean += (d - mean) / length;
square += (d * d - square) / length;
T x = mean * mean / (square + eps);
p -= d * minimum(x, lr) / (sqrt(square) + eps);
memory = 1.0 + memory * (1.0 - x);
