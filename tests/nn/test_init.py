"""Initial values: their distributions, their fans, their gains."""
import math
from functools import partial

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import init

SHAPES = [(30, 20), (5, 60), (8, 3, 5), (6, 4, 3, 5)]


def draws(fill, shape, times=200):
    """Many draws as float64, from a stream of their own."""
    generator = minigrad.Generator(11)
    return np.stack([fill(minigrad.empty(*shape), generator=generator).numpy() for _ in range(times)]).astype(float)


def check_uniform(values, bound):
    """Mean 0, variance bound^2 / 3, within four standard errors; never beyond the bound."""
    assert 0.99 * bound < np.abs(values).max() <= bound * (1 + 1e-6)
    assert abs(values.mean()) < 4 * bound / math.sqrt(3 * values.size)
    assert abs(np.square(values).mean() - bound**2 / 3) < 4 * bound**2 * math.sqrt(4 / 45 / values.size)


def check_normal(values, std):
    """Mean 0, variance std^2, fourth moment 3 std^4, within four standard errors (var x^2 = 2, var x^4 = 96)."""
    assert abs(values.mean()) < 4 * std / math.sqrt(values.size)
    assert abs(np.square(values).mean() - std**2) < 4 * std**2 * math.sqrt(2 / values.size)
    assert abs((values**4).mean() - 3 * std**4) < 4 * std**4 * math.sqrt(96 / values.size)


def fans(shape):
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


@pytest.mark.parametrize("shape", SHAPES)
def test_fans_are_pytorchs(torch, shape):
    theirs = torch.nn.init._calculate_fan_in_and_fan_out(torch.zeros(shape))
    assert init.fan_in_and_fan_out(minigrad.zeros(*shape)) == theirs


@pytest.mark.parametrize(("name", "param"), [
    ("linear", None), ("conv1d", None), ("conv2d", None), ("conv3d", None), ("conv_transpose1d", None),
    ("conv_transpose2d", None), ("conv_transpose3d", None), ("sigmoid", None), ("tanh", None), ("relu", None),
    ("selu", None), ("leaky_relu", None), ("leaky_relu", 0.3), ("leaky_relu", 2)])
def test_gains_are_pytorchs(torch, name, param):
    assert init.calculate_gain(name, param) == pytest.approx(torch.nn.init.calculate_gain(name, param), rel=1e-15)


def test_uniform_and_normal():
    check_uniform(draws(partial(init.uniform_, a=2.0, b=6.0), (40,)) - 4, 2.0)
    check_normal(draws(partial(init.normal_, mean=-1.0, std=0.5), (40,)) + 1, 0.5)


@pytest.mark.parametrize("gain", [1.0, 5 / 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_xavier(shape, gain):
    fan_in, fan_out = fans(shape)
    check_uniform(draws(partial(init.xavier_uniform_, gain=gain), shape), gain * math.sqrt(6 / (fan_in + fan_out)))
    check_normal(draws(partial(init.xavier_normal_, gain=gain), shape), gain * math.sqrt(2 / (fan_in + fan_out)))


@pytest.mark.parametrize(("options", "gain"), [
    ({}, math.sqrt(2)), ({"a": 0.5}, math.sqrt(2 / 1.25)), ({"nonlinearity": "relu"}, math.sqrt(2)),
    ({"nonlinearity": "linear"}, 1.0), ({"nonlinearity": "tanh"}, 5 / 3), ({"a": math.sqrt(5)}, math.sqrt(1 / 3))])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_kaiming(options, gain, mode):
    for shape in SHAPES[1:3]:
        fan = fans(shape)[mode == "fan_out"]
        check_uniform(draws(partial(init.kaiming_uniform_, mode=mode, **options), shape), gain * math.sqrt(3 / fan))
        check_normal(draws(partial(init.kaiming_normal_, mode=mode, **options), shape), gain / math.sqrt(fan))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (2, 3, 4), (5, 1)])
def test_orthogonal(shape, dtype):
    t = init.orthogonal_(minigrad.zeros(*shape, dtype=dtype), gain=2.0, generator=minigrad.Generator(1))
    assert t.dtype == dtype
    m = t.numpy().reshape(shape[0], -1).astype(float)
    small = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-6 if dtype == "float32" else 1e-12)


def test_orthogonal_matrices_are_uniformly_distributed():
    """Then an entry of an n x n one has mean 0 and variance 1 / n; without the choice of signs the diagonal has not."""
    values = draws(init.orthogonal_, (3, 3), times=600)
    assert np.abs(values.mean(axis=0)).max() < 5 * math.sqrt(1 / 3 / 600)
    assert np.abs(np.square(values).mean(axis=0) - 1 / 3).max() < 5 * math.sqrt(0.1 / 600)


