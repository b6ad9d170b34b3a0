"""Adadelta."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class Adadelta(Optimizer):
    """p <- p - lr * d with d = sqrt(u + eps) / sqrt(v + eps) * g, with running means v of g^2 and u of d^2.

    Zeiler 2012, algorithm 1, which has no lr: its lr is 1, as the default here and in PyTorch; Keras has 0.001. The
    mean u is the one from before the step. Both epsilons are inside the roots. weight_decay adds weight_decay * p to
    the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adadelta"
    states = {"square": "square_avg", "moved": "acc_delta"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("Adadelta", lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        checks.fraction("Adadelta", rho=group["rho"])
        checks.switch("Adadelta", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0)
        return law, {
            "lr": group["lr"], "rho": group["rho"], "fresh": 1 - group["rho"], "eps": group["eps"],
            "weight_decay": group["weight_decay"],
        }  # fmt: skip
