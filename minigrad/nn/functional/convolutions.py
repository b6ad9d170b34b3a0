"""Convolution and transposed convolution in one and two dimensions.

A guide to the arithmetic of their sizes: Dumoulin and Visin 2016, arXiv:1603.07285.
"""

from __future__ import annotations

from typing import Any

from ... import ops
from ...ops.convolution import convolve_op, spread_op
from ...ops.geometry import Geometry, Sizes, geometry
from ...tensor import Tensor
from .checks import check_count, check_tensor
from .spatial import IntOrInts, batched, sizes_of

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: IntOrInts = 1, padding: IntOrInts | str = 0,
    dilation: IntOrInts = 1, groups: int = 1,
) -> Tensor:
    """y[n, o, i] = bias[o] + sum over c, k of weight[o, c, k] * x[n, c, i * stride + k * dilation - padding].

    input (N, C, L) or (C, L), weight (O, C / groups, K), bias (O,), result (N, O, L') with L' = floor((L + 2 padding -
    dilation (K - 1) - 1) / stride) + 1. padding: a number of zeros at both ends, "valid" for none, or "same" for L' =
    L, with stride 1. groups: channels are split into so many, each with kernels of its own. Raises ValueError for
    shapes that do not fit, TypeError for dtypes that differ.
    """
    return _convolved("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: IntOrInts = 1, padding: IntOrInts | str = 0,
    dilation: IntOrInts = 1, groups: int = 1,
) -> Tensor:
    """As conv1d, for input (N, C, H, W) or (C, H, W) and weight (O, C / groups, KH, KW): options may be (h, w)."""
    return _convolved("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: IntOrInts = 1, padding: IntOrInts = 0,
    output_padding: IntOrInts = 0, groups: int = 1, dilation: IntOrInts = 1,
) -> Tensor:
    """The adjoint of conv1d in its input, and a bias: each x[n, c, i] adds weight[c, o, k] * x where conv1d reads.

    input (N, C, L) or (C, L), weight (C, O / groups, K), bias (O,), result (N, O, L') with
    L' = (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1; output_padding below stride or dilation
    chooses among the lengths that a strided conv1d shrinks to L.
    Raises ValueError for shapes that do not fit, TypeError for dtypes that differ.
    """
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: IntOrInts = 1, padding: IntOrInts = 0,
    output_padding: IntOrInts = 0, groups: int = 1, dilation: IntOrInts = 1,
) -> Tensor:
    """As conv_transpose1d, for input (N, C, H, W) or (C, H, W) and weight (C, O / groups, KH, KW)."""
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _convolved(
    name: str, dims: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    x, alone = batched(name, input, dims)
    _check_weight(name, dims, x, weight, groups)
    out, per_group = weight.shape[:2]
    if x.shape[1] != per_group * groups:
        raise ValueError(
            f"{name}: an input of shape {input.shape} has {x.shape[1]} channels, but a weight of shape {weight.shape} "
            f"(out, in / groups, kernel) with groups={groups} takes {per_group * groups}"
        )
    if out % groups:
        raise ValueError(f"{name}: groups={groups} does not divide the {out} channels of weight {weight.shape}")
    _check_bias(name, bias, out, weight)
    kernel = weight.shape[2:]
    stride = sizes_of(name, "stride", stride, dims, 1)
    dilation = sizes_of(name, "dilation", dilation, dims, 1)
    at = geometry(x.shape[2:], kernel, stride, pairs_of(name, padding, kernel, stride, dilation), dilation, groups)
    _check_outs(name, input, at)
    y: Tensor = convolve_op(x, weight, bias, at=at)
    return y.squeeze(0) if alone else y


def pairs_of(
    name: str, padding: Any, kernel: Sizes, stride: Sizes, dilation: Sizes
) -> tuple[tuple[int, int], ...]:
    """The zeros before and after each dimension."""
    if padding == "valid":
        padding = 0
    if padding == "same":
        if set(stride) != {1}:
            raise ValueError(f"{name}: padding='same' needs stride 1, not {stride}: there is no such size otherwise")
        totals = [d * (k - 1) for k, d in zip(kernel, dilation)]
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, str):
        raise ValueError(f"{name}: padding must be a number, 'same' or 'valid', not {padding!r}")
    return tuple((n, n) for n in sizes_of(name, "padding", padding, len(kernel), 0))


