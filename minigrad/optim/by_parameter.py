"""Rules that look at a parameter as a whole: its norm, its rows and columns, its matrix."""

from __future__ import annotations

import math
from typing import Any, Mapping, NamedTuple

from ..backend import backend_of
from ..backend.quiet import quiet
from ..kernels import Law
from .arena import Block, Run, Slot, Update
from .explain import Element, LawCall, NotedLaw
from .optimizer import Optimizer


class Piece(NamedTuple):
    """One parameter in a step: flat arrays on the optimizer's memory, which may be written, and its shape."""

    p: Any
    g: Any
    states: dict[str, Any]
    shape: tuple[int, ...]
    index: int  # of the parameter in the optimizer's list

    def put_through(self, law: Law | NotedLaw, scalars: Mapping[str, float], **arrays: Any) -> None:
        """Run a law on p, g, the states, and what else is given, by the names that it has for them."""
        known = {"p": self.p, "g": self.g, **self.states, **arrays}
        law(*(known[name] for name in law.inputs + law.updated), **{name: scalars[name] for name in law.scalars})


def piece_of(block: Block, slot: Slot) -> Piece:
    """A parameter whose gradient was gathered, and whose states are laid out."""
    here = slice(slot.start, slot.stop)
    return Piece(block.work[here], block.gradients[here], slot.states, slot.shape, slot.index)


class ByParameter(Optimizer):
    """A rule whose step takes one parameter at a time. A subclass states it by change()."""

    borrows = False  # a rule may write into the gradients that it is given

    def change(self, group: dict[str, Any], age: int, piece: Piece) -> None:
        """Update one parameter of a group, which is not empty and has taken `age` steps, and its states."""
        raise NotImplementedError(f"{type(self).__name__} does not state its rule")

    def used_states(self, group: dict[str, Any]) -> list[str]:
        return list(self.states)

    def fits(self, slot: Slot) -> None:
        """Raise ValueError for a parameter of a shape that the rule cannot update."""

    def _planned(self, group: dict[str, Any], block: Block, run: Run) -> Update:
        first, end, age = run
        for slot in block.slots[first:end]:
            self.fits(slot)
        for name in self.used_states(group):
            block.state(name)

        @quiet
        def change() -> None:
            for slot in block.slots[first:end]:
                if slot.stop > slot.start:
                    self.change(group, age, piece_of(block, slot))

        return first, end, change, {}, True, {}

    def _law_calls(self, group: dict[str, Any], element: Element) -> list[LawCall]:
        """change() on copies, by a twin of this optimizer whose laws take notes."""
        slot = element.slot
        states = {}
        for name in self.used_states(group):
            shape = self.state_shape(name, slot.shape)
            if shape is not None:
                known = slot.states.get(name) if slot.age else None
                zeros = backend_of(slot.view).xp.zeros(math.prod(shape), element.block.work_dtype)
                states[name] = zeros if known is None else known.copy()
        p = slot.view.reshape(-1).astype(element.block.work_dtype)
        calls: list[LawCall] = []
        twin = object.__new__(type(self))
        twin.__dict__ = {**self.__dict__, "law": lambda **flags: NotedLaw(self.law(**flags), element, calls)}
        quiet(twin.change)(group, slot.age, Piece(p, element.gradient, states, slot.shape, slot.index))
        return calls


def norm(array: Any) -> float:
    """The Euclidean norm, in float64: in float32 the squares of small numbers are 0."""
    wide = array.reshape(-1).astype("float64", copy=False)
    return math.sqrt(float(wide.dot(wide)))


def rms(array: Any) -> float:
    """The root of the mean square."""
    return norm(array) / math.sqrt(array.size)
