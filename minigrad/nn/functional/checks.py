"""What the functions of this folder check first, in one place."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Any

import numpy as np

from ...backend import backend_of
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


def check_float_input(name: str, input: Tensor) -> None:
    if input.dtype.kind != "f":
        raise TypeError(f"{name}: the input must be floating point, not {input.dtype}; cast it with .float()")


def check_count(name: str, what: str, value: Any, least: int | None = None) -> int:
    """The value as Python's int. Whole numbers of Python and NumPy are taken; bools and floats are slips."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        whole = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: {what} must be a whole number, not {value!r}") from None
    if least is not None and whole < least:
        raise ValueError(f"{name}: {what} must be {least} or more, got {value}")
    return whole


def check_number(name: str, what: str, value: Any, least: float = -math.inf, most: float = math.inf) -> float:
    """The value as one of Python's numbers. Numbers of Python and NumPy are taken, and held to [least, most]."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name}: {what} must be a number, not {value!r}")
    if not least <= value <= most:
        within = f" from {least:g} to {most:g}" if most < math.inf else f" from {least:g}" if least > -math.inf else ""
        raise ValueError(f"{name}: {what} must be a number{within}, got {value}")
    plain: float = value if type(value) in (int, float) else np.asarray(value).item()  # type: ignore[assignment]
    return plain


def check_writable(name: str, what: str, part: Tensor) -> None:
    """Raise before anything is written, so that a part that cannot be does not leave the others changed."""
    if part.array.__class__ is np.ndarray and not part.array.flags.writeable:
        raise ValueError(f"{name}: {what} is read-only memory and cannot be moved; give a copy of it, with .clone()")


def check_state(name: str, state: Any, shape: tuple[int, ...], dtype: Any, form: str = "") -> None:
    """The state of a recurrent layer or cell, whose dimensions `form` may name."""
    if not isinstance(state, Tensor):
        raise TypeError(f"{name}: a state is a {type(state).__name__}, not a Tensor")
    if state.shape != shape or state.dtype != dtype:
        raise ValueError(
            f"{name}: a state has shape {state.shape} and dtype {state.dtype}, but {shape}{form} and {dtype} are needed"
        )


def check_pair(name: str, hx: Any) -> tuple[Any, Any]:
    """(h, c), or (None, None) of nothing."""
    if hx is None:
        return None, None
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        what = f"{len(hx)} of them" if isinstance(hx, (tuple, list)) else type(hx).__name__
        raise TypeError(f"{name}: the state is a pair (h, c), not {what}")
    return hx[0], hx[1]


def broadcasts_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


def first_place(where: Any) -> tuple[int, ...]:
    """The index of the first true element of a raw array of bools, for an error to name."""
    return tuple(int(i) for i in np.argwhere(backend_of(where).to_host(where))[0])


def check_alpha(alpha: float, name: str) -> None:
    if alpha == 0:
        raise ValueError(f"{name}: alpha must not be 0, for x is divided by it")


def check_lambd(lambd: float, name: str) -> None:
    if not lambd >= 0:
        raise ValueError(f"{name}: lambd must not be negative, got {lambd}")


def check_slopes(lower: float, upper: float, name: str) -> None:
    if not lower <= upper:
        raise ValueError(f"{name}: lower must not be above upper, got {lower} and {upper}")
