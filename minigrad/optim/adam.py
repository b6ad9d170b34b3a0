"""Adam."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class Adam(Optimizer):
    """p <- p - lr * m' / (sqrt(v') + eps), with running means m of g and v of g^2, m' = m / (1 - beta1^t), v' likewise.

    Kingma and Ba 2015, algorithm 1, with eps outside the root of the corrected v, as in PyTorch. (Their section 2 and
    TensorFlow add eps to the uncorrected root instead.) weight_decay adds weight_decay * p to the gradient (L2).
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adam"
    states = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("Adam", lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        checks.several_below_one("Adam", 2, betas=group["betas"])
        checks.switch("Adam", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        beta1, beta2 = group["betas"]
        correction1, correction2 = 1 - beta1 ** (age + 1), math.sqrt(1 - beta2 ** (age + 1))
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0)
        return law, {
            "lr": group["lr"] * correction2 / correction1, "c1": 1 - beta1, "c2": 1 - beta2,
            "eps": group["eps"] * correction2, "weight_decay": group["weight_decay"],
        }  # fmt: skip
