"""Parametrizations, and weight normalisation against PyTorch."""
import copy

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim
from minigrad.nn.utils import parametrize
from minigrad.nn.utils.parametrizations import weight_norm


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT


class Doubled(nn.Module):
    def forward(self, x):
        return x * 2

    def right_inverse(self, value):
        return value / 2


def layers(m):
    return {"linear": lambda: m.nn.Linear(3, 4), "conv": lambda: m.nn.Conv2d(2, 3, 2),
            "conv1d": lambda: m.nn.Conv1d(2, 3, 2)}


SHAPES = {"linear": (5, 3), "conv": (2, 2, 4, 4), "conv1d": (2, 2, 4)}


@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("kind", SHAPES)
def test_weight_norm_is_pytorchs(torch, rng, kind, dim):
    plain = layers(minigrad)[kind]().double()
    ours = weight_norm(copy.deepcopy(plain), dim=dim)
    theirs = layers(torch)[kind]().double()
    theirs = torch.nn.utils.parametrizations.weight_norm(theirs, dim=dim)
    assert list(ours.state_dict()) == list(theirs.state_dict()) and repr(ours) == repr(theirs)
    np.testing.assert_allclose(ours.weight.detach().numpy(), plain.weight.detach().numpy(), rtol=1e-12)
    state = {k: np.asarray(v.numpy() * 1.5) for k, v in theirs.state_dict().items()}
    ours.load_state_dict(state), theirs.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
    x = rng.standard_normal(SHAPES[kind])
    y, z = ours(minigrad.tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-10, atol=1e-12)
    upstream = rng.standard_normal(y.shape)
    y.backward(minigrad.tensor(upstream)), z.backward(torch.tensor(upstream))
    for (name, p), (their_name, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == their_name
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


def test_weight_norm_longhand(rng):
    layer = weight_norm(nn.Linear(3, 4).double())
    g, v = (layer.parametrizations.weight.get_parameter(f"original{i}").detach().numpy() for i in (0, 1))
    expected = g * v / np.sqrt((v * v).sum(axis=1, keepdims=True))  # Salimans and Kingma 2016, eq. 2
    np.testing.assert_allclose(layer.weight.detach().numpy(), expected, rtol=1e-12)


def test_it_trains_moves_copies_and_saves(rng, device):
    minigrad.manual_seed(0)
    model = nn.Sequential(weight_norm(nn.Linear(3, 8)), nn.Tanh(), weight_norm(nn.Linear(8, 1)))
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    x = minigrad.tensor(rng.standard_normal((64, 3)).astype("float32"))
    target = x.sum(1, keepdim=True)
    first = None
    for _ in range(100):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), target)
        loss.backward()
        optimizer.step()
        first = first or loss.item()
    assert loss.item() < first / 10
    twin = copy.deepcopy(model)
    assert twin(x).tolist() == model(x).tolist()
    with minigrad.no_grad():
        twin[0].parametrizations.weight.original0.mul_(2)
    assert twin(x).tolist() != model(x).tolist()
    fresh = nn.Sequential(weight_norm(nn.Linear(3, 8)), nn.Tanh(), weight_norm(nn.Linear(8, 1)))
    fresh.load_state_dict(model.state_dict())
    there = fresh.to(device)(x.to(device)).detach().cpu().numpy()
    np.testing.assert_allclose(there, model(x).detach().numpy(), rtol=1e-5)


def test_recurrent_weights_can_be_parametrized(rng):
    layer, x = nn.LSTM(3, 4), minigrad.tensor(rng.standard_normal((5, 2, 3)).astype("float32"))
    before = layer(x)[0]
    weight_norm(layer, "weight_hh_l0")
    np.testing.assert_allclose(layer(x)[0].detach().numpy(), before.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_parametrization_of_ones_own():
    layer = nn.Linear(3, 3)
    original = layer.weight
    assert not parametrize.is_parametrized(layer)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert parametrize.is_parametrized(layer) and parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias") and type(layer).__name__ == "ParametrizedLinear"
    assert isinstance(layer, nn.Linear) and (layer.weight == layer.weight.mT).all()
    assert [name for name, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    assert type(nn.Linear(3, 3)) is nn.Linear and (layer.parametrizations.weight.original == original).all()
    layer(minigrad.ones(1, 3)).sum().backward()
    assert (layer.parametrizations.weight.original.grad.tril(-1) == 0).all()


def test_several_are_called_in_order_and_a_value_can_be_set():
    layer = nn.Linear(2, 2)
    value = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Doubled())
    np.testing.assert_allclose(layer.weight.detach().numpy(), value.numpy(), rtol=1e-6)
    parametrize.register_parametrization(layer, "weight", Doubled())
    np.testing.assert_allclose(layer.weight.detach().numpy(), 2 * value.numpy(), rtol=1e-6)
    layer.weight = minigrad.ones(2, 2)
    assert layer.weight.tolist() == [[1, 1], [1, 1]]
    assert layer.parametrizations.weight.original.tolist() == [[0.25, 0.25], [0.25, 0.25]]


class Raised(nn.Module):
    def forward(self, x):
        return x + 1

    def right_inverse(self, value):
        return value - 1


def test_right_inverses_are_called_from_the_last_to_the_first():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Doubled())
    parametrize.register_parametrization(layer, "weight", Raised())
    layer.weight = minigrad.full((2, 2), 5.0)
    assert layer.parametrizations.weight.original.tolist() == [[2, 2], [2, 2]]
    assert layer.weight.tolist() == [[5, 5], [5, 5]]


