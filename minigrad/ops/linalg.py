"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import op
from ..backend import dtypes
from .typing import Operand, T


def _product(a: Any, b: Any) -> Any:
    if a.dtype == dtypes.float16:  # NumPy sums halves in halves; products are summed in single precision here
        return _product(a.astype(dtypes.float32), b.astype(dtypes.float32)).astype(dtypes.float16)
    return a.dot(b) if a.ndim == 2 and b.ndim == 2 else np.matmul(a, b)


def _left_vjp(g: Any, _y: Any, _a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return g[..., None] * b  # (..., n) from (...) and (n,)
    if _a.ndim == 1:
        return (g[..., None, :] @ b.mT)[..., 0, :]
    return g @ b.mT


def _right_vjp(g: Any, _y: Any, a: Any, _b: Any) -> Any:
    if a.ndim == 1:
        return g * a if _b.ndim == 1 else a[:, None] * g[..., None, :]
    if _b.ndim == 1:
        return (a.mT @ g[..., None])[..., 0]
    if _b.ndim == 2 and a.ndim > 2:  # one product over all rows, instead of a batch of products to be summed
        return a.reshape(-1, a.shape[-1]).T @ g.reshape(-1, g.shape[-1])
    return a.mT @ g


matmul_op = op(_product, _left_vjp, _right_vjp, name="matmul")


def _check_product(name: str, a: Any, b: Any) -> None:
    if a.dtype != b.dtype:
        raise TypeError(f"{name}: dtypes differ, {a.dtype} and {b.dtype}; cast one with .to({a.dtype}) or .to({b.dtype})")
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"{name}: both operands need dimensions, got shapes {tuple(a.shape)} and {tuple(b.shape)}; use * for scalars")
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ValueError(
            f"{name}: shapes {tuple(a.shape)} and {tuple(b.shape)} do not fit: "
            f"the first has {a.shape[-1]} columns, the second {b.shape[-2 if b.ndim > 1 else 0]} rows"
        )


def matmul(input: T, other: Operand) -> T:
    """The matrix product: 1-D operands are vectors, leading dimensions are batches and broadcast.

    Shapes (..., n, k) and (..., k, m) give (..., n, m). Raises ValueError if they do not fit, TypeError if dtypes differ.
    """
    if not hasattr(other, "dtype") or not hasattr(input, "dtype"):
        raise TypeError(f"matmul: operands must be tensors, not {type(input).__name__} and {type(other).__name__}")
    _check_product("matmul", input, other)
    return matmul_op(input, other)


def rmatmul(input: T, other: Operand) -> T:
    """other @ input."""
    return matmul(other, input)


def _affine(x: Any, w: Any, b: Any) -> Any:
    y = _product(x, w.T) if x.ndim == 2 else np.matmul(x, w.T)
    y += b
    return y


linear_op = op(
    _affine,
    lambda g, _y, _x, w, _b: g @ w,
    lambda g, _y, x, _w, _b: g.reshape(-1, g.shape[-1]).T @ x.reshape(-1, x.shape[-1]),
    lambda g, _y, _x, _w, _b: g,
    name="linear",
)


def linear(input: T, weight: Operand, bias: Operand = None) -> T:
    """input @ weight.T + bias, in shapes (..., in) and (out, in) and (out,) to (..., out)."""
    if weight.ndim != 2 or input.ndim == 0 or input.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"linear: input of shape {tuple(input.shape)} does not fit a weight of shape {tuple(weight.shape)} (out, in): "
            f"the input's last dimension must be {weight.shape[-1]}"
        )
    if input.dtype is not weight.dtype:
        _check_product("linear", input, weight.T)
    if bias is None:
        return matmul_op(input, weight.T)
    if input.ndim == 1:  # a vector: the products below want rows
        return linear(input[None], weight, bias)[0]
    if bias.shape != weight.shape[:1] or bias.dtype != weight.dtype:
        raise ValueError(
            f"linear: bias has shape {tuple(bias.shape)} and dtype {bias.dtype}, "
            f"expected shape ({weight.shape[0]},) and dtype {weight.dtype}"
        )
    return linear_op(input, weight, bias)
