"""What samples do not say: erf's precision, corners of powers and division, ties, quiet infinities."""
import math
import warnings

import numpy as np
import pytest

import minigrad
from minigrad import grad

EVERYWHERE = np.concatenate([np.linspace(-6.5, 6.5, 20001), np.geomspace(1e-300, 6, 3000),
    -np.geomspace(1e-300, 6, 3000)])


def test_erf_to_the_last_digits_in_double():
    """Relative, so also where erf(x) is as small as x."""
    expected = np.array([math.erf(x) for x in EVERYWHERE])
    np.testing.assert_allclose(minigrad.erf(minigrad.tensor(EVERYWHERE)).numpy(), expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 4 * 2.0**-23), ("float16", 2.0**-10)])
def test_erf_in_less_precision(dtype, rtol):
    x = EVERYWHERE[np.abs(EVERYWHERE) > 1e-4].astype(dtype)
    y = minigrad.erf(minigrad.tensor(x))
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), np.array([math.erf(v) for v in x.astype(float)]), rtol=rtol, atol=0)


def test_erf_at_the_ends_and_its_symmetry():
    x = minigrad.tensor([np.inf, -np.inf, 0.0, -0.0, 30, -30], dtype="float64")
    y = minigrad.erf(x).numpy()
    assert y.tolist() == [1, -1, 0, 0, 1, -1] and np.signbit(y[3]) and not np.signbit(y[2])
    assert math.isnan(minigrad.erf(minigrad.tensor(np.nan)).item())
    half = minigrad.tensor(np.abs(EVERYWHERE))
    np.testing.assert_array_equal(minigrad.erf(-half).numpy(), -minigrad.erf(half).numpy())


@pytest.mark.parametrize("x", [-600.0, -80.0, -17.0, 0.0, 17.0])
def test_sigmoid_keeps_its_relative_precision_far_below_zero(x):
    """There a saturated gradient lives: 1 / (1 + e^-x) = e^x / (1 + e^x)."""
    expected = math.exp(x) / (1 + math.exp(x))
    assert minigrad.sigmoid(minigrad.tensor(x, dtype="float64")).item() == pytest.approx(expected, rel=1e-14)
    assert minigrad.logsigmoid(minigrad.tensor(x, dtype="float64")).item() == pytest.approx(min(x,
        0) - math.log1p(math.exp(-abs(x))), rel=1e-14)


@pytest.mark.parametrize(("call", "inputs", "expected"), [
    (minigrad.maximum, ([1.0, 2.0], [1.0, 0.0]), ([0.5, 1], [0.5, 0])),
    (minigrad.minimum, ([1.0, 2.0], [1.0, 0.0]), ([0.5, 0], [0.5, 1])),
    (lambda a, b: a.clamp(0, 1) + 0 * b, ([0.0, 1.0], [0.0, 0.0]), ([1, 1], [0, 0])),
    (lambda a, b: minigrad.relu(a) + b.abs(), ([0.0, -0.0], [0.0, -0.0]), ([0, 0], [0, 0])),
])  # fmt: skip
def test_at_kinks_and_ties(call, inputs, expected):
    a, b = (minigrad.tensor(x, requires_grad=True) for x in inputs)
    ga, gb = grad(call(a, b).sum(), [a, b])
    assert (ga.tolist(), gb.tolist()) == expected


def test_a_tie_with_itself_has_the_whole_gradient():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    assert grad(minigrad.maximum(x, x).sum(), x)[0].tolist() == [1, 1]


@pytest.mark.parametrize(("x", "exponent", "value", "slope"), [
    (0.0, 0, 1, 0), (0.0, 1, 0, 1), (0.0, 2, 0, 0), (0.0, 3, 0, 0), (0.0, 0.5, 0, math.inf),
    (0.0, -1, math.inf, -math.inf), (-2.0, 3, -8, 12),
    (-2.0, -2, 0.25, 0.25), (-2.0, 0, 1, 0), (math.nan, 0, 1, 0), (math.inf, 0, 1, 0), (4.0, 0.5, 2, 0.25),
])  # fmt: skip
@pytest.mark.parametrize("as_tensor", [False, True])
def test_powers(x, exponent, value, slope, as_tensor):
    t = minigrad.tensor(x, dtype="float64", requires_grad=True)
    y = t ** (minigrad.tensor(exponent, dtype="float64") if as_tensor else exponent)
    assert y.item() == value
    assert grad(y, t)[0].item() == slope


@pytest.mark.parametrize(("base", "x", "value", "slope"), [
    (0.0, 0.0, 1, 0), (0.0, 2.0, 0, 0), (0.0, -1.0, math.inf, -math.inf), (1.0, 3.0, 1, 0),
    (2.0, 3.0, 8, 8 * math.log(2)), (-2.0, 2.0, 4, math.nan),
])  # fmt: skip
def test_powers_of_numbers(base, x, value, slope):
    t = minigrad.tensor(x, dtype="float64", requires_grad=True)
    y = base**t
    assert y.item() == value
    assert grad(y, t)[0].item() == pytest.approx(slope, rel=1e-15, nan_ok=True)


