"""Ops that rearrange: no arithmetic. Where NumPy gives a view, so do these, as in PyTorch."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from ..backend import backend_of, dtypes
from ..dispatch import house_op as op, in_one_buffer
from . import dims
from .typing import Number, T

# ----------------------------------------------------------------------------------------------------------- views

reshape_op = op(
    lambda x, *, shape: x.reshape(shape), lambda g, _y, _x, *, shape: g.reshape(_x.shape), name="reshape", view=True
)
permute_op = op(
    lambda x, *, order: x.transpose(order),
    lambda g, _y, _x, *, order: permute_op(g, order=tuple(sorted(range(len(order)), key=order.__getitem__))),
    name="permute", view=True,
)
expand_op = op(
    lambda x, *, shape: np.broadcast_to(x, shape), lambda g, _y, _x, *, shape: g, name="expand", view=True
)


def reshape(input: T, *shape: int | Sequence[int]) -> T:
    """The same elements in another shape; one size may be -1. A view where the memory layout allows, else a copy."""
    return reshape_op(input, shape=_complete(input, dims.shape_of(shape, "reshape"), "reshape"))


def view(input: T, *shape: int | Sequence[int]) -> T:
    """reshape() that never copies. Raises ValueError where the memory layout does not allow a view."""
    full = _complete(input, dims.shape_of(shape, "view"), "view")
    raw = getattr(input, "array", input)
    if not in_one_buffer(raw.reshape(full), raw):
        raise ValueError(
            f"view: a tensor of shape {tuple(raw.shape)} and strides {raw.strides} cannot be seen in shape {full} "
            "without a copy; use reshape"
        )
    return reshape_op(input, shape=full)


def _complete(x: Any, shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    """`shape` with its -1 worked out. Raises ValueError if the sizes do not multiply to the number of elements."""
    size = x.size if not hasattr(x, "array") else x.array.size
    known = 1
    for n in shape:
        known *= n if n != -1 else 1
    free = shape.count(-1)
    divides = known > 0 and size % known == 0 if free else known == size
    if not divides or free > 1 or min(shape, default=0) < -1:
        raise ValueError(f"{name}: {size} elements in shape {tuple(x.shape)} cannot be arranged as {shape}")
    return tuple(size // known if n == -1 else n for n in shape)


def permute(input: T, *order: int | Sequence[int]) -> T:
    """Dimensions in another order: result.shape[i] = input.shape[order[i]]."""
    wanted = dims.shape_of(order, "permute")
    found = dims.several(wanted, input.ndim, "permute") if input.ndim else ()
    if len(wanted) != input.ndim:
        raise ValueError(f"permute: {wanted} names {len(wanted)} dimensions of a tensor that has {input.ndim}")
    return permute_op(input, order=found)


def transpose(input: T, dim0: int, dim1: int) -> T:
    """The same elements with two dimensions exchanged."""
    i, j = dims.one(dim0, input.ndim, "transpose"), dims.one(dim1, input.ndim, "transpose")
    order = list(range(input.ndim))
    if order:
        order[i], order[j] = order[j], order[i]
    return permute_op(input, order=tuple(order))


def movedim(input: T, source: int, destination: int) -> T:
    """One dimension moved to another place, the others in order."""
    i, j = dims.one(source, input.ndim, "movedim"), dims.one(destination, input.ndim, "movedim")
    order = [d for d in range(input.ndim) if d != i]
    order.insert(j, i)
    return permute_op(input, order=tuple(order[: input.ndim]))


def reverse_dims(input: T) -> T:
    """`.T`: all dimensions in reverse order."""
    return permute_op(input, order=tuple(range(input.ndim))[::-1])


def matrix_transpose(input: T) -> T:
    """`.mT`: the last two dimensions exchanged. Raises ValueError below two dimensions."""
    if input.ndim < 2:
        raise ValueError(f"mT needs at least two dimensions, got shape {tuple(input.shape)}")
    return transpose(input, -2, -1)


def squeeze(input: T, dim: int | Sequence[int] | None = None) -> T:
    """Without the dimensions of size 1, or without those in `dim` that have size 1."""
    chosen = range(input.ndim) if dim is None else dims.several(dim, input.ndim, "squeeze")
    kept = tuple(n for i, n in enumerate(input.shape) if n != 1 or i not in chosen)  # type: ignore[operator]
    return reshape_op(input, shape=kept)


def unsqueeze(input: T, dim: int) -> T:
    """With a dimension of size 1 put in at `dim`."""
    i = dims.one(dim, input.ndim + 1, "unsqueeze")
    return reshape_op(input, shape=(*input.shape[:i], 1, *input.shape[i:]))


def flatten(input: T, start_dim: int = 0, end_dim: int = -1) -> T:
    """Dimensions start_dim to end_dim made one; itself if they are one already."""
    i, j = dims.one(start_dim, input.ndim, "flatten"), dims.one(end_dim, input.ndim, "flatten")
    if i > j:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    if i == j and input.ndim:
        return input
    middle = 1
    for n in input.shape[i : j + 1]:
        middle *= n
    return reshape_op(input, shape=(*input.shape[:i], middle, *input.shape[j + 1 :]))


def expand(input: T, *sizes: int | Sequence[int]) -> T:
    """Dimensions of size 1 repeated to `sizes`, new ones in front; -1 leaves one as it is. No memory is used."""
    wanted = dims.shape_of(sizes, "expand")
    lead = len(wanted) - input.ndim
    old = (1,) * max(lead, 0) + tuple(input.shape)
    full = tuple(m if n == -1 and i >= lead else n for i, (m, n) in enumerate(zip(old, wanted)))
    if lead < 0 or -1 in full or not all(m == n or m == 1 for m, n in zip(old, full)):
        raise ValueError(
            f"expand: shape {tuple(input.shape)} does not expand to {wanted}; only dimensions of size 1 do"
        )
    return expand_op(input, shape=full)


broadcast_to = expand

# ------------------------------------------------------------------------------------------- joining and splitting


def _slice_along(axis: int, start: int, stop: int) -> tuple:
    return (slice(None),) * axis + (slice(start, stop),)


def _cat_joint(g: Any, _y: Any, *_xs: Any, needs: Sequence[bool], axis: int, sizes: tuple[int, ...]) -> list:
    grads, start = [], 0
    for size, need in zip(sizes, needs):
        grads.append(g[_slice_along(axis, start, start + size)] if need else None)
        start += size
    return grads


cat_op = op(lambda *xs, axis, sizes: np.concatenate(xs, axis=axis), joint=_cat_joint, name="cat")


def _tensor_list(tensors: Any, name: str) -> list:
    if hasattr(tensors, "shape") and not hasattr(tensors, "face"):
        tensors = list(tensors)
    if not isinstance(tensors, (list, tuple)) or not tensors:
        raise TypeError(f"{name}: give a list or tuple of at least one tensor, not {type(tensors).__name__}")
    for i, t in enumerate(tensors):
        if not hasattr(t, "shape"):
            raise TypeError(f"{name}: element {i} is a {type(t).__name__}, not a tensor")
    dtype = tensors[0].dtype
    for t in tensors[1:]:
        dtype = dtypes.promote_types(dtype, t.dtype)
    return [t if t.dtype == dtype else t.astype(dtype) for t in tensors]


def cat(tensors: Sequence[T], dim: int = 0) -> T:
    """Tensors joined along a dimension that they have; all other sizes must agree."""
    tensors = _tensor_list(tensors, "cat")
    if any(t.ndim == 0 for t in tensors):
        raise ValueError("cat: 0-d tensors have no dimension to join along; use stack")
    axis = dims.one(dim, tensors[0].ndim, "cat")
    rest = [(*t.shape[:axis], *t.shape[axis + 1 :]) for t in tensors]
    if rest.count(rest[0]) != len(rest):
        raise ValueError(f"cat: shapes {[tuple(t.shape) for t in tensors]} differ in more than dim {axis}")
    return cat_op(*tensors, axis=axis, sizes=tuple(t.shape[axis] for t in tensors))


concatenate = cat


def stack(tensors: Sequence[T], dim: int = 0) -> T:
    """Tensors of one shape joined along a new dimension."""
    tensors = _tensor_list(tensors, "stack")
    shapes = [tuple(t.shape) for t in tensors]
    if shapes.count(shapes[0]) != len(shapes):
        raise ValueError(f"stack: shapes must be equal, got {shapes}")
    axis = dims.one(dim, tensors[0].ndim + 1, "stack")
    return cat_op(*(unsqueeze(t, axis) for t in tensors), axis=axis, sizes=(1,) * len(tensors))


def zeros_shaped(shape: tuple[int, ...], like: Any) -> Any:
    """Zeros of a shape, where `like` lives: a Tensor if it is one, a raw array if it is one."""
    if hasattr(like, "face"):
        return like.face.of(zeros_shaped(shape, like.array), None)
    backend = backend_of(like)
    with backend.on(backend.device_of(like)):
        return backend.xp.zeros(shape, dtype=like.dtype)


def _split_joint(
    gs: Sequence[Any], _ys: Any, _x: Any, *, needs: Sequence[bool], axis: int, bounds: tuple, drop: bool
) -> list:
    """The pieces put together again; a piece that nobody used counts as zeros."""
    some = next(g for g in gs if g is not None)
    whole = []
    for (start, stop), g in zip(bounds, gs):
        if g is None:
            g = zeros_shaped((*_x.shape[:axis], stop - start, *_x.shape[axis + 1 :]), some)
        elif drop:
            g = g.reshape((*g.shape[:axis], 1, *g.shape[axis:]))
        whole.append(g)
    return [np.concatenate(whole, axis=axis)]


def _pieces(x: Any, *, axis: int, bounds: tuple, drop: bool) -> tuple:
    pieces = (x[_slice_along(axis, start, stop)] for start, stop in bounds)
    return tuple(p.reshape((*p.shape[:axis], *p.shape[axis + 1 :])) if drop else p for p in pieces)


def _splitter(n: int) -> Any:
    """The split op with n outputs: a row's number of outputs is part of it, so there is a row for each n."""
    row = _splitters.get(n)
    if row is None:
        row = _splitters[n] = op(_pieces, joint=_split_joint, name="split", outputs=n, view=True)
    return row


