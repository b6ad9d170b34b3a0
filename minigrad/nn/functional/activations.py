"""Functions that bend each element by itself, and the softmaxes."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...tensor import Tensor
from .checks import check_tensor

__all__ = [
    "elu", "gelu", "leaky_relu", "log_softmax", "logsigmoid", "relu", "sigmoid", "silu", "softmax", "softplus", "tanh",
]  # fmt: skip


def tanh(input: Tensor) -> Tensor:
    """tanh(x)."""
    return ops.tanh(check_tensor(input, "tanh"))


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x))."""
    return ops.sigmoid(check_tensor(input, "sigmoid"))


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return ops.logsigmoid(check_tensor(input, "logsigmoid"))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x > threshold."""
    return ops.softplus(check_tensor(input, "softplus"), beta, threshold)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return ops.relu(check_tensor(input, "relu"))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope * x. Maas, Hannun and Ng 2013."""
    return ops.leaky_relu(check_tensor(input, "leaky_relu"), negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha * (exp(x) - 1). Clevert, Unterthiner and Hochreiter 2016, eq. 15."""
    return ops.elu(check_tensor(input, "elu"), alpha)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x * Phi(x), Phi the normal distribution function, or its tanh approximation. Hendrycks and Gimpel 2016."""
    return ops.gelu(check_tensor(input, "gelu"), approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x). Elfwing, Uchibe and Doya 2018; also known as swish."""
    return ops.silu(check_tensor(input, "silu"))


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`: by default the classes of (C,), (N, C) or (N, C, d1, d2), but 0 for three.

    That default is PyTorch's, which warns of it; name `dim`.
    """
    return ops.softmax(check_tensor(input, "softmax"), _class_dim(input) if dim is None else dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """x - log(sum(exp(x))) along `dim`, without overflow; the default dim as for softmax."""
    return ops.log_softmax(check_tensor(input, "log_softmax"), _class_dim(input) if dim is None else dim, dtype)


def _class_dim(input: Tensor) -> int:
    return 0 if input.ndim in (0, 1, 3) else 1
