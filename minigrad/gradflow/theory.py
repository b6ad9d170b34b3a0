"""What mean-field theory predicts for a deep stack of random weights: how activations and gradients scale by the layer.

Poole et al. 2016, "Exponential expressivity in deep neural networks through transient chaos", and Schoenholz et al.
2017, "Deep information propagation": wide layers with independent weights have Gaussian pre-activations, of a variance
that each layer passes on to the next. Unlike Glorot's and He's rules it takes no activation for linear near 0.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import autograd
from ..nn import Activation
from ..tensor import Tensor

# The standard normal, by the trapezoidal rule: beyond 12 there is 1e-32 of it. An even count puts 0, where many
# activations have their kink, half-way between two points.
_POINTS = np.linspace(-12.0, 12.0, 2000)
_WEIGHTS = np.exp(-(_POINTS**2) / 2)
_WEIGHTS /= _WEIGHTS.sum()


class MeanField(NamedTuple):
    """For layers 1 to depth: the variance q of a pre-activation, and the backward gain |dL/dz_l| / |dL/dz_(l+1)|."""

    q: np.ndarray
    gain: np.ndarray


def mean_field(
    activation: Activation, scale: float, depth: int, bias: float = 0.0, input_square: float = 1.0
) -> MeanField:
    """q_(l+1) = s^2 E[phi(sqrt(q_l) x)^2] + b^2 and gain_l = s sqrt(E[phi'(sqrt(q_l) x)^2]), x standard normal.

    scale: s, where weights have variance s^2 / fan-in. bias: b, the standard deviation of biases. input_square: the
    mean square of the network's input, from which q_1 = s^2 * input_square + b^2.
    Raises TypeError for what is not an Activation, ValueError for a depth below 1 or a negative scale.
    """
    if not isinstance(activation, Activation):
        raise TypeError(f"mean_field takes an activation, such as nn.Tanh(), not {type(activation).__name__}")
    if depth < 1 or scale < 0:
        raise ValueError(f"mean_field: depth must be 1 or more and scale not negative, got {depth} and {scale}")
    q, gain = np.empty(depth), np.empty(depth)
    square = input_square
    for layer in range(depth):
        q[layer] = scale**2 * square + bias**2
        square, slope_square = moments(activation, q[layer])
        gain[layer] = scale * math.sqrt(slope_square)
    return MeanField(q, gain)


def moments(activation: Activation | None, q: Any) -> tuple[Any, Any]:
    """(E[phi^2], E[phi'^2]) at sqrt(q) x, for a number q or each of an array; of None, phi is the identity."""
    q = np.asarray(q, dtype=np.float64)
    if activation is None:
        return q, np.ones_like(q)
    with np.errstate(all="ignore"):
        z = Tensor(np.sqrt(q)[..., None] * _POINTS, requires_grad=True)
        a = activation.forward(z)
        (slope,) = autograd.grad(a.sum(), z)
        return a.array**2 @ _WEIGHTS, slope.array**2 @ _WEIGHTS
