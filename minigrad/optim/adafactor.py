"""Adafactor."""

from __future__ import annotations

from typing import Any, Iterable

import numpy as np

from . import checks
from .by_parameter import ByParameter, Piece, rms


class Adafactor(ByParameter):
    """p <- p - a * u / max(1, RMS(u) / d), u = g / sqrt(v), a = max(eps2, RMS(p)) * min(lr, 1 / sqrt(t)).

    v is a running mean of g^2 that decays by 1 - t^beta2_decay. Of a matrix only the means of its rows (R) and of its
    columns (C) are kept, and v = R C / mean(R); of more dimensions, the last two are rows and columns.
    Shazeer and Stern 2018, algorithms 4 and 5, in PyTorch's form: eps = (eps1, eps2), where eps1 bounds mean(R) and
    sqrt(v) from below, and is the dtype's resolution if None (the paper, and optax, add it to g^2). weight_decay is
    decoupled: p shrinks by lr * weight_decay * p. Parameters without elements are passed over (PyTorch divides by 0).
    Raises TypeError or ValueError for a value that is wrong.
    """

    law_name = "adafactor"
    states = {"v": "variance", "rows": "row_var", "columns": "col_var"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, maximize=maximize,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("Adafactor", lr=group["lr"], weight_decay=group["weight_decay"])
        checks.number("Adafactor", beta2_decay=group["beta2_decay"], d=group["d"])
        checks.switch("Adafactor", maximize=group["maximize"])
        eps = group["eps"]
        if not isinstance(eps, tuple) or len(eps) != 2:
            raise TypeError(f"Adafactor: eps must be 2 numbers, of which the first may be None, got {eps!r}")
        checks.not_negative("Adafactor", **{f"eps[{i}]": part for i, part in enumerate(eps) if i or part is not None})
        if group["beta2_decay"] > 0:
            raise ValueError(f"Adafactor: beta2_decay must not be above 0, got {group['beta2_decay']}")
        if group["d"] < 1:
            raise ValueError(f"Adafactor: d must be at least 1, got {group['d']}")

    @staticmethod
    def state_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        if len(shape) < 2:
            return shape if name == "v" else None
        return {"v": None, "rows": (*shape[:-1], 1), "columns": (*shape[:-2], 1, shape[-1])}[name]

    def change(self, group: dict[str, Any], age: int, piece: Piece) -> None:
        t, (eps1, eps2) = age + 1, group["eps"]
        eps1 = float(np.finfo(piece.p.dtype).eps) if eps1 is None else eps1
        size = max(eps2, rms(piece.p)) * min(group["lr"], t**-0.5)
        c = t ** group["beta2_decay"]
        u = np.zeros_like(piece.g)
        if len(piece.shape) < 2:
            self.law(step=False, vector=True, decoupled=False)(piece.g, piece.states["v"], u, c=c, floor=eps1 * eps1)
        else:
            v = _mean_square(piece, c, eps1)
            self.law(step=False, vector=False, decoupled=False)(piece.g, v, u, floor=eps1 * eps1)
        rate = size / max(1.0, rms(u) / group["d"])
        decay = {"decay": group["lr"] * group["weight_decay"]} if group["weight_decay"] else {}
        self.law(step=True, vector=False, decoupled=bool(decay))(
            piece.p, u, rate=-rate if group["maximize"] else rate, **decay
        )


def _mean_square(piece: Piece, c: float, eps1: float) -> Any:
    """v of a matrix, flat, from the means of its rows and columns, which take in this gradient first."""
    square = piece.g.reshape(piece.shape)
    square = square * square
    rows = piece.states["rows"].reshape(Adafactor.state_shape("rows", piece.shape))
    columns = piece.states["columns"].reshape(Adafactor.state_shape("columns", piece.shape))
    rows += c * (square.mean(axis=-1, keepdims=True) - rows)
    columns += c * (square.mean(axis=-2, keepdims=True) - columns)
    scale = np.maximum(rows.mean(axis=-2, keepdims=True), eps1)
    return (rows * columns / scale).reshape(-1)
