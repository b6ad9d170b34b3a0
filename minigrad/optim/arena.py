"""The arena: a group's parameters, gradients and states, each in one contiguous buffer.

Laid out so, a step is one call on one-dimensional arrays, however many layers there are. The parameters' arrays become
views of the buffer. The promise is that no update is ever lost: before each step the optimizer looks whether every
parameter still has the view that it was given, and lays everything out again if one has not.
"""

from __future__ import annotations

import math
import weakref
from functools import partial
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Sequence

from ..autograd import next_tick
from ..backend import backend_of, device_of, dtypes, move, writelog
from ..backend.quiet import quiet
from ..kernels import Law
from ..tensor import Tensor


class Slot:
    """One parameter's place in an arena, and what is remembered of it."""

    __slots__ = (
        "age", "borrowed", "gradient", "index", "label", "left", "long", "numbers", "param", "shape", "start", "states",
        "stop", "view",
    )  # fmt: skip

    def __init__(self, param: Tensor, index: int, name: str | None = None) -> None:
        self.param = param
        self.index = index  # in the optimizer's list
        self.label = f"parameter {index}" if name is None else f"parameter {index} ({name})"
        self.age = 0  # steps that it took; a parameter without a gradient does not age
        self.states: dict[str, Any] = {}  # flat, by the law's names; at age 0 all zeros for the law
        self.numbers: Mapping[str, float] = {}  # what the host remembers of it besides; at age 0 nothing
        self.shape: tuple[int, ...] = ()  # when it was last laid out
        self.view: Any = None
        self.gradient: Any = None  # its place among the gathered gradients
        self.borrowed: Any = None  # its own gradient, flat, while a step uses that instead
        self.long = False  # so long that copying the gradient costs more than a call of the law for it alone
        # Weakly, the arrays that it had before it was moved: out of date as soon as it is updated.
        self.left: list[Any] = []
        self.start = self.stop = 0


# Elements from which on a parameter's gradient is used where it lies; on other devices it never is.
_LONG = {"cpu": 1 << 14, "cuda": 1 << 20}

# Neighbours that have a gradient and one age and numbers: the first, the one after the last, their age.
Run = tuple[int, int, int]
# What a step does to a run: its first, the one after its last, a bound law, its scalars, whether the run ages, and what
# the host remembers of it from then on.
Update = tuple[int, int, Callable[..., None], dict[str, float], bool, Mapping[str, float]]
Shape = tuple[int, ...]
ShapeOf = Callable[[str, Shape], Shape | None]  # a state's shape, by its name and the parameter's shape


def wide(dtype: Any) -> Any:
    """The dtype to accumulate in for parameters of a dtype: halves are too coarse."""
    return dtypes.float32 if dtype == dtypes.float16 else dtype


