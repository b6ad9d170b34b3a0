"""Dropout in training: the rate, the scale, and that the gradient uses the same mask."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

ELEMENTWISE = [nn.Dropout, nn.AlphaDropout]
N = 40_000


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_rate_and_scale(p):
    """The number of zeros is binomial: within five standard deviations."""
    minigrad.manual_seed(0)
    x = minigrad.ones(N, requires_grad=True)
    y = nn.Dropout(p)(x)
    y.sum().backward()
    values = y.detach().numpy()
    zeros = (values == 0).sum()
    assert abs(zeros - N * p) < 5 * math.sqrt(N * p * (1 - p))
    np.testing.assert_allclose(values[values != 0], 1 / (1 - p), rtol=1e-6)
    np.testing.assert_array_equal(x.grad.numpy(), values)  # of ones: the gradient is the mask itself


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_alpha_dropout_keeps_mean_and_variance(rng, p):
    minigrad.manual_seed(0)
    x = rng.standard_normal(N)
    a = minigrad.tensor(x, requires_grad=True)
    y = nn.AlphaDropout(p)(a)
    y.sum().backward()
    values, slopes = y.detach().numpy(), a.grad.numpy()
    assert abs(values.mean()) < 0.05 and abs(values.var() - 1) < 0.1
    dropped = slopes == 0
    assert abs(dropped.sum() - N * p) < 5 * math.sqrt(N * p * (1 - p))
    floor = -1.0507009873554805 * 1.6732632423543772  # Klambauer et al. 2017
    scale = ((1 - p) * (1 + p * floor**2)) ** -0.5
    np.testing.assert_allclose(values[dropped], scale * floor * (1 - p), rtol=1e-12)
    np.testing.assert_allclose(values[~dropped], scale * (x[~dropped] - p * floor), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(slopes[~dropped], scale, rtol=1e-12)


@pytest.mark.parametrize(("layer", "shape"), [
    (nn.Dropout1d(0.3), (200, 50, 3)), (nn.Dropout1d(0.3), (9000, 3)), (nn.Dropout2d(0.3), (200, 50, 2, 3)),
    (nn.Dropout2d(0.3), (9000, 2, 3)), (nn.FeatureAlphaDropout(0.3), (200, 50, 2, 2))])
def test_whole_channels_are_dropped(layer, shape):
    minigrad.manual_seed(0)
    x = minigrad.ones(*shape, requires_grad=True)
    layer(x).sum().backward()
    slopes = x.grad.numpy()
    planes = slopes.reshape(9000 if shape[0] == 9000 else 10_000, -1)
    assert (planes == planes[:, :1]).all()
    dropped = (planes[:, 0] == 0).sum()
    assert abs(dropped - len(planes) * 0.3) < 5 * math.sqrt(len(planes) * 0.21)


@pytest.mark.parametrize("make", ELEMENTWISE)
def test_second_derivatives_use_the_same_mask(rng, make):
    layer = make(0.4)

    def loss(x):
        minigrad.manual_seed(3)
        return layer(x * x)

    x = minigrad.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    assert minigrad.gradcheck(loss, (x,)) and minigrad.gradgradcheck(loss, (x,))


@pytest.mark.parametrize("make", [nn.Dropout, nn.AlphaDropout, nn.Dropout1d])
def test_a_seed_gives_the_same_mask_on_every_device(make, device):
    masks = []
    for place in ("cpu", device):
        minigrad.manual_seed(7)
        masks.append(make(0.5)(minigrad.ones(4, 6, 2, device=place)).tolist())
    assert masks[0] == masks[1] and len(set(np.ravel(masks[0]))) == 2
    assert make(0.5)(minigrad.ones(4, 6, 2)).tolist() != masks[0]  # and the next call another


@pytest.mark.parametrize("make", [nn.Dropout, nn.Dropout1d, nn.AlphaDropout])
def test_at_the_ends(make):
    x = minigrad.tensor([[1.0, math.inf, 3.0]])
    assert make(0.0)(x).tolist() == x.tolist()
    assert make(1.0)(minigrad.ones(2, 3)).tolist() == [[0, 0, 0]] * 2
    assert make(0.9).eval()(x).tolist() == x.tolist()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("make", ELEMENTWISE)
def test_the_dtype_stays(make, dtype):
    assert make(0.5)(minigrad.ones(8, dtype=dtype)).dtype == dtype


def test_functions_are_off_and_on_as_in_pytorch():
    x = minigrad.ones(1000)
    assert 0 in F.dropout(x).tolist() and F.dropout(x, training=False).tolist() == x.tolist()
    assert F.alpha_dropout(x).tolist() == x.tolist()


@pytest.mark.parametrize("make", [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_bad_probabilities(make):
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=f"{make.__name__}: p is a probability, from 0 to 1, got {p}"):
            make(p)
    with pytest.raises(TypeError, match=f"{make.__name__}: p must be a number, not '0.5'"):
        make("0.5")


def test_bad_input_draws_no_numbers():
    minigrad.manual_seed(0)
    with pytest.raises(TypeError, match="dropout: the input must be floating point, not int64"):
        nn.Dropout()(minigrad.ones(3, dtype="int64"))
    with pytest.raises(ValueError, match=r"dropout2d takes inputs \(N, C, H, W\) or \(C, H, W\), not of shape \(3, 4\)"):
        nn.Dropout2d()(minigrad.ones(3, 4))
    with pytest.raises(ValueError, match=r"dropout1d takes inputs \(N, C, L\) or \(C, L\), not of shape \(3,\)"):
        nn.Dropout1d()(minigrad.ones(3))
    first = minigrad.rand(1).item()
    minigrad.manual_seed(0)
    assert minigrad.rand(1).item() == first
