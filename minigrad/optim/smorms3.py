"""SMORMS3."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class SMORMS3(Optimizer):
    """p <- p - g * min(lr, x) / (sqrt(v) + eps), x = m^2 / (v + eps): RMSprop whose rate and memory find themselves.

    m and v are running means of g and g^2 that take in the newest by r = 1 / (memory + 1), and memory, which starts as
    1, becomes 1 + memory * (1 - x): long where gradients are noise, short where they are clear. Funk 2015 (a blog
    post), also Chainer's. weight_decay adds weight_decay * p to the gradient (L2).
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "smorms3"
    states = {"mean": "grad_avg", "square": "square_avg", "memory": "memory"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        eps: float = 1e-16,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, eps=eps, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("SMORMS3", lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        checks.switch("SMORMS3", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0, first=age == 0)
        return law, {name: group[name] for name in ["lr", "eps", "weight_decay"]}
