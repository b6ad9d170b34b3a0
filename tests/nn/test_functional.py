"""The losses as functions: against PyTorch, by finite differences, and what they refuse."""
import math

import numpy as np
import pytest

import minigrad
from minigrad.nn import functional as F

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
SHAPES = [(4, 5), (5,), (2, 3, 4), (2, 3, 2, 4), (0, 3), (3, 4, 0), (1, 1)]
CLASS_LOSSES = ["nll_loss", "cross_entropy"]


def class_dim(shape):
    return 1 if len(shape) > 1 else 0


def labels_for(shape, rng, ignored, ignore_index):
    labels = rng.integers(0, shape[class_dim(shape)], size=shape[:1] + shape[2:] if len(shape) > 1 else ())
    if ignored == "all":
        return np.full_like(labels, ignore_index)
    return np.where(rng.random(labels.shape) < 0.4, ignore_index, labels) if ignored == "some" else labels


def logits_for(name, shape, rng, dtype):
    x = rng.standard_normal(shape) * 3
    if name == "nll_loss":
        x = x - np.log(np.exp(x).sum(axis=class_dim(shape), keepdims=True))
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignored", ["none", "some", "all"])
@pytest.mark.parametrize("name", CLASS_LOSSES)
def test_class_losses_agree_with_pytorch(torch, rng, name, ignored, weighted, reduction, dtype):
    for shape in SHAPES:
        for ignore_index in (-100, 0, 777):
            labels = np.asarray(labels_for(shape, rng, ignored, ignore_index))
            x = logits_for(name, shape, rng, dtype)
            weight = rng.random(shape[class_dim(shape)]).astype(dtype) + 0.1 if weighted else None
            options = {"ignore_index": ignore_index, "reduction": reduction}
            a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
            weights = (None, None) if weight is None else (minigrad.tensor(weight), torch.tensor(weight))
            y = getattr(F, name)(a, minigrad.tensor(labels), weights[0], **options)
            z = getattr(torch.nn.functional, name)(b, torch.tensor(labels), weights[1], **options)
            upstream = rng.standard_normal(y.shape).astype(dtype)
            y.backward(minigrad.tensor(upstream))
            z.backward(torch.tensor(upstream))
            close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype], "strict": True}
            case = str((shape, ignore_index))
            np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), err_msg=case, **close)
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), err_msg=case, **close)


def test_nll_by_hand():
    """Two examples of weights 2 and 3, and one that is ignored."""
    logp = minigrad.tensor([[-1.0, -2.0], [-3.0, -4.0], [-5.0, -6.0]])
    target, weight = minigrad.tensor([0, 1, -100]), minigrad.tensor([2.0, 3.0])
    assert F.nll_loss(logp, target, weight, reduction="none").tolist() == [2.0, 12.0, 0.0]
    assert F.nll_loss(logp, target, weight, reduction="sum").item() == 14.0
    assert F.nll_loss(logp, target, weight).item() == pytest.approx(14 / 5)
    assert F.nll_loss(logp, target).item() == pytest.approx((1 + 4) / 2)


def test_the_mean_of_nothing_is_nan_and_its_gradient_nothing():
    for name in CLASS_LOSSES:
        x = minigrad.zeros(2, 3, requires_grad=True)
        loss = getattr(F, name)(x, minigrad.tensor([-100, -100]))
        loss.backward()
        assert math.isnan(loss.item()) and x.grad.tolist() == [[0.0] * 3] * 2
        assert math.isnan(getattr(F, name)(minigrad.zeros(0, 3), minigrad.zeros(0, dtype="int64")).item())


def test_an_ignored_example_may_be_infinite():
    logp = minigrad.tensor([[-math.inf, 0.0], [-1.0, -2.0]], requires_grad=True)
    loss = F.nll_loss(logp, minigrad.tensor([-100, 0]))
    loss.backward()
    assert loss.item() == 1.0 and logp.grad.tolist() == [[0.0, 0.0], [-1.0, 0.0]]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
def test_labels_of_any_integer_dtype(dtype):
    x = minigrad.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    expected = F.cross_entropy(x, minigrad.tensor([2, 1])).item()
    assert F.cross_entropy(x, minigrad.tensor([2, 1], dtype=dtype)).item() == expected
    with pytest.raises(IndexError, match="label 3 at position"):
        F.cross_entropy(x, minigrad.tensor([2, 3], dtype=dtype))


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_narrow_labels_reach_far_into_a_wide_input(dtype):
    x = minigrad.zeros(3, 5, 400)
    x[2, 4, 399] = 7.0
    labels = minigrad.zeros(3, 400, dtype=dtype)
    labels[2, 399] = 4
    assert F.nll_loss(x, labels, reduction="none").sum().item() == -7.0


