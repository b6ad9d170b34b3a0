"""How far to go along a direction: a search for a step that satisfies the strong Wolfe conditions."""

from __future__ import annotations

import math
from typing import Any, Callable, NamedTuple

import numpy as np

from ..backend.quiet import quiet

SUFFICIENT_DECREASE, CURVATURE = 1e-4, 0.9  # c1 and c2 of the conditions


class Point(NamedTuple):
    """A point of the line: its distance from the start, the loss there, the loss's slope along the line, the gradient.

    A loss that is NaN counts as infinite.
    """

    t: float
    loss: float
    slope: float
    gradient: Any


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, reach: float, tolerance: float, most: int
) -> tuple[Point, int]:
    """(A point where loss <= start's + c1 t slope and |slope there| <= c2 |slope|, how often `at` was called).

    The first trial is t; c1 = 1e-4, c2 = 0.9. `reach` is the largest component of the direction: a bracket shorter than
    tolerance / reach is not divided. After `most` trials beyond the first the best point of the bracket is returned.
    Nocedal and Wright 2006, "Numerical optimization", algorithms 3.5 and 3.6, with cubic interpolation and the
    safeguards that torch.optim.LBFGS has.
    """
    before, point = start, at(t)
    for trials in range(most):
        rises = _too_high(point, start) or (trials > 1 and point.loss >= before.loss)
        if not rises and _flat(point, start):
            return point, trials + 1
        if rises or point.slope >= 0:
            return _zoom(at, start, [before, point], trials, reach, tolerance, most)
        farther = cubic_minimum(before, point, point.t + 0.01 * (point.t - before.t), 10 * point.t)
        before, point = point, at(farther)
    return min(start, point, key=lambda p: p.loss), most + 1


def _zoom(
    at: Callable[[float], Point], start: Point, bracket: list[Point], trials: int, reach: float, tolerance: float,
    most: int,
) -> tuple[Point, int]:  # fmt: skip
    """Narrow a bracket down, of which one end is the best point so far."""
    low = _lower(bracket)
    stuck = False
    while trials < most:
        left, right = sorted(point.t for point in bracket)
        if (right - left) * reach < tolerance:
            break
        t = cubic_minimum(bracket[0], bracket[1], left, right)
        t, stuck = _away_from_the_ends(t, left, right, stuck)
        point = at(t)
        trials += 1
        high = 1 - low
        if _too_high(point, start) or point.loss >= bracket[low].loss:
            bracket[high] = point
            low = _lower(bracket)
            continue
        found = _flat(point, start)
        if not found and point.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
        if found:
            break
    return bracket[low], trials + 1


def _away_from_the_ends(t: float, left: float, right: float, stuck: bool) -> tuple[float, bool]:
    """A trial within a tenth of an end is let pass once; then, or at the end itself, it is moved a tenth away."""
    margin = 0.1 * (right - left)
    if min(right - t, t - left) >= margin:
        return t, False
    if not stuck and left < t < right:
        return t, True
    return (right - margin if abs(t - right) < abs(t - left) else left + margin), False


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + SUFFICIENT_DECREASE * point.t * start.slope


def _flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -CURVATURE * start.slope


def _lower(bracket: list[Point]) -> int:
    return 0 if bracket[0].loss <= bracket[1].loss else 1


@quiet
def cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """Where the cubic with these values and slopes is least, within [low, high]; their middle if there is no minimum.

    Nocedal and Wright 2006, equation 3.59.
    """
    left, right = (a, b) if a.t <= b.t else (b, a)
    width = np.float64(left.t - right.t)  # NumPy's numbers divide by 0
    d1 = left.slope + right.slope - 3 * (left.loss - right.loss) / width
    square = d1 * d1 - left.slope * right.slope
    if square >= 0:
        d2 = np.sqrt(square)
        t = float(right.t + width * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)))
        if math.isfinite(t):
            return min(max(t, low), high)
    return (low + high) / 2
