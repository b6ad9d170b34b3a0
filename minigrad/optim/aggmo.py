"""Aggregated momentum."""

from __future__ import annotations

from functools import partial
from typing import Any, Iterable

import numpy as np

from . import checks
from .by_parameter import ByParameter, Piece


class AggMo(ByParameter):
    """p <- p + lr * mean(v_1, ..., v_K), v_i <- beta_i * v_i - g: velocities of several dampings, of which one is fast.

    Lucas et al. 2019, equation 4; the default betas are theirs, 0 and 1 - 0.1^i. lr is outside the velocities, as in
    SGD. All groups have the number of betas that the constructor was given. State holds the velocities as one array of
    shape (K, *shape). weight_decay adds weight_decay * p to the gradient (L2).
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "aggmo"
    states = {"v": "velocities"}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-1,
        betas: tuple[float, ...] = (0.0, 0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        if not isinstance(betas, (tuple, list)) or not betas:
            raise TypeError(f"AggMo: betas must be one number or more, got {betas!r}")
        self._count = len(betas)
        self.state_shape = partial(_stacked, len(betas))  # type: ignore[method-assign, assignment]
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize))

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("AggMo", lr=group["lr"], weight_decay=group["weight_decay"])
        checks.switch("AggMo", maximize=group["maximize"])
        betas = group["betas"]
        if not isinstance(betas, tuple) or len(betas) != self._count:
            raise ValueError(
                f"AggMo: every group has as many betas as the constructor was given, {self._count}; got {betas!r}"
            )
        checks.several_below_one("AggMo", self._count, betas=betas)

    def change(self, group: dict[str, Any], age: int, piece: Piece) -> None:
        d, size = np.zeros_like(piece.g), piece.g.size
        begin = self.law(begin=True, maximize=group["maximize"], weight_decay=group["weight_decay"] != 0)
        piece.put_through(begin, group, d=d)
        law = self.law(begin=False, maximize=False, weight_decay=False)
        for i, beta in enumerate(group["betas"]):
            v = piece.states["v"][i * size : (i + 1) * size]
            piece.put_through(law, {"beta": beta, "rate": group["lr"] / self._count}, d=d, v=v)


def _stacked(count: int, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    return (count, *shape)
