"""Fused losses: one node where the plain composition of ops would leave half a dozen.

Classes are dimension 1 of (N, C, d1, ...), or dimension 0 of (C,), as in PyTorch. `weight` is what each example counts:
an array of the target's shape, 0 where the target is ignored, or one number for all. Under `total` the result is the sum.
"""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from ..autograd import op
from ..backend import backend_of
from ..backend.quiet import quiet
from .reduce import sum_op
from .shape import zeros_shaped


def _class_axis(ndim: int) -> int:
    return 1 if ndim > 1 else 0


def _own_class(target: Any, ndim: int) -> tuple:
    """The index that picks, for each example, its own class from an array of `ndim` dimensions."""
    xp = backend_of(target).xp
    if ndim == 2:
        return xp.arange(len(target)), target
    running = [xp.arange(n).reshape((-1,) + (1,) * (target.ndim - d - 1)) for d, n in enumerate(target.shape)]
    axis = _class_axis(ndim)
    return (*running[:axis], target, *running[axis:])


take_class = op(
    lambda x, target: x[_own_class(target, x.ndim)],
    lambda g, _y, _x, target: put_at_class(g, target, shape=_x.shape),
    None,
    name="take_class",
)


def _put_at_class(values: Any, target: Any, *, shape: tuple[int, ...]) -> Any:
    whole = zeros_shaped(shape, values)
    whole[_own_class(target, len(shape))] = values
    return whole


put_at_class = op(_put_at_class, lambda g, _y, _values, target, *, shape: take_class(g, target), None, name="put_at_class")


def _weighted(losses: Any, weight: Any, total: bool) -> Any:
    if isinstance(weight, float):
        return np.add.reduce(losses, axis=None) * weight if total else losses * weight
    losses = np.where(weight != 0, losses * weight, 0)  # an ignored example may have an infinite loss
    return np.add.reduce(losses, axis=None) if total else losses


@quiet
def _nll(logp: Any, target: Any, weight: Any, *, total: bool) -> Any:
    return _weighted(-logp[_own_class(target, logp.ndim)], weight, total)


nll_op = op(
    _nll,
    lambda g, _y, _logp, target, weight, *, total: put_at_class(-g * weight, target, shape=_logp.shape),
    None, None,
    name="nll_loss",
)


@quiet
def _cross_entropy(x: Any, target: Any, weight: Any, *, total: bool) -> tuple:
    """(the loss, the log-softmax): the second is hidden, and reused by the vjp."""
    axis = _class_axis(x.ndim)
    logp = x - backend_of(x).amax(x, axis=axis, keepdims=True)
    logp -= np.log(np.add.reduce(np.exp(logp), axis=axis, keepdims=True))
    return _weighted(-logp[_own_class(target, x.ndim)], weight, total), logp


def _cross_entropy_joint(gs: Sequence[Any], ys: Any, _x: Any, target: Any, weight: Any, *, needs: Any, total: bool) -> list:
    """Through the loss, weight * (softmax - onehot); through the hidden log-softmax, its own vjp."""
    g, g_logp = gs
    logp = ys[1]
    axis = _class_axis(logp.ndim)
    p = np.exp(logp)
    gx = None
    if g is not None:
        g = g * weight
        gx = p * _with_class_axis(g, axis) - put_at_class(g, target, shape=logp.shape)
    if g_logp is not None:
        through = g_logp - p * sum_op(g_logp, axis=(axis,), keep=True)
        gx = through if gx is None else gx + through
    return [gx, None, None]


def _with_class_axis(g: Any, axis: int) -> Any:
    return g.reshape((*g.shape[:axis], 1, *g.shape[axis:])) if g.ndim else g


cross_entropy_op = op(_cross_entropy, joint=_cross_entropy_joint, name="cross_entropy", outputs=2, visible=1)


def _mse(a: Any, b: Any, *, total: bool, weight: float) -> Any:
    d = a - b
    return np.add.reduce(d * d, axis=None) * weight if total else d * d


def _mse_vjp(g: Any, a: Any, b: Any, weight: float) -> Any:
    return (g * (2 * weight)) * (a - b)


mse_op = op(
    _mse,
    lambda g, _y, a, b, *, total, weight: _mse_vjp(g, a, b, weight),
    lambda g, _y, a, b, *, total, weight: _mse_vjp(g, b, a, weight),
    name="mse_loss", cast="promote",
)
