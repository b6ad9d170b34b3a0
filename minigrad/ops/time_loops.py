"""The loops over time of recurrent networks, forward and backward, on raw arrays.

What does not depend on time is done for all steps at once, before or after a loop: the products with the inputs, the
slopes of gates, the gradients of weights. Inside, every call writes to memory that is there already: on tiny networks
the calls are what costs. A sigmoid is taken as (1 + tanh(a / 2)) / 2, so that one tanh serves all gates of a step; the
halves are in the weights beforehand.

Shapes: x (T, N, I), states (T + 1, N, H) with the first one in front, or behind if time runs backwards. pad (T, N, 1)
is true where a sequence has ended, or None: there the state is held and the output is 0.
"""

from __future__ import annotations

from typing import Any, Callable, Iterable

import numpy as np

from ..backend import backend_of


def _empty(like: Any, *shape: int) -> Any:
    return backend_of(like).xp.empty(shape, dtype=like.dtype)


def _zeros(like: Any, *shape: int) -> Any:
    return backend_of(like).xp.zeros(shape, dtype=like.dtype)


def _sum_of(a: Any, b: Any) -> Any:
    return a if b is None else b if a is None else a + b


def rows(x: Any) -> Any:
    """(T, N, F) as (T * N, F)."""
    return x.reshape((x.shape[0] * x.shape[1], x.shape[2]))


def _states(first: Any, steps: int, reverse: bool) -> tuple[Any, Any, Any]:
    """Memory for all states, the view of those before each step and the view of those after it."""
    states = _empty(first, steps + 1, *first.shape)
    states[steps if reverse else 0] = first
    return (states, *before_and_after(states, reverse))


def before_and_after(states: Any, reverse: bool) -> tuple[Any, Any]:
    return (states[1:], states[:-1]) if reverse else (states[:-1], states[1:])


def last_of(states: Any, reverse: bool) -> Any:
    return states[0 if reverse else -1].copy()


def _in_order(reverse: bool, *arrays: Any) -> Iterable[tuple]:
    """The steps in the order in which time runs: for each, its slice of every array."""
    return zip(*(a[::-1] if reverse else a for a in arrays))


def _output(after: Any, pad: Any) -> Any:
    return after if pad is None else np.where(pad, 0, after)


def _hold(before: Any, after: Any, pad: Any) -> None:
    """Where a sequence has ended, the state stays."""
    after[...] = np.where(pad, before, after)


class Upstream:
    """The gradients that arrive from outside the loop: of each step's output and of the last state."""

    def __init__(self, g_outputs: Any, g_last: Any, like: Any, pad: Any) -> None:
        if g_outputs is not None and pad is not None:
            g_outputs = np.where(pad, 0, g_outputs)
        self.outputs = g_outputs
        self.last = _zeros(like, *like.shape) if g_last is None else g_last.copy()  # in C order: np.dot writes to it

    def steps(self, n: int) -> Any:
        return [None] * n if self.outputs is None else self.outputs


# Gates. Per step and gate the memory is one block, (T, gates, N, H): what is done to several gates at once is one call
# on neighbours. Weights stand accordingly, (gates, H, F), and (gates, F, H) for the forward products.


def by_gate(w: Any, gates: int, order: tuple[int, ...] | None = None) -> Any:
    """(gates * H, F) as (gates, H, F), or (gates * H,) as (gates, 1, H); in another order of gates if given."""
    n = w.shape[0] // gates
    w = w.reshape((gates, n, w.shape[1]) if w.ndim == 2 else (gates, 1, n))
    return w if order is None else np.concatenate([w[k : k + 1] for k in order])


def _forward_weights(w: Any, sigmoids: slice) -> Any:
    """(gates, H, F) as (gates, F, H), those of sigmoids halved."""
    w = w.swapaxes(1, 2).copy()
    w[sigmoids] *= 0.5
    return w


