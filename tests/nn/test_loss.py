"""Losses as modules: their options, their class weights as a buffer."""
import numpy as np
import pytest

import minigrad
from minigrad import nn


@pytest.mark.parametrize("name", ["NLLLoss", "CrossEntropyLoss"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignore_index", [-100, 1])
@pytest.mark.parametrize("weighted", [False, True])
def test_class_losses_agree_with_pytorch(torch, rng, name, reduction, ignore_index, weighted):
    x, labels, weight = rng.standard_normal((6, 4)), rng.integers(0, 4, 6), rng.random(4)
    options = {"ignore_index": ignore_index, "reduction": reduction}
    ours = getattr(nn, name)(minigrad.tensor(weight) if weighted else None, **options)
    theirs = getattr(torch.nn, name)(torch.tensor(weight) if weighted else None, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    y, z = ours(minigrad.tensor(x), minigrad.tensor(labels)), theirs(torch.tensor(x), torch.tensor(labels))
    np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-10, strict=True)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_agrees_with_pytorch(torch, rng, reduction):
    x, t = rng.standard_normal((3, 2)), rng.standard_normal((3, 2))
    y = nn.MSELoss(reduction=reduction)(minigrad.tensor(x), minigrad.tensor(t))
    z = torch.nn.MSELoss(reduction=reduction)(torch.tensor(x), torch.tensor(t))
    np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-10, strict=True)


@pytest.mark.parametrize("loss", [nn.NLLLoss, nn.CrossEntropyLoss])
def test_class_weights_are_a_buffer(loss):
    module = loss(minigrad.tensor([1.0, 3.0]))
    assert dict(module.named_buffers())["weight"].tolist() == [1.0, 3.0] and list(module.parameters()) == []
    assert module.double().weight.dtype == "float64"
    module.load_state_dict({"weight": np.array([2.0, 4.0])})
    assert module(minigrad.zeros(1, 2, dtype="float64"), minigrad.tensor([0])).dtype == "float64"


def test_cross_entropy_is_nll_of_log_softmax(rng):
    x, t = minigrad.tensor(rng.standard_normal((5, 3))), minigrad.tensor(rng.integers(0, 3, 5))
    composed = nn.NLLLoss()(nn.LogSoftmax(dim=1)(x), t)
    assert nn.CrossEntropyLoss()(x, t).item() == pytest.approx(composed.item(), rel=1e-12)


@pytest.mark.parametrize("loss", [nn.MSELoss, nn.NLLLoss, nn.CrossEntropyLoss])
def test_bad_options_are_refused_when_the_module_is_made(loss):
    with pytest.raises(ValueError, match="reduction must be 'mean', 'sum' or 'none', not 'avg'"):
        loss(reduction="avg")
    with pytest.raises(TypeError):
        loss(None, False)  # PyTorch's deprecated size_average


def test_weights_that_are_no_tensor_are_refused():
    with pytest.raises(TypeError, match="buffer 'weight' must be a Tensor or None, not list"):
        nn.NLLLoss([1.0, 2.0])
