"""Normalisation: running statistics, half precision, and what it refuses - without a change to any statistic."""
import copy

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F


@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_running_statistics_over_many_batches(torch, rng, momentum):
    ours, theirs = nn.BatchNorm1d(3, momentum=momentum), torch.nn.BatchNorm1d(3, momentum=momentum)
    for n in (2, 5, 9, 3):
        x = (rng.standard_normal((n, 3)) * 3 + 1).astype("float32")
        np.testing.assert_allclose(ours(minigrad.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(),
                                   rtol=1e-5, atol=1e-5)
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key].numpy(), value.numpy(), rtol=1e-5)
    assert ours.num_batches_tracked.item() == 4
    ours.reset_running_stats()
    assert ours.running_mean.tolist() == [0, 0, 0] and ours.num_batches_tracked.item() == 0


def test_statistics_longhand(rng):
    """The mean, and the variance over n - 1, of the batch; the output by the variance over n."""
    x = rng.standard_normal((5, 2, 3)) * 2 + 3
    layer = nn.BatchNorm1d(2, momentum=1.0, eps=0).double()
    y = layer(minigrad.tensor(x)).detach().numpy()
    np.testing.assert_allclose(layer.running_mean.numpy(), x.mean(axis=(0, 2)), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.numpy(), x.var(axis=(0, 2), ddof=1), rtol=1e-12)
    np.testing.assert_allclose(y.mean(axis=(0, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=(0, 2)), 1, rtol=1e-12)


def test_a_large_mean_does_not_drown_the_variance(rng):
    """E[x^2] - E[x]^2 in single precision would be noise."""
    x = rng.standard_normal((64, 3)).astype("float32") + 1000
    y = nn.BatchNorm1d(3)(minigrad.tensor(x)).detach().numpy()
    np.testing.assert_allclose(y.std(axis=0), 1, atol=1e-2)
    y = nn.LayerNorm(64)(minigrad.tensor(np.ascontiguousarray(x.T))).detach().numpy()
    np.testing.assert_allclose(y.std(axis=1), 1, atol=1e-2)


def test_buffers_change_in_place():
    """Whoever holds a buffer, as a copy of the state does, sees it move."""
    layer = nn.BatchNorm2d(2)
    state = layer.state_dict()
    layer(minigrad.randn(4, 2, 3, 3) + 5)
    assert state["running_mean"].abs().min().item() > 0 and state["num_batches_tracked"].item() == 1
    twin = copy.deepcopy(layer)
    twin(minigrad.randn(4, 2, 3, 3))
    assert layer.num_batches_tracked.item() == 1 and twin.num_batches_tracked.item() == 2


def test_eval_leaves_the_statistics_alone():
    layer = nn.BatchNorm1d(2).eval()
    layer(minigrad.randn(4, 2) + 3)
    assert layer.running_mean.tolist() == [0, 0] and layer.num_batches_tracked.item() == 0


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(4), nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.RMSNorm(4)])
def test_half_precision_accumulates_in_single(rng, layer):
    x = (rng.standard_normal((3000, 4)) * 100).astype("float16")
    layer = copy.deepcopy(layer).half()
    a = minigrad.tensor(x, requires_grad=True)
    y = layer(a)
    (y * y).sum().backward()
    exact = copy.deepcopy(layer).double()(minigrad.tensor(x.astype("float64")))
    assert y.dtype == "float16" and a.grad.dtype == "float16" and np.isfinite(a.grad.numpy()).all()
    np.testing.assert_allclose(y.detach().numpy(), exact.detach().numpy(), rtol=2e-3, atol=2e-3)


def test_normalize(torch, rng):
    x = rng.standard_normal((3, 4, 5))
    for p, dim in ((2.0, 1), (1.0, -1), (2.0, 0)):
        a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        y, z = F.normalize(a, p, dim), torch.nn.functional.normalize(b, p, dim)
        g = rng.standard_normal(x.shape)
        y.backward(minigrad.tensor(g)), z.backward(torch.tensor(g))
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-9, atol=1e-12)
    assert F.normalize(minigrad.zeros(1, 3)).tolist() == [[0, 0, 0]]


