// A step of length t from the start of a line along its direction d, as L-BFGS and its line search take it.
// lbfgs(start, d | p | t)                                         inputs | updated in place | scalars
p = start + t * d;
