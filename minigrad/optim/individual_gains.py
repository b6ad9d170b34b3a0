"""Individual gains."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class IndividualGains(Optimizer):
    """p <- p - lr * gain * g, where each weight's gain grows while its gradients agree and shrinks when they do not.

    gain starts as 1; it grows by delta where g(t) * g(t-1) > 0, is multiplied by 1 - delta where that is below 0, stays
    where it is 0, and is kept within gains. With momentum, p <- p + v with v <- momentum * v - lr * gain * g, and g(t)
    is compared with the velocity v(t-1), which points against the gradients: they agree where the product is below 0.
    Hinton, "Neural networks for machine learning", 2012, lecture 6d; for the full batch or large mini-batches.
    weight_decay adds weight_decay * p to the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "individual_gains"
    states = {"gain": "gain", "prev": "prev", "v": "velocity"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        momentum: float = 0,
        delta: float = 0.05,
        gains: tuple[float, float] = (0.1, 10),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, momentum=momentum, delta=delta, gains=gains, weight_decay=weight_decay, maximize=maximize
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        names = ["lr", "momentum", "weight_decay"]
        checks.not_negative("IndividualGains", **{name: group[name] for name in names})
        checks.below_one("IndividualGains", delta=group["delta"])
        checks.interval("IndividualGains", gains=group["gains"])
        checks.switch("IndividualGains", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(
            maximize=group["maximize"],
            weight_decay=group["weight_decay"] != 0,
            momentum=group["momentum"] != 0,
            first=age == 0,
        )
        smallest, largest = group["gains"]
        return law, {
            "lr": group["lr"], "momentum": group["momentum"], "weight_decay": group["weight_decay"],
            "delta": group["delta"], "keep": 1 - group["delta"], "smallest": smallest, "largest": largest,
        }  # fmt: skip
