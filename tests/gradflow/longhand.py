"""A stack of dense layers and its backpropagation, written out in NumPy: the oracle of what gradflow records."""
from types import SimpleNamespace

import numpy as np

SLOPES = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "relu": (lambda z: z * (z > 0), lambda z, a: (z > 0) * 1.0),
}


def backprop(x, weights, biases, activation, upstream):
    """Every delta = dL/dz, dL/dW and activation, input first; upstream is dL/d(logits) of the linear layer on top."""
    bend, slope = SLOPES[activation]
    inputs, zs, activations = [x], [], []
    for W, b in zip(weights[:-1], biases[:-1]):
        zs.append(inputs[-1] @ W.T + b)
        activations.append(bend(zs[-1]))
        inputs.append(activations[-1])
    deltas = [upstream]
    for W, z, a in zip(weights[:0:-1], zs[::-1], activations[::-1]):
        deltas.insert(0, (deltas[0] @ W) * slope(z, a))
    weight_grads = [d.T @ h for d, h in zip(deltas, inputs)]
    return SimpleNamespace(deltas=deltas, weight_grads=weight_grads, activations=activations)


def rms(array):
    return np.sqrt(np.mean(np.square(array)))


def length(array):
    return np.sqrt(np.sum(np.square(array)))
