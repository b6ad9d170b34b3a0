"""Convolution, transposed convolution and resizing: what the table of layers does not reach, and what they refuse."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.ops import convolution


def longhand(x, w, stride, padding, dilation):
    """One product after the other: images (N, C, H, W), kernels (O, C, KH, KW)."""
    (n, c, h, v), (o, _, kh, kv) = x.shape, w.shape
    outs = [(m + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for m, k in ((h, kh), (v, kv))]
    y = np.zeros((n, o, *outs))
    for i in np.ndindex(*y.shape):
        for k in np.ndindex(c, kh, kv):
            row, column = (i[2 + d] * stride + k[1 + d] * dilation - padding for d in (0, 1))
            if 0 <= row < h and 0 <= column < v:
                y[i] += x[i[0], k[0], row, column] * w[i[1], *k]
    return y


def test_convolution_longhand(rng):
    x, w = rng.standard_normal((2, 3, 5, 6)), rng.standard_normal((4, 3, 3, 2))
    for stride, padding, dilation in ((1, 0, 1), (2, 1, 1), (1, 2, 2), (3, 0, 1)):
        y = F.conv2d(minigrad.tensor(x), minigrad.tensor(w), None, stride, padding, dilation)
        np.testing.assert_allclose(y.numpy(), longhand(x, w, stride, padding, dilation), rtol=1e-12)


def test_transposed_convolution_is_the_adjoint(rng):
    """<conv(x), y> = <x, conv_transpose(y)>."""
    w = minigrad.tensor(rng.standard_normal((4, 3, 3, 2)))
    x, y = (minigrad.tensor(rng.standard_normal(s)) for s in ((2, 3, 7, 8), (2, 4, 3, 4)))
    forth, back = F.conv2d(x, w, stride=2), F.conv_transpose2d(y, w, stride=2, output_padding=0)
    assert forth.shape == y.shape and back.shape == x.shape
    assert (forth * y).sum().item() == pytest.approx((x * back).sum().item(), rel=1e-12)


PATHS = [  # (channels in, out, kernel, options): each is computed in another way
    (2, 3, (3, 3), {"padding": 1}),  # the gradient of the input as a convolution of the upstream one
    (2, 3, (3, 2), {"padding": (2, 0), "dilation": 2}),
    (4, 6, (2, 3), {"padding": (0, 1), "groups": 2}), (2, 3, (2, 4), {"padding": "same"}),  # more of it on the right
    (2, 3, (1, 1), {"padding": 1}), (2, 3, (3, 3), {"padding": 3}),  # padding wider than the kernel reaches
    (1, 6, (3, 3), {"padding": 1}),  # many more channels out than in
    (2, 3, (3, 3), {"stride": 2}), (2, 3, (2, 2), {"stride": (3, 1), "padding": 1}),  # rows that no window sees
    (2, 3, (1, 1), {}), (4, 6, (1, 1), {"groups": 2}), (2, 3, (1, 1), {"stride": 2}),  # one pixel
    (3, 6, (3, 3), {"groups": 3, "padding": 1}), (3, 3, (2, 2), {"groups": 3, "stride": 2}),  # a kernel a channel
]  # fmt: skip


def in_bands(monkeypatch):
    """Columns of one row of outputs at a time."""
    monkeypatch.setattr(convolution, "_LIMIT_ON_HOST", 1)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("bands", [False, True], ids=["whole", "in bands"])
@pytest.mark.parametrize(("c", "o", "kernel", "options"), PATHS)
def test_every_way_to_compute_it_agrees_with_pytorch(torch, rng, monkeypatch, bands, c, o, kernel, options):
    if bands:
        in_bands(monkeypatch)
    shapes = (2, c, 7, 6), (o, c // options.get("groups", 1), *kernel), (o,)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    ours = [minigrad.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = F.conv2d(*ours, **options), torch.nn.functional.conv2d(*theirs, **options)
    assert y.is_contiguous()
    g = rng.standard_normal(y.shape)
    y.backward(minigrad.tensor(g)), z.backward(torch.tensor(g))
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-12, atol=1e-12)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("options", [{"padding": 1}, {"stride": 2, "padding": 1, "groups": 2}])
def test_second_derivatives_in_bands(rng, monkeypatch, options):
    in_bands(monkeypatch)
    x, w = rng.standard_normal((1, 2, 4, 3)), rng.standard_normal((2, 2 // options.get("groups", 1), 2, 3))
    inputs = [minigrad.tensor(a, requires_grad=True) for a in (x, w)]
    assert minigrad.gradgradcheck(lambda x, w: F.conv2d(x, w, **options), inputs)


def test_columns_stay_within_their_limit(rng, monkeypatch):
    sizes = []
    columns = convolution._columns
    monkeypatch.setattr(convolution, "_columns", lambda *args: sizes.append((c := columns(*args)).size) or c)
    monkeypatch.setattr(convolution, "_LIMIT_ON_HOST", 3 * 9 * 8 * 2 * 4)  # of a row 3 * 9 * 8 * 2, so four rows
    x = minigrad.tensor(rng.standard_normal((2, 3, 8, 8)), requires_grad=True)
    F.conv2d(x, minigrad.ones(3, 3, 3, 3, dtype="float64", requires_grad=True), padding=1).sum().backward()
    assert sizes == [3 * 9 * 8 * 2 * 4] * 2 * 3  # two bands for the result and for either gradient


def test_no_input_is_written_to_when_it_lies_batch_last_already(rng):
    """Then its memory is used as it is."""
    x = minigrad.Tensor.of(rng.standard_normal((3, 4, 4, 2)).transpose(3, 0, 1, 2)).requires_grad_()
    before, w = x.detach().numpy().copy(), minigrad.tensor(rng.standard_normal((5, 3, 3, 3)), requires_grad=True)
    for padding in (0, 1):
        y = F.conv2d(x, w, padding=padding)
        y.backward(minigrad.ones_like(y))
        assert not np.may_share_memory(x.grad.array, x.array)
    np.testing.assert_array_equal(x.detach().numpy(), before)
    np.testing.assert_allclose(y.detach().numpy(), longhand(before, w.detach().numpy(), 1, 1, 1), rtol=1e-12)


def test_results_can_be_viewed_in_another_shape(rng):
    """As everyone does between the last convolution and the first linear layer."""
    x = minigrad.tensor(rng.standard_normal((2, 3, 4, 4)))
    assert nn.MaxPool2d(2)(nn.Conv2d(3, 5, 3, padding=1).double()(x)).view(2, -1).shape == (2, 20)


def test_half_precision_sums_in_single(rng):
    x, w = rng.standard_normal((1, 64, 9, 9)), rng.standard_normal((2, 64, 9, 9))
    y = F.conv2d(minigrad.tensor(x, dtype="float16"), minigrad.tensor(w, dtype="float16"))
    exact = (x.astype("float16").astype(float) * w.astype("float16").astype(float)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(y.numpy().reshape(-1), exact, rtol=2e-3, atol=0.1)


@pytest.mark.parametrize("output_size", [(7, 9), (8, 9), (2, 6, 8, 10)])
def test_output_size(torch, rng, output_size):
    ours, theirs = nn.ConvTranspose2d(3, 6, (3, 2), stride=(2, 2)), torch.nn.ConvTranspose2d(3, 6, (3, 2), stride=(2, 2))
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    x = rng.standard_normal((2, 3, 3, 4)).astype("float32")
    output_size = [7 + (output_size[-2] > 7), 8 + (output_size[-1] > 8)]
    y, z = ours(minigrad.tensor(x), output_size), theirs(torch.tensor(x), output_size)
    assert list(y.shape[2:]) == output_size
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"ConvTranspose2d: output_size \[?\(?9, 8.*from \(7, 8\) to \(8, 9\)"):
        ours(minigrad.tensor(x), [9, 8])
    with pytest.raises(ValueError, match=r"output_size \(3, 7, 8\) needs 2 sizes, or 4 for an input of .*\(2, 3, 3, 4\)"):
        ours(minigrad.tensor(x), [3, 7, 8])


@pytest.mark.parametrize("name", ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"])
def test_initial_distribution(name):
    """Uniform on (-b, b): mean 0, variance b^2 / 3."""
    minigrad.manual_seed(0)
    drawn = [getattr(nn, name)(4, 6, 3, groups=2) for _ in range(200)]
    field = 3 if name.endswith("1d") else 9
    bound = 1 / math.sqrt((3 if "Transpose" in name else 2) * field)  # PyTorch takes dimension 1 for the fan-in
    for part in ("weight", "bias"):
        values = np.concatenate([getattr(layer, part).detach().numpy().ravel() for layer in drawn])
        error = 5 / math.sqrt(len(values))
        assert abs(values).max() <= bound and abs(values).max() > 0.98 * bound
        assert abs(values.mean()) < error * bound and values.var() == pytest.approx(bound**2 / 3, rel=error)


def test_dtype_and_device(device):
    layer = nn.Conv2d(2, 3, 3, padding=1, device=device, dtype="float64")
    y = layer(minigrad.ones(1, 2, 4, 4, dtype="float64", device=device))
    y.sum().backward()
    assert str(y.device).startswith(device) and y.dtype == "float64" and layer.weight.grad.shape == (3, 2, 3, 3)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("pad", [(1, 2), (2, 0, 1, 2)])
def test_borders_of_the_inputs_own_elements(torch, rng, mode, pad):
    shape = (2, 3, 5) if len(pad) == 2 else (2, 3, 4, 5)
    x = rng.standard_normal(shape)
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = F.pad(a, pad, mode), torch.nn.functional.pad(b, pad, mode)
    g = rng.standard_normal(y.shape)
    y.backward(minigrad.tensor(g)), z.backward(torch.tensor(g))
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy())
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12)


def test_borders_that_cannot_be_filled():
    x = minigrad.ones(1, 1, 3)
    for mode, pad in (("reflect", (3, 0)), ("circular", (0, 4)), ("replicate", (-1, 0))):
        with pytest.raises(ValueError, match=rf"pad: mode '{mode}'.*\(1, 1, 3\)"):
            F.pad(x, pad, mode)
    with pytest.raises(ValueError, match="'mirror'"):
        F.pad(x, (1, 1), "mirror")


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(("arguments", "message"), [
    ((0, 2, 3), "Conv2d: in_channels must be 1 or more, got 0"), ((2, 2, 0), "Conv2d: kernel_size must be 1"),
    ((3, 4, 3, 1, 0, 1, 2), "groups=2 must divide 3 and 4"), ((2, 2, 3, 0), "stride must be 1 or more"),
    ((2, 2, (3, 3, 3)), "kernel_size must be a whole number or 2 of them"), ((2, 2, 3, 1, -1), "padding must be 0 or more"),
    ((2, 2, 3, 2, "same"), "needs stride 1"), ((2, 2, 3, 1, "full"), "'full'"), ((2, 2, 3, 1, 0, 0), "dilation"),
    ((2, 2, 3, 1, 0, 1, 1, True, "mirror"), "padding_mode must be one of"),
])
def test_constructors_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        nn.Conv2d(*arguments)


def test_constructors_refuse_fractions():
    for arguments, message in (((2.5, 1, 3), "in_channels.*2.5"), ((2, "4", 3), "out_channels.*'4'"),
                               ((2, 2, 3, 1, 0, 1, 2.0), "groups.*2.0")):
        with pytest.raises(TypeError, match=f"Conv2d: {message}"):
            nn.Conv2d(*arguments)
    with pytest.raises(TypeError, match="Conv1d: kernel_size must be a whole number.*2.5"):
        nn.Conv1d(1, 1, 2.5)
    with pytest.raises(ValueError, match="ConvTranspose1d: padding must be a number, not 'same'"):
        nn.ConvTranspose1d(1, 1, 3, padding="same")
    with pytest.raises(ValueError, match="ConvTranspose2d: padding_mode"):
        nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect")


@pytest.mark.parametrize(("shape", "error", "message"), [
    ((2, 4, 5, 5), ValueError, r"Conv2d: an input of shape \(2, 4, 5, 5\) has 4 channels.*takes 3 .*\(6, 3, 3, 3\)"),
    ((5, 5), ValueError, r"Conv2d takes inputs \(N, C, H, W\) or \(C, H, W\), not of shape \(5, 5\)"),
    ((2, 3, 2, 5), ValueError, r"kernel that reaches over \(3, 3\) does not fit.*\(2, 3, 2, 5\)"),
    ((0, 3, 2, 2), ValueError, "does not fit"),
])
def test_forward_refuses(shape, error, message):
    with pytest.raises(error, match=message):
        nn.Conv2d(3, 6, 3)(minigrad.ones(*shape))


def test_forward_refuses_other_dtypes():
    with pytest.raises(TypeError, match="conv2d: dtypes differ, input float64 and weight float32"):
        nn.Conv2d(3, 6, 3)(minigrad.ones(1, 3, 4, 4, dtype="float64"))
    with pytest.raises(TypeError, match="must be floating point, not int64"):
        nn.Conv2d(3, 6, 3)(minigrad.ones(1, 3, 4, 4, dtype="int64"))
    with pytest.raises(TypeError, match="Conv1d takes a Tensor, not ndarray"):
        nn.Conv1d(3, 6, 3)(np.ones((1, 3, 4)))


def test_functions_refuse():
    x, w = minigrad.ones(1, 4, 5), minigrad.ones(6, 4, 3)
    with pytest.raises(ValueError, match=r"conv1d: an input of shape \(1, 4, 5\) has 4 channels.*groups=2 takes 8"):
        F.conv1d(x, w, groups=2)
    with pytest.raises(ValueError, match=r"conv1d: bias has shape \(4,\).*expected shape \(6,\)"):
        F.conv1d(x, w, minigrad.ones(4))
    with pytest.raises(ValueError, match="conv1d: groups must be 1 or more, got 0"):
        F.conv1d(x, w, groups=0)
    with pytest.raises(ValueError, match="conv1d: the weight has shape"):
        F.conv1d(x, minigrad.ones(6, 4))
    with pytest.raises(ValueError, match="output_padding"):
        F.conv_transpose1d(x, minigrad.ones(4, 6, 3), stride=2, output_padding=2)
    with pytest.raises(ValueError, match="would give an image of size"):
        F.conv_transpose1d(minigrad.ones(1, 4, 1), minigrad.ones(4, 6, 3), padding=2)
    with pytest.raises(ValueError, match=r"\(in, out / groups, kernel\) takes 3"):
        F.conv_transpose1d(x, minigrad.ones(3, 6, 3))


def test_an_empty_batch_gives_an_empty_batch():
    layer = nn.Conv2d(3, 6, 3)
    y = layer(minigrad.ones(0, 3, 4, 4))
    y.sum().backward()
    assert y.shape == (0, 6, 2, 2) and layer.weight.grad.abs().sum().item() == 0
    assert nn.ConvTranspose2d(3, 6, 3)(minigrad.ones(0, 3, 4, 4)).shape == (0, 6, 6, 6)


def test_resizing_refuses():
    x = minigrad.ones(1, 2, 3, 4)
    for options, message in [
        ({}, "either size or scale_factor"), ({"size": 3, "scale_factor": 2}, "either size or scale_factor"),
        ({"size": 3, "mode": "linear"}, r"'linear' does not go with an input of shape \(1, 2, 3, 4\)"),
        ({"size": 3, "mode": "cubic"}, "'cubic'"), ({"size": 0}, "size must be 1 or more"),
        ({"scale_factor": 0.1}, "leaves nothing"), ({"scale_factor": -1}, "above 0"),
        ({"size": 2, "align_corners": True}, "align_corners goes with the linear modes"),
    ]:
        with pytest.raises(ValueError, match=message):
            F.interpolate(x, **options)
    with pytest.raises(ValueError, match="Upsample: give either"):
        nn.Upsample()


def test_nearest_of_sequences_goes_by_the_scale_alone(torch):
    x = np.arange(5.0).reshape(1, 1, 5)
    for scale in (1.13, 2.03, 0.7):
        a = minigrad.tensor(x, requires_grad=True)
        y = F.interpolate(a, scale_factor=scale)
        np.testing.assert_array_equal(y.detach().numpy(), torch.nn.functional.interpolate(torch.tensor(x), scale_factor=scale))
        y.sum().backward()
        counts = np.bincount(np.floor(np.arange(y.shape[2]) / scale).astype(int), minlength=5)
        np.testing.assert_array_equal(a.grad.numpy().ravel(), counts)
