"""Linear layers, and those that only pass on: Identity, Flatten and Unflatten."""

from __future__ import annotations

import math
from typing import Any, Sequence

from .. import creation
from ..ops import dims, flatten
from ..ops.linalg import linear_op, linear_without_bias_op
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.checks import check_count, check_tensor
from .module import Layer, Module
from .parameter import Parameter

__all__ = ["Bilinear", "Flatten", "Identity", "Linear", "Unflatten"]


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
        self.in_features = in_features = check_count("Linear", "in_features", in_features, 0)
        self.out_features = out_features = check_count("Linear", "out_features", out_features, 0)
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
        try:
            return linear_without_bias_op(input, self.weight) if bias is None else linear_op(input, self.weight, bias)
        except AttributeError:
            check_tensor(input, "Linear")
            raise

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """y_k = x1^T W_k x2 + b_k, in shapes (..., in1) and (..., in2) to (..., out); weight is (out, in1, in2).

    Weight and bias start from the uniform distribution on (-1/sqrt(in1), 1/sqrt(in1)).
    Raises ValueError for in1_features below 1 and other negative sizes, and in forward for inputs that do not fit.
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features = in1_features = check_count("Bilinear", "in1_features", in1_features, 1)
        self.in2_features = in2_features = check_count("Bilinear", "in2_features", in2_features, 0)
        self.out_features = out_features = check_count("Bilinear", "out_features", out_features, 0)
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(creation.empty(out_features, in1_features, in2_features, **place))
        self.register_parameter("bias", Parameter(creation.empty(out_features, **place)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.in1_features)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Flatten(Layer):
    """Dimensions start_dim to end_dim made one; by default all but the batch: (N, ...) to (N, product of the rest)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = check_count("Flatten", "start_dim", start_dim)
        self.end_dim = check_count("Flatten", "end_dim", end_dim)

    def forward(self, input: Tensor) -> Tensor:
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Layer):
    """Dimension `dim` made several, of the sizes unflattened_size, one of which may be -1: what Flatten undoes.

    Unlike PyTorch's it knows no dimensions by name. Raises TypeError for a dim or sizes that are not integers,
    ValueError for negative sizes, and in forward for those that do not multiply to the size of `dim`.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        dim = check_count("Unflatten", "dim", dim)
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(f"Unflatten: unflattened_size must be a tuple of whole numbers, not {unflattened_size!r}")
        sizes = [check_count("Unflatten", "each of unflattened_size", n) for n in unflattened_size]
        unflattened_size = type(unflattened_size)(sizes)
        if min(unflattened_size, default=0) < -1 or unflattened_size.count(-1) > 1:
            raise ValueError(f"Unflatten: of {unflattened_size} one size may be -1, and none else negative")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        i = dims.one(self.dim, input.ndim, "Unflatten")
        n = input.shape[i] if input.ndim else 1
        known = math.prod(size for size in self.unflattened_size if size != -1)
        sizes = [n // known if size == -1 and known else size for size in self.unflattened_size]
        if math.prod(sizes) != n or min(sizes, default=0) < 0:
            raise ValueError(
                f"Unflatten: dim {self.dim} of an input of shape {input.shape} cannot be arranged as "
                f"{tuple(self.unflattened_size)}"
            )
        return input.reshape(*input.shape[:i], *sizes, *input.shape[i + 1 :])

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
