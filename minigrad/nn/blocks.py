"""Layers put around other layers, so that deep stacks of them can be trained. PyTorch has none of these."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import init
from .activation import ReLU
from .functional.checks import check_count, check_number
from .linear import Linear
from .module import Layer, Module

__all__ = ["Highway", "Residual"]


class Residual(Layer):
    """y = x + body(x), or projection(x) + body(x) where body changes the shape: the input takes a shortcut.

    He, Zhang, Ren and Sun 2016 ("Deep residual learning for image recognition"), eqs. 1 and 2. Raises TypeError for
    what is not a Module, and in forward ValueError if the two sides differ in shape.
    """

    def __init__(self, body: Module, projection: Module | None = None) -> None:
        super().__init__()
        if not isinstance(body, Module) or not isinstance(projection, (Module, type(None))):
            wrong = body if not isinstance(body, Module) else projection
            raise TypeError(f"Residual takes Modules, not {type(wrong).__name__}")
        self.body = body
        self.register_module("projection", projection)

    def forward(self, input: Tensor) -> Tensor:
        shortcut = input if self.projection is None else self.projection(input)
        output = self.body(input)
        if output.shape != shortcut.shape:
            raise ValueError(
                f"Residual: of an input of shape {input.shape}, the body makes {output.shape} and the shortcut "
                f"{shortcut.shape}; to be added they must be of one shape: give a projection that makes {output.shape}"
            )
        return shortcut + output


class Highway(Layer):
    """y = t * h + (1 - t) * x, with h = activation(hidden(x)) and the gate t = sigmoid(gate(x)); (..., features) both.

    hidden and gate are Linear. The gate's bias starts at gate_bias: below 0, so that at first the input is carried
    through nearly as it is; the deeper the stack, the lower. Srivastava, Greff and Schmidhuber 2015 ("Training very
    deep networks"), eq. 3 and section 2.2. Raises ValueError for negative features or a gate_bias above 0.
    """

    def __init__(
        self, features: int, activation: Module | None = None, gate_bias: float = -2.0, device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        features = check_count("Highway", "features", features, 0)
        self.gate_bias = check_number("Highway", "gate_bias", gate_bias)
        if self.gate_bias > 0:
            raise ValueError(f"Highway: gate_bias must not be above 0, for the gate starts closed; got {gate_bias}")
        if not isinstance(activation, (Module, type(None))):
            raise TypeError(f"Highway: activation must be a Module, not {type(activation).__name__}")
        self.hidden = Linear(features, features, device=device, dtype=dtype)
        self.gate = Linear(features, features, device=device, dtype=dtype)
        self.activation = ReLU() if activation is None else activation
        init.constant_(self.gate.bias, self.gate_bias)

    def reset_parameters(self) -> None:
        """Draw the weights anew, and close the gate."""
        self.hidden.reset_parameters()
        self.gate.reset_parameters()
        init.constant_(self.gate.bias, self.gate_bias)

    def forward(self, input: Tensor) -> Tensor:
        t = self.gate(input).sigmoid()
        return t * self.activation(self.hidden(input)) + (1 - t) * input

    def extra_repr(self) -> str:
        return f"gate_bias={self.gate_bias}"
