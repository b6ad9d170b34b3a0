"""Adan by hand: the first step knows no change; both weight decays; its own refusals."""

import math

import pytest

from minigrad import optim
from tests.optim.by_hand import after, start


def test_two_steps_by_hand():
    p = start()
    optimizer = optim.Adan([p], lr=0.5, betas=(0.5, 0.25, 0.75), eps=0.5)
    # m = 1 -> 2, n = 1 -> 4, no change yet
    assert after(optimizer, p, 2.0) == [pytest.approx(1 - 0.5 * 2 / (2 + 0.5), rel=1e-15)]
    # change 4: m = 0.5 + 3 over 0.75, v = 0.75 * 4 over 0.9375, u = 6 + 0.25 * 4, n = 0.75 + 0.25 * 49 over 0.4375
    before = p.item()
    step = 0.5 * (3.5 / 0.75 + 0.25 * 3 / 0.9375) / (math.sqrt(13 / 0.4375) + 0.5)
    assert after(optimizer, p, 6.0) == [pytest.approx(before - step, rel=1e-14)]
    assert optimizer.state[p]["exp_avg_diff"].tolist() == [3.0]
    assert optimizer.state[p]["prev"].tolist() == [6.0]


def test_weight_decay_divides_after_the_step_or_multiplies_before_it():
    for no_prox, expected in ((False, (2 - 0.5) / (1 + 0.5 * 0.25)), (True, 2 * (1 - 0.5 * 0.25) - 0.5)):
        p = start(2.0)
        optimizer = optim.Adan([p], lr=0.5, eps=0.0, weight_decay=0.25, no_prox=no_prox)
        assert after(optimizer, p, 3.0) == [pytest.approx(expected, rel=1e-14)]


@pytest.mark.parametrize("wrong, error, message", [
    ({"betas": (0.9, 0.9)}, TypeError, r"Adan: betas must be 3 numbers, got \(0.9, 0.9\)"),
    ({"betas": (0.9, 0.9, 1)}, ValueError, r"Adan: betas\[2\] must be in"),
    ({"no_prox": 1}, TypeError, "Adan: no_prox must be True or False"),
    ({"eps": -1}, ValueError, "Adan: eps must not be negative"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.Adan([start()], **wrong)
