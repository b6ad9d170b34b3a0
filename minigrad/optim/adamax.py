"""AdaMax."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from .adam import check_moments
from .optimizer import Optimizer


class Adamax(Optimizer):
    """p <- p - lr / (1 - beta1^t) * m / u, with a running mean m of g, and u <- max(beta2 * u, |g| + eps).

    Kingma and Ba 2015, algorithm 2, with an eps where PyTorch and optax have it (the paper has none); Keras and
    Chainer add it to u in the quotient instead. weight_decay adds weight_decay * p to the gradient (L2).
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adamax"
    states = {"m": "exp_avg", "u": "exp_inf"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        check_moments("Adamax", group)

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        beta1, beta2 = group["betas"]
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0)
        return law, {
            "lr": group["lr"] / (1 - beta1 ** (age + 1)), "c1": 1 - beta1, "beta2": beta2, "eps": group["eps"],
            "weight_decay": group["weight_decay"],
        }  # fmt: skip
