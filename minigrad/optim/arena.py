"""The arena: a group's parameters, gradients and states, each in one contiguous buffer.

Laid out so, a step is one call on one-dimensional arrays, however many layers there are. The parameters' arrays become
views of the buffer. The promise is that no update is ever lost: before each step the arena looks whether every parameter
still has the view that it was given, and lays everything out again if one has not.
"""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import numpy as np

from ..autograd import next_tick
from ..backend import backend_of, device_of, dtypes, writelog
from ..kernels import Law
from ..tensor import Tensor


class Slot:
    """One parameter's place in a block."""

    __slots__ = ("age", "gradient", "index", "param", "start", "states", "stop", "view")

    def __init__(self, param: Tensor, index: int) -> None:
        self.param = param
        self.index = index  # in the optimizer's list
        self.age = 0  # steps taken; a parameter without a gradient does not age
        self.states: dict[str, Any] = {}  # flat views; empty before the first layout
        self.view: Any = None
        self.gradient: Any = None
        self.start = self.stop = 0


class Block:
    """The parameters of a group that have one dtype and one device, side by side.

    Halves are too coarse to accumulate in: for float16 parameters everything but the parameters themselves is float32.
    """

    def __init__(self, slots: Sequence[Slot], state_names: Sequence[str]) -> None:
        self.slots = slots
        first = slots[0].param.array
        self.backend = backend_of(first)
        self.device = device_of(first)
        self.half = first.dtype == dtypes.float16
        work = dtypes.float32 if self.half else first.dtype
        size = sum(slot.param.array.size for slot in slots)
        with self.backend.on(self.device):
            zeros = self.backend.xp.zeros
            self.values = zeros(size, first.dtype)
            self.work = zeros(size, work) if self.half else self.values
            self.gradients = zeros(size, work)
            self.states = {name: zeros(size, work) for name in state_names}
            self._place()
        self._bound: dict[tuple[Law, int, int], Any] = {}

    def _place(self) -> None:
        """Copy parameters and states into the buffers and hand out the views."""
        start = 0
        for slot in self.slots:
            array = slot.param.array
            slot.start, slot.stop = start, start + array.size
            here = slice(slot.start, slot.stop)
            slot.view = self.values[here].reshape(array.shape)
            slot.view[...] = array
            slot.gradient = self.gradients[here].reshape(array.shape)
            for name, flat in self.states.items():
                old = slot.states.get(name)
                if old is not None:
                    flat[here] = _moved(old, self.backend, self.device)
                slot.states[name] = flat[here]
            start = slot.stop
        for slot in self.slots:
            slot.param.array = slot.view

    def gather(self) -> list[tuple[int, int, int]]:
        """Copy the gradients in, and return (start, stop, age) for each run of neighbours that have one, of one age."""
        runs: list[tuple[int, int, int]] = []
        for slot in self.slots:
            leaf = slot.param.node
            gradient = None if leaf is None else leaf.grad
            if gradient is None:
                continue
            slot.gradient[...] = gradient.array
            if runs and runs[-1][1] == slot.start and runs[-1][2] == slot.age:
                runs[-1] = runs[-1][0], slot.stop, slot.age
            else:
                runs.append((slot.start, slot.stop, slot.age))
            slot.age += 1
        if self.half and runs:
            self.work[...] = self.values
        return runs

    def apply(self, law: Law, start: int, stop: int, scalars: dict[str, float]) -> None:
        """Run a law on part of the block; it is bound to its arrays once."""
        bound = self._bound.get((law, start, stop))
        if bound is None:
            buffers = {"g": self.gradients, "p": self.work, **self.states}
            bound = law.on(*(buffers[name][start:stop] for name in law.inputs + law.updated))
            if len(self._bound) > 64:  # parameters that come and go make ever new runs
                self._bound.clear()
            self._bound[law, start, stop] = bound
        bound(**{name: scalars[name] for name in law.scalars})

    def finish(self) -> None:
        """After a step: round the halves back, and log the write for graphs that still need the old values."""
        if self.half:
            self.values[...] = self.work
        if self.values.size:
            writelog.log(self.values, next_tick())


class Arena:
    """The blocks of one parameter group."""

    def __init__(self, params: Sequence[Tensor], first_index: int, state_names: Sequence[str]) -> None:
        self.slots = [Slot(param, first_index + i) for i, param in enumerate(params)]
        self.state_names = tuple(state_names)
        self.blocks: list[Block] = []

    def lay_out(self) -> None:
        """Build the blocks anew from where the parameters are now; states and ages are kept, cast and moved along.

        Raises ValueError where two parameters share memory or one has changed its shape; nothing is changed then.
        """
        for slot in self.slots:
            if slot.states and next(iter(slot.states.values())).size != slot.param.array.size:
                raise ValueError(
                    f"parameter {slot.index} now has shape {slot.param.shape}, which its optimizer state does not fit; "
                    "make a new optimizer"
                )
        refuse_shared_memory([(slot.index, slot.param) for slot in self.slots])
        groups: dict[Any, list[Slot]] = {}
        for slot in self.slots:
            groups.setdefault((slot.param.dtype, slot.param.device), []).append(slot)
        self.blocks = [Block(slots, self.state_names) for slots in groups.values()]

    def refresh(self) -> None:
        """Lay out again if some parameter is no longer where the arena put it."""
        if not self.blocks:
            self.lay_out()
            return
        for slot in self.slots:
            if slot.param.array is not slot.view:
                elsewhere = [s.param.array for s in self.slots if s.param.array is not s.view]
                self.lay_out()
                for array in elsewhere:  # to a graph built on them, the coming step changes these values
                    writelog.log(array, next_tick())
                return


def _moved(array: Any, backend: Any, device: Any) -> Any:
    source = backend_of(array)
    if source.device_of(array) == device:
        return array
    return backend.from_host(source.to_host(array), device)


def refuse_shared_memory(params: Sequence[tuple[int, Tensor]]) -> None:
    """Raise ValueError if two parameters share an element: each would be updated twice."""
    spans = sorted(_spans(params), key=lambda span: span[:3])
    for (_, _, high, i, a), (_, low, _, j, b) in _neighbours(spans):
        if low < high and (not isinstance(a.array, np.ndarray) or np.shares_memory(a.array, b.array)):
            raise ValueError(
                f"parameters {i} (shape {a.shape}) and {j} (shape {b.shape}) share memory; give a shared parameter once, "
                "or a clone() of it"
            )


def _spans(params: Sequence[tuple[int, Tensor]]) -> Iterator[tuple[int, int, int, int, Tensor]]:
    for index, param in params:
        if param.array.size:
            owner, low, high = backend_of(param.array).memory(param.array)
            yield id(owner), low, high, index, param


def _neighbours(spans: list) -> Iterator[tuple]:
    """Pairs of spans in one buffer that may overlap, in order of their start."""
    for k, first in enumerate(spans):
        for second in spans[k + 1 :]:
            if second[0] != first[0] or second[1] >= first[2]:
                break
            yield first, second
