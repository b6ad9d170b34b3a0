"""RMSprop, also centered and with momentum, and as Graves has it."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class RMSprop(Optimizer):
    """p <- p - lr * g / (sqrt(v) + eps), with the running mean v of g^2.

    Tieleman and Hinton 2012, lecture 6.5. centered: v less the square of the running mean of g, a variance (Graves
    2013); where rounding takes it below zero, it is zero, where PyTorch gives NaN. momentum: p <- p - lr * b with
    b <- momentum * b + g / (sqrt(v) + eps), so lr is outside the velocity, as in PyTorch; RMSpropGraves, TensorFlow and
    Keras have it inside. eps_inside_sqrt: divide by sqrt(v + eps), as TensorFlow and Keras do. weight_decay adds
    weight_decay * p to the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "rmsprop"
    states = {"square": "square_avg", "mean": "grad_avg", "v": "momentum_buffer"}
    beyond_torch = {"eps_inside_sqrt": False}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
        eps_inside_sqrt: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered,
            maximize=maximize, eps_inside_sqrt=eps_inside_sqrt,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("RMSprop", **{name: group[name] for name in ["lr", "alpha", "eps", "weight_decay"]})
        checks.not_negative("RMSprop", momentum=group["momentum"])
        checks.switch("RMSprop", **{name: group[name] for name in ["centered", "maximize", "eps_inside_sqrt"]})

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(
            maximize=group["maximize"],
            weight_decay=group["weight_decay"] != 0,
            centered=group["centered"],
            eps_inside=group["eps_inside_sqrt"],
            momentum=group["momentum"] != 0,
        )
        return law, _scalars(group)


class RMSpropGraves(Optimizer):
    """p <- p + b with b <- momentum * b - lr * g / sqrt(v - m^2 + eps), with running means v of g^2 and m of g.

    Graves 2013, equations 38 to 45: RMSprop, centered, with lr inside the velocity and eps inside the root. The
    defaults are his; Chainer has the rule by this name. weight_decay adds weight_decay * p to the gradient (L2).
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "rmsprop"
    states = {"square": "square_avg", "mean": "grad_avg", "v": "velocity"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        alpha: float = 0.95,
        momentum: float = 0.9,
        eps: float = 1e-4,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, alpha=alpha, momentum=momentum, eps=eps, weight_decay=weight_decay, maximize=maximize
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("RMSpropGraves", lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        checks.not_negative("RMSpropGraves", momentum=group["momentum"])
        checks.fraction("RMSpropGraves", alpha=group["alpha"])
        checks.switch("RMSpropGraves", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(
            maximize=group["maximize"],
            weight_decay=group["weight_decay"] != 0,
            centered=True,
            eps_inside=True,
            momentum=True,
            lr_inside=True,
        )
        return law, _scalars(group)


def _scalars(group: dict[str, Any]) -> dict[str, float]:
    return {
        "lr": group["lr"], "fresh": 1 - group["alpha"], "eps": group["eps"], "momentum": group["momentum"],
        "weight_decay": group["weight_decay"],
    }  # fmt: skip
