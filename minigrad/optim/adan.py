"""Adan."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class Adan(Optimizer):
    """p <- p - lr * (m' + beta2 * v') / (sqrt(n') + eps), with running means m of g, v of its change, n of u^2.

    u = g + beta2 * (g(t) - g(t-1)) is the gradient looking ahead by Nesterov's momentum; at the first step the change
    is 0. Each mean is divided by 1 - its beta^t. Xie et al. 2022, algorithm 1, with the betas of the authors' code: how
    much is kept, where the paper's are what is taken in. weight_decay is decoupled and proximal, as in the paper:
    p <- p / (1 + lr * weight_decay) after the step; with no_prox it is AdamW's, p <- p * (1 - lr * weight_decay)
    before it. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adan"
    states = {"m": "exp_avg", "v": "exp_avg_diff", "n": "exp_avg_sq", "prev": "prev"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float, float] = (0.98, 0.92, 0.99),
        eps: float = 1e-8,
        weight_decay: float = 0,
        no_prox: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, no_prox=no_prox, maximize=maximize
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("Adan", lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        checks.several_below_one("Adan", 3, betas=group["betas"])
        checks.switch("Adan", no_prox=group["no_prox"], maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        t, (beta1, beta2, beta3) = age + 1, group["betas"]
        decays, decay = group["weight_decay"] != 0, group["lr"] * group["weight_decay"]
        root = math.sqrt(1 - beta3**t)
        law = self.law(
            maximize=group["maximize"],
            first=age == 0,
            decoupled=decays and group["no_prox"],
            proximal=decays and not group["no_prox"],
        )
        return law, {
            "mean": group["lr"] * root / (1 - beta1**t), "drift": group["lr"] * root * beta2 / (1 - beta2**t),
            "c1": 1 - beta1, "c2": 1 - beta2, "c3": 1 - beta3, "beta2": beta2, "eps": group["eps"] * root,
            "shrink": 1 / (1 + decay), "decay": decay,
        }  # fmt: skip
