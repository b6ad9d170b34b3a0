"""Filling tensors with the numbers that training starts from. Every function works in place and returns its tensor."""

from __future__ import annotations

import math

import numpy as np

from ..gradmode import no_grad
from ..backend.random import Generator
from ..tensor import Tensor
from ..values import draw_normal

__all__ = [
    "calculate_gain", "constant_", "eye_", "fan_in_and_fan_out", "kaiming_normal_", "kaiming_uniform_", "normal_",
    "ones_", "orthogonal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

_GAINS = {
    "linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0, "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor on weights that keeps the variance from layer to layer: 1, tanh 5/3, relu sqrt(2), selu 3/4.

    leaky_relu: sqrt(2 / (1 + slope^2)), its slope `param` (0.01 by default). Raises ValueError for another name.
    He et al. 2015, section 2.2, for the rectifiers.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"calculate_gain: the negative slope must be a number, not {param!r}")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        known = ", ".join(sorted([*_GAINS, "leaky_relu"]))
        raise ValueError(f"calculate_gain: no gain is known for {nonlinearity!r}; known: {known}")
    return _GAINS[nonlinearity]


def fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs feed a unit and how many outputs a unit feeds: (in, out) for a weight of shape (out, in).

    Both times the receptive field's size for (out, in, k1, ...). Raises ValueError below two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError(f"a tensor of shape {tensor.shape} has no fan-in and fan-out: it needs two dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform on [a, b). Raises ValueError if a > b."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal, N(mean, std^2). Raises ValueError for a negative std."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros everywhere."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix, zeros elsewhere. Raises ValueError for other than two dimensions."""
    _check_ndim("eye_", tensor, tensor.ndim == 2, "exactly two")
    with no_grad():
        return tensor.copy_(Tensor.of(np.eye(*tensor.shape)))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform on (-a, a) with a = gain * sqrt(6 / (fan_in + fan_out)). Glorot and Bengio 2010, eq. 16."""
    bound = math.sqrt(3) * _xavier_std("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(0, std^2) with std = gain * sqrt(2 / (fan_in + fan_out)). Glorot and Bengio 2010, eq. 12."""
    return normal_(tensor, 0.0, _xavier_std("xavier_normal_", tensor, gain), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform on (-b, b) with b = gain * sqrt(3 / fan). He et al. 2015, eqs. 10 and 14.

    gain = calculate_gain(nonlinearity, a), where a is the slope of a leaky ReLU below 0; mode "fan_in" keeps the
    variance forward, "fan_out" backward. Raises ValueError for another mode or below two dimensions.
    """
    bound = math.sqrt(3) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """N(0, std^2) with std = gain / sqrt(fan); a, mode and nonlinearity as in kaiming_uniform_. He et al. 2015."""
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """gain times a random matrix with orthonormal rows or columns, whichever are fewer; (n, k, l) counts as (n, k * l).

    The Q of a normal matrix, its signs chosen so that it is uniformly distributed (Mezzadri 2007). Saxe, McClelland and
    Ganguli 2014. Raises ValueError below two dimensions.
    """
    _check_ndim("orthogonal_", tensor, tensor.ndim >= 2, "at least two")
    if not tensor.numel():
        return tensor
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = draw_normal((rows, columns), tensor.dtype, 0.0, 1.0, generator)
    q, r = np.linalg.qr(drawn if rows >= columns else drawn.T)
    q = q * np.where(np.diagonal(r) < 0, -1, 1) * gain
    with no_grad():
        return tensor.copy_(Tensor.of((q if rows >= columns else q.T).reshape(tensor.shape)))


def _xavier_std(name: str, tensor: Tensor, gain: float) -> float:
    _check_ndim(name, tensor, tensor.ndim >= 2, "at least two")
    fans = sum(fan_in_and_fan_out(tensor))
    return gain * math.sqrt(2 / fans) if fans else 0.0


def _kaiming_std(name: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    _check_ndim(name, tensor, tensor.ndim >= 2, "at least two")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"{name}: mode must be 'fan_in' or 'fan_out', not {mode!r}")
    fan = fan_in_and_fan_out(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def _check_ndim(name: str, tensor: Tensor, ok: bool, needed: str) -> None:
    if not ok:
        raise ValueError(f"{name} needs {needed} dimensions, got shape {tensor.shape}")
