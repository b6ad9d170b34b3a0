"""AdEMAMix."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


class AdEMAMix(Optimizer):
    """p <- p - lr * ((m' + alpha * old) / (sqrt(v') + eps) + weight_decay * p): AdamW with a second, slow mean.

    m and old are running means of g by beta1 and beta3, v of g^2; m' = m / (1 - beta1^t), v' likewise, and old is not
    corrected. Over alpha_warmup steps alpha grows from 0, and over beta3_warmup steps beta3 from beta1 on so that its
    half-life grows evenly; None: at once. Pagliardini et al. 2024, algorithm 1, with the defaults of the authors' code.
    weight_decay is decoupled. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "ademamix"
    states = {"m": "exp_avg", "old": "exp_avg_slow", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float, float] = (0.9, 0.999, 0.9999),
        alpha: float = 2.0,
        beta3_warmup: int | None = None,
        alpha_warmup: int | None = None,
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, alpha=alpha, beta3_warmup=beta3_warmup, alpha_warmup=alpha_warmup, eps=eps,
            weight_decay=weight_decay, maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        names = ["lr", "alpha", "eps", "weight_decay"]
        checks.not_negative("AdEMAMix", **{name: group[name] for name in names})
        checks.several_below_one("AdEMAMix", 3, betas=group["betas"])
        checks.switch("AdEMAMix", maximize=group["maximize"])
        for name in ("beta3_warmup", "alpha_warmup"):
            if group[name] is not None:
                checks.not_negative("AdEMAMix", **{name: group[name]})

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        t, (beta1, beta2, beta3) = age + 1, group["betas"]
        alpha = group["alpha"] * _part(t, group["alpha_warmup"])
        beta3 = _between(beta1, beta3, _part(t, group["beta3_warmup"]))
        root = math.sqrt(1 - beta2**t)
        law = self.law(maximize=group["maximize"], decoupled=group["weight_decay"] != 0)
        return law, {
            "fast": group["lr"] * root / (1 - beta1**t), "slow": group["lr"] * root * alpha,
            "c1": 1 - beta1, "c2": 1 - beta2, "c3": 1 - beta3, "eps": group["eps"] * root,
            "decay": group["lr"] * group["weight_decay"],
        }  # fmt: skip


def _part(t: int, warmup: float | None) -> float:
    """How much of a warm-up is done at step t."""
    return min(1.0, t / warmup) if warmup else 1.0


def _between(start: float, end: float, part: float) -> float:
    """The beta whose half-life, log(1/2) / log(beta), is that part of the way from that of `start` to that of `end`."""
    lengths = [1 / math.log(beta) if beta else 0.0 for beta in (start, end)]
    length = (1 - part) * lengths[0] + part * lengths[1]
    return end if part == 1 else math.exp(1 / length) if length else 0.0
