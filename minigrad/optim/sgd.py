"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class SGD(Optimizer):
    """p <- p - lr * v with v <- momentum * v + (1 - dampening) * g, where v starts as the first g.

    Batch, stochastic and mini-batch descent are this one rule under three loaders. The learning rate stands outside the
    velocity, as in PyTorch; MomentumSGD has it inside, which differs once lr changes. With a steady gradient the
    velocity tends to g / (1 - momentum). nesterov: step along g + momentum * v, PyTorch's form; NAG is the original.
    weight_decay adds weight_decay * p to the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "sgd"
    states = {"buf": "momentum_buffer"}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        rule = type(self).__name__
        checks.not_negative(rule, lr=group["lr"], momentum=group["momentum"], weight_decay=group["weight_decay"])
        checks.number(rule, dampening=group["dampening"])
        checks.switch(rule, nesterov=group["nesterov"], maximize=group["maximize"])
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError(f"{rule}: nesterov needs a momentum above 0 and a dampening of 0")

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        momentum = group["momentum"] != 0
        law = self.law(
            maximize=group["maximize"],
            weight_decay=group["weight_decay"] != 0,
            momentum=momentum,
            first=momentum and age == 0,
            dampening=momentum and group["dampening"] != 0,
            nesterov=momentum and group["nesterov"],
        )
        return law, {
            "lr": group["lr"], "weight_decay": group["weight_decay"], "momentum": group["momentum"],
            "fresh": 1 - group["dampening"],
        }  # fmt: skip


class CorrectedMomentumSGD(SGD):
    """p <- p + lr * v with v <- momentum * v - g: momentum that a change of lr reaches at once.

    Goyal et al. 2017, section 3, equation 9, by Chainer's name and defaults: the learning rate stands outside the
    velocity, so it is SGD with PyTorch's momentum. MomentumSGD, their equation 10, is what it corrects. weight_decay
    adds weight_decay * p to the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        momentum: float = 0.9,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, momentum, weight_decay=weight_decay, maximize=maximize)
