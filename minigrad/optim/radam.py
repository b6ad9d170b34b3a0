"""RAdam."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .adam import check_moments, decay_flags
from .optimizer import Optimizer


def rectification(beta2: float, t: int) -> float | None:
    """r_t of Liu et al. 2020, algorithm 2, or None while the variance of the adaptive rate is not tractable.

    rho_inf = 2 / (1 - beta2) - 1 and rho = rho_inf - 2 t beta2^t / (1 - beta2^t) are the lengths of the simple moving
    average that the exponential one resembles, in the limit and at step t; tractable is rho > 5, as in PyTorch and the
    authors' code, where the paper says rho > 4. r = sqrt((rho-4) (rho-2) rho_inf / ((rho_inf-4) (rho_inf-2) rho)).
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return None
    return math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


class RAdam(Optimizer):
    """p <- p - lr * r * m' / sqrt(v'), as Adam with a rectification r; in the first steps p <- p - lr * m'.

    m' = m / (1 - beta1^t), v' = v / (1 - beta2^t). Liu et al. 2020, algorithm 2; the first steps last until the moving
    average of g^2 is longer than 5 (4 in the paper). eps is added to the root of the uncorrected v, as in PyTorch;
    optax adds it to the root of v'. weight_decay adds weight_decay * p to the gradient (L2); with
    decoupled_weight_decay it shrinks p by lr * weight_decay * p instead.
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "radam"
    states = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        check_moments("RAdam", group)
        checks.switch("RAdam", decoupled_weight_decay=group["decoupled_weight_decay"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        beta1, beta2 = group["betas"]
        rate = group["lr"] / (1 - beta1 ** (age + 1))
        r = rectification(beta2, age + 1)
        if r is not None:
            rate *= r * math.sqrt(1 - beta2 ** (age + 1))
        law = self.law(maximize=group["maximize"], rectified=r is not None, **decay_flags(group))
        return law, {
            "lr": rate, "c1": 1 - beta1, "c2": 1 - beta2, "eps": group["eps"],
            "weight_decay": group["weight_decay"], "decay": group["lr"] * group["weight_decay"],
        }  # fmt: skip
