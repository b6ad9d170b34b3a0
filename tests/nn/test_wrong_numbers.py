"""Numbers as arguments: Python's and NumPy's alike, slips refused by name, nothing changed halfway."""
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
    (lambda: F.cross_entropy(X, X, ignore_index=2.5), TypeError, "cross_entropy: ignore_index must be a whole"),
    (lambda: F.focal_loss(X, LABELS, ignore_index=None), TypeError, "focal_loss: ignore_index must be a whole"),
    (lambda: F.gaussian_nll_loss(X, X, X, eps=-1), ValueError, "gaussian_nll_loss: eps must be a number from 0"),
    (lambda: nn.GaussianNLLLoss(eps=-1), ValueError, "GaussianNLLLoss: eps must be a number from 0, got -1"),
    (lambda: nn.NLL_OHEM(0.5)(X, [0, 1]), TypeError, "NLL_OHEM: the target takes a Tensor, not list"),
    (lambda: F.cross_entropy_ohem(X, LABELS, keep_ratio=0.5, normalizer=10**400), ValueError,
     "OHEM: normalizer is a whole number too large for a float"),
    (lambda: nn.CrossEntropyLossOHEM(0.5, normalizer=math.inf), ValueError, "OHEM: normalizer must be 'kept', 'valid'"),
    (lambda: nn.init.dirac_(minigrad.ones(3, 3, 3), 1.5), TypeError, "dirac_: groups must be a whole number, not 1.5"),
    (lambda: nn.init.orthogonal_(INTEGERS), TypeError, "orthogonal_ draws floating-point numbers"),
    (lambda: nn.init.xavier_uniform_(np.ones((3, 3))), TypeError, "xavier_uniform_ takes a Tensor, not ndarray"),
    (lambda: nn.init.normal_(np.ones(3)), TypeError, "normal_ takes a Tensor, not ndarray"),
    (lambda: nn.init.zeros_([1.0]), TypeError, "constant_ takes a Tensor, not list"),
    (lambda: nn.Highway(2.0), TypeError, "Highway: features must be a whole number, not 2.0"),
    (lambda: nn.MultiheadAttention(4, 2, kdim=True), TypeError, "MultiheadAttention: kdim must be a whole number"),
    (lambda: nn.LSTM(2, 3, 2, dropout=True), TypeError, "LSTM: dropout must be a number, not True"),
    (lambda: nn.Flatten(1.0), TypeError, "Flatten: start_dim must be a whole number, not 1.0"),
    (lambda: nn.Softmax(True), TypeError, "Softmax: dim must be a whole number, not True"),
    (lambda: nn.AvgPool2d(2, divisor_override=2.0), TypeError, "AvgPool2d: divisor_override must be a whole number"),
    (lambda: F.layer_norm(X, 3.0), TypeError, "layer_norm: normalized_shape must be a whole number, not 3.0"),
    (lambda: F.layer_norm(X, (3,), eps=-1), ValueError, "layer_norm: eps must be a number from 0, got -1"),
    (lambda: F.batch_norm(X, None, None, training=True, momentum="a"), TypeError, "batch_norm: momentum must be a"),
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
    ignoring = F.cross_entropy(logits, LABELS, ignore_index=np.int64(1)).item()
    assert ignoring == F.cross_entropy(logits[:1], LABELS[:1]).item()


