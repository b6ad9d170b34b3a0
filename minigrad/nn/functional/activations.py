"""Functions that bend each element by itself, gates, and the softmaxes.

Integers: relu keeps them; those that are ops of minigrad too (tanh, elu, gelu, ...) make floats of them; the others,
and the softmaxes unless dtype= is given, raise TypeError, also the few that take them in PyTorch.
"""

from __future__ import annotations

from typing import Any

from ... import ops
from ...backend import move
from ...ops import dims
from ...ops.activations import (
    celu_op, glu_op, hardshrink_op, hardsigmoid_op, hardswish_op, hardtanh_op, mish_op, prelu_op, selu_op,
    softshrink_op, softsign_op, tanhshrink_op, threshold_op,
)  # fmt: skip
from ...ops.elementwise import leaky_relu_op
from ...tensor import Tensor
from ...values import draw_uniform
from .checks import check_alpha, check_floating, check_number, check_slopes, check_tensor

__all__ = [
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_softmax",
    "logsigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softmax", "softmin",
    "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold",
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
    beta, threshold = check_number("softplus", "beta", beta), check_number("softplus", "threshold", threshold)
    return ops.softplus(check_tensor(input, "softplus"), beta, threshold)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return ops.relu(check_tensor(input, "relu"))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope * x. Maas, Hannun and Ng 2013."""
    negative_slope = check_number("leaky_relu", "negative_slope", negative_slope)
    return ops.leaky_relu(check_tensor(input, "leaky_relu"), negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha * (exp(x) - 1). Clevert, Unterthiner and Hochreiter 2016, eq. 15."""
    return ops.elu(check_tensor(input, "elu"), check_number("elu", "alpha", alpha))


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x * Phi(x), Phi the normal distribution function, or its tanh approximation. Hendrycks and Gimpel 2016."""
    return ops.gelu(check_tensor(input, "gelu"), approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x). Elfwing, Uchibe and Doya 2018; also known as swish."""
    return ops.silu(check_tensor(input, "silu"))


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x)), without overflow. Misra 2019."""
    return mish_op(check_floating(input, "mish"))


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """scale * x where x > 0, else scale * alpha * (exp(x) - 1); scale = 1.0507..., alpha = 1.6732...

    They make mean 0 and variance 1 a fixed point from layer to layer. Klambauer, Unterthiner, Mayr and Hochreiter 2017,
    eq. 2.
    """
    return selu_op(check_floating(input, "selu"))


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha * (exp(x / alpha) - 1): elu with slope 1 at 0 for every alpha. Barron 2017.

    Raises ValueError for alpha = 0.
    """
    alpha = check_alpha(alpha, "celu")
    return celu_op(check_floating(input, "celu"), alpha=float(alpha))


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """min_val where x < min_val, max_val where x > max_val, else x; gradient 0 at both ends. Collobert 2004.

    Raises ValueError if min_val > max_val.
    """
    min_val, max_val = check_number("hardtanh", "min_val", min_val), check_number("hardtanh", "max_val", max_val)
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val must not be above max_val, got {min_val} and {max_val}")
    return hardtanh_op(check_floating(input, "hardtanh"), low=float(min_val), high=float(max_val))


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6), with gradient 0 at both ends. Krizhevsky 2010."""
    return hardtanh_op(check_floating(input, "relu6"), low=0, high=6)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6, with gradient 0 at both ends. Howard et al. 2019, section 5.2."""
    return hardsigmoid_op(check_floating(input, "hardsigmoid"))


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * hardsigmoid(x); its gradient is 0 at -3 and 1 at 3. Howard et al. 2019, section 5.2."""
    return hardswish_op(check_floating(input, "hardswish"))


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, else value."""
    threshold, value = check_number("threshold", "threshold", threshold), check_number("threshold", "value", value)
    return threshold_op(check_floating(input, "threshold"), threshold=float(threshold), value=float(value))


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x - lambd where x > lambd, x + lambd where x < -lambd, else 0. Donoho 1995.

    Raises ValueError for a negative lambd.
    """
    lambd = check_number("softshrink", "lambd", lambd, 0)
    return softshrink_op(check_floating(input, "softshrink"), limit=float(lambd))


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where |x| > lambd, else 0. Donoho and Johnstone 1994."""
    lambd = check_number("hardshrink", "lambd", lambd)
    return hardshrink_op(check_floating(input, "hardshrink"), limit=float(lambd))


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return tanhshrink_op(check_floating(input, "tanhshrink"))


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|). Bergstra et al. 2009."""
    return softsign_op(check_floating(input, "softsign"))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight * x; weight is one slope, or one for each channel: (C,) for an input of (N, C, ...).

    Raises TypeError for dtypes that differ, ValueError for a weight that does not fit.
    He, Zhang, Ren and Sun 2015, eq. 1.
    """
    check_floating(input, "prelu"), check_floating(weight, "prelu: weight")
    if weight.dtype != input.dtype:
        raise TypeError(f"prelu: weight has dtype {weight.dtype}, the input {input.dtype}; cast one with .to()")
    slopes = weight.numel()
    if weight.ndim > 1 or (slopes != 1 and (input.ndim < 2 or input.shape[1] != slopes)):
        raise ValueError(
            f"prelu: a weight of shape {weight.shape} does not fit an input of shape {input.shape}: it holds one "
            "slope, or one for each channel, which is dimension 1 of the input"
        )
    if slopes == 1:
        return prelu_op(input, weight.reshape(()) if weight.ndim and not input.ndim else weight)
    return prelu_op(input, weight if input.ndim == 2 else weight.reshape(slopes, *(1,) * (input.ndim - 2)))


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x where x > 0, else a * x: in training each a is drawn from U[lower, upper), else it is (lower + upper) / 2.

    The draws come from the default generator, one for each element. Xu, Wang, Chen and Li 2015, section 2.4, who draw
    1 / a from U(3, 8). Raises ValueError if lower > upper.
    """
    lower, upper = check_slopes(lower, upper, "rrelu")
    check_floating(input, "rrelu")
    if not training:
        return leaky_relu_op(input, slope=float(lower + upper) / 2)
    slopes = draw_uniform(input.shape, input.dtype, float(lower), float(upper), None)
    return prelu_op(input, Tensor.of(move(slopes, input.device)))


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b), where a and b are the two halves of the input along `dim`. Dauphin et al. 2017, eq. 1.

    Raises ValueError if `dim` has an odd size or there is none.
    """
    check_floating(input, "glu")
    if not input.ndim:
        raise ValueError("glu: a 0-d tensor has no dimension to halve")
    axis = dims.one(dim, input.ndim, "glu")
    if input.shape[axis] % 2:
        raise ValueError(
            f"glu: dim {dim} of an input of shape {input.shape} has size {input.shape[axis]}; it is halved, so the "
            "size must be even"
        )
    return glu_op(input, axis=axis)


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`: by default the classes of (C,), (N, C) or (N, C, d1, d2), but 0 for three.

    That default is PyTorch's, which warns of it; name `dim`.
    """
    return ops.softmax(check_tensor(input, "softmax"), _class_dim(input) if dim is None else dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """x - log(sum(exp(x))) along `dim`, without overflow; the default dim as for softmax."""
    return ops.log_softmax(check_tensor(input, "log_softmax"), _class_dim(input) if dim is None else dim, dtype)


def softmin(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """softmax of -x: exp(-x) / sum(exp(-x)) along `dim`; the default dim as for softmax."""
    check_tensor(input, "softmin")
    return softmax(-check_floating(input if dtype is None else input.to(dtype), "softmin"), dim)


def _class_dim(input: Tensor) -> int:
    return 0 if input.ndim in (0, 1, 3) else 1
