"""SM3."""

from __future__ import annotations

from functools import reduce
from typing import Any, Iterable, Iterator

import numpy as np

from . import checks
from .by_parameter import ByParameter, Piece


class SM3(ByParameter):
    """p <- p - lr * m, m <- momentum * m + (1 - momentum) * g / (sqrt(nu) + eps): Adagrad in little memory.

    Of a parameter of shape (n1, n2, ...) only n1 + n2 + ... sums are kept, one for each index of each axis. An
    element's nu is the smallest of the sums that it shares in, plus g^2, and each sum becomes the largest nu in its
    slice. Anil et al. 2019, algorithm SM3-II; for a vector or a scalar it is Adagrad. The paper takes 0 / 0 as 0, for
    which there is eps here. The state holds the roots of the sums: squares of tiny gradients are 0 in float32.
    weight_decay adds weight_decay * p to the gradient (L2). Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "sm3"
    states = {"m": "exp_avg", "roots": "roots"}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-1,
        momentum: float = 0.9,
        eps: float = 1e-30,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, momentum=momentum, eps=eps, weight_decay=weight_decay, maximize=maximize
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("SM3", lr=group["lr"], eps=group["eps"], weight_decay=group["weight_decay"])
        checks.below_one("SM3", momentum=group["momentum"])
        checks.switch("SM3", maximize=group["maximize"])

    @staticmethod
    def state_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """The roots of all axes stand in one vector, those of the first axis first."""
        return (sum(shape or (1,)),) if name == "roots" else shape

    def change(self, group: dict[str, Any], age: int, piece: Piece) -> None:
        roots = [roots for roots, _ in _by_axis(piece)]
        root = reduce(np.minimum, roots).reshape(-1)
        law = self.law(maximize=group["maximize"], weight_decay=group["weight_decay"] != 0)
        piece.put_through(law, {**group, "c": 1 - group["momentum"]}, root=root)
        for roots, others in _by_axis(piece):
            roots[...] = root.reshape(piece.shape or (1,)).max(axis=others, keepdims=True)


def _by_axis(piece: Piece) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """The roots of each axis, shaped so that they broadcast to the parameter's shape, and the other axes."""
    shape = piece.shape or (1,)
    start = 0
    for axis, size in enumerate(shape):
        spread = [size if axis == other else 1 for other in range(len(shape))]
        others = tuple(other for other in range(len(shape)) if other != axis)
        yield piece.states["roots"][start : start + size].reshape(spread), others
        start += size
