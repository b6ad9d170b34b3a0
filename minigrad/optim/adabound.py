"""AdaBound and AMSBound."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .adam import check_moments
from .optimizer import Optimizer


class AdaBound(Optimizer):
    """p <- p - clip(lr * c / (sqrt(v) + eps), lower, upper) * m: Adam that turns into SGD as the bounds close in.

    lower = final * (1 - 1 / (gamma * t + 1)) and upper = final * (1 + 1 / (gamma * t)), running means m of g and v of
    g^2, and Adam's correction c = sqrt(1 - beta2^t) / (1 - beta1^t). Luo et al. 2019, algorithm 2, in the form of the
    authors' code, also Chainer's; the paper has no c, and divides by sqrt(t) besides. eps is outside the root of the
    uncorrected v. final is final_lr * lr / base_lr, so that a schedule of lr moves it, too; base_lr is the lr that the
    parameters came with, if None, and not 0. amsbound: v in the formula is the largest v so far, which is AMSBound.
    weight_decay adds weight_decay * p to the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adabound"
    states = {"m": "exp_avg", "v": "exp_avg_sq", "w": "max_exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsbound: bool = False,
        *,
        maximize: bool = False,
        base_lr: float | None = None,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, final_lr=final_lr, gamma=gamma, eps=eps, weight_decay=weight_decay, amsbound=amsbound,
            maximize=maximize, base_lr=base_lr,
        ))  # fmt: skip

    def _completed(self, group: Any) -> dict[str, Any]:
        full = super()._completed(group)
        return {**full, "base_lr": full["lr"]} if full["base_lr"] is None else full

    def check(self, group: dict[str, Any]) -> None:
        rule = type(self).__name__
        check_moments(rule, group)
        checks.not_negative(rule, final_lr=group["final_lr"], gamma=group["gamma"], base_lr=group["base_lr"])
        checks.switch(rule, amsbound=group["amsbound"])
        if group["base_lr"] == 0:
            raise ValueError(
                f"{rule}: base_lr is 0, so there is nothing to compare a later lr with; for a schedule that starts at 0 "
                "give the base_lr that it leads to"
            )
        if group["gamma"] == 0:
            raise ValueError(f"{rule}: gamma must be above 0, got {group['gamma']}: the bounds would never close in")

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        t, (beta1, beta2) = age + 1, group["betas"]
        final = group["final_lr"] * (group["lr"] / group["base_lr"])
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0, amsbound=group["amsbound"])
        return law, {
            "lr": group["lr"] * math.sqrt(1 - beta2**t) / (1 - beta1**t), "c1": 1 - beta1, "c2": 1 - beta2,
            "eps": group["eps"], "weight_decay": group["weight_decay"],
            "lower": final * (1 - 1 / (group["gamma"] * t + 1)), "upper": final * (1 + 1 / (group["gamma"] * t)),
        }  # fmt: skip


class AMSBound(AdaBound):
    """AdaBound with the largest v so far in place of v, as in AMSGrad.

    Luo et al. 2019, section 4, as the authors' code has it. Everything else is as in AdaBound.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        base_lr: float | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, final_lr, gamma, eps, weight_decay, amsbound=True, maximize=maximize, base_lr=base_lr
        )

    def check(self, group: dict[str, Any]) -> None:
        super().check(group)
        if not group["amsbound"]:
            raise ValueError("AMSBound: amsbound must be True; without it take AdaBound")
