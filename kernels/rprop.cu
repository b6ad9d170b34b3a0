// Rprop (Riedmiller & Braun 1993), in the variants of Igel & Huesken 2000 ("Improving the Rprop learning algorithm",
// algorithms 1 to 4). Each weight has a size of step of its own; of the gradient only the sign counts:
//     size = size grow where g prev > 0, size shrink where g prev < 0, kept in [smallest, largest]
//     p = p - sign(g) size
// and where the sign has changed (g prev < 0) the variants differ. Rprop-: nothing more. iRprop-: forget, g = 0, so the
// weight rests, and the size is left alone in the next step. Rprop+: forget and back, which takes back the last step
// (it was -sign(prev) times the size from before this step). iRprop+: the same, but back only if the loss rose.
// Flags: first, where size starts as lr; maximize; forget; back. sign(g) prev never underflows, as g prev would.
// rprop(g | p, prev, size | lr, shrink, grow, smallest, largest)      inputs | updated in place | scalars
T d = g;
#if maximize
d = -d;
#endif
#if first
prev = 0.0;
size = lr;
#endif
T turn = sign(d) * prev;
#if back
p += where(turn < 0.0, sign(prev) * size, 0.0);
#endif
size = minimum(maximum(size * where(turn > 0.0, grow, where(turn < 0.0, shrink, 1.0)), smallest), largest);
#if forget
d = where(turn < 0.0, 0.0, d);
#endif
p -= sign(d) * size;
prev = d;
