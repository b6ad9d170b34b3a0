"""Yogi."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .adam import check_moments
from .optimizer import Optimizer


class Yogi(Optimizer):
    """p <- p - lr * c * m / (sqrt(v) + eps), v <- v - (1 - beta2) * sign(v - g^2) * g^2: Adam whose v changes gently.

    m is the running mean of g; v starts as initial_accumulator_value, and moves by at most (1 - beta2) * g^2 a step.
    Zaheer et al. 2018, algorithm 2, with Adam's bias correction c = sqrt(1 - beta2^t) / (1 - beta1^t), which is in the
    authors' TensorFlow code and not in the paper. eps is added to the root of the uncorrected v, as there; optax adds
    it to the corrected root, and starts m, too, as initial_accumulator_value. weight_decay adds weight_decay * p to the
    gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "yogi"
    states = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-3,
        initial_accumulator_value: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, initial_accumulator_value=initial_accumulator_value,
            weight_decay=weight_decay, maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        check_moments("Yogi", group)
        checks.not_negative("Yogi", initial_accumulator_value=group["initial_accumulator_value"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        t, (beta1, beta2) = age + 1, group["betas"]
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0, first=age == 0)
        return law, {
            "lr": group["lr"] * math.sqrt(1 - beta2**t) / (1 - beta1**t), "c1": 1 - beta1, "c2": 1 - beta2,
            "eps": group["eps"], "start": group["initial_accumulator_value"], "weight_decay": group["weight_decay"],
        }  # fmt: skip