# Each takes one real number, in a constructor or as a function's argument.
TAKES_A_NUMBER = {
    "LeakyReLU: negative_slope": nn.LeakyReLU, "ELU: alpha": nn.ELU, "CELU: alpha": nn.CELU,
    "Softplus: beta": nn.Softplus, "Softplus: threshold": lambda v: nn.Softplus(1.0, v),
    "RReLU: lower": lambda v: nn.RReLU(v, 2.0),
    "Threshold: threshold": lambda v: nn.Threshold(v, 1.0), "Threshold: value": lambda v: nn.Threshold(1.0, v),
    "Hardtanh: min_val": lambda v: nn.Hardtanh(v, 2.0), "Softshrink: lambd": nn.Softshrink,
    "Hardshrink: lambd": nn.Hardshrink, "leaky_relu: negative_slope": lambda v: F.leaky_relu(X, v),
    "elu: alpha": lambda v: F.elu(X, v), "softplus: beta": lambda v: F.softplus(X, v),
    "hardtanh: max_val": lambda v: F.hardtanh(X, -1.0, v), "threshold: value": lambda v: F.threshold(X, 0.0, v),
    "softshrink: lambd": lambda v: F.softshrink(X, v), "hardshrink: lambd": lambda v: F.hardshrink(X, v),
    "SmoothL1Loss: beta": lambda v: nn.SmoothL1Loss(beta=v), "HuberLoss: delta": lambda v: nn.HuberLoss(delta=v),
    "PoissonNLLLoss: eps": lambda v: nn.PoissonNLLLoss(eps=v),
    "GaussianNLLLoss: eps": lambda v: nn.GaussianNLLLoss(eps=v),
    "HingeEmbeddingLoss: margin": nn.HingeEmbeddingLoss, "MarginRankingLoss: margin": nn.MarginRankingLoss,
    "CosineEmbeddingLoss: margin": nn.CosineEmbeddingLoss, "TripletMarginLoss: margin": nn.TripletMarginLoss,
    "MultiMarginLoss: margin": lambda v: nn.MultiMarginLoss(1, v), "PairwiseDistance: p": nn.PairwiseDistance,
    "CosineSimilarity: eps": lambda v: nn.CosineSimilarity(1, v),
    "huber_loss: delta": lambda v: F.huber_loss(X, X, delta=v),
    "hinge_embedding_loss: margin": lambda v: F.hinge_embedding_loss(X, X, v),
    "CrossEntropyLoss: label_smoothing": lambda v: nn.CrossEntropyLoss(label_smoothing=v),
    "FocalLoss: gamma": nn.FocalLoss,
    "cross_entropy: label_smoothing": lambda v: F.cross_entropy(X, LABELS, label_smoothing=v),
    "BatchNorm1d: momentum": lambda v: nn.BatchNorm1d(3, momentum=v), "LayerNorm: eps": lambda v: nn.LayerNorm(3, v),
    "rms_norm: eps": lambda v: F.rms_norm(X, (3,), eps=v), "normalize: eps": lambda v: F.normalize(X, eps=v),
    "PReLU: init": lambda v: nn.PReLU(1, v), "NLL_OHEM: ratio": nn.NLL_OHEM, "OHEM: keep_ratio": nn.NLLLossOHEM,
    "OHEM: normalizer": lambda v: nn.NLLLossOHEM(0.5, normalizer=v),
    "orthogonal_: gain": lambda v: nn.init.orthogonal_(minigrad.ones(2, 2), v),
    "xavier_uniform_: gain": lambda v: nn.init.xavier_uniform_(minigrad.ones(2, 2), v),
    "trunc_normal_: std": lambda v: nn.init.trunc_normal_(minigrad.ones(2), 0.0, v),
    "sparse_: sparsity": lambda v: nn.init.sparse_(minigrad.ones(2, 2), v),
    "scaled_dot_product_attention: scale": lambda v: F.scaled_dot_product_attention(X, X, X, scale=v),
}


@pytest.mark.parametrize("name", TAKES_A_NUMBER)
def test_real_numbers_of_numpy_are_taken_and_bools_strings_and_nan_refused(name):
    take = TAKES_A_NUMBER[name]
    for good in (np.float32(0.5), np.float64(0.5), np.float16(0.5), np.int64(1), 1):
        take(good)
    for bad in (True, np.True_, "a", [0.5]):
        if (name, bad) != ("OHEM: normalizer", "a"):
            with pytest.raises(TypeError, match=f"^{name} must be"):
                take(bad)
    with pytest.raises(ValueError, match=f"^{name} must be a number.*got nan"):
        take(math.nan)


@pytest.mark.parametrize("module, names", [
    (nn.Linear(np.int64(2), np.int8(3)), ("in_features", "out_features")),
    (nn.LSTM(np.int64(2), np.int64(3), np.int64(2)), ("input_size", "hidden_size", "num_layers")),
    (nn.GRUCell(np.int64(2), np.int64(3)), ("input_size", "hidden_size")),
    (nn.MultiheadAttention(np.int64(4), np.int64(2), kdim=np.int64(3)), ("embed_dim", "num_heads", "kdim", "head_dim")),
    (nn.MaxPool1d(np.int64(2)), ("kernel_size", "stride")), (nn.AdaptiveAvgPool1d(np.int64(2)), ("output_size",)),
    (nn.Conv1d(np.int64(2), 2, 1, groups=np.int64(2)), ("in_channels", "groups")),
    (nn.Upsample(np.int64(2)), ("size",)),
    (nn.NLLLossOHEM(0.5, min_kept=np.int64(2)), ("min_kept",)), (nn.Flatten(np.int64(1)), ("start_dim",)),
])
def test_sizes_of_numpy_are_kept_as_pythons(module, names):
    assert [type(getattr(module, name)) for name in names] == [int] * len(names)


# ----------------------------------------------------------------------------------------------------- nothing halfway


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


