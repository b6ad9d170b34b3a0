// The elementwise halves of Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"), in
// PyTorch's form. The first half is momentum,
//     buf = momentum buf + (1 - momentum) g,  u = buf, or with nesterov g + momentum (buf - g)
// with c = 1 - momentum. The host then makes u orthogonal; with that u the second half (flag step) is
//     p = p - decay p - rate u, the middle term with the flag decoupled
// muon(g | p, buf, u | c, momentum, rate, decay)                  inputs | updated in place | scalars
#if step
#if decoupled
p -= decay * p;
#endif
p -= rate * u;
#else
buf += c * (g - buf);
#if nesterov
u = g + momentum * (buf - g);
#else
u = buf;
#endif
#endif
