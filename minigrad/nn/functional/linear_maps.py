"""Affine maps, and a linear map of one-hot vectors by its rows: the embedding."""

from __future__ import annotations


from ...backend import backend_of, dtypes
from ...ops.index import take_rows
from ...ops.linalg import linear, linear_op, linear_without_bias_op
from ...tensor import Tensor
from .checks import check_count, check_floating, check_tensor, first_place

__all__ = ["bilinear", "embedding", "linear"]


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_k = x1^T W_k x2 + b_k, in shapes (..., in1), (..., in2), (out, in1, in2) and (out,) to (..., out).

    Raises ValueError if the shapes do not fit, TypeError if the dtypes differ or are not floating point.
    """
    for name, t in (("input1", input1), ("input2", input2), ("weight", weight)):
        if check_floating(t, f"bilinear: {name}").dtype != input1.dtype:
            raise TypeError(f"bilinear: {name} has dtype {t.dtype}, input1 {input1.dtype}; cast one with .to()")
    lead, in1, in2 = input1.shape[:-1], input1.shape[-1:], input2.shape[-1:]
    if weight.ndim != 3 or not in1 or in1 + in2 != weight.shape[1:] or input2.shape[:-1] != lead:
        raise ValueError(
            f"bilinear: inputs of shapes {input1.shape} and {input2.shape} do not fit a weight of shape {weight.shape} "
            "(out, in1, in2): their last dimensions must be in1 and in2, and all others equal"
        )
    # The products x1_i * x2_j as rows, so that what is left is one linear map.
    pairs = (input1[..., None] * input2[..., None, :]).reshape(*lead, in1[0] * in2[0])
    matrix = weight.reshape(weight.shape[0], in1[0] * in2[0])
    return linear_without_bias_op(pairs, matrix) if bias is None else linear_op(pairs, matrix, bias)


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """The rows of weight (n, d) that the integers of input (...) name: (..., d). Row padding_idx gets no gradient.

    Unlike PyTorch's it has no max_norm, scale_grad_by_freq or sparse. Raises TypeError for an input that does not hold
    integers, IndexError for one outside [0, n), on a GPU at the next synchronisation.
    """
    return rows_of(input, weight, padding_idx, "embedding")


def rows_of(input: Tensor, weight: Tensor, padding_idx: int | None, name: str) -> Tensor:
    """embedding() under the name that errors shall tell."""
    if check_tensor(input, name).dtype.kind not in "iu":
        raise TypeError(f"{name}: the input holds indices: integers, not {input.dtype}; cast it with .long()")
    if check_floating(weight, f"{name}: weight").ndim != 2:
        raise ValueError(f"{name}: weight must be a matrix, one row for each index, got shape {weight.shape}")
    if input.device != weight.device:
        raise RuntimeError(
            f"{name}: the input is on {input.device}, the weight on {weight.device}; move it with "
            f".to('{weight.device}')"
        )
    n, index = weight.shape[0], input.array
    frozen = None if padding_idx is None else padding_index(padding_idx, n, name)
    in_range = (index >= 0) & (index < n)
    backend = backend_of(index)

    def error() -> Exception:
        at = first_place(~in_range)
        return IndexError(
            f"{name}: index {int(backend.to_host(index)[at])} at position {at} is out of range for a weight of shape "
            f"{weight.shape}: indices go from 0 to {n - 1}"
        )

    backend.require(in_range, error)
    index = index if index.dtype == dtypes.int64 else index.astype(dtypes.int64)  # a narrow dtype would overflow
    return take_rows(weight, index, frozen=frozen)


def padding_index(padding_idx: int, n: int, name: str) -> int:
    """padding_idx counted from 0; negative ones count from the end. Raises ValueError if there is no such row."""
    padding_idx = check_count(name, "padding_idx", padding_idx)
    if not -n <= padding_idx < n:
        raise ValueError(f"{name}: padding_idx {padding_idx} is out of range for {n} embeddings")
    return padding_idx % n
