"""Delta-bar-delta."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class DeltaBarDelta(Optimizer):
    """p <- p - rate * g, where each weight's rate grows while g agrees with the mean of the gradients before it.

    rate starts as lr, which counts no more afterwards; it grows by kappa where b * g > 0 and is multiplied by 1 - phi
    where that is below 0, with b <- (1 - theta) * g + theta * b, compared as it was before the step. Jacobs 1988,
    section 4; he chose kappa, phi and theta for each task, and the defaults are none of his. For the full batch.
    weight_decay adds weight_decay * p to the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "delta_bar_delta"
    states = {"rate": "rate", "bar": "grad_avg"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        kappa: float = 1e-3,
        phi: float = 0.3,
        theta: float = 0.7,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, kappa=kappa, phi=phi, theta=theta, weight_decay=weight_decay, maximize=maximize
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        names = ["lr", "kappa", "weight_decay"]
        checks.not_negative("DeltaBarDelta", **{name: group[name] for name in names})
        checks.below_one("DeltaBarDelta", phi=group["phi"], theta=group["theta"])
        checks.switch("DeltaBarDelta", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0, first=age == 0)
        return law, {
            "lr": group["lr"], "kappa": group["kappa"], "keep": 1 - group["phi"], "theta": group["theta"],
            "fresh": 1 - group["theta"], "weight_decay": group["weight_decay"],
        }  # fmt: skip
