"""Every layer of minigrad.nn under watch: recorded where it has a gradient, told where it has none, never a crash."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import gradflow, nn
from minigrad.gradflow.chain import tensors_in
from tests.gradflow.test_watch import hooks_of
from tests.nn.layers import ROWS


def scalar_of(output):
    """A loss of whatever a layer returns."""
    found = [t for t in tensors_in(output) if t.is_floating_point()]
    return sum(((t * t).sum() for t in found[1:]), (found[0] * found[0]).sum())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name} {row.options}")
def test_every_layer_can_be_watched(row, rng):
    minigrad.manual_seed(0)
    layer = getattr(nn, row.name)(**row.options)
    x = [minigrad.tensor(row.draw(rng, shape, "float32")) for shape in row.shapes[:1]]
    model = nn.Sequential(layer) if len(x) == 1 else layer
    inputs = [t.requires_grad_() if t.is_floating_point() else t for t in x]
    try:
        before = model(*inputs)
    except (TypeError, ValueError):
        pytest.skip("takes other arguments than one tensor")
    try:
        with gradflow.watch(model) as flow:
            scalar_of(model(*inputs)).backward()
    except ValueError as error:
        assert "there is nothing to watch" in str(error)  # layers without parameters that bend nothing
        assert next(model.parameters(), None) is None
        return
    assert hooks_of(model) == []
    assert before is not None
    assert len(flow) == 1 and len(flow.layers) >= 1
    assert np.isfinite(flow.delta_norm[0]).any()
    assert str(flow.diagnosis()) and flow.table()


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_recurrent_layers_can_be_watched(kind, rng):
    layer = kind(3, 4)
    x = minigrad.tensor(rng.standard_normal((5, 3)).astype("float32"))
    with gradflow.watch(layer) as flow:
        scalar_of(layer(x)).backward()
    assert [row.kind for row in flow.profile().rows] == [kind.__name__]
    assert np.isfinite(flow.delta_norm).all() and np.isfinite(flow.weight_grad_norm).all()


def test_attention_and_transformers_can_be_watched(rng):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    x = minigrad.tensor(rng.standard_normal((3, 5, 8)).astype("float32"))
    upstream = minigrad.tensor(rng.standard_normal((3, 5, 8)).astype("float32"))
    flow = gradflow.probe(layer, x, upstream, lambda out, u: (out * u).sum())  # the square of what is normed is constant
    names = [row.name for row in flow.profile().rows]
    assert {"linear1", "linear2", "norm1", "norm2"} <= set(names)
    assert flow.diagnosis().direction == "healthy"


def test_layers_whose_result_is_not_used_have_no_gradient_and_this_is_said(rng):
    class Forked(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused, self.bend = nn.Linear(3, 3), nn.Linear(3, 3), nn.Tanh()

        def forward(self, x):
            self.bend(self.unused(x))
            return self.bend(self.used(x))

    flow = gradflow.probe(Forked(), minigrad.randn(4, 3), None, lambda out, _: out.sum())
    rows = {row.name: row for row in flow.profile().rows}
    assert rows["unused"].note == "no gradient" and math.isnan(rows["unused"].delta)
    assert rows["used"].delta > 0
    assert "Layer 1 gets no gradient" in str(flow.diagnosis())


# ------------------------------------------------------------------------------------------------------ what is wrong


def test_a_model_without_layers_is_refused():
    class Bare(nn.Module):
        def forward(self, x):
            return x.tanh()

    with pytest.raises(ValueError, match="there is nothing to watch in Bare"), gradflow.watch(Bare()):
        pass


def stack(depth=3):
    minigrad.manual_seed(0)
    return gradflow.deep_stack(depth, 6, "tanh", inputs=4)


def halfway(model, break_it, steps=6, at=4):
    x, y = minigrad.randn(8, 4), minigrad.tensor(np.arange(8) % 10)
    with np.errstate(all="ignore"), gradflow.watch(model) as flow:
        for step in range(1, steps + 1):
            given = break_it(step, x) if step == at else x
            nn.functional.cross_entropy(model(x if given is None else given), y).backward()
    return flow.diagnosis()


def test_nan_in_the_data_is_born_there():
    found = halfway(stack(), lambda step, x: x * math.nan)
    assert (found.direction, found.cause, found.layer, found.number) == ("not finite", "input", "1", 4)
    assert "Clean the data" in found.cure


def test_nan_in_weights_is_born_there():
    model = stack()

    def spoil(step, x):
        with minigrad.no_grad():
            model[2].weight[0, 0] = math.inf

    found = halfway(model, spoil)
    assert (found.direction, found.cause, found.layer, found.name) == ("not finite", "weights", "2", "2")


def test_nan_in_the_forward_pass_is_born_at_the_first_layer_that_has_it():
    class Root(nn.Activation):
        def forward(self, input):
            return (input - 1e6).sqrt()

    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 6), Root(), nn.Linear(6, 10))
    with np.errstate(all="ignore"), gradflow.watch(model) as flow:
        nn.functional.cross_entropy(model(minigrad.randn(8, 4)), minigrad.tensor(np.arange(8))).backward()
    found = flow.diagnosis()
    assert (found.direction, found.cause, found.layer, found.name) == ("not finite", "forward", "2", "2")


def test_nan_in_the_backward_pass_is_born_nearest_the_output():
    model = stack()
    x = minigrad.randn(8, 4)
    with np.errstate(all="ignore"), gradflow.watch(model) as flow:
        for step in range(3):
            out = model(x)
            (out.sum() * (math.nan if step == 2 else 1.0)).backward()
    found = flow.diagnosis()
    assert (found.direction, found.cause, found.layer, found.number) == ("not finite", "backward", "output", 3)
    assert flow.profile().steps == (1, 2)  # what was recorded before is kept
    assert flow.diagnosis(step=2).direction != "not finite"


def test_a_loss_that_does_not_depend_on_the_model_is_told():
    with pytest.raises(ValueError, match="no gradient reached the model: the loss must depend on"):
        gradflow.probe(stack(), minigrad.randn(8, 4), None, lambda out, _: minigrad.ones(1, requires_grad=True).sum())
    with gradflow.watch(stack()) as flow:
        pass
    with pytest.raises(ValueError, match="nothing was recorded"):
        flow.diagnosis()


def test_a_batch_of_one_has_forgotten_nothing():
    flow = gradflow.probe(stack(), minigrad.randn(1, 4), minigrad.tensor([3]), nn.CrossEntropyLoss())
    assert np.isnan(flow.batch_std).all() and (flow.pooled_std[0] > 0).all()
    assert flow.diagnosis().healthy


def test_a_loss_of_the_last_cell_only_is_seen_through_time():
    flow = gradflow.probe(nn.LSTM(4, 6), minigrad.randn(30, 2, 4), None, lambda out, _: out[1][1].sum())
    found = flow.diagnosis()
    assert found.direction == "vanishing" and "through time in LSTM" in found.sentence
    open_gate = nn.LSTM(4, 6, forget_bias=5.0)
    assert gradflow.probe(open_gate, minigrad.randn(9, 2, 4), None, lambda out, _: out[1][1].sum()).diagnosis().healthy


def test_a_layer_alone_is_told_by_its_gain():
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))
    with minigrad.no_grad():
        model[2].weight.mul_(1e-4)
    found = gradflow.probe(model, minigrad.randn(8, 4), None, lambda out, _: out.sum()).diagnosis()
    assert (found.direction, found.layer, found.cause) == ("vanishing", "output", "weights")
    assert "on its way from the output to layer 1: it is multiplied by" in found.sentence
