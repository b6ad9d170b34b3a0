"""Recurrent layers: RNN, LSTM and GRU over whole sequences, in one or several layers and directions."""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from .. import creation, ops
from ..ops.recurrent import gru_op, lstm_op, rnn_op
from ..ops.recurrent_steps import NONLINEARITIES
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.checks import check_count, check_pair, check_state
from .functional.dropouts import check_probability
from .module import Module
from .parameter import Parameter

__all__ = ["GRU", "LSTM", "RNN"]


class _Recurrent(Module):
    """Weights by PyTorch's names: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, ..., weight_ih_l1_reverse, ...

    All start from the uniform distribution on (-1/sqrt(hidden_size), 1/sqrt(hidden_size)). A new layer needs the step
    of its cell in recurrent_steps.py and here a `_run` that calls over_time with it; layers, directions and lengths
    then work. An op of its own, as in ops/recurrent.py, is only for speed.
    """

    _gates: int

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool, dropout: float,
        bidirectional: bool, proj_size: int, recurrent_init: str, device: Any, dtype: Any,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.input_size = check_count(name, "input_size", input_size, 1)
        self.hidden_size = check_count(name, "hidden_size", hidden_size, 1)
        self.num_layers = check_count(name, "num_layers", num_layers, 1)
        self.proj_size = check_count(name, "proj_size", proj_size, 0)
        if proj_size >= hidden_size:
            raise ValueError(f"{name}: proj_size must be below hidden_size, got {proj_size} and {hidden_size}")
        if recurrent_init not in ("uniform", "orthogonal"):
            raise ValueError(f"{name}: recurrent_init must be 'uniform' or 'orthogonal', not {recurrent_init!r}")
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = check_probability(name, dropout, "dropout")
        self.bidirectional = bidirectional
        self.recurrent_init = recurrent_init
        for layer, suffix in self._passes():
            self._register(layer, suffix, {"device": device, "dtype": dtype})
        self.reset_parameters()

    def _passes(self) -> list[tuple[int, str]]:
        """(layer, suffix of its weights' names), for each layer and direction in the order of the states."""
        suffixes = ("", "_reverse") if self.bidirectional else ("",)
        return [(layer, f"_l{layer}{suffix}") for layer in range(self.num_layers) for suffix in suffixes]

    @property
    def _state_size(self) -> int:
        return self.proj_size or self.hidden_size

    def _register(self, layer: int, suffix: str, place: dict[str, Any]) -> None:
        inputs = self.input_size if layer == 0 else self._state_size * (2 if self.bidirectional else 1)
        rows = self._gates * self.hidden_size
        shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, self._state_size)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for name, shape in shapes.items():
            self.register_parameter(name + suffix, Parameter(creation.empty(*shape, **place)))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)
        if self.recurrent_init == "orthogonal":
            for _, suffix in self._passes():
                for block in ops.chunk(getattr(self, f"weight_hh{suffix}").detach(), self._gates):
                    init.orthogonal_(block)

    def flatten_parameters(self) -> None:
        """Nothing: here for code that was written for cuDNN's memory layout."""

    def _weights(self, suffix: str) -> tuple[Any, ...]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return tuple(getattr(self, name + suffix, None) for name in names)

    def _run(self, x: Tensor, states: tuple[Tensor, ...], suffix: str, pad: Any, reverse: bool) -> tuple[Tensor, ...]:
        """(outputs (T, N, S), *last states) of one layer in one direction."""
        raise NotImplementedError

    def _through_layers(
        self, input: Any, states: tuple[Any, ...], sizes: tuple[int, ...], lengths: Any
    ) -> tuple[Tensor, list[Tensor]]:
        """The outputs, and the last states (layers * directions, N, size) of each kind."""
        x = self._check_input(input)
        alone = x.ndim == 2
        x = x.unsqueeze(1) if alone else x.transpose(0, 1) if self.batch_first else x
        firsts = [self._first_states(state, size, x, alone) for state, size in zip(states, sizes)]
        pad = None if lengths is None else self._pad(lengths, x, alone)
        if pad is not None:
            x = ops.where(pad, 0.0, x)  # what stands there may be anything
        last: list[tuple[Tensor, ...]] = []
        directions = 2 if self.bidirectional else 1
        passes = self._passes()
        for k in range(0, len(passes), directions):
            if k and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for i in range(k, k + directions):
                y, *ends = self._run(x, tuple(first[i] for first in firsts), passes[i][1], pad, i > k)
                outputs.append(y)
                last.append(tuple(ends))
            x = outputs[0] if directions == 1 else ops.cat(outputs, 2)
        ends_of = [ops.stack(list(of_kind)) for of_kind in zip(*last)]
        if alone:
            return x.squeeze(1), [end.squeeze(1) for end in ends_of]
        return x.transpose(0, 1) if self.batch_first else x, ends_of

    def _check_input(self, input: Any) -> Tensor:
        name, form = type(self).__name__, "(N, T, input_size)" if self.batch_first else "(T, N, input_size)"
        if not isinstance(input, Tensor):
            raise TypeError(f"{name} takes a Tensor, not {type(input).__name__}; make one with minigrad.tensor")
        if input.ndim not in (2, 3):
            raise ValueError(f"{name} takes sequences {form}, or (T, input_size), not of shape {input.shape}")
        if input.shape[-1] != self.input_size:
            size = self.input_size
            raise ValueError(f"{name}: an input of shape {input.shape} has size {input.shape[-1]}, not {size}")
        if not input.shape[1 if self.batch_first and input.ndim == 3 else 0]:
            raise ValueError(f"{name}: there is no step of time in an input of shape {input.shape}")
        dtype = self.weight_ih_l0.dtype
        if input.dtype != dtype:
            raise TypeError(
                f"{name}: dtypes differ, input {input.dtype} and weights {dtype}; cast it with .to({dtype})"
            )
        return input

    def _first_states(self, given: Any, size: int, x: Tensor, alone: bool) -> Any:
        """(layers * directions, N, size), zeros by default."""
        count = len(self._passes())
        if given is None:
            zeros = x.new_zeros(x.shape[1], size)
            return [zeros] * count
        shape = (count, size) if alone else (count, x.shape[1], size)
        form = f" (layers * directions, {'' if alone else 'N, '}size)"
        check_state(type(self).__name__, given, shape, x.dtype, form)
        return given.unsqueeze(1) if alone else given

    def _pad(self, lengths: Any, x: Tensor, alone: bool) -> Tensor | None:
        """(T, N, 1): true where a sequence has ended; None if all are of full length."""
        name, (steps, n) = type(self).__name__, x.shape[:2]
        if alone:
            shape = (steps, x.shape[2])
            raise ValueError(f"{name}: lengths go with a batch of sequences, not with one of shape {shape}")
        try:
            values = lengths.detach().cpu().numpy() if isinstance(lengths, Tensor) else np.asarray(lengths)
        except ValueError:  # lists of different lengths
            raise TypeError(f"{name}: lengths must be integers, one for each sequence, not {lengths!r}") from None
        if not values.size:
            values = values.astype(np.int64)  # an empty list is an array of floats
        if values.dtype.kind not in "iu":
            raise TypeError(f"{name}: lengths must be integers, not {values.dtype}")
        if values.shape != (n,):
            raise ValueError(f"{name}: lengths have shape {values.shape}, but there are {n} sequences")
        if n and not (1 <= values.min() and values.max() <= steps):
            at = int(np.argmax((values < 1) | (values > steps)))
            raise ValueError(f"{name}: sequence {at} has length {values[at]}; lengths go from 1 to {steps}")
        if not n or values.min() == steps:
            return None
        return x.new_tensor(np.arange(steps)[:, None, None] >= values[:, None], dtype="bool")

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False,
        }  # fmt: skip
        for option, default in defaults.items():
            if getattr(self, option) != default:
                text += f", {option}={getattr(self, option)}"
        return text