# ------------------------------------------------------------------------------------------- halves, overflow, weights


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")  # PyTorch's, of RMSNorm
@pytest.mark.parametrize("make, shape", [
    (lambda n: n.BatchNorm1d(4), (6, 4)), (lambda n: n.BatchNorm1d(4).eval(), (6, 4)),
    (lambda n: n.BatchNorm2d(4), (6, 4, 3, 2)), (lambda n: n.LayerNorm(4), (6, 4)), (lambda n: n.RMSNorm(4), (6, 4)),
    (lambda n: n.LayerNorm(4, bias=False), (6, 4)), (lambda n: n.GroupNorm(2, 4), (6, 4, 3)),
    (lambda n: n.InstanceNorm1d(4, affine=True), (6, 4, 3)),
    (lambda n: n.InstanceNorm1d(4, affine=True, track_running_stats=True).eval(), (6, 4, 3)),
])
def test_halves_through_layers_of_single_precision_come_out_as_halves(torch, rng, make, shape):
    """Gradients in each tensor's own dtype; the running statistics stay in single precision."""
    ours, theirs = make(nn), make(torch.nn)
    drawn = {name: (rng.standard_normal(4) + 2).astype("float32") for name, _ in theirs.named_parameters()}
    ours.load_state_dict(drawn, strict=False)
    theirs.load_state_dict({name: torch.tensor(value) for name, value in drawn.items()}, strict=False)
    x, upstream = (rng.standard_normal(shape).astype("float16") for _ in range(2))
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    y.backward(minigrad.tensor(upstream)), z.backward(torch.tensor(upstream))
    close = {"rtol": 2e-3, "atol": 2e-3, "strict": True}  # strict: of one dtype
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=4e-3, atol=8e-3, strict=True)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=4e-3, atol=2e-2, strict=True)
    for p, q in zip(ours.buffers(), theirs.buffers(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5, strict=True)


def test_halves_are_rounded_once(rng):
    """Weighted in single precision, not after rounding: then many of the values would be one step off."""
    x, weight = (rng.standard_normal(4096).astype("float16") for _ in range(2))
    y = F.layer_norm(minigrad.tensor(x), (4096,), minigrad.tensor(weight.astype("float32"))).numpy()
    wide = x.astype("float64")
    exact = ((wide - wide.mean()) / np.sqrt(wide.var() + 1e-5) * weight).astype("float16")
    assert (y != exact).mean() < 0.01


OVERFLOWS = {  # given either library's functions
    "layer_norm": lambda of, x: of.layer_norm(x, (4,)), "rms_norm": lambda of, x: of.rms_norm(x, (4,)),
    "group_norm": lambda of, x: of.group_norm(x, 1),
    "instance_norm": lambda of, x: of.instance_norm(x.reshape(1, 1, 4)),
    "batch_norm": lambda of, x: of.batch_norm(x.reshape(4, 1), None, None, training=True),
}


@pytest.mark.parametrize("name", OVERFLOWS)
@pytest.mark.parametrize("dtype, large", [("float32", 1e25), ("float64", 1e200)])
def test_where_the_variance_overflows_there_comes_what_pytorch_gives(torch, name, dtype, large):
    """NaN or zeros, forward and backward, and without a warning."""
    x = np.array([[1, -1, 1, 2]], dtype=dtype) * large
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = OVERFLOWS[name](F, a), OVERFLOWS[name](torch.nn.functional, b)
    y.sum().backward(), z.sum().backward()
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


@pytest.mark.parametrize("p", [1 - 1e-6, 1 - 1e-5, 1 - 1.5e-5, 0.9999, 1])
@pytest.mark.parametrize("drop", [F.dropout, F.dropout1d, lambda x, p: F.alpha_dropout(x, p, True)])
def test_dropout_of_halves_is_never_nan(drop, p):
    """Next to 1 a half does not hold 1 / (1 - p): what is dropped is 0 all the same, and so is its gradient."""
    minigrad.manual_seed(0)
    x = minigrad.ones(10, 100, 2).half().requires_grad_()
    y = drop(x, p)
    y.sum().backward()
    assert np.isfinite(y.detach().numpy()).mean() > 0.99 and not np.isnan(y.detach().numpy()).any()
    assert (x.grad.numpy() == 0).mean() > 0.99 and not np.isnan(x.grad.numpy()).any()


@pytest.mark.parametrize("keep_ratio", [1, 0.5, 0.0])
@pytest.mark.parametrize("normalizer", ["kept", "valid", 2.0])
@pytest.mark.parametrize("mined, plain", [(F.cross_entropy_ohem, F.cross_entropy), (F.nll_loss_ohem, F.nll_loss)])
def test_weights_that_sum_to_nothing_make_a_loss_of_zero_at_every_ratio(mined, plain, keep_ratio, normalizer):
    logits = minigrad.randn(4, 3, requires_grad=True)
    target, weight = minigrad.tensor([0, 1, 1, 0]), minigrad.tensor([0.0, 0.0, 1.0])
    loss = mined(logits, target, weight, keep_ratio=keep_ratio, normalizer=normalizer)
    loss.backward()
    assert loss.item() == 0 and (logits.grad.numpy() == 0).all()
    assert math.isnan(plain(logits, target, weight).item())  # a mean of nothing; mining keeps nothing of it
