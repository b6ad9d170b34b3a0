// Lookahead (Zhang, Lucas, Hinton & Ba 2019, "Lookahead optimizer: k steps forward, 1 step back", algorithm 1): after k
// steps of another rule, the slow weights go a part of the way to where it led, and the parameters begin again there:
//     slow = slow + alpha (p - slow),  p = slow
// The host passes alpha.
// lookahead( | p, slow | alpha)                                   inputs | updated in place | scalars
slow += alpha * (p - slow);
p = slow;
