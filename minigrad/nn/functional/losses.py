"""Losses of targets that are numbers."""

from __future__ import annotations

import math

from ...ops.loss import mse_op
from ...tensor import Tensor
from .checks import check_reduction, check_tensor

__all__ = ["mse_loss"]


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """(input - target)^2, and its mean over all elements or its sum unless reduction="none".

    Unlike PyTorch, which broadcasts with a warning, shapes that differ are an error (ValueError). Raises TypeError if
    neither is floating point. The mean of nothing is NaN.
    """
    check_reduction(reduction)
    check_tensor(input, "mse_loss"), check_tensor(target, "mse_loss")
    if input.shape != target.shape:
        raise ValueError(
            f"mse_loss: input of shape {input.shape} and target of shape {target.shape} must be of one shape; "
            "broadcasting them would pair up what does not belong together: reshape or expand one"
        )
    if input.dtype.kind != "f" and target.dtype.kind != "f":
        raise TypeError(f"mse_loss: input and target are {input.dtype} and {target.dtype}; cast one with .float()")
    weight = _one_over(input.numel()) if reduction == "mean" else 1.0
    return mse_op(input, target, total=reduction != "none", weight=weight)


def _one_over(n: int) -> float:
    return 1 / n if n else math.nan