def _transposed(
    name: str, dims: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any,
    groups: int, dilation: Any,
) -> Tensor:
    x, alone = batched(name, input, dims)
    _check_weight(name, dims, x, weight, groups)
    if x.shape[1] != weight.shape[0] or weight.shape[0] % groups:
        raise ValueError(
            f"{name}: an input of shape {input.shape} has {x.shape[1]} channels, a weight of shape {weight.shape} "
            f"(in, out / groups, kernel) takes {weight.shape[0]}, in groups of equal size (groups={groups})"
        )
    out = weight.shape[1] * groups
    _check_bias(name, bias, out, weight)
    stride = sizes_of(name, "stride", stride, dims, 1)
    dilation = sizes_of(name, "dilation", dilation, dims, 1)
    padding = sizes_of(name, "padding", padding, dims, 0)
    extra = sizes_of(name, "output_padding", output_padding, dims, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(
            f"{name}: output_padding {extra} must be below stride {stride} or dilation {dilation}: more would be zeros"
        )
    kernel = weight.shape[2:]
    sizes = transposed_sizes(x.shape[2:], kernel, stride, padding, extra, dilation)
    if min(sizes) < 1 or not min(x.shape[2:]):
        raise ValueError(f"{name}: an input of shape {input.shape} would give an image of size {sizes}")
    # What output_padding adds on the right is cut from the padding there, and beyond that it is zeros.
    beyond = tuple(max(e - p, 0) for e, p in zip(extra, padding))
    pairs = tuple((p, max(p - e, 0)) for e, p in zip(extra, padding))
    met = tuple(n - more for n, more in zip(sizes, beyond))
    y = spread_op(x, weight, at=geometry(met, kernel, stride, pairs, dilation, groups))
    if any(beyond):
        y = ops.pad(y, [n for more in reversed(beyond) for n in (0, more)])
    if bias is not None:
        y = y + bias.reshape(out, *(1,) * dims)
    return y.squeeze(0) if alone else y


def transposed_sizes(
    sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, output_padding: Sizes, dilation: Sizes
) -> Sizes:
    return tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, k, s, p, e, d in zip(sizes, kernel, stride, padding, output_padding, dilation)
    )


def _check_weight(name: str, dims: int, x: Tensor, weight: Any, groups: Any) -> None:
    check_tensor(weight, f"{name}: weight")
    if weight.ndim != dims + 2 or 0 in weight.shape[2:]:
        raise ValueError(
            f"{name}: the weight has shape {weight.shape}; "
            f"it needs {dims + 2} dimensions and a kernel of size 1 or more"
        )
    if weight.dtype != x.dtype:
        raise TypeError(
            f"{name}: dtypes differ, input {x.dtype} and weight {weight.dtype}; cast the input with .to({weight.dtype})"
        )
    check_count(name, "groups", groups, 1)


def _check_bias(name: str, bias: Any, out: int, weight: Tensor) -> None:
    if bias is not None and (check_tensor(bias, f"{name}: bias").shape != (out,) or bias.dtype != weight.dtype):
        raise ValueError(
            f"{name}: bias has shape {bias.shape} and dtype {bias.dtype}, expected shape ({out},) and {weight.dtype}"
        )


def _check_outs(name: str, input: Tensor, at: Geometry) -> None:
    if min(at.outs) < 1:
        reach = tuple(d * (k - 1) + 1 for k, d in zip(at.kernel, at.dilation))
        raise ValueError(
            f"{name}: a kernel that reaches over {reach} does not fit an input of shape {input.shape}, which is "
            f"{at.padded} with its padding"
        )
