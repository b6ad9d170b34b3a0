"""Rprop in its four variants."""

from __future__ import annotations

import math
from typing import Any, Callable, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class Rprop(Optimizer):
    """p <- p - sign(g) * s: each weight has a step size s of its own, and only the gradient's sign counts.

    s grows by etas[1] while g keeps its sign, shrinks by etas[0] when it changes, and stays within step_sizes; lr is
    what s starts as, and counts no more afterwards. For the full batch: on mini-batches signs change by chance. This is
    iRprop- (Igel and Huesken 2000, algorithm 4), which PyTorch calls Rprop: where the sign changed, the weight rests,
    and s stays in the next step. RpropMinus, RpropPlus and IRpropPlus are the other variants. Raises TypeError or
    ValueError for a value that is wrong.
    """

    law_name = "rprop"
    states = {"prev": "prev", "size": "step_size"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, etas=etas, step_sizes=step_sizes, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        rule = type(self).__name__
        checks.not_negative(rule, lr=group["lr"])
        checks.interval(rule, etas=group["etas"], step_sizes=group["step_sizes"])
        if not 0 < group["etas"][0] < 1 < group["etas"][1]:
            raise ValueError(f"{rule}: etas must lie on either side of 1, the first above 0, got {group['etas']}")
        checks.switch(rule, maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        return self._variant(group, age, forget=True, back=False)

    def _variant(self, group: dict[str, Any], age: int, forget: bool, back: bool) -> tuple[Law, dict[str, float]]:
        """What happens where the sign changed: is the gradient forgotten, is the last step taken back?"""
        (shrink, grow), (smallest, largest) = group["etas"], group["step_sizes"]
        law = self.law(maximize=group["maximize"], first=age == 0, forget=forget, back=back)
        return law, {"lr": group["lr"], "shrink": shrink, "grow": grow, "smallest": smallest, "largest": largest}


class RpropMinus(Rprop):
    """Rprop-: where the sign of the gradient changed, the step is smaller, and nothing else happens.

    Igel and Huesken 2000, algorithm 2 (Riedmiller 1994). Everything else is as in Rprop.
    """

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        return self._variant(group, age, forget=False, back=False)


class RpropPlus(Rprop):
    """Rprop+: where the sign of the gradient changed, the weight's last step is taken back.

    Igel and Huesken 2000, algorithm 1 (Riedmiller and Braun 1993). The gradient is forgotten besides, so s stays in the
    next step. Everything else is as in Rprop.
    """

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        return self._variant(group, age, forget=True, back=True)


class IRpropPlus(Rprop):
    """iRprop+: where the sign of the gradient changed, the last step is taken back if the loss rose, too.

    Igel and Huesken 2000, algorithm 3. step(closure) must be given a closure that returns the loss, which is compared
    with that of the step before; a loss that is NaN did not rise. With maximize, a loss that fell counts as one that
    rose. Everything else is as in Rprop. Raises TypeError without a closure, or when it does not return one number.
    """

    numbers = {"loss": math.nan}  # that of the last step, by parameter
    needs_closure = "it takes steps back when the loss rose, so step() must be told the loss"

    _loss = math.nan  # that of the step being taken

    def evaluate(self, closure: Callable[[], Any] | None) -> Any:
        loss = super().evaluate(closure)
        try:
            self._loss = float(loss)
        except (TypeError, ValueError):
            raise TypeError(f"IRpropPlus: the closure must return the loss, one number; it returned {loss!r}") from None
        return loss

    def rule(self, group: dict[str, Any], age: int, loss: float = math.nan) -> tuple[Law, dict[str, float]]:
        rose = self._loss < loss if group["maximize"] else self._loss > loss
        law, scalars = self._variant(group, age, forget=True, back=rose)
        return law, {**scalars, "loss": self._loss}
