"""The statistics against Python's exact arithmetic."""
import math
from fractions import Fraction

import numpy as np
import pytest

from minigrad.gradflow.statistics import norm, pooled, rms, saturated_fraction


def exact_norm(array):
    """In rational numbers; only the root rounds. Scaled first, so that the root's argument fits a float."""
    values = [Fraction(float(x)) for x in array.ravel()]
    largest = max(map(abs, values))
    return float(largest) * math.sqrt(sum((x / largest) ** 2 for x in values))


@pytest.mark.parametrize("scale", [1e-30, 1e-44, 1e-12, 1.0, 1e25])
def test_float32_squares_neither_underflow_nor_overflow(rng, scale):
    array = (rng.standard_normal((7, 11)) * scale).astype(np.float32)
    assert norm(array) == pytest.approx(exact_norm(array), rel=1e-14)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-141, 1e140, 1e200])
def test_float64_squares_neither_underflow_nor_overflow(rng, scale):
    array = rng.standard_normal((7, 11)) * scale
    assert norm(array) == pytest.approx(exact_norm(array), rel=1e-14)


def test_float16_is_widened_before_it_is_squared():
    assert norm(np.full(100, 60000, np.float16)) == pytest.approx(60000 * 10, rel=1e-3)


def test_views_of_any_layout(rng):
    array = rng.standard_normal((6, 8))[::2, ::-3].T
    assert norm(array) == pytest.approx(exact_norm(array), rel=1e-14)


def test_zeros_empties_and_what_is_not_finite():
    assert norm(np.zeros((3, 4), np.float32)) == 0
    assert norm(np.zeros((0, 4))) == 0
    assert norm(np.array([3.0, np.inf])) == math.inf
    assert math.isnan(norm(np.array([1.0, np.nan])))
    assert math.isnan(norm(np.array([np.inf, np.nan])))


def test_rms_and_pooled():
    assert rms(np.array([6.0]), np.array([9]))[0] == 2
    assert math.isnan(rms(np.array([0.0]), np.array([0]))[0])
    assert pooled([3e-200, 4e-200]) == pytest.approx(5e-200, rel=1e-14)


def test_saturation_counts_what_is_within_the_margin():
    sigmoid = np.array([0.0, 0.049, 0.051, 0.5, 0.949, 0.951, 1.0, 0.3])
    assert saturated_fraction(sigmoid, "Sigmoid") == 4 / 8
    tanh = np.array([[-1.0, -0.951, -0.949], [0.0, 0.949, 0.951]], np.float32)
    assert saturated_fraction(tanh, "Tanh") == 3 / 6
    relu = np.array([0.0, 0.0, 0.001, 7.0])
    assert saturated_fraction(relu, "ReLU") == 2 / 4


def test_no_saturation_where_there_is_no_end():
    assert math.isnan(saturated_fraction(np.zeros(3), "GELU"))
    assert math.isnan(saturated_fraction(np.zeros((0, 3)), "Sigmoid"))
