"""Pooling: ties, NaN, indices, and what it refuses."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F


@pytest.mark.parametrize("options", [
    {"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 2, "dilation": 2, "stride": 1},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True}])
@pytest.mark.parametrize("shape", [(2, 3, 7), (3, 7), (2, 3, 6, 7), (3, 6, 7)])
def test_indices_are_pytorchs(torch, rng, shape, options):
    """Small integers, so that many are equal: the first one wins."""
    name = "max_pool1d" if shape[-2] == 3 else "max_pool2d"
    x = rng.integers(0, 3, shape).astype("float64")
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, i = getattr(F, name)(a, return_indices=True, **options)
    z, j = getattr(torch.nn.functional, name)(b, return_indices=True, **options)
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    np.testing.assert_array_equal(i.numpy(), j.numpy())
    y.sum().backward(), z.sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())
    assert i.dtype == "int64"


@pytest.mark.parametrize("outs", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(2, 3, 7), (3, 7), (2, 3, 6, 7), (3, 6, 7)])
def test_adaptive_indices_are_pytorchs(torch, rng, shape, outs):
    name = "adaptive_max_pool1d" if shape[-2] == 3 else "adaptive_max_pool2d"
    x = rng.integers(0, 3, shape).astype("float64")
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, i = getattr(F, name)(a, outs, return_indices=True)
    z, j = getattr(torch.nn.functional, name)(b, outs, return_indices=True)
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    np.testing.assert_array_equal(i.numpy(), j.numpy())
    y.sum().backward(), z.sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


AWKWARD = {
    "several NaNs": np.where(np.isin(np.arange(16), (1, 2, 4, 7, 8, 13)), math.nan, np.arange(16) % 5),
    "nothing but -inf": np.full(16, -math.inf), "-inf and one number": np.where(np.arange(16) == 10, 1.0, -math.inf),
    "inf": np.where(np.arange(16) % 5 == 0, math.inf, 0.0),
}


@pytest.mark.parametrize("options", [
    {"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": (3, 2), "stride": 1, "padding": 1, "dilation": (1, 2)}, {"kernel_size": 4, "padding": (2, 1)},
    {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}], ids=str)
@pytest.mark.parametrize("values", AWKWARD)
def test_awkward_values_are_found_where_pytorch_finds_them(torch, values, options):
    x = AWKWARD[values].reshape(1, 1, 4, 4)
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, i = F.max_pool2d_with_indices(a, **options)
    z, j = torch.nn.functional.max_pool2d_with_indices(b, **options)
    np.testing.assert_array_equal(i.numpy(), j.numpy())
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    y.backward(minigrad.ones_like(y)), z.backward(torch.ones_like(z))
    np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


@pytest.mark.parametrize("options", [
    {"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}])
@pytest.mark.parametrize("dims", [1, 2])
def test_values_are_the_same_where_no_gradient_is_wanted(rng, dims, options):
    """Then places are not searched for."""
    pool = getattr(F, f"max_pool{dims}d")
    x = rng.standard_normal((2, 3, 7, 6)[: dims + 2])
    x[0, 0] = math.nan
    recorded = pool(minigrad.tensor(x, requires_grad=True), **options)
    with minigrad.no_grad():
        unrecorded = pool(minigrad.tensor(x, requires_grad=True), **options)
    plain = pool(minigrad.tensor(x), **options)
    assert recorded.requires_grad and not unrecorded.requires_grad and not plain.requires_grad
    for y in (unrecorded, plain, getattr(F, f"max_pool{dims}d_with_indices")(minigrad.tensor(x), **options)[0]):
        assert y.is_contiguous()
        np.testing.assert_array_equal(y.numpy(), recorded.detach().numpy())


def test_a_pixel_that_is_the_largest_of_several_windows_gets_all_their_gradients():
    x = minigrad.tensor([[[0.0, 5.0, 1.0, 2.0]]], requires_grad=True)
    y = F.max_pool1d(x, 3, 1)
    y.backward(minigrad.tensor([[[1.0, 10.0]]]))
    assert x.grad.tolist() == [[[0.0, 11.0, 0.0, 0.0]]]


def test_halves_add_up_in_single_precision():
    """2048 + 1 is 2048 in halves, however often."""
    x = minigrad.tensor([[[0.0, 0, 0, 0, 1, 0, 0, 0, 0]]], dtype="float16", requires_grad=True)
    F.max_pool1d(x, 5, 1).backward(minigrad.tensor([[[2048.0, 1, 1, 1, 1]]], dtype="float16"))
    assert x.grad[0, 0, 4].item() == 2052 and x.grad.dtype == "float16"


def test_nan_is_the_largest_and_stays_in_its_window():
    x = minigrad.tensor([[[1.0, math.nan, 3.0, 4.0]]], requires_grad=True)
    y = F.max_pool1d(x, 2)
    y.sum().backward()
    assert math.isnan(y[0, 0, 0].item()) and y[0, 0, 1].item() == 4 and x.grad.tolist() == [[[0, 1, 0, 1]]]
    for pool in (lambda x: F.avg_pool1d(x, 2), lambda x: F.adaptive_avg_pool1d(x, 2)):
        assert np.isnan(pool(x.detach()).numpy()).tolist() == [[[True, False]]]


def test_padding_is_never_the_largest():
    assert F.max_pool1d(minigrad.full((1, 1, 4), -5.0), 3, 1, 1).tolist() == [[[-5.0] * 4]]


def test_adaptive_means_longhand(rng):
    x = rng.standard_normal((1, 1, 7))
    expected = [x[0, 0, 0:3].mean(), x[0, 0, 2:5].mean(), x[0, 0, 4:7].mean()]  # floor(7 i / 3), ceil(7 (i + 1) / 3)
    np.testing.assert_allclose(F.adaptive_avg_pool1d(minigrad.tensor(x), 3).numpy()[0, 0], expected, rtol=1e-12)


def test_modules_return_indices():
    y, i = nn.MaxPool2d(2, return_indices=True)(minigrad.tensor([[[1.0, 2.0], [4.0, 3.0]]]))
    assert y.item() == 4 and i.item() == 2
    assert nn.AdaptiveMaxPool1d(1, return_indices=True)(minigrad.tensor([[1.0, 2.0, 0.0]]))[1].item() == 1


@pytest.mark.parametrize(("make", "message"), [
    (lambda: nn.MaxPool2d(0), "MaxPool2d: kernel_size must be 1 or more"), (lambda: nn.MaxPool1d(2, 0), "stride"),
    (lambda: nn.MaxPool1d(2, padding=2), "padding 2 is more than half of kernel_size 2"),
    (lambda: nn.AvgPool2d((2, 2, 2)), "AvgPool2d: kernel_size must be a whole number or 2 of them"),
    (lambda: nn.AvgPool1d(3, padding=-1), "padding must be 0 or more"), (lambda: nn.MaxPool2d(2, dilation=0), "dilation"),
    (lambda: nn.AdaptiveAvgPool2d((0, 2)), "AdaptiveAvgPool2d: output_size must be 1 or more"),
])
def test_constructors_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_forward_refuses():
    with pytest.raises(ValueError, match=r"windows of \(3, 3\) do not fit an input of shape \(1, 2, 2, 5\)"):
        nn.MaxPool2d(3)(minigrad.ones(1, 2, 2, 5))
    with pytest.raises(ValueError, match=r"max_pool2d takes inputs \(N, C, H, W\) or \(C, H, W\), not of shape \(4, 4\)"):
        nn.MaxPool2d(2)(minigrad.ones(4, 4))
    with pytest.raises(TypeError, match="avg_pool1d: the input must be floating point, not int64"):
        nn.AvgPool1d(2)(minigrad.ones(1, 2, 4, dtype="int64"))
    with pytest.raises(ValueError, match="divisor_override"):
        F.avg_pool2d(minigrad.ones(1, 2, 4, 4), 2, divisor_override=0)
    with pytest.raises(ValueError, match=r"nothing to pool in an input of shape \(1, 2, 0\)"):
        F.adaptive_avg_pool1d(minigrad.ones(1, 2, 0), 2)


def test_an_empty_batch_gives_an_empty_batch():
    assert nn.MaxPool2d(2)(minigrad.ones(0, 3, 4, 4)).shape == (0, 3, 2, 2)
    assert nn.AdaptiveAvgPool2d(1)(minigrad.ones(0, 3, 4, 4)).shape == (0, 3, 1, 1)


def test_pooling_on_every_device(rng, device):
    x = rng.standard_normal((2, 3, 5, 6))
    for pool in (nn.MaxPool2d(2, return_indices=True), nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.AdaptiveAvgPool2d((2, 4)),
                 nn.AdaptiveMaxPool2d(3), nn.Upsample(scale_factor=1.5, mode="bilinear"), nn.Upsample(size=4)):
        y, expected = pool(minigrad.tensor(x, device=device)), pool(minigrad.tensor(x))
        for ours, other in zip(*(t if isinstance(t, tuple) else (t,) for t in (y, expected))):
            np.testing.assert_allclose(ours.cpu().numpy(), other.numpy(), rtol=1e-12)