def _of_inputs(x: Any, w: Any, bias: Any, sigmoids: slice) -> Any:
    """W x + b of all gates and steps, (T, gates, N, H), to which the loop adds the rest in place."""
    z = np.matmul(x[:, None], _forward_weights(w, sigmoids))
    if bias is not None:
        bias = bias.copy()
        bias[sigmoids] *= 0.5
        z += bias
    return z


def _passed_on(gate: Any, gate_slopes: Any, slope: Any, pad: Any) -> Any:
    """What carries a state's gradient to the step before: the gate, and 1 where a sequence has ended.

    There the other slopes, (T, gates, N, H) and (T, N, H), are set to 0, in place.
    """
    if pad is None:
        return gate
    gate_slopes *= ~pad[:, None]
    slope *= ~pad
    return np.where(pad, 1, gate)


def _number(value: float, like: Any) -> Any:
    """A number as a 0-d array: a Python float would be converted anew in every call."""
    return backend_of(like).xp.full((), value, dtype=like.dtype)


def rows_by_gate(dz: Any) -> Any:
    """(T, gates, N, H) as (gates, T * N, H)."""
    steps, gates, n, hidden = dz.shape
    return dz.swapaxes(0, 1).reshape((gates, steps * n, hidden))


# ------------------------------------------------------------------------------------------------------------- rnn

SLOPES: dict[str, Callable] = {"tanh": lambda y: 1 - y * y, "relu": lambda y: (~(y <= 0)).astype(y.dtype)}  # a NaN passes on


def rnn_forward(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, pad: Any, reverse: bool, nonlinearity: str
) -> tuple:
    """(outputs, states)."""
    z = rows(x).dot(w_ih.T)
    bias = _sum_of(b_ih, b_hh)
    if bias is not None:
        z += bias
    z = z.reshape((x.shape[0], *h0.shape))
    states, before, after = _states(h0, x.shape[0], reverse)
    w, product, zero = w_hh.T.copy(), _empty(h0, *h0.shape), _number(0, h0)
    pads = after if pad is None else pad
    for a, old, new, held in _in_order(reverse, z, before, after, pads):
        np.dot(old, w, out=product)
        np.add(a, product, out=a)
        if nonlinearity == "tanh":
            np.tanh(a, out=new)
        else:
            np.maximum(a, zero, out=new)
        if pad is not None:
            _hold(old, new, held)
    return _output(after, pad), states


def rnn_backward(up: Upstream, states: Any, w_hh: Any, pad: Any, reverse: bool, nonlinearity: str) -> tuple:
    """(of what is under the nonlinearity at every step (T, N, H), of the first state)."""
    _, after = before_and_after(states, reverse)
    da = SLOPES[nonlinearity](after)
    if pad is not None:
        da *= ~pad
    dh, pads = up.last, after if pad is None else pad
    for g, a, held in _in_order(not reverse, up.steps(len(da)), da, pads):
        if g is not None:
            np.add(dh, g, out=dh)
        np.multiply(a, dh, out=a)
        if pad is None:
            np.dot(a, w_hh, out=dh)
        else:
            dh = a.dot(w_hh) + dh * held
    return da, dh


# ------------------------------------------------------------------------------------------------------------ lstm

# PyTorch's gates are i, f, g, o. Here they are g, i, f, o: the sigmoids lie side by side, and so do those that the
# gradient of the cell multiplies.
LSTM_ORDER, LSTM_BACK = (2, 0, 1, 3), (1, 2, 0, 3)
LSTM_SIGMOIDS = slice(1, 4)


