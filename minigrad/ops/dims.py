"""Reading dimension arguments: negative ones, tuples, out of range."""

from __future__ import annotations

import operator
from typing import Any

from .typing import Dims


def one(dim: Any, ndim: int, name: str) -> int:
    """`dim` as a number from 0; a 0-d tensor counts as having one dimension, as in PyTorch."""
    n = ndim or 1
    try:
        d = operator.index(dim)
    except TypeError:
        raise TypeError(f"{name}: dim must be an integer, not {dim!r}") from None
    if not -n <= d < n:
        raise IndexError(f"{name}: dim {d} is out of range for a tensor of {ndim} dimensions; use {-n} to {n - 1}")
    return d % n


def several(dim: Dims, ndim: int, name: str) -> tuple[int, ...] | None:
    """`dim` as a tuple from 0, or None for all dimensions. Raises ValueError if one is named twice."""
    if dim is None:
        return None
    if not isinstance(dim, (tuple, list)):
        dim = (dim,)  # type: ignore[assignment]
    dims = tuple(one(d, ndim, name) for d in dim)  # type: ignore[union-attr]
    if len(set(dims)) != len(dims):
        raise ValueError(f"{name}: dim {tuple(dim)} names a dimension twice")  # type: ignore[arg-type]
    return dims if ndim else ()


def reduced(dim: Dims, ndim: int, name: str) -> tuple[int, ...] | None:
    """As several(); but to reduce over no dimension, (), means over all of them, as in PyTorch."""
    return several(dim, ndim, name) or None


def shape_of(sizes: tuple, name: str) -> tuple[int, ...]:
    """Sizes given as f(2, 3), f((2, 3)) or f([2, 3])."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    try:
        return tuple(operator.index(n) for n in sizes)
    except TypeError:
        raise TypeError(f"{name}: sizes must be integers, not {sizes!r}") from None
