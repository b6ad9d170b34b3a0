// Aggregated momentum (Lucas, Sun, Zemel & Grosse 2019, "Aggregated momentum: stability through passive damping",
// equation 4): several velocities, each with a damping of its own, of which the mean moves the parameters,
//     v_i = beta_i v_i - g,  p = p + lr (v_1 + ... + v_K) / K
// The host runs the text once for each velocity, as v, with rate = lr / K, after once making d of the gradient (flag
// begin). Flags: begin, and with it maximize and weight_decay, which adds weight_decay p to the gradient.
// aggmo(g | p, v, d | beta, rate, weight_decay)                   inputs | updated in place | scalars
#if begin
d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#else
v = beta * v - d;
p += rate * v;
#endif
