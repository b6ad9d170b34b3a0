"""Ops that take dimensions away, and those that run along one: sums, extrema, softmax, cumulative sums, norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import backend_of, dtypes
from ..dispatch import house_op as op
from . import dims
from .elementwise import abs, exp, sign, square
from .typing import Dims, Number, T

# In this file `axis` is a tuple of dimensions from 0 or None for all, and `keep` says whether they stay as ones.


def _kept(r: Any, x: Any, axis: Any, keep: bool) -> Any:
    """A reduced array or gradient with the reduced dimensions put back as ones, so that it broadcasts against x."""
    if keep or x.ndim == 0:
        return r
    gone = range(x.ndim) if axis is None else axis
    return r.reshape(tuple(1 if i in gone else n for i, n in enumerate(x.shape)))


def _spread(g: Any, x: Any, axis: Any, keep: bool) -> Any:
    return np.broadcast_to(_kept(g, x, axis, keep), x.shape)


def _count(x: Any, axis: Any) -> int:
    return math.prod(x.shape if axis is None else (x.shape[i] for i in axis))


def _float_input(x: Any, dtype: Any = None) -> Any:
    """Integers averaged, exponentiated or measured become the default dtype first."""
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype)
    elif x.dtype.kind != "f":
        dtype = dtypes.get_default_dtype()
    return x if dtype is None or x.dtype == dtype else x.astype(dtype)


def wide(x: Any) -> Any:
    """Halves in single precision, in which they are added up: past 65504 a half is infinite, past 2048 it skips."""
    return x.astype(dtypes.float32) if x.dtype == dtypes.float16 else x


def back_to(dtype: Any, y: Any) -> Any:
    return y if y.dtype == dtype else y.astype(dtype)


# ------------------------------------------------------------------------------------------------ sums and moments


def _sum(x: Any, *, axis: Any, keep: bool) -> Any:
    if x.dtype == dtypes.float16:  # halves are summed in single precision
        return np.add.reduce(x, axis=axis, keepdims=keep, dtype=dtypes.float32).astype(x.dtype)
    return np.add.reduce(x, axis=axis, keepdims=keep, dtype=None if x.dtype.kind == "f" else dtypes.int64)


def _mean(x: Any, *, axis: Any, keep: bool) -> Any:
    dtype = dtypes.float32 if x.dtype == dtypes.float16 else x.dtype  # the count, too, may be no half
    return back_to(x.dtype, np.add.reduce(x, axis=axis, keepdims=keep, dtype=dtype) / dtype.type(_count(x, axis)))


def _scaled(g: Any, n: int | float) -> Any:
    """g / n, and NaN where n is 0, without Python's ZeroDivisionError."""
    return back_to(g.dtype, wide(g) * (1 / n if n else math.nan))


sum_op = op(_sum, lambda g, _y, _x, *, axis, keep: _spread(g, _x, axis, keep), name="sum")
mean_op = op(_mean, lambda g, _y, _x, *, axis, keep: _spread(_scaled(g, _count(_x, axis)), _x, axis, keep), name="mean")


