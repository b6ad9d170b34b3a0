"""What takes long to find, and is found on request: a gradient's signal-to-noise ratio, and a layer's Jacobian."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import Any, Iterator

import numpy as np

from .. import autograd
from ..backend import backend_of
from ..backend.random import rng_of
from ..gradmode import enable_grad, no_grad
from ..nn import Linear, Module
from ..tensor import Tensor
from .statistics import norm

LARGEST = 2**22  # elements of a Jacobian; a larger one is not taken apart


@contextmanager
def unseen(*tensors: Tensor) -> Iterator[None]:
    """Inside, no hook on these tensors is called: those hooks wait for the gradient of the loss."""
    nodes = [t.node for t in tensors if t.node is not None]
    watches = [node.watch for node in nodes]
    for node in nodes:
        node.watch = None
    try:
        yield
    finally:
        for node, watch in zip(nodes, watches):
            node.watch = watch


def signal_to_noise(z: Tensor, weight: Tensor, g: Tensor) -> float:
    """|mean g_i| / sqrt(mean |g_i - mean|^2), g_i being what example i adds to dL/dW through z, times the batch size.

    One backward pass for each example, from z to W alone. inf where all examples agree, NaN for one example.
    """
    count = z.shape[0] if z.ndim else 0
    if count < 2:
        return math.nan
    squares, total = 0.0, 0.0
    with unseen(z, weight):
        for i in range(count):
            own = backend_of(g.array).xp.zeros(g.shape, dtype=g.dtype)
            own[i] = g.array[i]
            (part,) = autograd.grad([z], [weight], [Tensor.of(own)], retain_graph=True)
            squares += norm(part.array) ** 2
            total = total + part.array.astype(np.float64)
    signal = norm(total) / count
    noise = squares / count - signal**2
    return signal / math.sqrt(noise) if noise > 1e-14 * squares else math.inf


def singular_values(module: Module, x: Tensor, slopes: Any) -> tuple[float, float]:
    """(largest, smallest) of the Jacobian of the activation's result, or of z, by the layer's input, at one example.

    slopes: the activation's at z, or None. The example is the first of the batch. NaN for more than LARGEST elements.
    """
    jacobian = _jacobian(module, x)
    if jacobian is None:
        return math.nan, math.nan
    if slopes is not None:
        jacobian = backend_of(slopes).to_host(slopes[0]).reshape(-1, 1) * jacobian
    if not np.isfinite(jacobian).all():
        return math.nan, math.nan
    values = np.linalg.svd(jacobian.astype(np.float64), compute_uv=False)
    return float(values[0]), float(values[-1])


def _jacobian(module: Module, x: Tensor) -> np.ndarray | None:
    if isinstance(module, Linear) and x.ndim == 2:
        return module.weight.detach().numpy()
    if not x.ndim or not x.shape[0] or not x.is_floating_point():
        return None
    with _as_it_was(module), enable_grad():
        own = x.detach().requires_grad_()
        z = module.forward(own)
    z = z[0] if isinstance(z, tuple) else z
    outputs = z[0].numel()
    if outputs * own[0].numel() > LARGEST or z.shape[0] != x.shape[0]:
        return None
    rows = []
    for i in range(outputs):
        seed = backend_of(z.array).xp.zeros(z.shape, dtype=z.dtype)
        seed[0].reshape(-1)[i] = 1
        (row,) = autograd.grad([z], [own], [Tensor.of(seed)], retain_graph=True)
        rows.append(row.detach().numpy()[0].reshape(-1))
    return np.stack(rows)


@contextmanager
def _as_it_was(module: Module) -> Iterator[None]:
    """Afterwards the module's buffers and the random numbers to come are what they were."""
    buffers = [(b, b.detach().clone()) for b in module.buffers()]
    generator = rng_of(None).bit_generator
    state = generator.state
    try:
        yield
    finally:
        generator.state = state
        with no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
