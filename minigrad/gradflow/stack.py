"""A stack of equal layers, as deep as you like: where gradients vanish and explode most plainly."""

from __future__ import annotations

from typing import Any, Callable

from .. import nn
from ..gradmode import no_grad
from ..tensor import Tensor

# All of nn's Activations but Threshold, which has no values of its own to start from.
ACTIVATIONS: dict[str, type[nn.Activation]] = {
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "selu": nn.SELU,
    "celu": nn.CELU, "gelu": nn.GELU, "silu": nn.SiLU, "mish": nn.Mish, "softplus": nn.Softplus,
    "softsign": nn.Softsign, "log_sigmoid": nn.LogSigmoid, "relu6": nn.ReLU6, "rrelu": nn.RReLU,
    "hardtanh": nn.Hardtanh, "hardsigmoid": nn.Hardsigmoid, "hardswish": nn.Hardswish, "hardshrink": nn.Hardshrink,
    "softshrink": nn.Softshrink, "tanhshrink": nn.Tanhshrink,
}  # fmt: skip
NORMS: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}

Initialiser = Callable[[nn.Linear], Any]


def deep_stack(
    depth: int, width: int, activation: str = "sigmoid", init: str = "xavier_normal", inputs: int = 64,
    classes: int = 10, norm: str | None = None, residual: bool = False, scale: float | None = None,
    dtype: Any = None,
) -> nn.Sequential:
    """`depth` layers of Linear and activation, `width` units each, and a linear output on top.

    norm: "batch" or "layer" puts batch or layer norm before each activation. residual: a layer that keeps the width
    adds what it makes to what it takes, h + activation(norm(linear(h))).
    init: of every weight, with biases 0: xavier_normal, xavier_uniform (Glorot & Bengio 2010), kaiming_normal,
    kaiming_uniform (He et al. 2015, for ReLU), lecun_normal (N(0, 1 / fan_in)), orthogonal or orthogonal:GAIN (Saxe et
    al. 2014), scaled:S for N(0, S^2 / fan_in), the scale of mean-field theory, or normal:STD, as in normal:0.1, for
    N(0, STD^2). centered:GAIN is orthogonal:GAIN with biases -sum(W) / 2 over a unit's inputs, which takes 1/2 off
    each of them: for sigmoids, whose values lie about 1/2. "default" leaves weights and biases as nn.Linear draws them.
    scale: short for init="scaled:S".
    Raises ValueError for a size below 1, an unknown name, or a number that is wrong.
    """
    for name, size in (("depth", depth), ("width", width), ("inputs", inputs), ("classes", classes)):
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")
    _known("activation", activation, ACTIVATIONS)
    if norm is not None:
        _known("norm", norm, NORMS)
    initialise = initialiser(init if scale is None else f"scaled:{scale}")
    layers: list[nn.Module] = []
    for i in range(depth):
        linear = nn.Linear(inputs if i == 0 else width, width, dtype=dtype)
        parts = [linear, *([] if norm is None else [NORMS[norm](width, dtype=dtype)]), ACTIVATIONS[activation]()]
        layers += [nn.Residual(nn.Sequential(*parts))] if residual and linear.in_features == width else parts
    model = nn.Sequential(*layers, nn.Linear(width, classes, dtype=dtype))
    if initialise is not None:
        for module in model.modules():
            if isinstance(module, nn.Linear):
                initialise(module)
    return model


def _known(what: str, name: str, choices: dict[str, Any]) -> None:
    if name not in choices:
        raise ValueError(f"unknown {what} {name!r}; there are {', '.join(choices)}")


# -------------------------------------------------------------------------------------------------- initial weights


def _with_zero_bias(draw: Callable[[Tensor], Any]) -> Initialiser:
    def initialise(layer: nn.Linear) -> None:
        draw(layer.weight)
        nn.init.zeros_(layer.bias)

    return initialise


def _centered(gain: float) -> Initialiser:
    def initialise(layer: nn.Linear) -> None:
        nn.init.orthogonal_(layer.weight, gain)
        with no_grad():
            layer.bias.copy_(-layer.weight.sum(1) / 2)

    return initialise


def _scaled(scale: float) -> Initialiser:
    return _with_zero_bias(lambda weight: nn.init.normal_(weight, 0.0, scale / weight.shape[1] ** 0.5))


def _orthogonal(gain: float) -> Initialiser:
    return _with_zero_bias(lambda weight: nn.init.orthogonal_(weight, gain))


def _normal(std: float) -> Initialiser:
    return _with_zero_bias(lambda weight: nn.init.normal_(weight, 0.0, std))


_INITS: dict[str, Initialiser] = {
    "xavier_normal": _with_zero_bias(nn.init.xavier_normal_),
    "xavier_uniform": _with_zero_bias(nn.init.xavier_uniform_),
    "kaiming_normal": _with_zero_bias(lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu")),
    "kaiming_uniform": _with_zero_bias(lambda weight: nn.init.kaiming_uniform_(weight, nonlinearity="relu")),
    "lecun_normal": _with_zero_bias(nn.init.lecun_normal_),
    "orthogonal": _orthogonal(1.0),
}
# Those that take a number, after a colon: what the number is called, and what makes an initialiser of it.
_WITH_NUMBER: dict[str, tuple[str, Callable[[float], Initialiser]]] = {
    "orthogonal": ("GAIN", _orthogonal), "centered": ("GAIN", _centered), "scaled": ("S", _scaled),
    "normal": ("STD", _normal),
}  # fmt: skip
INITS = (*_INITS, *(f"{name}:{number}" for name, (number, _) in _WITH_NUMBER.items()), "default")


def initialiser(init: str) -> Initialiser | None:
    """What draws a layer's weight and bias; None for "default". Raises ValueError for an unknown name or bad number."""
    if init == "default":
        return None
    if init in _INITS:
        return _INITS[init]
    name, _, text = init.partition(":")
    if name not in _WITH_NUMBER or not text:
        raise ValueError(f"unknown init {init!r}; there are {', '.join(INITS)}")
    what, make = _WITH_NUMBER[name]
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError(f"init {init!r}: {what} must be a number from 0 up, as in {name}:0.1")
    return make(number)
