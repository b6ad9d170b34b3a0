"""Delta-bar-delta by hand."""

import pytest

import minigrad as mg
from minigrad import optim


def param(*values):
    return mg.tensor(values, dtype=mg.float64, requires_grad=True)


def test_steps_by_hand():
    p = param(0.0)
    optimizer = optim.DeltaBarDelta([p], lr=1.0, kappa=0.5, phi=0.25, theta=0.5)
    means = [2.0, 2.0, 0.0, -0.5, -0.25, 0.375]
    rates = [1.0, 1.5, 1.125, 1.125, 1.125, 0.84375]  # compared with the mean before; unchanged next to a 0
    place = 0.0
    for gradient, rate, mean in zip([4.0, 2.0, -2.0, -1.0, 0.0, 1.0], rates, means, strict=True):
        p.grad = mg.tensor([gradient], dtype=mg.float64)
        optimizer.step()
        place -= rate * gradient
        assert optimizer.state[p]["rate"].item() == rate
        assert optimizer.state[p]["grad_avg"].item() == mean
        assert p.item() == place


def test_the_learning_rate_counts_at_the_first_step_only():
    p = param(0.0)
    optimizer = optim.DeltaBarDelta([p], lr=0.5, kappa=0.25)
    for lr in (0.5, 100.0):
        optimizer.param_groups[0]["lr"] = lr
        p.grad = mg.tensor([1.0], dtype=mg.float64)
        optimizer.step()
    assert p.item() == -0.5 - 0.75


@pytest.mark.parametrize("wrong, message", [
    ({"lr": -1}, "lr must not be negative"), ({"kappa": -0.1}, "kappa must not be negative"),
    ({"phi": 1}, r"phi must be in \[0, 1\)"), ({"theta": 1}, r"theta must be in \[0, 1\)"),
    ({"weight_decay": -1}, "weight_decay must not be negative"), ({"maximize": 1}, "maximize must be True or False"),
])  # fmt: skip
def test_values_out_of_range(wrong, message):
    with pytest.raises((TypeError, ValueError), match=f"DeltaBarDelta: {message}"):
        optim.DeltaBarDelta([param(1.0)], **wrong)
