"""Stochastic gradient Langevin dynamics."""

from __future__ import annotations

import math
from typing import Any, Iterable

import numpy as np

from ..backend import device_of, move
from . import checks
from .by_parameter import ByParameter, Piece


class SGLD(ByParameter):
    """p <- p - lr * g + sqrt(2 * lr * temperature) * n, with n standard normal: descent that ends as a sampler.

    Welling and Teh 2011, equation 4, with lr for half their step size. Where the loss is the negative logarithm of a
    density, summed over all data, p walks through that density as lr becomes small (at temperature 1). optax's
    noisy_sgd is another thing: noise of variance eta / (1 + t)^gamma, to get out of bad places (Neelakantan et al.
    2015). The noise of a step is numpy.random.default_rng([seed, i, t]).standard_normal(shape) for parameter i of the
    optimizer after t steps of it, on every device. weight_decay adds weight_decay * p to the gradient (L2), a normal
    prior. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "sgld"
    states: dict[str, str] = {}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        temperature: float = 1.0,
        seed: int = 0,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, temperature=temperature, seed=seed, weight_decay=weight_decay, maximize=maximize
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        names = ["lr", "temperature", "weight_decay"]
        checks.not_negative("SGLD", **{name: group[name] for name in names})
        checks.switch("SGLD", maximize=group["maximize"])
        checks.whole("SGLD", "seed", group["seed"], 0)

    def change(self, group: dict[str, Any], age: int, piece: Piece) -> None:
        drawn = np.random.default_rng([group["seed"], piece.index, age]).standard_normal(piece.p.size)
        noise = move(drawn.astype(piece.p.dtype), device_of(piece.p))
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0)
        piece.put_through(law, {**group, "spread": math.sqrt(2 * group["lr"] * group["temperature"])}, noise=noise)
