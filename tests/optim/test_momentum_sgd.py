"""The learning rate inside the velocity by hand; Nesterov's jump on losses whose gradient depends on the place."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def param(*values, dtype=mg.float64):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


def step(optimizer, p, *gradient):
    p.grad = mg.tensor(gradient, dtype=mg.float64)
    optimizer.step()


def test_steps_by_hand():
    p = param(0.0)
    optimizer = optim.MomentumSGD([p], lr=0.5, momentum=0.5)
    for gradient, velocity in [(8.0, -4.0), (4.0, -4.0), (-2.0, -1.0)]:
        before = p.item()
        step(optimizer, p, gradient)
        assert p.item() == before + velocity
        assert optimizer.state[p]["velocity"].tolist() == [velocity]


def test_it_is_sgd_until_the_rate_changes():
    inside, outside = param(1.0), param(1.0)
    ours = optim.MomentumSGD([inside], lr=0.5, momentum=0.5)
    sgd = optim.SGD([outside], lr=0.5, momentum=0.5)
    for gradient in (8.0, -2.0, 4.0):
        step(ours, inside, gradient)
        step(sgd, outside, gradient)
        assert inside.item() == outside.item()
    ours.param_groups[0]["lr"] = sgd.param_groups[0]["lr"] = 0.25
    before = inside.item()
    step(ours, inside, 0.0)
    step(sgd, outside, 0.0)
    assert inside.item() == before - 0.5 * 0.5 * (0.25 * 8 - 0.5 * 2 + 4)  # what was gathered keeps its rate
    assert outside.item() == before - 0.25 * 0.5 * (0.25 * 8 - 0.5 * 2 + 4)


# ------------------------------------------------------------------------------------------------------------- NAG


def bowl(p):
    """A loss whose gradient at x is x^3 + 2 x."""
    return (p**4 / 4 + p * p).sum()


def closure_for(optimizer, loss_of):
    def closure():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    return closure


def test_nag_takes_the_gradient_after_the_jump():
    p = param(1.0, -0.5)
    optimizer = optim.NAG([p], lr=0.05, momentum=0.9)
    x, v = np.array([1.0, -0.5]), np.zeros(2)
    for _ in range(30):
        there = x + 0.9 * v
        loss = optimizer.step(closure_for(optimizer, lambda: bowl(p)))
        assert loss.item() == pytest.approx((there**4 / 4 + there**2).sum(), rel=1e-12)
        v = 0.9 * v - 0.05 * (there**3 + 2 * there)
        x = x + v
        np.testing.assert_allclose(p.tolist(), x, rtol=0, atol=1e-13)
    np.testing.assert_allclose(optimizer.state[p]["velocity"].tolist(), v, rtol=0, atol=1e-13)


def test_nesterov_of_sgd_is_nag_seen_after_the_jump():
    jumping, plain = param(1.0, -0.5), param(1.0, -0.5)
    nag = optim.NAG([jumping], lr=0.05, momentum=0.9)
    sgd = optim.SGD([plain], lr=0.05, momentum=0.9, nesterov=True)
    for _ in range(20):
        nag.step(closure_for(nag, lambda: bowl(jumping)))
        sgd.step(closure_for(sgd, lambda: bowl(plain)))
        ahead = np.array(jumping.tolist()) + 0.9 * np.array(nag.state[jumping]["velocity"].tolist())
        np.testing.assert_allclose(plain.tolist(), ahead, rtol=0, atol=1e-13)


@pytest.mark.parametrize("rule", [optim.NAG, optim.IRpropPlus])
def test_a_rule_that_needs_a_closure_says_so(rule):
    p = param(1.0)
    p.grad = mg.ones(1, dtype=mg.float64)
    optimizer = rule([p])
    with pytest.raises(TypeError, match=rf"{rule.__name__}: .*; call step\(closure\) with a function that computes"):
        optimizer.step()
    assert p.tolist() == [1.0] and optimizer.state_dict()["state"] == {}


def moving(*params, **settings):
    """NAG on parameters that have a velocity, and their values."""
    optimizer = optim.NAG([{"params": list(params)}], **settings)
    optimizer.step(closure_for(optimizer, lambda: sum(bowl(p.double()) for p in params)))
    return optimizer, [p.array.copy() for p in params]


def test_a_closure_that_raises_leaves_all_as_it_was():
    p = param(1.0, 1 / 3)
    optimizer, (before,) = moving(p)
    velocity = optimizer.state[p]["velocity"].tolist()
    places = []

    def closure():
        places.append(p.tolist())
        raise RuntimeError("out of data")

    with pytest.raises(RuntimeError, match="out of data"):
        optimizer.step(closure)
    assert places[0] != before.tolist()
    assert p.array.tobytes() == before.tobytes() and optimizer.state[p]["velocity"].tolist() == velocity


def test_a_wrong_setting_stops_nag_before_the_jump():
    p = param(1.0)
    optimizer, (before,) = moving(p)
    optimizer.param_groups[0]["momentum"] = -1
    with pytest.raises(ValueError, match="NAG: momentum must not be negative"):
        optimizer.step(lambda: pytest.fail("the closure was called"))
    assert p.array.tobytes() == before.tobytes()


def test_a_parameter_without_a_gradient_comes_back_from_the_jump():
    p, q = param(1.0), param(1 / 3)
    optimizer, (_, before) = moving(p, q)
    velocity = optimizer.state[q]["velocity"].tolist()
    optimizer.step(closure_for(optimizer, lambda: bowl(p)))
    assert q.array.tobytes() == before.tobytes() and optimizer.state[q]["velocity"].tolist() == velocity


def test_parameters_of_all_dtypes_jump():
    params = [param(1.0, dtype=dtype) for dtype in (mg.float16, mg.float32, mg.float64)]
    optimizer, _ = moving(*params, lr=0.05)
    for _ in range(5):
        optimizer.step(closure_for(optimizer, lambda: sum(bowl(p.double()) for p in params)))
    x, v = 1.0, 0.0
    for _ in range(6):
        there = x + 0.9 * v
        v = 0.9 * v - 0.05 * (there**3 + 2 * there)
        x += v
    for p, tolerance in zip(params, (5e-3, 1e-6, 1e-13)):
        assert p.item() == pytest.approx(x, abs=tolerance)


def test_a_graph_built_after_the_jump_knows_that_the_values_are_gone():
    p = param(2.0)
    optimizer, _ = moving(p)
    losses = []

    def closure():
        losses.append((p * p).sum())
        p.grad = None
        return losses[0]

    optimizer.step(closure)
    with pytest.raises(RuntimeError, match="mul"):
        losses[0].backward()


def test_on_a_gpu(cuda):
    p = mg.tensor([1.0, -0.5], dtype=mg.float64, device=cuda, requires_grad=True)
    q = param(1.0, -0.5)
    for x in (p, q):
        optimizer = optim.NAG([x], lr=0.05)
        for _ in range(5):
            optimizer.step(closure_for(optimizer, lambda: bowl(x)))
    np.testing.assert_allclose(p.tolist(), q.tolist(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("wrong, message", [
    ({"momentum": -0.1}, "momentum must not be negative"), ({"weight_decay": -1}, "weight_decay must not be negative"),
    ({"lr": float("nan")}, "lr is NaN"), ({"maximize": 1}, "maximize must be True or False"),
])  # fmt: skip
@pytest.mark.parametrize("rule", [optim.MomentumSGD, optim.NAG])
def test_values_out_of_range(rule, wrong, message):
    with pytest.raises((TypeError, ValueError), match=f"{rule.__name__}: {message}"):
        rule([param(1.0)], **wrong)
