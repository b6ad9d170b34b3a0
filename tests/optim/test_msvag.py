"""M-SVAG by hand: a clear gradient steps in full, a noisy one hardly; its own refusals."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from tests.optim.by_hand import after, start


def test_two_steps_by_hand():
    p = start()
    optimizer = optim.MSVAG([p], lr=0.5, beta=0.5)
    assert after(optimizer, p, 2.0) == [1 - 0.5 * 2]
    # m = 0.5 * 1 + 0.5 * 4 = 2.5, v = 0.5 * 2 + 0.5 * 16 = 9, both over 0.75; rho = 0.5 * 1.25 / (1.5 * 0.75) = 5/9
    mean, square, rho = 2.5 / 0.75, 9 / 0.75, 5 / 9
    s = (square - mean**2) / (1 - rho)
    before = p.item()
    step = 0.5 * mean**2 / (mean**2 + rho * s) * mean
    assert after(optimizer, p, 4.0) == [pytest.approx(before - step, rel=1e-14)]


def test_a_steady_gradient_is_followed_in_full_and_noise_is_not():
    steady, noisy = start(0.0), start(0.0)
    optimizer = optim.MSVAG([steady, noisy], lr=1.0)
    rng = np.random.default_rng(0)
    for _ in range(200):
        steady.grad = mg.tensor([0.1], dtype=mg.float64)
        noisy.grad = mg.tensor([0.1 + rng.normal()], dtype=mg.float64)
        optimizer.step()
    assert steady.item() == pytest.approx(-20, rel=1e-9)
    assert abs(noisy.item()) < 20


def test_where_all_gradients_were_zero_nothing_moves():
    p = start()
    assert after(optim.MSVAG([p]), p, 0.0, 0.0, 0.0) == [1.0, 1.0, 1.0]


def test_without_a_memory_it_is_plain_descent():
    p = start()
    assert after(optim.MSVAG([p], lr=0.5, beta=0.0), p, 1.0, 3.0) == [0.5, -1.0]


@pytest.mark.parametrize("wrong, error, message", [
    ({"beta": 1.0}, ValueError, r"MSVAG: beta must be in \[0, 1\), got 1.0"),
    ({"weight_decay": -1}, ValueError, "MSVAG: weight_decay must not be negative"),
    ({"maximize": "no"}, TypeError, "MSVAG: maximize must be True or False"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.MSVAG([start()], **wrong)
