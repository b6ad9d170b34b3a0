"""summary: what the table says, by hand, and that the model is left as it was."""
import numpy as np
import pytest

import minigrad
from minigrad import nn


def net():
    """Of 3 -> 4 -> 4 -> 2, the middle layer taken twice and frozen."""
    middle = nn.Linear(4, 4).requires_grad_(False)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), middle, middle, nn.Linear(4, 2, bias=False))


def test_rows_are_data():
    table = nn.summary(net(), (5, 3))
    assert [(r.path, r.kind, r.output_shapes, r.trainable, r.frozen, r.calls) for r in table.rows] == [
        ("0", "Linear", [(5, 4)], 16, 0, 1), ("1", "Tanh", [(5, 4)], 0, 0, 1), ("2", "Linear", [(5, 4)], 0, 20, 2),
        ("4", "Linear", [(5, 2)], 8, 0, 1)]
    assert (table.trainable, table.frozen, table.total, table.kind) == (24, 20, 44, "Sequential")


def test_it_reads_as_a_table():
    expected = """\
layer      class   output shape  trainable  frozen
--------------------------------------------------
0          Linear  (5, 4)               16       0
1          Tanh    (5, 4)                0       0
2          Linear  (5, 4) x2             0      20
4          Linear  (5, 2)                8       0
--------------------------------------------------
total: 44                               24      20"""
    table = nn.summary(net(), (5, 3))
    assert str(table) == repr(table) == expected


def test_large_numbers_are_grouped():
    table = nn.summary(nn.Linear(2000, 1000), (1, 2000))
    assert "2,001,000" in str(table) and table.rows[0].path == "" and str(table).split("\n")[2].startswith("Linear")


