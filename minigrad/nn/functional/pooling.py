"""Pooling: the largest value or the mean of what each window sees."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ... import ops
from ...backend import dtypes
from ...gradmode import is_grad_enabled
from ...ops.geometry import Geometry, Sizes, geometry
from ...ops.pooling import max_pool_op, max_pool_with_indices_op, window_sums_op
from ...tensor import Tensor
from .checks import check_count
from .spatial import IntOrInts, batched, sizes_of

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d",
    "avg_pool2d", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices",
]  # fmt: skip


def max_pool1d(
    input: Tensor, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0,
    dilation: IntOrInts = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:
    """The largest value in each window, (N, C, L) or (C, L) to (N, C, L'); the first of equal ones has the gradient.

    A NaN is larger than all, and of several the last has the gradient, as in PyTorch.
    L' = floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, or ceil with ceil_mode, where a last
    window must begin inside the input or its left padding. stride: kernel_size by default. return_indices: (values,
    where each was in L). Raises ValueError for windows that do not fit, or padding above half of one.
    """
    return _max_pooled("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0,
    dilation: IntOrInts = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> Any:
    """As max_pool1d, for (N, C, H, W) or (C, H, W); options may be (h, w), and indices count the pixels row by row."""
    return _max_pooled("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0,
    dilation: IntOrInts = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """max_pool1d with return_indices=True, whatever `return_indices` says."""
    return _max_pooled("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0,
    dilation: IntOrInts = 1, ceil_mode: bool = False, return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """max_pool2d with return_indices=True, whatever `return_indices` says."""
    return _max_pooled("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def avg_pool1d(
    input: Tensor, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window; sizes as for max_pool1d. The padding's zeros count unless count_include_pad is False."""
    return _averaged("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:
    """As avg_pool1d, for images; divisor_override: what to divide the sums by, in place of the number of pixels."""
    return _averaged(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def adaptive_avg_pool1d(input: Tensor, output_size: IntOrInts) -> Tensor:
    """Means of `output_size` windows that cover L: window i of n goes from floor(i L / n) to ceil((i + 1) L / n)."""
    return _adaptive("adaptive_avg_pool1d", 1, input, output_size, lambda part, dim: part.mean(dim, keepdim=True))


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """As adaptive_avg_pool1d, along H and W; None for a size keeps the input's."""
    return _adaptive("adaptive_avg_pool2d", 2, input, output_size, lambda part, dim: part.mean(dim, keepdim=True))


def adaptive_max_pool1d(input: Tensor, output_size: IntOrInts, return_indices: bool = False) -> Any:
    """The largest values in the windows of adaptive_avg_pool1d; the first of equal ones has the gradient."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest values in the windows of adaptive_avg_pool2d; indices count the pixels row by row."""
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


# ---------------------------------------------------------------------------------------------------- fixed windows


def _geometry(
    name: str, dims: int, x: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Geometry:
    kernel = sizes_of(name, "kernel_size", kernel_size, dims, 1)
    stride = kernel if stride is None else sizes_of(name, "stride", stride, dims, 1)
    padding = sizes_of(name, "padding", padding, dims, 0)
    dilation = sizes_of(name, "dilation", dilation, dims, 1)
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise ValueError(f"{name}: padding {padding} is more than half of kernel_size {kernel}: windows of nothing")
    sizes = x.shape[2:]
    outs = tuple(_outs(*of_dim, ceil_mode) for of_dim in zip(sizes, kernel, stride, padding, dilation))
    if min(outs) < 1:
        raise ValueError(f"{name}: windows of {kernel} do not fit an input of shape {x.shape} with padding {padding}")
    pairs = tuple(
        (p, max(p, (o - 1) * s + d * (k - 1) + 1 - n - p))
        for o, n, k, s, p, d in zip(outs, sizes, kernel, stride, padding, dilation)
    )
    return geometry(sizes, kernel, stride, pairs, dilation, 1)


def _outs(n: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    outs = -(-room // stride) + 1
    return outs - 1 if (outs - 1) * stride >= n + padding else outs  # a window in nothing but right padding


def _max_pooled(
    name: str, dims: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    return_indices: bool,
) -> Any:
    x, alone = batched(name, input, dims)
    at = _geometry(name, dims, x, kernel_size, stride, padding, dilation, ceil_mode)
    return _largest(x, at, alone, return_indices)


def _largest(x: Tensor, at: Geometry, alone: bool, return_indices: bool) -> Any:
    if not return_indices:
        y: Tensor = max_pool_op(x, at=at, find=x.requires_grad and is_grad_enabled())
        return y.squeeze(0) if alone else y
    y, indices = max_pool_with_indices_op(x, at=at, find=True)
    return (y.squeeze(0), indices.squeeze(0)) if alone else (y, indices)


def _averaged(
    name: str, dims: int, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
    count_include_pad: bool, divisor: int | None,
) -> Tensor:
    x, alone = batched(name, input, dims)
    at = _geometry(name, dims, x, kernel_size, stride, padding, 1, ceil_mode)
    divisor = check_divisor(name, divisor)
    if divisor is not None:
        y = window_sums_op(x, at=at) * (1 / divisor)
    else:
        shares = _shares(at, sizes_of(name, "padding", padding, dims, 0) if count_include_pad else (0,) * dims, x.dtype)
        y = window_sums_op(x, at=at) * (shares if isinstance(shares, float) else x.new_tensor(shares, dtype=x.dtype))
    return y.squeeze(0) if alone else y


def check_divisor(name: str, divisor: Any) -> int | None:
    """The divisor_override as Python's int, or None."""
    if divisor is None:
        return None
    divisor = check_count(name, "divisor_override", divisor)
    if divisor == 0:
        raise ValueError(f"{name}: divisor_override must be a whole number other than 0")
    return divisor


@lru_cache(maxsize=64)
def _shares(at: Geometry, counted: Sizes, dtype: Any) -> Any:
    """One over the number of pixels that count in each window: a number if they are equal, else (*outs)."""
    shares = np.ones((1,) * len(at.outs), dtypes.float64)
    for dim, (n, border) in enumerate(zip(at.sizes, counted)):
        low, high = at.padding[dim]
        counts = np.zeros(low + n + high)
        counts[low - border : low + n + border] = 1
        window = np.lib.stride_tricks.sliding_window_view(counts, at.kernel[dim])[:: at.stride[dim]].sum(axis=1)
        shares = shares / window.reshape((-1,) + (1,) * (len(at.outs) - dim - 1))
    return float(shares.flat[0]) if (shares == shares.flat[0]).all() else shares


# ------------------------------------------------------------------------------------------------- adaptive windows


def _adaptive_sizes(name: str, dims: int, x: Tensor, output_size: Any) -> Sizes:
    if output_size is None:
        output_size = (None,) * dims
    if hasattr(output_size, "__len__") and len(output_size) == dims:
        output_size = tuple(n if m is None else m for m, n in zip(output_size, x.shape[2:]))
    outs = sizes_of(name, "output_size", output_size, dims, 1)
    if not min(x.shape[2:]):
        raise ValueError(f"{name}: there is nothing to pool in an input of shape {x.shape}")
    return outs


def _bounds(n: int, outs: int) -> list[tuple[int, int]]:
    return [(i * n // outs, -(-(i + 1) * n // outs)) for i in range(outs)]


def _adaptive(name: str, dims: int, input: Any, output_size: Any, reduce: Any) -> Tensor:
    """Along one dimension after the other: a window is a product of ranges, and so its mean is a mean of means."""
    x, alone = batched(name, input, dims)
    for dim, outs in enumerate(_adaptive_sizes(name, dims, x, output_size), start=2):
        n = x.shape[dim]
        if outs == 1:
            x = reduce(x, dim)
        elif n % outs == 0:
            x = reduce(x.reshape(*x.shape[:dim], outs, n // outs, *x.shape[dim + 1 :]), dim + 1).squeeze(dim + 1)
        else:
            along = (slice(None),) * dim
            x = ops.cat([reduce(x[(*along, slice(a, b))], dim) for a, b in _bounds(n, outs)], dim)
    return x.squeeze(0) if alone else x


def _adaptive_max(name: str, dims: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    x, alone = batched(name, input, dims)
    outs = _adaptive_sizes(name, dims, x, output_size)
    if all(n % m == 0 for n, m in zip(x.shape[2:], outs)):
        kernel = tuple(n // m for n, m in zip(x.shape[2:], outs))
        at = geometry(x.shape[2:], kernel, kernel, ((0, 0),) * dims, (1,) * dims, 1)
        return _largest(x, at, alone, return_indices)
    index = x.new_tensor(np.arange(np.prod(x.shape[2:])).reshape(x.shape[2:]), dtype=dtypes.int64).expand(*x.shape)
    for dim in reversed(range(2, 2 + dims)):  # the last first: then the first of equal ones is that of the lowest index
        values, places = [], []
        for a, b in _bounds(x.shape[dim], outs[dim - 2]):
            along = (*(slice(None),) * dim, slice(a, b))
            value, place = ops.max(x[along], dim, keepdim=True)
            values.append(value)
            places.append(index[along].gather(dim, place))
        x, index = ops.cat(values, dim), ops.cat(places, dim)
    if alone:
        x, index = x.squeeze(0), index.squeeze(0)
    return (x, index) if return_indices else x
