// Stochastic gradient descent with momentum, in PyTorch's form (torch.optim.SGD):
//     d = g + weight_decay p
//     buf = momentum buf + (1 - dampening) d, but buf = d at the first step
//     p = p - lr buf, or with nesterov p - lr (d + momentum buf)
// after Polyak 1964 and Sutskever, Martens, Dahl and Hinton 2013 ("On the importance of initialization and momentum in
// deep learning", section 2), whose velocity contains the learning rate where this one does not. The host passes
// fresh = 1 - dampening. Flags: maximize, weight_decay, momentum, and with momentum: first, dampening, nesterov.
// sgd(g | p, buf | lr, weight_decay, momentum, fresh)          inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#if momentum
#if first
buf = d;
#else
#if dampening
buf = momentum * buf + fresh * d;
#else
buf = momentum * buf + d;
#endif
#endif
#if nesterov
d += momentum * buf;
#else
d = buf;
#endif
#endif
p -= lr * d;