def test_functions_agree_with_pytorchs(torch, rng):
    """With and without weights and running statistics, as functions are called by hand."""
    x, w, b, m = (rng.standard_normal(s) for s in ((3, 4, 5), 4, 4, 4))
    v = rng.random(4) + 0.5
    ours, theirs = [minigrad.tensor(a) for a in (x, w, b, m, v)], [torch.tensor(a) for a in (x, w, b, m, v)]
    T = torch.nn.functional
    for ours_of, theirs_of in [
        (lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b), lambda x, w, b, m, v: T.batch_norm(x, m, v, w, b)),
        (lambda x, w, b, m, v: F.batch_norm(x, m, v), lambda x, w, b, m, v: T.batch_norm(x, m, v)),
        (lambda x, w, b, m, v: F.batch_norm(x, m, v, None, b), lambda x, w, b, m, v: T.batch_norm(x, m, v, None, b)),
        (lambda x, w, b, m, v: F.batch_norm(x, m, v, w), lambda x, w, b, m, v: T.batch_norm(x, m, v, w)),
        (lambda x, w, b, m, v: F.batch_norm(x, None, None, None, b, True),
         lambda x, w, b, m, v: T.batch_norm(x, None, None, None, b, True)),
        (lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b, True, 0.3),
         lambda x, w, b, m, v: T.batch_norm(x, m, v, w, b, True, 0.3)),
        (lambda x, w, b, m, v: F.instance_norm(x, m, v, w, b, False),
         lambda x, w, b, m, v: T.instance_norm(x, m, v, w, b, False)),
        (lambda x, w, b, m, v: F.instance_norm(x, m, v, w, b, True, 0.3),
         lambda x, w, b, m, v: T.instance_norm(x, m, v, w, b, True, 0.3)),
        (lambda x, w, b, m, v: F.group_norm(x, 2, w, b), lambda x, w, b, m, v: T.group_norm(x, 2, w, b)),
    ]:
        np.testing.assert_allclose(ours_of(*ours).numpy(), theirs_of(*theirs).numpy(), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ours[3].numpy(), theirs[3].numpy(), rtol=1e-12)
        np.testing.assert_allclose(ours[4].numpy(), theirs[4].numpy(), rtol=1e-12)


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(("layer", "shape", "message"), [
    (nn.BatchNorm1d(3), (1, 3), r"BatchNorm1d: it needs more than one value a channel.*\(1, 3\)"),
    (nn.BatchNorm1d(3), (0, 3), r"BatchNorm1d: it needs more than one value a channel.*\(0, 3\)"),
    (nn.BatchNorm1d(3), (4, 5), r"BatchNorm1d: an input of shape \(4, 5\) has 5 channels, not 3"),
    (nn.BatchNorm1d(3), (4, 3, 2, 2), r"BatchNorm1d takes inputs \(N, C\) or \(N, C, L\), not of shape \(4, 3, 2, 2\)"),
    (nn.BatchNorm2d(3), (4, 3), r"BatchNorm2d takes inputs \(N, C, H, W\), not of shape \(4, 3\)"),
    (nn.InstanceNorm1d(3, track_running_stats=True), (2, 3, 1), "instance_norm: it needs more than one value"),
    (nn.InstanceNorm1d(3, track_running_stats=True), (2, 4, 5), "InstanceNorm1d: .* has 4 channels, not 3"),
])
def test_bad_shapes_change_no_statistics(layer, shape, message):
    before = {k: v.tolist() for k, v in layer.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        layer(minigrad.ones(*shape))
    assert {k: v.tolist() for k, v in layer.state_dict().items()} == before


def test_bad_dtypes_change_no_statistics():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(TypeError, match="batch_norm: dtypes differ, input float64 and weight float32"):
        layer(minigrad.ones(4, 3, dtype="float64"))
    with pytest.raises(TypeError, match="must be floating point, not int64"):
        layer(minigrad.ones(4, 3, dtype="int64"))
    with pytest.raises(TypeError, match="BatchNorm1d takes a Tensor, not ndarray"):
        layer(np.ones((4, 3)))
    assert layer.num_batches_tracked.item() == 0 and layer.running_mean.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("make", "message"), [
    (lambda: nn.BatchNorm1d(0), "BatchNorm1d: num_features must be 1 or more"),
    (lambda: nn.GroupNorm(2, 3), "num_groups=2 does not divide num_channels=3"), (lambda: nn.GroupNorm(0, 3), "num_groups must be 1 or more, got 0"),
    (lambda: nn.LayerNorm(0), "LayerNorm: normalized_shape"), (lambda: nn.RMSNorm(()), "RMSNorm: normalized_shape"),
    (lambda: nn.LayerNorm(4)(minigrad.ones(2, 3)), r"shape \(2, 3\) does not end in normalized_shape \(4,\)"),
    (lambda: nn.RMSNorm((2, 3))(minigrad.ones(3)), r"shape \(3,\) does not end in normalized_shape \(2, 3\)"),
    (lambda: nn.GroupNorm(2, 4)(minigrad.ones(2, 6)), r"GroupNorm: an input of shape \(2, 6\) is not \(N, 4, ...\)"),
    (lambda: F.batch_norm(minigrad.ones(2, 3), None, None), "needs running_mean and running_var"),
    (lambda: F.batch_norm(minigrad.ones(2, 3), minigrad.ones(2), minigrad.ones(3)), r"running_mean has shape \(2,\)"),
    (lambda: F.layer_norm(minigrad.ones(2, 3), (3,), minigrad.ones(2)), r"layer_norm: weight has shape \(2,\)"),
    (lambda: F.instance_norm(minigrad.ones(2, 3)), r"needs 3 dimensions or more.*\(2, 3\)"),
])
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_graph_of_eval_mode_keeps_the_statistics_that_it_ran_with(rng):
    """PyTorch's backward reads those that moved since, and so gives another gradient."""
    x = rng.standard_normal((4, 3))
    layer, leaf = nn.BatchNorm1d(3, dtype="float64").eval(), minigrad.tensor(x, requires_grad=True)
    y = layer(leaf)
    layer.train()(minigrad.tensor(x + 3))
    (y * y).sum().backward()
    at_first = x / np.sqrt(1 + 1e-5)  # running mean 0 and variance 1
    np.testing.assert_allclose(leaf.grad.numpy(), 2 * at_first / np.sqrt(1 + 1e-5), rtol=1e-10)
    np.testing.assert_allclose(layer.weight.grad.numpy(), (2 * at_first**2).sum(0), rtol=1e-10)
    np.testing.assert_allclose(layer.bias.grad.numpy(), (2 * at_first).sum(0), rtol=1e-10, atol=1e-14)


def test_rms_norm_of_halves_has_the_eps_of_single_precision(torch):
    x = np.full((1, 4), 0.02, "float16")
    y = nn.RMSNorm(4, dtype=minigrad.float16)(minigrad.tensor(x))
    z = torch.nn.RMSNorm(4, dtype=torch.float16)(torch.tensor(x))
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=2e-3)
