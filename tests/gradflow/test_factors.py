"""The backward gain taken apart, and what theory says of it, against backpropagation written out in NumPy."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import gradflow, nn
from tests.gradflow import longhand

DEPTH, WIDTH, BATCH = 30, 256, 64
MODULES = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


def random_stack(activation, scale, seed=0, depth=DEPTH, width=WIDTH, bias=0.0):
    """Weights N(0, scale^2 / width), and a model of them with a linear layer on top."""
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((width, width)) * scale / math.sqrt(width) for _ in range(depth + 1)]
    biases = [rng.standard_normal(width) * bias for _ in range(depth + 1)]
    layers = []
    for w, b in zip(weights, biases):
        layer = nn.Linear(width, width, dtype="float64")
        layer.load_state_dict({"weight": w, "bias": b})
        layers += [layer, MODULES[activation]()]
    return nn.Sequential(*layers[:-1]), weights, biases


def recorded(activation, scale, seed=0, **options):
    """(the record of one step, the same from longhand backpropagation, the weights)."""
    model, weights, biases = random_stack(activation, scale, seed, **options)
    rng = np.random.default_rng(seed + 100)
    x, upstream = (rng.standard_normal((BATCH, weights[0].shape[0])) for _ in range(2))
    with gradflow.watch(model) as flow:
        model(minigrad.tensor(x)).backward(minigrad.tensor(upstream))
    return flow, longhand.backprop(x, weights, biases, activation, upstream), weights


@pytest.mark.parametrize("activation", MODULES)
def test_the_factors_are_those_of_longhand_backprop(activation):
    flow, truth, weights = recorded(activation, 2.0, depth=6, width=20, bias=0.3)
    _, slope_of = longhand.SLOPES[activation]
    inverse = {"sigmoid": lambda a: np.log(a / (1 - a)), "tanh": np.arctanh, "relu": lambda a: a}[activation]
    for i, a in enumerate(truth.activations):
        slope, u = slope_of(inverse(a), a), truth.deltas[i + 1] @ weights[i + 1]
        of_slope, of_u = longhand.rms(slope), longhand.length(u)
        assert flow.weight_factor[0, i] == pytest.approx(of_u / longhand.length(truth.deltas[i + 1]), rel=1e-6)
        assert flow.slope_rms[0, i] == pytest.approx(of_slope, rel=1e-6)
        assert flow.alignment[0, i] == pytest.approx(longhand.length(slope * u) / (of_slope * of_u), rel=1e-6)
        assert flow.batch_std[0, i] == pytest.approx(np.sqrt(np.mean(a.var(axis=0))), rel=1e-6)
        assert flow.pooled_std[0, i] == pytest.approx(a.std(), rel=1e-6)
        assert flow.dead[0, i] == np.mean((slope == 0).all(axis=0))
    product = flow.weight_factor * flow.slope_rms * flow.alignment
    np.testing.assert_allclose(product[0, :-1], flow.gain[0, :-1], rtol=1e-10)
    assert math.isnan(product[0, -1])


# What a stack of 30 layers does, as independent simulations have it: the gain a layer, a mean over layers.
GAINS = [("sigmoid", 1, 0.235), ("sigmoid", 4, 0.62), ("sigmoid", 8, 0.88), ("sigmoid", 16, 1.22), ("tanh", 1, 0.94),
         ("tanh", 2, 1.16)]  # fmt: skip


@pytest.mark.parametrize(("activation", "scale", "expected"), GAINS)
def test_gains_are_those_known_and_those_that_theory_predicts(activation, scale, expected):
    flow, truth, _ = recorded(activation, scale)
    gain = flow.gain[0, :-1]
    assert np.mean(gain) == pytest.approx(expected, abs=0.03)
    lengths = np.array([longhand.length(d) for d in truth.deltas])
    np.testing.assert_allclose(gain, lengths[:-1] / lengths[1:], rtol=1e-6)
    predicted = gradflow.mean_field(MODULES[activation](), scale, DEPTH)
    assert np.mean(gain) == pytest.approx(np.mean(predicted.gain), rel=0.05)
    if activation == "sigmoid" and scale in (8, 16):
        assert np.mean(flow.saturated[0, :-1]) == pytest.approx({8: 0.58, 16: 0.79}[scale], abs=0.03)


def test_a_stack_of_sigmoids_forgets_its_input():
    flow, _, _ = recorded("sigmoid", 1)
    assert flow.batch_std[0, -2] < 1e-14 < 0.01 < flow.pooled_std[0, -2]


def test_theory_against_closed_forms_and_another_quadrature():
    relu = gradflow.mean_field(nn.ReLU(), 1.3, 4, bias=0.2, input_square=0.5)
    q = [1.3**2 * 0.5 + 0.04]
    for _ in range(3):
        q.append(1.3**2 * q[-1] / 2 + 0.04)  # E[relu(x)^2] = q / 2
    np.testing.assert_allclose(relu.q, q, rtol=1e-9)
    np.testing.assert_allclose(relu.gain, 1.3 / math.sqrt(2), rtol=1e-3)  # the kink is one point of 8001
    tanh, square = gradflow.mean_field(nn.Tanh(), 1.7, 5), 1.0
    for q, gain in zip(*tanh):
        assert q == pytest.approx(1.7**2 * square, rel=1e-8)
        square = gaussian_mean(lambda x: np.tanh(math.sqrt(q) * x) ** 2)
        of_slopes = gaussian_mean(lambda x: np.cosh(math.sqrt(q) * x) ** -4)
        assert gain == pytest.approx(1.7 * math.sqrt(of_slopes), rel=1e-8)


def gaussian_mean(f):
    """E[f(x)] of a standard normal x, by adaptive quadrature."""
    integrate = pytest.importorskip("scipy.integrate")
    return integrate.quad(lambda x: f(x) * math.exp(-x * x / 2), -12, 12, epsabs=1e-13)[0] / math.sqrt(2 * math.pi)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: gradflow.mean_field(nn.Linear(2, 2), 1.0, 3), TypeError, "takes an activation, such as nn.Tanh.., not Linear"),
    (lambda: gradflow.mean_field(nn.Tanh(), 1.0, 0), ValueError, "depth must be 1 or more"),
    (lambda: gradflow.mean_field(nn.Tanh(), -1.0, 3), ValueError, "scale not negative"),
])
def test_theory_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_where_no_activation_follows_the_weights_are_all(rng):
    model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3)).double()
    with gradflow.watch(model) as flow:
        model(minigrad.tensor(rng.standard_normal((6, 4)))).square().sum().backward()
    assert flow.slope_rms[0].tolist() == flow.alignment[0].tolist() == [1, 1]
    assert flow.weight_factor[0, 0] == pytest.approx(flow.gain[0, 0], rel=1e-14)


def test_a_dead_layer_is_seen(rng):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).double()
    model[0].load_state_dict({"weight": np.ones((8, 4)), "bias": np.where(np.arange(8) < 6, -100.0, 100.0)})
    with gradflow.watch(model) as flow:
        model(minigrad.tensor(rng.standard_normal((16, 4)))).sum().backward()
    assert flow.dead[0, 0] == 0.75 and math.isnan(flow.dead[0, 1])
    assert flow.slope_rms[0, 0] == pytest.approx(math.sqrt(0.25))


def test_looking_at_slopes_changes_no_random_number_and_calls_no_hook():
    """RReLU draws its slopes; the hooks of others on z wait for the gradient of the loss."""
    def run(watched):
        minigrad.manual_seed(3)
        seen = []

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.linear, self.bend = nn.Linear(3, 4), nn.RReLU()

            def forward(self, x):
                z = self.linear(x)
                z.register_hook(lambda g: seen.append(g.numpy().copy()))
                return self.bend(z)

        model = Model()
        x = minigrad.randn(5, 3)
        if watched:
            with gradflow.watch(model) as flow:
                model(x).sum().backward()
            assert flow.slope_rms[0, 0] > 0
        else:
            model(x).sum().backward()
        return seen, model.linear.weight.grad.numpy(), minigrad.randn(2).numpy()

    (seen, weight, drawn), (seen_alone, weight_alone, drawn_alone) = run(True), run(False)
    assert len(seen) == len(seen_alone) == 1
    np.testing.assert_array_equal(seen[0], seen_alone[0])
    np.testing.assert_array_equal(weight, weight_alone)
    np.testing.assert_array_equal(drawn, drawn_alone)


def test_probe_is_one_watched_step_and_leaves_the_model_alone(rng):
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3))
    x, y = minigrad.tensor(rng.standard_normal((6, 4)).astype("float32")), minigrad.tensor([0, 1, 2, 0, 1, 2])
    nn.CrossEntropyLoss()(model(x), y).backward()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    gradients = [p.grad for p in model.parameters()]
    flow = gradflow.probe(model, x, y, nn.CrossEntropyLoss())
    assert len(flow) == 1 and [layer.kind for layer in flow.layers] == ["Linear", "BatchNorm1d", "Linear"]
    assert flow.weight_grad_norm[0, 0] == pytest.approx(longhand.length(gradients[0].numpy()), rel=1e-5)
    assert all(p.grad is g for p, g in zip(model.parameters(), gradients))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name], err_msg=name)
    with pytest.raises(ZeroDivisionError):
        gradflow.probe(model, x, y, lambda output, target: 1 / 0)
    assert all(p.grad is g for p, g in zip(model.parameters(), gradients))
    with pytest.raises(ValueError, match="probe: no gradient reached the model"):
        gradflow.probe(model, x, y, lambda output, target: minigrad.ones(1, requires_grad=True).sum())
    with pytest.raises(TypeError, match="watch takes a Module, not int"):
        gradflow.probe(3, x, y, nn.CrossEntropyLoss())
