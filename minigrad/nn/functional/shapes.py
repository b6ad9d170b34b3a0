"""Borders, and labels as vectors."""

from __future__ import annotations

from typing import Sequence

from ... import ops
from ...tensor import Tensor
from .checks import check_tensor

__all__ = ["one_hot", "pad"]


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Borders of `value` (0 by default): pad = (left, right) of the last dimension, then of the one before it, ...

    Negative widths cut away. Raises NotImplementedError for a mode other than "constant".
    """
    return ops.pad(check_tensor(input, "pad"), pad, mode, 0 if value is None else value)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 of shape (*tensor.shape, num_classes): 1 at each label, 0 elsewhere; -1 stands for the largest label + 1.

    Raises ValueError for a label outside [0, num_classes).
    """
    return ops.one_hot(check_tensor(tensor, "one_hot"), num_classes)
