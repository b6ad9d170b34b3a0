"""Activations as modules and as functions, against PyTorch."""
import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
# (module, its arguments, function, its arguments)
CASES = [
    ("Tanh", {}, "tanh"), ("Sigmoid", {}, "sigmoid"), ("LogSigmoid", {}, "logsigmoid"), ("Softplus", {}, "softplus"),
    ("Softplus", {"beta": 2.5, "threshold": 3.0}, "softplus"), ("ReLU", {}, "relu"), ("LeakyReLU", {}, "leaky_relu"),
    ("LeakyReLU", {"negative_slope": 0.3}, "leaky_relu"), ("ELU", {}, "elu"), ("ELU", {"alpha": 0.4}, "elu"),
    ("GELU", {}, "gelu"), ("GELU", {"approximate": "tanh"}, "gelu"), ("SiLU", {}, "silu"),
    ("Softmax", {"dim": 0}, "softmax"), ("Softmax", {"dim": -1}, "softmax"), ("LogSoftmax", {"dim": 1}, "log_softmax"),
]
LARGE = [-1e3, -90.0, -25.0, -1.0, -1e-3, 1e-3, 1.0, 19.0, 25.0, 90.0]


def compare(torch, ours, theirs, x, dtype, rng):
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    upstream = rng.standard_normal(y.shape).astype(dtype)
    y.backward(minigrad.tensor(upstream))
    z.backward(torch.tensor(upstream))
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype], "strict": True}
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("module", "options", "function"), CASES)
def test_agrees_with_pytorch(torch, rng, module, options, function, dtype):
    inputs = [rng.standard_normal((3, 4)) * 3, rng.standard_normal((2, 3, 4)), np.array([LARGE, LARGE[::-1]])]
    for x in (x.astype(dtype) for x in inputs):
        ours, theirs = getattr(nn, module)(**options), getattr(torch.nn, module)(**options)
        compare(torch, ours, theirs, x, dtype, rng)
        theirs = getattr(torch.nn.functional, function)
        compare(torch, lambda a: getattr(F, function)(a, **options), lambda b: theirs(b, **options), x, dtype, rng)


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 3, 4, 5)])
@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
def test_default_dim_is_pytorchs(torch, rng, function, shape):
    x = rng.standard_normal(shape)
    theirs = getattr(torch.nn.functional, function.__name__)(torch.tensor(x))
    np.testing.assert_allclose(function(minigrad.tensor(x)).numpy(), theirs.numpy(), rtol=1e-12)
    module = nn.Softmax() if function is F.softmax else nn.LogSoftmax()
    np.testing.assert_allclose(module(minigrad.tensor(x)).numpy(), theirs.numpy(), rtol=1e-12)


def test_softmax_in_another_dtype():
    y = F.softmax(minigrad.tensor([1, 1]), dim=0, dtype=minigrad.float64)
    assert y.dtype == "float64" and y.tolist() == [0.5, 0.5]
    assert F.log_softmax(minigrad.tensor([0.0]), 0, "float64").dtype == "float64"


@pytest.mark.parametrize("module", [nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU])
def test_inplace_changes_no_input(module):
    x = minigrad.tensor([-1.0, 2.0])
    y = module(inplace=True)(x)
    assert x.tolist() == [-1.0, 2.0] and y.tolist() == module()(x).tolist()
    function = {"ReLU": F.relu, "LeakyReLU": F.leaky_relu, "ELU": F.elu, "SiLU": F.silu}[module.__name__]
    assert function(x, inplace=True).tolist() == y.tolist() and x.tolist() == [-1.0, 2.0]


@pytest.mark.parametrize("function", [
    F.tanh, F.sigmoid, F.logsigmoid, F.softplus, F.relu, F.leaky_relu, F.elu, F.gelu, F.silu, F.softmax, F.log_softmax])
@pytest.mark.parametrize("value", [[1.0], 2.0, np.ones(2), None])
def test_only_tensors_are_taken(function, value):
    with pytest.raises(TypeError, match=f"{function.__name__} takes a Tensor, not {type(value).__name__}"):
        function(value)


def test_bad_options():
    with pytest.raises(ValueError, match="'erf'"):
        nn.GELU("erf")
    with pytest.raises(ValueError, match="'erf'"):
        F.gelu(minigrad.ones(1), approximate="erf")
    with pytest.raises(IndexError, match="dim 2"):
        nn.LogSoftmax(dim=2)(minigrad.ones(2, 2))
    with pytest.raises(TypeError, match="int64"):
        F.log_softmax(minigrad.tensor([1, 2]), dim=0)
