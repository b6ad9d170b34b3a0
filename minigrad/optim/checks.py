"""What an optimizer refuses: hyper-parameters out of range, and parameters that it could not update rightly."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Iterable, Iterator

import numpy as np

from ..backend import backend_of
from ..tensor import Tensor

if TYPE_CHECKING:
    from .arena import Block, Run, Slot

# ----------------------------------------------------------------------------------------------- hyper-parameters


def number(rule: str, **values: Any) -> None:
    """Raise TypeError for a hyper-parameter that is no number, ValueError for NaN."""
    for name, value in values.items():
        if not isinstance(value, Real) or isinstance(value, bool):
            raise TypeError(f"{rule}: {name} must be a number, got {value!r}")
        if value != value:
            raise ValueError(f"{rule}: {name} is NaN")


def whole(rule: str, name: str, value: Any, least: int) -> int:
    """The value. Raises TypeError if it is no whole number, ValueError if it is below the least."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{rule}: {name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{rule}: {name} must be at least {least}, got {value}")
    return int(value)


def positive(rule: str, **values: Any) -> None:
    """Raise for a hyper-parameter that is no number, or not above 0."""
    number(rule, **values)
    for name, value in values.items():
        if value <= 0:
            raise ValueError(f"{rule}: {name} must be above 0, got {value}")


def not_negative(rule: str, **values: Any) -> None:
    """Raise for a hyper-parameter that is no number, or below 0."""
    number(rule, **values)
    for name, value in values.items():
        if value < 0:
            raise ValueError(f"{rule}: {name} must not be negative, got {value}")


def below_one(rule: str, **values: Any) -> None:
    """Raise for a hyper-parameter that is no number, or outside [0, 1)."""
    number(rule, **values)
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{rule}: {name} must be in [0, 1), got {value}")


def several_below_one(rule: str, count: int, **values: Any) -> None:
    """Raise for a hyper-parameter that is not `count` numbers in [0, 1), as Adam's two betas are."""
    for name, value in values.items():
        if not isinstance(value, tuple) or len(value) != count:
            raise TypeError(f"{rule}: {name} must be {count} numbers, got {value!r}")
        below_one(rule, **{f"{name}[{i}]": part for i, part in enumerate(value)})


def fraction(rule: str, **values: Any) -> None:
    """Raise for a hyper-parameter that is no number, or outside [0, 1]."""
    number(rule, **values)
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{rule}: {name} must be in [0, 1], got {value}")


def interval(rule: str, **values: Any) -> None:
    """Raise for a hyper-parameter that is not two numbers, neither negative, the smaller first."""
    for name, value in values.items():
        if not isinstance(value, tuple) or len(value) != 2:
            raise TypeError(f"{rule}: {name} must be 2 numbers, got {value!r}")
        not_negative(rule, **{f"{name}[{i}]": part for i, part in enumerate(value)})
        if value[0] > value[1]:
            raise ValueError(f"{rule}: {name} must be the smaller number and the larger, got {value}")


def switch(rule: str, **values: Any) -> None:
    """Raise TypeError for a hyper-parameter that is neither True nor False."""
    for name, value in values.items():
        if not isinstance(value, bool):
            raise TypeError(f"{rule}: {name} must be True or False, got {value!r}")


def as_python(value: Any) -> Any:
    """A hyper-parameter in Python's own numbers: with NumPy's float32 the host would compute in single precision."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return tuple(as_python(part) for part in value)
    return value


# ----------------------------------------------------------------------------------------------------- parameters


def new_parameters(rule: str, slots: Iterable[Slot]) -> None:
    """Raise for what is not a floating-point leaf, what is listed twice, and what shares memory."""
    slots = list(slots)
    seen: dict[int, Slot] = {}
    for slot in slots:
        p = slot.param
        if not isinstance(p, Tensor):
            raise TypeError(f"{rule}: {slot.label} is a {type(p).__name__}, not a tensor")
        if not p.is_leaf:
            raise ValueError(
                f"{rule}: {slot.label} (shape {p.shape}) was computed by {p.node.name}; only leaves can be optimized: "
                "detach() it, or list the tensors that it was computed from"
            )
        if id(p) in seen:
            raise ValueError(
                f"{rule}: {seen[id(p)].label} and {slot.label} are one tensor (shape {p.shape}); list it once"
            )
        seen[id(p)] = slot
    memory(rule, slots)


def memory(rule: str, slots: Iterable[Slot]) -> None:
    """Raise for arrays that the arena cannot take in: no floats, another shape than the state's, shared elements."""
    slots = list(slots)
    for slot in slots:
        array, leaf = slot.param.array, slot.param.node
        if array.dtype.kind != "f":
            raise TypeError(
                f"{rule}: {slot.label} has dtype {array.dtype}; only floating-point tensors can be optimized"
            )
        if slot.age and slot.shape != array.shape:
            raise ValueError(
                f"{rule}: {slot.label} has shape {array.shape} now, but what the optimizer remembers of it has shape "
                f"{slot.shape}; make a new optimizer"
            )
        if leaf is not None and leaf.shape != array.shape:
            raise ValueError(
                f"{rule}: {slot.label} has shape {array.shape} now, but gathers gradients of shape {leaf.shape}; "
                "change a parameter's shape by assigning to .data, not to .array"
            )
        if array.size and any(n > 1 and stride == 0 for n, stride in zip(array.shape, array.strides)):
            raise ValueError(
                f"{rule}: {slot.label} (shape {array.shape}) is expanded: its elements share memory; clone() it"
            )
    for a, b in _overlapping(slots):
        raise ValueError(
            f"{rule}: {a.label} (shape {a.param.shape}) and {b.label} (shape {b.param.shape}) share memory, "
            "which would be updated twice; list a shared parameter once, or clone() one of them"
        )


def finite(rule: str, block: Block, runs: Iterable[Run]) -> None:
    """Raise for the first parameter of these runs whose gathered gradient holds NaN or an infinity."""
    for first, end, _ in runs:
        for slot in block.slots[first:end]:
            gradient = slot.gradient if slot.borrowed is None else slot.borrowed
            wrong = gradient.size - int(np.isfinite(gradient).sum())
            if wrong:
                raise FloatingPointError(
                    f"{rule}: the gradient of {slot.label} (shape {slot.shape}) is NaN or infinite in {wrong} of "
                    f"{gradient.size} places, and error_if_nonfinite is set; nothing was updated"
                )


def _overlapping(slots: list[Slot]) -> Iterator[tuple[Slot, Slot]]:
    """Pairs that share an element. Addresses tell, whichever array owns the memory."""
    spans = []
    for slot in slots:
        array = slot.param.array
        if array.size:
            backend = backend_of(array)
            _, low, high = backend.memory(array)
            spans.append((backend.device_type, low, high, slot))
    spans.sort(key=lambda span: span[:3])
    for k, (kind, _, high, first) in enumerate(spans):
        for other_kind, low, _, second in spans[k + 1 :]:
            if other_kind != kind or low >= high:
                break
            a, b = first.param.array, second.param.array
            if not isinstance(a, np.ndarray) or np.shares_memory(a, b):  # x[::2] and x[1::2] only interleave
                yield first, second
