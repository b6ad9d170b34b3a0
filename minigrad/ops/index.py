"""Picking elements out and putting them back: indexing, gather, scatter, masks.

The forms that write (scatter_add, put) are pure: they copy first. getitem's vjp is a scatter, and the scatter's is
getitem.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, overload

import numpy as np

from ..backend import backend_of, dtypes, where_lies
from ..dispatch import house_op as op
from . import dims
from .elementwise import maximum, minimum, where
from .indices import is_basic, read_index
from .reduce import amax, amin, argmax, argmin, back_to, needs_elements, wide
from .shape import zeros_shaped
from .typing import Operand, T

# ------------------------------------------------------------------------------------------------ x[i] and its vjp


def _getitem(x: Any, *, index: tuple) -> Any:
    try:
        y = x[index]
    except IndexError as error:
        raise IndexError(f"getitem: {error}; the tensor has shape {tuple(x.shape)}") from None
    # NumPy lays the copy of x[:, [2, 0]] out by columns.
    return y if y.flags.c_contiguous or is_basic(index) else y.copy()


def _scatter(g: Any, *, index: tuple, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with g added at `index`; repeated indices accumulate."""
    if is_basic(index):
        whole = zeros_shaped(shape, g)
        whole[index] = g
        return whole
    whole = zeros_shaped(shape, wide(g))
    backend_of(g).scatter_add(whole, index, wide(g))
    return back_to(g.dtype, whole)


scatter_op = op(_scatter, lambda g, _y, _g, *, index, shape: getitem_op(g, index=index), name="scatter")
getitem_op = op(
    _getitem,
    lambda g, _y, _x, *, index: scatter_op(g, index=index, shape=_x.shape),
    name="getitem", view=True,
)


def copied(x: Any) -> Any:
    """A copy of an array, or of the number that NumPy makes of a 0-d one, that can be written to."""
    return np.asarray(x) if isinstance(x, np.generic) else x.copy()


def _put(x: Any, value: Any, *, index: tuple) -> Any:
    y = copied(x)
    y[index] = value
    return y


def _put_x_vjp(g: Any, _y: Any, _x: Any, _value: Any, *, index: tuple) -> Any:
    return put_op(g, 0, index=index)


def _put_value_vjp(g: Any, _y: Any, _x: Any, _value: Any, *, index: tuple) -> Any:
    picked = getitem_op(g, index=index)
    if is_basic(index):
        return picked
    return picked * _won(g, index).astype(g.dtype)


def _won(g: Any, index: tuple) -> Any:
    """For each value written, whether it is the one that stayed: where an index is repeated, only one does."""
    raw = g.array if hasattr(g, "face") else g
    backend = backend_of(raw)
    with backend.on(backend.device_of(raw)):
        stayed = backend.xp.zeros(raw.shape, dtype=dtypes.int64)
        region = stayed[index].shape
        number = backend.xp.arange(math.prod(region)).reshape(region)
        stayed[index] = number
        won = stayed[index] == number
    return g.face.of(won, None) if hasattr(g, "face") else won


put_op = op(_put, _put_x_vjp, _put_value_vjp, name="setitem")


def getitem(input: T, index: Any) -> T:
    """input[index]: a view for numbers, slices, None and ...; a copy for integer and boolean index tensors.

    Unlike PyTorch it takes slices with a negative step. Raises IndexError for uint8, which in PyTorch is a mask and in
    NumPy are numbers.
    """
    return getitem_op(input, index=read_index(index, input))


# ------------------------------------------------------------------------------------ along a dimension, by an index


def _full_index(index: Any, dim: int) -> tuple:
    """index along `dim` together with the running indices of the other dimensions."""
    xp = backend_of(index).xp
    parts = []
    for d, n in enumerate(index.shape):
        running = xp.arange(n).reshape((1,) * d + (n,) + (1,) * (index.ndim - d - 1))
        parts.append(index if d == dim else running)
    return tuple(parts)


def _scatter_add(x: Any, index: Any, src: Any, *, dim: int) -> Any:
    if x.ndim == 0:
        return x + src.reshape(())
    y = wide(x) if x.dtype == dtypes.float16 else x.copy()
    backend_of(y).scatter_add(y, _full_index(index, dim), wide(src[tuple(slice(n) for n in index.shape)]))
    return back_to(x.dtype, y)


def _gather(x: Any, index: Any, *, dim: int) -> Any:
    return x[_full_index(index, dim)] if x.ndim else copied(x)


def _zeros_like_input(g: Any, _x: Any) -> Any:
    return zeros_shaped(_x.shape, g)


