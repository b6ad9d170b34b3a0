"""MADGRAD."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class MADGRAD(Optimizer):
    """p <- momentum * p + (1 - momentum) * z, z = x0 - s / (cbrt(v) + eps): Adagrad by dual averaging, with momentum.

    x0 is where p began, s and v are the sums of lamb * g and lamb * g^2 with lamb = lr * sqrt(t). Defazio and Jelassi
    2021, algorithm 1. The authors' code adds eps to lr, and without momentum finds x0 from p and s instead of keeping
    it. lr is of another size than Adam's, weight_decay smaller than for other rules. weight_decay adds
    weight_decay * p to the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "madgrad"
    states = {"sum": "grad_sum", "square": "grad_sum_sq", "x0": "x0"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        momentum: float = 0.9,
        weight_decay: float = 0,
        eps: float = 1e-6,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, momentum=momentum, weight_decay=weight_decay, eps=eps, maximize=maximize
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("MADGRAD", lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        checks.below_one("MADGRAD", momentum=group["momentum"])
        checks.switch("MADGRAD", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0, first=age == 0)
        return law, {
            "lamb": group["lr"] * math.sqrt(age + 1), "c": 1 - group["momentum"], "eps": group["eps"],
            "weight_decay": group["weight_decay"],
        }  # fmt: skip
