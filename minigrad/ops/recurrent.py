"""Recurrent layers as fused ops: all of time, for one layer in one direction, is one node.

    rnn_op(x, h0, w_ih, w_hh, b_ih, b_hh, pad, reverse=, nonlinearity=) -> outputs, last state
    lstm_op(x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, pad, reverse=) -> outputs, last state, last cell
    gru_op(x, h0, w_ih, w_hh, b_ih, b_hh, pad, reverse=) -> outputs, last state

x (T, N, I), h0 (N, H), or (N, S) with a projection w_hr (S, H); weights as in recurrent_steps.py, whose composition of
ops computes the same. pad (T, N, 1) is a bool array, true where a sequence has ended, or None. In backward() the vjps
run the loops of time_loops.py; under create_graph they differentiate the composition instead, so that their own result
can be differentiated again.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Sequence

import numpy as np

from .. import autograd
from ..backend import dtypes
from ..dispatch import house_op as op
from . import time_loops as loops
from .cast import clone
from .linalg import ones_for
from .recurrent_steps import gru_step, lstm_step, over_time, rnn_step


def _in_single(forward: Callable) -> Callable:
    """Halves run in single precision, as sums of them do everywhere."""

    def run(*arrays: Any, **options: Any) -> tuple:
        if arrays[0].dtype != dtypes.float16:
            return forward(*arrays, **options)
        wide = [a.astype(dtypes.float32) if _is_half(a) else a for a in arrays]
        return tuple(y.astype(dtypes.float16) for y in forward(*wide, **options))

    return run


def _is_half(a: Any) -> bool:
    return a is not None and a.dtype == dtypes.float16


def _fused(compose: Callable, backward: Callable) -> Callable:
    """The joint vjp of a fused row: the loops on raw arrays, the composition of ops on Tensors.

    The tape keeps all arguments, for the composition needs them: an underscore in a `backward` only says unused.
    """

    def joint(gs: Sequence[Any], ys: Sequence[Any], *args: Any, needs: Sequence[bool], **options: Any) -> list:
        if any(hasattr(g, "face") for g in gs):
            return _through_composition(partial(compose, **options), gs, args, needs)
        if args[0].dtype != dtypes.float16:
            return backward(gs, ys, *args, needs=needs, **options)
        gs, ys, args = ([a.astype(dtypes.float32) if _is_half(a) else a for a in part] for part in (gs, ys, args))
        found = backward(gs, ys, *args, needs=needs, **options)
        return [None if g is None else g.astype(dtypes.float16) for g in found]

    return joint


def _through_composition(compose: Callable, gs: Sequence[Any], args: tuple, needs: Sequence[bool]) -> list:
    """Each argument stands in by a copy with a node of its own: one may depend on another."""
    own = [clone(a) if need else a for a, need in zip(args, needs)]
    outs = compose(*own)
    pairs = [(y, g) for y, g in zip(outs, gs) if g is not None and y.requires_grad]
    wanted = [a for a, need in zip(own, needs) if need]
    found = iter(autograd.grad([y for y, _ in pairs], wanted, [g for _, g in pairs], None, True, True))
    return [next(found) if need else None for need in needs]


def _column_sums(x: Any) -> Any:
    """The sum over all rows of (..., n, F), as a product with ones: faster than a reduction."""
    return np.matmul(ones_for(x.shape[-2], x), x)


def _input_gradients(dz_rows: Any, x: Any, w_ih: Any, needs: Sequence[bool]) -> tuple:
    """Gradients of the inputs (T, N, I), their weight (gates, H, I) and a bias (gates, H), from (gates, T * N, H)."""
    gx = np.add.reduce(np.matmul(dz_rows, w_ih), axis=0).reshape(x.shape) if needs[0] else None
    g_ih = _of_weights(dz_rows, x) if needs[1] else None
    return gx, g_ih, _column_sums(dz_rows) if needs[2] else None


def _of_weights(dz_rows: Any, met: Any) -> Any:
    """(gates, H, F) from (gates, T * N, H) and what the weights met (T, N, F)."""
    return np.matmul(dz_rows.swapaxes(1, 2), loops.rows(met))


def _merged(w: Any, order: tuple[int, ...] | None = None) -> Any:
    """(gates, H, ...) as (gates * H, ...), in another order of gates if given."""
    if w is None:
        return None
    if order is not None:
        w = np.concatenate([w[k : k + 1] for k in order])
    return w.reshape((w.shape[0] * w.shape[1], *w.shape[2:]))


def _twice(g: Any) -> tuple:
    """One gradient for two arguments, each its own: leaves keep what they are given."""
    return (None, None) if g is None else (g, g.copy())


# ------------------------------------------------------------------------------------------------------------- rnn


def _compose_rnn(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, pad: Any, *, reverse: bool, **kw: Any
) -> Any:
    step = partial(rnn_step, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh, **kw)
    return over_time(step, x, (h0,), pad, reverse)


def _rnn(x: Any, h0: Any, *weights_and_pad: Any, reverse: bool, nonlinearity: str) -> tuple:
    outputs, states = loops.rnn_forward(x, h0, *weights_and_pad, reverse, nonlinearity)
    return outputs, loops.last_of(states, reverse), states


def _rnn_vjp(
    gs: Sequence[Any], ys: Sequence[Any], x: Any, h0: Any, w_ih: Any, w_hh: Any, _b_ih: Any, _b_hh: Any, pad: Any, *,
    needs: Sequence[bool], reverse: bool, nonlinearity: str,
) -> list:
    states = ys[2]
    da, g_first = loops.rnn_backward(loops.Upstream(gs[0], gs[1], h0, pad), states, w_hh, pad, reverse, nonlinearity)
    of_rows, before = loops.rows(da), loops.before_and_after(states, reverse)[0]
    gx = of_rows.dot(w_ih).reshape(x.shape) if needs[0] else None
    g_ih = of_rows.T.dot(loops.rows(x)) if needs[2] else None
    g_hh = of_rows.T.dot(loops.rows(before)) if needs[3] else None
    return [gx, g_first, g_ih, g_hh, *_twice(_column_sums(of_rows) if needs[4] or needs[5] else None), None]


rnn_op = op(_in_single(_rnn), joint=_fused(_compose_rnn, _rnn_vjp), name="rnn", outputs=3, visible=2)

# ------------------------------------------------------------------------------------------------------------ lstm


def _compose_lstm(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, pad: Any, *, reverse: bool
) -> Any:
    step = partial(lstm_step, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh, w_hr=w_hr)
    return over_time(step, x, (h0, c0), pad, reverse)


def _lstm(x: Any, h0: Any, c0: Any, *weights_and_pad: Any, reverse: bool) -> tuple:
    outputs, states, cells, *kept = loops.lstm_forward(x, h0, c0, *weights_and_pad, reverse)
    return outputs, loops.last_of(states, reverse), loops.last_of(cells, reverse), states, cells, *kept


def _lstm_vjp(
    gs: Sequence[Any], ys: Sequence[Any], x: Any, h0: Any, _c0: Any, w_ih: Any, w_hh: Any, _b_ih: Any, _b_hh: Any,
    w_hr: Any, pad: Any, *, needs: Sequence[bool], reverse: bool,
) -> list:
    states, cells, gates, bent = ys[3:]
    up = loops.Upstream(gs[0], gs[1], h0, pad)
    dz, g_first, g_cell, g_hr = loops.lstm_backward(up, gs[2], states, cells, gates, bent, w_hh, w_hr, pad, reverse)
    w_ih = loops.by_gate(w_ih, 4, loops.LSTM_ORDER)
    dz_rows = loops.rows_by_gate(dz)
    gx, g_ih, g_b = _input_gradients(dz_rows, x, w_ih, (needs[0], needs[3], needs[5] or needs[6]))
    g_hh = _of_weights(dz_rows, loops.before_and_after(states, reverse)[0]) if needs[4] else None
    g_ih, g_hh, g_b = (_merged(g, loops.LSTM_BACK) for g in (g_ih, g_hh, g_b))
    return [gx, g_first, g_cell, g_ih, g_hh, *_twice(g_b), g_hr, None]


lstm_op = op(_in_single(_lstm), joint=_fused(_compose_lstm, _lstm_vjp), name="lstm", outputs=7, visible=3)

# ------------------------------------------------------------------------------------------------------------- gru


def _compose_gru(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, pad: Any, *, reverse: bool) -> Any:
    return over_time(partial(gru_step, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh), x, (h0,), pad, reverse)


def _gru(x: Any, h0: Any, *weights_and_pad: Any, reverse: bool) -> tuple:
    outputs, states, gates, inner = loops.gru_forward(x, h0, *weights_and_pad, reverse)
    return outputs, loops.last_of(states, reverse), states, gates, inner


def _gru_vjp(
    gs: Sequence[Any], ys: Sequence[Any], x: Any, h0: Any, w_ih: Any, w_hh: Any, __b_ih: Any, _b_hh: Any, pad: Any, *,
    needs: Sequence[bool], reverse: bool,
) -> list:
    states, gates, inner = ys[2:]
    up = loops.Upstream(gs[0], gs[1], h0, pad)
    of_inputs, of_states, g_first = loops.gru_backward(up, states, gates, inner, w_hh, pad, reverse)
    w_ih = loops.by_gate(w_ih, 3)
    gx, g_ih, g_bi = _input_gradients(loops.rows_by_gate(of_inputs), x, w_ih, (needs[0], needs[2], needs[4]))
    dz_rows = loops.rows_by_gate(of_states)
    g_hh = _of_weights(dz_rows, loops.before_and_after(states, reverse)[0]) if needs[3] else None
    g_bh = _column_sums(dz_rows) if needs[5] else None
    return [gx, g_first, _merged(g_ih), _merged(g_hh), _merged(g_bi), _merged(g_bh), None]


gru_op = op(_in_single(_gru), joint=_fused(_compose_gru, _gru_vjp), name="gru", outputs=5, visible=2)
