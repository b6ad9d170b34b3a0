"""M-SVAG."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class MSVAG(Optimizer):
    """p <- p - lr * M^2 / (M^2 + rho * s) * M: momentum, damped weight by weight where the gradient is mostly noise.

    M and V are the running means of g and g^2, divided by 1 - beta^t; s = (V - M^2) / (1 - rho) estimates a gradient's
    variance, and rho * s that of M, with rho = (1 - beta) * (1 + beta^t) / ((1 + beta) * (1 - beta^t)). Balles and
    Hennig 2018, algorithm 1 (M-SVAG), by Chainer's name and defaults. At the first step, where V = M^2 and rho = 1, the
    factor is 1. weight_decay adds weight_decay * p to the gradient (L2); Chainer's is decoupled, and not multiplied by
    lr. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "msvag"
    states = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.1,
        beta: float = 0.9,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, beta=beta, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("MSVAG", lr=group["lr"], weight_decay=group["weight_decay"])
        checks.below_one("MSVAG", beta=group["beta"])
        checks.switch("MSVAG", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        beta, power = group["beta"], group["beta"] ** (age + 1)
        rho = (1 - beta) * (1 + power) / ((1 + beta) * (1 - power))
        first = age == 0 or beta == 0  # without a memory, there is no telling a variance
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0, first=first)
        return law, {
            "lr": group["lr"], "c": 1 - beta, "grow": 1 / (1 - power), "noise": 0.0 if first else rho / (1 - rho),
            "weight_decay": group["weight_decay"],
        }  # fmt: skip