def test_constants():
    assert init.constant_(minigrad.empty(2), 3.5).tolist() == [3.5, 3.5]
    assert init.ones_(minigrad.empty(2)).tolist() == [1.0, 1.0]
    assert init.zeros_(minigrad.ones(2)).tolist() == [0.0, 0.0]
    assert init.eye_(minigrad.ones(2, 3)).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


FILLS = [
    init.uniform_, init.normal_, init.ones_, init.zeros_, init.eye_, init.xavier_uniform_, init.xavier_normal_,
    init.kaiming_uniform_, init.kaiming_normal_, init.orthogonal_, lambda t: init.constant_(t, 2.0)]


@pytest.mark.parametrize("fill", FILLS)
def test_a_parameter_is_filled_in_place_and_stays_a_leaf(fill):
    p = nn.Parameter(minigrad.full((3, 2), 5.0))
    array = p.array
    assert fill(p) is p and p.array is array and p.is_leaf and p.requires_grad
    assert (p != 5.0).any()


@pytest.mark.parametrize("fill", [
    init.uniform_, init.normal_, init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_,
    init.kaiming_normal_, init.orthogonal_])
def test_generator_and_manual_seed_repeat(fill):
    def drawn(**options):
        return fill(minigrad.empty(3, 2), **options).tolist()

    assert drawn(generator=minigrad.Generator(5)) == drawn(generator=minigrad.Generator(5))
    assert drawn(generator=minigrad.Generator(5)) != drawn(generator=minigrad.Generator(6))
    minigrad.manual_seed(5)
    assert drawn() == drawn(generator=minigrad.Generator(5)) != drawn()


@pytest.mark.parametrize("fill", FILLS)
def test_on_a_gpu_the_same_numbers(cuda, fill):
    minigrad.manual_seed(5)
    here = fill(minigrad.full((3, 2), 5.0))
    minigrad.manual_seed(5)
    there = fill(minigrad.full((3, 2), 5.0, device=cuda))
    assert there.is_cuda and there.tolist() == here.tolist()


