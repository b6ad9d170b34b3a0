"""One step of time of a recurrent layer: for loops of one's own."""

from __future__ import annotations

import math
from typing import Any

from .. import creation
from ..ops.recurrent_steps import NONLINEARITIES, gru_step, lstm_step, rnn_step
from ..tensor import Tensor
from . import init
from .functional.checks import check_count, check_pair, check_state
from .module import Module
from .parameter import Parameter

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]


class _Cell(Module):
    """weight_ih, weight_hh, bias_ih, bias_hh, all uniform on (-1/sqrt(hidden_size), 1/sqrt(hidden_size)) at first."""

    bias_ih: Parameter | None
    bias_hh: Parameter | None
    _gates: int

    def __init__(self, input_size: int, hidden_size: int, bias: bool, device: Any, dtype: Any) -> None:
        super().__init__()
        self.input_size = input_size = check_count(type(self).__name__, "input_size", input_size, 1)
        self.hidden_size = hidden_size = check_count(type(self).__name__, "hidden_size", hidden_size, 1)
        self.bias = bias
        place, rows = {"device": device, "dtype": dtype}, self._gates * hidden_size
        self.weight_ih = Parameter(creation.empty(rows, input_size, **place))
        self.weight_hh = Parameter(creation.empty(rows, hidden_size, **place))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(creation.empty(rows, **place)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    @property
    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _check(self, input: Any, states: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """The input, and the states or zeros."""
        name = type(self).__name__
        if not isinstance(input, Tensor):
            raise TypeError(f"{name} takes a Tensor, not {type(input).__name__}; make one with minigrad.tensor")
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ValueError(f"{name} takes (N, {self.input_size}) or ({self.input_size},), not shape {input.shape}")
        dtype = self.weight_ih.dtype
        if input.dtype != dtype:
            raise TypeError(
                f"{name}: dtypes differ, input {input.dtype} and weights {dtype}; cast it with .to({dtype})"
            )
        shape = (*input.shape[:-1], self.hidden_size)
        for state in states:
            if state is not None:
                check_state(name, state, shape, input.dtype)
        return (input, *(input.new_zeros(*shape) if state is None else state for state in states))

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        return text if self.bias else f"{text}, bias=False"


class RNNCell(_Cell):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu; x (N, input_size), h (N, hidden_size). See RNN."""

    _gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in NONLINEARITIES:
            raise ValueError(f"RNNCell: nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        h: Tensor
        (h,) = rnn_step(*self._check(input, (hx,)), *self._weights, self.nonlinearity)
        return h

    def extra_repr(self) -> str:
        text = super().extra_repr()
        return text if self.nonlinearity == "tanh" else f"{text}, nonlinearity={self.nonlinearity}"


class LSTMCell(_Cell):
    """(h', c') from x (N, input_size) and (h, c), each (N, hidden_size). See LSTM."""

    _gates = 4

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = lstm_step(*self._check(input, check_pair("LSTMCell", hx)), *self._weights)
        return h, c


class GRUCell(_Cell):
    """h' from x (N, input_size) and h (N, hidden_size). See GRU."""

    _gates = 3

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        h: Tensor
        (h,) = gru_step(*self._check(input, (hx,)), *self._weights)
        return h