def lstm_forward(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, pad: Any, reverse: bool
) -> tuple:
    """(outputs, states, cells, gates (T, 4, N, H), tanh of the new cells)."""
    steps = x.shape[0]
    bias = _sum_of(b_ih, b_hh)
    bias = None if bias is None else by_gate(bias, 4, LSTM_ORDER)
    gates = _of_inputs(x, by_gate(w_ih, 4, LSTM_ORDER), bias, LSTM_SIGMOIDS)
    w = _forward_weights(by_gate(w_hh, 4, LSTM_ORDER), LSTM_SIGMOIDS)
    w_out = None if w_hr is None else w_hr.T.copy()
    states, before, after = _states(h0, steps, reverse)
    cells, cells_before, cells_after = _states(c0, steps, reverse)
    bent, half = _empty(c0, steps, *c0.shape), _number(0.5, c0)
    product, part = _empty(c0, 4, *c0.shape), _empty(c0, *c0.shape)
    arrays = (gates, gates[:, LSTM_SIGMOIDS], before, after, cells_before, cells_after, bent)
    for z, sigmoids, old, new, c_old, c_new, c_bent, held in _in_order(reverse, *arrays, bent if pad is None else pad):
        np.matmul(old, w, out=product)
        np.add(z, product, out=z)
        np.tanh(z, out=z)
        np.multiply(sigmoids, half, out=sigmoids)
        np.add(sigmoids, half, out=sigmoids)
        g, i, f, o = z
        np.multiply(g, i, out=part)
        np.multiply(c_old, f, out=c_new)
        np.add(c_new, part, out=c_new)
        np.tanh(c_new, out=c_bent)
        if w_out is None:
            np.multiply(c_bent, o, out=new)
        else:
            np.dot(c_bent * o, w_out, out=new)
        if pad is not None:
            _hold(old, new, held)
            _hold(c_old, c_new, held)
    return _output(after, pad), states, cells, gates, bent


def _lstm_slopes(gates: Any, bent: Any, cells_before: Any) -> tuple[Any, Any]:
    """What dc multiplies in g, i and f, and dh in o (T, 4, N, H); and what dh adds to dc."""
    g, i, f, o = (gates[:, k] for k in range(4))
    slopes = gates * (1 - gates)  # of the sigmoids
    np.multiply(1 - g * g, i, out=slopes[:, 0])
    for k, factor in ((1, g), (2, cells_before), (3, bent)):
        slopes[:, k] *= factor
    return slopes, o * (1 - bent * bent)


def lstm_backward(
    up: Upstream, g_cell: Any, states: Any, cells: Any, gates: Any, bent: Any, w_hh: Any, w_hr: Any, pad: Any,
    reverse: bool,
) -> tuple:
    """(of what the gates bend (T, 4, N, H), of the first state, of the first cell, of W_hr)."""
    dz, to_cell = _lstm_slopes(gates, bent, before_and_after(cells, reverse)[0])
    forget = _passed_on(gates[:, 2], dz, to_cell, pad)
    w = by_gate(w_hh, 4, LSTM_ORDER)
    dh, dc = up.last, _zeros(bent, *bent.shape[1:]) if g_cell is None else g_cell.copy()
    part, products = _empty(dc, *dc.shape), _empty(dh, 4, *dh.shape)
    of_outputs = None if w_hr is None else _empty(dh, len(dz), *dh.shape)
    outs, pads = bent if of_outputs is None else of_outputs, bent if pad is None else pad
    arrays = (outs, pads, dz, dz[:, :3], dz[:, 3], to_cell, forget)
    for g_out, out, held, a, a_cell, a_out, slope, f in _in_order(not reverse, up.steps(len(dz)), *arrays):
        if g_out is not None:
            np.add(dh, g_out, out=dh)
        kept = None if pad is None else dh * held
        dm = dh
        if w_hr is not None:
            out[...] = dh if pad is None else np.where(held, 0, dh)
            dm = dh.dot(w_hr)
        np.multiply(dm, slope, out=part)
        np.add(dc, part, out=dc)
        np.multiply(a_cell, dc, out=a_cell)
        np.multiply(a_out, dm, out=a_out)
        np.multiply(dc, f, out=dc)
        np.matmul(a, w, out=products)
        np.add.reduce(products, axis=0, out=dh)
        if kept is not None:
            dh += kept
    g_hr = None if of_outputs is None else rows(of_outputs).T.dot(rows(bent * gates[:, 3]))
    return dz, dh, dc, g_hr


