"""The stack: its layers, and how its weights are drawn."""
import math

import pytest

import minigrad
from minigrad import nn
from minigrad.gradflow.stack import ACTIVATIONS, deep_stack


def linears(model):
    return [m for m in model if isinstance(m, nn.Linear)]


def test_depth_counts_the_layers_with_an_activation():
    model = deep_stack(3, 8, "tanh", inputs=5, classes=2)
    assert [type(m).__name__ for m in model] == ["Linear", "Tanh"] * 3 + ["Linear"]
    assert [(m.in_features, m.out_features) for m in linears(model)] == [(5, 8), (8, 8), (8, 8), (8, 2)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_runs(activation):
    out = deep_stack(2, 6, activation)(minigrad.randn(3, 64))
    assert out.shape == (3, 10)


# The variance of each weight of an (out, in) matrix: 2 / (in + out) and 2 / in, from the papers.
@pytest.mark.parametrize("init, variance", [
    ("xavier_normal", 2 / (300 + 200)), ("xavier_uniform", 2 / (300 + 200)), ("kaiming_normal", 2 / 300),
    ("kaiming_uniform", 2 / 300), ("normal:0.5", 0.25), ("normal:0", 0.0),
])
def test_initial_weights(init, variance):
    minigrad.manual_seed(1)
    layer = linears(deep_stack(1, 200, "relu", init, inputs=300))[0]
    weight = layer.weight.detach().numpy().astype(float)
    # 60,000 draws: the variance of normal ones is known to sqrt(2 / 60000) = 0.6%, at three sigma 1.7%.
    assert weight.var() == pytest.approx(variance, rel=0.018)
    assert abs(weight.mean()) <= 4 * math.sqrt(variance / 60000)
    if "uniform" in init:
        assert abs(weight).max() <= math.sqrt(3 * variance) * (1 + 1e-6)
    assert not layer.bias.detach().numpy().any()


def test_default_leaves_what_linear_draws():
    minigrad.manual_seed(1)
    layer = linears(deep_stack(1, 200, "relu", "default", inputs=300))[0]
    bound = 1 / math.sqrt(300)
    for drawn in (layer.weight, layer.bias):
        assert 0.9 * bound < abs(drawn.detach().numpy()).max() <= bound * (1 + 1e-6)


def test_a_seed_repeats_the_weights():
    drawn = []
    for seed in (5, 5, 6):
        minigrad.manual_seed(seed)
        drawn.append(deep_stack(2, 4)[0].weight.detach().numpy().copy())
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()


@pytest.mark.parametrize("arguments, message", [
    ({"depth": 0}, "depth must be at least 1, got 0"), ({"width": -1}, "width must be at least 1"),
    ({"activation": "step"}, "unknown activation 'step'; there are sigmoid, tanh"),
    ({"init": "zeros"}, "unknown init 'zeros'; there are xavier_normal"), ({"init": "normal"}, "unknown init 'normal'"),
    ({"init": "normal:x"}, "STD must be a number"), ({"init": "normal:-1"}, "STD must be a number"),
    ({"init": "normal:nan"}, "STD must be a number"), ({"init": "normal:inf"}, "STD must be a number"),
])
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        deep_stack(**{"depth": 2, "width": 4, **arguments})
