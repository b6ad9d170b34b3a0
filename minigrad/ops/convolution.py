"""Convolution over any number of dimensions, as one product of matrices.

    y[n, o, i] = sum over c, k of x[n, c, i * stride + k * dilation - padding] * w[o, c, k]

Shapes: x (N, C, *sizes), w (O, C / groups, *kernel), y (N, O, *outs). This map is linear in x and in w, so three ops
are closed under differentiation: convolve, its adjoint in x (which is transposed convolution), and its adjoint in w.
Each takes the same Geometry, and each one's vjps are the other two.

Inside, channels come last: then what one output sees of an image are rows that lie together, and to gather them
("im2col") costs little. Loops run over positions of the kernel, never over examples or pixels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import backend_of
from ..dispatch import house_op as op
from .geometry import Geometry, Sizes
from .reduce import back_to, wide

def _last(x: Any) -> Any:
    """(N, C, ...) as (N, ..., C)."""
    return x.transpose(0, *range(2, x.ndim), 1)


def _first(x: Any) -> Any:
    """(N, ..., C) as (N, C, ...), in memory as well: so results can be viewed in another shape, as everyone expects."""
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1)).copy()


def _padded(x: Any, at: Geometry) -> Any:
    """(N, C, *sizes) with its zeros around it, channels last."""
    x = _last(x)
    if at.padded == at.sizes:
        return x.copy()
    whole = backend_of(x).xp.zeros((x.shape[0], *at.padded, x.shape[-1]), dtype=x.dtype)
    whole[(slice(None), *at.inner)] = x
    return whole


def _windows(whole: Any, at: Geometry) -> Any:
    """What each output sees of a padded image: (N, *outs, *kernel, C), a view."""
    along = whole.strides[1:-1]
    strides = (
        whole.strides[0], *(a * s for a, s in zip(along, at.stride)), *(a * d for a, d in zip(along, at.dilation)),
        whole.strides[-1],
    )  # fmt: skip
    shape = (whole.shape[0], *at.outs, *at.kernel, whole.shape[-1])
    return backend_of(whole).xp.lib.stride_tricks.as_strided(whole, shape, strides)


def _columns(x: Any, at: Geometry) -> Any:
    """The windows as rows of a matrix for each group: (groups, N * outs, kernel * C / groups)."""
    windows = _windows(_padded(x, at), at)
    n, channels = math.prod(windows.shape[: 1 + len(at.outs)]), windows.shape[-1] // at.groups
    seen = math.prod(at.kernel)
    if at.groups == 1:
        return windows.reshape((1, n, seen * channels))
    grouped = windows.reshape((n, seen, at.groups, channels))
    return grouped.transpose(2, 0, 1, 3).reshape((at.groups, n, seen * channels))


def _matrices(w: Any, at: Geometry) -> Any:
    """The kernels as (groups, kernel * C / groups, O / groups), in the order of the columns."""
    o, channels = w.shape[0] // at.groups, w.shape[1]
    w = w.reshape((at.groups, o, channels, math.prod(at.kernel)))
    return w.transpose(0, 3, 2, 1).reshape((at.groups, -1, o))


def _grouped_rows(g: Any, at: Geometry) -> Any:
    """(N, O, *outs) as (groups, N * outs, O / groups)."""
    rows = _last(g).reshape((-1, g.shape[1])) if g.size else g.reshape((0, g.shape[1]))
    if at.groups == 1:
        return rows[None]
    return rows.reshape((rows.shape[0], at.groups, -1)).transpose(1, 0, 2)


def _times(a: Any, b: Any) -> Any:
    """Products for each group; for one group a plain product, which is cheaper to call."""
    return a[0].dot(b[0])[None] if a.shape[0] == 1 else np.matmul(a, b)


def _ungrouped(y: Any, n: int, spatial: Sizes) -> Any:
    """(groups, N * spatial, F) as (N, groups * F, *spatial)."""
    features = y.shape[0] * y.shape[2]
    rows = y[0] if y.shape[0] == 1 else y.transpose(1, 0, 2)
    return _first(rows.reshape((n, *spatial, features)))


def _convolve(x: Any, w: Any, b: Any, *, at: Geometry) -> Any:
    y = _times(_columns(wide(x), at), _matrices(wide(w), at))
    if b is not None:
        y += b.reshape((at.groups, 1, -1))
    return back_to(x.dtype, _ungrouped(y, x.shape[0], at.outs))


def _spread(g: Any, w: Any, *, at: Geometry) -> Any:
    """The adjoint in x: each output's gradient goes to all pixels that it saw."""
    n, channels, groups = g.shape[0], w.shape[1], at.groups
    taps = wide(w).reshape((groups, w.shape[0] // groups, channels, -1)).transpose(3, 0, 1, 2)
    by_position = np.matmul(_grouped_rows(wide(g), at), taps.copy())  # (kernel, groups, N * outs, C / groups)
    whole = backend_of(g).xp.zeros((n, *at.padded, groups * channels), dtype=by_position.dtype)
    for window, met in zip(at.windows(), by_position):
        seen = whole[(slice(None), *window)]
        seen += (met if groups == 1 else met.swapaxes(0, 1)).reshape(seen.shape)
    return back_to(g.dtype, _first(whole[(slice(None), *at.inner)]))


def _correlate(g: Any, x: Any, *, at: Geometry) -> Any:
    """The adjoint in w: for each weight, the sum over all pairs of output and pixel that it joined."""
    columns = _columns(wide(x), at)
    w = _times(columns.swapaxes(1, 2), _grouped_rows(wide(g), at))  # (groups, kernel * C / groups, O / groups)
    channels, o = x.shape[1] // at.groups, w.shape[2]
    w = w.reshape((at.groups, math.prod(at.kernel), channels, o)).transpose(0, 3, 2, 1)
    return back_to(g.dtype, w.reshape((at.groups * o, channels, *at.kernel)))


def _bias_vjp(g: Any, _y: Any, _x: Any, _w: Any, _b: Any, *, at: Geometry) -> Any:
    return back_to(g.dtype, np.add.reduce(wide(g), axis=(0, *range(2, g.ndim))))


convolve_op = op(
    _convolve, lambda g, _y, _x, w, _b, *, at: spread_op(g, w, at=at),
    lambda g, _y, x, _w, _b, *, at: correlate_op(g, x, at=at), _bias_vjp,
    name="convolve",
)
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
