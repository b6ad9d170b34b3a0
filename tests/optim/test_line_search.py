"""The line search on functions of one variable whose answers are known."""

import math

import pytest

from minigrad.optim.line_search import Point, cubic_minimum, strong_wolfe

FUNCTIONS = {
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "narrow": (lambda t: math.cosh(20 * (t - 0.1)), lambda t: 20 * math.sinh(20 * (t - 0.1))),
    "far": (lambda t: math.sqrt(1 + (t - 200) ** 2), lambda t: (t - 200) / math.sqrt(1 + (t - 200) ** 2)),
    "wall": (lambda t: -2 * t - math.log(1 - t) if t < 1 else math.nan, lambda t: 1 / (1 - t) - 2 if t < 1 else 0.0),
}


def search(name, t, most=25, tolerance=1e-9):
    value, slope = FUNCTIONS[name]
    asked = []

    def at(t):
        asked.append(t)
        loss = value(t)
        return Point(t, loss if loss == loss else math.inf, slope(t), None)

    start = Point(0.0, value(0.0), slope(0.0), None)
    point, count = strong_wolfe(at, start, t, 1.0, tolerance, most)
    assert count == len(asked)
    return start, point


@pytest.mark.parametrize("t", [0.01, 0.5, 1.0, 30.0])
@pytest.mark.parametrize("name", ["parabola", "narrow", "far", "wall"])
def test_it_satisfies_the_strong_wolfe_conditions(name, t):
    start, point = search(name, t)
    assert start.slope < 0
    assert point.loss <= start.loss + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= 0.9 * abs(start.slope)


def test_without_trials_it_takes_the_better_of_both_ends():
    assert search("parabola", 1.0, most=0)[1].t == 1.0
    assert search("parabola", 7.0, most=0)[1].t == 0.0


def test_a_bracket_too_small_to_matter_is_not_divided():
    start, point = search("narrow", 30.0, tolerance=1e9)
    assert point.t == 0.0


def test_two_points_of_a_cubic_tell_its_minimum():
    def cubic(t):  # least at 2, greatest at -1
        return Point(t, t**3 / 3 - t**2 / 2 - 2 * t, t**2 - t - 2, None)

    for a, b in [(0.0, 3.0), (1.0, 5.0), (2.5, 3.0)]:
        assert cubic_minimum(cubic(a), cubic(b), 0.0, 10.0) == pytest.approx(2, rel=1e-12)
        assert cubic_minimum(cubic(b), cubic(a), 0.0, 10.0) == pytest.approx(2, rel=1e-12)
    assert cubic_minimum(cubic(0.0), cubic(3.0), 2.5, 4.0) == 2.5
    assert cubic_minimum(cubic(0.0), cubic(3.0), 0.0, 1.5) == 1.5


def test_where_there_is_no_minimum_it_takes_the_middle():
    steady = Point(0.0, 0.0, 1.0, None), Point(1.0, 1.0, 1.0, None)
    assert cubic_minimum(*steady, 0.0, 4.0) == 2.0
    assert cubic_minimum(Point(0.0, 0.0, -1.0, None), Point(1.0, math.inf, 0.0, None), 0.0, 1.0) == 0.5
