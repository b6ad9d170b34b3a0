"""Adagrad by hand; where its sums start, which PyTorch reads off the constructor alone."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def param(*values):
    return mg.tensor(values, dtype=mg.float64, requires_grad=True)


def step(optimizer, p, *gradient):
    p.grad = mg.tensor(gradient, dtype=mg.float64)
    optimizer.step()


def test_steps_by_hand():
    p = param(10.0, 10.0)
    optimizer = optim.Adagrad([p], lr=0.5, eps=1.0)
    step(optimizer, p, 3.0, -1.0)
    assert p.tolist() == [10 - 0.5 * 3 / (3 + 1), 10 + 0.5 * 1 / (1 + 1)]
    before = p.tolist()
    step(optimizer, p, 4.0, 0.0)
    assert p.tolist() == [before[0] - 0.5 * 4 / (5 + 1), before[1]]
    assert optimizer.state[p]["sum"].tolist() == [25.0, 1.0]


def test_the_rate_falls_as_one_over_the_root_of_time():
    p = param(0.0)
    optimizer = optim.Adagrad([p], lr=0.3)
    for t in range(1, 200):
        before = p.item()
        step(optimizer, p, 0.7)
        assert before - p.item() == pytest.approx(0.3 / np.sqrt(t), rel=1e-9)


def test_sums_start_as_the_constructor_says_in_torch_too(torch):
    rng = np.random.default_rng(0)
    ours, theirs = param(1.0, 2.0), torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer = optim.Adagrad([ours], lr=0.1, initial_accumulator_value=0.7)
    oracle = torch.optim.Adagrad([theirs], lr=0.1, initial_accumulator_value=0.7, foreach=False)
    for _ in range(20):
        g = rng.normal(size=2)
        theirs.grad = torch.tensor(g)
        oracle.step()
        step(optimizer, ours, *g)
        np.testing.assert_allclose(ours.tolist(), theirs.tolist(), rtol=1e-13)


def test_a_state_of_torch_from_before_the_first_step_is_taken(torch):
    theirs = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    oracle = torch.optim.Adagrad([theirs], lr=0.1, initial_accumulator_value=0.7)
    ours = param(1.0, 2.0)
    optimizer = optim.Adagrad([ours])
    step(optimizer, ours, 5.0, 5.0)
    optimizer.load_state_dict(oracle.state_dict())
    assert optimizer.state_dict()["state"][0]["step"].item() == 0
    before = np.array(ours.tolist())
    step(optimizer, ours, 0.3, -0.4)
    g = np.array([0.3, -0.4])
    np.testing.assert_allclose(ours.tolist(), before - 0.1 * g / (np.sqrt(0.7 + g**2) + 1e-10), rtol=1e-14)


def test_torch_takes_a_state_from_before_the_first_step(torch):
    """PyTorch's Adagrad fails on a parameter of which the state says nothing."""
    stepped, fresh = param(1.0), param(1.0, 2.0)
    optimizer = optim.Adagrad([stepped, fresh], lr=0.1, initial_accumulator_value=0.7)
    step(optimizer, stepped, 0.5)
    theirs = [torch.tensor(p.tolist(), dtype=torch.float64, requires_grad=True) for p in (stepped, fresh)]
    oracle = torch.optim.Adagrad(theirs, foreach=False)
    state = optimizer.state_dict()
    for entry in state["state"].values():
        entry.update({key: torch.tensor(value.numpy().copy()) for key, value in entry.items()})
    oracle.load_state_dict(state)
    for ours, their in zip((stepped, fresh), theirs):
        ours.grad = mg.full(ours.shape, 0.3, dtype=mg.float64)
        their.grad = torch.full(their.shape, 0.3, dtype=torch.float64)
    optimizer.step()
    oracle.step()
    for ours, their in zip((stepped, fresh), theirs):
        np.testing.assert_allclose(ours.tolist(), their.tolist(), rtol=1e-14)


@pytest.mark.parametrize("wrong, message", [
    ({"lr": -0.1}, "lr must not be negative"), ({"lr_decay": -0.1}, "lr_decay must not be negative"),
    ({"initial_accumulator_value": -1}, "initial_accumulator_value must not be negative"),
    ({"eps": float("nan")}, "eps is NaN"), ({"weight_decay": -1}, "weight_decay must not be negative"),
    ({"maximize": 0}, "maximize must be True or False"), ({"eps": "0"}, "eps must be a number"),
])  # fmt: skip
def test_values_out_of_range(wrong, message):
    with pytest.raises((TypeError, ValueError), match=f"Adagrad: {message}"):
        optim.Adagrad([param(1.0)], **wrong)
