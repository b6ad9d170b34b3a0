"""A row of the table of layers: how a layer is made, what it is called with, and what to compare it with."""

from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np


def normal(rng, shape, dtype):
    return (rng.standard_normal(shape) * 3).astype(dtype)


def below(n):
    """Integers from 0 to n - 1, for layers that take indices."""
    return lambda rng, shape, _dtype: rng.integers(0, n, shape)


@dataclass
class Row:
    name: str  # in minigrad.nn
    options: dict[str, Any] = field(default_factory=dict)
    shapes: tuple[tuple[int, ...], ...] = ((3, 4), (2, 3, 4))
    # Given torch, makes the module to compare with; None for torch.nn's of the same name and options.
    other: Callable[[Any], Any] | None = None
    draw: Callable[[Any, tuple[int, ...], str], np.ndarray] = normal
    modes: tuple[str, ...] = ("train", "eval")  # a layer that draws random numbers in training has "eval" only
