"""ADOPT."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .adam import check_moments, decay_flags
from .optimizer import Optimizer


class ADOPT(Optimizer):
    """p <- p - lr * m with the mean m of g / max(sqrt(v), eps): Adam that divides by the v from before the gradient.

    v is the running mean of g^2; the first step only sets v = g^2. Before they are averaged, the quotients are cut to
    [-t^clip_power, t^clip_power] with t the steps before this one; None cuts nothing. Taniguchi et al. 2024, algorithm
    2 and the clipping of the authors' code, which takes a function, clip_lambda, in place of the power. No bias is
    corrected. weight_decay adds weight_decay * p to the gradient (L2); with decoupled_weight_decay it shrinks p by
    lr * weight_decay * p instead, from the second step on. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adopt"
    states = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.9999),
        eps: float = 1e-6,
        weight_decay: float = 0,
        clip_power: float | None = 0.25,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, clip_power=clip_power, maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        check_moments("ADOPT", group)
        checks.switch("ADOPT", decoupled_weight_decay=group["decoupled_weight_decay"])
        if group["clip_power"] is not None:
            checks.not_negative("ADOPT", clip_power=group["clip_power"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        (beta1, beta2), power = group["betas"], group["clip_power"]
        law = self.law(maximize=group["maximize"], first=age == 0, clip=power is not None, **decay_flags(group))
        bound = float(age) ** (power or 0)
        return law, {
            "lr": group["lr"], "c1": 1 - beta1, "c2": 1 - beta2, "eps": group["eps"], "least": -bound, "most": bound,
            "weight_decay": group["weight_decay"],
            "decay": group["lr"] * group["weight_decay"],
        }  # fmt: skip
