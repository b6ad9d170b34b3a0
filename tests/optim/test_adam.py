"""Adam by hand, and its own refusals."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def param(*values):
    return mg.tensor(values, dtype=mg.float64, requires_grad=True)


def step(optimizer, p, *gradient):
    p.grad = mg.tensor(gradient, dtype=mg.float64)
    optimizer.step()


def test_the_first_step_moves_every_weight_by_the_learning_rate():
    p = param(1.0, 1.0, 1.0)
    step(optim.Adam([p], lr=0.125, eps=0), p, 1e-9, -3.0, 1e9)
    np.testing.assert_allclose(p.tolist(), [0.875, 1.125, 0.875], rtol=1e-15)


def test_two_steps_by_hand():
    p = param(1.0)
    optimizer = optim.Adam([p], lr=0.5, betas=(0.5, 0.75), eps=0.25)
    step(optimizer, p, 2.0)
    # m = 1, v = 1; corrected 1 / 0.5 = 2 and 1 / 0.25 = 4
    assert p.item() == pytest.approx(1 - 0.5 * 2 / (2 + 0.25), rel=1e-15)
    first = p.item()
    step(optimizer, p, 4.0)
    # m = 0.5 + 2 = 2.5, v = 0.75 + 4 = 4.75; corrected by 1 - 0.25 and 1 - 0.5625
    assert p.item() == pytest.approx(first - 0.5 * (2.5 / 0.75) / (math.sqrt(4.75 / 0.4375) + 0.25), rel=1e-14)
    assert optimizer.state[p]["exp_avg"].tolist() == [2.5]
    assert optimizer.state[p]["exp_avg_sq"].tolist() == [4.75]
    assert optimizer.state[p]["step"].item() == 2


def test_amsgrad_divides_by_the_largest_mean_square():
    p = param(1.0)
    optimizer = optim.Adam([p], lr=0.5, betas=(0.0, 0.5), eps=0, amsgrad=True)
    step(optimizer, p, 4.0)
    first = p.item()
    step(optimizer, p, 1.0)
    # v is 8, then 4.5: 8 stays. Its root corrected by 1 - 0.25
    assert p.item() == pytest.approx(first - 0.5 * 1.0 / math.sqrt(8 / 0.75), rel=1e-14)
    assert optimizer.state[p]["max_exp_avg_sq"].tolist() == [8.0]
    assert optimizer.state[p]["exp_avg_sq"].tolist() == [4.5]


def test_no_room_is_taken_for_a_largest_mean_square_that_nobody_asked_for():
    p = param(1.0)
    optimizer = optim.Adam([p])
    step(optimizer, p, 1.0)
    assert set(optimizer.state[p]) == {"step", "exp_avg", "exp_avg_sq"}


def test_decoupled_decay_shrinks_the_weight_and_leaves_the_means_alone():
    p = param(2.0)
    optimizer = optim.AdamW([p], lr=0.5, weight_decay=0.25)
    step(optimizer, p, 0.0)
    assert p.item() == 2.0 - 0.5 * 0.25 * 2.0
    assert optimizer.state[p]["exp_avg"].tolist() == [0.0]


def test_adamw_cannot_be_made_to_decay_as_adam_does():
    with pytest.raises(ValueError, match="AdamW: decoupled_weight_decay must be True; for L2 regularisation take Adam"):
        optim.AdamW([{"params": [param(1.0)], "decoupled_weight_decay": False}])


def test_betas_may_change_between_steps(torch):
    rng = np.random.default_rng(0)
    ours, theirs = param(1.0, 2.0), torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer, oracle = optim.Adam([ours], lr=0.1), torch.optim.Adam([theirs], lr=0.1, foreach=False)
    for beta1 in [0.9, 0.5, 0.5, 0.95]:
        g = rng.normal(size=2)
        optimizer.param_groups[0]["betas"] = oracle.param_groups[0]["betas"] = (beta1, 0.99)
        theirs.grad = torch.tensor(g)
        oracle.step()
        step(optimizer, ours, *g)
    np.testing.assert_allclose(ours.tolist(), theirs.tolist(), rtol=1e-14)


def test_a_list_of_betas_changed_in_place_is_seen():
    p, q = param(1.0), param(1.0)
    betas = [0.9, 0.99]
    listed, tupled = optim.Adam([p], betas=betas), optim.Adam([q], betas=(0.9, 0.99))
    step(listed, p, 1.0)
    step(tupled, q, 1.0)
    listed.param_groups[0]["betas"][0] = 0.25
    tupled.param_groups[0]["betas"] = (0.25, 0.99)
    step(listed, p, -2.0)
    step(tupled, q, -2.0)
    assert p.item() == q.item()


def test_many_steps_keep_the_correction_finite():
    p = param(1.0)
    optimizer = optim.Adam([p])
    step(optimizer, p, 1.0)
    state = optimizer.state_dict()
    state["state"][0]["step"] = mg.tensor(1e9)
    optimizer.load_state_dict(state)
    before = p.item()
    step(optimizer, p, 1.0)  # m = 0.1 + 0.09, v = 0.001999; both corrections are 1 by now
    assert p.item() == pytest.approx(before - 1e-3 * 0.19 / (math.sqrt(0.001999) + 1e-8), rel=1e-12)


@pytest.mark.parametrize("wrong, message", [
    ({"lr": -0.1}, "Adam: lr must not be negative, got -0.1"),
    ({"lr": float("nan")}, "Adam: lr is NaN"),
    ({"eps": -1e-8}, "Adam: eps must not be negative"),
    ({"weight_decay": -1}, "Adam: weight_decay must not be negative"),
    ({"betas": (1.0, 0.999)}, r"Adam: betas\[0\] must be in \[0, 1\), got 1.0"),
    ({"betas": (0.9, -0.1)}, r"Adam: betas\[1\] must be in \[0, 1\), got -0.1"),
    ({"betas": (0.9, float("nan"))}, r"Adam: betas\[1\] is NaN"),
])  # fmt: skip
def test_values_out_of_range(wrong, message):
    with pytest.raises(ValueError, match=message):
        optim.Adam([param(1.0)], **wrong)


@pytest.mark.parametrize("wrong, message", [
    ({"betas": 0.9}, "Adam: betas must be 2 numbers, got 0.9"),
    ({"betas": (0.9,)}, "Adam: betas must be 2 numbers"),
    ({"betas": ("0.9", 0.999)}, r"Adam: betas\[0\] must be a number, got '0.9'"),
    ({"maximize": 1}, "Adam: maximize must be True or False, got 1"),
    ({"amsgrad": None}, "Adam: amsgrad must be True or False, got None"),
    ({"decoupled_weight_decay": 0}, "Adam: decoupled_weight_decay must be True or False, got 0"),
])  # fmt: skip
def test_values_of_the_wrong_kind(wrong, message):
    with pytest.raises(TypeError, match=message):
        optim.Adam([param(1.0)], **wrong)
