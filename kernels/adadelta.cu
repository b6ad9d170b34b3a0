// Adadelta (Zeiler 2012, "ADADELTA: an adaptive learning rate method", algorithm 1):
//     square = rho square + (1 - rho) g g
//     change = -sqrt(moved + eps) / sqrt(square + eps) g
//     moved = rho moved + (1 - rho) change change,  p = p + lr change
// where the paper has lr = 1. The host passes fresh = 1 - rho. Flags: maximize, weight_decay.
// adadelta(g | p, square, moved | lr, rho, fresh, eps, weight_decay)      inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
square = rho * square + fresh * (d * d);
T change = sqrt(moved + eps) / sqrt(square + eps) * d;
moved = rho * moved + fresh * (change * change);
p -= lr * change;
