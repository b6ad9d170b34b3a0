"""What watch records, against backpropagation written out in NumPy; and that it leaves no trace on the model."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import gradflow, nn
from tests.gradflow import longhand


def stack(depth, width, activation, dtype=minigrad.float64, seed=0, init="normal:0.3", classes=5):
    minigrad.manual_seed(seed)
    model = gradflow.deep_stack(depth, width, activation, init, inputs=7, classes=classes)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, 0.0, 0.1)
    return model.to(dtype=dtype)


def arrays(model, ending):
    return [p.array.astype(np.float64) for name, p in model.named_parameters() if name.endswith(ending)]


def hooks_of(model):
    """Every hook on a module, on a parameter, anywhere."""
    hooks = []
    for own in (m._hooks for m in model.modules() if m._hooks):
        hooks += [*own.before.values(), *own.after.values(), *own.backward.values()]
    for watch in (p.node.watch for p in model.parameters() if p.requires_grad and p.node.watch):
        hooks += watch.hooks.values()
    return hooks


def one_step(model, x, upstream):
    model(x).backward(upstream)


# ------------------------------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_every_quantity_is_that_of_longhand_backprop(rng, activation):
    model = stack(6, 9, activation)
    flow_at = []
    ends = {
        "sigmoid": lambda a: (a < 0.05) | (a > 0.95), "tanh": lambda a: np.abs(a) > 0.95, "relu": lambda a: a == 0,
    }
    with gradflow.watch(model) as flow:
        for batch in (11, 4):
            x, upstream = rng.standard_normal((batch, 7)), rng.standard_normal((batch, 5))
            one_step(model, minigrad.tensor(x), minigrad.tensor(upstream))
            flow_at.append(longhand.backprop(x, arrays(model, "weight"), arrays(model, "bias"), activation, upstream))
    assert flow.steps == [1, 2]
    for row, truth in enumerate(flow_at):
        norms, weight_norms = ([longhand.length(g) for g in gs] for gs in (truth.deltas, truth.weight_grads))
        np.testing.assert_allclose(flow.delta_rms[row], [longhand.rms(d) for d in truth.deltas], rtol=1e-12)
        np.testing.assert_allclose(flow.delta_norm[row], norms, rtol=1e-12)
        np.testing.assert_allclose(flow.weight_grad_rms[row], [longhand.rms(w) for w in truth.weight_grads], rtol=1e-12)
        np.testing.assert_allclose(flow.weight_grad_norm[row], weight_norms, rtol=1e-12)
        np.testing.assert_allclose(flow.gain[row, :-1], np.divide(norms[:-1], norms[1:]), rtol=1e-12)
        assert math.isnan(flow.gain[row, -1])
        np.testing.assert_array_equal(flow.saturated[row, :-1], [ends[activation](a).mean() for a in truth.activations])
        assert math.isnan(flow.saturated[row, -1])


class Gate(nn.ReLU):
    """A ReLU under another name."""


class Mish(nn.Activation):
    """x tanh(softplus(x)) (Misra 2019) out of several ops, which take x twice."""

    def forward(self, input):
        return input * nn.functional.softplus(input).tanh()


def gate(z):
    return np.maximum(z, 0), (z > 0).astype(float)


def mish(z):
    softplus = np.log1p(np.exp(z))
    return z * np.tanh(softplus), np.tanh(softplus) + z * (1 - np.tanh(softplus) ** 2) / (1 + np.exp(-z))


@pytest.mark.parametrize("activation, value_and_slope", [(Gate, gate), (Mish, mish)])
def test_activations_of_ones_own_are_seen(rng, activation, value_and_slope):
    """With the gain of each layer; a subclass of ReLU is off where ReLU is, what is new has no ends that we know of."""
    model = nn.Sequential(nn.Linear(7, 9), activation(), nn.Linear(9, 5), activation(), nn.Linear(5, 3)).double()
    x, upstream = rng.standard_normal((11, 7)), rng.standard_normal((11, 3))
    with gradflow.watch(model) as flow:
        one_step(model, minigrad.tensor(x), minigrad.tensor(upstream))
    assert [layer.activation for layer in flow.layers] == [activation.__name__, activation.__name__, None]
    w, b = arrays(model, "weight"), arrays(model, "bias")
    a1, slope1 = value_and_slope(x @ w[0].T + b[0])
    a2, slope2 = value_and_slope(a1 @ w[1].T + b[1])
    delta2 = upstream @ w[2] * slope2
    delta1 = delta2 @ w[1] * slope1
    norms = [longhand.length(d) for d in (delta1, delta2, upstream)]
    np.testing.assert_allclose(flow.delta_norm[0], norms, rtol=1e-12)
    np.testing.assert_allclose(flow.gain[0], [norms[0] / norms[1], norms[1] / norms[2], math.nan], rtol=1e-12)
    off = [(a1 == 0).mean(), (a2 == 0).mean()] if activation is Gate else [math.nan, math.nan]
    np.testing.assert_array_equal(flow.saturated[0], [*off, math.nan])


def test_a_way_around_an_activation_is_still_a_branch():
    """The pre-activation is taken twice inside Mish, and once more beside it."""

    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.low, self.mish, self.high = nn.Linear(3, 3), Mish(), nn.Linear(3, 2)

        def forward(self, x):
            z = self.low(x)
            return self.high(self.mish(z) + z)

    with gradflow.watch(model := Around()) as flow:
        model(minigrad.ones(2, 3)).sum().backward()
    assert np.isnan(flow.gain[0]).all() and np.isfinite(flow.delta_norm[0]).all()


def test_an_activation_upon_an_activation_has_a_gain_of_its_own(rng):
    model = nn.Sequential(nn.Linear(3, 3), Mish(), Mish(), nn.Linear(3, 2)).double()
    x = rng.standard_normal((4, 3))
    with gradflow.watch(model) as flow:
        model(minigrad.tensor(x)).sum().backward()
    w, b = arrays(model, "weight"), arrays(model, "bias")
    a1, slope1 = mish(x @ w[0].T + b[0])
    delta2 = np.ones((4, 2)) @ w[1] * mish(a1)[1]
    norms = [longhand.length(d) for d in (delta2 * slope1, delta2, np.ones((4, 2)))]
    np.testing.assert_allclose(flow.gain[0, :2], np.divide(norms[:2], norms[1:]), rtol=1e-12)


@pytest.mark.parametrize("s, gain, tolerance, saturated, direction", [
    (1, 0.235, 0.01, 0.0, "vanishing"), (8, 0.88, 0.04, 0.58, "vanishing"), (16, 1.22, 0.04, 0.79, "exploding"),
])
def test_mean_gain_of_deep_sigmoid_stacks(s, gain, tolerance, saturated, direction):
    """30 layers of 256, weights N(0, s^2 / 256), biases 0, standard normal input."""
    minigrad.manual_seed(3)
    model = gradflow.deep_stack(30, 256, "sigmoid", f"normal:{s / 16}", inputs=256, classes=256).double()
    x, upstream = minigrad.randn(64, 256).double(), minigrad.randn(64, 256).double()
    with gradflow.watch(model) as flow:
        one_step(model, x, upstream)
    assert np.mean(flow.gain[0, :30]) == pytest.approx(gain, abs=tolerance)
    assert np.mean(flow.saturated[0, 5:30]) == pytest.approx(saturated, abs=0.03)
    assert flow.diagnosis().direction == direction

    truth = longhand.backprop(x.numpy(), arrays(model, "weight"), arrays(model, "bias"), "sigmoid", upstream.numpy())
    norms = [longhand.length(d) for d in truth.deltas]
    np.testing.assert_allclose(flow.gain[0, :30], np.divide(norms[:-1], norms[1:]), rtol=1e-9)
    np.testing.assert_allclose(flow.delta_rms[0], [longhand.rms(d) for d in truth.deltas], rtol=1e-9)
    np.testing.assert_allclose(flow.weight_grad_rms[0], [longhand.rms(w) for w in truth.weight_grads], rtol=1e-9)
    near_an_end = [((a < 0.05) | (a > 0.95)).mean() for a in truth.activations]
    np.testing.assert_allclose(flow.saturated[0, :30], near_an_end, rtol=1e-9)


def test_a_float32_gradient_of_1e_30_is_reported_as_such(rng):
    """Its square is 0 in float32."""
    model = stack(3, 6, "sigmoid", minigrad.float32)
    x, upstream = rng.standard_normal((8, 7)), 1e-30 * rng.standard_normal((8, 5))
    with gradflow.watch(model) as flow:
        one_step(model, minigrad.tensor(x).float(), minigrad.tensor(upstream).float())
    truth = longhand.backprop(x, arrays(model, "weight"), arrays(model, "bias"), "sigmoid", upstream)
    assert 0 < flow.delta_rms[0, 0] < 1e-30
    np.testing.assert_allclose(flow.delta_rms[0], [longhand.rms(d) for d in truth.deltas], rtol=1e-5)
    np.testing.assert_allclose(flow.weight_grad_rms[0], [longhand.rms(w) for w in truth.weight_grads], rtol=1e-5)


def test_a_float64_gradient_of_1e_200_too(rng):
    model = stack(3, 6, "sigmoid")
    x, upstream = rng.standard_normal((8, 7)), rng.standard_normal((8, 5))
    with gradflow.watch(model) as flow:
        one_step(model, minigrad.tensor(x), minigrad.tensor(upstream))
        one_step(model, minigrad.tensor(x), minigrad.tensor(1e-200 * upstream))
    np.testing.assert_allclose(flow.delta_rms[1], 1e-200 * flow.delta_rms[0], rtol=1e-10)
    np.testing.assert_allclose(flow.gain[1, :-1], flow.gain[0, :-1], rtol=1e-10)


def test_exact_zeros_stay_zeros(rng):
    """A layer of ReLUs that are all off lets nothing through."""
    model = stack(4, 6, "relu")
    with minigrad.no_grad():
        model[4].bias.fill_(-1e6)  # of layer 3
    with gradflow.watch(model) as flow:
        one_step(model, minigrad.tensor(rng.standard_normal((8, 7))), minigrad.ones(8, 5).double())
    np.testing.assert_array_equal(flow.delta_rms[0, :3], 0)
    assert (flow.delta_rms[0, 3:] > 0).all()
    assert flow.saturated[0, 2] == 1
    summary = gradflow.profile(flow)
    assert [row.note for row in summary.rows] == ["exactly 0"] * 3 + ["", ""]
    assert flow.diagnosis().layer == "3"


# --------------------------------------------------------------------------------------------- which steps are recorded


def test_every_third_step_and_nothing_on_the_others(rng):
    model = stack(2, 4, "tanh")
    x, upstream = minigrad.tensor(rng.standard_normal((3, 7))), minigrad.ones(3, 5).double()
    seen = []
    with gradflow.watch(model, every=3) as flow:
        for _ in range(8):
            out = model(x)
            seen.append(len(hooks_of(model)))
            (out * upstream).sum().backward()
    assert flow.steps == [1, 4, 7]
    # Between forward and backward: the watcher's own count, and, on recorded steps, one hook for each of three weights.
    assert seen == [4, 1, 1, 4, 1, 1, 4, 1]
    assert flow.delta_rms.shape == (3, 3)


def test_evaluation_is_no_step(rng):
    model = stack(2, 4, "tanh")
    x, upstream = minigrad.tensor(rng.standard_normal((3, 7))), minigrad.ones(3, 5).double()
    with gradflow.watch(model) as flow:
        with minigrad.no_grad():
            model(x)
        model(x)  # never differentiated
        one_step(model, x, upstream)
    assert flow.steps == [2]
    assert np.isfinite(flow.delta_rms).all()


def test_grads_and_outputs_are_those_of_an_unwatched_model(rng):
    x, upstream = minigrad.tensor(rng.standard_normal((3, 7))), minigrad.tensor(rng.standard_normal((3, 5)))
    plain, watched = stack(3, 4, "tanh"), stack(3, 4, "tanh")
    one_step(plain, x, upstream)
    with gradflow.watch(watched):
        one_step(watched, x, upstream)
    for p, q in zip(plain.parameters(), watched.parameters()):
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())


def test_accumulated_gradients_are_not_mistaken_for_the_steps_own(rng):
    model = stack(2, 4, "tanh")
    x, upstream = minigrad.tensor(rng.standard_normal((3, 7))), minigrad.ones(3, 5).double()
    with gradflow.watch(model) as flow:
        one_step(model, x, upstream)
        one_step(model, x, upstream)  # without zero_grad
    np.testing.assert_array_equal(flow.weight_grad_rms[0], flow.weight_grad_rms[1])


# -------------------------------------------------------------------------------------------------------- no trace left


def test_no_hooks_after_the_block_nor_after_an_exception(rng):
    model = stack(2, 4, "tanh")
    x, upstream = minigrad.tensor(rng.standard_normal((3, 7))), minigrad.ones(3, 5).double()
    with gradflow.watch(model) as flow:
        one_step(model, x, upstream)
        assert hooks_of(model)
    assert hooks_of(model) == []
    with pytest.raises(KeyError, match="stop"), gradflow.watch(model) as flow:
        one_step(model, x, upstream)
        pending = model(x)
        raise KeyError("stop")
    assert hooks_of(model) == []
    (pending * upstream).sum().backward()
    assert flow.steps == [1]  # what was recorded is kept, and what comes later is not


def test_no_hooks_after_an_exception_inside_forward(rng):
    model = stack(2, 4, "tanh")
    with pytest.raises((ValueError, RuntimeError)), gradflow.watch(model):
        model(minigrad.ones(3, 99).double())
    assert hooks_of(model) == []


def test_a_failed_forward_does_not_spoil_the_next_step(rng):
    model = stack(2, 4, "tanh")
    with gradflow.watch(model) as flow:
        with pytest.raises((ValueError, RuntimeError)):
            model(minigrad.ones(3, 99).double())
        one_step(model, minigrad.tensor(rng.standard_normal((3, 7))), minigrad.ones(3, 5).double())
    assert flow.steps == [2]
    assert len(flow.layers) == 3
    assert hooks_of(model) == []


def test_two_watches_at_once_see_the_same(rng):
    model = stack(2, 4, "tanh")
    with gradflow.watch(model) as outer, gradflow.watch(model) as inner:
        one_step(model, minigrad.tensor(rng.standard_normal((3, 7))), minigrad.ones(3, 5).double())
    np.testing.assert_array_equal(outer.delta_rms, inner.delta_rms)
    assert outer.layers == inner.layers


# -------------------------------------------------------------------------------------------------- all sorts of models


def test_a_frozen_weight_still_lets_the_gradient_through(rng):
    model = stack(3, 4, "tanh")
    model[2].weight.requires_grad_(False)
    x, upstream = rng.standard_normal((3, 7)), rng.standard_normal((3, 5))
    with gradflow.watch(model) as flow:
        one_step(model, minigrad.tensor(x), minigrad.tensor(upstream))
    truth = longhand.backprop(x, arrays(model, "weight"), arrays(model, "bias"), "tanh", upstream)
    np.testing.assert_allclose(flow.delta_rms[0], [longhand.rms(d) for d in truth.deltas], rtol=1e-12)
    assert np.isnan(flow.weight_grad_rms[0]).tolist() == [False, True, False, False]
    assert [row.note for row in gradflow.profile(flow).rows] == ["", "frozen", "", ""]
    assert gradflow.table(gradflow.profile(flow)).count("frozen") == 1


def test_frozen_layers_at_the_bottom_have_no_gradient_and_this_is_said(rng):
    model = stack(4, 4, "tanh")
    for layer in (model[0], model[2]):
        layer.requires_grad_(False)
    with gradflow.watch(model) as flow:
        one_step(model, minigrad.tensor(rng.standard_normal((3, 7))), minigrad.ones(3, 5).double())
    summary = gradflow.profile(flow)
    assert [row.activation for row in summary.rows] == ["Tanh"] * 4 + [None]
    assert [row.note for row in summary.rows] == ["frozen, no gradient"] * 2 + [""] * 3
    assert flow.diagnosis().sentence.startswith("Layers 1, 2 get no gradient (frozen")


def test_everything_frozen_records_nothing(rng):
    model = stack(2, 4, "tanh").requires_grad_(False)
    with gradflow.watch(model) as flow:
        model(minigrad.tensor(rng.standard_normal((3, 7))))
    assert len(flow) == 0
    with pytest.raises(ValueError, match="nothing was recorded"):
        gradflow.profile(flow)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.inner, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)
        self.bend = nn.Tanh()

    def forward(self, x):
        h = self.bend(self.first(x))
        return self.last(h + self.bend(self.inner(h)))


def test_across_a_branch_there_is_no_gain():
    minigrad.manual_seed(0)
    model = Residual()
    with gradflow.watch(model) as flow:
        model(minigrad.randn(5, 4)).sum().backward()
    assert [layer.name for layer in flow.layers] == ["first", "inner", "last"]
    assert [layer.above for layer in flow.layers] == [None, 2, None]  # h goes two ways; tanh(inner) one
    assert np.isnan(flow.gain[0]).tolist() == [True, False, True]


class Twice(nn.Module):
    """One layer used twice, a function instead of a module for an activation, and a dictionary for a result."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        h = self.shared(self.shared(x).sigmoid()).sigmoid()
        return {"logits": self.head(h), "rest": [x]}