def sum(input: T, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> T:
    """The sum over `dim` (all of them by default); bool and integers sum to int64."""
    if dtype is not None:
        input = input.astype(dtypes.as_dtype(dtype))
    return sum_op(input, axis=dims.reduced(dim, input.ndim, "sum"), keep=keepdim)


def mean(input: T, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> T:
    """The mean over `dim` (all of them by default). Raises TypeError for integers, unless `dtype` is given."""
    if dtype is None and input.dtype.kind != "f":
        raise TypeError(f"mean: dtype {input.dtype} has no mean; cast to float first, or pass dtype=")
    return mean_op(_float_input(input, dtype), axis=dims.reduced(dim, input.ndim, "mean"), keep=keepdim)


def _freedom(x: Any, axis: Any, correction: Number) -> float:
    return max(_count(x, axis) - correction, 0)


def _squares_about_mean(x: Any, axis: Any, keep: bool) -> Any:
    centred = x - _mean(x, axis=axis, keep=True)
    return np.add.reduce(centred * centred, axis=axis, keepdims=keep)


def _var(x: Any, *, axis: Any, keep: bool, correction: Number) -> Any:
    if x.dtype == dtypes.float16:
        return _var(x.astype(dtypes.float32), axis=axis, keep=keep, correction=correction).astype(x.dtype)
    return _squares_about_mean(x, axis, keep) / x.dtype.type(_freedom(x, axis, correction))


def _var_vjp(g: Any, _y: Any, x: Any, *, axis: Any, keep: bool, correction: Number) -> Any:
    g, deviation = _kept(wide(g), x, axis, keep), _deviation(x, axis)
    return back_to(x.dtype, _scaled(g + g, _freedom(x, axis, correction)) * deviation)


def _deviation(x: Any, axis: Any) -> Any:
    return wide(x) - mean_op(wide(x), axis=axis, keep=True)


def _std(x: Any, **options: Any) -> Any:
    return np.sqrt(_var(x, **options))


def _std_vjp(g: Any, y: Any, x: Any, *, axis: Any, keep: bool, correction: Number) -> Any:
    g, y = _kept(wide(g), x, axis, keep), _kept(wide(y), x, axis, keep)
    per_deviation = np.where(y == 0, 0, _scaled(g, _freedom(x, axis, correction)) / y)  # equal values: slope 0, not NaN
    return back_to(x.dtype, per_deviation * _deviation(x, axis))


var_op = op(_var, _var_vjp, name="var")
std_op = op(_std, _std_vjp, name="std")


def var(
    input: T, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> T:
    """The sum of squared deviations from the mean, over n - correction (1 if unbiased, else 0)."""
    axis, correction = _moment_options(input, dim, unbiased, correction, "var")
    return var_op(input, axis=axis, keep=keepdim, correction=correction)


def std(
    input: T, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> T:
    """The square root of var(); its gradient is 0 where all values are equal."""
    axis, correction = _moment_options(input, dim, unbiased, correction, "std")
    return std_op(input, axis=axis, keep=keepdim, correction=correction)


def _moment_options(x: Any, dim: Any, unbiased: Any, correction: Any, name: str) -> tuple[Any, Number]:
    if isinstance(dim, bool):  # PyTorch's var(unbiased)
        dim, unbiased = None, dim
    if x.dtype.kind != "f":
        raise TypeError(f"{name}: needs floating-point values, got dtype {x.dtype}; cast them first")
    return dims.reduced(dim, x.ndim, name), (1 if unbiased else 0) if correction is None else correction


def _prod(x: Any, *, axis: Any, keep: bool) -> Any:
    if x.dtype == dtypes.float16:
        return np.multiply.reduce(x, axis=axis, keepdims=keep, dtype=dtypes.float32).astype(x.dtype)
    return np.multiply.reduce(x, axis=axis, keepdims=keep, dtype=None if x.dtype.kind == "f" else dtypes.int64)


def _prod_vjp(g: Any, y: Any, x: Any, *, axis: Any, keep: bool) -> Any:
    g, y = _kept(g, x, axis, keep), _kept(y, x, axis, keep)
    if bool((x != 0).all()):
        return g * (y / x)
    return g * _product_of_others(x, axis)


def _product_of_others(x: Any, axis: Any) -> Any:
    """For each element, the product of all the others along axis: y / x where x may be 0, at every order.

    Takes n times the memory of x, so it serves only where there is a zero.
    """
    if axis is None:
        return _product_of_others(x.reshape(-1), (0,)).reshape(x.shape)
    rows = x.swapaxes(axis[0], -1)
    n = rows.shape[-1]
    own = _identity(n, x)
    others = np.where(own, 1, rows[..., None, :])
    return prod_op(others, axis=(others.ndim - 1,), keep=False).swapaxes(axis[0], -1)


def _identity(n: int, like: Any) -> Any:
    raw = getattr(like, "array", like) if hasattr(like, "face") else like
    eye = backend_of(raw).xp.eye(n, dtype=dtypes.bool_)
    return like.face.of(eye, None) if hasattr(like, "face") else eye


prod_op = op(_prod, _prod_vjp, name="prod")


def prod(input: T, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> T:
    """The product over one dimension, or over all; bool and integers multiply to int64."""
    if dtype is not None:
        input = input.astype(dtypes.as_dtype(dtype))
    axis = None if dim is None else dims.several(dims.one(dim, input.ndim, "prod"), input.ndim, "prod")
    return prod_op(input, axis=axis, keep=keepdim)


# --------------------------------------------------------------------------------------------------------- extrema


def _shared_vjp(g: Any, y: Any, x: Any, *, axis: Any, keep: bool) -> Any:
    """Equal extrema share the gradient, and so do NaNs, which are the extremum wherever there is one."""
    g = wide(g)
    at = ((x == _kept(y, x, axis, keep)) | (x != x)).astype(g.dtype)
    return back_to(x.dtype, at * (_kept(g, x, axis, keep) / sum_op(at, axis=axis, keep=True)))


amax_op = op(
    lambda x, *, axis, keep: backend_of(x).amax(x, axis=axis, keepdims=keep), _shared_vjp, name="amax"
)
amin_op = op(
    lambda x, *, axis, keep: backend_of(x).amin(x, axis=axis, keepdims=keep), _shared_vjp, name="amin"
)
argmax_op = op(lambda x, *, axis: x.argmax() if axis is None else x.argmax(axis=axis), name="argmax")
argmin_op = op(lambda x, *, axis: x.argmin() if axis is None else x.argmin(axis=axis), name="argmin")


def needs_elements(x: Any, axis: Any, name: str) -> None:
    if _count(x, axis) == 0:
        raise ValueError(f"{name}: there is nothing to choose from in a tensor of shape {tuple(x.shape)}")


def amax(input: T, dim: Dims = None, keepdim: bool = False) -> T:
    """The largest value over `dim`; equal ones share the gradient.

    A NaN is the result, and has the gradient, as for PyTorch's max() (whose amax has NaN for a gradient there).
    """
    axis = dims.reduced(dim, input.ndim, "amax")
    needs_elements(input, axis, "amax")
    return amax_op(input, axis=axis, keep=keepdim)


def amin(input: T, dim: Dims = None, keepdim: bool = False) -> T:
    """The smallest value over `dim`; equal ones share the gradient.

    A NaN is the result, and has the gradient, as for PyTorch's min() (whose amin has NaN for a gradient there).
    """
    axis = dims.reduced(dim, input.ndim, "amin")
    needs_elements(input, axis, "amin")
    return amin_op(input, axis=axis, keep=keepdim)


def _index_of_extremum(row: Any, x: Any, dim: int | None, keepdim: bool, name: str) -> Any:
    axis = None if dim is None else dims.one(dim, x.ndim, name)
    needs_elements(x, None if axis is None or x.ndim == 0 else (axis,), name)
    index = row(x, axis=axis if x.ndim else None)
    return _kept(index, x, None if axis is None else (axis,), not keepdim)


def argmax(input: T, dim: int | None = None, keepdim: bool = False) -> T:
    """The index (int64) of the largest value along `dim`, or in the flattened tensor; the first one among equals."""
    return _index_of_extremum(argmax_op, input, dim, keepdim, "argmax")


def argmin(input: T, dim: int | None = None, keepdim: bool = False) -> T:
    """The index (int64) of the smallest value along `dim`, or in the flattened tensor; the first one among equals."""
    return _index_of_extremum(argmin_op, input, dim, keepdim, "argmin")


# ------------------------------------------------------------------------------------------------ along a dimension


def _finite_max(x: Any, axis: Any) -> Any:
    """The largest value along axis, dimensions kept, and 0 where it is infinite or there is none: a safe shift."""
    if _count(x, axis) == 0:
        return np.zeros_like(np.add.reduce(x, axis=axis, keepdims=True))
    top = backend_of(x).amax(x, axis=axis, keepdims=True)
    return np.where(np.isfinite(top), top, 0)


def _logsumexp(x: Any, *, axis: Any, keep: bool) -> Any:
    if x.dtype == dtypes.float16:
        return _logsumexp(wide(x), axis=axis, keep=keep).astype(x.dtype)
    top = _finite_max(x, axis)
    y = np.log(np.add.reduce(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keep else _reduced(y, axis)


def _logsumexp_vjp(g: Any, y: Any, x: Any, *, axis: Any, keep: bool) -> Any:
    return back_to(x.dtype, _kept(wide(g), x, axis, keep) * exp(wide(x) - _kept(wide(y), x, axis, keep)))


def _softmax(x: Any, *, axis: int) -> Any:
    if x.ndim == 0:
        return np.exp(x - x)
    if x.dtype == dtypes.float16:
        return _softmax(wide(x), axis=axis).astype(x.dtype)
    e = np.exp(x - backend_of(x).amax(x, axis=axis, keepdims=True))
    e /= np.add.reduce(e, axis=axis, keepdims=True)
    return e


def log_softmax_of(x: Any, *, axis: int) -> Any:
    """log_softmax of a raw array."""
    if x.ndim == 0:
        return x - x
    if x.dtype == dtypes.float16:
        return log_softmax_of(wide(x), axis=axis).astype(x.dtype)
    shifted = x - backend_of(x).amax(x, axis=axis, keepdims=True)
    shifted -= np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))
    return shifted


def _along(x: Any, axis: int) -> Any:
    return sum_op(x, axis=(axis,) if x.ndim else None, keep=True)


def _softmax_vjp(g: Any, y: Any, _x: Any, *, axis: int) -> Any:
    h, p = wide(g), wide(y)
    return back_to(g.dtype, p * (h - _along(h * p, axis)))


def _log_softmax_vjp(g: Any, y: Any, _x: Any, *, axis: int) -> Any:
    h = wide(g)
    return back_to(g.dtype, h - np.exp(wide(y)) * _along(h, axis))


logsumexp_op = op(_logsumexp, _logsumexp_vjp, name="logsumexp")
softmax_op = op(_softmax, _softmax_vjp, name="softmax")
log_softmax_op = op(log_softmax_of, _log_softmax_vjp, name="log_softmax")


def _cumsum(x: Any, *, axis: int) -> Any:
    if x.ndim == 0:
        return _sum(x, axis=None, keep=False)
    if x.dtype == dtypes.float16:
        return np.add.accumulate(x, axis=axis, dtype=dtypes.float32).astype(x.dtype)
    return np.add.accumulate(x, axis=axis, dtype=None if x.dtype.kind == "f" else dtypes.int64)


cumsum_op = op(_cumsum, lambda g, _y, _x, *, axis: _cumsum_backwards(g, axis), name="cumsum")


def _cumsum_backwards(g: Any, axis: int) -> Any:
    if g.ndim == 0:
        return g
    back = (slice(None),) * axis + (slice(None, None, -1),)
    return cumsum_op(g[back], axis=axis)[back]


def _stable_along(row: Any, x: Any, dim: int, dtype: Any, name: str) -> Any:
    x = _float_input(x, dtype) if dtype is not None else x
    if x.dtype.kind != "f":
        raise TypeError(f"{name}: needs floating-point values, got dtype {x.dtype}; cast them first or pass dtype=")
    axis = dims.one(dim, x.ndim, name)
    if math.prod(x.shape) == 0:
        return x.clone() if hasattr(x, "face") else x.copy()
    return row(x, axis=axis)


def logsumexp(input: T, dim: Dims, keepdim: bool = False) -> T:
    """log(sum(exp(x))) over `dim`, without overflow."""
    return logsumexp_op(_float_input(input), axis=dims.reduced(dim, input.ndim, "logsumexp"), keep=keepdim)


def softmax(input: T, dim: int, dtype: Any = None) -> T:
    """exp(x) / sum(exp(x)) along `dim`, without overflow."""
    return _stable_along(softmax_op, input, dim, dtype, "softmax")


def log_softmax(input: T, dim: int, dtype: Any = None) -> T:
    """x - log(sum(exp(x))) along `dim`, without overflow."""
    return _stable_along(log_softmax_op, input, dim, dtype, "log_softmax")


def cumsum(input: T, dim: int, *, dtype: Any = None) -> T:
    """The running sum along `dim`; bool and integers sum to int64."""
    if dtype is not None:
        input = input.astype(dtypes.as_dtype(dtype))
    return cumsum_op(input, axis=dims.one(dim, input.ndim, "cumsum"))


# ----------------------------------------------------------------------------------------------------------- norms


_SQUARES_FIT = (1e-140, 1e140)  # what float64 can square, and sum, and tell from 0


def _norm(x: Any, *, axis: Any, keep: bool) -> Any:
    """Squares are summed in the next wider dtype, where they fit; float64 has none and is scaled if it must be."""
    if x.dtype == dtypes.float64:
        return _norm_of_doubles(x, axis, keep)
    wider = dtypes.float32 if x.dtype == dtypes.float16 else dtypes.float64
    return np.sqrt(np.add.reduce(np.multiply(x, x, dtype=wider), axis=axis, keepdims=keep)).astype(x.dtype)


def _norm_of_doubles(x: Any, axis: Any, keep: bool) -> Any:
    size = _largest_size(x, axis)
    low, high = _SQUARES_FIT
    fits = (size >= low) & (size <= high)
    if bool(fits.all()):
        return np.sqrt(np.add.reduce(x * x, axis=axis, keepdims=keep))
    size = np.where(fits, 1, size)
    scaled = x / size
    return np.sqrt(np.add.reduce(scaled * scaled, axis=axis, keepdims=keep)) * (size if keep else _reduced(size, axis))


def _largest_size(x: Any, axis: Any) -> Any:
    """The largest |x| along axis, dimensions kept, and 1 where there is none or it is 0, infinite or NaN: a scale."""
    if _count(x, axis) == 0:
        return np.ones_like(np.add.reduce(x, axis=axis, keepdims=True))
    top = backend_of(x).amax(np.absolute(x), axis=axis, keepdims=True)
    return np.where(np.isfinite(top) & (top > 0), top, 1)


def _reduced(kept: Any, axis: Any) -> Any:
    """Without the ones that a reduction left."""
    return kept.reshape(tuple(n for i, n in enumerate(kept.shape) if axis is not None and i not in axis))


def _norm_vjp(g: Any, y: Any, x: Any, *, axis: Any, keep: bool) -> Any:
    g, y = _kept(g, x, axis, keep), _kept(y, x, axis, keep)
    # x / y, at most 1, comes first: 1 / y may not fit. 0 at the origin, where there is no slope.
    return np.where(y == 0, 0, g) * (x / np.where(y == 0, 1, y))


norm_op = op(_norm, _norm_vjp, name="norm")


def _p_norm(x: Any, *, p: Number, axis: Any, keep: bool) -> Any:
    if x.dtype == dtypes.float16:
        return _p_norm(x.astype(dtypes.float32), p=p, axis=axis, keep=keep).astype(x.dtype)
    size = _largest_size(x, axis)
    powers = np.power(np.absolute(x / size), p)
    return np.power(np.add.reduce(powers, axis=axis, keepdims=keep), 1 / p) * (size if keep else _reduced(size, axis))


def _p_norm_vjp(g: Any, y: Any, x: Any, *, p: Number, axis: Any, keep: bool) -> Any:
    """g * sign(x) * (|x| / y)^(p - 1), and 0 where x is."""
    g, y = _kept(g, x, axis, keep), _kept(y, x, axis, keep)
    ratio = np.where(x == 0, 1, np.absolute(x) / np.where(y == 0, 1, y))
    return g * (np.sign(x) * np.power(ratio, p - 1))


p_norm_op = op(_p_norm, _p_norm_vjp, name="p_norm")


def norm(input: T, p: Number | str = 2, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> T:
    """(sum |x|^p)^(1/p) over `dim`; p = inf, -inf, 0 and "fro" (2) as in PyTorch. Its gradient at 0 is 0.

    Raises TypeError for integers.
    """
    x = _float_input(input, dtype) if dtype is not None else input
    if x.dtype.kind != "f":
        raise TypeError(f"norm: needs floating-point values, got dtype {x.dtype}; cast them first")
    axis = dims.reduced(dim, x.ndim, "norm")
    if p in (2, "fro"):
        return norm_op(x, axis=axis, keep=keepdim)
    if isinstance(p, str):
        raise ValueError(f"norm: p must be a number or 'fro', not {p!r}")
    if p in (math.inf, -math.inf):
        needs_elements(x, axis, "norm")
        return (amax_op if p > 0 else amin_op)(abs(x), axis=axis, keep=keepdim)
    if p == 0:
        return sum_op(square(sign(x)), axis=axis, keep=keepdim)  # counts what is not 0; its gradient is 0
    if p == 1:
        return sum_op(abs(x), axis=axis, keep=keepdim)
    return p_norm_op(x, p=p, axis=axis, keep=keepdim)


# ------------------------------------------------------------------------------------------------------ all and any

all_op = op(lambda x, *, axis, keep: backend_of(x).all(x, axis=axis, keepdims=keep), name="all")
any_op = op(lambda x, *, axis, keep: backend_of(x).any(x, axis=axis, keepdims=keep), name="any")


def all(input: T, dim: Dims = None, keepdim: bool = False) -> T:
    """True where every element over `dim` is true. Always bool (PyTorch returns uint8 for uint8)."""
    return all_op(input, axis=dims.several(dim, input.ndim, "all"), keep=keepdim)


def any(input: T, dim: Dims = None, keepdim: bool = False) -> T:
    """True where some element over `dim` is true. Always bool (PyTorch returns uint8 for uint8)."""
    return any_op(input, axis=dims.several(dim, input.ndim, "any"), keep=keepdim)
