"""What the functions of this folder check first, in one place."""

from __future__ import annotations

import math
import operator
from numbers import Integral, Real
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
    whole = value if value.__class__ is int else _plain_count(name, what, value)
    if least is not None and whole < least:
        raise ValueError(f"{name}: {what} must be {least} or more, got {value}")
    return whole


def _plain_count(name: str, what: str, value: Any) -> int:
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: {what} must be a whole number, not {value!r}") from None


def check_number(
    name: str, what: str, value: Any, least: float = -math.inf, most: float = math.inf, *, above: bool = False
) -> float:
    """The value as Python's int or float. Numbers of Python and NumPy are taken; bools, strings and NaN are slips.

    It is held to [least, most]; with `above` the least itself is left out.
    """
    plain: float = value if value.__class__ is float else _plain_number(name, what, value)
    if not least <= plain <= most or (above and plain == least):
        within = "" if least == -math.inf else f" above {least:g}" if above else f" from {least:g}"
        within += f" to {most:g}" if most < math.inf else ""
        raise ValueError(f"{name}: {what} must be a number{within}, got {value}")
    return plain


def _plain_number(name: str, what: str, value: Any) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name}: {what} must be a number, not {value!r}")
    try:
        plain = float(value)
    except OverflowError:
        raise ValueError(f"{name}: {what} is a whole number too large for a float to hold") from None
    return int(value) if isinstance(value, Integral) else plain


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


def check_alpha(alpha: Any, name: str) -> float:
    alpha = check_number(name, "alpha", alpha)
    if alpha == 0:
        raise ValueError(f"{name}: alpha must not be 0, for x is divided by it")
    return alpha


def check_slopes(lower: Any, upper: Any, name: str) -> tuple[float, float]:
    lower, upper = check_number(name, "lower", lower), check_number(name, "upper", upper)
    if lower > upper:
        raise ValueError(f"{name}: lower must not be above upper, got {lower} and {upper}")
    return lower, upper
