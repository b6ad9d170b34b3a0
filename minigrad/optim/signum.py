"""Descent by the sign of the gradient alone: SignSGD and Signum."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class SignSGD(Optimizer):
    """p <- p - lr * sign(g): every weight moves by lr, however large its gradient is; where it is 0, it rests.

    Bernstein et al. 2018, algorithm 1. Rprop without step sizes of its own. weight_decay is decoupled: p shrinks by
    lr * weight_decay * p first. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "signum"
    counts_steps = False

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-4, weight_decay: float = 0, *, maximize: bool = False
    ) -> None:
        super().__init__(params, dict(lr=lr, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("SignSGD", lr=group["lr"], weight_decay=group["weight_decay"])
        checks.switch("SignSGD", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(maximize=group["maximize"], decoupled=group["weight_decay"] != 0, momentum=False)
        return law, {"lr": group["lr"], "decay": group["lr"] * group["weight_decay"]}


class Signum(Optimizer):
    """p <- p - lr * sign(m), with the running mean m <- momentum * m + (1 - momentum) * g: SignSGD with momentum.

    Bernstein et al. 2018, algorithm 2. weight_decay is decoupled, as there: p shrinks by lr * weight_decay * p first.
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "signum"
    states = {"m": "exp_avg"}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        momentum: float = 0.9,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("Signum", lr=group["lr"], weight_decay=group["weight_decay"])
        checks.below_one("Signum", momentum=group["momentum"])
        checks.switch("Signum", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(maximize=group["maximize"], decoupled=group["weight_decay"] != 0, momentum=True)
        return law, {"lr": group["lr"], "c": 1 - group["momentum"], "decay": group["lr"] * group["weight_decay"]}
