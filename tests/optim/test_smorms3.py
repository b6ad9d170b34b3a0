"""SMORMS3 by hand: a clear gradient shortens the memory, a fickle one lengthens it; its own refusals."""

import math

import pytest

import minigrad as mg
from minigrad import optim
from tests.optim.by_hand import after, start


def test_two_steps_by_hand():
    p = start()
    optimizer = optim.SMORMS3([p], lr=0.25, eps=0.0)
    # r = 1/2: mean 1, square 2, x = 1/2, the smaller is lr; memory = 1 + 1 * (1 - 1/2)
    assert after(optimizer, p, 2.0) == [pytest.approx(1 - 2 * 0.25 / math.sqrt(2), rel=1e-15)]
    assert optimizer.state[p]["memory"].tolist() == [1.5]
    # r = 0.4: mean 0.6 - 0.8 = -0.2, square 1.2 + 1.6 = 2.8, x = 0.04 / 2.8 below lr
    before, x = p.item(), 0.04 / 2.8
    assert after(optimizer, p, -2.0) == [pytest.approx(before + 2 * x / math.sqrt(2.8), rel=1e-12)]
    assert optimizer.state[p]["memory"].tolist() == [pytest.approx(1 + 1.5 * (1 - x), rel=1e-14)]


def test_the_memory_of_a_steady_gradient_stays_short_and_that_of_a_fickle_one_grows():
    steady, fickle = start(), start()
    optimizer = optim.SMORMS3([steady, fickle])
    for t in range(50):
        steady.grad = mg.tensor([1.0], dtype=mg.float64)
        fickle.grad = mg.tensor([(-1.0) ** t], dtype=mg.float64)
        optimizer.step()
    assert optimizer.state[steady]["memory"].item() < 3
    assert optimizer.state[fickle]["memory"].item() > 25


@pytest.mark.parametrize("wrong, error, message", [
    ({"eps": -1e-9}, ValueError, "SMORMS3: eps must not be negative"),
    ({"weight_decay": float("nan")}, ValueError, "SMORMS3: weight_decay is NaN"),
    ({"maximize": None}, TypeError, "SMORMS3: maximize must be True or False"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.SMORMS3([start()], **wrong)
