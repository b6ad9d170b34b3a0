// LARS (You, Gitman & Ginsburg 2017, "Large batch training of convolutional networks", algorithm 1): momentum at a rate
// for each layer,
//     v = momentum v + lr rate (g + weight_decay p),  p = p - v,  rate = trust |p| / (|g| + weight_decay |p|)
// The host takes the norms and passes lr times the rate as lr; for a tiny gradient that is beyond single precision,
// though the step is not, and it passes a part of it as up, which is 1 otherwise. Flags: maximize; weight_decay.
// lars(g | p, v | lr, up, momentum, weight_decay)                 inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
v = momentum * v + lr * (up * d);
p -= v;
