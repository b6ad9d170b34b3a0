"""Muon."""

from __future__ import annotations

import math
from typing import Any, Iterable

import numpy as np

from ..tensor import Tensor
from . import checks
from .arena import Slot
from .by_parameter import ByParameter, Piece, norm

ADJUSTMENTS = (None, "original", "match_rms_adamw")


class Muon(ByParameter):
    """p <- p - rate * O for matrices, with O near the orthogonal matrix closest to the momentum.

    buf <- momentum * buf + (1 - momentum) * g, u = buf or with nesterov momentum * buf + (1 - momentum) * g again, and
    O comes from u / |u| by ns_steps of the Newton-Schulz iteration X <- a X + (b A + c A A) X, A = X X^T, with
    ns_coefficients (a, b, c); |u| is at least eps. For shape (M, N), rate is lr * sqrt(max(1, M / N)), or with
    adjust_lr_fn="match_rms_adamw" lr * 0.2 * sqrt(max(M, N)). weight_decay is decoupled: p shrinks by
    lr * weight_decay * p. Jordan et al. 2024, in PyTorch's form; PyTorch iterates in bfloat16, this in the parameter's
    own precision. Raises TypeError or ValueError for a value that is wrong or a parameter that is no matrix.
    """

    law_name = "muon"
    states = {"buf": "momentum_buffer"}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        super().__init__(params, dict(
            lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, ns_coefficients=ns_coefficients,
            eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn,
        ))  # fmt: skip

    def check(self, group: dict[str, Any]) -> None:
        checks.not_negative("Muon", **{name: group[name] for name in ("lr", "weight_decay", "momentum", "eps")})
        checks.switch("Muon", nesterov=group["nesterov"])
        coefficients, steps = group["ns_coefficients"], group["ns_steps"]
        if not isinstance(coefficients, tuple) or len(coefficients) != 3:
            raise TypeError(f"Muon: ns_coefficients must be 3 numbers, got {coefficients!r}")
        checks.number("Muon", **{f"ns_coefficients[{i}]": part for i, part in enumerate(coefficients)})
        if checks.whole("Muon", "ns_steps", steps, 0) >= 100:
            raise ValueError(f"Muon: ns_steps must be in [0, 100), got {steps}")
        if group["adjust_lr_fn"] not in ADJUSTMENTS:
            raise ValueError(f"Muon: adjust_lr_fn must be one of {ADJUSTMENTS}, got {group['adjust_lr_fn']!r}")

    def _completed(self, group: Any) -> dict[str, Any]:
        full = super()._completed(group)
        for i, p in enumerate(full["params"]):
            if isinstance(p, Tensor) and p.ndim != 2:
                raise ValueError(_NO_MATRIX.format(i, p.shape))
        return full

    def fits(self, slot: Slot) -> None:
        if len(slot.shape) != 2:
            raise ValueError(_NO_MATRIX.format(slot.index, slot.shape))

    def change(self, group: dict[str, Any], age: int, piece: Piece) -> None:
        momentum, nesterov = group["momentum"], group["nesterov"]
        u = np.empty_like(piece.g)
        scalars = {"c": 1 - momentum, **({"momentum": momentum} if nesterov else {})}
        self.law(step=False, nesterov=nesterov, decoupled=False)(piece.g, piece.states["buf"], u, **scalars)
        matrix = orthogonalized(u.reshape(piece.shape), group["ns_coefficients"], group["ns_steps"], group["eps"])
        rate = group["lr"] * _adjustment(group["adjust_lr_fn"], piece.shape)
        decay = {"decay": group["lr"] * group["weight_decay"]} if group["weight_decay"] else {}
        self.law(step=True, nesterov=False, decoupled=bool(decay))(piece.p, matrix.reshape(-1), rate=rate, **decay)


_NO_MATRIX = "Muon: parameter {} has shape {}; Muon updates matrices only, take AdamW or another rule for the others"


def orthogonalized(matrix: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """The Newton-Schulz iteration: singular values near 1, singular vectors as they are."""
    a, b, c = coefficients
    x = matrix / max(norm(matrix), eps)
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T  # X X^T is then the smaller of the two products
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x if wide else x.T


def _adjustment(function: str | None, shape: tuple[int, ...]) -> float:
    rows, columns = shape
    if function == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
