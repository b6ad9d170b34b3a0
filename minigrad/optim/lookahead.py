"""Lookahead."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Mapping

from ..backend import backend_of, move
from ..backend.quiet import quiet
from ..tensor import Tensor
from . import checks, explain, loading
from .arena import Block, Slot, Update, wide
from .explain import Explanation, LawCall
from .optimizer import Optimizer
from .wrapper import Wrapper


class Lookahead(Wrapper):
    """slow <- slow + alpha * (p - slow), p <- slow, after every k steps of the optimizer inside.

    Zhang et al. 2019, algorithm 1. The slow weights start as what a parameter is before its first step. Each parameter
    counts its own steps: one without a gradient rests, and what is changed by hand is taken for the inner rule's doing.
    The inner rule's states are left alone when p jumps (the paper also tries to reset them). For float16 parameters the
    slow weights are float32. They are optimizer.state[p]["slow"]; right after a jump p is the same.
    Raises TypeError or ValueError for a value that is wrong, and for LBFGS, whose steps build on one another.
    """

    law_name = "lookahead"
    settings = ("k", "alpha")
    k: int
    alpha: float

    def __init__(self, optimizer: Optimizer, k: int = 5, alpha: float = 0.5) -> None:
        self._slow: dict[int, Any] = {}  # by the parameter's number, in its shape
        self._taken: dict[int, int] = {}  # steps since it was last at the slow weights
        super().__init__(optimizer, k=k, alpha=alpha)

    def check(self, group: dict[str, Any]) -> None:
        checks.whole("Lookahead", "k", group["k"], 1)
        checks.fraction("Lookahead", alpha=group["alpha"])

    # ------------------------------------------------------------------------------------------------------ the step

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step of the inner optimizer, and for parameters that have taken k of them, the jump.

        Raises what the inner step raises; ValueError, and changes nothing, for a parameter whose shape is no longer
        that of its slow weights.
        """
        settings = self.checked_settings()
        self._prepare()
        self._check_shapes()
        starts = {slot.index: _wide(slot) for slot in self._slots() if self._may_begin(slot)}
        stepping: list[Slot] = []

        def note() -> None:
            stepping[:] = [slot for slot in self._slots() if slot.param.grad is not None]
            for slot in stepping:  # in the closure, a parameter may have come to require gradients
                if slot.index not in starts and slot.index not in self._slow:
                    starts[slot.index] = _wide(slot)

        def evaluated() -> Any:
            loss = closure()  # type: ignore[misc]
            note()
            return loss

        if closure is None:
            note()
        loss = self.optimizer.step() if closure is None else self.optimizer.step(evaluated)
        self._count(stepping, starts)
        due = {slot.index for slot in stepping if self._taken[slot.index] >= settings["k"]}
        if due:
            self._jump(due, settings["alpha"])
        return loss

    def _check_shapes(self) -> None:
        for slot in self._slots():
            slow = self._slow.get(slot.index)
            if slow is not None and slow.shape != slot.param.shape:
                raise ValueError(
                    f"Lookahead: {slot.label} has shape {slot.param.shape} now, but its slow weights have shape "
                    f"{slow.shape}; make a new optimizer"
                )

    def _may_begin(self, slot: Slot) -> bool:
        return slot.index not in self._slow and slot.param.node is not None

    def _count(self, stepping: list[Slot], starts: dict[int, Any]) -> None:
        for slot in stepping:
            if slot.index not in self._slow:
                self._slow[slot.index] = starts[slot.index]
            self._taken[slot.index] = self._taken.get(slot.index, 0) + 1

    def _jump(self, due: set[int], alpha: float) -> None:
        self._prepare()  # a hook after the inner step may have moved parameters
        for arena in self._arenas:
            for block in arena.blocks:
                with block.backend.on(block.device):
                    updates = [
                        self._planned_jump(block, i, alpha) for i, slot in enumerate(block.slots) if slot.index in due
                    ]
                    if updates:
                        block.update(updates)
        self._taken.update(dict.fromkeys(due, 0))

    def _planned_jump(self, block: Block, i: int, alpha: float) -> Update:
        """The slow weights follow a parameter to its dtype and device here."""
        slot = block.slots[i]
        slow = _as(self._slow[slot.index], block)
        self._slow[slot.index] = slow
        p = block.work[slot.start : slot.stop]
        return i, i + 1, partial(self.law(), p, slow.reshape(-1), alpha=alpha), {}, False, {}

    def _laws_after(self, param: Tensor, index: Any, told: Explanation, settings: dict[str, Any]) -> list[LawCall]:
        slot = explain.slot_of("Lookahead", self._slots(), param)
        if self._taken.get(slot.index, 0) + 1 < settings["k"]:
            return []
        _, offset = explain.located("Lookahead", slot, index)
        slow = self._slow.get(slot.index)
        before = {
            "p": told.after["p"],
            "slow": told.before["p"] if slow is None else float(slow.reshape(-1)[offset]),
        }  # fmt: skip
        scalars = {"alpha": settings["alpha"]}
        lines = self.law().follow({**before, **scalars}, wide(param.dtype))
        return [LawCall(self.law(), scalars, before, lines)]

    # ------------------------------------------------------------------------------------------------------- state

    def _state_of(self, slot: Slot) -> dict[str, Any]:
        if slot.index not in self._slow:
            return {}
        return {"slow": Tensor.of(self._slow[slot.index]), "steps_since_jump": self._taken[slot.index]}

    def _read(self, slot: Slot, entry: Mapping[str, Any]) -> Any:  # type: ignore[override]
        shape = slot.param.shape
        reader = loading.Entry(f"Lookahead: the state of {slot.label}", entry)
        _, arrays, numbers = reader.read(slot.param, {"slow": ("slow", shape)}, ["slow"], ["steps_since_jump"], False)
        taken = numbers["steps_since_jump"]
        if not (taken >= 0 and taken.is_integer()):
            raise ValueError(f"{reader.title} has steps_since_jump {taken}, which is no number of steps")
        return arrays["slow"].reshape(shape).astype(wide(slot.param.dtype), copy=False), int(taken)

    def _take_on(self, read: Mapping[int, Any]) -> None:
        self._slow = {index: slow for index, (slow, _) in read.items()}
        self._taken = {index: taken for index, (_, taken) in read.items()}

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles lie on the CPU, as those of the inner optimizer's states do, until they are needed."""
        slow = {index: backend_of(array).to_host(array).copy() for index, array in self._slow.items()}
        return {**super().__getstate__(), "_slow": slow, "_taken": dict(self._taken)}


def _wide(slot: Slot) -> Any:
    """A copy of a parameter."""
    array = slot.param.array
    backend = backend_of(array)
    with backend.on(backend.device_of(array)):
        return array.astype(wide(array.dtype), order="C")


@quiet
def _as(slow: Any, block: Block) -> Any:
    return move(slow, block.device).astype(block.work_dtype, order="C", copy=False)
