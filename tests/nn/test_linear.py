"""Linear, Identity and Flatten."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn

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
