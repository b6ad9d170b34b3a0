"""NAdam."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .adam import check_moments, decay_flags
from .optimizer import Optimizer


class NAdam(Optimizer):
    """p <- p - lr * (a * g + b * m) / (sqrt(v') + eps): Adam with Nesterov's look ahead in the mean of the gradients.

    a = (1 - mu_t) / (1 - mu_1 ... mu_t) and b = mu_(t+1) / (1 - mu_1 ... mu_(t+1)), with the schedule
    mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2); v' = v / (1 - beta2^t). Dozat 2016, algorithm 2, in PyTorch's
    form, whose mean m decays by beta1 where the paper's decays by mu_t; optax has no schedule. weight_decay
    adds weight_decay * p to the gradient (L2); with decoupled_weight_decay it shrinks p by lr * weight_decay * p
    instead. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "nadam"
    states = {"m": "exp_avg", "v": "exp_avg_sq"}
    numbers = {"mu_product": 1.0}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        check_moments("NAdam", group)
        checks.not_negative("NAdam", momentum_decay=group["momentum_decay"])
        checks.switch("NAdam", decoupled_weight_decay=group["decoupled_weight_decay"])

    def rule(self, group: dict[str, Any], age: int, mu_product: float = 1.0) -> tuple[Law, dict[str, float]]:
        beta1, beta2 = group["betas"]
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (age + 1, age + 2))
        product = mu_product * mu
        correction2 = math.sqrt(1 - beta2 ** (age + 1))
        law = self.law(maximize=group["maximize"], **decay_flags(group))
        return law, {
            "now": group["lr"] * correction2 * (1 - mu) / (1 - product),
            "next": group["lr"] * correction2 * mu_next / (1 - product * mu_next),
            "c1": 1 - beta1, "c2": 1 - beta2, "eps": group["eps"] * correction2,
            "weight_decay": group["weight_decay"], "decay": group["lr"] * group["weight_decay"], "mu_product": product,
        }  # fmt: skip
