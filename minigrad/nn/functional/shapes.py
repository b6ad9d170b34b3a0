"""Borders, and labels as vectors."""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np

from ... import ops
from ...backend import dtypes
from ...tensor import Tensor
from .checks import check_count, check_tensor

__all__ = ["one_hot", "pad"]


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Borders: pad = (left, right) of the last dimension, then of the one before it, ...

    mode "constant": of `value`, 0 by default, and negative widths cut away. Or of the input's own elements: "reflect"
    mirrors it at its edge, which is not repeated, "replicate" repeats the edge, "circular" goes on at the other end.
    Raises ValueError for another mode, or a width that the input is too small to fill.
    """
    check_tensor(input, "pad")
    if mode == "constant":
        return ops.pad(input, pad, mode, 0 if value is None else value)
    if mode not in _SOURCES:
        raise ValueError(f"pad: mode must be 'constant', {', '.join(map(repr, _SOURCES))}, not {mode!r}")
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise ValueError(f"pad: {tuple(pad)} must hold a pair for each of the last dimensions of shape {input.shape}")
    for k in range(len(pad) // 2):
        left, right = pad[2 * k], pad[2 * k + 1]
        dim, n = input.ndim - 1 - k, input.shape[input.ndim - 1 - k]
        most = {"reflect": n - 1, "circular": n, "replicate": left + right if n else 0}[mode]
        if min(left, right) < 0 or max(left, right) > most:
            widths = (left, right)
            raise ValueError(f"pad: mode {mode!r} cannot put {widths} elements around dim {dim} of {input.shape}")
        if left or right:
            source = _SOURCES[mode](np.arange(-left, n + right), n)
            input = input.index_select(dim, input.new_tensor(source, dtype=dtypes.int64))
    return input


# Where the element at position i, which may lie outside [0, n), is taken from.
_SOURCES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "reflect": lambda i, n: n - 1 - np.abs(n - 1 - np.abs(i)),
    "replicate": lambda i, n: np.clip(i, 0, n - 1),
    "circular": lambda i, n: i % n,
}


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 of shape (*tensor.shape, num_classes): 1 at each label, 0 elsewhere; -1 stands for the largest label + 1.

    Raises ValueError for a label outside [0, num_classes).
    """
    return ops.one_hot(check_tensor(tensor, "one_hot"), check_count("one_hot", "num_classes", num_classes, -1))
