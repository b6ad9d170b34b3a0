"""Numbers as arguments: Python's and NumPy's are taken alike, slips are refused by name, and nothing changes halfway."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

X = minigrad.ones(2, 3)
LABELS = minigrad.tensor([0, 1])
INTEGERS = minigrad.tensor(np.ones((3, 3), dtype=np.int64))


@pytest.mark.parametrize("call, error, message", [
    (lambda: nn.Linear(True, 2), TypeError, "Linear: in_features must be a whole number, not True"),
    (lambda: nn.Linear(3, 2.0), TypeError, "Linear: out_features must be a whole number, not 2.0"),
    (lambda: nn.Linear(3, 2)(None), TypeError, "Linear takes a Tensor, not NoneType"),
    (lambda: nn.Bilinear(2.0, 2, 3), TypeError, "Bilinear: in1_features must be a whole number, not 2.0"),
    (lambda: nn.BatchNorm1d(3.0), TypeError, "BatchNorm1d: num_features must be a whole number, not 3.0"),
    (lambda: nn.BatchNorm1d("3"), TypeError, "BatchNorm1d: num_features must be a whole number, not '3'"),
    (lambda: nn.BatchNorm2d(True), TypeError, "BatchNorm2d: num_features must be a whole number, not True"),
    (lambda: nn.BatchNorm1d(3, eps=-1), ValueError, "BatchNorm1d: eps must be a number from 0, got -1"),
    (lambda: nn.BatchNorm1d(3, momentum="a"), TypeError, "BatchNorm1d: momentum must be a number, not 'a'"),
    (lambda: nn.BatchNorm1d(3, momentum=math.nan), ValueError, "BatchNorm1d: momentum must be a number, got nan"),
    (lambda: nn.InstanceNorm1d(3, eps=-1), ValueError, "InstanceNorm1d: eps must be"),
    (lambda: nn.LayerNorm(3.0), TypeError, "LayerNorm: normalized_shape must be a whole number, not 3.0"),
    (lambda: nn.LayerNorm((3, True)), TypeError, "LayerNorm: normalized_shape must be a whole number, not True"),
    (lambda: nn.LayerNorm(3, eps=-1), ValueError, "LayerNorm: eps must be"),
    (lambda: nn.RMSNorm(0), ValueError, "RMSNorm: normalized_shape must be 1 or more"),
    (lambda: nn.RMSNorm(3, eps=-1), ValueError, "RMSNorm: eps must be"),
    (lambda: nn.GroupNorm(1.0, 4), TypeError, "GroupNorm: num_groups must be a whole number, not 1.0"),
    (lambda: nn.GroupNorm(1, 4, eps=-1), ValueError, "GroupNorm: eps must be"),
    (lambda: F.group_norm(X, True), TypeError, "group_norm: num_groups must be a whole number, not True"),
    (lambda: nn.Embedding(True, 2), TypeError, "Embedding: num_embeddings must be a whole number, not True"),
    (lambda: nn.Embedding(3, 2, 1.0), TypeError, "Embedding: padding_idx must be a whole number, not 1.0"),
    (lambda: nn.Conv1d(2, 2, True), TypeError, "Conv1d: kernel_size must be a whole number or 1 of them, not True"),
    (lambda: nn.Conv1d(2.0, 2, 1), TypeError, "Conv1d: in_channels must be a whole number, not 2.0"),
    (lambda: F.conv1d(minigrad.ones(1, 2, 4), minigrad.ones(2, 2, 1), groups=1.0), TypeError, "conv1d: groups must be"),
    (lambda: F.avg_pool2d(minigrad.ones(1, 1, 4, 4), 2, divisor_override=2.0), TypeError, "divisor_override must be"),
    (lambda: nn.MultiheadAttention(4, 2.0), TypeError, "MultiheadAttention: num_heads must be a whole number, not 2.0"),
    (lambda: nn.PReLU(2.0), TypeError, "PReLU: num_parameters must be a whole number, not 2.0"),
    (lambda: nn.Unflatten(1, (2, True)), TypeError, "Unflatten: each of unflattened_size must be a whole number"),
    (lambda: nn.Upsample(0), ValueError, "Upsample: size must be 1 or more, got 0"),
    (lambda: nn.Upsample(None, -1.0), ValueError, "Upsample: scale_factor must be one number above 0"),
    (lambda: nn.Upsample(None, "a"), TypeError, "Upsample: scale_factor must be a number, not 'a'"),
    (lambda: nn.Dropout("a"), TypeError, "Dropout: p must be a number, not 'a'"),
    (lambda: nn.Dropout(True), TypeError, "Dropout: p must be a number, not True"),
    (lambda: nn.Dropout(math.nan), ValueError, "Dropout: p is a probability, from 0 to 1, got nan"),
    (lambda: nn.FocalLoss("a"), TypeError, "FocalLoss: gamma must be a number, not 'a'"),
    (lambda: nn.FocalLoss(-1), ValueError, "FocalLoss: gamma must be a number from 0, got -1"),
    (lambda: nn.NLLLoss(ignore_index=2.5), TypeError, "NLLLoss: ignore_index must be a whole number, not 2.5"),
    (lambda: F.cross_entropy(X, LABELS, ignore_index=None), TypeError, "cross_entropy: ignore_index must be a whole"),
    (lambda: F.cross_entropy(X, LABELS, ignore_index=True), TypeError, "cross_entropy: ignore_index must be a whole"),
    (lambda: F.nll_loss(X, LABELS, ignore_index=2.5), TypeError, "nll_loss: ignore_index must be a whole number"),
    (lambda: F.cross_entropy(minigrad.ones(0, 0), minigrad.tensor(np.zeros(0, int))), ValueError,
     r"cross_entropy: there are no classes in an input of shape \(0, 0\)"),
    (lambda: F.cross_entropy(minigrad.ones(2, 0), LABELS), ValueError, "cross_entropy: there are no classes"),
    (lambda: F.cross_entropy(minigrad.ones(2, 0), minigrad.ones(2, 0), label_smoothing=0.1), ValueError, "no classes"),
    (lambda: F.cross_entropy(X, LABELS, label_smoothing="a"), TypeError, "label_smoothing must be a number, not 'a'"),
    (lambda: F.one_hot(LABELS, 2.9), TypeError, "one_hot: num_classes must be a whole number, not 2.9"),
    (lambda: F.gaussian_nll_loss(X, X, X, eps=-1), ValueError, "gaussian_nll_loss: eps must be a number from 0, got -1"),
    (lambda: nn.NLL_OHEM(0.5)(X, [0, 1]), TypeError, "NLL_OHEM: the target takes a Tensor, not list"),
    (lambda: F.cross_entropy_ohem(X, LABELS, keep_ratio=0.5, normalizer=10**400), ValueError, "OHEM: normalizer must be"),
    (lambda: nn.init.dirac_(minigrad.ones(3, 3, 3), 1.5), TypeError, "dirac_: groups must be a whole number, not 1.5"),
    (lambda: nn.init.orthogonal_(INTEGERS), TypeError, "orthogonal_ draws floating-point numbers"),
    (lambda: nn.init.xavier_uniform_(np.ones((3, 3))), TypeError, "xavier_uniform_ takes a Tensor, not ndarray"),
    (lambda: nn.init.normal_(np.ones(3)), TypeError, "normal_ takes a Tensor, not ndarray"),
    (lambda: nn.init.zeros_([1.0]), TypeError, "constant_ takes a Tensor, not list"),
])
def test_slips_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_numbers_of_numpy_are_as_good_as_pythons():
    two, half = np.int64(2), np.float32(0.5)
    assert repr(nn.Linear(two, np.int8(3))) == repr(nn.Linear(2, 3))
    assert repr(nn.Conv1d(two, 2, two, groups=two)) == repr(nn.Conv1d(2, 2, 2, groups=2))
    assert repr(nn.Dropout(half)) == repr(nn.Dropout(0.5))
    assert repr(nn.BatchNorm1d(two, momentum=half)) == repr(nn.BatchNorm1d(2, momentum=0.5))
    assert repr(nn.LayerNorm([two, 3])) == repr(nn.LayerNorm((2, 3)))
    assert repr(nn.FocalLoss(np.float64(2.0))) == repr(nn.FocalLoss(2.0))
    assert repr(nn.Upsample(None, half * 4)) == repr(nn.Upsample(None, 2.0))
    x, w = minigrad.randn(1, 2, 5), minigrad.randn(2, 1, 3)
    np.testing.assert_array_equal(F.conv1d(x, w, groups=two).numpy(), F.conv1d(x, w, groups=2).numpy())
    logits = minigrad.randn(2, 3)
    smooth = F.cross_entropy(logits, LABELS, label_smoothing=half).item()
    assert smooth == F.cross_entropy(logits, LABELS, label_smoothing=0.5).item()
    assert F.cross_entropy(logits, LABELS, ignore_index=np.int64(1)).item() == F.cross_entropy(logits[:1], LABELS[:1]).item()


# ------------------------------------------------------------------------------------------------------- nothing halfway


def read_only(*values):
    array = np.array(values, dtype=np.float32)
    array.flags.writeable = False
    return minigrad.Tensor.of(array)


@pytest.mark.parametrize("norm, x", [(F.batch_norm, minigrad.randn(4, 2)), (F.instance_norm, minigrad.randn(4, 2, 3))])
def test_statistics_that_cannot_be_written_leave_the_others_alone(norm, x):
    mean, var = minigrad.zeros(2), read_only(1, 1)
    options = {"training": True} if norm is F.batch_norm else {}
    with pytest.raises(ValueError, match="running_var is read-only memory"):
        norm(x, mean, var, **options)
    with pytest.raises(TypeError, match="running_var must be floating point, not int64"):
        norm(x, mean, minigrad.tensor([1, 1]), **options)
    assert mean.tolist() == [0, 0]


def test_a_counter_that_cannot_be_written_leaves_the_statistics_alone():
    layer = nn.BatchNorm1d(2)
    layer.num_batches_tracked.array.flags.writeable = False
    with pytest.raises(ValueError, match="BatchNorm1d: num_batches_tracked is read-only"):
        layer(minigrad.randn(4, 2))
    assert layer.running_mean.tolist() == [0, 0] and layer.running_var.tolist() == [1, 1]


# --------------------------------------------------------------------------------------------- halves, overflow, weights


@pytest.mark.parametrize("make, shape", [
    (lambda n: n.BatchNorm1d(4), (6, 4)), (lambda n: n.BatchNorm1d(4).eval(), (6, 4)), (lambda n: n.LayerNorm(4), (6, 4)),
    (lambda n: n.GroupNorm(2, 4), (6, 4, 3)), (lambda n: n.InstanceNorm1d(4, affine=True), (6, 4, 3)),
])  # fmt: skip
def test_halves_through_layers_of_single_precision_come_out_as_halves(torch, rng, make, shape):
    ours, theirs = make(nn), make(torch.nn)
    weight, bias = rng.standard_normal(4).astype("float32"), rng.standard_normal(4).astype("float32")
    ours.load_state_dict({"weight": weight, "bias": bias}, strict=False)
    theirs.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)}, strict=False)
    x = rng.standard_normal(shape).astype("float16")
    mine, his = minigrad.tensor(x).requires_grad_(), torch.tensor(x).requires_grad_()
    y, z = ours(mine), theirs(his)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=2e-3, atol=2e-3)
    y.float().square().sum().backward(), z.float().square().sum().backward()
    assert mine.grad.dtype == np.float16 and ours.weight.grad.dtype == np.float32
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=4e-3, atol=2e-2)


def test_halves_through_rms_norm(rng):
    layer = nn.RMSNorm(4)
    x = rng.standard_normal((6, 4)).astype("float16")
    y = layer(minigrad.tensor(x))
    assert y.dtype == np.float16
    wide = x.astype(np.float64)
    np.testing.assert_allclose(y.detach().numpy(), wide / np.sqrt((wide**2).mean(1, keepdims=True)), rtol=2e-3)


@pytest.mark.parametrize("dtype, large", [("float32", 1e25), ("float64", 1e200)])
def test_a_variance_that_overflows_is_nan_not_zero(torch, dtype, large):
    x = np.array([[1, -1, 1, 2]], dtype=dtype) * large
    assert torch.isnan(torch.nn.functional.layer_norm(torch.tensor(x), (4,))).all()
    assert np.isnan(F.layer_norm(minigrad.tensor(x), (4,)).numpy()).all()
    assert np.isnan(F.group_norm(minigrad.tensor(x), 1).numpy()).all()


@pytest.mark.parametrize("p", [1 - 1e-6, 1 - 1e-5, 0.9999, 1])
def test_dropout_of_halves_is_never_nan(p):
    minigrad.manual_seed(0)
    y = F.dropout(minigrad.ones(1000).half(), p).numpy()
    assert not np.isnan(y).any() and (y == 0).mean() > 0.99


@pytest.mark.parametrize("keep_ratio", [1, 0.5, 0.0])
@pytest.mark.parametrize("normalizer", ["kept", "valid"])
def test_weights_that_sum_to_nothing_make_a_loss_of_zero_at_every_ratio(keep_ratio, normalizer):
    logits = minigrad.randn(4, 3, requires_grad=True)
    target, weight = minigrad.tensor([0, 1, 1, 0]), minigrad.tensor([0.0, 0.0, 1.0])
    loss = F.cross_entropy_ohem(logits, target, weight, keep_ratio=keep_ratio, normalizer=normalizer)
    loss.backward()
    assert loss.item() == 0 and (logits.grad.numpy() == 0).all()
