"""SignSGD and Signum by hand, and their refusals."""

import pytest

from minigrad import optim
from tests.optim.by_hand import after, start


def test_only_the_sign_counts():
    p = start()
    assert after(optim.SignSGD([p], lr=0.25), p, 1e-30, 7.0, -1e30, 0.0) == [0.75, 0.5, 0.75, 0.75]


def test_with_momentum_it_is_the_sign_of_the_mean():
    p = start()
    optimizer = optim.Signum([p], lr=0.25, momentum=0.5)
    # m: 2, then 1 - 0.5 = 0.5, then 0.25 - 1 = -0.75
    assert after(optimizer, p, 4.0, -1.0, -2.0) == [0.75, 0.5, 0.75]
    assert optimizer.state[p]["exp_avg"].tolist() == [-0.75]


@pytest.mark.parametrize("rule", [optim.SignSGD, optim.Signum])
def test_weight_decay_does_not_go_through_the_sign(rule):
    p = start(2.0)
    assert after(rule([p], lr=0.25, weight_decay=0.5), p, -1e-9) == [2.0 * (1 - 0.125) + 0.25]


@pytest.mark.parametrize("rule, wrong, error, message", [
    (optim.SignSGD, {"weight_decay": -1}, ValueError, "SignSGD: weight_decay must not be negative"),
    (optim.SignSGD, {"maximize": 2}, TypeError, "SignSGD: maximize must be True or False"),
    (optim.Signum, {"momentum": 1}, ValueError, r"Signum: momentum must be in \[0, 1\), got 1"),
])  # fmt: skip
def test_values_that_are_wrong(rule, wrong, error, message):
    with pytest.raises(error, match=message):
        rule([start()], **wrong)
