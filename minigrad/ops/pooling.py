"""Pooling: the largest value, or the sum, of what each window sees.

Shapes: x (N, C, *sizes), y (N, C, *outs). A window is taken apart into the positions of its kernel; for each there is a
view of the padded image with one pixel for each output, so loops run over positions only, and overlapping windows need
no scattering. Picking what was the largest, and putting back there, are two ops that are each other's vjp, and so are
summing windows and spreading over them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import backend_of, dtypes
from ..dispatch import house_op as op
from .elementwise import where_kept
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


def _put(parts: Any, at: Geometry, like: Any) -> Any:
    """The adjoint of _views: what belongs to each position, added up at the pixels that it meets."""
    whole = backend_of(like).xp.zeros((*like.shape[:2], *at.padded), dtype=like.dtype)
    for window, part in zip(at.windows(), parts):
        if at.apart:
            whole[(..., *window)] = part
        else:
            whole[(..., *window)] += part
    return whole if at.padded == at.sizes else whole[(..., *at.inner)].copy()


def _max_pool(x: Any, *, at: Geometry) -> Any:
    views = _views(x, at, -math.inf)
    y = views[0].copy()
    for pixels in views[1:]:
        np.maximum(y, pixels, out=y)
    return y


def first_largest(x: Any, y: Any, at: Geometry) -> Any:
    """Which position of the kernel each output of max_pool came from: bools (kernel, N, C, *outs), one true each."""
    if hasattr(x, "face"):
        return x.face.of(_raw_first_largest(x.array, y.array, at), None)
    return _raw_first_largest(x, y, at)


def _raw_first_largest(x: Any, y: Any, at: Geometry) -> Any:
    xp = backend_of(x).xp
    nan_is_near = not isinstance(y, np.ndarray) or bool((y != y).any())
    won = xp.empty((math.prod(at.kernel), *y.shape), dtype=dtypes.bool_)
    free = xp.ones(y.shape, dtype=dtypes.bool_)
    for here, pixels in zip(won, _views(x, at, -math.inf)):
        np.equal(pixels, y, out=here)
        if nan_is_near:  # it is the largest of all, and equal to nothing
            here |= pixels != pixels
        here &= free
        free ^= here
    return won


def _pick(x: Any, won: Any, *, at: Geometry) -> Any:
    """The pixels that won."""
    y = None
    for here, pixels in zip(won, _views(x, at, 0)):
        y = where_kept(here, pixels) if y is None else y + where_kept(here, pixels)
    return y


def _drop(g: Any, won: Any, *, at: Geometry) -> Any:
    """Each output's gradient, to the pixel that won."""
    return back_to(g.dtype, _put((where_kept(here, wide(g)) for here in won), at, wide(g)))


def _window_sums(x: Any, *, at: Geometry) -> Any:
    views = _views(wide(x), at, 0)
    y = views[0].copy()
    for pixels in views[1:]:
        y += pixels
    return back_to(x.dtype, y)


def _spread_windows(g: Any, *, at: Geometry) -> Any:
    return back_to(g.dtype, _put((wide(g) for _ in at.windows()), at, wide(g)))


max_pool_op = op(
    _max_pool, lambda g, y, x, *, at: drop_op(g, first_largest(x, y, at), at=at), name="max_pool"
)
pick_op = op(_pick, lambda g, _y, _x, won, *, at: drop_op(g, won, at=at), None, name="max_pool_pick")
drop_op = op(_drop, lambda g, _y, _g, won, *, at: pick_op(g, won, at=at), None, name="max_pool_drop")
window_sums_op = op(_window_sums, lambda g, _y, _x, *, at: spread_windows_op(g, at=at), name="window_sums")
spread_windows_op = op(_spread_windows, lambda g, _y, _g, *, at: window_sums_op(g, at=at), name="spread_windows")
