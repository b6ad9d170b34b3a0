"""Adadelta by hand."""

import math

import pytest

import minigrad as mg
from minigrad import optim


def param(*values):
    return mg.tensor(values, dtype=mg.float64, requires_grad=True)


def test_steps_by_hand():
    p = param(1.0)
    optimizer = optim.Adadelta([p], lr=2.0, rho=0.75, eps=1.0)
    p.grad = mg.tensor([4.0], dtype=mg.float64)
    optimizer.step()
    first = math.sqrt(1.0) / math.sqrt(0.25 * 16 + 1) * 4
    assert p.item() == pytest.approx(1 - 2 * first, rel=1e-15)
    optimizer.step()
    second = math.sqrt(0.25 * first**2 + 1) / math.sqrt(0.75 * 4 + 0.25 * 16 + 1) * 4
    assert p.item() == pytest.approx(1 - 2 * first - 2 * second, rel=1e-14)
    assert optimizer.state[p]["square_avg"].item() == 7.0
    assert optimizer.state[p]["acc_delta"].item() == pytest.approx(0.75 * 0.25 * first**2 + 0.25 * second**2, rel=1e-14)


@pytest.mark.parametrize("wrong, message", [
    ({"rho": 1.1}, r"rho must be in \[0, 1\], got 1.1"), ({"rho": -0.1}, r"rho must be in \[0, 1\]"),
    ({"rho": float("nan")}, "rho is NaN"), ({"rho": None}, "rho must be a number"),
    ({"lr": -1}, "lr must not be negative"), ({"eps": -1}, "eps must not be negative"),
    ({"weight_decay": -1}, "weight_decay must not be negative"), ({"maximize": None}, "maximize must be True or False"),
])  # fmt: skip
def test_values_out_of_range(wrong, message):
    with pytest.raises((TypeError, ValueError), match=f"Adadelta: {message}"):
        optim.Adadelta([param(1.0)], **wrong)


def test_rho_may_be_either_end():
    for rho in (0, 1):
        assert optim.Adadelta([param(1.0)], rho=rho).param_groups[0]["rho"] == rho
