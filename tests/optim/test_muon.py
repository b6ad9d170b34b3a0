"""Muon's iteration against the singular value decomposition, its rates, and its own refusals."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim.muon import orthogonalized

CONVERGENT = (1.875, -1.25, 0.375)  # (15 - 10 s^2 + 3 s^4) s / 8: the quintic iteration that converges to 1


@pytest.mark.parametrize("shape", [(4, 4), (3, 6), (6, 3), (1, 5), (5, 1)])
def test_the_iteration_tends_to_the_nearest_orthogonal_matrix(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    np.testing.assert_allclose(orthogonalized(matrix, CONVERGENT, 40, 1e-7), left @ right, atol=1e-10)


def test_the_usual_coefficients_bring_singular_values_near_one():
    matrix = np.random.default_rng(1).normal(size=(8, 5))
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonalized(matrix, (3.4445, -4.7750, 2.0315), 5, 1e-7) @ right.T
    values = np.diag(found)
    assert (values > 0.6).all() and (values < 1.3).all()
    np.testing.assert_allclose(found, np.diag(values), atol=1e-12)


def test_a_gradient_of_zeros_moves_nothing():
    p = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    optimizer = optim.Muon([p], weight_decay=0)
    p.grad = mg.Tensor(np.zeros((2, 3)))
    optimizer.step()
    assert p.tolist() == np.ones((2, 3)).tolist()


@pytest.mark.parametrize("shape, name, factor", [
    ((8, 2), None, 2.0), ((8, 2), "original", 2.0), ((2, 8), "original", 1.0), ((2, 25), "match_rms_adamw", 1.0),
])  # fmt: skip
def test_the_rate_follows_the_shape(shape, name, factor):
    """With convergent coefficients every singular value of the step is the rate."""
    g = np.random.default_rng(2).normal(size=shape)
    p = mg.Tensor(np.zeros(shape), requires_grad=True)
    optimizer = optim.Muon([p], lr=0.25, ns_coefficients=CONVERGENT, ns_steps=40, adjust_lr_fn=name)
    p.grad = mg.Tensor(g)
    optimizer.step()
    np.testing.assert_allclose(np.linalg.svd(p.detach().numpy())[1], 0.25 * factor, rtol=1e-9)


@pytest.mark.parametrize("shape", [(3,), (), (2, 3, 4)])
def test_what_is_no_matrix_is_refused(shape):
    p, q = mg.Tensor(np.ones((2, 2)), requires_grad=True), mg.Tensor(np.ones(shape), requires_grad=True)
    array = p.array
    with pytest.raises(ValueError, match=r"Muon: parameter 1 has shape .*; Muon updates matrices only, take AdamW"):
        optim.Muon([p, q])
    assert p.array is array
    optimizer = optim.Muon([p])
    with pytest.raises(ValueError, match="matrices only"):
        optimizer.add_param_group({"params": q})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("wrong, error, message", [
    ({"momentum": -1}, ValueError, "Muon: momentum must not be negative"),
    ({"eps": None}, TypeError, "Muon: eps must be a number, got None"),
    ({"nesterov": 1}, TypeError, "Muon: nesterov must be True or False, got 1"),
    ({"ns_coefficients": (1.0, 2.0)}, TypeError, "Muon: ns_coefficients must be 3 numbers"),
    ({"ns_coefficients": (1.0, 2.0, "3")}, TypeError, r"Muon: ns_coefficients\[2\] must be a number, got '3'"),
    ({"ns_steps": 100}, ValueError, r"Muon: ns_steps must be in \[0, 100\), got 100"),
    ({"ns_steps": 2.0}, TypeError, "Muon: ns_steps must be a whole number, got 2.0"),
    ({"adjust_lr_fn": "other"}, ValueError, "Muon: adjust_lr_fn must be one of .*, got 'other'"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.Muon([mg.ones(2, 2)], **wrong)
