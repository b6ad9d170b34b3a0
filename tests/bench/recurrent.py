"""Recurrent layers, forward and backward: minigrad, PyTorch, and by hand in NumPy.

    python -m tests.bench.recurrent [--rounds 25]

Prints medians in microseconds and, in brackets, the ratio to PyTorch in the same round. float32, one thread; the loss is
the sum of all outputs. T steps, N sequences, I inputs, H hidden units. By hand: the textbook's loop over time, with the
products of the inputs taken before it and the gradients of the weights after it.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import torch

import minigrad

from .command import heading, parser_of
from .steps import table
from .timing import interleaved

SIZES = ((32, 16, 32, 64), (64, 8, 28, 32))  # T, N, I, H
KINDS = ("RNN", "LSTM", "GRU")


def with_framework(m: Any, tensor: Callable, kind: str, state: dict[str, np.ndarray], x: np.ndarray) -> Callable:
    layer = getattr(m.nn, kind)(x.shape[2], state["weight_hh_l0"].shape[1])
    layer.load_state_dict({name: tensor(value) for name, value in state.items()})
    data = tensor(x)

    def step() -> Any:
        layer.zero_grad()
        loss = layer(data)[0].sum()
        loss.backward()
        return loss

    return step


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def by_hand(kind: str, state: dict[str, np.ndarray], x: np.ndarray) -> Callable[[], float]:
    run = {"RNN": rnn, "LSTM": lstm, "GRU": gru}[kind]
    w_ih, w_hh, b_ih, b_hh = (state[f"{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return lambda: run(x, w_ih, w_hh, b_ih, b_hh)


def of_weights(da: np.ndarray, x: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, ...]:
    rows = da.reshape(-1, da.shape[2])
    return rows.T @ x.reshape(-1, x.shape[2]), rows.T @ before.reshape(-1, before.shape[2]), rows.sum(axis=0)


def rnn(x: np.ndarray, w_ih: np.ndarray, w_hh: np.ndarray, b_ih: np.ndarray, b_hh: np.ndarray) -> float:
    steps, n, _ = x.shape
    z = (x.reshape(steps * n, -1) @ w_ih.T + (b_ih + b_hh)).reshape(steps, n, -1)
    h = np.zeros((steps + 1, n, w_hh.shape[1]), np.float32)
    for t in range(steps):
        h[t + 1] = np.tanh(z[t] + h[t] @ w_hh.T)
    da, dh = np.empty_like(z), np.zeros_like(h[0])
    for t in reversed(range(steps)):
        da[t] = (dh + 1) * (1 - h[t + 1] ** 2)
        dh = da[t] @ w_hh
    of_weights(da, x, h[:-1])
    return float(h[1:].sum())


def lstm(x: np.ndarray, w_ih: np.ndarray, w_hh: np.ndarray, b_ih: np.ndarray, b_hh: np.ndarray) -> float:
    steps, n, _ = x.shape
    size = w_hh.shape[1]
    z = (x.reshape(steps * n, -1) @ w_ih.T + (b_ih + b_hh)).reshape(steps, n, -1)
    h, c = (np.zeros((steps + 1, n, size), np.float32) for _ in range(2))
    gates, bent = np.empty_like(z), np.empty((steps, n, size), np.float32)
    for t in range(steps):
        a = z[t] + h[t] @ w_hh.T
        gates[t] = sigmoid(a)
        gates[t, :, 2 * size : 3 * size] = np.tanh(a[:, 2 * size : 3 * size])
        i, f, g, o = np.split(gates[t], 4, axis=1)
        c[t + 1] = f * c[t] + i * g
        bent[t] = np.tanh(c[t + 1])
        h[t + 1] = o * bent[t]
    da = np.empty_like(z)
    dh, dc = (np.zeros((n, size), np.float32) for _ in range(2))
    for t in reversed(range(steps)):
        i, f, g, o = np.split(gates[t], 4, axis=1)
        dh = dh + 1
        dc = dc + dh * o * (1 - bent[t] ** 2)
        da[t] = np.concatenate(
            [dc * g * i * (1 - i), dc * c[t] * f * (1 - f), dc * i * (1 - g**2), dh * bent[t] * o * (1 - o)], axis=1
        )
        dc = dc * f
        dh = da[t] @ w_hh
    of_weights(da, x, h[:-1])
    return float(h[1:].sum())


def gru(x: np.ndarray, w_ih: np.ndarray, w_hh: np.ndarray, b_ih: np.ndarray, b_hh: np.ndarray) -> float:
    steps, n, _ = x.shape
    size = w_hh.shape[1]
    z = (x.reshape(steps * n, -1) @ w_ih.T + b_ih).reshape(steps, n, -1)
    h = np.zeros((steps + 1, n, size), np.float32)
    kept = []
    for t in range(steps):
        a = h[t] @ w_hh.T + b_hh
        both = sigmoid(z[t, :, : 2 * size] + a[:, : 2 * size])
        r, u = both[:, :size], both[:, size:]
        new = np.tanh(z[t, :, 2 * size :] + r * a[:, 2 * size :])
        h[t + 1] = (1 - u) * new + u * h[t]
        kept.append((r, u, new, a[:, 2 * size :]))
    dz, da, dh = np.empty_like(z), np.empty_like(z), np.zeros((n, size), np.float32)
    for t in reversed(range(steps)):
        r, u, new, inner = kept[t]
        dh = dh + 1
        d_new = dh * (1 - u) * (1 - new**2)
        d_r, d_u = d_new * inner * r * (1 - r), dh * (h[t] - new) * u * (1 - u)
        dz[t] = np.concatenate([d_r, d_u, d_new], axis=1)
        da[t] = np.concatenate([d_r, d_u, d_new * r], axis=1)
        dh = dh * u + da[t] @ w_hh
    of_weights(dz, x, h[:-1]), of_weights(da, x, h[:-1])
    return float(h[1:].sum())


def main() -> None:
    rounds = parser_of(__doc__).parse_args().rounds
    torch.set_num_threads(1)
    print(heading("us forward and backward, and the ratio to PyTorch", "torch"))
    rows = []
    for steps, n, inputs, hidden in SIZES:
        for kind in KINDS:
            state = {k: v.numpy().copy() for k, v in getattr(torch.nn, kind)(inputs, hidden).state_dict().items()}
            x = np.random.default_rng(1).standard_normal((steps, n, inputs), dtype=np.float32)
            found = {
                "by hand": by_hand(kind, state, x), "minigrad": with_framework(minigrad, minigrad.tensor, kind, state, x),
                "PyTorch": with_framework(torch, torch.tensor, kind, state, x),
            }  # fmt: skip
            values = [float(getattr(y, "detach", lambda: y)()) for y in (step() for step in found.values())]
            np.testing.assert_allclose(values, values[-1], rtol=1e-3, atol=1e-2, err_msg=kind)
            rows.append((f"{kind}, T={steps}, N={n}, I={inputs}, H={hidden}", interleaved(found, rounds)))
    print(table(rows, list(rows[0][1]), "PyTorch", 1e-6, ".0f"))


if __name__ == "__main__":
    main()