@pytest.mark.parametrize("fill", FILLS)
def test_nothing_to_fill(fill):
    assert fill(minigrad.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize("fill", [
    init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_, init.kaiming_normal_, init.orthogonal_,
    init.eye_])
def test_a_vector_has_no_fans(fill):
    t = minigrad.ones(3)
    with pytest.raises(ValueError, match=r"two dimensions, got shape \(3,\)"):
        fill(t)
    assert t.tolist() == [1.0, 1.0, 1.0]


def test_bad_options():
    t = minigrad.ones(2, 2)
    for wrong, message in (
        (lambda: init.kaiming_uniform_(t, mode="fan"), "'fan'"), (lambda: init.kaiming_normal_(t, mode=""), "mode"),
        (lambda: init.kaiming_normal_(t, nonlinearity="cube"), "no gain is known for 'cube'"),
        (lambda: init.uniform_(t, 1.0, 0.0), "range is empty"),
        (lambda: init.normal_(t, 0.0, -1.0), "normal_: std must be a number from 0"),
        (lambda: init.fan_in_and_fan_out(minigrad.ones(2)), r"\(2,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    with pytest.raises(TypeError, match="calculate_gain: the negative slope must be a number, not 'a'"):
        init.calculate_gain("leaky_relu", "a")
    with pytest.raises(TypeError, match="Generator"):
        init.uniform_(t, generator=np.random.default_rng())
    assert t.tolist() == [[1.0, 1.0], [1.0, 1.0]]


# ------------------------------------------------------------------------------------- LeCun, truncated, Dirac, sparse


@pytest.mark.parametrize("shape", [(40, 30), (8, 6, 3, 3)])
def test_lecun(shape):
    """Variance 1 / fan_in."""
    minigrad.manual_seed(0)
    fan_in = np.prod(shape[1:])
    for function in (init.lecun_normal_, init.lecun_uniform_):
        values = np.concatenate([function(minigrad.empty(*shape)).numpy().ravel() for _ in range(200)])
        error = 6 / np.sqrt(len(values))
        assert abs(values.mean()) < error / np.sqrt(fan_in) and values.var() == pytest.approx(1 / fan_in, rel=2 * error)
    assert abs(values).max() <= np.sqrt(3 / fan_in)
    with pytest.raises(ValueError, match="lecun_normal_ needs at least two dimensions"):
        init.lecun_normal_(minigrad.empty(3))


@pytest.mark.parametrize(("mean", "std", "a", "b"), [(0, 1, -2, 2), (1, 0.5, 0, 1.2), (0, 1, 8, 9), (-3, 0.1, 0, 1)])
def test_trunc_normal(mean, std, a, b):
    """Inside [a, b], with the truncated distribution's mean (by numerical integration)."""
    minigrad.manual_seed(0)
    values = init.trunc_normal_(minigrad.empty(100, 200, dtype="float64"), mean, std, a, b).numpy()
    assert a <= values.min() and values.max() <= b
    grid = np.linspace(a, b, 200_001)
    density = np.exp(-((grid - mean) ** 2) / (2 * std**2) + min((a - mean) ** 2, (b - mean) ** 2, 1e9) / (2 * std**2)
                     * (not a <= mean <= b))
    expected = (grid * density).sum() / density.sum()
    spread = np.sqrt(((grid - expected) ** 2 * density).sum() / density.sum())
    assert values.mean() == pytest.approx(expected, abs=5 * spread / np.sqrt(values.size))
    assert values.std() == pytest.approx(spread, rel=0.05)
    assert init.trunc_normal_(minigrad.empty(())).shape == ()
    wrong = (((0, 1, 2, 2), "needs a < b"), ((0, -1, -2, 2), "std .* from 0"), ((0, math.nan, -2, 2), "std"))
    for bad, message in wrong:
        with pytest.raises(ValueError, match=f"trunc_normal_: {message}"):
            init.trunc_normal_(minigrad.empty(2), *bad)


@pytest.mark.parametrize(("mean", "std", "a", "b"), [
    (0, 1, 10, math.inf), (0, 1, 10, 1e6), (0, 1, -math.inf, -10), (3, 2, -1e9, -15), (1, 0.5, -4, -3.9),
    (0, 1, 6, 60)])
def test_trunc_normal_far_from_the_mean(mean, std, a, b):
    """In units of std, at x from the bound that is d from the mean, the density is exp(-d x - x^2 / 2)."""
    values = init.trunc_normal_(minigrad.empty(20_000, dtype="float64"), mean, std, a, b, minigrad.Generator(1)).numpy()
    near, far = (a, b) if mean < a else (b, a)
    d, found = abs(near - mean) / std, abs(values - near) / std
    grid = np.linspace(0, min(abs(far - near) / std, 20 / d), 200_001)
    density = np.exp(-d * grid - grid**2 / 2)
    expected = (grid * density).sum() / density.sum()
    spread = np.sqrt(((grid - expected) ** 2 * density).sum() / density.sum())
    assert a <= values.min() and values.max() <= b
    assert found.mean() == pytest.approx(expected, abs=5 * spread / np.sqrt(values.size))
    assert found.std() == pytest.approx(spread, rel=0.06)


def test_trunc_normal_without_bounds_or_spread():
    check_normal(draws(partial(init.trunc_normal_, a=-math.inf, b=math.inf), (40,)), 1.0)
    check_uniform(draws(partial(init.trunc_normal_, a=-1e-6, b=1e-6), (40,)), 1e-6)
    for mean, expected in ((1, 1), (-5, -2), (5, 2)):
        assert init.trunc_normal_(minigrad.empty(2), mean, 0.0).tolist() == [expected, expected]


@pytest.mark.parametrize("shape", [(30, 20), (8, 6, 3)])
def test_trunc_normal_and_sparse_repeat(shape):
    for fill in (init.trunc_normal_, init.lecun_normal_, init.lecun_uniform_, partial(init.sparse_, sparsity=0.5)):
        if fill.__class__ is partial and len(shape) > 2:
            continue
        generators = (minigrad.Generator(seed) for seed in (1, 1, 2))
        first, again, other = (fill(minigrad.empty(*shape), generator=g).tolist() for g in generators)
        minigrad.manual_seed(1)
        assert first == again == fill(minigrad.empty(*shape)).tolist() != other


@pytest.mark.parametrize("fill", [init.trunc_normal_, partial(init.sparse_, sparsity=0.5)])
def test_integers_are_not_drawn(fill):
    t = minigrad.ones(2, 2, dtype="int64")
    with pytest.raises(TypeError, match="_ draws floating-point numbers, which a tensor of int64 cannot hold"):
        fill(t)
    assert t.tolist() == [[1, 1], [1, 1]]


def test_orthogonal_halves():
    rows = init.orthogonal_(minigrad.empty(3, 5, dtype="float16")).numpy().astype(float)
    np.testing.assert_allclose(rows @ rows.T, np.eye(3), atol=3e-3)


@pytest.mark.parametrize(("shape", "groups"), [((3, 2, 5), 1), ((2, 3, 3, 3), 1), ((6, 2, 3, 4), 3),
                                               ((4, 4, 1, 3, 3), 2)])
def test_dirac_is_pytorchs(torch, shape, groups):
    theirs = torch.nn.init.dirac_(torch.empty(shape), groups)
    assert init.dirac_(minigrad.empty(*shape), groups).tolist() == theirs.tolist()
    with pytest.raises(ValueError, match="groups=5 does not divide"):
        init.dirac_(minigrad.empty(*shape), 5)
    with pytest.raises(ValueError, match="dirac_ needs three to five dimensions"):
        init.dirac_(minigrad.empty(3, 3))


def test_dirac_passes_the_input_on(rng):
    x = minigrad.tensor(rng.standard_normal((1, 3, 4, 5)).astype("float32"))
    w = init.dirac_(minigrad.empty(3, 3, 3, 3))
    assert minigrad.nn.functional.conv2d(x, w, padding=1).tolist() == x.tolist()


def test_sparse():
    minigrad.manual_seed(0)
    values = init.sparse_(minigrad.empty(50, 40), 0.33, std=0.5).numpy()
    assert ((values == 0).sum(axis=0) == 17).all()
    assert len({tuple(column) for column in (values == 0).T}) > 30
    assert values[values != 0].std() == pytest.approx(0.5, rel=0.1)
    for bad in (-0.1, 1.1):
        with pytest.raises(ValueError, match="sparse_: sparsity must be a number from 0 to 1"):
            init.sparse_(minigrad.empty(3, 3), bad)
    with pytest.raises(ValueError, match="sparse_: std must be a number from 0, got -1"):
        init.sparse_(minigrad.empty(3, 3), 0.5, std=-1)
    with pytest.raises(ValueError, match="sparse_ needs exactly two dimensions"):
        init.sparse_(minigrad.empty(3), 0.5)


# --------------------------------------------------------------------------------------------------------------- LSUV


def deep(activation=nn.Sigmoid):
    layers = []
    for _ in range(6):
        layers += [nn.Linear(16, 16), activation(), nn.Dropout(0.5)]
    return nn.Sequential(nn.Conv1d(2, 2, 3, padding=1), nn.BatchNorm1d(2), nn.Flatten(), *layers)


def test_lsuv_gives_each_layer_unit_variance():
    """Mishkin and Matas 2016, algorithm 1: where they were hundredths before."""
    minigrad.manual_seed(0)
    model, x = deep(), minigrad.randn(256, 2, 8)
    tracked = model[1].running_mean.tolist()
    assert init.lsuv_(model, x, tol=0.01) is model
    assert model.training and model[2].training and model[1].running_mean.tolist() == tracked
    assert all(p.grad is None for p in model.parameters()) and all(m._hooks is None or not m._hooks.after
                                                                   for m in model.modules())
    model.eval()
    with minigrad.no_grad():
        for layer in model:
            x = layer(x)
            if isinstance(layer, (nn.Linear, nn.Conv1d)):
                assert x.numpy().var() == pytest.approx(1, abs=0.011)
                rows = layer.weight.detach().numpy().reshape(layer.weight.shape[0], -1)
                gram = rows @ rows.T
                np.testing.assert_allclose(gram, gram[0, 0] * np.eye(len(gram)), atol=1e-4 * gram[0, 0])
                assert not layer.bias.detach().numpy().any()


def test_lsuv_refuses_what_it_cannot_scale():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    before = {k: v.tolist() for k, v in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"lsuv_: the output of Linear\(in_features=3.*has variance 0.0"):
        init.lsuv_(model, minigrad.zeros(5, 3))
    assert {k: v.tolist() for k, v in model.state_dict().items()} == before and model.training
    with pytest.raises(ValueError, match="ReLU has no layer with a weight"):
        init.lsuv_(nn.ReLU(), minigrad.ones(2))
    with pytest.raises(ValueError, match="does not fit a weight"):
        init.lsuv_(model, minigrad.ones(5, 7))
    assert all(m._hooks is None or not m._hooks.after for m in model.modules())


def shared_layer():
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.Tanh(), layer), r"Linear\(.*\) is called 2 times"


def shared_weight():
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second), r"Linear\(.*\) and Linear\(.*\) share a weight"


def computed_weight():
    second = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
    return nn.Sequential(nn.Linear(4, 4), second), "is computed; call lsuv_"


@pytest.mark.parametrize("make", [shared_layer, shared_weight, computed_weight])
def test_lsuv_refuses_layers_that_no_one_scale_suits(make):
    model, message = make()
    before = {k: v.tolist() for k, v in model.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        init.lsuv_(model, minigrad.randn(8, 4))
    assert {k: v.tolist() for k, v in model.state_dict().items()} == before and model.training
    assert all(m._hooks is None or not m._hooks.after for m in model.modules())


@pytest.mark.parametrize("x", [minigrad.full((5, 3), math.inf), minigrad.empty(0, 3)], ids=["infinite", "empty"])
def test_lsuv_of_no_variance(x, recwarn):
    model = nn.Linear(3, 2)
    before = model.weight.tolist()
    with pytest.raises(ValueError, match=r"of shape \(\d, 2\), has variance nan"):
        init.lsuv_(model, x)
    assert model.weight.tolist() == before and not recwarn.list


def test_lsuv_takes_a_tolerance_and_trials():
    for options in ({"tol": 0}, {"tol": math.nan}, {"max_trials": 0}):
        with pytest.raises(ValueError, match=f"lsuv_: {list(options)[0]} must be"):
            init.lsuv_(nn.Linear(3, 2), minigrad.ones(2, 3), **options)
    x, variances = minigrad.randn(500, 8, generator=minigrad.Generator(1)) * 3, []
    for options in ({"tol": 0.01}, {"tol": 100.0}):
        model = init.lsuv_(nn.Linear(8, 8), x, generator=minigrad.Generator(2), **options)
        variances.append(model(x).numpy(force=True).var())
    assert variances == [pytest.approx(1, abs=0.01), pytest.approx(9, abs=1)]  # rows of length 1 keep the variance


class Counting(nn.Module):
    """Its output depends on how often it was called, and it counts even in eval mode."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("calls", minigrad.zeros(()))

    def forward(self, x):
        self.calls.add_(1.0)
        return self.layer(x) * self.calls


def test_lsuv_stops_after_max_trials():
    class Runaway(nn.Linear):
        """Each trial makes up for what the last one did."""

        def forward(self, x):
            return super().forward(x) / super().forward(x).std(unbiased=False) * 2

    model = Runaway(4, 4)
    init.lsuv_(model, minigrad.randn(32, 4), max_trials=3)
    assert minigrad.norm(model.weight, dim=1).tolist() == pytest.approx([1 / 8] * 4, rel=1e-5)  # halved three times


def test_lsuv_leaves_buffers_and_norms_alone():
    model = nn.Sequential(Counting(), nn.LayerNorm((2, 4)), nn.RMSNorm((2, 4)), nn.BatchNorm1d(2))
    state = {k: v.tolist() for k, v in model.state_dict().items() if "layer" not in k}
    model[1].eval()
    init.lsuv_(model, minigrad.randn(8, 2, 4))
    assert {k: v.tolist() for k, v in model.state_dict().items() if "layer" not in k} == state
    assert [m.training for m in model] == [True, False, True, True]


@pytest.mark.parametrize("fill", [
    init.trunc_normal_, init.lecun_normal_, init.lecun_uniform_, partial(init.sparse_, sparsity=0.5)])
def test_lsuv_and_later_fills_on_a_gpu(cuda, fill):
    here, there = (fill(minigrad.empty(3, 4, device=place), generator=minigrad.Generator(1)) for place in ("cpu", cuda))
    assert there.is_cuda and there.tolist() == here.tolist()
    x = minigrad.randn(32, 4, generator=minigrad.Generator(2))
    model = init.lsuv_(nn.Linear(4, 3, device=cuda), x.to(cuda), tol=0.01)
    assert model(x.to(cuda)).detach().cpu().numpy().var() == pytest.approx(1, abs=0.011)


def test_lsuv_takes_a_model_of_several_arguments():
    model = nn.Bilinear(3, 4, 5)
    x = minigrad.randn(64, 3), minigrad.randn(64, 4)
    init.lsuv_(model, x, tol=0.01)
    assert model(*x).numpy(force=True).var() == pytest.approx(1, abs=0.011)


def test_lsuv_of_tokens_leaves_the_embedding_alone():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 3))
    before = model[0].weight.tolist()
    init.lsuv_(model, minigrad.tensor([[0, 1, 2], [3, 4, 0]]), tol=0.01)
    assert model[0].weight.tolist() == before
    assert model(minigrad.tensor([[0, 1, 2], [3, 4, 0]])).detach().numpy().var() == pytest.approx(1, abs=0.011)
