"""NovoGrad."""

from __future__ import annotations

import math
from typing import Any, Iterable

from .adam import check_moments
from .by_parameter import ByParameter, Piece, norm


class NovoGrad(ByParameter):
    """p <- p - lr * m, m <- beta1 * m + g / (sqrt(v) + eps) + weight_decay * p, with one v for a whole parameter.

    v is the running mean of |g|^2, which begins as the first, and m as the first sum. Ginsburg et al. 2019, algorithm
    1. As there, g is not multiplied by 1 - beta1. State holds sqrt(v), "grad_norm": the square of a small number is 0
    in float32. weight_decay is decoupled, and averaged with the rest of m. Raises TypeError or ValueError for a value
    that is wrong.
    """

    law_name = "novograd"
    states = {"m": "exp_avg", "root": "grad_norm"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        betas: tuple[float, float] = (0.95, 0.98),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        check_moments("NovoGrad", group)

    @staticmethod
    def state_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        return () if name == "root" else shape

    def change(self, group: dict[str, Any], age: int, piece: Piece) -> None:
        beta1, beta2 = group["betas"]
        length, root = norm(piece.g), piece.states["root"]
        if age:
            length = math.hypot(math.sqrt(beta2) * float(root[0]), math.sqrt(1 - beta2) * length)
        root[...] = length
        whole = length + group["eps"]
        scalars = {
            "lr": group["lr"], "beta1": beta1, "weight_decay": group["weight_decay"],
            "scale": 1 / whole if whole else 0.0,  # all gradients were 0, and there was no eps
        }  # fmt: skip
        decoupled = group["weight_decay"] != 0
        piece.put_through(self.law(maximize=group["maximize"], decoupled=decoupled, first=age == 0), scalars)