class _OfOneState(_Recurrent):
    def forward(
        self, input: Tensor, hx: Tensor | None = None, lengths: Tensor | Sequence[int] | None = None
    ) -> tuple[Tensor, Tensor]:
        output, (last,) = self._through_layers(input, (hx,), (self.hidden_size,), lengths)
        return output, last


class RNN(_OfOneState):
    """h[t] = tanh(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh), or relu, in each layer. Elman 1990.

    input (T, N, input_size), with batch_first (N, T, input_size), or (T, input_size) alone; hx (layers * directions, N,
    hidden_size), zeros by default. Returns the last layer's states at every step (T, N, directions * hidden_size), and
    the last states of all layers. lengths (N,): how many steps of each sequence count, in any order. What comes after
    changes nothing: the output there is 0, and the last state is that of the last step that counts.

    nonlinearity: "tanh" or "relu". dropout: of the outputs of all layers but the last, in training. recurrent_init:
    "uniform" as in PyTorch, or "orthogonal" for the matrices W_hh (Saxe et al. 2014), which keeps gradients' length
    over time. For truncated backpropagation through time go on from h.detach().
    Raises ValueError for shapes that do not fit, sequences or lengths of 0, TypeError for other dtypes.
    """

    _gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
        dtype: Any = None, *, recurrent_init: str = "uniform",
    ) -> None:
        if nonlinearity not in NONLINEARITIES:
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, recurrent_init, device,
            dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity

    def _run(self, x: Tensor, states: tuple[Tensor, ...], suffix: str, pad: Any, reverse: bool) -> tuple[Tensor, ...]:
        weights = self._weights(suffix)
        result: tuple[Tensor, ...] = rnn_op(x, *states, *weights, pad, reverse=reverse, nonlinearity=self.nonlinearity)
        return result


