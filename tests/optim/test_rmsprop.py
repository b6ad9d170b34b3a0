"""RMSprop and Graves's form of it by hand; where epsilon and the learning rate stand."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def param(*values, dtype=mg.float64):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


def step(optimizer, p, *gradient):
    p.grad = mg.tensor(gradient, dtype=p.dtype)
    optimizer.step()


@pytest.mark.parametrize("inside, root", [(False, 2.0 + 5.0), (True, 3.0)])
def test_epsilon_outside_and_inside_the_root_by_hand(inside, root):
    p = param(1.0)
    optimizer = optim.RMSprop([p], lr=0.5, alpha=0.75, eps=5.0, eps_inside_sqrt=inside)
    step(optimizer, p, 4.0)
    assert p.item() == 1 - 0.5 * 4 / root
    assert optimizer.state[p]["square_avg"].item() == 4.0


def test_centered_with_momentum_by_hand():
    p = param(0.0)
    optimizer = optim.RMSprop([p], lr=1.0, alpha=0.5, eps=0.0, momentum=0.5, centered=True)
    step(optimizer, p, 2.0)  # means 1 and 2, variance 2 - 1
    assert p.item() == -2.0
    step(optimizer, p, -1.0)  # means 0 and 1.5
    assert p.item() == pytest.approx(-2.0 - (0.5 * 2.0 - 1 / math.sqrt(1.5)), rel=1e-15)


def test_a_steady_gradient_has_no_variance_and_gives_no_nan():
    """With alpha=0.5 rounding takes about a quarter of these differences below zero."""
    gradient = np.linspace(0.1, 3, 500)
    for dtype in (mg.float32, mg.float64):
        p = param(*gradient, dtype=dtype)
        optimizer = optim.RMSprop([p], lr=1e-3, alpha=0.5, eps=1e-2, centered=True)
        for _ in range(100):
            step(optimizer, p, *gradient)
        means = optimizer.state[p]
        assert (means["square_avg"].numpy() < means["grad_avg"].numpy() ** 2).any()
        assert np.isfinite(p.tolist()).all()


def test_graves_by_hand():
    p = param(0.0)
    optimizer = optim.RMSpropGraves([p], lr=1.0, alpha=0.5, momentum=0.5, eps=3.0)
    step(optimizer, p, 2.0)
    assert p.item() == -2 / math.sqrt(2 - 1 + 3)
    optimizer.param_groups[0]["lr"] = 0.25
    step(optimizer, p, -1.0)  # the rate of the first step stays in the velocity
    assert p.item() == pytest.approx(-1 + (0.5 * -1 + 0.25 / math.sqrt(1.5 + 3)), rel=1e-15)


def test_the_defaults_of_graves():
    defaults = optim.RMSpropGraves([param(1.0)]).defaults
    assert [defaults[name] for name in ("alpha", "momentum", "lr", "eps")] == [0.95, 0.9, 0.0001, 0.0001]  # 42 to 45


def test_states_that_are_not_needed_take_no_memory():
    p = param(1.0)
    optimizer = optim.RMSprop([p])
    step(optimizer, p, 1.0)
    assert optimizer.state[p].keys() == {"step", "square_avg"}


def test_torchs_state_has_no_word_on_where_epsilon_is(torch):
    theirs = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    optimizer = optim.RMSprop([param(1.0)], eps_inside_sqrt=True)
    optimizer.load_state_dict(torch.optim.RMSprop([theirs]).state_dict())
    assert optimizer.param_groups[0]["eps_inside_sqrt"] is False  # as PyTorch has it
    ours = optim.RMSprop([param(1.0)], eps_inside_sqrt=True).state_dict()
    optimizer.load_state_dict(ours)
    assert optimizer.param_groups[0]["eps_inside_sqrt"] is True


@pytest.mark.parametrize("wrong, message", [
    ({"lr": -1}, "lr must not be negative"), ({"eps": -1}, "eps must not be negative"),
    ({"momentum": -1}, "momentum must not be negative"), ({"weight_decay": -1}, "weight_decay must not be negative"),
    ({"alpha": -0.1}, "alpha must "), ({"alpha": float("nan")}, "alpha is NaN"), ({"alpha": None}, "alpha must be a"),
    ({"maximize": 1}, "maximize must be True or False"),
])  # fmt: skip
@pytest.mark.parametrize("rule", [optim.RMSprop, optim.RMSpropGraves])
def test_values_out_of_range(rule, wrong, message):
    with pytest.raises((TypeError, ValueError), match=f"{rule.__name__}: {message}"):
        rule([param(1.0)], **wrong)


@pytest.mark.parametrize("name", ["centered", "eps_inside_sqrt"])
def test_switches_of_the_wrong_kind(name):
    with pytest.raises(TypeError, match=f"RMSprop: {name} must be True or False"):
        optim.RMSprop([param(1.0)], **{name: 1})
