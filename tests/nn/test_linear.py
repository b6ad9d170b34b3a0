"""Linear, Bilinear, Identity, Flatten and Unflatten."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (4, 3), (0, 3), (2, 4, 3), (2, 1, 4, 3)])
def test_linear_agrees_with_pytorch(torch, rng, dtype, bias, shape):
    theirs = torch.nn.Linear(3, 5, bias=bias, dtype=getattr(torch, dtype))
    ours = nn.Linear(3, 5, bias=bias, dtype=dtype)
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    x = rng.standard_normal(shape).astype(dtype)
    upstream = rng.standard_normal((*shape[:-1], 5)).astype(dtype)
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    y.backward(minigrad.tensor(upstream))
    z.backward(torch.tensor(upstream))
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype], "strict": True}
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), err_msg=name, **close)


def test_initial_distribution_is_uniform_below_one_over_root_of_in_features():
    """200 draws: mean 0, variance bound^2 / 3, never beyond the bound. (Var of x^2, x uniform: 4 bound^4 / 45.)"""
    n, bound = 25, 1 / math.sqrt(25)
    generator_state = minigrad.default_generator.get_state()
    minigrad.manual_seed(7)
    layers = [nn.Linear(n, 8) for _ in range(200)]
    minigrad.default_generator.set_state(generator_state)
    for name in ("weight", "bias"):
        values = np.concatenate([getattr(layer, name).detach().numpy().ravel() for layer in layers]).astype(float)
        assert np.abs(values).max() <= bound and np.abs(values).max() > 0.98 * bound
        assert abs(values.mean()) < 4 * bound / math.sqrt(3 * values.size)
        assert abs(np.square(values).mean() - bound**2 / 3) < 4 * bound**2 * math.sqrt(4 / 45 / values.size)


def test_the_seed_decides_the_weights():
    def weights():
        minigrad.manual_seed(3)
        layer = nn.Linear(4, 2)
        return layer.weight.tolist(), layer.bias.tolist()

    first = weights()
    assert weights() == first
    layer = nn.Linear(4, 2)
    assert layer.weight.tolist() != first[0]
    minigrad.manual_seed(3)
    layer.reset_parameters()
    assert (layer.weight.tolist(), layer.bias.tolist()) == first


def test_linear_without_bias_or_inputs():
    layer = nn.Linear(3, 2, bias=False)
    assert layer.bias is None and list(layer.state_dict()) == ["weight"]
    assert nn.Linear(0, 2)(minigrad.zeros(4, 0)).tolist() == [[0.0, 0.0]] * 4


@pytest.mark.parametrize(("shape", "error"), [((4, 2), ValueError), ((), ValueError)])
def test_linear_refuses_an_input_that_does_not_fit(shape, error):
    with pytest.raises(error, match=r"\(5, 3\)"):
        nn.Linear(3, 5)(minigrad.zeros(*shape))


def test_linear_refuses_other_dtypes_and_sizes():
    with pytest.raises(TypeError, match="float64.*float32"):
        nn.Linear(3, 5)(minigrad.zeros(1, 3, dtype="float64"))
    with pytest.raises(ValueError, match="-1"):
        nn.Linear(-1, 5)
    with pytest.raises(TypeError):
        nn.Linear(3.5, 5)
    with pytest.raises(TypeError, match="list"):
        nn.Linear(3, 5)([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="int64"):
        nn.Linear(3, 5, dtype="int64")


def test_identity_passes_on():
    x = minigrad.ones(2)
    assert nn.Identity(54, unused=1)(x) is x


@pytest.mark.parametrize(("args", "shape"), [
    ((), (2, 60)), ((0,), (120,)), ((1, 2), (2, 12, 5)), ((-2, -1), (2, 3, 20))])
def test_flatten(args, shape):
    x = minigrad.arange(120).reshape(2, 3, 4, 5)
    y = nn.Flatten(*args)(x)
    assert y.shape == shape and y.reshape(-1).tolist() == list(range(120))
    with pytest.raises(IndexError):
        nn.Flatten()(minigrad.ones(3))


# ------------------------------------------------------------------------------------------------------------- Bilinear


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("lead", [(), (4,), (0,), (2, 3), (2, 1, 3)])
def test_bilinear_agrees_with_pytorch(torch, rng, dtype, bias, lead):
    theirs = torch.nn.Bilinear(3, 2, 5, bias=bias, dtype=getattr(torch, dtype))
    ours = nn.Bilinear(3, 2, 5, bias=bias, dtype=dtype)
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    x1, x2 = (rng.standard_normal((*lead, n)).astype(dtype) for n in (3, 2))
    a1, a2 = (minigrad.tensor(x, requires_grad=True) for x in (x1, x2))
    b1, b2 = (torch.tensor(x, requires_grad=True) for x in (x1, x2))
    y, z = ours(a1, a2), theirs(b1, b2)
    upstream = rng.standard_normal((*lead, 5)).astype(dtype)
    y.backward(minigrad.tensor(upstream))
    z.backward(torch.tensor(upstream))
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    pairs = [(y, z), (a1.grad, b1.grad), (a2.grad, b2.grad)]
    pairs += [(p.grad, q.grad) for p, q in zip(ours.parameters(), theirs.parameters())]
    for p, q in pairs:
        np.testing.assert_allclose(p.numpy(force=True), q.detach().numpy(), rtol=TOLERANCE[dtype],
                                   atol=TOLERANCE[dtype], strict=True)
    assert repr(ours) == repr(theirs)


def test_bilinear_by_hand():
    """1 * (2 * 5 + 3 * 7) and so on: x1 = (1, 2), x2 = (3,), W = ((5,), (7,)), b = 1: 3 * (5 + 14) + 1."""
    y = F.bilinear(*(minigrad.tensor(v) for v in ([1.0, 2.0], [3.0], [[[5.0], [7.0]]], [1.0])))
    assert y.tolist() == [58.0]


def test_bilinear_starts_uniform_below_one_over_root_of_in1_features():
    """200 draws: mean 0, variance bound^2 / 3, never beyond the bound."""
    state, bound = minigrad.default_generator.get_state(), 1 / math.sqrt(16)
    minigrad.manual_seed(7)
    layers = [nn.Bilinear(16, 3, 2) for _ in range(200)]
    minigrad.default_generator.set_state(state)
    for name in ("weight", "bias"):
        values = np.concatenate([getattr(layer, name).detach().numpy().ravel() for layer in layers]).astype(float)
        assert 0.98 * bound < np.abs(values).max() <= bound
        assert abs(values.mean()) < 4 * bound / math.sqrt(3 * values.size)
        assert abs(np.square(values).mean() - bound**2 / 3) < 4 * bound**2 * math.sqrt(4 / 45 / values.size)


@pytest.mark.parametrize(("shapes", "error", "message"), [
    (((2, 4), (2, 3)), ValueError, r"\(2, 4\) and \(2, 3\) do not fit .* \(5, 3, 2\)"),
    (((2, 3), (2, 3)), ValueError, r"\(2, 3\) and \(2, 3\)"), (((2, 3), (4, 2)), ValueError, r"all others equal"),
    (((2, 3), (1, 2)), ValueError, r"\(2, 3\) and \(1, 2\)"), (((), (2,)), ValueError, r"\(\) and \(2,\)"),
    (((3,), ()), ValueError, r"\(3,\) and \(\)"),
])
def test_bilinear_refuses_inputs_that_do_not_fit(shapes, error, message):
    with pytest.raises(error, match="^bilinear: .*" + message):
        nn.Bilinear(3, 2, 5)(*(minigrad.zeros(*shape) for shape in shapes))


def test_bilinear_refuses_dtypes_and_sizes():
    layer, x1, x2 = nn.Bilinear(3, 2, 5), minigrad.zeros(1, 3), minigrad.zeros(1, 2)
    with pytest.raises(TypeError, match="^bilinear: input2 has dtype float64, input1 float32"):
        layer(x1, x2.double())
    with pytest.raises(TypeError, match="^bilinear: weight has dtype float32, input1 float64"):
        layer(x1.double(), x2.double())
    with pytest.raises(TypeError, match="^bilinear: input1: .* int64"):
        layer(x1.long(), x2)
    with pytest.raises(TypeError, match="^bilinear: input2 takes a Tensor, not list"):
        layer(x1, [0.0, 0.0])
    for sizes, message in (((0, 2, 5), "in1_features must be 1 or more, got 0"), ((-1, 2, 5), "in1_features .* got -1"),
                           ((3, -2, 5), "in2_features .* got -2"), ((3, 2, -5), "out_features .* got -5")):  # fmt: skip
        with pytest.raises(ValueError, match=f"^Bilinear: {message}"):
            nn.Bilinear(*sizes)
    assert nn.Bilinear(3, 0, 5)(x1, minigrad.zeros(1, 0)).shape == (1, 5)


# ------------------------------------------------------------------------------------------------------------ Unflatten


@pytest.mark.parametrize(("args", "shape", "expected"), [
    ((1, (2, 3)), (4, 6, 5), (4, 2, 3, 5)), ((-1, (5,)), (4, 5), (4, 5)), ((0, (2, -1)), (6, 1), (2, 3, 1)),
    ((1, (-1, 4)), (2, 0), (2, 0, 4)), ((0, [1, 6, 1]), (6,), (1, 6, 1)), ((1, (0, 3)), (2, 0), (2, 0, 3))])
def test_unflatten(torch, args, shape, expected):
    x = np.arange(float(np.prod(shape))).reshape(shape)
    y = nn.Unflatten(*args)(minigrad.tensor(x))
    assert y.shape == expected
    np.testing.assert_array_equal(y.numpy(), torch.nn.Unflatten(*args)(torch.tensor(x)).numpy())


def test_unflatten_undoes_flatten(rng):
    x = minigrad.tensor(rng.standard_normal((2, 3, 4, 5)))
    assert nn.Sequential(nn.Flatten(), nn.Unflatten(1, (3, 4, 5)))(x).tolist() == x.tolist()


@pytest.mark.parametrize(("use", "error", "message"), [
    (lambda: nn.Unflatten(1, (2, 4))(minigrad.ones(2, 6)), ValueError, r"dim 1 .* \(2, 6\) .* \(2, 4\)"),
    (lambda: nn.Unflatten(1, (-1, 4))(minigrad.ones(2, 6)), ValueError, r"\(2, 6\) .* \(-1, 4\)"),
    (lambda: nn.Unflatten(1, (-1, 0))(minigrad.ones(2, 0)), ValueError, r"\(-1, 0\)"),
    (lambda: nn.Unflatten(1, ())(minigrad.ones(2, 6)), ValueError, r"\(\)"),
    (lambda: nn.Unflatten(2, (2, 3))(minigrad.ones(2, 6)), IndexError, "dim 2"),
    (lambda: nn.Unflatten(1, (-1, -1)), ValueError, "one size may be -1"),
    (lambda: nn.Unflatten(1, (-2, -3)), ValueError, "negative"),
    (lambda: nn.Unflatten(1, 6), TypeError, "not 6"), (lambda: nn.Unflatten(1, (2.0, 3)), TypeError, "2.0"),
    (lambda: nn.Unflatten("C", (2, 3)), TypeError, "'C'"),
])
def test_unflatten_refuses(use, error, message):
    with pytest.raises(error, match="^Unflatten: .*" + message):
        use()
