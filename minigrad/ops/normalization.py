"""Normalising to mean 0 and variance 1, or to a root mean square of 1, and scaling each channel.

All layers of normalisation see their input as (N, C, L) and normalise each row of L, or, `across` the batch, each
channel over N and L. A variance is the mean of squared deviations, not E[x^2] - E[x]^2, which cancels.
"""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from ..dispatch import house_op as op
from .linalg import ones_for
from .reduce import back_to, sum_op, wide


def _sums(x: Any, across: bool) -> Any:
    """The sum of each channel (1, C, 1), or of each row (N, C, 1): as products with ones, a quarter of a reduction."""
    if hasattr(x, "face"):
        return sum_op(x, axis=(0, 2) if across else (2,), keep=True)
    n, c, length = x.shape
    if across:
        x, n = ones_for(n, x).dot(x.reshape((n, c * length))), 1
    return x.reshape((n * c, length)).dot(ones_for(length, x)).reshape((n, c, 1))


def _over(x: Any, across: bool) -> float:
    """One over the number of elements that a statistic is of; NaN of none."""
    count = x.shape[2] * (x.shape[0] if across else 1)
    return 1 / count if count else math.nan


def _standardize(x: Any, *, across: bool, eps: float, nan_past_range: bool = False) -> tuple:
    """((x - mean) / sqrt(var + eps), mean, var), the two in single precision if x is half.

    Where the variance overflows, 1 / inf makes zeros of all, or with nan_past_range NaN.
    """
    x, dtype = wide(x), x.dtype
    one_over = _over(x, across)
    mean = _sums(x, across) * one_over
    y = x - mean
    var = _sums(y * y, across) * one_over
    inverse = 1 / np.sqrt(var + eps)
    if nan_past_range:
        inverse += 0 * var
    y *= inverse
    return back_to(dtype, y), mean, var


def _standardize_joint(
    gs: Sequence[Any], ys: Sequence[Any], _x: Any, *, needs: Any, across: bool, eps: float, nan_past_range: bool = False
) -> list:
    g, g_mean, g_var = gs
    y, var, one_over = wide(ys[0]), ys[2], _over(_x, across)
    inverse = 1 / np.sqrt(var + eps)
    gx = None
    if g is not None:
        g = wide(g)
        gx = (g - _sums(g, across) * one_over - y * (_sums(g * y, across) * one_over)) * inverse
    for extra in (
        None if g_mean is None else g_mean * one_over,
        None if g_var is None else y * (g_var * (2 * one_over) / inverse),
    ):
        gx = extra if gx is None else gx if extra is None else gx + extra
    return [back_to(_x.dtype, gx)]


standardize_op = op(_standardize, joint=_standardize_joint, name="standardize", outputs=3)


def _by_rms(x: Any, *, eps: float) -> tuple:
    """(x / rms of its row, one over that rms)."""
    x, dtype = wide(x), x.dtype
    inverse = 1 / np.sqrt(_sums(x * x, False) * _over(x, False) + eps)
    return back_to(dtype, x * inverse), inverse


def _by_rms_joint(gs: Sequence[Any], ys: Sequence[Any], _x: Any, *, needs: Any, eps: float) -> list:
    g, g_inverse = gs
    y, inverse, one_over = wide(ys[0]), ys[1], _over(_x, False)
    gx = None
    if g is not None:
        g = wide(g)
        gx = (g - y * (_sums(g * y, False) * one_over)) * inverse
    if g_inverse is not None:
        through = y * (g_inverse * inverse * inverse * -one_over)
        gx = through if gx is None else gx + through
    return [back_to(_x.dtype, gx)]


by_rms_op = op(_by_rms, joint=_by_rms_joint, name="divide_by_rms", outputs=2, visible=1)


def _scale(x: Any, w: Any, b: Any) -> Any:
    y = x * w.reshape((1, -1, 1))
    if b is not None:
        y += b.reshape((1, -1, 1))
    return y


def _channel_sums(x: Any, like: Any) -> Any:
    return back_to(like.dtype, _sums(wide(x), True).reshape(like.shape))


# x (N, C, L) * w (C,) + b (C,)
scale_op = op(
    _scale, lambda g, _y, _x, w, _b: g * w.reshape((1, -1, 1)), lambda g, _y, x, _w, _b: _channel_sums(g * x, _w),
    lambda g, _y, _x, _w, _b: _channel_sums(g, _b),
    name="scale_channels",
)
