// RMSprop (Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6.5):
//     square = alpha square + (1 - alpha) g g,  p = p - lr g / (sqrt(square) + eps)
// Flags, which may be combined: centered, which takes the square of the mean gradient off `square`, so that a variance
// is left; eps_inside, root = sqrt(square + eps); momentum, v = momentum v + g / root and p = p - lr v; with momentum
// also lr_inside, v = momentum v - lr g / root and p = p + v; maximize; weight_decay. Centered with momentum, and lr and
// eps inside, is Graves 2013 ("Generating sequences with recurrent neural networks", equations 38 to 41).
// The host passes fresh = 1 - alpha. Rounding may leave a variance below zero, which is taken as zero.
// rmsprop(g | p, square, mean, v | lr, fresh, eps, momentum, weight_decay)      inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
square += fresh * (d * d - square);
T spread = square;
#if centered
mean += fresh * (d - mean);
spread = maximum(square - mean * mean, 0.0);
#endif
#if eps_inside
T root = sqrt(spread + eps);
#else
T root = sqrt(spread) + eps;
#endif
#if momentum
#if lr_inside
v = momentum * v - lr * d / root;
p += v;
#else
v = momentum * v + d / root;
p -= lr * v;
#endif
#else
p -= lr * d / root;
#endif
