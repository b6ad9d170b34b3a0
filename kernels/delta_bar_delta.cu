// Delta-bar-delta (Jacobs 1988, "Increased rates of convergence through learning rate adaptation", section 4):
//     rate = rate + kappa where bar g > 0, rate (1 - phi) where bar g < 0
//     p = p - rate g,  bar = (1 - theta) g + theta bar
// with bar, the mean of the gradients so far, as it was before this step. The host passes keep = 1 - phi and
// fresh = 1 - theta. Flags: first, where rate starts as lr and bar as nothing; maximize; weight_decay.
// delta_bar_delta(g | p, rate, bar | lr, kappa, keep, theta, fresh, weight_decay)      inputs | updated | scalars
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#if first
rate = lr;
bar = fresh * d;
#else
T agree = sign(d) * bar;
rate = where(agree > 0.0, rate + kappa, where(agree < 0.0, rate * keep, rate));
bar = fresh * d + theta * bar;
#endif
p -= rate * d;
