"""Matrix products."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..backend import backend_of, dtypes
from ..dispatch import house_op as op
from .typing import Operand, T


def _product(a: Any, b: Any) -> Any:
    if a.dtype == dtypes.float16:  # NumPy sums halves in halves; products are summed in single precision here
        return _product(a.astype(dtypes.float32), b.astype(dtypes.float32)).astype(dtypes.float16)
    return a.dot(b) if a.ndim == 2 and b.ndim == 2 else np.matmul(a, b)


def _rows(x: Any) -> Any:
    """All leading dimensions made one. (Where the last one is 0, a reshape to -1 could not tell how many rows.)"""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


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
        return _rows(a).T @ _rows(g)
    return a.mT @ g


matmul_op = op(_product, _left_vjp, _right_vjp, name="matmul")


def _check_product(name: str, a: Any, b: Any) -> None:
    if a.dtype != b.dtype:
        raise TypeError(
            f"{name}: dtypes differ, {a.dtype} and {b.dtype}; cast one with .to({a.dtype}) or .to({b.dtype})"
        )
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(
            f"{name}: both operands need dimensions, got shapes {tuple(a.shape)} and {tuple(b.shape)}; "
            "use * for scalars"
        )
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ValueError(
            f"{name}: shapes {tuple(a.shape)} and {tuple(b.shape)} do not fit: "
            f"the first has {a.shape[-1]} columns, the second {b.shape[-2 if b.ndim > 1 else 0]} rows"
        )


def matmul(input: T, other: Operand) -> T:
    """The matrix product: 1-D operands are vectors, leading dimensions are batches and broadcast.

    Shapes (..., n, k) and (..., k, m) give (..., n, m). Raises ValueError if they do not fit, TypeError if dtypes
    differ.
    """
    if not hasattr(other, "dtype") or not hasattr(input, "dtype"):
        raise TypeError(f"matmul: operands must be tensors, not {type(input).__name__} and {type(other).__name__}")
    _check_product("matmul", input, other)
    return matmul_op(input, other)


def rmatmul(input: T, other: Operand) -> T:
    """other @ input."""
    return matmul(other, input)


def _times(x: Any, w: Any) -> Any:
    """x @ w for a matrix w, as one product over all rows."""
    return x.dot(w) if x.ndim <= 2 else _rows(x).dot(w).reshape((*x.shape[:-1], w.shape[1]))


def _affine(x: Any, w: Any, b: Any) -> Any:
    if w.ndim != 2 or x.shape[-1:] != w.shape[1:] or x.dtype != w.dtype:
        _refuse_affine(x, w)
    if b.shape != w.shape[:1] or b.dtype != w.dtype:
        raise ValueError(
            f"linear: bias has shape {tuple(b.shape)} and dtype {b.dtype}, "
            f"expected shape ({w.shape[0]},) and dtype {w.dtype}"
        )
    y = x.dot(w.T) if x.ndim == 2 else _times(x, w.T)
    y += b
    return y


def _affine_without_bias(x: Any, w: Any) -> Any:
    if w.ndim != 2 or x.shape[-1:] != w.shape[1:] or x.dtype != w.dtype:
        _refuse_affine(x, w)
    return _times(x, w.T)


def _refuse_affine(x: Any, w: Any) -> None:
    if x.dtype != w.dtype:
        raise TypeError(
            f"linear: dtypes differ, input {x.dtype} and weight {w.dtype}; cast the input with .to({w.dtype})"
        )
    raise ValueError(
        f"linear: an input of shape {tuple(x.shape)} does not fit a weight of shape {tuple(w.shape)} (out, in): "
        "the input's last dimension must be the weight's"
    )


def _column_sums(g: Any) -> Any:
    """The sum over all but the last dimension, as a product with ones: a quarter of the time of a reduction."""
    rows = g if g.ndim == 2 else _rows(g)
    return ones_for(rows.shape[0], rows).dot(rows)


def ones_for(n: int, like: Any) -> Any:
    """(n,) ones to multiply `like` by; on a CPU the same ones each time, and read-only."""
    if like.__class__ is np.ndarray:
        return _cached_ones(n, like.dtype)
    if hasattr(like, "face"):
        return like.face.of(ones_for(n, like.array), None)
    return backend_of(like).xp.ones(n, dtype=like.dtype)


@lru_cache(maxsize=64)
def _cached_ones(n: int, dtype: np.dtype) -> np.ndarray:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


linear_op = op(
    _affine,
    lambda g, _y, _x, w, _b: g.dot(w) if g.ndim == 2 else _times(g, w),
    lambda g, _y, x, _w, _b: g.T.dot(x) if g.ndim == 2 else _rows(g).T.dot(_rows(x)),
    lambda g, _y, _x, _w, _b: _column_sums(g),
    name="linear",
)
linear_without_bias_op = op(
    _affine_without_bias, lambda g, _y, _x, w: _times(g, w), lambda g, _y, x, _w: _rows(g).T.dot(_rows(x)),
    name="linear_without_bias",
)


def linear(input: T, weight: Operand, bias: Operand = None) -> T:
    """input @ weight.T + bias, in shapes (..., in) and (out, in) and (out,) to (..., out).

    Raises ValueError if the shapes do not fit, TypeError if the dtypes differ.
    """
    return linear_without_bias_op(input, weight) if bias is None else linear_op(input, weight, bias)
