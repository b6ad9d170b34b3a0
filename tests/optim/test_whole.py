"""LAMB, LARS, NovoGrad, SM3, AggMo by hand, and their refusals; SGLD's are in test_sgld.py."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def start(*values):
    return mg.tensor(values, dtype=mg.float64, requires_grad=True)


def step(optimizer, p, *gradient):
    p.grad = mg.tensor(gradient, dtype=mg.float64)
    optimizer.step()
    return p.tolist()


def test_lamb_moves_a_parameter_by_its_own_length():
    p = start(3.0, 4.0)
    optimizer = optim.LAMB([p], lr=0.5, eps=0.0)
    # u = (1, -1) at the first step, whatever the betas; |p| = 5
    rate = 0.5 * 5 / math.sqrt(2)
    assert step(optimizer, p, 8.0, -0.001) == pytest.approx([3 - rate, 4 + rate], rel=1e-14)


@pytest.mark.parametrize("rule", [optim.LAMB, optim.LARS])
def test_a_parameter_of_zeros_gets_off_the_ground(rule):
    p = start(0.0, 0.0)
    moved = step(rule([p], lr=0.5), p, 2.0, 2.0)
    assert moved == pytest.approx([-0.5, -0.5] if rule is optim.LAMB else [-1.0, -1.0], rel=1e-5)


@pytest.mark.parametrize("rule", [optim.LAMB, optim.LARS, optim.NovoGrad, optim.SM3, optim.AggMo])
def test_where_the_gradient_is_zero_nothing_moves(rule):
    p = start(3.0, 4.0)
    assert step(rule([p]), p, 0.0, 0.0) == [3.0, 4.0]


def test_lars_by_hand():
    p = start(3.0, 4.0)
    optimizer = optim.LARS([p], lr=0.5, momentum=0.5, weight_decay=0.25, trust_coefficient=0.1)
    rate = 0.5 * 0.1 * 5 / (10 + 0.25 * 5)
    v = [rate * (6 + 0.25 * 3), rate * (8 + 0.25 * 4)]
    assert step(optimizer, p, 6.0, 8.0) == pytest.approx([3 - v[0], 4 - v[1]], rel=1e-14)
    assert optimizer.state[p]["velocity"].tolist() == pytest.approx(v, rel=1e-14)


def test_novograd_by_hand():
    p = start(1.0, 2.0)
    optimizer = optim.NovoGrad([p], lr=0.5, betas=(0.5, 0.75), eps=0.0)
    assert step(optimizer, p, 3.0, 4.0) == pytest.approx([1 - 0.5 * 0.6, 2 - 0.5 * 0.8], rel=1e-14)
    root = math.sqrt(0.75 * 25 + 0.25 * 100)
    m = [0.5 * 0.6 + 6 / root, 0.5 * 0.8 - 8 / root]
    before = p.tolist()
    assert step(optimizer, p, 6.0, -8.0) == pytest.approx([before[0] - 0.5 * m[0], before[1] - 0.5 * m[1]], rel=1e-14)
    assert optimizer.state[p]["grad_norm"].item() == pytest.approx(root, rel=1e-14)


def test_novograd_takes_gradients_whose_squares_vanish_in_single_precision():
    p = mg.tensor([1.0, 1.0], requires_grad=True)
    optimizer = optim.NovoGrad([p], lr=0.5, eps=0.0)
    for _ in range(2):
        p.grad = mg.tensor([3e-30, 4e-30])
        optimizer.step()
    assert p.tolist() == pytest.approx([1 - 0.5 * 0.6 * 2.95, 1 - 0.5 * 0.8 * 2.95], rel=1e-5)


def test_sm3_keeps_one_sum_for_each_row_and_column():
    p = mg.tensor([[0.0, 0.0], [0.0, 0.0]], dtype=mg.float64, requires_grad=True)
    optimizer = optim.SM3([p], lr=0.5, momentum=0.0, eps=0.0)
    p.grad = mg.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=mg.float64)
    optimizer.step()
    np.testing.assert_allclose(p.tolist(), np.full((2, 2), -0.5), rtol=1e-14)
    assert optimizer.state[p]["roots"].tolist() == [2.0, 4.0, 3.0, 4.0]  # of the sums of rows, then of columns
    optimizer.step()
    nu = np.array([[4 + 1, 4 + 4], [9 + 9, 16 + 16]])
    np.testing.assert_allclose(p.tolist(), -0.5 - 0.5 * np.array([[1, 2], [3, 4]]) / np.sqrt(nu), rtol=1e-14)
    np.testing.assert_allclose(optimizer.state[p]["roots"].numpy() ** 2, [8.0, 32.0, 18.0, 32.0], rtol=1e-14)


def test_sm3_of_a_vector_is_adagrad():
    p, q = start(1.0, 2.0), start(1.0, 2.0)
    ours, adagrad = optim.SM3([p], lr=0.5, momentum=0.0, eps=1e-10), optim.Adagrad([q], lr=0.5)
    for gradient in [(1.0, -2.0), (0.5, 3.0), (0.0, 1.0)]:
        assert step(ours, p, *gradient) == pytest.approx(step(adagrad, q, *gradient), rel=1e-14)


def test_sm3_of_many_axes_costs_their_sum():
    p = mg.Tensor(np.ones((10, 20, 30)), requires_grad=True)
    optimizer = optim.SM3([p])
    p.grad = mg.Tensor(np.ones((10, 20, 30)))
    optimizer.step()
    assert optimizer.state[p]["roots"].shape == (60,)


def test_aggmo_is_the_mean_of_descents_with_momentum():
    p, others = start(1.0), [start(1.0) for _ in range(2)]
    optimizer = optim.AggMo([p], lr=0.5, betas=(0.0, 0.5))
    sgds = [optim.SGD([q], lr=0.5, momentum=beta) for q, beta in zip(others, (0.0, 0.5))]
    for gradient in (4.0, -2.0, 1.0):
        step(optimizer, p, gradient)
        for sgd, q in zip(sgds, others):
            step(sgd, q, gradient)
    assert p.item() == pytest.approx(np.mean([q.item() for q in others]), rel=1e-15)
    assert optimizer.state[p]["velocities"].shape == (2, 1)


def test_aggmos_groups_have_one_number_of_betas():
    with pytest.raises(ValueError, match=r"AggMo: every group has as many betas as the constructor was given, 3; got \(0.5"):
        optim.AggMo([{"params": [start(1.0)], "betas": (0.5, 0.9)}])
    optimizer = optim.AggMo([start(1.0)], betas=(0.5, 0.9))
    optimizer.add_param_group({"params": [start(2.0)], "betas": (0.0, 0.99)})
    with pytest.raises(ValueError, match="as many betas"):
        optimizer.add_param_group({"params": [start(3.0)], "betas": (0.0,)})
    p = start(1.0)
    other = optim.AggMo([p])
    step(other, p, 1.0)
    with pytest.raises(ValueError, match="as many betas"):
        optim.AggMo([start(1.0)], betas=(0.5, 0.9)).load_state_dict(other.state_dict())


@pytest.mark.parametrize("rule, wrong, error, message", [
    (optim.LAMB, {"eps": -1}, ValueError, "LAMB: eps must not be negative"),
    (optim.LAMB, {"betas": (0.9, 1.0)}, ValueError, r"LAMB: betas\[1\] must be in"),
    (optim.LARS, {"trust_coefficient": -1}, ValueError, "LARS: trust_coefficient must not be negative"),
    (optim.LARS, {"maximize": 1}, TypeError, "LARS: maximize must be True or False"),
    (optim.NovoGrad, {"weight_decay": None}, TypeError, "NovoGrad: weight_decay must be a number"),
    (optim.SM3, {"momentum": 1.0}, ValueError, r"SM3: momentum must be in \[0, 1\)"),
    (optim.AggMo, {"betas": 0.9}, TypeError, "AggMo: betas must be one number or more, got 0.9"),
    (optim.AggMo, {"betas": ()}, TypeError, r"AggMo: betas must be one number or more, got \(\)"),
    (optim.AggMo, {"betas": (0.0, 1.0)}, ValueError, r"AggMo: betas\[1\] must be in \[0, 1\), got 1.0"),
])  # fmt: skip
def test_values_that_are_wrong(rule, wrong, error, message):
    with pytest.raises(error, match=message):
        rule([start(1.0)], **wrong)


@pytest.mark.parametrize("size", [1e-44, 1e-40, 1e-30, 1e-23, 1e-10, 1.0, 1e10, 1e18])
@pytest.mark.parametrize("rule", [optim.SM3, optim.LARS])
def test_tiny_and_huge_gradients_move_single_precision_as_they_do_double(rule, size):
    """The square of 1e-23 is 0 in single precision, and the inverse of 1e-40 infinite."""
    moved = []
    for dtype in ("float32", "float64"):
        p = mg.tensor([1.0, 1.0, 1.0], dtype=dtype, requires_grad=True)
        p.grad = mg.tensor(np.array([size, size / 2, 0]), dtype=dtype)
        rule([p]).step()
        moved.append(1 - p.detach().numpy())
    np.testing.assert_allclose(moved[0], moved[1], rtol=0.2 if size < 1e-38 else 1e-4, atol=1e-7)  # denormals are coarse
    assert moved[0][2] == 0 and 0 <= moved[0][0] < 0.2
