"""Fused losses: one node where the plain composition of ops would leave half a dozen.

Classes are dimension 1 of (N, C, d1, ...), or dimension 0 of (C,), as in PyTorch. `own` says where in the flattened
input each example's own class is, and has the target's shape. `weight` is what each example counts: an array of that
shape, 0 where the target is ignored, or one number for all. Under `total` the result is the sum.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Sequence

import numpy as np

from ..backend import backend_of, dtypes
from ..dispatch import house_op as op
from .reduce import back_to, log_softmax_of, sum_op, wide
from .shape import zeros_shaped


def own_class(labels: Any, shape: tuple[int, ...]) -> Any:
    """Where in a flattened array of `shape` each example's label is; the labels must be in range."""
    xp = backend_of(labels).xp
    axis = class_axis(len(shape))
    step = math.prod(shape[axis + 1 :])
    first = xp.asarray(first_classes(shape[:axis], shape[axis], step))
    return xp.asarray(first.reshape(labels.shape) + (labels if step == 1 else labels * step))


@lru_cache(maxsize=64)
def first_classes(batch: tuple[int, ...], classes: int, step: int = 1) -> np.ndarray:
    """Where class 0 of each example is: examples of a batch are classes * step apart, its positions d1, ... 1 apart."""
    first = np.arange(math.prod(batch))[:, None] * (classes * step) + np.arange(step)
    first = first.astype(dtypes.int64).reshape(-1)
    first.flags.writeable = False
    return first


def class_axis(ndim: int) -> int:
    """The dimension of classes: 1 of (N, C, ...), 0 of (C,)."""
    return 1 if ndim > 1 else 0


take_class = op(
    lambda x, own: x.reshape(-1)[own], lambda g, _y, _x, own: put_at_class(g, own, shape=_x.shape), None,
    name="take_class",
)


def _put_at_class(values: Any, own: Any, *, shape: tuple[int, ...]) -> Any:
    whole = zeros_shaped(shape, values)
    whole.reshape(-1)[own] = values
    return whole


put_at_class = op(_put_at_class, lambda g, _y, _values, own, *, shape: take_class(g, own), None, name="put_at_class")


def _less_at_class(x: Any, values: Any, own: Any) -> Any:
    y = x.copy()
    y.reshape(-1)[own] -= values
    return y


less_at_class = op(
    _less_at_class, lambda g, _y, _x, _values, _own: g, lambda g, _y, _x, _values, own: -take_class(g, own), None,
    name="less_at_class",
)


def _weighted(losses: Any, weight: Any, total: bool) -> Any:
    """The losses, or their sum, in single precision if they are halves."""
    losses = wide(losses)
    if isinstance(weight, float):
        return np.add.reduce(losses, axis=None) * weight if total else losses * weight
    losses = np.where(weight != 0, losses * weight, 0)  # an ignored example may have an infinite loss
    return np.add.reduce(losses, axis=None) if total else losses


def _nll(logp: Any, own: Any, weight: Any, *, total: bool) -> Any:
    return back_to(logp.dtype, _weighted(-logp.reshape(-1)[own], weight, total))


nll_op = op(
    _nll,
    lambda g, _y, _logp, own, weight, *, total: put_at_class(
        back_to(g.dtype, -wide(g) * weight), own, shape=_logp.shape
    ),
    None, None,
    name="nll_loss",
)


def _cross_entropy(x: Any, own: Any, weight: Any, *, total: bool) -> tuple:
    """(the loss, the log-softmax): the second is hidden, and reused by the vjp."""
    if x.dtype == dtypes.float16:
        return tuple(y.astype(x.dtype) for y in _cross_entropy(wide(x), own, weight, total=total))
    logp = log_softmax_of(x, axis=class_axis(x.ndim))
    return _weighted(-logp.reshape(-1)[own], weight, total), logp


def _cross_entropy_joint(
    gs: Sequence[Any], ys: Any, _x: Any, own: Any, weight: Any, *, needs: Any, total: bool
) -> list:
    """Through the loss, weight * (softmax - onehot); through the hidden log-softmax, its own vjp."""
    g, g_logp = gs
    dtype, logp = ys[1].dtype, wide(ys[1])
    axis = class_axis(logp.ndim)
    p = np.exp(logp)
    gx = None
    if g is not None:
        g = wide(g) * weight
        gx = less_at_class(p * _with_class_axis(g, axis), g, own)
    if g_logp is not None:
        g_logp = wide(g_logp)
        through = g_logp - p * sum_op(g_logp, axis=(axis,), keep=True)
        gx = through if gx is None else gx + through
    return [None if gx is None else back_to(dtype, gx), None, None]


def _with_class_axis(g: Any, axis: int) -> Any:
    return g.reshape((*g.shape[:axis], 1, *g.shape[axis:])) if g.ndim else g


cross_entropy_op = op(_cross_entropy, joint=_cross_entropy_joint, name="cross_entropy", outputs=2, visible=1)


def _mse(a: Any, b: Any, *, total: bool, weight: float) -> Any:
    d = a - b
    if not total:
        return d * d
    return back_to(d.dtype, np.add.reduce(wide(d) * wide(d), axis=None) * weight)


def _mse_vjp(g: Any, a: Any, b: Any, weight: float) -> Any:
    return back_to(g.dtype, (wide(g) * (2 * weight)) * (a - b))


mse_op = op(
    _mse,
    lambda g, _y, a, b, *, total, weight: _mse_vjp(g, a, b, weight),
    lambda g, _y, a, b, *, total, weight: _mse_vjp(g, b, a, weight),
    name="mse_loss", cast="promote",
)


def _binary_cross_entropy(x: Any, y: Any) -> Any:
    return -(y * np.maximum(np.log(x), -100) + (1 - y) * np.maximum(np.log1p(-x), -100))


# The gradient in x is finite at 0 and 1: its denominator is at least 1e-12.
binary_cross_entropy_op = op(
    _binary_cross_entropy, lambda g, _y, x, y: g * ((x - y) / np.maximum(x * (1 - x), 1e-12)),
    lambda g, _y, x, _t: g * (np.maximum(np.log1p(-x), -100) - np.maximum(np.log(x), -100)),
    name="binary_cross_entropy", cast="promote",
)
x_log_x_op = op(  # 0 at 0
    lambda x: np.where(x == 0, 0, x * np.log(x)), lambda g, _y, x: g * (np.log(x) + 1), name="x_log_x", cast="float"
)
