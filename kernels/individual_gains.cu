// Gradient descent with individual gains (Hinton, "Neural networks for machine learning", 2012, lecture 6d):
//     gain = gain + delta where the gradients agree, gain (1 - delta) where they do not, kept in [smallest, largest]
//     p = p - lr gain g
// They agree where g prev > 0, prev being the last gradient. With momentum, v = momentum v - lr gain g and p = p + v:
// the velocity stands for the last gradients and points against them, so they agree where g v < 0. At 0 the gain stays.
// The host passes keep = 1 - delta. Flags: first, where gain starts as 1; momentum; maximize; weight_decay.
// individual_gains(g | p, gain, prev, v | lr, delta, keep, smallest, largest, momentum, weight_decay)
T d = g;
#if maximize
d = -d;
#endif
#if weight_decay
d += weight_decay * p;
#endif
#if first
gain = 1.0;
#else
#if momentum
T agree = -(sign(d) * v);
#else
T agree = sign(d) * prev;
#endif
gain = where(agree > 0.0, gain + delta, where(agree < 0.0, gain * keep, gain));
gain = minimum(maximum(gain, smallest), largest);
#endif
#if momentum
v = momentum * v - lr * (gain * d);
p += v;
#else
prev = d;
p -= lr * (gain * d);
#endif
