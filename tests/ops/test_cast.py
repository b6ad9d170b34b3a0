"""Casting and moving: itself where nothing changes, gradients in the dtype they came from, no noise."""
import numpy as np
import pytest

import minigrad
from minigrad import grad


def test_itself_where_nothing_changes():
    x = minigrad.zeros(2)
    assert minigrad.astype(x, x.dtype) is x
    assert minigrad.ops.to_device(x, x.device) is x
    assert x.clone() is not x


@pytest.mark.parametrize("there", ["float16", "float32", "float64"])
@pytest.mark.parametrize("here", ["float16", "float32", "float64"])
def test_a_gradient_comes_back_in_the_dtype_of_its_tensor(here, there):
    x = minigrad.tensor([1.0, 2.0], dtype=here, requires_grad=True)
    y = x.to(there)
    (g,) = grad((y * y).sum(), x, create_graph=True)
    assert g.dtype == here and g.tolist() == [2, 4]
    assert grad(g.sum(), x)[0].tolist() == [2, 2]


def test_whole_numbers_and_booleans_carry_no_gradient():
    x = minigrad.tensor([1.5, -2.7], requires_grad=True)
    assert x.long().tolist() == [1, -2] and not x.long().requires_grad
    assert x.bool().tolist() == [True, True] and not x.bool().requires_grad


def test_values_out_of_range_make_no_noise():
    assert minigrad.tensor([1e30, np.nan], dtype="float64").to("float16").tolist()[0] == np.inf
    assert minigrad.tensor([300]).to("uint8").tolist() == [44]
    minigrad.tensor([np.nan, np.inf]).to("int32")


def test_the_default_order_of_a_clone_is_that_of_rows():
    x = minigrad.arange(6.0).reshape(2, 3).T
    assert x.clone().tolist() == x.tolist()
