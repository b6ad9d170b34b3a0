"""Residual and Highway, longhand in NumPy. (Outputs and gradients against PyTorch: rows_blocks.py.)"""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_residual_longhand(rng):
    """y = x + W x + b, and dL/dx = g + W^T g."""
    layer = nn.Residual(nn.Linear(3, 3, dtype="float64"))
    w, b = layer.body.weight.numpy(force=True), layer.body.bias.numpy(force=True)
    x, g = rng.standard_normal((2, 5, 3))
    a = minigrad.tensor(x, requires_grad=True)
    y = layer(a)
    y.backward(minigrad.tensor(g))
    np.testing.assert_allclose(y.detach().numpy(), x + x @ w.T + b, rtol=1e-13)
    np.testing.assert_allclose(a.grad.numpy(), g + g @ w, rtol=1e-13)
    np.testing.assert_allclose(layer.body.weight.grad.numpy(), g.T @ x, rtol=1e-12)


def test_residual_with_a_projection(rng):
    layer = nn.Residual(nn.Linear(3, 2, dtype="float64"), nn.Linear(3, 2, bias=False, dtype="float64"))
    assert list(layer.state_dict()) == ["body.weight", "body.bias", "projection.weight"]
    x = rng.standard_normal((4, 3))
    w, b, p = (value.numpy() for value in layer.state_dict().values())
    np.testing.assert_allclose(layer(minigrad.tensor(x)).numpy(force=True), x @ p.T + x @ w.T + b, rtol=1e-13)


def test_residual_of_nothing_learned_is_the_identity():
    layer = nn.Residual(nn.Linear(3, 3))
    nn.init.zeros_(layer.body.weight), nn.init.zeros_(layer.body.bias)
    x = minigrad.randn(2, 3)
    assert layer(x).tolist() == x.tolist() and layer(minigrad.zeros(0, 3)).shape == (0, 3)
    assert list(layer.state_dict()) == ["body.weight", "body.bias"] and layer.projection is None


def test_a_gradient_crosses_a_hundred_residual_blocks(rng):
    """Along the shortcut, where a stack of the same bodies alone loses it."""
    bodies = [nn.Sequential(nn.Linear(8, 8), nn.Tanh()) for _ in range(100)]

    def size_of_gradient(layers):
        x = minigrad.tensor(rng.standard_normal((4, 8)), dtype="float32", requires_grad=True)
        nn.Sequential(*layers)(x).sum().backward()
        return np.abs(x.grad.numpy()).mean()

    assert size_of_gradient(bodies) < 1e-20 and size_of_gradient(map(nn.Residual, bodies)) > 1e-2


def test_highway_longhand(rng):
    """Srivastava et al. 2015, eq. 3, and its derivative with respect to x."""
    layer = nn.Highway(3, nn.Tanh(), dtype="float64")
    w, b, v, c = (layer.state_dict()[f"{name}.{part}"].numpy() for name in ("hidden", "gate") for part in
                  ("weight", "bias"))
    x, g = rng.standard_normal((2, 5, 3))
    a = minigrad.tensor(x, requires_grad=True)
    y = layer(a)
    y.backward(minigrad.tensor(g))
    h, t = np.tanh(x @ w.T + b), sigmoid(x @ v.T + c)
    np.testing.assert_allclose(y.detach().numpy(), t * h + (1 - t) * x, rtol=1e-13)
    expected = g * (1 - t) + (g * t * (1 - h * h)) @ w + (g * (h - x) * t * (1 - t)) @ v
    np.testing.assert_allclose(a.grad.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("gate_bias", [-2.0, -1.0, -10.0, 0.0])
def test_highways_gate_starts_at_its_bias(gate_bias):
    layer = nn.Highway(4) if gate_bias == -2.0 else nn.Highway(4, gate_bias=gate_bias)
    assert layer.gate.bias.tolist() == [gate_bias] * 4
    with minigrad.no_grad():
        layer.gate.bias += 5
        before = layer.hidden.weight.tolist(), layer.gate.weight.tolist()
    layer.reset_parameters()
    assert layer.gate.bias.tolist() == [gate_bias] * 4
    assert layer.hidden.weight.tolist() != before[0] and layer.gate.weight.tolist() != before[1]
    y = layer(minigrad.zeros(1, 4))  # nothing to carry: the gate's share of the activation of the bias
    expected = sigmoid(gate_bias) * np.maximum(layer.hidden.bias.numpy(force=True), 0)
    np.testing.assert_allclose(y.numpy(force=True)[0], expected, rtol=1e-5, atol=1e-9)


def test_a_closed_gate_carries_the_input_and_an_open_one_does_not():
    x = minigrad.tensor([[1e8, -3.0]])
    layer = nn.Highway(2)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    nn.init.constant_(layer.hidden.bias, 0.5)
    nn.init.constant_(layer.gate.bias, -200.0)
    assert layer(x).tolist() == x.tolist()
    nn.init.constant_(layer.gate.bias, 200.0)
    assert layer(x).tolist() == [[0.5, 0.5]]


def test_they_read_like_modules():
    assert repr(nn.Highway(2)).startswith("Highway(\n  gate_bias=-2.0\n  (hidden): Linear(in_features=2")
    assert repr(nn.Residual(nn.ReLU(), nn.Tanh())) == "Residual(\n  (body): ReLU()\n  (projection): Tanh()\n)"


BAD = [
    (lambda: nn.Residual(minigrad.tanh), TypeError, "^Residual takes Modules, not function"),
    (lambda: nn.Residual(nn.Tanh(), 3), TypeError, "^Residual takes Modules, not int"),
    (lambda: nn.Residual(nn.Linear(3, 2))(minigrad.ones(4, 3)), ValueError,
     r"^Residual: of an input of shape \(4, 3\), the body makes \(4, 2\) and the shortcut \(4, 3\); .*projection"),
    (lambda: nn.Residual(nn.Linear(3, 1))(minigrad.ones(4, 3)), ValueError, r"the body makes \(4, 1\)"),
    (lambda: nn.Residual(nn.Linear(3, 2), nn.Linear(3, 1))(minigrad.ones(4, 3)), ValueError, r"shortcut \(4, 1\)"),
    (lambda: nn.Highway(-1), ValueError, "^Highway: features must be 0 or more, got -1"),
    (lambda: nn.Highway(2, gate_bias=1.0), ValueError, "^Highway: gate_bias .* got 1.0"),
    (lambda: nn.Highway(2, gate_bias=math.nan), ValueError, "^Highway: gate_bias .* got nan"),
    (lambda: nn.Highway(2, minigrad.tanh), TypeError, "^Highway: activation must be a Module, not function"),
    (lambda: nn.Highway(2)(minigrad.ones(3, 4)), ValueError, r"\(3, 4\) .* \(2, 2\)"),
]


@pytest.mark.parametrize(("use", "error", "message"), BAD)
def test_bad_input(use, error, message):
    with pytest.raises(error, match=message):
        use()