class Parts(nn.Module):
    """With a parameter of its own beside its children, several inputs and outputs, and a layer that is not called."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(minigrad.ones(3))
        self.words = nn.Embedding(9, 3)
        self.deep = nn.ModuleDict({"a": nn.Linear(3, 2), "never": nn.Linear(7, 7)})
        self.pair = Pair()

    def forward(self, x, labels):
        h = self.deep["a"]((x + self.words(labels)) * self.scale)
        return {"sum": h.sum(), "rest": [self.pair(h), None]}


class Pair(nn.Module):
    def forward(self, x):
        return x, (x[0], 3)


def test_several_inputs_nested_outputs_and_own_parameters():
    table = nn.summary(Parts(), [(4, 3), (4,)], dtype=["float32", "int64"])
    assert [(r.path, r.kind, r.output_shapes, r.trainable, r.calls) for r in table.rows] == [
        ("", "Parts", [(), (4, 2), (2,)], 3, 1), ("words", "Embedding", [(4, 3)], 27, 1),
        ("deep.a", "Linear", [(4, 2)], 8, 1), ("deep.never", "Linear", [], 56, 0),
        ("pair", "Pair", [(4, 2), (2,)], 0, 1)]
    lines = str(table).split("\n")
    assert "not called" in lines[5] and "(), (4, 2), (2,)" in lines[2] and lines[2].startswith("Parts ")


def test_tied_parameters_count_once():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    table = nn.summary(model, (2, 3))
    assert [row.trainable for row in table.rows] == [12, 3] and table.total == 15
    assert table.total == sum(p.numel() for p in model.parameters())


def test_one_dtype_for_all_and_those_by_default():
    class Sees(nn.Module):
        def __init__(self, *layers):
            super().__init__()
            self.layers = nn.ModuleList(layers)

        def forward(self, *inputs):
            self.seen = [(str(x.dtype), x.shape, float(abs(x).sum())) for x in inputs]
            return inputs

    model = Sees(nn.Linear(1, 1, dtype="float64"))
    nn.summary(model, [(2, 3), ()])
    assert model.seen == [("float64", (2, 3), 0.0), ("float64", (), 0.0)]
    nn.summary(model, [[2, 3], (0,)], dtype="int32")
    assert model.seen == [("int32", (2, 3), 0.0), ("int32", (0,), 0.0)]
    nn.summary(model, [4, 5], dtype=[None])
    assert model.seen == [("float64", (4, 5), 0.0)]
    model = Sees()
    nn.summary(model, (1,))
    assert model.seen == [("float32", (1,), 0.0)]


def test_inputs_are_made_where_the_parameters_are(cuda):
    table = nn.summary(nn.Linear(3, 2, device=cuda), (4, 3))
    assert table.rows[0].output_shapes == [(4, 2)]


class Restless(nn.Module):
    """Changes with every call in training, draws a random number in any, and fails if asked to."""

    def __init__(self, fails=False):
        super().__init__()
        self.weight = nn.Parameter(minigrad.ones(3))
        self.register_buffer("mean", minigrad.zeros(3))
        self.fails = fails
        self.was_training = self.had_gradients = None

    def forward(self, x):
        self.was_training, self.had_gradients = self.training, minigrad.is_grad_enabled()
        minigrad.rand(7)
        if self.training:
            self.mean += 1
        if self.fails:
            raise ValueError("it fails")
        return x * self.weight


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(fails):
    restless, seen = Restless(fails), []
    model = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.RReLU(), restless), nn.Linear(3, 3)).train()
    model[2].eval(), model[1][0].eval()
    model[0](minigrad.ones(1, 3)).sum().backward()
    handle = model[0].register_forward_hook(lambda *args: seen.append(1))
    modes = [m.training for m in model.modules()]
    state = {key: value.tolist() for key, value in model.state_dict().items()}
    gradients = [None if p.grad is None else p.grad.tolist() for p in model.parameters()]
    drawn = minigrad.default_generator.get_state()
    if fails:
        with pytest.raises(ValueError, match="^it fails$"):
            nn.summary(model, (2, 3))
    else:
        assert nn.summary(model, (2, 3)).total == 27
    assert restless.was_training is False and restless.had_gradients is False and minigrad.is_grad_enabled()
    assert [m.training for m in model.modules()] == modes == [True, True, True, False, True, False]
    assert {key: value.tolist() for key, value in model.state_dict().items()} == state
    assert [None if p.grad is None else p.grad.tolist() for p in model.parameters()] == gradients
    assert minigrad.default_generator.get_state() == drawn
    assert seen == [1] and list(model[0]._hooks.after.values())[0][0] and len(model[0]._hooks.after) == 1
    for module in list(model.modules())[2:]:
        assert module._hooks is None or not module._hooks.after
    handle.remove()


@pytest.mark.parametrize(("use", "error", "message"), [
    (lambda: nn.summary(minigrad.tanh, (1,)), TypeError, "summary takes a Module, not function"),
    (lambda: nn.summary(nn.Tanh(), 3), TypeError, "not 3"), (lambda: nn.summary(nn.Tanh(), []), TypeError, r"not \[\]"),
    (lambda: nn.summary(nn.Tanh(), [(1,), 3]), TypeError, r"\[\(1,\), 3\]"),
    (lambda: nn.summary(nn.Tanh(), (2.0, 3)), TypeError, r"\(2.0, 3\)"),
    (lambda: nn.summary(nn.Tanh(), ((1,), (2,))), TypeError, "several shapes in a list"),
    (lambda: nn.summary(nn.Tanh(), (2, -3)), ValueError, r"\(2, -3\)"),
    (lambda: nn.summary(nn.Tanh(), [(2,), (3,)], dtype=["int64"]), ValueError, "1 dtypes were given for 2 inputs"),
    (lambda: nn.summary(nn.Tanh(), (2,), dtype="text"), TypeError, "text"),
    (lambda: nn.summary(nn.Linear(3, 2), (5, 4)), ValueError, r"\(5, 4\) .* \(2, 3\)"),
])
def test_bad_input(use, error, message):
    with pytest.raises(error, match=message):
        use()


def test_it_is_a_function_of_nn():
    assert callable(nn.summary) and {"summary", "Summary"} <= set(nn.__all__)
    assert isinstance(nn.summary(nn.Tanh(), (1,)), nn.Summary)
    np.testing.assert_array_equal([row.calls for row in nn.summary(nn.Sequential(), (1,)).rows], [1])
