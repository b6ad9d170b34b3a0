"""Losses as modules: each is its function of minigrad.nn.functional, with its options kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tensor import Tensor
from . import functional as F
from .functional.checks import check_reduction
from .module import Module

__all__ = ["CrossEntropyLoss", "MSELoss", "NLLLoss"]


class _Loss(Module):
    """A loss that is averaged, summed or left as it is. Raises ValueError for another reduction."""

    def __init__(self, reduction: str) -> None:
        super().__init__()
        check_reduction(reduction)
        self.reduction = reduction

    if TYPE_CHECKING:

        def __call__(self, input: Tensor, target: Tensor) -> Tensor: ...


class MSELoss(_Loss):
    """(input - target)^2; see functional.mse_loss."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class _ClassLoss(_Loss):
    """A loss of class labels. The class weights are a buffer, so they move and are saved with the module."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index


class NLLLoss(_ClassLoss):
    """The negative log-likelihood of labels, from log-probabilities (N, C, d1, ...); see functional.nll_loss."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_ClassLoss):
    """log_softmax and NLLLoss in one, from logits (N, C, d1, ...); see functional.cross_entropy."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)
