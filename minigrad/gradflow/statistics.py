"""Numbers about one raw array, in float64 whatever the array's dtype: float32 loses the square of 1e-30 altogether."""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from ..ops.linalg import ones_for

# Between these a sum of squares has lost nothing that matters to underflow or overflow.
_SAFE_LOW, _SAFE_HIGH = 1e-280, 1e300

MARGIN = 0.05  # how near to an end of its range an activation counts as saturated


def norm(array: Any) -> float:
    """The Euclidean norm of all elements, sqrt(sum x^2). NaN if there is a NaN, inf if there is an infinity."""
    if array.dtype.kind == "b":
        return math.sqrt(int(np.count_nonzero(array)))
    wide = array.reshape(-1)
    if array.dtype == np.float64:
        with np.errstate(over="ignore"):
            total = float(wide.dot(wide))
    else:  # what is a float32 has a square that a float64 holds
        wide = wide.astype(np.float64)
        total = float(wide.dot(wide))
    if _SAFE_LOW < total < _SAFE_HIGH or wide.size == 0:
        return math.sqrt(total)
    largest = float(abs(wide).max())
    if largest == 0 or not math.isfinite(largest):
        return largest
    wide = wide / largest  # squares of what is left can neither vanish together nor overflow
    return largest * math.sqrt(float(wide.dot(wide)))


def rms(norm: Any, size: Any) -> Any:
    """The root mean square, norm / sqrt(size), of arrays of norms and sizes; NaN where there are no elements."""
    return norm / np.sqrt(np.where(np.equal(size, 0), np.nan, size))


def pooled(norms: Sequence[float] | np.ndarray) -> float:
    """The norm of several arrays laid end to end, from the norm of each."""
    return norm(np.asarray(norms, dtype=np.float64))


def spread(values: Any) -> tuple[float, float, float]:
    """(over the batch, pooled, RMS): a unit's standard deviation over dimension 0; that of all elements; their RMS.

    The first is the root mean square over the units, each of which is one position of the other dimensions. A stack
    that has forgotten its input has a first near 0, while the second may look healthy. NaN of a 0-d or empty array, where a
    value is not finite, and, over the batch, of a single example.
    """
    if not values.ndim or not values.size:
        return math.nan, math.nan, 0.0
    wide = values.astype(np.float64, copy=False).reshape(len(values), -1)
    means = ones_for(len(wide), wide).dot(wide)  # as products with ones, half the time of reductions
    means *= 1 / len(wide)
    mean = float(ones_for(means.size, means).dot(means)) / means.size
    over_batch = norm(wide - means) / math.sqrt(wide.size)
    pooled_std = math.hypot(over_batch, norm(means - mean) / math.sqrt(means.size))  # the law of total variance
    return over_batch if len(wide) > 1 else math.nan, pooled_std, math.hypot(pooled_std, mean)


def dead_fraction(slopes: Any) -> float:
    """The share of units whose slope is exactly 0 for every example, dimension 0. NaN of a 0-d or empty array."""
    if not slopes.ndim or not slopes.size:
        return math.nan
    if bool(slopes.all()):
        return 0.0
    alive = slopes.any(axis=0)
    return (alive.size - int(np.count_nonzero(alive))) / alive.size


# The ends of an activation's range: (low, high), either of them None. ReLU's unit is at its low end exactly when it is
# off, so there the margin is 0. Activations without an end that kills the slope are left out.
ENDS: dict[str, tuple[float | None, float | None, float]] = {
    "Sigmoid": (0.0, 1.0, MARGIN),
    "Tanh": (-1.0, 1.0, MARGIN),
    "ReLU": (0.0, None, 0.0),
}


def saturated_fraction(values: Any, kind: str) -> float:
    """The share of activations within MARGIN of an end of the range (ReLU: that are off). NaN if `kind` has no ends.

    Sigmoid: a < 0.05 or a > 0.95; Tanh: |a| > 0.95; ReLU: a <= 0.
    """
    if kind not in ENDS or values.size == 0:
        return math.nan
    low, high, margin = ENDS[kind]
    wide = values.astype(np.float64, copy=False)
    if low is not None and high is not None:
        at_an_end = abs(wide - (low + high) / 2) > (high - low) / 2 - margin
    else:
        at_an_end = wide <= low
    return int(np.count_nonzero(at_an_end)) / wide.size
