"""Signal-to-noise, singular values, updates, and theory on a model's own weights: each against longhand NumPy."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import gradflow, nn, optim
from tests.gradflow import longhand


def model_of(*sizes, activation=nn.Tanh, seed=0):
    minigrad.manual_seed(seed)
    layers = [m for a, b in zip(sizes, sizes[1:]) for m in (nn.Linear(a, b, dtype="float64"), activation())]
    return nn.Sequential(*layers[:-1])


def parts(model):
    layers = [m for m in model if isinstance(m, nn.Linear)]
    return [m.weight.detach().numpy().copy() for m in layers], [m.bias.detach().numpy().copy() for m in layers]


def test_signal_to_noise_is_that_of_single_examples(rng):
    model = model_of(4, 6, 3)
    x, upstream = rng.standard_normal((9, 4)), rng.standard_normal((9, 3))
    with gradflow.watch(model, snr=True) as flow:
        model(minigrad.tensor(x)).backward(minigrad.tensor(upstream))
    truth = longhand.backprop(x, *parts(model), "tanh", upstream)
    for i, met in enumerate([x, truth.activations[0]]):
        each = np.einsum("no,ni->noi", truth.deltas[i], met).reshape(9, -1)
        mean = each.mean(axis=0)
        noise = math.sqrt(np.mean(np.sum((each - mean) ** 2, axis=1)))
        assert flow.snr[0, i] == pytest.approx(np.linalg.norm(mean) / noise, rel=1e-6)
    assert flow.weight_grad_norm[0, 0] == pytest.approx(longhand.length(truth.weight_grads[0]), rel=1e-9)


def test_signal_without_noise_and_one_example():
    model = model_of(4, 3)
    same = minigrad.ones(5, 4).double()
    flow = gradflow.probe(model, same, None, lambda out, _: out.square().sum(), snr=True)
    assert flow.snr[0, 0] == math.inf
    flow = gradflow.probe(model, same[:1], None, lambda out, _: out.square().sum(), snr=True)
    assert math.isnan(flow.snr[0, 0])


def test_singular_values_of_a_layer_with_its_slopes(rng):
    model = model_of(4, 6, 3)
    x = rng.standard_normal((5, 4))
    flow = gradflow.probe(model, minigrad.tensor(x), None, lambda out, _: out.square().sum(), jacobian=True)
    (w, v), (b, _) = parts(model)
    slope = 1 - np.tanh(x[0] @ w.T + b) ** 2
    values = np.linalg.svd(slope[:, None] * w, compute_uv=False)
    assert flow.sigma_max[0, 0] == pytest.approx(values[0], rel=1e-9)
    assert flow.sigma_min[0, 0] == pytest.approx(values[-1], rel=1e-9)
    above = np.linalg.svd(v, compute_uv=False)
    assert (flow.sigma_max[0, 1], flow.sigma_min[0, 1]) == pytest.approx((above[0], above[-1]), rel=1e-9)


def test_singular_values_of_a_convolution_by_finite_differences(rng):
    minigrad.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 3, 3, padding=1, dtype="float64"), nn.BatchNorm1d(3, dtype="float64"))
    x = rng.standard_normal((4, 2, 5))
    before = model[1].running_mean.numpy().copy()
    flow = gradflow.probe(model, minigrad.tensor(x), None, lambda out, _: out.square().sum(), jacobian=True)
    columns = []
    with minigrad.no_grad():
        for i in range(10):
            step = np.zeros((1, 2, 5))
            step.reshape(-1)[i] = 1e-6
            up, down = (model[0](minigrad.tensor(x[:1] + sign * step)).numpy() for sign in (1, -1))
            columns.append((up - down).reshape(-1) / 2e-6)
    values = np.linalg.svd(np.stack(columns, axis=1), compute_uv=False)
    assert flow.sigma_max[0, 0] == pytest.approx(values[0], rel=1e-6)
    assert flow.sigma_min[0, 0] == pytest.approx(values[-1], rel=1e-5)
    assert np.isfinite(flow.sigma_max[0, 1])
    np.testing.assert_array_equal(model[1].running_mean.numpy(), before)


def test_the_updates_of_plain_sgd_are_lr_times_the_gradient(rng):
    model = model_of(4, 6, 3)
    rule = optim.SGD(model.parameters(), lr=0.3)
    x, upstream = rng.standard_normal((9, 4)), rng.standard_normal((9, 3))
    with gradflow.watch(model, every=2, optimizer=rule) as flow:
        for _ in range(3):
            before, biases = parts(model)
            truth = longhand.backprop(x, before, biases, "tanh", upstream)
            rule.zero_grad()
            model(minigrad.tensor(x)).backward(minigrad.tensor(upstream))
            rule.step()
    assert flow.steps == [1, 3]
    expected = [0.3 * longhand.length(g) / longhand.length(w) for g, w in zip(truth.weight_grads, before)]
    np.testing.assert_allclose(flow.update_ratio[1], expected, rtol=1e-6)
    assert not rule._pre_hooks and not rule._post_hooks
    with pytest.raises(TypeError, match="watch: optimizer must be an Optimizer, not float"), gradflow.watch(model, optimizer=0.1):
        pass


def test_without_an_optimizer_updates_are_unknown(rng):
    model = model_of(4, 3)
    flow = gradflow.probe(model, minigrad.tensor(rng.standard_normal((2, 4))), None, lambda out, _: out.sum())
    assert np.isnan(flow.update_ratio).all()


def quadrature(f):
    """E[f(x)] of a standard normal x, by Gauss and Hermite."""
    at, weight = np.polynomial.hermite_e.hermegauss(80)
    return float(weight @ f(at)) / math.sqrt(2 * math.pi)


def test_theory_takes_the_models_own_scales(rng):
    model = model_of(4, 6, 5, 3)
    x = 1.5 * rng.standard_normal((9, 4))
    flow = gradflow.probe(model, minigrad.tensor(x), None, lambda out, _: out.square().sum())
    weights, biases = parts(model)
    scale = [math.sqrt(w.shape[1] * np.mean(w**2)) for w in weights]
    square, expected = np.mean(x**2), []
    for i in range(2):
        q = scale[i] ** 2 * square + np.mean(biases[i] ** 2)
        square = quadrature(lambda z: np.tanh(math.sqrt(q) * z) ** 2)
        expected.append(scale[i + 1] * math.sqrt(quadrature(lambda z: np.cosh(math.sqrt(q) * z) ** -4)))
    np.testing.assert_allclose(flow.predicted_gain[0, :2], expected, rtol=1e-5)
    assert math.isnan(flow.predicted_gain[0, 2])


def test_theory_starts_anew_where_something_lies_between(rng):
    minigrad.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.LayerNorm(6), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    x = rng.standard_normal((9, 4))
    flow = gradflow.probe(model, minigrad.tensor(x), None, lambda out, _: out.square().sum())
    assert [layer.kind for layer in flow.layers] == ["Linear", "LayerNorm", "Linear", "Linear"]
    assert np.isnan(flow.predicted_gain[0, [0, 1, 3]]).all()
    w, b = parts(model)
    first = np.tanh(x @ w[0].T + b[0])
    normed = (first - first.mean(1, keepdims=True)) / np.sqrt(first.var(1, keepdims=True) + 1e-5)
    q = 6 * np.mean(w[1] ** 2) * np.mean(normed**2) + np.mean(b[1] ** 2)
    slopes = quadrature(lambda z: np.cosh(math.sqrt(q) * z) ** -4)
    assert flow.predicted_gain[0, 2] == pytest.approx(math.sqrt(5 * np.mean(w[2] ** 2) * slopes), rel=1e-5)


def test_random_stacks_do_as_their_theory_says(rng):
    minigrad.manual_seed(2)
    model = gradflow.deep_stack(12, 256, "relu", "kaiming_normal", inputs=256, classes=256).double()
    x, upstream = minigrad.randn(64, 256).double(), minigrad.randn(64, 256).double()
    flow = gradflow.probe(model, x, upstream, lambda out, u: (out * u).sum())
    assert np.mean(flow.predicted_gain[0, :12]) == pytest.approx(np.mean(flow.gain[0, :12]), rel=0.05)


def test_theory_takes_what_the_layer_met_where_a_function_lies_between(rng):
    class Doubled(nn.Module):
        def __init__(self):
            super().__init__()
            self.low, self.bend, self.mid, self.high = nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.Linear(5, 3)

        def forward(self, x):
            return self.high(self.bend(self.mid(3 * self.bend(self.low(x)))))

    minigrad.manual_seed(0)
    model = Doubled().double()
    x = rng.standard_normal((9, 4))
    flow = gradflow.probe(model, minigrad.tensor(x), None, lambda out, _: out.square().sum())
    w, b = zip(*((m.weight.detach().numpy(), m.bias.detach().numpy()) for m in (model.low, model.mid, model.high)))
    q = 6 * np.mean(w[1] ** 2) * np.mean((3 * np.tanh(x @ w[0].T + b[0])) ** 2) + np.mean(b[1] ** 2)
    slopes = quadrature(lambda z: np.cosh(math.sqrt(q) * z) ** -4)
    assert math.isnan(flow.predicted_gain[0, 0]) and flow.layers[0].above == 1
    assert flow.predicted_gain[0, 1] == pytest.approx(math.sqrt(5 * np.mean(w[2] ** 2) * slopes), rel=1e-5)


def test_to_take_a_jacobian_moves_no_statistics_and_draws_no_numbers(rng):
    x = minigrad.tensor(rng.standard_normal((6, 3)).astype("float32"))

    def run(jacobian):
        minigrad.manual_seed(0)
        model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))
        with gradflow.watch(model, jacobian=jacobian):
            model(x).sum().backward()
        return model[0].running_mean.numpy(), model[0].num_batches_tracked.item(), minigrad.randn(2).numpy()

    for with_it, without in zip(run(True), run(False)):
        np.testing.assert_array_equal(with_it, without)
