"""AdaBelief."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .adam import check_moments, decay_flags
from .optimizer import Optimizer


class AdaBelief(Optimizer):
    """p <- p - lr * m' / (sqrt(s') + eps), Adam with the spread s of g around its mean m in place of the mean of g^2.

    s <- beta2 * s + (1 - beta2) * (g - m)^2 + eps with the new m; m' = m / (1 - beta1^t), s' = s / (1 - beta2^t).
    Zhuang et al. 2020, algorithm 2, with eps in both places, as in the paper and the authors' code; optax names the
    inner one eps_root. The authors' code can rectify as RAdam does, and does so by default; this does not. amsgrad: s
    in the formula is the largest s so far. weight_decay adds weight_decay * p to the gradient (L2); with
    decoupled_weight_decay it shrinks p by lr * weight_decay * p instead.
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adabelief"
    states = {"m": "exp_avg", "s": "exp_avg_var", "w": "max_exp_avg_var"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-16,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        check_moments("AdaBelief", group)
        names = ["amsgrad", "decoupled_weight_decay"]
        checks.switch("AdaBelief", **{name: group[name] for name in names})

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        beta1, beta2 = group["betas"]
        correction1, correction2 = 1 - beta1 ** (age + 1), math.sqrt(1 - beta2 ** (age + 1))
        law = self.law(maximize=group["maximize"], amsgrad=group["amsgrad"], **decay_flags(group))
        return law, {
            "lr": group["lr"] * correction2 / correction1, "c1": 1 - beta1, "c2": 1 - beta2,
            "eps": group["eps"] * correction2, "floor": group["eps"], "weight_decay": group["weight_decay"],
            "decay": group["lr"] * group["weight_decay"],
        }  # fmt: skip
