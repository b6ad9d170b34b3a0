"""Dropout layers: each is its function of minigrad.nn.functional, at work in training mode only."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .functional.dropouts import check_probability
from .module import Layer

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "FeatureAlphaDropout"]


class _Dropout(Layer):
    """`inplace` is accepted, and the result is a new tensor all the same."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p = check_probability(type(self).__name__, p)
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Each element 0 with probability p, the others over 1 - p; see functional.dropout."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training)


class Dropout1d(_Dropout):
    """Whole channels of (N, C, L) or (C, L) dropped; see functional.dropout1d."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training)


class Dropout2d(_Dropout):
    """Whole channels of (N, C, H, W) or (C, H, W) dropped; see functional.dropout2d."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training)


class AlphaDropout(_Dropout):
    """Dropout for SELU, that keeps mean 0 and variance 1; see functional.alpha_dropout."""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels; see functional.feature_alpha_dropout."""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)
