"""Convolution over any number of dimensions, as one product of matrices.

    y[n, o, i] = sum over c, k of x[n, c, i * stride + k * dilation - padding] * w[o, c, k]

Shapes: x (N, C, *sizes), w (O, C / groups, *kernel), y (N, O, *outs). This map is linear in x and in w, so three ops
are closed under differentiation: convolve, its adjoint in x (which is transposed convolution), and its adjoint in w.
Each takes the same Geometry, and each one's vjps are the other two.

Inside, the batch comes last (layout.py). What each output sees is gathered to the columns of a matrix ("im2col"), and
gathered again for the gradient of w, which costs less than to keep a matrix nine times as large as x for a 3 x 3
kernel; it is made in bands of rows, and so stays of bounded size. Loops run over positions of the kernel and bands,
never over examples or pixels.
"""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from ..backend import backend_of
from ..dispatch import house_op as op
from .geometry import Band, Geometry
from .layout import batch_last_op, padded_batch_last, put_batch_first, put_batch_last
from .reduce import back_to, wide
from .shape import zeros_shaped

# How many numbers the columns may have: on a CPU what its cache holds, while a GPU wants large products.
_LIMIT_ON_HOST, _LIMIT_ON_DEVICE = 1 << 18, 1 << 26


def _bands(at: Geometry, channels: int, x: Any) -> tuple[Band, ...]:
    """Bands of rows whose columns have a bounded size, for C channels and as many images as (..., N) has."""
    limit = _LIMIT_ON_HOST if x.__class__ is np.ndarray else _LIMIT_ON_DEVICE
    return at.bands(channels * math.prod(at.kernel) * math.prod(at.outs[1:]) * x.shape[-1], limit)


