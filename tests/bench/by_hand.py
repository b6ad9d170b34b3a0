"""The yardstick: the same steps by hand in NumPy, buffers preallocated, parameters and gradients in flat vectors."""

from __future__ import annotations

from typing import Callable

import numpy as np

from .problem import LR, Problem, data, weights


def build(problem: Problem) -> Callable[[], float]:
    x, labels = data(problem)
    layers = weights(problem)
    n, count = problem.batch, len(layers)
    flat = np.concatenate([a.ravel() for pair in layers for a in pair])
    grad = np.empty_like(flat)
    views, grads, start = [], [], 0
    for w, b in layers:
        ws, bs = slice(start, start + w.size), slice(start + w.size, start + w.size + b.size)
        views.append((flat[ws].reshape(w.shape).T, flat[ws].reshape(w.shape), flat[bs]))
        grads.append((grad[ws].reshape(w.shape), grad[bs]))
        start = bs.stop
    outs = [np.empty((n, len(b)), np.float32) for _, b in layers]
    deltas = [np.empty_like(o) for o in outs]
    spare = [np.empty_like(o) for o in outs]
    masks = [np.empty(o.shape, bool) for o in outs]
    ones, rows = np.ones(n, np.float32), np.arange(n)
    column, picked = np.empty((n, 1), np.float32), (rows, labels)
    update = _rule(problem.rule, flat, grad)
    sigmoid = problem.activation == "sigmoid"

    def step() -> float:
        h = x
        for i in range(count):
            out = outs[i]
            wt, _, b = views[i]
            np.dot(h, wt, out=out)
            np.add(out, b, out=out)
            if i < count - 1:
                if sigmoid:
                    np.negative(out, out=out)
                    np.exp(out, out=out)
                    np.add(out, 1, out=out)
                    np.reciprocal(out, out=out)
                else:
                    np.maximum(out, 0, out=out)
            h = out
        delta = deltas[-1]
        np.maximum.reduce(h, axis=1, keepdims=True, out=column)
        np.subtract(h, column, out=h)
        np.exp(h, out=delta)
        np.add.reduce(delta, axis=1, keepdims=True, out=column)
        np.divide(delta, column, out=delta)
        np.log(column, out=column)
        np.subtract(h, column, out=h)
        loss = -np.add.reduce(h[picked]) / n
        delta[picked] -= 1
        np.multiply(delta, 1 / n, out=delta)
        for i in range(count - 1, -1, -1):
            gw, gb = grads[i]
            below = outs[i - 1] if i else x
            np.dot(delta.T, below, out=gw)
            np.dot(ones, delta, out=gb)
            if not i:
                break
            down, a = deltas[i - 1], outs[i - 1]
            np.dot(delta, views[i][1], out=down)
            if sigmoid:
                np.subtract(1, a, out=spare[i - 1])
                np.multiply(spare[i - 1], a, out=spare[i - 1])
                np.multiply(down, spare[i - 1], out=down)
            else:
                np.greater(a, 0, out=masks[i - 1])
                np.multiply(down, masks[i - 1], out=down)
            delta = down
        update()
        return loss

    return step


def _rule(rule: str, p: np.ndarray, g: np.ndarray) -> Callable[[], None]:
    lr = LR[rule]
    s, t = np.empty_like(p), np.empty_like(p)
    if rule == "SGD":

        def sgd() -> None:
            np.multiply(g, lr, out=s)
            np.subtract(p, s, out=p)

        return sgd
    m, v = np.zeros_like(p), np.zeros_like(p)
    age = 0

    def adam() -> None:
        nonlocal age
        age += 1
        root = (1 - 0.999**age) ** 0.5
        np.subtract(g, m, out=s)
        np.multiply(s, 0.1, out=s)
        np.add(m, s, out=m)
        np.multiply(g, g, out=s)
        np.subtract(s, v, out=s)
        np.multiply(s, 0.001, out=s)
        np.add(v, s, out=v)
        np.sqrt(v, out=s)
        np.add(s, 1e-8 * root, out=s)
        np.multiply(m, lr * root / (1 - 0.9**age), out=t)
        np.divide(t, s, out=t)
        np.subtract(p, t, out=p)

    return adam


def build_chain(ops: int) -> Callable[[], np.ndarray]:
    """`ops` ops on 8 elements, forward and backward, keeping just what the backward needs."""
    x, a, b = (np.linspace(lo, 1, 8, dtype=np.float32) for lo in (0.1, 0.5, 0.2))
    times = ops // 4

    def chain() -> np.ndarray:
        y, saved = x, []
        for _ in range(times):
            z = y * a
            t = np.tanh(z + b)
            saved.append((y, t))
            y = t - b
        g = np.ones_like(y)
        ga, gb = np.zeros_like(a), np.zeros_like(b)
        for y, t in reversed(saved):
            gb = gb - g
            gt = g * (1 - t * t)
            gb = gb + gt
            ga = ga + gt * y
            g = gt * a
        return g

    return chain


def build_chain_forward(ops: int) -> Callable[[], np.ndarray]:
    x, a, b = (np.linspace(lo, 1, 8, dtype=np.float32) for lo in (0.1, 0.5, 0.2))
    times = ops // 4

    def chain() -> np.ndarray:
        y = x
        for _ in range(times):
            y = np.tanh(y * a + b) - b
        return y

    return chain
