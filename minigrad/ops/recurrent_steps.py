"""Recurrent networks as a plain composition of ops, one step of time after the other.

This is what the cells compute, what second and higher derivatives of the fused ops run on, and what these are tested
against. Weights stand as in PyTorch: w_ih (gates * H, I), w_hh (gates * H, H), biases (gates * H,) or None.
With a projection w_hr (S, H) the state h is (N, S), and w_hh (gates * H, S).
"""

from __future__ import annotations

from typing import Any, Callable

from .elementwise import relu, sigmoid, tanh, where
from .linalg import linear
from .shape import split, stack

NONLINEARITIES: dict[str, Callable] = {"tanh": tanh, "relu": relu}


def rnn_step(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, nonlinearity: str) -> tuple:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu. Elman 1990."""
    return (NONLINEARITIES[nonlinearity](linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)),)


def lstm_step(x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any = None) -> tuple:
    """c' = f c + i g; h' = o tanh(c'), and W_hr times that. Hochreiter and Schmidhuber 1997; Sak et al. 2014."""
    gates = linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)
    i, f, g, o = split(gates, w_hh.shape[0] // 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return h if w_hr is None else linear(h, w_hr), c


def gru_step(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> tuple:
    """h' = (1 - z) n + z h with n = tanh(W_in x + b_in + r (W_hn h + b_hn)). Cho et al. 2014, in cuDNN's form."""
    hidden = w_hh.shape[0] // 3
    x_r, x_z, x_n = split(linear(x, w_ih, b_ih), hidden, -1)
    h_r, h_z, h_n = split(linear(h, w_hh, b_hh), hidden, -1)
    z = sigmoid(x_z + h_z)
    n = tanh(x_n + sigmoid(x_r + h_r) * h_n)
    return (n + z * (h - n),)


def over_time(step: Callable[..., tuple], x: Any, state: tuple, pad: Any, reverse: bool) -> tuple:
    """step(x[t], *state) along dimension 0, from the last t down if `reverse`: (outputs (T, N, ...), *last state).

    pad (T, N, 1): bools, true where a sequence has ended; there the state is held, and the output 0.
    """
    outputs = []
    for t in reversed(range(x.shape[0])) if reverse else range(x.shape[0]):
        new = step(x[t], *state)
        output = new[0]
        if pad is not None:
            output = where(pad[t], 0.0, output)
            new = tuple(where(pad[t], before, after) for before, after in zip(state, new))
        outputs.append(output)
        state = new
    return (stack(outputs[::-1] if reverse else outputs), *state)
