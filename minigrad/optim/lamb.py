"""LAMB."""

from __future__ import annotations

import math
from typing import Any, Iterable

import numpy as np

from .adam import check_moments
from .by_parameter import ByParameter, Piece, norm


class LAMB(ByParameter):
    """p <- p - lr * |p| / |u| * u, u = m' / (sqrt(v') + eps) + weight_decay * p: Adam at a rate for each parameter.

    m and v are the running means of g and g^2, m' = m / (1 - beta1^t), v' likewise; |.| is the Euclidean norm of the
    parameter as a whole. You et al. 2020, algorithm 2, with the identity for phi; where a norm is 0, the quotient is 1,
    as in optax. (The authors' first code corrected no bias, and others cut |p| off at 10.) weight_decay is decoupled,
    and part of u. Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "lamb"
    states = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        check_moments("LAMB", group)

    def change(self, group: dict[str, Any], age: int, piece: Piece) -> None:
        beta1, beta2 = group["betas"]
        root = math.sqrt(1 - beta2 ** (age + 1))
        scalars = {
            "c1": 1 - beta1, "c2": 1 - beta2, "mean": root / (1 - beta1 ** (age + 1)), "eps": group["eps"] * root,
            "weight_decay": group["weight_decay"],
        }  # fmt: skip
        u, decoupled = np.zeros_like(piece.g), group["weight_decay"] != 0
        piece.put_through(self.law(step=False, maximize=group["maximize"], decoupled=decoupled), scalars, u=u)
        size, length = norm(piece.p), norm(u)
        trust = size / length if size and length else 1.0
        law = self.law(step=True, maximize=False, decoupled=False)
        piece.put_through(law, {"rate": group["lr"] * trust}, u=u)
