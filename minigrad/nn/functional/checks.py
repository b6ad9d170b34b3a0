"""What the functions of this folder check first, in one place."""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor


def check_tensor(input: Any, name: str) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name} takes a Tensor, not {type(input).__name__}; make one with minigrad.tensor")
    return input


def check_reduction(reduction: str) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
