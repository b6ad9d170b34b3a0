"""Images with the batch last in memory: (C, *sizes, N), or with the pixels first, (*sizes, N, C).

There, what one position of a kernel meets in all images lies in long runs, however small the images are: NumPy copies,
adds and compares such runs at the speed of memory, and rows of four pixels at a tenth of it. What ops hand out is
(N, C, *sizes), contiguous: so results can be viewed in another shape, as everyone expects.
"""

from __future__ import annotations

from typing import Any

from ..backend import backend_of
from ..dispatch import house_op as op
from .geometry import Geometry
from .shape import zeros_shaped


def put_batch_last(x: Any) -> Any:
    """(N, C, ...) as a contiguous (C, ..., N); not copied if it lies so already."""
    y = x.transpose((*range(1, x.ndim), 0))
    return y if y.flags.c_contiguous else y.copy()


def put_batch_first(y: Any) -> Any:
    """(C, ..., N) as a contiguous (N, C, ...), always a copy."""
    return _seen_batch_first(y).copy()


def _seen_batch_first(y: Any) -> Any:
    return y.transpose((y.ndim - 1, *range(y.ndim - 1)))


def padded_batch_last(x: Any, at: Geometry) -> Any:
    """(N, C, *sizes) as a contiguous (C, *padded, N), with zeros around each image."""
    if at.padded == at.sizes:
        return put_batch_last(x)
    whole = zeros_shaped((x.shape[1], *at.padded, x.shape[0]), x)
    whole[(slice(None), *at.inner)] = x.transpose((*range(1, x.ndim), 0))
    return whole


def padded_pixels_first(x: Any, at: Geometry, value: float) -> Any:
    """(N, C, *sizes) as a contiguous (*padded, N, C), with `value` around each image."""
    y = x.transpose((*range(2, x.ndim), 0, 1))
    if at.padded == at.sizes:
        return y.copy()
    whole = backend_of(x).xp.full((*at.padded, *x.shape[:2]), value, dtype=x.dtype)
    whole[at.inner] = y
    return whole


def put_pixels_last(y: Any) -> Any:
    """(*sizes, N, C) as a contiguous (N, C, *sizes)."""
    return y.transpose((y.ndim - 2, y.ndim - 1, *range(y.ndim - 2))).copy()


# The same numbers, laid out with the batch last: done once for several ops that would each do it for themselves.
batch_last_op = op(lambda x: _seen_batch_first(put_batch_last(x)), lambda g, _y, _x: g, name="batch_last")
