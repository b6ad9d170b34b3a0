"""Activations beyond those in elementwise.py: rows that minigrad.nn.functional checks for and calls.

At a kink the gradient is PyTorch's choice. A NaN is a NaN in the result, and lets the gradient through: PyTorch does
that or cuts it off, according to where in memory the NaN is. Options are numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dispatch import house_op as op
from .elementwise import sigmoid
from .reduce import back_to, wide

# ------------------------------------------------------------------------------------------ straight pieces, with kinks


def _strictly_between(g: Any, x: Any, low: Any, high: Any) -> Any:
    """g where low < x < high, else 0, at the ends as well."""
    return np.where((x <= low) | (x >= high), 0, g)


hardtanh_op = op(
    lambda x, *, low, high: np.minimum(np.maximum(x, low), high),
    lambda g, _y, x, *, low, high: _strictly_between(g, x, low, high),
    name="hardtanh",
)
hardsigmoid_op = op(
    lambda x: np.minimum(np.maximum(x + 3, 0), 6) / 6,
    lambda g, _y, x: _strictly_between(g / 6, x, -3, 3),
    name="hardsigmoid",
)
hardswish_op = op(
    lambda x: x * (np.minimum(np.maximum(x + 3, 0), 6) / 6),
    lambda g, _y, x: np.where(x <= -3, 0, np.where(x < 3, g * (x / 3 + 0.5), g)),
    name="hardswish",
)
threshold_op = op(
    lambda x, *, threshold, value: np.where(x <= threshold, value, x),
    lambda g, _y, x, *, threshold, value: np.where(x <= threshold, 0, g),
    name="threshold",
)


def _beyond(g: Any, x: Any, limit: Any) -> Any:
    """g where |x| > limit, else 0."""
    return np.where(np.absolute(x) <= limit, 0, g)


softshrink_op = op(
    lambda x, *, limit: x - np.minimum(np.maximum(x, -limit), limit),
    lambda g, _y, x, *, limit: _beyond(g, x, limit),
    name="softshrink",
)
hardshrink_op = op(
    lambda x, *, limit: np.where(np.absolute(x) <= limit, 0, x),
    lambda g, _y, x, *, limit: _beyond(g, x, limit),
    name="hardshrink",
)
# The slopes w below 0 broadcast against x: learned ones in PReLU, random ones in RReLU.
prelu_op = op(
    lambda x, w: np.where(x > 0, x, x * w),
    lambda g, _y, x, w: np.where(x > 0, g, g * w),
    lambda g, _y, x, _w: np.where(x > 0, 0, g * x),
    name="prelu",
)

# -------------------------------------------------------------------------------------------------------------- smooth

# What makes mean 0 and variance 1 a fixed point. Klambauer, Unterthiner, Mayr and Hochreiter 2017.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

selu_op = op(
    lambda x: np.where(x > 0, x * SELU_SCALE, np.expm1(np.minimum(x, 0)) * (SELU_SCALE * SELU_ALPHA)),
    lambda g, _y, x: g * np.where(x > 0, SELU_SCALE, np.exp(np.minimum(x, 0)) * (SELU_SCALE * SELU_ALPHA)),
    name="selu",
)
celu_op = op(
    lambda x, *, alpha: np.where(x > 0, x, np.expm1(np.minimum(x, 0) / alpha) * alpha),
    lambda g, _y, x, *, alpha: np.where(x > 0, g, g * np.exp(np.minimum(x, 0) / alpha)),
    name="celu",
)
softsign_op = op(
    lambda x: x / (np.absolute(x) + 1), lambda g, _y, x: _per_square(g, np.absolute(x) + 1), name="softsign"
)
tanhshrink_op = op(lambda x: x - np.tanh(x), lambda g, _y, x: _times_square(g, np.tanh(x)), name="tanhshrink")


def _per_square(g: Any, d: Any) -> Any:
    return g / d / d  # d * d may overflow


def _times_square(g: Any, t: Any) -> Any:
    return g * (t * t)


def _mish_parts(x: Any) -> tuple[Any, Any, Any]:
    """(tanh(softplus(x)), how much it lacks to 1, sigmoid(x)), by one exponential that cannot overflow."""
    below = x < 0
    e = np.exp(np.where(below, x, -x))  # by -|x| the derivative at 0 would be lost
    part = np.where(below, e * (e + 2), e + e + 1)  # ((1 + exp(x))^2 - 1), times exp(-2 x) where x >= 0
    rest = np.where(below, 2, e * e * 2)
    whole = part + rest
    return part / whole, rest / whole, np.where(below, e, 1) / (e + 1)


def _mish(x: Any) -> Any:
    return back_to(x.dtype, wide(x) * _mish_parts(wide(x))[0])


def _mish_vjp(g: Any, _y: Any, x: Any) -> Any:
    t, lacking, s = _mish_parts(wide(x))
    return back_to(x.dtype, wide(g) * (t + wide(x) * (lacking * (t + 1) * s)))  # 1 - t^2 = (1 - t)(1 + t)


mish_op = op(_mish, _mish_vjp, name="mish")

# --------------------------------------------------------------------------------------------------------------- gates


def _halves(x: Any, axis: int) -> tuple[Any, Any]:
    before, n = (slice(None),) * axis, x.shape[axis] // 2
    return x[(*before, slice(0, n))], x[(*before, slice(n, None))]


def _glu(x: Any, *, axis: int) -> Any:
    a, b = _halves(x, axis)
    return a * sigmoid(b)


def _glu_vjp(g: Any, _y: Any, x: Any, *, axis: int) -> Any:
    a, b = _halves(x, axis)
    s = sigmoid(b)
    ga = g * s
    return np.concatenate([ga, ga * (a * (1 - s))], axis=axis)


glu_op = op(_glu, _glu_vjp, name="glu")
