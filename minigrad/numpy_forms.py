"""What NumPy's functions mean on Tensors: the tables behind __array_ufunc__ and __array_function__."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from . import ops
from .ops.typing import T


def _reducer(function: Callable) -> Callable:
    def reduce(x: T, axis: Any = 0, dtype: Any = None, keepdims: bool = False) -> T:
        if dtype is not None:
            x = ops.astype(x, np.dtype(dtype))
        return function(x, axis, keepdims)

    return reduce


def _numpy_form(function: Callable) -> Callable:
    """A reduction under NumPy's argument names."""

    def call(a: T, axis: Any = None, keepdims: bool = False, **options: Any) -> T:
        return function(a, axis, keepdims, **options)

    return call


def _moment(function: Callable) -> Callable:
    def call(a: T, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> T:
        return function(a, axis, keepdim=keepdims, correction=ddof)

    return call


def _dot(a: T, b: Any) -> T:
    if max(np.ndim(a), np.ndim(b)) > 2:
        raise TypeError(
            "np.dot of more than two dimensions is not available for Tensors; use @, whose batches broadcast"
        )
    return ops.matmul(a, b)


def _of_arrays(function: Callable) -> Callable:
    """A question about values, asked of the arrays behind Tensors; a GPU's must be moved first, as for .numpy()."""

    def call(a: Any, b: Any, **options: Any) -> bool:
        return function(*(x.detach().numpy() if hasattr(x, "face") else x for x in (a, b)), **options)

    return call


UFUNCS: dict[Any, Callable] = {
    np.add: ops.add, np.subtract: ops.sub, np.multiply: ops.mul, np.true_divide: ops.div, np.power: ops.pow,
    np.floor_divide: ops.floor_divide, np.remainder: ops.remainder, np.matmul: ops.matmul,
    np.maximum: ops.maximum, np.minimum: ops.minimum, np.negative: ops.neg, np.absolute: ops.abs, np.sign: ops.sign,
    np.exp: ops.exp, np.log: ops.log, np.log1p: ops.log1p, np.expm1: ops.expm1, np.sqrt: ops.sqrt,
    np.square: ops.square,
    np.reciprocal: ops.reciprocal, np.sin: ops.sin, np.cos: ops.cos, np.tan: ops.tan, np.tanh: ops.tanh,
    np.floor: ops.floor, np.ceil: ops.ceil, np.trunc: ops.trunc, np.rint: ops.round,
    np.equal: ops.eq, np.not_equal: ops.ne, np.less: ops.lt, np.less_equal: ops.le, np.greater: ops.gt,
    np.greater_equal: ops.ge, np.logical_not: ops.logical_not, np.logical_and: ops.logical_and,
    np.logical_or: ops.logical_or, np.logical_xor: ops.logical_xor, np.invert: ops.bitwise_not,
    np.bitwise_and: ops.bitwise_and, np.bitwise_or: ops.bitwise_or, np.bitwise_xor: ops.bitwise_xor,
    np.isnan: ops.isnan, np.isinf: ops.isinf, np.isfinite: ops.isfinite,
}  # fmt: skip

REDUCTIONS: dict[Any, Callable] = {
    np.add: _reducer(ops.sum),
    np.multiply: _reducer(ops.prod),
    np.maximum: _reducer(ops.amax),
    np.minimum: _reducer(ops.amin),
    np.logical_and: _reducer(ops.all),
    np.logical_or: _reducer(ops.any),
}

FUNCTIONS: dict[Any, Callable] = {
    np.where: ops.where, np.concatenate: lambda arrays, axis=0: ops.cat(arrays, axis),
    np.stack: lambda arrays, axis=0: ops.stack(arrays, axis),
    np.sum: _numpy_form(ops.sum), np.mean: _numpy_form(ops.mean), np.prod: _numpy_form(ops.prod),
    np.max: _numpy_form(ops.amax), np.min: _numpy_form(ops.amin), np.amax: _numpy_form(ops.amax),
    np.amin: _numpy_form(ops.amin),
    np.all: _numpy_form(ops.all), np.any: _numpy_form(ops.any),
    np.argmax: _numpy_form(ops.argmax), np.argmin: _numpy_form(ops.argmin), np.var: _moment(ops.var),
    np.std: _moment(ops.std),
    np.cumsum: lambda a, axis=None: ops.cumsum(a.flatten() if axis is None else a, axis or 0),
    np.broadcast_to: lambda array, shape: ops.expand(array, shape),
    np.reshape: lambda a, shape: ops.reshape(a, shape),
    np.transpose: lambda a, axes=None: a.T if axes is None else ops.permute(a, axes),
    np.swapaxes: ops.transpose, np.moveaxis: ops.movedim, np.squeeze: lambda a, axis=None: ops.squeeze(a, axis),
    np.expand_dims: lambda a, axis: ops.unsqueeze(a, axis),
    np.flip: lambda m, axis=None: ops.flip(m, tuple(range(m.ndim)) if axis is None else axis),
    np.tril: lambda m, k=0: ops.tril(m, k), np.triu: lambda m, k=0: ops.triu(m, k),
    np.clip: lambda a, a_min=None, a_max=None: ops.clamp(a, a_min, a_max), np.dot: _dot, np.copy: ops.clone,
    np.zeros_like: lambda a: a.new_full(a.shape, 0), np.ones_like: lambda a: a.new_full(a.shape, 1),
    np.full_like: lambda a, fill_value: a.new_full(a.shape, fill_value),
    np.shape: lambda a: a.shape, np.ndim: lambda a: a.ndim, np.size: lambda a: a.numel(), np.round: ops.round,
    np.linalg.norm: lambda x, ord=2, axis=None, keepdims=False: ops.norm(x, 2 if ord is None else ord, axis, keepdims),
    np.allclose: _of_arrays(np.allclose), np.array_equal: _of_arrays(np.array_equal),
}  # fmt: skip
