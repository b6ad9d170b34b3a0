"""Images made larger or smaller."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend import dtypes
from ...tensor import Tensor
from .checks import check_number
from .spatial import batched, sizes_of

__all__ = ["interpolate", "upsample"]

_DIMS = {"nearest": (1, 2), "linear": (1,), "bilinear": (2,)}


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """(N, C, L) or (N, C, H, W) at another size: the nearest pixel, or "linear" and "bilinear" between neighbours.

    Give either size or scale_factor, each one number or one a dimension; floor(n * scale_factor) pixels come out.
    Pixel i lies at (i + 1/2) / scale - 1/2 of the input, held inside it, or, for linear modes with align_corners=True,
    where the outermost pixels of both meet. The nearest is floor(i / scale). As in PyTorch a dimension that keeps its
    size keeps its pixels, and the nearest pixels of images that come out twice as many are doubled, whatever the
    scale_factor was; of (N, C, L) the nearest goes by the scale_factor alone (there PyTorch's gradient does not).
    Raises ValueError for another mode, for shapes that do not fit it, or unless one of size and scale_factor is given.
    """
    if mode not in _DIMS:
        raise ValueError(f"interpolate: mode must be one of {', '.join(map(repr, _DIMS))}, not {mode!r}")
    dims = input.ndim - 2 if isinstance(input, Tensor) else 1
    if isinstance(input, Tensor) and dims not in _DIMS[mode]:
        raise ValueError(f"interpolate: mode {mode!r} does not go with an input of shape {input.shape}")
    if align_corners is not None and mode == "nearest":
        raise ValueError("interpolate: align_corners goes with the linear modes only")
    x, _ = batched("interpolate", input, dims)
    outs, scales = _target(x, dims, size, scale_factor)
    for dim, (m, scale) in enumerate(zip(outs, scales), start=2):
        n = x.shape[dim]
        if mode == "nearest":
            x = _nearest(x, dim, m, _scale_of_images(n, m, scale) if dims == 2 else scale)
        elif m != n:
            x = _linear(x, dim, m, scale, bool(align_corners))
    return x.clone() if x is input else x


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """interpolate, under its older name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def _target(x: Tensor, dims: int, size: Any, scale_factor: Any) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The sizes that come out, and for each dimension how many pixels of the input one of them is."""
    if (size is None) == (scale_factor is None):
        raise ValueError(f"interpolate: give either size or scale_factor, got {size!r} and {scale_factor!r}")
    if not min(x.shape[2:]):
        raise ValueError(f"interpolate: there are no pixels in an input of shape {x.shape}")
    if size is not None:
        outs = sizes_of("interpolate", "size", size, dims, 1)
        return outs, tuple(n / m for n, m in zip(x.shape[2:], outs))
    factors = factors_of("interpolate", scale_factor, dims)
    outs = tuple(math.floor(n * f) for n, f in zip(x.shape[2:], factors))
    if min(outs) < 1:
        raise ValueError(f"interpolate: scale_factor {scale_factor!r} leaves nothing of an input of shape {x.shape}")
    return outs, tuple(1 / f for f in factors)


def factors_of(name: str, scale_factor: Any, dims: int) -> tuple[float, ...]:
    """A number for each dimension, all above 0 and finite."""
    given = tuple(scale_factor) if hasattr(scale_factor, "__len__") else (scale_factor,) * dims
    factors = tuple(check_number(name, "scale_factor", f) for f in given)
    if len(factors) != dims or not all(0 < f < math.inf for f in factors):
        raise ValueError(f"{name}: scale_factor must be one number above 0, or {dims} of them, not {scale_factor!r}")
    return factors


def _scale_of_images(n: int, m: int, scale: float) -> float:
    return 1.0 if m == n else 0.5 if m == 2 * n else scale


def _nearest(x: Tensor, dim: int, m: int, scale: float) -> Tensor:
    # In single precision, as PyTorch rounds it.
    at = np.floor(np.arange(m, dtype=np.float32) * np.float32(scale)).astype(dtypes.int64)
    return x.index_select(dim, x.new_tensor(np.minimum(at, x.shape[dim] - 1), dtype=dtypes.int64))


def _linear(x: Tensor, dim: int, m: int, scale: float, align_corners: bool) -> Tensor:
    n = x.shape[dim]
    if align_corners:
        at = np.arange(m) * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        at = np.maximum((np.arange(m) + 0.5) * scale - 0.5, 0)
    low = np.minimum(np.floor(at).astype(dtypes.int64), n - 1)
    high = np.minimum(low + 1, n - 1)
    share = np.reshape(at - low, (m,) + (1,) * (x.ndim - dim - 1))
    left, right = (x.index_select(dim, x.new_tensor(i, dtype=dtypes.int64)) for i in (low, high))
    return left * x.new_tensor(1 - share, dtype=x.dtype) + right * x.new_tensor(share, dtype=x.dtype)