gather_op = op(
    _gather, lambda g, _y, _x, index, *, dim: scatter_add_op(_zeros_like_input(g, _x), index, g, dim=dim), None,
    name="gather",
)
scatter_add_op = op(
    _scatter_add,
    lambda g, _y, _x, _index, _src, *, dim: g,
    None,
    lambda g, _y, _x, index, _src, *, dim: _padded_to(gather_op(g, index, dim=dim), _src.shape),
    name="scatter_add",
)


def _padded_to(g: Any, shape: tuple[int, ...]) -> Any:
    """src may be larger than the index: what was not used has gradient 0."""
    if tuple(g.shape) == tuple(shape):
        return g
    return scatter_op(g, index=tuple(slice(n) for n in g.shape), shape=shape)


def _check_index(name: str, x: Any, dim: int, index: Any, others_fit: Any) -> int:
    if index.dtype != dtypes.int64 and index.dtype != dtypes.int32:
        raise TypeError(f"{name}: the index has dtype {index.dtype}; it must be int64")
    if index.ndim != x.ndim:
        raise ValueError(
            f"{name}: the index has shape {tuple(index.shape)}, the tensor {tuple(x.shape)}; "
            "dimensions must be equally many"
        )
    d = dims.one(dim, x.ndim, name)
    for other, what in others_fit:
        for i, (n, limit) in enumerate(zip(index.shape, other.shape)):
            if n > limit and (i != d or what != "tensor"):
                raise ValueError(
                    f"{name}: the index, of shape {tuple(index.shape)}, is larger than the {what}, "
                    f"of shape {tuple(other.shape)}"
                )
    _require_in_range(name, index, x, d)
    return d


def _require_in_range(name: str, index: Any, x: Any, d: int) -> None:
    size = x.shape[d] if x.ndim else 1
    raw = index.array if hasattr(index, "face") else index
    message = f"{name}: an index is out of range for dim {d} of size {size}; count from 0"
    with where_lies(raw):
        backend_of(raw).require((raw >= 0) & (raw < size), lambda: IndexError(message))


def gather(input: T, dim: int, index: Operand) -> T:
    """result[i][j] = input[index[i][j]][j] for dim 0, and so for others; index has as many dimensions as input."""
    return gather_op(input, index, dim=_check_index("gather", input, dim, index, [(input, "tensor")]))


def scatter_add(input: T, dim: int, index: Operand, src: Operand) -> T:
    """A copy of input with src added: result[index[i][j]][j] += src[i][j] for dim 0; repeated indices accumulate."""
    d = _check_index("scatter_add", input, dim, index, [(input, "tensor"), (src, "source")])
    if src.dtype != input.dtype:
        raise TypeError(
            f"scatter_add: dtypes differ, {input.dtype} and {src.dtype}; cast the source with .to({input.dtype})"
        )
    return scatter_add_op(input, index, src, dim=d)


def index_select(input: T, dim: int, index: Operand) -> T:
    """The slices of input along `dim` that a 1-D index names, in its order. Raises IndexError for one out of range."""
    if index.dtype != dtypes.int64 and index.dtype != dtypes.int32:
        raise TypeError(f"index_select: the index has dtype {index.dtype}; it must be int64")
    if index.ndim > 1:
        raise ValueError(f"index_select: the index must be 1-D, got shape {tuple(index.shape)}")
    d = dims.one(dim, input.ndim, "index_select")
    _require_in_range("index_select", index, input, d)
    if input.ndim == 0:
        return input.reshape(1)[index].reshape(())
    return getitem(input, (slice(None),) * d + (index.reshape(-1),))


# ------------------------------------------------------------------------------------------------ rows of a matrix


def _add_rows(g: Any, index: Any, *, shape: tuple[int, ...]) -> Any:
    """Zeros of shape (n, d) with the rows of g, of shape (*index.shape, d), added where index says."""
    whole = zeros_shaped(shape, wide(g))
    flat = index[..., None] * shape[1] + backend_of(g).xp.arange(shape[1])  # five times as fast as by whole rows
    backend_of(g).scatter_add(whole.reshape(-1), flat.reshape(-1), wide(g).reshape(-1))
    return back_to(g.dtype, whole)


add_rows = op(_add_rows, lambda g, _y, _g, index, *, shape: take_rows(g, index, frozen=None), None, name="add_rows")


def _take_rows_vjp(g: Any, _y: Any, _w: Any, index: Any, *, frozen: int | None) -> Any:
    if frozen is not None:
        g = np.where((index == frozen)[..., None], 0, g)
    return add_rows(g, index, shape=_w.shape)


