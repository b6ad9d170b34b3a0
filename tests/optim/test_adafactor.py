"""Adafactor by hand, the memory of its states, and its own refusals."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def test_the_first_step_of_a_matrix_by_hand():
    p = mg.tensor([[1.0, -1.0], [1.0, 1.0]], dtype=mg.float64, requires_grad=True)
    optimizer = optim.Adafactor([p], lr=0.5, eps=(1e-30, 1e-3), d=1e9)
    p.grad = mg.tensor([[1.0, 2.0], [3.0, 6.0]], dtype=mg.float64)
    optimizer.step()
    # a matrix of rank one: the squares are the product of their factors, so u is 1 everywhere, and RMS(p) is 1
    np.testing.assert_allclose(p.tolist(), [[0.5, -1.5], [0.5, 0.5]], rtol=1e-14)
    state = optimizer.state[p]
    np.testing.assert_allclose(state["row_var"].tolist(), [[2.5], [22.5]], rtol=1e-14)
    np.testing.assert_allclose(state["col_var"].tolist(), [[5.0, 20.0]], rtol=1e-14)
    assert set(state) == {"step", "row_var", "col_var"}


def test_a_step_much_larger_than_usual_is_shortened():
    p = mg.tensor([3.0, 4.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.Adafactor([p], lr=0.5, beta2_decay=-1.0)
    p.grad = mg.tensor([1.0, 1.0], dtype=mg.float64)
    optimizer.step()
    before = p.detach().numpy().copy()
    p.grad = mg.tensor([7.0, 7.0], dtype=mg.float64)
    optimizer.step()
    # v = (1 + 49) / 2 = 25, so u is 1.4, and is divided by its RMS: the step is RMS(p) * lr
    size = math.sqrt((before**2).mean()) * 0.5
    np.testing.assert_allclose(p.detach().numpy(), before - size, rtol=1e-14)


def test_a_matrix_costs_only_its_rows_and_columns():
    p = mg.Tensor(np.ones((40, 50)), requires_grad=True)
    optimizer = optim.Adafactor([p])
    p.grad = mg.Tensor(np.ones((40, 50)))
    optimizer.step()
    bases = {id(state.array.base): state.array.base.size for state in optimizer.state[p].values() if state.ndim}
    assert sum(bases.values()) == 90


@pytest.mark.parametrize("key, shape", [("row_var", (1, 3)), ("col_var", (2, 3))])
def test_a_state_of_another_shape_is_refused(key, shape):
    p = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    optimizer = optim.Adafactor([p])
    p.grad = mg.Tensor(np.ones((2, 3)))
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0][key] = np.ones(shape)
    with pytest.raises(ValueError, match=rf"{key} of shape .*the parameter has shape \(2, 3\), which asks for"):
        optimizer.load_state_dict(state)


def test_a_state_without_its_factors_is_refused():
    p = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    optimizer = optim.Adafactor([p])
    p.grad = mg.Tensor(np.ones((2, 3)))
    optimizer.step()
    state = optimizer.state_dict()
    del state["state"][0]["col_var"]
    with pytest.raises(ValueError, match=r"lacks \['col_var'\]"):
        optimizer.load_state_dict(state)
    state["state"][0]["variance"] = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"has \['variance'\], which are unknown"):
        optimizer.load_state_dict(state)


@pytest.mark.parametrize("wrong, error, message", [
    ({"beta2_decay": 0.8}, ValueError, "Adafactor: beta2_decay must not be above 0, got 0.8"),
    ({"d": 0.5}, ValueError, "Adafactor: d must be at least 1, got 0.5"),
    ({"eps": (None, None)}, TypeError, r"Adafactor: eps\[1\] must be a number, got None"),
    ({"eps": (-1.0, 1e-3)}, ValueError, r"Adafactor: eps\[0\] must not be negative"),
    ({"eps": 1e-3}, TypeError, "Adafactor: eps must be 2 numbers, of which the first may be None, got 0.001"),
    ({"weight_decay": -1}, ValueError, "Adafactor: weight_decay must not be negative"),
    ({"maximize": 1}, TypeError, "Adafactor: maximize must be True or False, got 1"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.Adafactor([mg.ones(1)], **wrong)
