"""Schedule-free SGD and AdamW: descent whose average needs no schedule of the learning rate."""

from __future__ import annotations

import math
from typing import Any, Callable, Iterable

from ..kernels import Law
from . import checks
from .optimizer import NOTES, Optimizer


class ScheduleFree(Optimizer):
    """What the schedule-free rules share: train() and eval(), and the weights of the average.

    While training, p is y = (1 - beta) * z + beta * x, where gradients are taken; eval() moves p to the average x,
    which is what to test and to keep, and train() moves it back. Each parameter counts its own steps and weights. The
    mode is in the groups, as "train_mode", and so in the state_dict: save and load parameters and state in one mode.
    """

    numbers = {"weight_sum": 0.0, "lr_max": 0.0}
    notes = NOTES | {"train_mode"}

    def beta(self, group: dict[str, Any]) -> float:
        """How far y lies from z on its way to x."""
        raise NotImplementedError

    def switch(self) -> Law:
        """The law that moves p part of the way to z."""
        raise NotImplementedError

    def check(self, group: dict[str, Any]) -> None:
        rule = type(self).__name__
        names = ["lr", "weight_decay", "warmup_steps", "weight_lr_power"]
        checks.not_negative(rule, **{name: group[name] for name in names})
        checks.number(rule, r=group["r"])
        checks.switch(rule, maximize=group["maximize"])

    def _completed(self, group: Any) -> dict[str, Any]:
        return {"train_mode": True, **super()._completed(group)}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step, as for every rule. Raises RuntimeError, and changes nothing, in eval mode."""
        if not all(group["train_mode"] for group in self.param_groups):
            raise RuntimeError(
                f"{type(self).__name__}: step() in eval mode, where the parameters are averages that no gradient was "
                "meant for; call optimizer.train() before training goes on"
            )
        return super().step(closure)

    def train(self) -> None:
        """Move the parameters to where gradients are taken."""
        self._move(True, lambda beta: 1 - beta)

    def eval(self) -> None:
        """Move the parameters to the average."""
        self._move(False, lambda beta: 1 - 1 / beta)

    def _move(self, train_mode: bool, share: Callable[[float], float]) -> None:
        """Parameters that took no step yet stay: z and x are where they are."""
        self._prepare()
        law = self.switch()
        for group, arena in zip(self.param_groups, self._arenas):
            if group["train_mode"] == train_mode:
                continue
            scalars = {"share": share(self.beta(arena.settings.plain))}
            for block in arena.blocks:
                with block.backend.on(block.device):
                    block.update([
                        (i, i + 1, block.bind(law, i, i + 1), scalars, False, {})
                        for i, slot in enumerate(block.slots) if slot.age
                    ])  # fmt: skip
            group["train_mode"] = train_mode

    def weighed(self, group: dict[str, Any], age: int, weight_sum: float, lr_max: float) -> dict[str, float]:
        """The scalars that both rules have, and the host's numbers: weights are t^r * (largest lr)^weight_lr_power."""
        warmup = min(1.0, (age + 1) / group["warmup_steps"]) if group["warmup_steps"] else 1.0
        lr = group["lr"] * warmup
        lr_max = max(lr, lr_max)
        weight = (age + 1) ** group["r"] * lr_max ** group["weight_lr_power"]
        weight_sum += weight
        share = weight / weight_sum if weight_sum else 0.0
        return {
            "lr": lr, "share": share, "pull": lr * (1 - self.beta(group) * (1 - share)),
            "weight_sum": weight_sum, "lr_max": lr_max,
        }  # fmt: skip


class SGDScheduleFree(ScheduleFree):
    """z <- z - lr * g, x the weighted average of z, and g taken at y = (1 - momentum) * z + momentum * x.

    Defazio et al. 2024, equations 2 to 4, in the form of the authors' code: p is y while training, x after eval();
    lr rises evenly over warmup_steps, and z counts with t^r * (largest lr so far)^weight_lr_power. The authors' code
    begins in eval mode, this in train mode. weight_decay adds weight_decay * y to the gradient (L2).
    Raises TypeError or ValueError for a value that is wrong, RuntimeError for a step in eval mode.
    """

    law_name = "schedule_free_sgd"
    states = {"z": "z"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        momentum: float = 0.9,
        weight_decay: float = 0,
        warmup_steps: int = 0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, momentum=momentum, weight_decay=weight_decay, warmup_steps=warmup_steps, r=r,
            weight_lr_power=weight_lr_power, maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        super().check(group)
        checks.below_one("SGDScheduleFree", momentum=group["momentum"])
        if group["momentum"] == 0:
            raise ValueError("SGDScheduleFree: momentum must be above 0: at 0 the average would be lost")

    def beta(self, group: dict[str, Any]) -> float:
        return float(group["momentum"])

    def switch(self) -> Law:
        return self.law(maximize=False, weight_decay=False, first=False, switch_place=True)

    def rule(
        self, group: dict[str, Any], age: int, weight_sum: float = 0.0, lr_max: float = 0.0
    ) -> tuple[Law, dict[str, float]]:
        law = self.law(
            maximize=group["maximize"], weight_decay=group["weight_decay"] != 0, first=age == 0, switch_place=False
        )
        return law, {**self.weighed(group, age, weight_sum, lr_max), "weight_decay": group["weight_decay"]}


class AdamWScheduleFree(ScheduleFree):
    """SGDScheduleFree along u = g / (sqrt(v') + eps) + weight_decay * y in place of g; betas[0] is its momentum.

    v' = v / (1 - beta2^t) with the running mean v of g^2. Defazio et al. 2024, algorithm 1, in the form of the authors'
    code; everything else is as in SGDScheduleFree. weight_decay is decoupled, and taken at y.
    Raises TypeError or ValueError for a value that is wrong, RuntimeError for a step in eval mode.
    """

    law_name = "schedule_free_adamw"
    states = {"z": "z", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2.5e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        warmup_steps: int = 0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, warmup_steps=warmup_steps, r=r,
            weight_lr_power=weight_lr_power, maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        super().check(group)
        checks.not_negative("AdamWScheduleFree", eps=group["eps"])
        checks.several_below_one("AdamWScheduleFree", 2, betas=group["betas"])
        if group["betas"][0] == 0:
            raise ValueError("AdamWScheduleFree: betas[0] must be above 0: at 0 the average would be lost")

    def beta(self, group: dict[str, Any]) -> float:
        return float(group["betas"][0])

    def switch(self) -> Law:
        return self.law(maximize=False, decoupled=False, first=False, switch_place=True)

    def rule(
        self, group: dict[str, Any], age: int, weight_sum: float = 0.0, lr_max: float = 0.0
    ) -> tuple[Law, dict[str, float]]:
        beta2 = group["betas"][1]
        root = math.sqrt(1 - beta2 ** (age + 1))
        law = self.law(
            maximize=group["maximize"], decoupled=group["weight_decay"] != 0, first=age == 0, switch_place=False
        )
        return law, {
            **self.weighed(group, age, weight_sum, lr_max), "c2": 1 - beta2, "root": root, "eps": group["eps"] * root,
            "weight_decay": group["weight_decay"],
        }  # fmt: skip
