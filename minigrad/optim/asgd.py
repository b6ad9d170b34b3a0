"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class ASGD(Optimizer):
    """p <- (1 - lambd * eta) * p - eta * g, and the average ax of p from step t0 on, which is in the state.

    eta is lr at the first step and lr / (1 + lambd * lr * t)^alpha after step t; ax <- ax + mu * (p - ax) with
    mu = 1 / max(1, t - t0). As in PyTorch, eta and mu are settled at the end of each step for the next one, by the lr
    of that moment. Polyak and Juditsky 1992; lambd is a decay of p, weight_decay adds weight_decay * p to the gradient.
    The average is only kept, never put into p: read optimizer.state[p]["ax"].
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "asgd"
    states = {"ax": "ax"}
    numbers = {"eta": 0.0, "mu": 1.0}  # the first eta is the group's lr

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("ASGD", lr=group["lr"], lambd=group["lambd"], weight_decay=group["weight_decay"])
        checks.number("ASGD", alpha=group["alpha"], t0=group["t0"])
        checks.switch("ASGD", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int, eta: float = 0.0, mu: float = 1.0) -> tuple[Law, dict[str, float]]:
        lr, lambd = group["lr"], group["lambd"]
        rate = eta if age else lr
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0, averaging=mu != 1)
        return law, {
            "rate": rate, "decay": lambd * rate, "share": mu, "weight_decay": group["weight_decay"],
            "eta": lr / (1 + lambd * lr * (age + 1)) ** group["alpha"], "mu": 1 / max(1, age + 1 - group["t0"]),
        }  # fmt: skip
