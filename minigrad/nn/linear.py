"""Linear layers, and the two that only pass on: Identity and Flatten."""

from __future__ import annotations

import math
from typing import Any

from .. import creation
from ..ops import flatten
from ..ops.linalg import linear_op, linear_without_bias_op
from ..tensor import Tensor
from . import init
from .module import Layer
from .parameter import Parameter

__all__ = ["Flatten", "Identity", "Linear"]


class Identity(Layer):
    """y = x. Arguments are taken, and ignored, so that it can stand in for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Layer):
    """y = x W^T + b, in shapes (..., in_features) to (..., out_features); weight is (out_features, in_features).

    Both start from the uniform distribution on (-1/sqrt(in_features), 1/sqrt(in_features)).
    Raises ValueError for negative sizes, and in forward for an input whose last dimension is not in_features.
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        if min(in_features, out_features) < 0:
            raise ValueError(f"Linear: sizes must not be negative, got ({in_features}, {out_features})")
        self.in_features = in_features
        self.out_features = out_features
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(creation.empty(out_features, in_features, **place))
        self.register_parameter("bias", Parameter(creation.empty(out_features, **place)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # gain sqrt(1/3) makes the bound 1/sqrt(in_features)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        bias = self.bias  # the rows that linear() chooses between, without its call
        return linear_without_bias_op(input, self.weight) if bias is None else linear_op(input, self.weight, bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Flatten(Layer):
    """Dimensions start_dim to end_dim made one; by default all but the batch: (N, ...) to (N, product of the rest)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
