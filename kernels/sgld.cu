// Stochastic gradient Langevin dynamics (Welling & Teh 2011, "Bayesian learning via stochastic gradient Langevin
// dynamics", equation 4, with lr for half their step size):
//     p = p - lr g + sqrt(2 lr temperature) noise
// The host draws the noise, standard normal, and passes the root as spread. Flags: maximize; weight_decay, which adds
// weight_decay p to the gradient.
// sgld(g, noise | p | lr, spread, weight_decay)                   inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
p += spread * noise - lr * d;
