"""Dropout: random parts of the input set to zero while training.

The random numbers are drawn on the host, from the default generator, so that manual_seed() gives the same mask on every
device. What remains is scaled up, so that the mean stays: outside of training nothing is to be done.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backend.random import rng_of
from ...tensor import Tensor
from .checks import check_float_input, check_number, check_tensor

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "feature_alpha_dropout"]

# The value that SELU takes far below 0: Klambauer et al. 2017, section 3, alpha' = -lambda * alpha.
_SELU_FLOOR = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def check_probability(name: str, p: Any, what: str = "p") -> float:
    try:
        return check_number(name, what, p, 0, 1)
    except ValueError:
        raise ValueError(f"{name}: {what} is a probability, from 0 to 1, got {p}") from None


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability p, else x / (1 - p). Srivastava et al. 2014, section 10.

    Raises ValueError for a p outside [0, 1], TypeError for integers.
    """
    return _dropped("dropout", input, p, training, lambda shape: shape)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, L) or (C, L) dropped together. Tompson et al. 2015."""
    return _dropped("dropout1d", input, p, training, lambda shape: _planes("dropout1d", shape, 1))


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, H, W) or (C, H, W) dropped together. Tompson et al. 2015."""
    return _dropped("dropout2d", input, p, training, lambda shape: _planes("dropout2d", shape, 2))


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Each element with probability p at SELU's floor, then all scaled and shifted to keep mean 0 and variance 1.

    a (x keep + f (1 - keep)) + b with f = -1.758, a = ((1 - p)(1 + p f^2))^(-1/2) and b = -a p f.
    Raises ValueError for a p outside [0, 1]. Klambauer et al. 2017, section 3.
    """
    return _alpha_dropped("alpha_dropout", input, p, training, lambda shape: shape)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """alpha_dropout of whole channels of (N, C, ...)."""
    name = "feature_alpha_dropout"
    return _alpha_dropped(name, input, p, training, lambda shape: (*shape[:2], *(1,) * len(shape[2:])))


def _planes(name: str, shape: tuple[int, ...], dims: int) -> tuple[int, ...]:
    """The shape of a mask with one entry a channel."""
    if len(shape) not in (dims + 1, dims + 2):
        spatial = "L" if dims == 1 else "H, W"
        raise ValueError(f"{name} takes inputs (N, C, {spatial}) or (C, {spatial}), not of shape {shape}")
    return (*shape[:-dims], *(1,) * dims)


def _kept(shape: tuple[int, ...], p: float) -> np.ndarray:
    return rng_of(None).random(shape, dtype=np.float32) >= np.float32(p)


def _dropped(name: str, input: Any, p: float, training: bool, mask_shape: Any) -> Tensor:
    p = check_probability(name, p)
    check_float_input(name, check_tensor(input, name))
    shape = mask_shape(input.shape)
    if not training or p == 0:
        return input
    kept = _kept(shape, p)
    factor = kept.astype(input.dtype)
    scale = 1 / (1 - p) if p < 1 else 1.0
    if scale <= float(np.finfo(factor.dtype).max):
        factor *= factor.dtype.type(scale)
    else:  # of p next to 1, which a half does not hold: infinite for what is kept, and not 0 * inf for the rest
        factor[kept] = math.inf
    return input * input.new_tensor(factor)


def _alpha_dropped(name: str, input: Any, p: float, training: bool, mask_shape: Any) -> Tensor:
    p = check_probability(name, p)
    check_float_input(name, check_tensor(input, name))
    shape = mask_shape(input.shape)
    if not training or p == 0:
        return input
    if p == 1:
        return input * 0
    a = 1 / math.sqrt((1 - p) * (1 + p * _SELU_FLOOR**2))
    kept = _kept(shape, p)
    shift = np.where(kept, 0.0, a * _SELU_FLOOR) - a * p * _SELU_FLOOR
    return input * input.new_tensor(kept * a, dtype=input.dtype) + input.new_tensor(shift, dtype=input.dtype)
