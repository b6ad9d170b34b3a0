"""ADOPT, AdEMAMix, MADGRAD, QHM and QHAdam by hand, and their refusals."""

import math

import pytest

import minigrad as mg
from minigrad import optim
from tests.optim.by_hand import after, start


def test_adopt_looks_first_and_divides_by_the_square_from_before():
    p = start()
    optimizer = optim.ADOPT([p], lr=0.5, betas=(0.5, 0.75))
    # v = 4 | 2 / 2 is at the bound 1, m = 0.5, v = 4 | -3 / 2 is cut to 2^0.25, m = 0.25 - 2^0.25 / 2
    second = 1 - 0.5 * 0.5
    third = second - 0.5 * (0.25 - 2**0.25 / 2)
    assert after(optimizer, p, 2.0, 2.0, -3.0) == pytest.approx([1.0, second, third], rel=1e-15)
    assert optimizer.state[p]["exp_avg_sq"].tolist() == [0.75 * 4 + 0.25 * 9]


def test_adopt_without_clipping_takes_what_comes():
    p = start()
    optimizer = optim.ADOPT([p], lr=0.5, betas=(0.0, 0.75), clip_power=None)
    assert after(optimizer, p, 1.0, 8.0) == [1.0, 1 - 0.5 * 8]


def test_ademamix_adds_the_old_mean():
    p = start()
    optimizer = optim.AdEMAMix([p], lr=0.5, betas=(0.5, 0.75, 0.875), alpha=4.0, eps=0.5)
    # m' = 2, old = 0.25, v' = 4
    assert after(optimizer, p, 2.0) == [pytest.approx(1 - 0.5 * (2 + 4 * 0.25) / (2 + 0.5), rel=1e-14)]


def test_ademamix_warms_up_alpha_evenly_and_the_half_life_of_beta3():
    p = start()
    optimizer = optim.AdEMAMix([p], lr=0.5, betas=(0.5, 0.0, 0.5**0.25), alpha=8.0, alpha_warmup=4, beta3_warmup=2, eps=0)
    # half-lives 1 and 4: half way it is 2.5
    slow = (1 - 0.5 ** (1 / 2.5)) * 1.0
    assert after(optimizer, p, 1.0) == [pytest.approx(1 - 0.5 * (1 + 2 * slow), rel=1e-13)]
    slow = 0.5**0.25 * slow + (1 - 0.5**0.25) * 1.0
    before = p.item()
    assert after(optimizer, p, 1.0) == [pytest.approx(before - 0.5 * (1 + 4 * slow), rel=1e-13)]


def test_without_a_fast_memory_the_half_life_grows_from_zero():
    p = start()
    optimizer = optim.AdEMAMix([p], betas=(0.0, 0.9, 0.99), beta3_warmup=2)
    after(optimizer, p, 1.0)
    assert optimizer.state[p]["exp_avg_slow"].item() == pytest.approx(1 - 0.99**2, rel=1e-12)  # half the half-life


def test_madgrad_starts_from_where_it_began():
    p = start()
    optimizer = optim.MADGRAD([p], lr=0.5, momentum=0.5, eps=0.0)
    # sum = 0.5 * 4, square = 0.5 * 16, z = 1 - 2 / 2
    assert after(optimizer, p, 4.0) == [pytest.approx(0.5 * 1 + 0.5 * 0, rel=1e-15)]
    lamb = 0.5 * math.sqrt(2)
    z = 1 - (2 - 2 * lamb) / (8 + 4 * lamb) ** (1 / 3)
    assert after(optimizer, p, -2.0) == [pytest.approx(0.5 * 0.5 + 0.5 * z, rel=1e-14)]
    assert optimizer.state[p]["x0"].tolist() == [1.0]


def test_qhm_lies_between_descent_and_momentum():
    p = start()
    optimizer = optim.QHM([p], lr=0.5, momentum=0.5, nu=0.25)
    assert after(optimizer, p, 4.0) == [1 - 0.5 * (0.75 * 4 + 0.25 * 2)]
    before = p.item()
    assert after(optimizer, p, -2.0) == [before - 0.5 * (0.75 * -2 + 0.25 * 0)]


def test_qhadam_by_hand():
    p = start()
    optimizer = optim.QHAdam([p], lr=0.5, betas=(0.5, 0.75), nus=(0.5, 0.5), eps=0.0)
    assert after(optimizer, p, 2.0) == [pytest.approx(0.5, rel=1e-15)]
    # m = 0.5 + 2 over 0.75, v = 0.75 + 4 over 0.4375
    m, v = 2.5 / 0.75, 4.75 / 0.4375
    step = 0.5 * (0.5 * 4 + 0.5 * m) / math.sqrt(0.5 * 16 + 0.5 * v)
    assert after(optimizer, p, 4.0) == [pytest.approx(0.5 - step, rel=1e-14)]


@pytest.mark.parametrize("rule", [optim.ADOPT, optim.AdEMAMix, optim.MADGRAD, optim.QHM, optim.QHAdam])
def test_they_descend(rule):
    p = mg.tensor([3.0, -2.0], dtype=mg.float64, requires_grad=True)
    optimizer = rule([p], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        (p * p * mg.tensor([1.0, 5.0], dtype=mg.float64)).sum().backward()
        optimizer.step()
    assert float((p * p).sum().item()) < 0.1


@pytest.mark.parametrize("rule, wrong, error, message", [
    (optim.ADOPT, {"clip_power": -1}, ValueError, "ADOPT: clip_power must not be negative"),
    (optim.ADOPT, {"decoupled_weight_decay": 1}, TypeError, "ADOPT: decoupled_weight_decay must be True or False"),
    (optim.AdEMAMix, {"betas": (0.9, 0.9)}, TypeError, "AdEMAMix: betas must be 3 numbers"),
    (optim.AdEMAMix, {"beta3_warmup": -1}, ValueError, "AdEMAMix: beta3_warmup must not be negative"),
    (optim.AdEMAMix, {"alpha": "x"}, TypeError, "AdEMAMix: alpha must be a number"),
    (optim.MADGRAD, {"momentum": 1}, ValueError, r"MADGRAD: momentum must be in \[0, 1\)"),
    (optim.QHM, {"nu": None}, TypeError, "QHM: nu must be a number"),
    (optim.QHAdam, {"nus": 1.0}, TypeError, "QHAdam: nus must be 2 numbers, got 1.0"),
    (optim.QHAdam, {"nus": (1.0, 1.5)}, ValueError, r"QHAdam: nus\[1\] must be in \[0, 1\], got 1.5"),
])  # fmt: skip
def test_values_that_are_wrong(rule, wrong, error, message):
    with pytest.raises(error, match=message):
        rule([start()], **wrong)