def test_labels_may_be_an_array_and_need_not_be_contiguous():
    x = minigrad.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    assert F.cross_entropy(x, np.array([2, 1])).item() == F.cross_entropy(x, np.array([2, 0, 1, 0])[::2]).item()


@pytest.mark.parametrize("name", CLASS_LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_class_losses_pass_gradcheck_to_second_order(rng, name, reduction):
    for shape in [(3, 4), (4,), (2, 3, 2)]:
        for weight in (None, minigrad.tensor(rng.random(shape[class_dim(shape)]) + 0.1)):
            labels = np.asarray(labels_for(shape, rng, "none", -100))
            if labels.size > 1:
                labels.flat[1] = -100
            labels = minigrad.tensor(labels)
            x = minigrad.tensor(rng.standard_normal(shape), requires_grad=True)

            def loss(x, labels=labels, weight=weight):
                return getattr(F, name)(x, labels, weight, reduction=reduction)

            assert minigrad.gradcheck(loss, (x,))
            assert minigrad.gradgradcheck(loss, (x,))


# ------------------------------------------------------------------------------------------------------------ mse


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (2, 3, 4), (0, 3)])
def test_mse_agrees_with_pytorch(torch, rng, shape, reduction, dtype):
    x, t = (np.asarray(rng.standard_normal(shape)).astype(dtype) for _ in range(2))
    a, c = minigrad.tensor(x, requires_grad=True), minigrad.tensor(t, requires_grad=True)
    b, d = torch.tensor(x, requires_grad=True), torch.tensor(t, requires_grad=True)
    y = F.mse_loss(a, c, reduction=reduction)
    z = torch.nn.functional.mse_loss(b, d, reduction=reduction)
    upstream = np.asarray(rng.standard_normal(y.shape)).astype(dtype)
    y.backward(minigrad.tensor(upstream))
    z.backward(torch.tensor(upstream))
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype], "strict": True}
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)
    np.testing.assert_allclose(c.grad.numpy(), d.grad.numpy(), **close)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_passes_gradcheck_to_second_order(rng, reduction):
    a, b = (minigrad.tensor(rng.standard_normal((2, 3)), requires_grad=True) for _ in range(2))
    assert minigrad.gradcheck(lambda a, b: F.mse_loss(a, b, reduction=reduction), (a, b))
    assert minigrad.gradgradcheck(lambda a, b: F.mse_loss(a, b, reduction=reduction), (a, b))


def test_mse_promotes_and_refuses():
    loss = F.mse_loss(minigrad.tensor([1.5]), minigrad.tensor([1]))
    assert loss.dtype == "float32" and loss.item() == 0.25
    with pytest.raises(ValueError, match=r"\(3, 1\).*\(3,\)"):
        F.mse_loss(minigrad.ones(3, 1), minigrad.ones(3))
    with pytest.raises(TypeError, match="int64 and int64"):
        F.mse_loss(minigrad.tensor([1]), minigrad.tensor([1]))
    with pytest.raises(TypeError, match="not float"):
        F.mse_loss(minigrad.ones(1), 1.0)
    with pytest.raises(ValueError, match="'avg'"):
        F.mse_loss(minigrad.ones(1), minigrad.ones(1), reduction="avg")


# ------------------------------------------------------------------------------------------------------ bad input


X = minigrad.zeros(2, 3)
T = minigrad.tensor([0, 2])
BAD = [
    ((X, minigrad.tensor([0, 3])), {}, IndexError, r"label 3 at position \(1,\) is out of range for 3 classes"),
    ((X, minigrad.tensor([-1, 0])), {}, IndexError, r"label -1 at position \(0,\)"),
    ((X, minigrad.tensor([0, -100])), {"ignore_index": 1}, IndexError, "label -100"),
    ((X, minigrad.tensor([1, 7])), {"ignore_index": 1}, IndexError, r"label 7 at position \(1,\)"),
    ((minigrad.zeros(2, 3, 2), minigrad.tensor([[0, 0], [0, 9]])), {}, IndexError, r"label 9 at position \(1, 1\)"),
    ((minigrad.zeros(3), minigrad.tensor(5)), {}, IndexError, r"label 5 at position \(\)"),
    ((X, minigrad.tensor([0, 1, 2])), {}, ValueError, r"target of shape \(3,\) does not fit input of shape \(2, 3\)"),
    ((X, minigrad.tensor(0)), {}, ValueError, r"must be \(2,\)"),
    ((minigrad.zeros(3), minigrad.tensor([0])), {}, ValueError, r"must be \(\)"),
    ((minigrad.zeros(2, 3, 4), minigrad.zeros(2, 5, dtype="int64")), {}, ValueError, r"must be \(2, 4\)"),
    ((minigrad.zeros(()), minigrad.tensor(0)), {}, ValueError, "0-d"),
    ((X, minigrad.zeros(2)), {}, TypeError, "integers, not float32"),
    ((X, minigrad.tensor([True, False])), {}, TypeError, "integers, not bool"),
    ((X, [0, 1]), {}, TypeError, "the target is a list"),
    (([[0.0]], T), {}, TypeError, "takes a Tensor, not list"),
    ((minigrad.zeros(2, 3, dtype="int64"), T), {}, TypeError, "floating point, not int64"),
    ((X, T, minigrad.ones(2)), {}, ValueError, r"weight of shape \(2,\) does not fit 3 classes"),
    ((X, T, minigrad.ones(3, 1)), {}, ValueError, r"weight of shape \(3, 1\)"),
    ((X, T, minigrad.ones(3, dtype="float64")), {}, TypeError, "weight has dtype float64, the input float32"),
    ((X, T, minigrad.ones(3, requires_grad=True)), {}, RuntimeError, "no gradient flows to the class weights"),
    ((X, T, [1.0, 1.0, 1.0]), {}, TypeError, "weight takes a Tensor, not list"),
    ((X, T), {"reduction": "average"}, ValueError, "'average'"),
]


