"""Yogi by hand: v moves towards the square by the square, not by the distance; its own refusals."""

import math

import pytest

from minigrad import optim
from tests.optim.by_hand import after, start


def test_two_steps_by_hand():
    p = start()
    optimizer = optim.Yogi([p], lr=0.5, betas=(0.5, 0.75), eps=0.5, initial_accumulator_value=1.0)
    # v = 1 + 0.25 * 4, m = 1; the correction is 0.5 / 0.5
    assert after(optimizer, p, 2.0) == [pytest.approx(1 - 0.5 / (math.sqrt(2) + 0.5), rel=1e-15)]
    # v = 2 - 0.25 * 1, m = 0.5 + 0.5; the correction is sqrt(1 - 0.5625) / 0.75
    before = p.item()
    step = 0.5 * math.sqrt(1 - 0.5625) / 0.75 * 1 / (math.sqrt(1.75) + 0.5)
    assert after(optimizer, p, 1.0) == [pytest.approx(before - step, rel=1e-15)]
    assert optimizer.state[p]["exp_avg_sq"].tolist() == [1.75]


@pytest.mark.parametrize("wrong, error, message", [
    ({"initial_accumulator_value": -1}, ValueError, "Yogi: initial_accumulator_value must not be negative"),
    ({"eps": -1}, ValueError, "Yogi: eps must not be negative"),
    ({"betas": (0.9,)}, TypeError, r"Yogi: betas must be 2 numbers, got \(0.9,\)"),
    ({"maximize": 0}, TypeError, "Yogi: maximize must be True or False"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.Yogi([start()], **wrong)