# w[index] for an int64 index in range; the row `frozen`, if there is one, gets no gradient.
take_rows = op(lambda w, index, *, frozen: w[index], _take_rows_vjp, None, name="take_rows")


def masked_fill(input: T, mask: Operand, value: Operand) -> T:
    """A copy of input with `value` where mask is true; the dtype stays. mask broadcasts to input.

    Raises TypeError for a floating-point value in a tensor of integers (PyTorch cuts it off if it is a 0-d tensor).
    """
    if mask.dtype != dtypes.bool_:
        raise TypeError(f"masked_fill: the mask has dtype {mask.dtype}; make it bool, for instance with != 0")
    if getattr(value, "ndim", 0):
        raise ValueError(f"masked_fill: the value must be a number or 0-d, got shape {tuple(value.shape)}")
    if dtypes.category(dtypes.result_type(value)) > dtypes.category(input.dtype):
        raise TypeError(f"masked_fill: {value!r} does not fit dtype {input.dtype}; cast the tensor first")
    if hasattr(value, "dtype"):
        value = value.astype(input.dtype)  # type: ignore[union-attr]
    return where(mask, value, input)


def masked_select(input: T, mask: Operand) -> T:
    """The elements where mask is true, as a 1-D tensor."""
    if mask.dtype != dtypes.bool_:
        raise TypeError(f"masked_select: the mask has dtype {mask.dtype}; make it bool")
    return getitem(input, mask.expand(*input.shape) if tuple(mask.shape) != tuple(input.shape) else mask)


def _one_hot(labels: Any, *, classes: int) -> Any:
    numbers = backend_of(labels).xp.arange(classes)
    return (labels[..., None] == numbers).astype(dtypes.int64)


one_hot_op = op(_one_hot, name="one_hot")


def one_hot(input: T, num_classes: int = -1) -> T:
    """int64 of shape (*input.shape, num_classes): 1 at each label, 0 elsewhere.

    num_classes: -1 stands for the largest label + 1.
    Raises ValueError for a label outside [0, num_classes).
    """
    if input.dtype.kind not in "iu":
        raise TypeError(f"one_hot: labels must be integers, got dtype {input.dtype}")
    raw = input.array if hasattr(input, "face") else input
    if num_classes == -1:
        if raw.size == 0:
            raise ValueError("one_hot: give num_classes, for there is no label to tell it from")
        num_classes = int(raw.max()) + 1

    def error() -> Exception:
        return ValueError(
            f"one_hot: a label is outside [0, {num_classes}); labels range from {raw.min()} to {raw.max()}"
        )

    with where_lies(raw):
        backend_of(raw).require((raw >= 0) & (raw < num_classes), error)
    return one_hot_op(input, classes=num_classes)


# ------------------------------------------------------------------------------------- the extremum and where it is


class ValuesAndIndices(NamedTuple):
    """What max(dim) and min(dim) return."""

    values: Any
    indices: Any


def _extremum(x: Any, dim: Any, keepdim: bool, whole: Any, index_of: Any, pair: Any, name: str) -> Any:
    if dim is None:
        return whole(x)
    if hasattr(dim, "dtype"):
        return pair(x, dim)
    d = dims.one(dim, x.ndim, name)
    needs_elements(x, (d,) if x.ndim else None, name)
    index = index_of(x, d, True)
    values = gather_op(x, index, dim=d)
    if x.ndim and not keepdim:
        smaller = (*x.shape[:d], *x.shape[d + 1 :])
        values, index = values.reshape(smaller), index.reshape(smaller)
    return ValuesAndIndices(values, index)


@overload
def max(input: T, dim: None = None, keepdim: bool = False) -> T: ...
@overload
def max(input: T, dim: int, keepdim: bool = False) -> ValuesAndIndices: ...
@overload
def max(input: T, dim: Operand) -> Any: ...
def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest element; with `dim`, (values, indices) along it, the gradient going to that index.

    With a tensor in place of `dim`, maximum.
    """
    return _extremum(input, dim, keepdim, amax, argmax, maximum, "max")


@overload
def min(input: T, dim: None = None, keepdim: bool = False) -> T: ...
@overload
def min(input: T, dim: int, keepdim: bool = False) -> ValuesAndIndices: ...
@overload
def min(input: T, dim: Operand) -> Any: ...
def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest element; with `dim`, (values, indices) along it, the gradient going to that index.

    With a tensor in place of `dim`, minimum.
    """
    return _extremum(input, dim, keepdim, amin, argmin, minimum, "min")
