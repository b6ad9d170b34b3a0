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


def same_shape(name: str, input: Any, target: Any) -> None:
    """Raise unless both are tensors of one shape, and one of them at least is floating point."""
    check_tensor(input, name), check_tensor(target, name)
    if input.shape != target.shape:
        raise ValueError(
            f"{name}: input of shape {input.shape} and target of shape {target.shape} must be of one shape; "
            "broadcasting them would pair up what does not belong together: reshape or expand one"
        )
    if input.dtype.kind != "f" and target.dtype.kind != "f":
        raise TypeError(f"{name}: input and target are {input.dtype} and {target.dtype}; cast one with .float()")


def check_floating(input: Any, name: str) -> Tensor:
    if check_tensor(input, name).dtype.kind != "f":
        raise TypeError(f"{name}: needs floating-point values, got dtype {input.dtype}; cast them with .float()")
    return input


def check_alpha(alpha: float, name: str) -> None:
    if alpha == 0:
        raise ValueError(f"{name}: alpha must not be 0, for x is divided by it")


def check_lambd(lambd: float, name: str) -> None:
    if not lambd >= 0:
        raise ValueError(f"{name}: lambd must not be negative, got {lambd}")


def check_slopes(lower: float, upper: float, name: str) -> None:
    if not lower <= upper:
        raise ValueError(f"{name}: lower must not be above upper, got {lower} and {upper}")