class Block:
    """The parameters of a group that have one dtype and one device, side by side.

    Halves are too coarse to accumulate in: for float16 parameters everything but the parameters themselves is float32.
    """

    def __init__(self, slots: Sequence[Slot], shape_of: ShapeOf) -> None:
        self.slots = slots
        self.shape_of = shape_of
        first = slots[0].param.array
        self.backend = backend_of(first)
        self.device = device_of(first)
        self.half = first.dtype == dtypes.float16
        self.work_dtype = wide(first.dtype)
        self.states: dict[str, Any] = {}
        self._bound: dict[tuple[Law, int, int], Any] = {}
        self._spans: dict[tuple[int, int], writelog.Span] = {}
        size = sum(slot.param.array.size for slot in slots)
        with self.backend.on(self.device):
            self.values = self.backend.xp.zeros(size, first.dtype)
            self.gradients = self._zeros(size)
            self.work = self._zeros(size) if self.half else self.values
            old_states = [slot.states if slot.age else {} for slot in slots]
            views = self._place()
            for name in dict.fromkeys(name for states in old_states for name in states):
                self.state(name)
            for slot, states in zip(slots, old_states):
                for name, flat in states.items():
                    _assign(slot.states[name], move(flat, self.device))
        for slot in slots:  # nothing can fail any more
            slot.left = [ref for ref in slot.left if ref() is not None]
            slot.left += [weakref.ref(array) for array in (slot.param.array, slot.view) if array is not None]
            slot.param.array = slot.view = views[slot]
        self._moved = list(slots)  # of which nobody has been told yet that the arrays they left are out of date

    def _zeros(self, size: int) -> Any:
        return self.backend.xp.zeros(size, self.work_dtype)

    def _place(self) -> dict[Slot, Any]:
        """Copy the parameters into the buffer; return the views that are to be their arrays."""
        views = {}
        start = 0
        long = _LONG.get(self.device.type, math.inf)
        for slot in self.slots:
            array = slot.param.array
            slot.start, slot.stop, slot.shape = start, start + array.size, array.shape
            views[slot] = self.values[start : slot.stop].reshape(array.shape)
            views[slot][...] = array
            slot.gradient = self.gradients[start : slot.stop].reshape(array.shape)
            slot.borrowed = None
            slot.long = not self.half and array.size >= long
            slot.states = {}
            start = slot.stop
        return views

    def state(self, name: str) -> Any:
        """The buffer of a state, made of zeros when it is first needed."""
        flat = self.states.get(name)
        if flat is None:
            shapes = [(slot, self.shape_of(name, slot.shape)) for slot in self.slots]
            sizes = [(slot, math.prod(shape)) for slot, shape in shapes if shape is not None]
            with self.backend.on(self.device):
                flat = self.states[name] = self._zeros(sum(size for _, size in sizes))
                start = 0
                for slot, size in sizes:
                    slot.states[name] = flat[start : start + size]
                    start += size
        return flat

    # ------------------------------------------------------------------------------------------------------ a step

    def gather(self, borrow: bool = False) -> list[Run]:
        """Copy the gradients in, and return the runs of parameters that have one.

        borrow: what is long is not copied, if its gradient can be used as it lies, but is a run by itself.
        """
        runs: list[Run] = []
        first = end = age = 0
        numbers: Mapping[str, float] = {}
        for i, slot in enumerate(self.slots):
            leaf = slot.param.node
            gradient = None if leaf is None else leaf.grad
            if gradient is None:
                continue
            if slot.long:
                slot.borrowed = self._as_it_lies(gradient.array) if borrow else None
            if slot.borrowed is None:
                slot.gradient[...] = gradient.array
            if i != end or slot.age != age or slot.numbers != numbers or self._apart(i):
                if first < end:
                    runs.append((first, end, age))
                first, age, numbers = i, slot.age, slot.numbers
            end = i + 1
        if first < end:
            runs.append((first, end, age))
        return runs

    def _as_it_lies(self, array: Any) -> Any:
        """The gradient, flat, without a copy; None if a law cannot take it, or would overwrite it as it goes."""
        if array.dtype != self.work_dtype or not array.flags.c_contiguous or device_of(array) != self.device:
            return None
        if array.base is not None:
            mine = {id(self.backend.memory(buffer)[0]) for buffer in (self.values, *self.states.values())}
            if id(self.backend.memory(array)[0]) in mine:
                return None
        return array.reshape(-1)

    def _apart(self, i: int) -> bool:
        """Does a new run begin at slot i, because its gradient, or that of the slot before, lies elsewhere?"""
        return self.slots[i].borrowed is not None or self.slots[i - 1].borrowed is not None

    def bind(self, law: Law, first: int, end: int) -> Callable[..., None]:
        """A law on the arrays of some neighbours. It is bound once: most steps are like the last."""
        if self.slots[first].borrowed is not None:
            return partial(law, *self._arrays(law, first, end))
        bound = self._bound.get((law, first, end))
        if bound is None:
            bound = law.on(*self._arrays(law, first, end))
            if len(self._bound) > 64:  # parameters that come and go make ever new runs
                self._bound.clear()
                self._spans.clear()
            self._bound[law, first, end] = bound
        return bound

    def _arrays(self, law: Law, first: int, end: int) -> Iterator[Any]:
        """What a law takes, for some neighbours."""
        slot = self.slots[first]
        given = {"g": self.gradients, "p": self.work}
        here = slice(slot.start, self.slots[end - 1].stop)
        for name in law.inputs + law.updated:
            if name == "g" and slot.borrowed is not None:
                yield slot.borrowed
            else:
                yield (given[name] if name in given else self.state(name))[here]

    def update(self, updates: Sequence[Update]) -> None:
        """Change the parameters and states, and age them."""
        self._log(updates)  # before the change: interrupted in the middle of it, a graph must still be able to tell
        if self.half:
            _assign(self.work, self.values)
        for _, _, bound, scalars, *_ in updates:
            bound(**scalars)
        if self.half:
            _assign(self.values, self.work)
        for first, end, _, _, ages, numbers in updates:
            self.slots[first].borrowed = None
            if ages:
                for slot in self.slots[first:end]:
                    slot.age += 1
                    slot.numbers = numbers

    def restore(self, values: Any) -> None:
        """Give all parameters the values of a copy of `self.values`."""
        with self.backend.on(self.device):
            if values.size:
                writelog.log(self.values, next_tick())
            self.values[...] = values

    def _log(self, updates: Sequence[Update]) -> None:
        """Note what is written, for graphs that still need the old values."""
        tick = next_tick()
        for first, end, *_ in updates:
            span = self._spans.get((first, end))
            if span is None:
                written = self.values[self.slots[first].start : self.slots[end - 1].stop]
                span = self._spans[first, end] = writelog.Span(written)
            span.log(tick)
        if self._moved:
            self._log_left(updates, tick)

    def _log_left(self, updates: Sequence[Update], tick: int) -> None:
        """A graph may have been built on an array that a parameter had before: to it, that one is changed now."""
        changed = {slot for first, end, *_ in updates for slot in self.slots[first:end]}
        for slot in self._moved:
            if slot in changed:
                for array in [ref() for ref in slot.left]:
                    if array is not None and array.size:
                        writelog.log(array, tick)
                slot.left = []
        self._moved = [slot for slot in self._moved if slot not in changed]


