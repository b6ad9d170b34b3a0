"""LARS."""

from __future__ import annotations

from typing import Any, Iterable

from . import checks
from .by_parameter import ByParameter, Piece, norm

_UP = 2.0**64


class LARS(ByParameter):
    """p <- p - v, v <- momentum * v + lr * r * (g + weight_decay * p), r = trust * |p| / (|g| + weight_decay * |p|).

    |.| is the Euclidean norm of the parameter as a whole. You, Gitman and Ginsburg 2017, algorithm 1, with lr inside
    the velocity; optax takes |g + weight_decay * p| for the sum of norms. Where |p| or the denominator is 0, r is 1.
    trust is trust_coefficient, the paper's eta. weight_decay adds weight_decay * p to the gradient (L2).
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "lars"
    states = {"v": "velocity"}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        momentum: float = 0.9,
        weight_decay: float = 0,
        trust_coefficient: float = 1e-3,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, momentum=momentum, weight_decay=weight_decay, trust_coefficient=trust_coefficient,
            maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        names = ["lr", "momentum", "weight_decay", "trust_coefficient"]
        checks.not_negative("LARS", **{name: group[name] for name in names})
        checks.switch("LARS", maximize=group["maximize"])

    def change(self, group: dict[str, Any], age: int, piece: Piece) -> None:
        size = norm(piece.p)
        whole = norm(piece.g) + group["weight_decay"] * size
        rate = group["trust_coefficient"] * size / whole if size and whole else 1.0
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0)
        up = _UP if group["lr"] * rate > _UP else 1.0
        piece.put_through(law, {**group, "lr": group["lr"] / up * rate, "up": up})
