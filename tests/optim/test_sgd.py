"""SGD by hand, and what only it does: velocities that start late, and steps that remember nothing."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def param(*values):
    return mg.tensor(values, dtype=mg.float64, requires_grad=True)


def step(optimizer, p, *gradient):
    p.grad = mg.tensor(gradient, dtype=mg.float64)
    optimizer.step()


def test_plain_steps_by_hand():
    p = param(10.0, 20.0)
    optimizer = optim.SGD([p], lr=0.5)
    step(optimizer, p, 1.0, -2.0)
    assert p.tolist() == [9.5, 21.0]
    optimizer.param_groups[0]["lr"] = 0.25
    step(optimizer, p, 2.0, 4.0)
    assert p.tolist() == [9.0, 20.0]


def test_momentum_by_hand():
    p = param(0.0)
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    for gradient, velocity in [(8.0, 8.0), (4.0, 8.0), (0.0, 4.0), (-2.0, 0.0)]:
        before = p.item()
        step(optimizer, p, gradient)
        assert p.item() == before - velocity
        assert optimizer.state[p]["momentum_buffer"].tolist() == [velocity]


def test_dampening_spares_the_first_step_by_hand():
    p = param(0.0)
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5, dampening=0.75)
    step(optimizer, p, 8.0)
    assert p.item() == -8.0
    step(optimizer, p, 8.0)
    assert p.item() == -8.0 - (0.5 * 8.0 + 0.25 * 8.0)


def test_nesterov_by_hand():
    p = param(0.0)
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5, nesterov=True)
    step(optimizer, p, 8.0)
    assert p.item() == -(8.0 + 0.5 * 8.0)
    step(optimizer, p, 2.0)
    assert p.item() == -12.0 - (2.0 + 0.5 * (0.5 * 8.0 + 2.0))


def test_weight_decay_and_maximize_by_hand():
    p = param(4.0)
    optimizer = optim.SGD([p], lr=0.5, weight_decay=0.25, maximize=True)
    step(optimizer, p, 2.0)
    assert p.item() == 4.0 - 0.5 * (-2.0 + 0.25 * 4.0)


def test_velocity_tends_to_the_gradient_over_one_minus_momentum():
    p = param(0.0)
    optimizer = optim.SGD([p], lr=0.0, momentum=0.9)
    for _ in range(400):
        step(optimizer, p, 0.3)
    assert optimizer.state[p]["momentum_buffer"].item() == pytest.approx(3.0, rel=1e-12)


def test_momentum_switched_on_off_and_on(torch):
    """PyTorch's velocity starts at the first step that has momentum, and rests while there is none."""
    rng = np.random.default_rng(0)
    ours, theirs = param(1.0, 2.0), torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer = optim.SGD([ours], lr=0.1, dampening=0.5)
    oracle = torch.optim.SGD([theirs], lr=0.1, dampening=0.5, foreach=False)
    for momentum in [0, 0, 0.9, 0.9, 0, 0, 0.5, 0.5]:
        g = rng.normal(size=2)
        optimizer.param_groups[0]["momentum"] = oracle.param_groups[0]["momentum"] = momentum
        theirs.grad = torch.tensor(g)
        oracle.step()
        step(optimizer, ours, *g)
        np.testing.assert_allclose(ours.tolist(), theirs.tolist(), rtol=1e-14)
    assert optimizer.state[ours].keys() == {"momentum_buffer"}


def test_without_momentum_nothing_is_remembered():
    p = param(1.0)
    optimizer = optim.SGD([p], lr=0.1)
    step(optimizer, p, 1.0)
    assert optimizer.state_dict()["state"] == {}
    p.data = mg.tensor([1.0, 2.0], dtype=mg.float64)  # so another shape is welcome
    step(optimizer, p, 1.0, 1.0)
    assert p.tolist() == [0.9, 1.9]


@pytest.mark.parametrize("wrong, message", [
    ({"lr": -0.1}, "SGD: lr must not be negative, got -0.1"),
    ({"lr": float("nan")}, "SGD: lr is NaN"),
    ({"momentum": -0.1}, "SGD: momentum must not be negative"),
    ({"momentum": float("nan")}, "SGD: momentum is NaN"),
    ({"weight_decay": -1}, "SGD: weight_decay must not be negative"),
    ({"dampening": float("nan")}, "SGD: dampening is NaN"),
    ({"nesterov": True}, "SGD: nesterov needs a momentum above 0"),
    ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "SGD: nesterov needs .* a dampening of 0"),
])  # fmt: skip
def test_values_out_of_range(wrong, message):
    p = param(1.0)
    array = p.array
    with pytest.raises(ValueError, match=message):
        optim.SGD([p], **wrong)
    assert p.array is array


@pytest.mark.parametrize("wrong", [
    {"lr": "0.1"}, {"lr": None}, {"momentum": [0.9]}, {"dampening": "no"}, {"nesterov": 1}, {"maximize": "yes"},
    {"lr": True}, {"lr": mg.tensor(0.1)},
])  # fmt: skip
def test_values_of_the_wrong_kind(wrong):
    with pytest.raises(TypeError, match=f"SGD: {next(iter(wrong))} must be"):
        optim.SGD([param(1.0)], **wrong)


def test_corrected_momentum_heeds_a_change_of_the_rate_at_once():
    p = mg.tensor([0.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.CorrectedMomentumSGD([p], lr=0.5, momentum=0.5)
    for lr, gradient, expected in [(0.5, 8.0, -4.0), (0.25, 0.0, -4.0 - 0.25 * 4), (0.0, 1.0, -5.0)]:
        optimizer.param_groups[0]["lr"] = lr
        p.grad = mg.tensor([gradient], dtype=mg.float64)
        optimizer.step()
        assert p.item() == expected
    with pytest.raises(ValueError, match="CorrectedMomentumSGD: momentum must not be negative"):
        optim.CorrectedMomentumSGD([p], momentum=-1)
