"""Embedding."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim
from minigrad.nn import functional as F


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("padding_idx", [None, 0, 2, -1])
@pytest.mark.parametrize("shape", [(), (6,), (3, 4), (0,), (2, 0, 3)])
def test_function_agrees_with_pytorch(torch, rng, shape, padding_idx, dtype):
    labels, w = np.asarray(rng.integers(0, 5, shape)), rng.standard_normal((5, 3)).astype(dtype)
    a, b = minigrad.tensor(w, requires_grad=True), torch.tensor(w, requires_grad=True)
    y = F.embedding(minigrad.tensor(labels), a, padding_idx)
    z = torch.nn.functional.embedding(torch.tensor(labels), b, padding_idx)
    upstream = rng.standard_normal(y.shape).astype(dtype)
    y.backward(minigrad.tensor(upstream)), z.backward(torch.tensor(upstream))
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy(), strict=True)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-5, atol=1e-6, strict=True)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
def test_indices_of_any_integer_dtype(dtype):
    """Also where index times row length is beyond the dtype."""
    w = minigrad.arange(100.0 * 7).reshape(100, 7).requires_grad_()
    y = F.embedding(minigrad.tensor([99, 0, 99], dtype=dtype), w)
    y.sum().backward()
    assert y[0].tolist() == [693.0 + i for i in range(7)] and y[1].tolist() == [float(i) for i in range(7)]
    assert w.grad.sum(1).tolist() == [7.0] + [0.0] * 98 + [14.0]


def test_a_row_that_is_taken_often_sums_its_gradients_in_single_precision():
    """3,000 halves of 1, which added up in halves would stay at 2,048."""
    w = minigrad.zeros(2, 1, dtype="float16", requires_grad=True)
    F.embedding(minigrad.ones(3000, dtype="int64"), w).sum().backward()
    assert w.grad.tolist() == [[0.0], [3000.0]]


def test_initial_distribution_is_standard_normal():
    """200 draws: mean 0, variance 1, and the padding 0."""
    state = minigrad.default_generator.get_state()
    minigrad.manual_seed(7)
    layers = [nn.Embedding(10, 4, padding_idx=-2) for _ in range(200)]
    minigrad.default_generator.set_state(state)
    weights = np.stack([layer.weight.detach().numpy() for layer in layers]).astype(float)
    assert (weights[:, 8] == 0).all() and layers[0].padding_idx == 8
    values = np.delete(weights, 8, axis=1)
    assert abs(values.mean()) < 4 / math.sqrt(values.size)
    assert abs(values.var() - 1) < 4 * math.sqrt(2 / values.size)


def test_the_padding_stays_where_it_is(rng):
    layer = nn.Embedding(4, 3, padding_idx=1)
    optimizer = optim.SGD(layer.parameters(), lr=0.5)
    before = layer.weight.numpy(force=True).copy()
    layer(minigrad.tensor([1, 0, 1, 3])).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0] * 3, [0.0] * 3, [0.0] * 3, [1.0] * 3]
    optimizer.step()
    np.testing.assert_allclose(layer.weight.numpy(force=True), before - 0.5 * np.array([[1], [0], [0], [1]]), rtol=1e-6)
    with minigrad.no_grad():
        layer.weight += 1
    layer.reset_parameters()
    assert layer.weight[1].tolist() == [0.0] * 3 and layer.weight[0].tolist() != before[0].tolist()


def test_a_gradient_that_is_not_finite_does_not_reach_the_padding():
    w = minigrad.ones(2, 1, requires_grad=True)
    F.embedding(minigrad.tensor([0, 1]), w, 0).backward(minigrad.tensor([[math.nan], [2.0]]))
    assert w.grad.tolist() == [[0.0], [2.0]]


def test_from_pretrained(torch):
    vectors = minigrad.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    state = minigrad.default_generator.get_state()
    layer = nn.Embedding.from_pretrained(vectors, padding_idx=0)
    assert minigrad.default_generator.get_state() == state
    assert repr(layer) == repr(torch.nn.Embedding.from_pretrained(torch.ones(3, 2), padding_idx=0))
    assert not layer.weight.requires_grad and layer(minigrad.tensor([0, 2])).tolist() == [[1.0, 2.0], [5.0, 6.0]]
    vectors[2, 0] = 7.0
    assert layer.weight[2, 0].item() == 7.0
    learning = nn.Embedding.from_pretrained(vectors.clone(), freeze=False)
    learning(minigrad.tensor([1])).sum().backward()
    assert learning.weight.grad.tolist() == [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]] and learning.padding_idx is None


def test_places_and_dtypes(device):
    layer = nn.Embedding(3, 2, padding_idx=0, device=device, dtype="float64")
    assert layer.weight.device.type == device and layer.weight.dtype == "float64"
    y = layer(minigrad.tensor([[0, 2], [2, 1]], device=device))
    y.sum().backward()
    assert y.device.type == device and layer.weight.grad.tolist() == [[0.0] * 2, [1.0] * 2, [2.0] * 2]


BAD = [
    (lambda: nn.Embedding(3, 2)(minigrad.tensor([[0, 1], [3, 2]])), IndexError,
     r"^Embedding: index 3 at position \(1, 0\) is out of range for a weight of shape \(3, 2\): .* 0 to 2"),
    (lambda: nn.Embedding(3, 2)(minigrad.tensor([0, -1])), IndexError, r"^Embedding: index -1 at position \(1,\)"),
    (lambda: nn.Embedding(3, 2)(minigrad.tensor(7)), IndexError, r"^Embedding: index 7 at position \(\)"),
    (lambda: nn.Embedding(0, 2)(minigrad.tensor([0])), IndexError, "^Embedding: index 0"),
    (lambda: F.embedding(minigrad.tensor([9]), minigrad.ones(3, 2)), IndexError, "^embedding: index 9"),
    (lambda: nn.Embedding(3, 2)(minigrad.ones(2)), TypeError, "^Embedding: .* integers, not float32"),
    (lambda: nn.Embedding(3, 2)(minigrad.tensor([True])), TypeError, "^Embedding: .* integers, not bool"),
    (lambda: nn.Embedding(3, 2)([0]), TypeError, "^Embedding takes a Tensor, not list"),
    (lambda: F.embedding(minigrad.tensor([0]), minigrad.ones(3)), ValueError, r"^embedding: weight .* \(3,\)"),
    (lambda: F.embedding(minigrad.tensor([0]), minigrad.ones(3, 2).long()), TypeError, "^embedding: weight: .* int64"),
    (lambda: F.embedding(minigrad.tensor([0]), minigrad.ones(3, 2), 3), ValueError, "^embedding: padding_idx 3 .* 3 e"),
    (lambda: nn.Embedding(3, 2, padding_idx=-4), ValueError, "^Embedding: padding_idx -4 is out of range for 3"),
    (lambda: nn.Embedding(-1, 2), ValueError, "Embedding: num_embeddings must be 0 or more, got -1"),
    (lambda: nn.Embedding(3, -2), ValueError, "Embedding: embedding_dim must be 0 or more, got -2"),
    (lambda: nn.Embedding.from_pretrained(minigrad.ones(3)), ValueError, r"from_pretrained .* \(3,\)"),
    (lambda: nn.Embedding.from_pretrained([[1.0]]), TypeError, "from_pretrained .* not list"),
    (lambda: nn.Embedding.from_pretrained(minigrad.ones(2, 2).long()), TypeError, "from_pretrained .* int64"),
]


@pytest.mark.parametrize(("use", "error", "message"), BAD)
def test_bad_input(use, error, message):
    with pytest.raises(error, match=message):
        use()


def test_on_a_gpu_an_index_out_of_range_is_told_at_the_next_synchronisation(cuda):
    layer = nn.Embedding(3, 2, device=cuda)
    y = layer(minigrad.tensor([1, 3], device=cuda))
    with pytest.raises(IndexError, match=r"^Embedding: index 3 at position \(1,\) .* \(3, 2\): .* 0 to 2"):
        y.sum().item()
    with pytest.raises(RuntimeError, match=r"^Embedding: the input is on cpu, the weight on cuda:0; .*\.to\("):
        layer(minigrad.tensor([0]))


def test_second_derivatives(rng):
    w = minigrad.tensor(rng.standard_normal((4, 3)), requires_grad=True)
    labels = minigrad.tensor([[0, 1], [1, 3]])
    assert minigrad.gradgradcheck(lambda w: F.embedding(labels, w * w, padding_idx=2).exp(), (w,))
