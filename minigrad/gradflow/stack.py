"""A stack of equal layers, as deep as you like: where gradients vanish and explode most plainly."""

from __future__ import annotations

from typing import Any, Callable

from .. import nn
from ..tensor import Tensor

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "gelu": nn.GELU,
    "silu": nn.SiLU, "softplus": nn.Softplus,
}  # fmt: skip
_INITS: dict[str, Callable[[Tensor], Any]] = {
    "xavier_normal": nn.init.xavier_normal_,
    "xavier_uniform": nn.init.xavier_uniform_,
    "kaiming_normal": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
    "kaiming_uniform": lambda weight: nn.init.kaiming_uniform_(weight, nonlinearity="relu"),
}
INITS = (*_INITS, "normal:STD", "default")


def deep_stack(
    depth: int, width: int, activation: str = "sigmoid", init: str = "xavier_normal", inputs: int = 64,
    classes: int = 10,
) -> nn.Sequential:
    """`depth` layers of Linear and activation, `width` units each, and a linear output on top.

    init: of every weight, with biases 0: xavier_normal, xavier_uniform (Glorot & Bengio 2010), kaiming_normal,
    kaiming_uniform (He et al. 2015, for ReLU), or normal:STD, as in normal:0.1, for N(0, STD^2). "default" leaves
    weights and biases as nn.Linear draws them. Raises ValueError for a size below 1 or an unknown name.
    """
    for name, size in (("depth", depth), ("width", width), ("inputs", inputs), ("classes", classes)):
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}; there are {', '.join(ACTIVATIONS)}")
    initialise = initialiser(init)
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(inputs if i == 0 else width, width), ACTIVATIONS[activation]()]
    layers.append(nn.Linear(width, classes))
    if initialise is not None:
        for layer in layers:
            if isinstance(layer, nn.Linear) and layer.bias is not None:
                initialise(layer.weight)
                nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def initialiser(init: str) -> Callable[[Tensor], Any] | None:
    """The function that draws a weight; None for "default". Raises ValueError for an unknown name or a bad STD."""
    if init == "default":
        return None
    if init in _INITS:
        return _INITS[init]
    name, _, number = init.partition(":")
    if name != "normal" or not number:
        raise ValueError(f"unknown init {init!r}; there are {', '.join(INITS)}")
    try:
        std = float(number)
    except ValueError:
        std = -1.0
    if not 0 <= std < float("inf"):
        raise ValueError(f"init {init!r}: STD must be a number from 0 up, as in normal:0.1")
    return lambda weight: nn.init.normal_(weight, 0.0, std)
