"""Ops that change where or how values are held: dtype, device, memory of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import Device, device_of, move
from ..dispatch import house_op as op
from .typing import T, Unary


def _astype(x: Any, *, dtype: np.dtype) -> Any:
    return x.astype(dtype)


astype_op = op(_astype, lambda g, _y, _x, *, dtype: g.astype(_x.dtype), name="to")
clone: Unary = op(lambda x: x.copy(), lambda g, _y, _x: g, name="clone")


def _to_device(x: Any, *, device: Device, source: Device) -> Any:
    return move(x, device)


to_device_op = op(
    _to_device, lambda g, _y, _x, *, device, source: to_device_op(g, device=source, source=device), name="to_device"
)


def astype(input: T, dtype: np.dtype) -> T:
    """The same values in another dtype; itself if it has that one."""
    return input if input.dtype == dtype else astype_op(input, dtype=dtype)


def to_device(input: T, device: Device) -> T:
    """The same values on another device; itself if it is there. The gradient travels back."""
    source = device_of(input.array if hasattr(input, "face") else input)
    return input if source == device else to_device_op(input, device=device, source=source)


def contiguous(input: T) -> T:
    """Itself if its elements lie in order in memory, else a copy in which they do."""
    raw = input.array if hasattr(input, "face") else input
    return input if raw.flags.c_contiguous else clone(input)