def test_second_derivative_of_powers_at_zero():
    """x^n has one for every whole n, though n - 2 may be negative."""
    for exponent, expected in ((0, 0), (1, 0), (2, 2), (3, 0)):
        x = minigrad.tensor(0.0, dtype="float64", requires_grad=True)
        (g,) = grad(x**exponent, x, create_graph=True)
        assert g.requires_grad == (exponent > 0)  # of x^0 it is a constant
        h = grad(g, x, materialize_grads=True, allow_unused=True)[0] if exponent else 0
        assert float(h) == expected


def test_whole_division():
    a, b = np.array([7, -7, 7, -7, 0]), np.array([2, 2, -2, -2, 5])
    x, y = minigrad.tensor(a), minigrad.tensor(b)
    assert (x // y).tolist() == [math.floor(p / q) for p, q in zip(a, b)]
    assert minigrad.div(x, y, rounding_mode="floor").tolist() == [math.floor(p / q) for p, q in zip(a, b)]
    assert minigrad.div(x, y, rounding_mode="trunc").tolist() == [math.trunc(p / q) for p, q in zip(a, b)]
    assert (x % y).tolist() == [p - q * math.floor(p / q) for p, q in zip(a, b)]
    assert minigrad.div(x, y, rounding_mode="trunc").dtype == "int64" and (x / y).dtype == "float32"


@pytest.mark.parametrize("call", [lambda a, b: a // b, lambda a, b: a % b, lambda a,
    b: minigrad.div(a, b, rounding_mode="trunc"), lambda a, b: a // 0, lambda a, b: 7 % b])
def test_integers_by_zero_raise(call):
    """As in Python and PyTorch; NumPy says 0."""
    with pytest.raises(ZeroDivisionError, match="an integer is divided by 0"):
        call(minigrad.tensor([1, 2]), minigrad.tensor([1, 0]))


def test_floor_division_has_no_graph_and_says_so():
    x = minigrad.tensor([3.0, 5.0], requires_grad=True)
    y = x // 2
    assert not y.requires_grad
    with pytest.raises(RuntimeError, match="has no graph"):
        y.sum().backward()


def test_alpha_is_taken_in_the_dtype_of_the_result():
    """alpha * other in float32 would lose the eighth digit."""
    x, y = minigrad.tensor([0.0], dtype="float64"), minigrad.tensor([123456789])
    assert minigrad.add(x, y, alpha=0.5).item() == 61728394.5
    assert minigrad.sub(x, y, alpha=0.5).item() == -61728394.5
    assert minigrad.add(minigrad.tensor([1], dtype="uint8"), 2, alpha=3).tolist() == [7]


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "sqrt", "rsqrt", "reciprocal", "tan", "sigmoid", "logsigmoid",
    "softplus", "silu", "gelu", "elu", "erf", "expm1", "sin"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_infinities_met_by_right_make_no_noise(name, dtype):
    """Forward and backward, on arrays and on Tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = minigrad.tensor([0.0, -1.0, np.inf, -np.inf, np.nan, 60000, -60000], dtype=dtype, requires_grad=True)
        y = getattr(minigrad, name)(x)
        (g,) = grad(y.sum() if dtype == "float64" else y[:2].sum(), x, create_graph=True)
        if g.requires_grad:
            grad(g[:2].sum(), x, materialize_grads=True)
        assert y.dtype == g.dtype == dtype


def test_gelu_by_tanh_in_halves_far_from_zero():
    x = minigrad.tensor([60000.0, 300, 42, 0, -42, -300, -60000], dtype="float16", requires_grad=True)
    y = minigrad.gelu(x, approximate="tanh")
    assert y.dtype == "float16" and y.tolist() == [60000, 300, 42, 0, 0, 0, 0]
    (g,) = grad(y.sum(), x)
    assert g.dtype == "float16" and g.tolist() == [1, 1, 1, 0.5, 0, 0, 0]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("decimals", [0, 1, 3, -1, -2])
def test_round_to_decimals(decimals, dtype, torch):
    values = np.array([0.25, 0.35, -1.2345, 15.0, 25.0, -149.0, 250.0, 0.0, np.inf, np.nan], dtype)
    x = minigrad.tensor(values, requires_grad=True)
    y = minigrad.round(x, decimals=decimals)
    expected = torch.round(torch.from_numpy(values), decimals=decimals).numpy()
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.numpy(force=True), expected)
    np.testing.assert_array_equal(x.round(decimals=decimals).numpy(force=True), expected)
    assert grad(y.sum(), x)[0].tolist() == [0] * len(values)


def test_round_of_integers():
    x = minigrad.tensor([15, 26])
    assert x.round().tolist() == x.round(decimals=2).tolist() == [15, 26] and x.round().dtype == "int64"
    with pytest.raises(TypeError, match="round: -1 decimals need floating-point values, got dtype int64"):
        x.round(decimals=-1)