def _columns(whole: Any, at: Geometry, band: Band) -> Any:
    """What each output of a band sees of a padded (C, *padded, N): (groups, C / groups * kernel, outs * N)."""
    channels, n = whole.shape[0], whole.shape[-1]
    shape = (at.groups, channels // at.groups * math.prod(at.kernel), math.prod(band.outs) * n)
    seen = whole[:, band.under]
    if at.pointwise:
        return seen.reshape(shape)
    columns = backend_of(whole).xp.empty((channels, len(band.windows), *band.outs, n), dtype=whole.dtype)
    for k, window in enumerate(band.windows):
        columns[:, k] = seen[(slice(None), *window)]
    return columns.reshape(shape)


def _matrices(w: Any, at: Geometry) -> Any:
    """The kernels as (groups, O / groups, C / groups * kernel)."""
    return w.reshape((at.groups, w.shape[0] // at.groups, math.prod(w.shape[1:])))


def _rows(y: Any, at: Geometry, band: Band) -> Any:
    """A band of (O, *outs, N) as (groups, O / groups, outs * N)."""
    return y[:, band.rows].reshape((at.groups, y.shape[0] // at.groups, math.prod(band.outs) * y.shape[-1]))


def _times(a: Any, b: Any) -> Any:
    """Products for each group; for one group a plain product, which is cheaper to call."""
    return a[0].dot(b[0])[None] if a.shape[0] == 1 else np.matmul(a, b)


def _by_channel(b: Any, ndim: int) -> Any:
    return b.reshape((b.shape[0],) + (1,) * (ndim - 1))


def _convolve(x: Any, w: Any, b: Any, *, at: Geometry) -> Any:
    if at.pointwise and at.groups == 1:
        y = _mixed(wide(x), wide(w).reshape(w.shape[:2]))
        if b is not None:
            y += _by_channel(b, x.ndim - 1)
        return back_to(x.dtype, y)
    whole, matrices = padded_batch_last(wide(x), at), _matrices(wide(w), at)
    shape = (w.shape[0], *at.outs, x.shape[0])
    bands = _bands(at, x.shape[1], whole)
    if len(bands) == 1:
        y = _times(matrices, _columns(whole, at, bands[0])).reshape(shape)
    else:
        y = backend_of(whole).xp.empty(shape, dtype=whole.dtype)
        for band in bands:
            part = _times(matrices, _columns(whole, at, band))
            y[:, band.rows] = part.reshape((w.shape[0], *band.outs, x.shape[0]))
    if b is not None:
        y += _by_channel(b, x.ndim)
    return back_to(x.dtype, put_batch_first(y))


def _mixed(x: Any, matrix: Any) -> Any:
    """A kernel of one pixel: the channels of each pixel times a matrix, with nothing gathered."""
    pixels = x.reshape((*x.shape[:2], math.prod(x.shape[2:])))
    return np.matmul(matrix, pixels).reshape((x.shape[0], matrix.shape[0], *x.shape[2:]))


def _spread(g: Any, w: Any, *, at: Geometry) -> Any:
    """The adjoint in x: each output's gradient goes to all pixels that it saw."""
    if at.pointwise and at.groups == 1:
        return back_to(g.dtype, _mixed(wide(g), wide(w).reshape(w.shape[:2]).T))
    channels = w.shape[1] * at.groups
    # To gather what a pixel gets costs less than to add it up there.
    if at.reverse is not None and w.shape[0] <= 4 * channels:
        return _convolve(g, _reversed(w, at), None, at=at.reverse)
    y, matrices, n = put_batch_last(wide(g)), _matrices(wide(w), at).swapaxes(1, 2), g.shape[0]
    whole = zeros_shaped((channels, *at.padded, n), y)
    for band in _bands(at, channels, y):
        columns = _times(matrices, _rows(y, at, band)).reshape((channels, len(band.windows), *band.outs, n))
        seen = whole[:, band.under]
        for k, window in enumerate(band.windows):
            seen[(slice(None), *window)] += columns[:, k]
    return back_to(g.dtype, put_batch_first(whole[(slice(None), *at.inner)]))


def _reversed(w: Any, at: Geometry) -> Any:
    """(O, C / groups, *kernel) as (C, O / groups, *kernel), each kernel back to front."""
    o, channels = w.shape[0] // at.groups, w.shape[1]
    w = w[(..., *(slice(None, None, -1),) * len(at.kernel))].reshape((at.groups, o, channels, *at.kernel))
    return w.swapaxes(1, 2).reshape((at.groups * channels, o, *at.kernel))


def _correlate(g: Any, x: Any, *, at: Geometry) -> Any:
    """The adjoint in w: for each weight, the sum over all pairs of output and pixel that it joined."""
    whole, y = padded_batch_last(wide(x), at), put_batch_last(wide(g))
    w: Any = 0  # (groups, C / groups * kernel, O / groups): this way round the long side is the product's first
    for band in _bands(at, x.shape[1], whole):
        w = w + _times(_columns(whole, at, band), _rows(y, at, band).swapaxes(1, 2))
    return back_to(g.dtype, w.swapaxes(1, 2).reshape((g.shape[1], x.shape[1] // at.groups, *at.kernel)))


def _convolve_joint(
    g: Any, _y: Any, x: Any, w: Any, _b: Any, *, needs: Sequence[bool], at: Geometry
) -> list:
    if not (at.pointwise and at.groups == 1):
        g = batch_last_op(g)
    return [
        spread_op(g, w, at=at) if needs[0] else None,
        correlate_op(g, x, at=at) if needs[1] else None,
        back_to(g.dtype, np.add.reduce(wide(g), axis=(0, *range(2, g.ndim)))) if needs[2] else None,
    ]


convolve_op = op(_convolve, joint=_convolve_joint, name="convolve")
spread_op = op(
    _spread, lambda g, _y, _g, w, *, at: convolve_op(g, w, None, at=at),
    lambda g, _y, upstream, _w, *, at: correlate_op(upstream, g, at=at),
    name="convolve_adjoint",
)
correlate_op = op(
    _correlate, lambda g, _y, _g, x, *, at: convolve_op(x, g, None, at=at),
    lambda g, _y, upstream, _x, *, at: spread_op(upstream, g, at=at),
    name="convolve_weight_adjoint",
)
