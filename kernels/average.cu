// A running average of weights: of all points of the path alike (Polyak & Juditsky 1992, "Acceleration of stochastic
// approximation by averaging"; Izmailov et al. 2018, "Averaging weights leads to wider optima and better
// generalization", algorithm 1), with c = 1 / (n + 1) for the one after the first n; or an exponential moving average,
// with c = 1 - decay:
//     avg = avg + c (p - avg)
// average(p | avg | c)                                            inputs | updated in place | scalars
avg += c * (p - avg);
