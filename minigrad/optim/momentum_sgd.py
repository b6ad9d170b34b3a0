"""Descent with the learning rate inside the velocity: momentum, and Nesterov's by a jump."""

from __future__ import annotations

from typing import Any, Callable, Iterable

from ..kernels import Law
from . import checks
from .arena import Block
from .optimizer import Optimizer


class MomentumSGD(Optimizer):
    """p <- p + v with v <- momentum * v - lr * g.

    Sutskever et al. 2013, equations 1 and 2, also Chainer's and Keras's form. SGD(momentum=...), as PyTorch, keeps lr
    outside the velocity. The two agree while lr stays; when it changes, here what has gathered in the velocity keeps
    the rates that it was gathered at. weight_decay adds weight_decay * p to the gradient (L2). Raises TypeError or
    ValueError for a value that is wrong.
    """

    law_name = "momentum_sgd"
    states = {"v": "velocity"}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        momentum: float = 0.9,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        names = ["lr", "momentum", "weight_decay"]
        checks.not_negative(type(self).__name__, **{name: group[name] for name in names})
        checks.switch(type(self).__name__, maximize=group["maximize"])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0)
        return law, {name: group[name] for name in ["lr", "momentum", "weight_decay"]}


class NAG(MomentumSGD):
    """Nesterov's accelerated gradient: p <- p + v, v <- momentum * v - lr * g(p + momentum * v): jump, then correct.

    Sutskever et al. 2013, equations 3 and 4. step(closure) moves the parameters to p + momentum * v, calls the closure
    for the loss and the gradients there, and takes the step from where they were; what the closure itself writes into
    parameters is lost. If the closure raises, the parameters are put back. PyTorch's form, which needs no closure, is
    SGD(nesterov=True): while lr and momentum stay, its parameters are what p + momentum * v is here. weight_decay adds
    weight_decay * (p + momentum * v) to the gradient (L2). Raises TypeError without a closure, and TypeError or
    ValueError for a value that is wrong.
    """

    needs_closure = "the gradient is taken after a jump along the velocity, so step() must have it computed there"

    def evaluate(self, closure: Callable[[], Any] | None) -> Any:
        if closure is None:
            return super().evaluate(closure)
        self._prepare()
        kept = [(block, block.values.copy()) for arena in self._arenas for block in arena.blocks]
        try:
            for arena in self._arenas:
                for block in arena.blocks:
                    self._jump(block, arena.settings.plain["momentum"])
            return super().evaluate(closure)
        finally:
            for block, values in kept:
                block.restore(values)

    def _jump(self, block: Block, momentum: float) -> None:
        """At age 0 the velocity is zero, so new parameters may come along."""
        end = len(block.slots)
        with block.backend.on(block.device):
            law = block.bind(self.law(maximize=False, weight_decay=False, jump=True, ahead=False), 0, end)
            block.update([(0, end, law, {"momentum": momentum}, False, {})])

    def rule(self, group: dict[str, Any], age: int) -> tuple[Law, dict[str, float]]:
        decays = group["weight_decay"] != 0
        law = self.law(maximize=group["maximize"], weight_decay=decays, jump=False, ahead=decays)
        return law, {name: group[name] for name in ["lr", "momentum", "weight_decay"]}
