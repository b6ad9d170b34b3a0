"""AdaBelief."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from .adam import Adam


class AdaBelief(Adam):
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
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law, scalars = super().rule(group, age)
        return law, {**scalars, "floor": group["eps"]}
