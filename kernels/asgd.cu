// Averaged stochastic gradient descent (Polyak & Juditsky 1992, "Acceleration of stochastic approximation by
// averaging"), in the form of torch.optim.ASGD: with a rate eta that falls as the steps go by,
//     d = g + weight_decay p,  p = (1 - lambd eta) p - eta d,  ax = ax + mu (p - ax)
// The host passes rate = eta, decay = lambd eta and share = mu.
// Flags: maximize; weight_decay; averaging: without it ax is p.
// asgd(g | p, ax | rate, decay, share, weight_decay)              inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
p -= decay * p;
p -= rate * d;
#if averaging
ax += share * (p - ax);
#else
ax = p;
#endif