@pytest.mark.parametrize(("args", "options", "error", "message"), BAD)
@pytest.mark.parametrize("name", CLASS_LOSSES)
def test_class_losses_refuse(name, args, options, error, message):
    with pytest.raises(error, match=message) as caught:
        getattr(F, name)(*args, **options)
    if error is not ValueError or "reduction" not in str(caught.value):
        assert str(caught.value).startswith(name)


# --------------------------------------------------------------------------------------------------------- devices


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", CLASS_LOSSES)
def test_class_losses_are_the_same_on_a_gpu(cuda, rng, name, reduction):
    for shape in [(4, 5), (5,), (2, 3, 4)]:
        for weighted in (False, True):
            for ignored in ("none", "some", "all"):
                labels = np.asarray(labels_for(shape, rng, ignored, -100))
                x = logits_for(name, shape, rng, "float64")
                weight = minigrad.tensor(rng.random(shape[class_dim(shape)])) if weighted else None
                found = []
                for device in ("cpu", cuda):
                    a = minigrad.tensor(x, device=device, requires_grad=True)
                    w = None if weight is None else weight.to(device)
                    y = getattr(F, name)(a, minigrad.tensor(labels, device=device), w, reduction=reduction)
                    assert y.device.type == device
                    y.sum().backward()
                    found.append((y.detach().cpu().numpy(), a.grad.cpu().numpy()))
                for on_cpu, on_gpu in zip(*found):
                    np.testing.assert_allclose(on_gpu, on_cpu, rtol=1e-12, atol=1e-12)


def test_on_a_gpu_a_bad_label_is_told_at_the_next_synchronisation(cuda):
    loss = F.cross_entropy(minigrad.zeros(2, 3, device=cuda), minigrad.tensor([0, 3], device=cuda))
    with pytest.raises(IndexError, match=r"label 3 at position \(1,\) is out of range for 3 classes"):
        loss.item()
    assert loss.item() == pytest.approx(math.log(3))  # told once


@pytest.mark.parametrize("name", CLASS_LOSSES)
def test_devices_do_not_mix(cuda, name):
    x, t, w = minigrad.zeros(2, 3), minigrad.tensor([0, 1]), minigrad.ones(3)
    with pytest.raises(RuntimeError, match="input is on cuda:0, the target on cpu"):
        getattr(F, name)(x.to(cuda), t)
    with pytest.raises(RuntimeError, match="input is on cpu, the target on cuda:0"):
        getattr(F, name)(x, t.to(cuda))
    with pytest.raises(RuntimeError, match="input is on cpu, the weight on cuda:0"):
        getattr(F, name)(x, t, w.to(cuda))


def test_pad_and_one_hot_are_pytorchs(torch):
    x = np.arange(6.0).reshape(2, 3)
    for options in ({}, {"value": 2.5}, {"mode": "constant", "value": None}):
        ours = F.pad(minigrad.tensor(x), (1, 2, 0, 1), **options)
        theirs = torch.nn.functional.pad(torch.tensor(x), (1, 2, 0, 1), **options)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    labels = [[0, 2], [1, 0]]
    for classes in (-1, 5):
        ours = F.one_hot(minigrad.tensor(labels), classes)
        assert ours.dtype == "int64"
        assert ours.tolist() == torch.nn.functional.one_hot(torch.tensor(labels), classes).tolist()
    with pytest.raises(TypeError, match="one_hot takes a Tensor, not list"):
        F.one_hot(labels)
