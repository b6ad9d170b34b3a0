"""The training steps that are timed: networks, data and starting weights shared by every contender."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LR = {"SGD": 0.01, "Adam": 1e-3}


class Problem(NamedTuple):
    """A fully connected network, its batch, and the rule that trains it."""

    name: str
    sizes: tuple[int, ...]
    activation: str  # "relu" or "sigmoid", after every layer but the last
    batch: int
    rule: str  # "SGD" or "Adam"


PROBLEMS = (
    Problem("MLP 784-100-10, batch 64, SGD", (784, 100, 10), "relu", 64, "SGD"),
    Problem("MLP 784-100-10, batch 64, Adam", (784, 100, 10), "relu", 64, "Adam"),
    Problem("MLP 64-32-10, batch 32, Adam", (64, 32, 10), "relu", 32, "Adam"),
    Problem("20 sigmoid layers of 64, batch 32, SGD", (64,) * 21 + (10,), "sigmoid", 32, "SGD"),
    Problem("20 sigmoid layers of 64, batch 32, Adam", (64,) * 21 + (10,), "sigmoid", 32, "Adam"),
)


def data(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((problem.batch, problem.sizes[0]), dtype=np.float32)
    return x, rng.integers(0, problem.sizes[-1], problem.batch)


def weights(problem: Problem) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weight of shape (out, in), bias) of each layer."""
    rng = np.random.default_rng(2)
    pairs = zip(problem.sizes, problem.sizes[1:])
    return [
        (rng.standard_normal((m, n), dtype=np.float32) * np.float32((2 / (n + m)) ** 0.5), np.zeros(m, np.float32))
        for n, m in pairs
    ]