class Shared(nn.Module):
    """One value from two halves."""

    def forward(self, a, b):
        return a + b

    def right_inverse(self, value):
        return [value / 2, value / 2]


def test_a_lone_original_is_the_parameter_that_was_there():
    """So an optimizer that was made before goes on learning it, and after its removal too."""
    layer = nn.Linear(2, 2)
    weight, optimizer = layer.weight, optim.SGD(layer.parameters(), lr=1.0)
    value = weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Doubled())
    assert layer.parametrizations.weight.original is weight and weight.tolist() == (value / 2).tolist()
    layer(minigrad.ones(1, 2)).sum().backward()
    optimizer.step()
    assert layer.weight.tolist() == ((value / 2 - 2) * 2).tolist()  # d(2 o) / d o = 2
    value = layer.weight.detach().clone()
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is weight and weight.tolist() == value.tolist()
    layer(minigrad.ones(1, 2)).sum().backward()
    optimizer.step()
    assert layer.weight.tolist() != value.tolist()


def test_several_originals_may_come_as_a_list():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Shared())
    assert [n for n, _ in layer.named_parameters()] == [
        "bias", "parametrizations.weight.original0", "parametrizations.weight.original1"]
    layer.weight = minigrad.ones(2, 2)
    assert layer.weight.tolist() == [[1, 1], [1, 1]]
    assert layer.parametrizations.weight.original1.tolist() == [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize("change", [
    lambda layer: parametrize.remove_parametrizations(layer, "weight"),
    lambda layer: parametrize.register_parametrization(layer, "bias", Doubled())])
def test_what_befalls_a_copy_leaves_the_original_as_it_was(change):
    layer, x = weight_norm(nn.Linear(3, 4)), minigrad.ones(1, 3)
    twin, expected = copy.deepcopy(layer), layer(x).tolist()
    change(twin)
    assert layer(x).tolist() == expected and twin(x).tolist() == pytest.approx(np.array(expected), rel=1e-6)
    assert sorted(dict(layer.named_parameters())) == [
        "bias", "parametrizations.weight.original0", "parametrizations.weight.original1"]
    change(layer)
    assert layer(x).tolist() == twin(x).tolist() and repr(layer) == repr(twin)


def test_two_parameters_of_one_module():
    layer = weight_norm(weight_norm(nn.Linear(3, 4)), "bias", dim=None)
    assert type(layer).__name__ == "ParametrizedLinear" and type(layer).__mro__[1] is nn.Linear
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert parametrize.type_before_parametrizations(nn.Tanh()) is nn.Tanh
    parametrize.remove_parametrizations(layer, "weight")
    assert parametrize.is_parametrized(layer, "bias") and not parametrize.is_parametrized(layer, "weight")
    assert isinstance(layer.weight, nn.Parameter) and not isinstance(layer.bias, nn.Parameter)


def test_frozen_weights_stay_frozen():
    layer = weight_norm(nn.Linear(3, 4).requires_grad_(False))
    assert not any(p.requires_grad for p in layer.parameters())
    assert not parametrize.remove_parametrizations(layer, "weight").weight.requires_grad


def test_cached_values_are_computed_once():
    calls = []

    class Counted(nn.Module):
        def forward(self, x):
            calls.append(1)
            return x * 3

        def right_inverse(self, value):
            return value / 3

    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Counted())
    other = copy.deepcopy(layer)
    calls.clear()
    with parametrize.cached():
        with minigrad.no_grad():
            assert not layer.weight.requires_grad
        with parametrize.cached():
            first = layer.weight
        assert first is layer.weight and first.requires_grad and other.weight is not first
        assert len(calls) == 3  # with gradients, without, and the other's
        layer.weight = minigrad.ones(2, 2)
        assert layer.weight.tolist() == [[1, 1], [1, 1]]
        layer(layer(minigrad.ones(1, 2))).sum().backward()
        assert len(calls) == 4
        parametrize.register_parametrization(layer, "weight", Doubled())
        np.testing.assert_allclose(layer.weight.detach().numpy(), 2)
    calls.clear()
    assert layer.weight is not layer.weight and len(calls) == 2


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, None])
def test_the_length_is_taken_as_pytorch_takes_it(torch, rng, dim):
    value = rng.standard_normal((2, 3, 4))
    ours, theirs = nn.Bilinear(3, 4, 2).double(), torch.nn.Bilinear(3, 4, 2).double()
    ours.load_state_dict({"weight": value, "bias": np.zeros(2)})
    theirs.load_state_dict({"weight": torch.tensor(value), "bias": torch.zeros(2)})
    ours, theirs = weight_norm(ours, dim=dim), torch.nn.utils.parametrizations.weight_norm(theirs, dim=dim)
    a, b = ours.parametrizations.weight.original0, theirs.parametrizations.weight.original0
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12, strict=True)