def test_a_module_called_twice_is_two_layers_with_one_weight(rng):
    minigrad.manual_seed(0)
    model = Twice().double()
    x, upstream = rng.standard_normal((5, 4)), rng.standard_normal((5, 2))
    with gradflow.watch(model) as flow:
        for _ in range(2):
            (model(minigrad.tensor(x))["logits"] * minigrad.tensor(upstream)).sum().backward()
    W, b = arrays(model, "shared.weight")[0], arrays(model, "shared.bias")[0]
    V, c = arrays(model, "head.weight")[0], arrays(model, "head.bias")[0]
    truth = longhand.backprop(x, [W, W, V], [b, b, c], "sigmoid", upstream)
    assert [layer.name for layer in flow.layers] == ["shared", "shared", "head"]
    assert [layer.above for layer in flow.layers] == [1, 2, None]
    np.testing.assert_allclose(flow.delta_rms[1], [longhand.rms(d) for d in truth.deltas], rtol=1e-12)
    whole = longhand.rms(truth.weight_grads[0] + truth.weight_grads[1])
    np.testing.assert_allclose(flow.weight_grad_rms[1], [whole, whole, longhand.rms(truth.weight_grads[2])], rtol=1e-12)
    assert np.isnan(flow.saturated).all()  # a function's output is not seen


