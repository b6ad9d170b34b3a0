"""Quasi-hyperbolic rules: QHM and QHAdam."""

from __future__ import annotations

from typing import Any, Iterable

from ..kernels import Law
from . import checks
from .adam import check_moments, decay_flags
from .optimizer import Optimizer


class QHM(Optimizer):
    """p <- p - lr * ((1 - nu) * g + nu * m), with the running mean m of g: between plain descent and momentum.

    Ma and Yarats 2019, equations 3 and 4, with the nu and momentum that they recommend. nu = 0 is plain SGD, nu = 1 is
    momentum with dampening = momentum; nu = momentum is Nesterov's, as in PyTorch, at lr / (1 - momentum).
    weight_decay adds weight_decay * p to the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "qhm"
    states = {"m": "exp_avg"}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-1,
        momentum: float = 0.999,
        nu: float = 0.7,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, momentum=momentum, nu=nu, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("QHM", lr=group["lr"], weight_decay=group["weight_decay"])
        checks.below_one("QHM", momentum=group["momentum"])
        checks.number("QHM", nu=group["nu"])
        checks.switch("QHM", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        lr, nu = group["lr"], group["nu"]
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0)
        return law, {
            "now": lr * (1 - nu), "mean": lr * nu, "c": 1 - group["momentum"], "weight_decay": group["weight_decay"],
        }  # fmt: skip


class QHAdam(Optimizer):
    """p <- p - lr * ((1 - nu1) * g + nu1 * m') / (sqrt((1 - nu2) * g^2 + nu2 * v') + eps): Adam with immediate terms.

    m and v are the running means of g and g^2, m' = m / (1 - beta1^t), v' likewise. Ma and Yarats 2019, section 4.2;
    nus = (1, 1), the default of the authors' code, is Adam, nus = (1, 0) with beta1 is normalised momentum; they
    recommend nus = (0.7, 1) and betas = (0.995, 0.999). weight_decay adds weight_decay * p to the gradient (L2); with
    decoupled_weight_decay it shrinks p by lr * weight_decay * p instead.
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "qhadam"
    states = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        nus: tuple[float, float] = (1.0, 1.0),
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        eps: float = 1e-8,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, nus=nus, weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay,
            eps=eps, maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        check_moments("QHAdam", group)
        checks.switch("QHAdam", decoupled_weight_decay=group["decoupled_weight_decay"])
        nus = group["nus"]
        if not isinstance(nus, tuple) or len(nus) != 2:
            raise TypeError(f"QHAdam: nus must be 2 numbers, got {nus!r}")
        checks.number("QHAdam", **{"nus[0]": nus[0]})
        checks.fraction("QHAdam", **{"nus[1]": nus[1]})  # beyond it the root is of a negative number

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        t, (beta1, beta2), (nu1, nu2) = age + 1, group["betas"], group["nus"]
        law = self.law(maximize=group["maximize"], **decay_flags(group))
        return law, {
            "now": group["lr"] * (1 - nu1), "mean": group["lr"] * nu1 / (1 - beta1**t), "here": 1 - nu2,
            "spread": nu2 / (1 - beta2**t), "c1": 1 - beta1, "c2": 1 - beta2, "eps": group["eps"],
            "weight_decay": group["weight_decay"], "decay": group["lr"] * group["weight_decay"],
        }  # fmt: skip
