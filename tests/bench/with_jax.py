"""The steps in JAX, jitted whole."""

from __future__ import annotations

from typing import Callable

import jax
import jax.numpy as jnp

from .problem import LR, Problem, data, weights

ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}


def build(problem: Problem) -> Callable[[], object]:
    x, labels = (jnp.asarray(a) for a in data(problem))
    params = [(jnp.asarray(w), jnp.asarray(b)) for w, b in weights(problem)]
    activation, lr, adam = ACTIVATIONS[problem.activation], LR[problem.rule], problem.rule == "Adam"

    def loss_of(params: list) -> jax.Array:
        h = x
        for i, (w, b) in enumerate(params):
            h = h @ w.T + b
            if i < len(params) - 1:
                h = activation(h)
        return -jnp.take_along_axis(jax.nn.log_softmax(h), labels[:, None], 1).mean()

    @jax.jit
    def update(params: list, m: list, v: list, t: jax.Array) -> tuple:
        loss, g = jax.value_and_grad(loss_of)(params)
        if not adam:
            return loss, jax.tree.map(lambda p, g: p - lr * g, params, g), m, v
        m = jax.tree.map(lambda m, g: m + 0.1 * (g - m), m, g)
        v = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), v, g)
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        params = jax.tree.map(lambda p, m, v: p - lr * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), params, m, v)
        return loss, params, m, v

    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [params, zeros, zeros, 0]

    def step() -> object:
        state[3] += 1
        loss, state[0], state[1], state[2] = update(state[0], state[1], state[2], float(state[3]))
        return loss.block_until_ready()

    return step