def test_a_model_of_one_layer_and_an_activation_with_nothing_below(rng):
    x = minigrad.tensor(rng.standard_normal((5, 3))).requires_grad_()
    layer = nn.Linear(3, 2).double()
    with gradflow.watch(layer) as flow:
        layer(x).sum().backward()
    assert flow.delta_rms.tolist() == [[1.0]]
    bend = nn.Sequential(nn.Tanh())
    with gradflow.watch(bend) as flow:
        bend(x).sum().backward()
    assert flow.layers[0].kind == "Tanh" and not flow.layers[0].has_weight
    assert flow.delta_rms[0, 0] == pytest.approx(longhand.rms(1 - np.tanh(x.detach().numpy()) ** 2), rel=1e-12)


def test_nan_is_recorded_and_its_birth_named(rng):
    model = stack(3, 4, "tanh")
    x, upstream = minigrad.tensor(rng.standard_normal((3, 7))), minigrad.ones(3, 5).double()
    with gradflow.watch(model) as flow:
        one_step(model, x, upstream)
        one_step(model, x, upstream)
        one_step(model, x, upstream * math.nan)
        one_step(model, x, upstream)
    assert np.isnan(flow.delta_rms[2]).all()
    summary = gradflow.profile(flow)
    assert summary.steps == (1, 2)  # the steps before it
    assert summary.broken == (3, "output", "backward")
    assert all(math.isfinite(row.delta) for row in summary.rows)
    assert "At training step 3 numbers stopped being finite, first in the backward pass, at the output" in flow.diagnosis().sentence


def test_infinite_from_the_first_step_on(rng):
    model = stack(2, 4, "tanh")
    with gradflow.watch(model) as flow:
        one_step(model, minigrad.tensor(rng.standard_normal((3, 7))), minigrad.full((3, 5), math.inf).double())
    summary = gradflow.profile(flow)
    assert summary.broken == (1, "output", "backward")
    assert summary.steps == (1,)
    assert [row.note for row in summary.rows] == ["not finite"] * 3
    assert flow.diagnosis().direction == "not finite"
    assert "inf" in gradflow.table(summary)


@pytest.mark.parametrize("model, every, error", [
    (3, 1, TypeError), ([], 1, TypeError), (nn.Linear(2, 2), 0, ValueError), (nn.Linear(2, 2), 1.5, ValueError),
])
def test_bad_arguments(model, every, error):
    with pytest.raises(error), gradflow.watch(model, every=every):
        pass
