"""Adagrad."""

from __future__ import annotations

from typing import Any, Iterable

from ..backend import dtypes
from ..kernels import Law
from ..tensor import Tensor
from . import checks
from .optimizer import Optimizer


class Adagrad(Optimizer):
    """p <- p - lr' * g / (sqrt(s) + eps), with s the sum of all g^2 and lr' = lr / (1 + (t - 1) * lr_decay).

    Duchi, Hazan and Singer 2011, figure 1, with diagonal matrices and without a projection. With lr_decay=0 a steady
    gradient's rate falls as 1 / sqrt(t), and rare features get larger steps. initial_accumulator_value: what s starts
    as; each group may have its own, where PyTorch heeds only the constructor's. eps is outside the root, as in the
    paper and PyTorch; Keras has it inside, and starts s as 0.1. weight_decay adds weight_decay * p to the gradient
    (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adagrad"
    states = {"sum": "sum"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps, maximize=maximize,
            initial_accumulator_value=initial_accumulator_value,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        names = ["lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"]
        checks.not_negative("Adagrad", **{name: group[name] for name in names})
        checks.switch("Adagrad", maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0, first=age == 0)
        return law, {
            "lr": group["lr"] / (1 + age * group["lr_decay"]), "eps": group["eps"],
            "weight_decay": group["weight_decay"], "start": group["initial_accumulator_value"],
        }  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """As for every rule; of a parameter that took no step, it says as PyTorch's does what the sum starts as."""
        found = super().state_dict()
        for group, saved in zip(self.param_groups, found["param_groups"]):
            start = checks.as_python(group["initial_accumulator_value"])
            for p, number in zip(group["params"], saved["params"]):
                untouched = {"step": Tensor(0.0, dtype=dtypes.float64), "sum": p.new_zeros(*p.shape) + start}
                found["state"].setdefault(number, untouched)
        return found