def test_second_derivatives_of_weight_norm(rng):
    layer, x = weight_norm(nn.Linear(2, 3)).double(), minigrad.tensor(rng.standard_normal((2, 2)))

    def computed(g, v):
        return x @ layer.parametrizations.weight[0](g, v).mT

    g, v = minigrad.tensor(rng.uniform(0.5, 2, (3, 1)), requires_grad=True), minigrad.tensor(
        rng.standard_normal((3, 2)), requires_grad=True)
    assert minigrad.gradcheck(computed, (g, v)) and minigrad.gradgradcheck(computed, (g, v))


def test_removal():
    layer = weight_norm(nn.Linear(3, 4))
    value = layer.weight.detach().numpy()
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and isinstance(layer.weight, nn.Parameter)
    assert sorted(layer.state_dict()) == ["bias", "weight"] and not hasattr(layer, "parametrizations")
    np.testing.assert_allclose(layer.weight.detach().numpy(), value)
    parametrize.register_parametrization(layer, "weight", Doubled())
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    np.testing.assert_allclose(layer.weight.detach().numpy(), value / 2)


def test_bad_use_changes_nothing():
    layer = nn.Linear(3, 4)
    with pytest.raises(ValueError, match="Linear has no parameter 'wait' to parametrize"):
        weight_norm(layer, "wait")
    with pytest.raises(IndexError, match=r"weight_norm: 'weight' has shape \(4, 3\), and no dim 2"):
        weight_norm(layer, dim=2)

    class Shrunk(nn.Module):
        def forward(self, x):
            return x[1:]

    with pytest.raises(ValueError, match=r"must give shape \(4, 3\) and dtype float32, not shape \(3, 3\)"):
        parametrize.register_parametrization(layer, "weight", Shrunk())
    assert type(layer) is nn.Linear and sorted(layer.state_dict()) == ["bias", "weight"]
    with pytest.raises(ValueError, match="Linear has no parametrization of 'weight'"):
        parametrize.remove_parametrizations(layer, "weight")
    with pytest.raises(TypeError, match="a parametrization is a Module, not function"):
        parametrize.register_parametrization(layer, "weight", lambda x: x)

    class Torn(nn.Module):
        def forward(self, x):
            return x

        def right_inverse(self, value):
            return {"a": value}

    with pytest.raises(ValueError, match="right_inverse must return a Tensor or a tuple of them, not dict"):
        parametrize.register_parametrization(layer, "weight", Torn())
    assert type(layer) is nn.Linear and sorted(layer.state_dict()) == ["bias", "weight"]
    weight_norm(layer)
    with pytest.raises(ValueError, match="weight_norm: 'weight' of ParametrizedLinear has it already"):
        weight_norm(layer)
    value = layer.weight.tolist()
    with pytest.raises(ValueError, match=r"a value of shape \(5, 3\) gives originals of shapes"):
        layer.weight = minigrad.ones(5, 3)
    with pytest.raises(TypeError, match="a computed parameter takes a Tensor, not float"):
        layer.weight = 1.0
    assert layer.weight.tolist() == value
    with pytest.raises(ValueError, match="computed from 2 tensors"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    square = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    with pytest.raises(RuntimeError, match="Symmetric has no right_inverse"):
        square.weight = minigrad.ones(3, 3)
