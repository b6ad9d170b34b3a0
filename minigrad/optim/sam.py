"""Sharpness-aware minimization."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Callable

import numpy as np

from ..backend.quiet import quiet
from . import checks
from .arena import Block, Run, Update
from .by_parameter import norm
from .optimizer import Optimizer
from .wrapper import Wrapper

_length = quiet(norm)


class SAM(Wrapper):
    """A step of the optimizer inside, with the gradient taken at p + rho * g / |g| instead of at p.

    Foret et al. 2021, equation 2 and algorithm 1, for the Euclidean norm, which is that of all parameters with a
    gradient together; where it is 0, p stays. adaptive=True is ASAM (Kwon et al. 2021, algorithm 1, elementwise):
    p + rho * T * u / |u| with u = T * g, T = |p| + eta. ASAM's authors take rho=0.5 and eta=0.01, and T = 1 for biases,
    for which this makes no exception.

    step(closure) calls the closure twice: at p, and, after forgetting the gradients, up there. It returns the loss at
    p, which is also the one that the inner rule is told; the inner weight decay is that of p, too. The parameters are
    then put back bit for bit, also if the closure raises; what the second call writes into them is lost. With NAG
    inside, all this happens where NAG jumped to. Raises TypeError without a closure, RuntimeError if the second call
    moves a parameter to other memory, TypeError or ValueError for a value that is wrong, and for LBFGS.
    """

    law_name = "sam"
    settings = ("rho", "adaptive", "eta")
    needs_closure = "the gradient is taken again where the loss is higher, so step() must have it computed there"
    rho: float
    adaptive: bool
    eta: float

    def __init__(self, optimizer: Optimizer, rho: float = 0.05, adaptive: bool = False, *, eta: float = 0.0) -> None:
        super().__init__(optimizer, rho=rho, adaptive=adaptive, eta=eta)

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("SAM", rho=group["rho"], eta=group["eta"])
        checks.switch("SAM", adaptive=group["adaptive"])

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step of the inner optimizer, by the gradients from up there. Raises what the inner step raises."""
        return self.optimizer.step(self._inner_closure(closure, self.checked_settings()))

    def _inner_closure(self, closure: Callable[[], Any] | None, settings: dict[str, Any]) -> Callable[[], Any]:
        if closure is None:
            self.evaluate(None)  # which says what is missing
        return lambda: self._evaluated_twice(closure, settings)

    def _evaluated_twice(self, closure: Callable[[], Any], settings: dict[str, Any]) -> Any:
        """The loss here, and the gradients where the ascent leads."""
        loss = self.evaluate(closure)
        self._prepare()
        kept = [(block, block.values.copy()) for arena in self._arenas for block in arena.blocks]
        try:
            self._climb(**settings)
            self.zero_grad()
            self.evaluate(closure)
        finally:
            moved = [slot for slot in self._slots() if slot.param.array is not slot.view]
            for slot in moved:
                slot.param.set_array(slot.view)
            for block, values in kept:
                block.restore(values)
        if moved:
            raise RuntimeError(
                f"SAM: the closure moved {moved[0].label} to other memory in the middle of a step; it was put back"
            )
        return loss

    # ---------------------------------------------------------------------------------------------------- the ascent

    def _climb(self, rho: float, adaptive: bool, eta: float) -> None:
        plan: list[tuple[Block, Run, Any]] = []
        lengths = []
        for arena in self._arenas:
            for block in arena.blocks:
                with block.backend.on(block.device):
                    for run in block.gather():
                        direction = self._scaled(block, run, eta) if adaptive else block.gradients[_place(block, run)]
                        plan.append((block, run, direction))
                        lengths.append(_length(direction))
        whole = math.hypot(*lengths)
        if whole == 0:
            return
        law = self.law(scale=False, adaptive=adaptive)
        scalars = {"rho": rho, "norm": whole, **({"eta": eta} if adaptive else {})}
        for block in dict.fromkeys(block for block, _, _ in plan):
            updates: list[Update] = []
            for where, run, direction in plan:
                if where is block:
                    p = block.work[_place(block, run)]
                    arrays = (p, direction) if adaptive else (direction, p)
                    updates.append((run[0], run[1], partial(law, *arrays, **scalars), {}, False, {}))
            with block.backend.on(block.device):
                block.update(updates)

    def _scaled(self, block: Block, run: Run, eta: float) -> Any:
        """The gradients, each times the size of its weight."""
        here = _place(block, run)
        p, u = block.values[here].astype(block.work_dtype), np.empty_like(block.gradients[here])
        self.law(scale=True, adaptive=True)(block.gradients[here], p, u, eta=eta)
        return u


def _place(block: Block, run: Run) -> slice:
    first, end, _ = run
    return slice(block.slots[first].start, block.slots[end - 1].stop)
