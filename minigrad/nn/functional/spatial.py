"""Reading the arguments of layers that slide over images: sizes as one number or one a dimension, and inputs."""

from __future__ import annotations

import operator
from typing import Any, Sequence, Union

from ...tensor import Tensor
from .checks import check_count, check_float_input, check_tensor

IntOrInts = Union[int, Sequence[int]]


def sizes_of(name: str, what: str, value: Any, dims: int, least: int) -> tuple[int, ...]:
    """One whole number for each of `dims` dimensions, none below `least`."""
    try:
        given = value if hasattr(value, "__len__") else (value,) * dims
        values = tuple([check_count(name, what, n) for n in given])
    except TypeError:
        raise TypeError(f"{name}: {what} must be a whole number or {dims} of them, not {value!r}") from None
    if len(values) == 1:
        values *= dims
    if len(values) != dims:
        raise ValueError(f"{name}: {what} must be a whole number or {dims} of them, not {value!r}")
    if min(values) < least:
        raise ValueError(f"{name}: {what} must be {least} or more, got {value!r}")
    return values


def plain_sizes(value: Any) -> Any:
    """Sizes that were checked, as they were given, in Python's ints: one, several, and None where that is one."""
    if value is None:
        return None
    if not hasattr(value, "__len__"):
        return operator.index(value)
    whole = [plain_sizes(n) for n in value]
    return whole if isinstance(value, list) else tuple(whole)


def batched(name: str, input: Any, dims: int) -> tuple[Tensor, bool]:
    """The input as (N, C, *sizes), and whether a batch of one was put around it."""
    check_tensor(input, name)
    if input.ndim not in (dims + 1, dims + 2):
        spatial = "L" if dims == 1 else "H, W"
        raise ValueError(f"{name} takes inputs (N, C, {spatial}) or (C, {spatial}), not of shape {input.shape}")
    check_float_input(name, input)
    return (input, False) if input.ndim == dims + 2 else (input.unsqueeze(0), True)
