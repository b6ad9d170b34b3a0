// Descent with the learning rate inside the velocity (Sutskever, Martens, Dahl & Hinton 2013, "On the importance of
// initialization and momentum in deep learning", section 2, equations 1 and 2):
//     v = momentum v - lr g,  p = p + v
// and Nesterov's accelerated gradient (equations 3 and 4), which is the same with g taken at p + momentum v. Under the
// flag jump this text goes there, and does no more. Flags: jump, maximize, weight_decay, and with weight_decay: ahead,
// which takes the decay, too, where the gradient was taken.
// momentum_sgd(g | p, v | lr, momentum, weight_decay)          inputs | updated in place | scalars
#if jump
p += momentum * v;
#else
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
#if ahead
d += weight_decay * (p + momentum * v);
#else
d += weight_decay * p;
#endif
#endif
v = momentum * v - lr * d;
p += v;
#endif
