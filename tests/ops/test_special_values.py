"""Zeros, infinities, NaN, ties, the huge and the tiny: values and gradients as PyTorch, and not a word from NumPy."""
import numpy as np
import pytest

import minigrad

from .sample import TorchNames

POINTS = [0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, 3, np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-40, -1e-40, 20, -20, 21,
          88, -88, 100, -100, 700, -700, 4, 6]
TOLERANCE = {"float32": {"rtol": 1e-5, "atol": 1e-7}, "float64": {"rtol": 1e-10, "atol": 1e-12}}
in_both_precisions = pytest.mark.parametrize("dtype", TOLERANCE)

# Where PyTorch is of another mind, or of two: (what, "value" or "gradient").
SWALLOWS_NAN = {("abs", "gradient"), ("sign", "value"), ("elu",
    "gradient")}  # a number in PyTorch, so that a NaN goes unseen
ROOT = {("pow 0.5", "value"), ("pow 0.5", "gradient"), ("pow -0.5", "value"),
        ("pow -0.5", "gradient")}  # of -0 and -inf: PyTorch takes sqrt, we C's pow

UNARY = {
    **{name: (lambda m, x, name=name: getattr(m, name)(x)) for name in (
        "neg", "abs", "exp", "log", "log1p", "expm1", "sqrt", "rsqrt", "reciprocal", "sin", "cos", "tan", "tanh",
        "sigmoid", "relu", "erf", "sign",
        "floor", "ceil", "round", "trunc", "logsigmoid", "softplus", "leaky_relu", "elu", "silu")},
    "clamp": lambda m, x: m.clamp(x, -1, 1),
    **{f"pow {e}": (lambda m, x, e=e: x**e) for e in (0, 1, 3, -1, -2, 0.5, -0.5, 1.5)},
    **{f"{b} pow": (lambda m, x, b=b: b**x) for b in (1, 2, 0.5, -2.0)},
}  # fmt: skip
BINARY = {
    **{name: (lambda m, a, b, name=name: getattr(m, name)(a, b)) for name in ("div", "maximum", "minimum", "remainder",
        "pow", "floor_divide")},
    "div_floor": lambda m, a, b: m.div(a, b, rounding_mode="floor"),
    "div_trunc": lambda m, a, b: m.div(a, b, rounding_mode="trunc"),
}


def compare(name, function, arrays, dtype, torch):
    xs = [minigrad.tensor(a, requires_grad=True) for a in arrays]
    ts = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]
    y, z = function(minigrad, *xs), function(TorchNames(torch), *ts)
    near = TOLERANCE[dtype]
    compared = np.ones(y.shape, bool)
    if (name, "value") in SWALLOWS_NAN:
        compared &= ~np.isnan(arrays[0])
    if (name, "value") in ROOT:
        compared &= ~(np.signbit(arrays[0]) & ((arrays[0] == 0) | np.isinf(arrays[0])))
    if name == "remainder":  # by a subnormal float32 PyTorch's is NaN
        compared &= (np.abs(arrays[1]) > 1e-38) | (arrays[1] == 0)
    np.testing.assert_allclose(y.numpy(force=True)[compared], z.detach().numpy()[compared], **near)
    if not y.requires_grad:
        return
    y.backward(minigrad.ones_like(y))
    z.backward(torch.ones_like(z))
    if (name, "gradient") in SWALLOWS_NAN:
        compared &= ~np.isnan(arrays[0])
    for x, t in zip(xs, ts):
        np.testing.assert_allclose(x.grad.numpy()[compared], t.grad.numpy()[compared], **near)


@in_both_precisions
@pytest.mark.parametrize("name", UNARY)
def test_unary(name, dtype, torch):
    compare(name, UNARY[name], [np.array(POINTS, dtype)], dtype, torch)


@in_both_precisions
@pytest.mark.parametrize("name", BINARY)
def test_binary(name, dtype, torch):
    """All pairs of points, equal ones among them."""
    pairs = np.meshgrid(np.array(POINTS, dtype), np.array(POINTS, dtype))
    compare(name, BINARY[name], [np.ascontiguousarray(p) for p in pairs], dtype, torch)


@in_both_precisions
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu(approximate, dtype, torch):
    """Not at the infinities, where PyTorch says inf or NaN according to the precision."""
    finite = np.array([p for p in POINTS if not np.isinf(p)], dtype)
    compare("gelu", lambda m, x: m.gelu(x, approximate=approximate), [finite], dtype, torch)