class LSTM(_Recurrent):
    """c[t] = f c[t-1] + i g, h[t] = o tanh(c[t]), with i, f, o = sigmoid and g = tanh of W_ih x[t] + W_hh h[t-1] + b.

    The cell c is carried on by a product with f, the forget gate: near 1 it lets a gradient through many steps. Input,
    lengths and options as for RNN; hx is (h, c), and the result (output, (h, c)). Weights hold i, f, g, o in this
    order. proj_size: W_hr h in place of h, if above 0 (Sak et al. 2014). forget_bias: the forget gate's initial bias,
    in bias_ih, with 0 in bias_hh; None leaves both as drawn, around 0, so that f is near 1/2 and a cell is forgotten
    within a few steps (Jozefowicz, Zaremba and Sutskever 2015, section 2.2, on why that should be 1 or more).
    Hochreiter and Schmidhuber 1997; Gers et al. 2000 for the forget gate.
    """

    _gates = 4

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None, *,
        recurrent_init: str = "uniform", forget_bias: float | None = None,
    ) -> None:
        if forget_bias is not None and not bias:
            raise ValueError("LSTM: a forget_bias needs bias=True")
        self.__dict__["forget_bias"] = forget_bias  # before the weights are drawn
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, recurrent_init,
            device, dtype,
        )  # fmt: skip

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        super().reset_parameters()
        if self.forget_bias is not None:
            forget = slice(self.hidden_size, 2 * self.hidden_size)
            for _, suffix in self._passes():
                init.constant_(getattr(self, f"bias_ih{suffix}").detach()[forget], self.forget_bias)
                init.zeros_(getattr(self, f"bias_hh{suffix}").detach()[forget])

    def _run(self, x: Tensor, states: tuple[Tensor, ...], suffix: str, pad: Any, reverse: bool) -> tuple[Tensor, ...]:
        w_hr = getattr(self, f"weight_hr{suffix}", None)
        result: tuple[Tensor, ...] = lstm_op(x, *states, *self._weights(suffix), w_hr, pad, reverse=reverse)
        return result

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None, lengths: Tensor | Sequence[int] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        sizes = (self._state_size, self.hidden_size)
        output, (h, c) = self._through_layers(input, check_pair("LSTM", hx), sizes, lengths)
        return output, (h, c)


class GRU(_OfOneState):
    """h[t] = (1 - z) n + z h[t-1], n = tanh(W_in x + b_in + r (W_hn h[t-1] + b_hn)), r and z sigmoids of x and h.

    Input, lengths and options as for RNN. Weights hold r, z, n in this order. This is cuDNN's and PyTorch's form, in
    which r comes after the product with W_hn. Cho et al. 2014.
    """

    _gates = 3

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: Any = None, dtype: Any = None, *,
        recurrent_init: str = "uniform",
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, recurrent_init, device,
            dtype,
        )  # fmt: skip

    def _run(self, x: Tensor, states: tuple[Tensor, ...], suffix: str, pad: Any, reverse: bool) -> tuple[Tensor, ...]:
        result: tuple[Tensor, ...] = gru_op(x, *states, *self._weights(suffix), pad, reverse=reverse)
        return result
