"""Adam, also as AMSGrad, and AdamW."""

from __future__ import annotations

import math
from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .optimizer import Optimizer


def check_moments(rule: str, group: dict[str, Any]) -> None:
    """Raise for what is wrong among the hyper-parameters that Adam and its kin share."""
    checks.not_negative(rule, lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
    checks.several_below_one(rule, 2, betas=group["betas"])
    checks.switch(rule, maximize=group["maximize"])


def decay_flags(group: dict[str, Any]) -> dict[str, bool]:
    """A law's flags for weight decay, which is L2 regularisation or decoupled."""
    decays, decoupled = group["weight_decay"] != 0, group["decoupled_weight_decay"]
    return {"weight_decay": decays and not decoupled, "decoupled": decays and decoupled}


class Adam(Optimizer):
    """p <- p - lr * m' / (sqrt(v') + eps), with running means m of g and v of g^2, m' = m / (1 - beta1^t), v' likewise.

    Kingma and Ba 2015, algorithm 1, with eps outside the root of the corrected v, as in PyTorch. (Their section 2 and
    TensorFlow add eps to the uncorrected root instead.) amsgrad: v in the formula is the largest v so far (AMSGrad:
    Reddi, Kale and Kumar 2018, algorithm 2, which corrects no bias; PyTorch, and so this, corrects it after the
    maximum, Keras too; optax before). weight_decay adds weight_decay * p to the gradient (L2);
    with decoupled_weight_decay it shrinks p by lr * weight_decay * p instead, which is AdamW.
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adam"
    states = {"m": "exp_avg", "v": "exp_avg_sq", "w": "max_exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
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
        rule = type(self).__name__
        check_moments(rule, group)
        checks.switch(rule, amsgrad=group["amsgrad"], decoupled_weight_decay=group["decoupled_weight_decay"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        beta1, beta2 = group["betas"]
        correction1, correction2 = 1 - beta1 ** (age + 1), math.sqrt(1 - beta2 ** (age + 1))
        law = self.law(maximize=group["maximize"], amsgrad=group["amsgrad"], **decay_flags(group))
        return law, {
            "lr": group["lr"] * correction2 / correction1, "c1": 1 - beta1, "c2": 1 - beta2,
            "eps": group["eps"] * correction2, "weight_decay": group["weight_decay"],
            "decay": group["lr"] * group["weight_decay"],
        }  # fmt: skip


class AdamW(Adam):
    """Adam with decoupled weight decay: p <- p - lr * weight_decay * p, before Adam's step on the bare gradient.

    Loshchilov and Hutter 2019, algorithm 2, in PyTorch's form: the decay is multiplied by lr, where the paper's is
    not, only by its schedule. Raises TypeError or ValueError for a value that is wrong.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True
        )

    def check(self, group: dict[str, Any]) -> None:
        super().check(group)
        if not group["decoupled_weight_decay"]:
            raise ValueError("AdamW: decoupled_weight_decay must be True; for L2 regularisation take Adam")
