"""Lion by hand, and its own refusals."""

import pytest

from minigrad import optim
from tests.optim.by_hand import after, start


def test_three_steps_by_hand():
    p = start()
    optimizer = optim.Lion([p], lr=0.25, betas=(0.5, 0.75), weight_decay=0.5)
    shrink = 1 - 0.25 * 0.5
    first = shrink - 0.25  # c = 0.5 * 4
    second = first * shrink - 0.25  # m = 1, c = 0.5 - 0.25
    third = second * shrink + 0.25  # m = 0.75 - 0.125, c = 0.3125 - 1
    assert after(optimizer, p, 4.0, -0.5, -2.0) == pytest.approx([first, second, third], rel=1e-15)
    assert optimizer.state[p]["exp_avg"].tolist() == [0.75 * 0.625 - 0.25 * 2.0]


def test_a_gradient_that_is_and_was_zero_moves_nothing():
    p = start()
    assert after(optim.Lion([p]), p, 0.0, 0.0) == [1.0, 1.0]


@pytest.mark.parametrize("wrong, error, message", [
    ({"betas": (0.9, 1.0)}, ValueError, r"Lion: betas\[1\] must be in \[0, 1\), got 1.0"),
    ({"betas": 0.9}, TypeError, "Lion: betas must be 2 numbers, got 0.9"),
    ({"weight_decay": -1}, ValueError, "Lion: weight_decay must not be negative"),
    ({"maximize": 1}, TypeError, "Lion: maximize must be True or False"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.Lion([start()], **wrong)
