"""Lion."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class Lion(Optimizer):
    """p <- p - lr * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * p), then m <- beta2 * m + (1 - beta2) * g.

    Chen et al. 2023, algorithm 2, as in optax; found by a search over programs. Every weight moves by lr, so lr is to
    be 3 to 10 times smaller, and weight_decay larger, than for AdamW. weight_decay is decoupled: p shrinks by
    lr * weight_decay * p first. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "lion"
    states = {"m": "exp_avg"}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("Lion", lr=group["lr"], weight_decay=group["weight_decay"])
        checks.several_below_one("Lion", 2, betas=group["betas"])
        checks.switch("Lion", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        beta1, beta2 = group["betas"]
        law = self.law(maximize=group["maximize"], decoupled=group["weight_decay"] != 0)
        decay = group["lr"] * group["weight_decay"]
        return law, {"lr": group["lr"], "c1": 1 - beta1, "c2": 1 - beta2, "decay": decay}
