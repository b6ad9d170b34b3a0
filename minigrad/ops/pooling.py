"""Pooling: the largest value, or the sum, of what each window sees.

Shapes: x (N, C, *sizes), y (N, C, *outs). A window is taken apart into the positions of its kernel; for each there is a
view of the padded image with one pixel for each output, so loops run over positions only, and overlapping windows need
no scattering. Which position was the largest is a hidden output; picking by it, and putting back there, are two ops that
are each other's vjp, and so are summing windows and spreading over them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import backend_of, dtypes
from ..dispatch import house_op as op
from .geometry import Geometry
from .reduce import back_to, wide


def _padded(x: Any, at: Geometry, value: float) -> Any:
    if at.padded == at.sizes:
        return x
    whole = backend_of(x).xp.full((*x.shape[:2], *at.padded), value, dtype=x.dtype)
    whole[(..., *at.inner)] = x
    return whole


def _views(x: Any, at: Geometry, value: float) -> list:
    """For each position of the kernel, the pixels that it meets: (N, C, *outs)."""
    whole = _padded(x, at, value)
    return [whole[(..., *window)] for window in at.windows()]


def _put(parts: Any, x_shape: tuple[int, ...], at: Geometry, like: Any) -> Any:
    """The adjoint of _views: what belongs to each position, added up at the pixels that it meets."""
    whole = backend_of(like).xp.zeros((*x_shape[:2], *at.padded), dtype=like.dtype)
    for window, part in zip(at.windows(), parts):
        whole[(..., *window)] += part
    return whole if at.padded == at.sizes else whole[(..., *at.inner)].copy()


def _max_pool(x: Any, *, at: Geometry) -> tuple:
    """(the largest values, which position of the kernel they came from); of equal ones the first, NaN above all."""
    views = _views(x, at, -math.inf)
    y = views[0].copy()
    which = backend_of(x).xp.zeros(y.shape, dtype=dtypes.int64)
    for k, view in enumerate(views[1:], start=1):
        larger = (view > y) | (view != view)
        y = np.where(larger, view, y)
        which = np.where(larger, k, which)
    return y, which


def _max_pool_joint(gs: Any, ys: Any, _x: Any, *, needs: Any, at: Geometry) -> list:
    return [drop_op(gs[0], ys[1], at=at)]


def _pick(x: Any, which: Any, *, at: Geometry) -> Any:
    """The pixels that won."""
    views = _views(x, at, 0)
    y = views[0]
    for k, view in enumerate(views[1:], start=1):
        y = np.where(which == k, view, y)
    return y


def _drop(g: Any, which: Any, *, at: Geometry) -> Any:
    """Each output's gradient, to the pixel that won."""
    parts = (np.where(which == k, wide(g), 0) for k in range(math.prod(at.kernel)))
    return back_to(g.dtype, _put(parts, (*g.shape[:2], *at.sizes), at, wide(g)))


def _window_sums(x: Any, *, at: Geometry) -> Any:
    views = _views(wide(x), at, 0)
    y = views[0].copy()
    for view in views[1:]:
        y += view
    return back_to(x.dtype, y)


def _spread_windows(g: Any, *, at: Geometry) -> Any:
    parts = (wide(g) for _ in at.windows())
    return back_to(g.dtype, _put(parts, (*g.shape[:2], *at.sizes), at, wide(g)))


max_pool_op = op(_max_pool, joint=_max_pool_joint, name="max_pool", outputs=2)
pick_op = op(_pick, lambda g, _y, _x, which, *, at: drop_op(g, which, at=at), None, name="max_pool_pick")
drop_op = op(_drop, lambda g, _y, _g, which, *, at: pick_op(g, which, at=at), None, name="max_pool_drop")
window_sums_op = op(_window_sums, lambda g, _y, _x, *, at: spread_windows_op(g, at=at), name="window_sums")
spread_windows_op = op(_spread_windows, lambda g, _y, _g, *, at: window_sums_op(g, at=at), name="spread_windows")
