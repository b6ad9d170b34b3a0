// SignSGD and Signum (Bernstein, Wang, Azizzadenesheli & Anandkumar 2018, "signSGD: compressed optimisation for
// non-convex problems", algorithms 1 and 2):
//     p = p - lr sign(g), or with momentum  m = momentum m + (1 - momentum) g,  p = p - lr sign(m)
// The host passes c = 1 - momentum and decay = lr times weight decay. Flags: momentum; maximize; decoupled, with
// p = p - decay p before the step.
// signum(g | p, m | lr, c, decay)                                 inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if decoupled
p -= decay * p;
#endif
#if momentum
m += c * (d - m);
d = m;
#endif
p -= lr * sign(d);