_splitters: dict[int, Any] = {}


def _split_at(x: Any, axis: int, sizes: Sequence[int], drop: bool = False) -> tuple:
    bounds, start = [], 0
    for size in sizes:
        bounds.append((start, start + size))
        start += size
    if len(bounds) == 1:
        only = x[_slice_along(axis, *bounds[0])]
        return (only.reshape((*only.shape[:axis], *only.shape[axis + 1 :])) if drop else only,)
    return _splitter(len(bounds))(x, axis=axis, bounds=tuple(bounds), drop=drop)


def split(input: T, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[T, ...]:
    """Pieces of a given size along `dim` (the last may be smaller), or of the sizes listed."""
    axis = _existing(input, dim, "split")
    n = input.shape[axis]
    if not isinstance(split_size_or_sections, (list, tuple)):
        (size,) = dims.shape_of((split_size_or_sections,), "split")
        if size <= 0:
            raise ValueError(f"split: the size of a piece must be positive, not {size}")
        sizes = [size] * (n // size) + ([n % size] if n % size else [])
        return _split_at(input, axis, sizes or [0])
    sizes = list(dims.shape_of((split_size_or_sections,), "split"))
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise ValueError(f"split: sizes {sizes} must be non-negative and add up to {n}, the size of dim {dim}")
    return _split_at(input, axis, sizes)


def chunk(input: T, chunks: int, dim: int = 0) -> tuple[T, ...]:
    """At most `chunks` pieces of equal size along `dim`, the last one possibly smaller."""
    if chunks <= 0:
        raise ValueError(f"chunk: the number of chunks must be positive, not {chunks}")
    n = input.shape[_existing(input, dim, "chunk")]
    if n == 0:
        return _split_at(input, _existing(input, dim, "chunk"), [0] * chunks)
    return split(input, max(1, -(-n // chunks)), dim)


def unbind(input: T, dim: int = 0) -> tuple[T, ...]:
    """The slices along `dim`, without that dimension."""
    axis = _existing(input, dim, "unbind")
    return _split_at(input, axis, [1] * input.shape[axis], drop=True) if input.shape[axis] else ()


def _existing(x: Any, dim: int, name: str) -> int:
    if x.ndim == 0:
        raise ValueError(f"{name}: a 0-d tensor has no dimension to split along")
    return dims.one(dim, x.ndim, name)


# ----------------------------------------------------------------------------------------------- flips and borders

flip_op = op(
    lambda x, *, axis: x[tuple(slice(None, None, -1 if i in axis else 1) for i in range(x.ndim))].copy(),
    lambda g, _y, _x, *, axis: flip_op(g, axis=axis),
    name="flip",
)
pad_op = op(
    lambda x, *, widths, value: np.pad(x, widths, constant_values=value),
    lambda g, _y, _x, *, widths, value: g[tuple(slice(a, a + n) for (a, _), n in zip(widths, _x.shape))],
    name="pad",
)
tril_op = op(
    lambda x, *, diagonal: np.tril(x, diagonal), lambda g, _y, _x, *, diagonal: tril_op(g, diagonal=diagonal),
    name="tril",
)
triu_op = op(
    lambda x, *, diagonal: np.triu(x, diagonal), lambda g, _y, _x, *, diagonal: triu_op(g, diagonal=diagonal),
    name="triu",
)


def flip(input: T, *dim: int | Sequence[int]) -> T:
    """A copy with the elements along `dim` in reverse order."""
    return flip_op(input, axis=dims.several(dims.shape_of(dim, "flip"), input.ndim, "flip"))


def pad(input: T, pad: Sequence[int], mode: str = "constant", value: Number = 0) -> T:
    """Borders of `value`: pad = (left, right) of the last dimension, then of the one before it, and so on.

    Negative widths cut away. Raises NotImplementedError for a mode other than "constant".
    """
    if mode != "constant":
        raise NotImplementedError(f"pad: mode {mode!r} is not available; use 'constant'")
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise ValueError(
            f"pad: {tuple(pad)} must hold a pair for each of the last dimensions of shape {tuple(input.shape)}"
        )
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    widths = [(0, 0)] * (input.ndim - len(pairs)) + pairs
    if any(n + a + b < 0 for n, (a, b) in zip(input.shape, widths)):
        raise ValueError(f"pad: {tuple(pad)} cuts away more than shape {tuple(input.shape)} has")
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(input.shape, widths))
    if any(a < 0 or b < 0 for a, b in widths):
        input = input[cut]
    return pad_op(input, widths=tuple((max(a, 0), max(b, 0)) for a, b in widths), value=value)


def tril(input: T, diagonal: int = 0) -> T:
    """The part of a matrix (or of each in a batch) on and below a diagonal, zeros elsewhere."""
    _matrix(input, "tril")
    return tril_op(input, diagonal=diagonal)


def triu(input: T, diagonal: int = 0) -> T:
    """The part of a matrix (or of each in a batch) on and above a diagonal, zeros elsewhere."""
    _matrix(input, "triu")
    return triu_op(input, diagonal=diagonal)


def _matrix(x: Any, name: str) -> None:
    if x.ndim < 2:
        raise ValueError(f"{name}: needs at least two dimensions, got shape {tuple(x.shape)}")