class Settings(NamedTuple):
    """The hyper-parameters of a group: as given when they were last checked, and in Python's own numbers."""

    given: Any
    plain: dict[str, Any]


class Arena:
    """The blocks of one parameter group."""

    def __init__(
        self, params: Sequence[Tensor], first_index: int, names: Sequence[str] | None, shape_of: ShapeOf
    ) -> None:
        labels = [None] * len(params) if names is None else names
        self.slots = [Slot(p, first_index + i, name) for i, (p, name) in enumerate(zip(params, labels))]
        self.blocks: list[Block] = []
        self.settings = Settings((), {})
        self._shape_of = shape_of

    def lay_out(self) -> None:
        """Build the blocks from where the parameters are now; states and ages are kept, cast and moved along."""
        alike: dict[Any, list[Slot]] = {}
        for slot in self.slots:
            alike.setdefault((slot.param.dtype, slot.param.device), []).append(slot)
        self.blocks = [Block(slots, self._shape_of) for slots in alike.values()]

    def is_current(self, params: Sequence[Tensor]) -> bool:
        """Are these the parameters, each where the arena put it?"""
        if not self.blocks or len(params) != len(self.slots):
            return False
        for slot, param in zip(self.slots, params):
            if param.array is not slot.view:
                return False
        return True

    def holds(self, params: Sequence[Tensor]) -> bool:
        """Are these the parameters, wherever they are?"""
        return len(params) == len(self.slots) and all(slot.param is p for slot, p in zip(self.slots, params))


@quiet
def _assign(target: Any, values: Any) -> None:
    """Copy and cast; what does not fit becomes inf, as in the arithmetic of that dtype."""
    target[...] = values