# ------------------------------------------------------------------------------------------------------------- gru

GRU_SIGMOIDS = slice(0, 2)  # of r, z, n


def gru_forward(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, pad: Any, reverse: bool) -> tuple:
    """(outputs, states, gates (T, 3, N, H), W_hn h + b_hn)."""
    steps = x.shape[0]
    bias, inner_bias = None if b_ih is None else by_gate(b_ih, 3), None
    if b_hh is not None:
        b_hh = by_gate(b_hh, 3)
        bias, inner_bias = bias.copy(), b_hh[2]
        bias[GRU_SIGMOIDS] += b_hh[GRU_SIGMOIDS]
    gates = _of_inputs(x, by_gate(w_ih, 3), bias, GRU_SIGMOIDS)
    w = _forward_weights(by_gate(w_hh, 3), GRU_SIGMOIDS)
    states, before, after = _states(h0, steps, reverse)
    inner, half = _empty(h0, steps, *h0.shape), _number(0.5, h0)
    product, part = _empty(h0, 3, *h0.shape), _empty(h0, *h0.shape)
    to_sigmoids, to_inner = product[GRU_SIGMOIDS], product[2]
    inner_bias = _number(0, h0) if inner_bias is None else inner_bias
    arrays = (gates, gates[:, GRU_SIGMOIDS], before, after, inner)
    for a, sigmoids, old, new, h_n, held in _in_order(reverse, *arrays, inner if pad is None else pad):
        np.matmul(old, w, out=product)
        np.add(sigmoids, to_sigmoids, out=sigmoids)
        np.tanh(sigmoids, out=sigmoids)
        np.multiply(sigmoids, half, out=sigmoids)
        np.add(sigmoids, half, out=sigmoids)
        r, z, n = a
        np.add(to_inner, inner_bias, out=h_n)
        np.multiply(h_n, r, out=part)
        np.add(n, part, out=n)
        np.tanh(n, out=n)
        np.subtract(old, n, out=new)
        np.multiply(new, z, out=new)
        np.add(new, n, out=new)
        if pad is not None:
            _hold(old, new, held)
    return _output(after, pad), states, gates, inner


def _gru_slopes(gates: Any, inner: Any, before: Any) -> tuple[Any, Any]:
    """What dn multiplies in r, and dh in z (T, 3, N, H), the third being free; and what dh multiplies in n."""
    n = gates[:, 2]
    slopes = gates * (1 - gates)
    slopes[:, 0] *= inner
    slopes[:, 1] *= before - n
    return slopes, (1 - gates[:, 1]) * (1 - n * n)


def gru_backward(up: Upstream, states: Any, gates: Any, inner: Any, w_hh: Any, pad: Any, reverse: bool) -> tuple:
    """(of the inputs' part of the gates (T, 3, N, H), of the states' part, of the first state)."""
    of_state, of_n = _gru_slopes(gates, inner, before_and_after(states, reverse)[0])
    keep = _passed_on(gates[:, 1], of_state, of_n, pad)
    w, dh = by_gate(w_hh, 3), up.last
    kept, products = _empty(dh, *dh.shape), _empty(dh, 3, *dh.shape)
    for g, a, a_n, r, z in _in_order(not reverse, up.steps(len(of_n)), of_state, of_n, gates[:, 0], keep):
        if g is not None:
            np.add(dh, g, out=dh)
        a_r, a_z, a_inner = a
        np.multiply(a_z, dh, out=a_z)
        np.multiply(a_n, dh, out=a_n)
        np.multiply(a_r, a_n, out=a_r)
        np.multiply(a_n, r, out=a_inner)
        np.multiply(dh, z, out=kept)
        np.matmul(a, w, out=products)
        np.add.reduce(products, axis=0, out=dh)
        np.add(dh, kept, out=dh)
    of_inputs = of_state.copy()
    of_inputs[:, 2] = of_n
    return of_inputs, of_state, dh
