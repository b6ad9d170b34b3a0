"""Pooling: the largest value, or the sum, of what each window sees.

Shapes: x (N, C, *sizes), y (N, C, *outs). Loops run over positions in a window; each position is a view of the padded
image with one pixel for each output. The largest is found together with its place, as the number of the pixel in its
image, counted row by row; to take pixels by number and to put them back are two ops that are each other's vjp, and so
are summing windows and spreading over them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Sequence

import numpy as np

from ..backend import backend_of, dtypes
from ..dispatch import house_op as op
from .geometry import Geometry
from .layout import padded_pixels_first, put_pixels_last
from .reduce import back_to, wide
from .shape import zeros_shaped


def _padded(x: Any, at: Geometry, value: float) -> Any:
    if at.padded == at.sizes:
        return x
    whole = backend_of(x).xp.full((*x.shape[:2], *at.padded), value, dtype=x.dtype)
    whole[(..., *at.inner)] = x
    return whole


# -------------------------------------------------------------------------------------------------------- the largest


def _max_pool(x: Any, *, at: Geometry, find: bool) -> tuple:
    """(the largest, the number of its pixel, or nothing unless `find`).

    By one dimension after the other, the last first: so pixels are met in the order of their numbers, and the number of
    the largest so far is the largest number so far.
    """
    if not find:
        return _largest(x, at), zeros_shaped((0,), x)
    y, number = padded_pixels_first(x, at, -math.inf), None
    for dim in reversed(range(len(at.sizes))):
        y, number = _largest_along(y, number, at, dim)
    return put_pixels_last(y), put_pixels_last(np.broadcast_to(number, y.shape)).astype(dtypes.int64)


def _largest(x: Any, at: Geometry) -> Any:
    """Without its place: a third of the work."""
    whole = _padded(x, at, -math.inf)
    first, *others = at.windows
    y = whole[(..., *first)].copy()
    for window in others:
        np.maximum(y, whole[(..., *window)], out=y)
    return y


def _largest_along(x: Any, number: Any, at: Geometry, dim: int) -> tuple[Any, Any]:
    """The first of equal ones, and the last of NaNs, as in PyTorch; numbers may have ones for dimensions."""
    lines = backend_of(x).xp.asarray(_first_pixels(at, dim))
    numbers = lines if number is None else number + lines
    first, *others = [(slice(None),) * dim + (cut,) for cut in at.along(dim)]
    y, number = x[first], numbers[first]
    for cut in others:
        rival = x[cut]
        better = (rival > y) | (rival != rival)
        number = np.maximum(number, better * numbers[cut])
        y = np.maximum(y, rival)
    return y, number


@lru_cache(maxsize=512)
def _first_pixels(at: Geometry, dim: int) -> np.ndarray:
    """The number of the first pixel of each padded line across `dim`, to go with arrays (*padded, N, C).

    A line before the image has that of the first line inside that its windows see: where these see nothing but -inf,
    which the padding is as well, it is this line that counts.
    """
    (low, _), n, dims = at.padding[dim], at.padded[dim], len(at.sizes)
    lines = np.arange(-low, n - low, dtype=dtypes.int32)
    lines = np.where(lines < 0, lines % at.dilation[dim], lines) * math.prod(at.sizes[dim + 1 :])
    lines = lines.reshape((1,) * dim + (n,) + (1,) * (dims - dim + 1))
    lines.flags.writeable = False
    return lines


def _max_pool_joint(gs: Sequence[Any], ys: Sequence[Any], _x: Any, *, needs: Any, at: Geometry, find: bool) -> list:
    return [put_pixels_op(gs[0], ys[1], shape=_x.shape)]


def _places(number: Any, shape: tuple[int, ...]) -> Any:
    """Where pixels (N, C, *outs), given by their numbers, are in a flattened array of `shape`."""
    n, channels, *sizes = shape
    images = backend_of(number).xp.arange(n * channels).reshape((n, channels) + (1,) * (number.ndim - 2))
    return (number + images * math.prod(sizes)).reshape(-1)


def _take_pixels(x: Any, number: Any) -> Any:
    return x.reshape(-1)[_places(number, x.shape)].reshape(number.shape)


def _put_pixels(g: Any, number: Any, *, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with g added at those pixels; windows that overlap may add to one."""
    whole = zeros_shaped((math.prod(shape),), wide(g))
    backend_of(g).scatter_add(whole, _places(number, shape), wide(g).reshape(-1))
    return back_to(g.dtype, whole.reshape(shape))


# With one visible output it is a node of its own; to return both takes one more for each.
max_pool_op = op(_max_pool, joint=_max_pool_joint, name="max_pool", outputs=2, visible=1)
max_pool_with_indices_op = op(_max_pool, joint=_max_pool_joint, name="max_pool_with_indices", outputs=2)
take_pixels_op = op(
    _take_pixels, lambda g, _y, _x, number: put_pixels_op(g, number, shape=_x.shape), None, name="take_pixels"
)
put_pixels_op = op(
    _put_pixels, lambda g, _y, _g, number, *, shape: take_pixels_op(g, number), None, name="put_pixels"
)

# --------------------------------------------------------------------------------------------------------- the sums


def _window_sums(x: Any, *, at: Geometry) -> Any:
    whole = _padded(wide(x), at, 0)
    first, *others = at.windows
    y = whole[(..., *first)].copy()
    for window in others:
        y += whole[(..., *window)]
    return back_to(x.dtype, y)


def _spread_windows(g: Any, *, at: Geometry) -> Any:
    """The adjoint: what each window gets, added up at all pixels that it sees."""
    whole = zeros_shaped((*g.shape[:2], *at.padded), wide(g))
    for window in at.windows:
        if at.apart:
            whole[(..., *window)] = g
        else:
            whole[(..., *window)] += wide(g)
    return back_to(g.dtype, whole if at.padded == at.sizes else whole[(..., *at.inner)].copy())


window_sums_op = op(_window_sums, lambda g, _y, _x, *, at: spread_windows_op(g, at=at), name="window_sums")
spread_windows_op = op(_spread_windows, lambda g, _y, _g, *, at: window_sums_op(g, at=at), name="spread_windows")
