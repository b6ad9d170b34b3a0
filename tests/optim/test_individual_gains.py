"""Individual gains by hand."""

import pytest

import minigrad as mg
from minigrad import optim


def param(*values):
    return mg.tensor(values, dtype=mg.float64, requires_grad=True)


def gains_after(optimizer, p, gradients):
    gains = []
    for gradient in gradients:
        p.grad = mg.tensor([gradient], dtype=mg.float64)
        optimizer.step()
        gains.append(optimizer.state[p]["gain"].item())
    return gains


def test_gains_grow_by_addition_and_shrink_by_multiplication():
    p = param(0.0)
    gains = gains_after(optim.IndividualGains([p]), p, [2.0, 1.0, 3.0, -1.0, 0.0, -5.0, -1e-200, -1e-200])
    expected = [1.0, 1.05, 1.10, 1.10 * 0.95, 1.045, 1.045, 1.095, 1.145]  # unchanged next to a gradient of 0
    assert gains == pytest.approx(expected, rel=1e-14)


def test_the_gain_multiplies_the_rate_of_its_weight_alone():
    p = param(0.0, 0.0)
    optimizer = optim.IndividualGains([p], lr=0.5, delta=0.25)
    for gradient in ([1.0, 1.0], [1.0, -1.0]):
        p.grad = mg.tensor(gradient, dtype=mg.float64)
        optimizer.step()
    assert p.tolist() == [-0.5 - 0.5 * 1.25, -0.5 + 0.5 * 0.75]


def test_with_momentum_the_velocity_stands_for_the_last_gradients():
    """After 8, 8, -1 the velocity still points against +: a gradient of +1 agrees with it, though it follows a -1."""
    p = param(0.0)
    optimizer = optim.IndividualGains([p], lr=1.0, momentum=0.5, delta=0.25)
    gains = gains_after(optimizer, p, [8.0, 8.0, -1.0, 1.0])
    assert gains == [1.0, 1.25, 1.25 * 0.75, 1.25 * 0.75 + 0.25]
    v = -8.0
    for gradient, gain in zip([8.0, -1.0, 1.0], gains[1:]):
        v = 0.5 * v - gain * gradient
    assert optimizer.state[p]["velocity"].item() == v


def test_gains_stay_within_their_bounds():
    for momentum in (0.0, 0.5):
        p = param(0.0)
        optimizer = optim.IndividualGains([p], momentum=momentum)
        assert gains_after(optimizer, p, [1.0] * 300)[-1] == 10
    p = param(0.0)
    assert gains_after(optim.IndividualGains([p]), p, [(-1.0) ** t for t in range(100)])[-1] == 0.1


@pytest.mark.parametrize("wrong, message", [
    ({"lr": -1}, "lr must not be negative"), ({"delta": 1}, r"delta must be in \[0, 1\)"),
    ({"delta": -0.1}, r"delta must be in \[0, 1\)"), ({"gains": (10, 0.1)}, "gains must be the smaller number and the"),
    ({"gains": 10}, "gains must be 2 numbers"), ({"momentum": -1}, "momentum must not be negative"),
    ({"weight_decay": -1}, "weight_decay must not be negative"), ({"maximize": 1}, "maximize must be True or False"),
])  # fmt: skip
def test_values_out_of_range(wrong, message):
    with pytest.raises((TypeError, ValueError), match=f"IndividualGains: {message}"):
        optim.IndividualGains([param(1.0)], **wrong)
