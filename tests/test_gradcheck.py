"""gradcheck finds wrong gradients of every kind, and passes right ones."""
import numpy as np
import pytest

import minigrad
from minigrad import gradcheck, gradgradcheck, op


def double(*values):
    return minigrad.tensor(list(values), dtype="float64", requires_grad=True)


cube = op(lambda x: x * x * x, lambda g, _y, x: g * 3 * x * x, name="right cube")
wrong_factor = op(lambda x: x * x * x, lambda g, _y, x: g * 2 * x * x, name="wrong factor")
wrong_sign = op(lambda a, b: a - b, lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g, name="wrong sign")
deaf = op(lambda x: x * x, lambda g, _y, x: x + x, name="deaf to its upstream gradient")
not_a_number = op(lambda x: x * x, lambda g, _y, x: g * np.nan, name="nan")
wrong_at_one_place = op(lambda x: x * x, lambda g, _y, x: g * (2 * x + (x == 2)), name="wrong at one place")
# Right at first order; its vjp as a function of x is not differentiated rightly: the factor 2x is taken for a constant.
wrong_second = op(lambda x: x * x, lambda g, _y, x: g * 2 * getattr(x, "detach", lambda: x)(), name="wrong second")


def test_right_gradients_pass():
    assert gradcheck(cube, double(0.5, -1, 2)) and gradgradcheck(cube, double(0.5, -1, 2))
    assert gradcheck(lambda x, y: [x @ y, x.sum() * y], (double(1, 2), double(3, 4)))
    assert gradgradcheck(lambda x, y: [x @ y, x.sum() * y], (double(1, 2), double(3, 4)))


@pytest.mark.parametrize("function", [wrong_factor, deaf, not_a_number])
def test_wrong_gradients_fail(function):
    with pytest.raises(RuntimeError, match=r"gradcheck: input 0 \(shape \(2,\)\), element \(\d,\): backward gives .*"):
        gradcheck(function, double(0.5, 2))
    assert gradcheck(function, double(0.5, 2), raise_exception=False) is False


def test_the_input_and_the_element_are_named():
    with pytest.raises(RuntimeError, match=r"input 1 "):
        gradcheck(wrong_sign, (double(0.5, 2), double(1, 1)))
    with pytest.raises(RuntimeError, match=r"element \(1,\)"):
        gradcheck(wrong_at_one_place, double(0.5, 2, 3))


def test_a_missing_gradient_fails():
    with pytest.raises(RuntimeError, match="backward gives"):
        gradcheck(lambda x: x * x.detach(), double(1, 2))
    with pytest.raises(RuntimeError, match="backward gives 0"):
        gradcheck(lambda x: x.detach() * 2, double(1, 2))


def test_wrong_second_derivatives_fail_only_at_second_order():
    assert gradcheck(wrong_second, double(0.5, 2))
    with pytest.raises(RuntimeError, match="gradcheck: input 0"):
        gradgradcheck(wrong_second, double(0.5, 2))


def test_inputs_without_gradient_are_left_alone():
    assert gradcheck(lambda x, n, i: x[i] * n, (double(1, 2), 3, minigrad.tensor([0, 1, 1])))


def test_bad_input():
    with pytest.raises(TypeError, match="input 0 is float32; differences need float64"):
        gradcheck(cube, minigrad.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match="no input requires gradients"):
        gradcheck(cube, minigrad.ones(2, dtype="float64"))


def test_nothing_is_left_behind():
    """No gradient in the inputs, whose values are as before."""
    x = double(1, 2)
    gradcheck(cube, x)
    gradgradcheck(cube, x)
    assert x.grad is None and x.tolist() == [1, 2]


def test_empty_and_0d_inputs():
    assert gradcheck(cube, minigrad.zeros(0, dtype="float64", requires_grad=True))
    assert gradcheck(cube, minigrad.tensor(2.0, dtype="float64", requires_grad=True))
    with pytest.raises(RuntimeError, match=r"element \(\)"):
        gradcheck(wrong_factor, minigrad.tensor(2.0, dtype="float64", requires_grad=True))


@pytest.mark.parametrize("function", [lambda x: 3, lambda x: x > 0])
def test_nothing_to_check_is_an_error(function):
    with pytest.raises(ValueError, match="returns no floating-point tensor"):
        gradcheck(function, minigrad.ones(2).double().requires_grad_())
