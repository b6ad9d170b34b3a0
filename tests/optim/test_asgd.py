"""ASGD's average, by hand and against PyTorch, and its own refusals."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def step(optimizer, p, *gradient):
    p.grad = mg.tensor(gradient, dtype=mg.float64)
    optimizer.step()


def test_the_average_follows_p_until_t0_and_is_the_mean_from_then_on():
    p = mg.tensor([0.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.ASGD([p], lr=1.0, lambd=0, t0=2)
    ends, averages = [], []
    for gradient in [-1.0, -2.0, -4.0, -8.0, -16.0]:
        step(optimizer, p, gradient)
        ends.append(p.item())
        averages.append(optimizer.state[p]["ax"].item())
    assert ends == [1.0, 3.0, 7.0, 15.0, 31.0]
    # mu settled after steps 3 and 4 is 1 / (3 - 2) and 1 / (4 - 2): the mean of the last two
    assert averages == [1.0, 3.0, 7.0, 15.0, 23.0]


@pytest.mark.parametrize("t0", [0.0, 3.0, 1e6])
def test_the_average_is_that_of_torch(torch, t0):
    rng = np.random.default_rng(1)
    start = rng.normal(size=4)
    ours = mg.tensor(start, dtype=mg.float64, requires_grad=True)
    theirs = torch.tensor(start, requires_grad=True)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        optimizer = optim.ASGD([ours], lr=0.1, lambd=0.05, t0=t0)
        oracle = torch.optim.ASGD([theirs], lr=0.1, lambd=0.05, t0=t0, foreach=False)
        for _ in range(20):
            g = rng.normal(size=4)
            theirs.grad = torch.tensor(g)
            oracle.step()
            step(optimizer, ours, *g)
    finally:
        torch.set_default_dtype(before)
    np.testing.assert_allclose(optimizer.state[ours]["ax"].tolist(), oracle.state[theirs]["ax"].tolist(), rtol=1e-12)
    for name in ("eta", "mu", "step"):
        assert optimizer.state[ours][name].item() == pytest.approx(oracle.state[theirs][name].item(), rel=1e-15)


def test_parameters_of_one_age_whose_rates_differ_go_their_own_ways():
    a, b, c = (mg.tensor([0.0], dtype=mg.float64, requires_grad=True) for _ in range(3))
    optimizer = optim.ASGD([a, b, c], lr=1.0, lambd=0)
    a.grad = c.grad = mg.tensor([-1.0], dtype=mg.float64)
    optimizer.step()  # a and c: the first step at 1, and 1 is settled for the second
    optimizer.param_groups[0]["lr"] = 0.5
    a.grad = c.grad = None
    b.grad = mg.tensor([-1.0], dtype=mg.float64)
    optimizer.step()  # b: the first step at 0.5, and 0.5 is settled
    a.grad = c.grad = mg.tensor([-1.0], dtype=mg.float64)
    optimizer.step()
    assert [a.item(), b.item(), c.item()] == [2.0, 1.0, 2.0]


@pytest.mark.parametrize("wrong, error, message", [
    ({"lambd": -1}, ValueError, "ASGD: lambd must not be negative"),
    ({"alpha": None}, TypeError, "ASGD: alpha must be a number, got None"),
    ({"t0": float("nan")}, ValueError, "ASGD: t0 is NaN"),
    ({"weight_decay": -1}, ValueError, "ASGD: weight_decay must not be negative"),
    ({"maximize": 1}, TypeError, "ASGD: maximize must be True or False, got 1"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.ASGD([mg.ones(1)], **wrong)
