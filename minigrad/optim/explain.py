"""A step of an optimizer on one element, for people to read: each law line by line, with the numbers filled in."""

from __future__ import annotations

from operator import index as as_integer
from typing import TYPE_CHECKING, Any, Iterable, Mapping, NamedTuple

from ..kernels import Law
from ..kernels.follow import Line, text
from ..tensor import Tensor

if TYPE_CHECKING:
    from .arena import Block, Slot


class LawCall(NamedTuple):
    """A law met on the way: its scalars, what the element's numbers were before it, and its lines."""

    law: Law
    scalars: dict[str, float]
    before: dict[str, float]
    lines: list[Line]

    @property
    def after(self) -> dict[str, Any]:
        """What the law made of the arrays that it updates."""
        assigned = {line.target: line.value for line in self.lines}
        return {name: assigned.get(name, self.before[name]) for name in self.law.updated}


class Element(NamedTuple):
    """One number of a parameter: where that lies in the arena, its gradient, flat, and the number's place in it."""

    block: Block
    slot: Slot
    gradient: Any
    offset: int

    def of(self, flat: Any) -> float:
        return float(flat[self.offset])


class NotedLaw:
    """A law that notes what it does to one element of the arrays that it is called on."""

    def __init__(self, law: Law, element: Element, calls: list[LawCall]) -> None:
        self.law, self.element, self.calls = law, element, calls
        self.inputs, self.updated, self.scalars = law.inputs, law.updated, law.scalars

    def __call__(self, *arrays: Any, **scalars: Any) -> None:
        if arrays[0].size == self.element.gradient.size:  # else the arrays are of rows or the like
            names = self.law.inputs + self.law.updated
            before = {name: self.element.of(array) for name, array in zip(names, arrays)}
            lines = self.law.follow({**before, **scalars}, arrays[0].dtype)
            self.calls.append(LawCall(self.law, scalars, before, lines))
        self.law(*arrays, **scalars)


class Explanation:
    """What a step does to one element. str() of it is the text to read.

    title: the rule, the parameter and the element. settings: the hyper-parameters. laws: the LawCalls in order, none
    where the parameter has no gradient. before, after: p and what else the laws update, as Python floats.
    """

    def __init__(
        self, title: str, settings: Mapping[str, Any], laws: list[LawCall], p: Any, rests: str | None = None
    ) -> None:
        """p: the element's value, in its own dtype. rests: why no law is met, if it is not for want of a gradient."""
        self.title, self.settings, self.laws = title, dict(settings), laws
        self._rests = rests or "It has no gradient, so a step passes it over."
        self.before = {"p": float(p)}
        self.after = dict(self.before)
        for call in laws:
            for name in call.law.updated:
                start, end = float(call.before[name]), float(call.after[name])
                key = self._key_of(name, start)
                self.before.setdefault(key, start)
                self.after[key] = end
        self.after["p"] = float(p.dtype.type(self.after["p"]))  # halves are updated in single precision, and stored so

    def _key_of(self, name: str, start: float) -> str:
        """The name, or name[2], name[3] ... if it stands for another array than before, as AggMo's velocities do."""
        key, count = name, 1
        while key in self.after and key != "p" and repr(self.after[key]) != repr(start):
            count += 1
            key = f"{name}[{count}]"
        return key

    def __str__(self) -> str:
        lines = [self.title, f"  {_listed(self.settings)}"]
        if not self.laws:
            return "\n".join([*lines, self._rests])
        for call in self.laws:
            lines += ["", *_law_lines(call)]
        p, q = self.before["p"], self.after["p"]
        lines += ["", f"p goes from {text(p)} to {text(q)}, a change of {text(q - p)}"]
        return "\n".join(lines)


# ------------------------------------------------------------------------------------------------------ the question


def slot_of(rule: str, slots: Iterable[Slot], param: Any) -> Slot:
    """The place of a parameter. Raises TypeError or ValueError for what is none of the optimizer's."""
    if not isinstance(param, Tensor):
        raise TypeError(f"{rule}.explain takes one of the optimizer's parameters, not a {type(param).__name__}")
    for slot in slots:
        if slot.param is param:
            return slot
    raise ValueError(f"{rule}.explain: a tensor of shape {param.shape} that is none of the optimizer's parameters")


def located(rule: str, slot: Slot, index: Any) -> tuple[tuple[int, ...], int]:
    """The index without negative numbers, and the element's place when the parameter is laid out flat."""
    shape = slot.param.shape
    given = index if isinstance(index, (tuple, list)) else (index,)
    try:
        numbers = tuple(as_integer(number) for number in given)
    except TypeError:
        raise TypeError(f"{rule}.explain: an index is an integer or a tuple of integers, not {index!r}") from None
    if len(numbers) != len(shape) or not all(-size <= i < size for i, size in zip(numbers, shape)):
        wanted = f"{len(shape)} integers" if len(shape) != 1 else "one integer"
        raise IndexError(
            f"{rule}.explain: index {index!r} names no element of {slot.label}, of shape {shape}: it takes {wanted}"
        )
    place = tuple(i % size for i, size in zip(numbers, shape))
    offset = 0
    for i, size in zip(place, shape):
        offset = offset * size + i
    return place, offset


def title(rule: str, slot: Slot, place: tuple[int, ...], dtype: Any) -> str:
    which = f"element {place} of {slot.label}, shape {slot.shape}" if place else slot.label
    when = f"step {slot.age + 1}" if slot.age else "the next step"  # plain SGD does not count
    return f"{rule}, {when} of {which}, {dtype}"


# ------------------------------------------------------------------------------------------------------------ layout


def _law_lines(call: LawCall) -> list[str]:
    """A law's heading, the numbers that go in, its lines, and the numbers that come out."""
    flags = "".join(f" #{flag}" for flag in sorted(call.law.flags))
    lines = [f"{call.law.name}.cu{flags}"]
    if call.scalars:
        lines.append(f"  scalars  {_listed(call.scalars)}")
    lines.append(f"  before   {_listed(call.before)}")
    for line in call.lines:
        lines += _workings(line)
    return [*lines, f"  after    {_listed(call.after)}"]


def _workings(line: Line) -> list[str]:
    """The statement, and below it its operations, each with its numbers and its result; the last gives the target."""
    if not line.operations:
        return [f"    {line.statement}  {line.target} = {text(line.value)}"]
    names = [*(step.written for step in line.operations[:-1]), line.target]
    margin = max(map(len, names))
    steps = zip(names, line.operations)
    return [f"    {line.statement}"] + [
        f"        {name:<{margin}} = {step.filled} = {text(step.value)}" for name, step in steps
    ]


def _listed(values: Mapping[str, Any]) -> str:
    return "   ".join(f"{name} = {_shown(value)}" for name, value in values.items())


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_shown(part) for part in value)})"
    if isinstance(value, (bool, str)) or value is None:
        return repr(value)
    return text(value)
