"""AdaBelief by hand, eps in both its places; its own refusals."""

import math

import pytest

from minigrad import optim
from tests.optim.by_hand import after, start


def test_two_steps_by_hand():
    p = start()
    optimizer = optim.AdaBelief([p], lr=0.5, betas=(0.5, 0.75), eps=0.25)
    # m = 2, s = 0.25 * (4 - 2)^2 + 0.25; m' = 4, s' = 5
    assert after(optimizer, p, 4.0) == [pytest.approx(1 - 0.5 * 4 / (math.sqrt(5) + 0.25), rel=1e-14)]
    # m = 1 + 1, s = 0.75 * 1.25 + 0.25 * 0 + 0.25; over 0.75 and 0.4375
    before = p.item()
    step = 0.5 * (2 / 0.75) / (math.sqrt(1.1875 / 0.4375) + 0.25)
    assert after(optimizer, p, 2.0) == [pytest.approx(before - step, rel=1e-14)]
    assert optimizer.state[p]["exp_avg_var"].tolist() == [1.1875]


def test_amsgrad_remembers_the_largest_spread():
    p = start()
    optimizer = optim.AdaBelief([p], betas=(0.5, 0.0), eps=0.0, amsgrad=True)
    after(optimizer, p, 4.0, 2.0)
    assert optimizer.state[p]["max_exp_avg_var"].tolist() == [4.0]
    assert optimizer.state[p]["exp_avg_var"].tolist() == [0.0]


@pytest.mark.parametrize("wrong, error, message", [
    ({"eps": -1}, ValueError, "AdaBelief: eps must not be negative"),
    ({"amsgrad": None}, TypeError, "AdaBelief: amsgrad must be True or False"),
    ({"decoupled_weight_decay": 1}, TypeError, "AdaBelief: decoupled_weight_decay must be True or False"),
    ({"betas": (1.0, 0.9)}, ValueError, r"AdaBelief: betas\[0\] must be in"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.AdaBelief([start()], **wrong)