ACTIVATIONS = {
    **{name: (lambda m, x, name=name: getattr(m, name)(x)) for name in (
        "relu", "leaky_relu", "elu", "softplus", "silu", "sigmoid", "tanh", "logsigmoid", "gelu")},
    "gelu tanh": lambda m, x: m.gelu(x, approximate="tanh"),
    "clamp": lambda m, x: m.clamp(x, -1, 1),
}  # fmt: skip


@in_both_precisions
@pytest.mark.parametrize("upstream", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_under_an_upstream_that_is_not_finite(name, upstream, dtype, torch):
    """What is cut off has gradient 0, not 0 * inf; what is NaN has whatever PyTorch gives it."""
    values = np.array([-30, -1, -0.5, -0.0, 0.0, 0.5, 1, 30, np.nan], dtype)
    x, t = minigrad.tensor(values, requires_grad=True), torch.from_numpy(values.copy()).requires_grad_()
    y, z = ACTIVATIONS[name](minigrad, x), ACTIVATIONS[name](TorchNames(torch), t)
    y.backward(minigrad.full(y.shape, upstream, dtype=dtype))
    z.backward(torch.full_like(z, upstream))
    compared = ~np.isnan(values) if (name, "gradient") in SWALLOWS_NAN else np.ones(values.shape, bool)
    np.testing.assert_array_equal(x.grad.numpy()[compared], t.grad.numpy()[compared])


@pytest.mark.parametrize("name", ["sign", "abs", "elu"])
def test_nan_stays_visible(name):
    x = minigrad.tensor([np.nan, 1.0], requires_grad=True)
    y = getattr(minigrad, name)(x)
    assert y.isnan().tolist() == [True, False]
    y.sum().backward()
    assert np.isnan(x.grad.tolist()[0]) == (name != "sign")


@in_both_precisions
@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne", "logical_and", "logical_or", "logical_xor"])
def test_comparisons(name, dtype, torch):
    a, b = (np.ascontiguousarray(p) for p in np.meshgrid(np.array(POINTS, dtype), np.array(POINTS, dtype)))
    ours = getattr(minigrad, name)(minigrad.tensor(a), minigrad.tensor(b)).numpy()
    np.testing.assert_array_equal(ours, getattr(torch, name)(torch.from_numpy(a), torch.from_numpy(b)).numpy())


@in_both_precisions
@pytest.mark.parametrize("rows", [
    [[1.0, np.nan, 2.0]], [[np.inf, 1, 2]], [[-np.inf, 1, 2]], [[-np.inf, -np.inf, -np.inf]], [[np.inf, np.inf, 1]],
    [[np.inf, -np.inf, 0]], [[0.0, 0, 0]],
    [[3.0, 3, 3]], [[1e30, -1e30, 1e30]], [[1e-40, 0, -1e-40]],
])  # fmt: skip
@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "prod", "logsumexp", "softmax", "log_softmax",
    "cumsum", "norm", "max", "min", "argmax", "argmin"])
def test_along_a_row(name, rows, dtype, torch):
    x = minigrad.tensor(rows, dtype=dtype, requires_grad=True)
    # Our norm holds where PyTorch's squares overflow or vanish in float32, so that one is asked in float64.
    t = torch.from_numpy(np.array(rows, dtype).astype("float64" if name == "norm" else dtype)).requires_grad_()
    with np.errstate(over="ignore", invalid="ignore"):  # of the sums: users hear of an overflow there
        y, z = getattr(minigrad, name)(x, dim=1), getattr(torch, name)(t, dim=1)
    if isinstance(y, tuple):
        y, z = y.values, z.values
    np.testing.assert_allclose(y.numpy(force=True), z.detach().numpy(), **TOLERANCE[dtype])
    nan_everywhere = name in ("amax", "amin") and np.isnan(rows).any()  # in PyTorch; ours is as for max and min
    if y.requires_grad and not nan_everywhere:
        upstream = np.linspace(1, 2, y.numel(), dtype=dtype).reshape(y.shape)
        y.backward(minigrad.tensor(upstream))
        z.backward(torch.from_numpy(upstream).to(z.dtype))
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), **TOLERANCE[dtype])
