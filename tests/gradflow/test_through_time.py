"""The gradient through time, against loops of cells whose every state keeps its gradient; gates longhand in NumPy."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import gradflow, nn

T, N, I, H = 7, 4, 3, 5


class Reader(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.rnn = kind(I, H, **options)

    def forward(self, x, state=None, lengths=None):
        return self.rnn(x, state, lengths)


def weights_of(rnn, suffix):
    """Whatever the seed of the layer, weights well away from 0."""
    return [getattr(rnn, f"{name}_l0{suffix}").detach().numpy() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


def by_cells(rnn, x, of_output, of_last, of_cell, reverse, ends):
    """RMS of dL/dh_t (and dL/dc_t) with one cell a step, on a loss of the outputs, the last states and last cells."""
    kind = {nn.RNN: nn.RNNCell, nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell}[type(rnn)]
    options = {"nonlinearity": rnn.nonlinearity} if kind is nn.RNNCell else {}
    cell = kind(I, H, dtype="float64", **options)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    cell.load_state_dict(dict(zip(names, weights_of(rnn, "_reverse" if reverse else ""))))
    h, c = minigrad.zeros(N, H).double(), minigrad.zeros(N, H).double()
    states, cells, loss = {}, {}, 0.0
    for t in reversed(range(T)) if reverse else range(T):
        going = minigrad.tensor((t < ends)[:, None])
        if kind is nn.LSTMCell:
            new_h, new_c = cell(x[t], (h, c))
            # What is carried from here on: the gradient of the state after the step, held or not.
            c = minigrad.where(going, new_c, c)
            c.retain_grad()
            cells[t] = c
            # h is made anew from the carried c, so that all of its gradient passes c.
            gates = nn.functional.linear(x[t], cell.weight_ih, cell.bias_ih) + nn.functional.linear(h, cell.weight_hh, cell.bias_hh)
            new_h = gates[:, 3 * H :].sigmoid() * c.tanh()
        else:
            new_h = cell(x[t], h)
        h = minigrad.where(going, new_h, h)
        h.retain_grad()
        states[t] = h
        loss = loss + (minigrad.where(going, h, 0.0) * of_output[t]).sum()
    loss = loss + (h * of_last).sum() + (c * of_cell).sum() * (kind is nn.LSTMCell)
    loss.backward()
    rms = lambda kept: [math.sqrt(np.mean(kept[t].grad.numpy() ** 2)) for t in range(T)]
    return rms(states), rms(cells) if cells else None


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("kind, options", [
    (nn.RNN, {}), (nn.RNN, {"nonlinearity": "relu"}), (nn.LSTM, {}), (nn.GRU, {}), (nn.RNN, {"bidirectional": True}),
    (nn.LSTM, {"bidirectional": True}), (nn.GRU, {"bidirectional": True}),
])
def test_state_gradients_are_those_of_a_loop_of_cells(rng, kind, options, padded):
    minigrad.manual_seed(5)
    model = Reader(kind, dtype="float64", **options)
    ends = np.array([T, 3, 5, 1]) if padded else np.full(N, T)
    directions = 2 if options.get("bidirectional") else 1
    x = minigrad.tensor(rng.standard_normal((T, N, I)))
    of_output = minigrad.tensor(rng.standard_normal((T, N, H * directions)))
    of_last, of_cell = (minigrad.tensor(rng.standard_normal((directions, N, H))) for _ in range(2))
    with gradflow.watch(model) as flow:
        output, last = model(x, None, ends.tolist() if padded else None)
        h, c = last if kind is nn.LSTM else (last, None)
        loss = (output * of_output).sum() + (h * of_last).sum()
        (loss if c is None else loss + (c * of_cell).sum()).backward()
    names = ["rnn"] if directions == 1 else ["rnn l0", "rnn l0_reverse"]
    assert list(flow.times) == names
    for i, name in enumerate(names):
        reading = flow.times[name][1]
        part = of_output[:, :, i * H : (i + 1) * H]
        hidden, cell = by_cells(model.rnn, x, part, of_last[i], of_cell[i], i == 1, ends)
        np.testing.assert_allclose(reading.hidden, hidden, rtol=1e-9)
        assert (reading.cell is None) == (cell is None)
        if cell is not None and not padded:
            np.testing.assert_allclose(reading.cell, cell, rtol=1e-9)
        matrix = weights_of(model.rnn, "_reverse" if i else "")[1]
        block = matrix if kind is nn.RNN else matrix[2 * H : 3 * H]
        assert reading.radius == pytest.approx(abs(np.linalg.eigvals(block)).max(), rel=1e-9)
        assert reading.reverse == (i == 1) and not reading.truncated


def test_gates_longhand(rng):
    minigrad.manual_seed(1)
    model = Reader(nn.LSTM, dtype="float64")
    with minigrad.no_grad():
        for p in model.parameters():
            p.mul_(8.0)
    x = rng.standard_normal((T, N, I))
    with gradflow.watch(model) as flow:
        model(minigrad.tensor(x))[0].sum().backward()
    w_ih, w_hh, b_ih, b_hh = weights_of(model.rnn, "")
    h, c, seen = np.zeros((N, H)), np.zeros((N, H)), {"input": [], "forget": [], "candidate": [], "output": []}
    for t in range(T):
        i, f, g, o = np.split(x[t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-a)) for a in (i, f, o))
        g = np.tanh(g)
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, a in (("input", i), ("forget", f), ("output", o)):
            seen[name].append((a < 0.05) | (a > 0.95))
        seen["candidate"].append(abs(g) > 0.95)
    gates = flow.times["rnn"][1].gates
    assert set(gates) == set(seen)
    for name, at_an_end in seen.items():
        assert gates[name] == pytest.approx(np.mean(at_an_end)) and 0 < gates[name] < 1


def test_a_state_that_comes_without_its_graph_is_a_truncation(rng):
    model = Reader(nn.GRU)
    x = minigrad.tensor(rng.standard_normal((T, N, I)).astype("float32"))
    with gradflow.watch(model) as flow:
        state = None
        for _ in range(3):
            output, state = model(x, state)
            output.sum().backward()
            state = state.detach()
    assert [flow.times["rnn"][step].truncated for step in (1, 2, 3)] == [False, True, True]
    assert flow.profile(3).times[0].truncated


def test_a_loop_of_cells_is_seen_through_time_too(rng):
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = nn.RNNCell(I, H), nn.Linear(H, 2)

        def forward(self, x):
            h = None
            for t in range(len(x)):
                h = self.cell(x[t], h)
            return self.head(h)

    minigrad.manual_seed(0)
    model = Loop().double()
    x = rng.standard_normal((T, N, I))
    with gradflow.watch(model) as flow:
        model(minigrad.tensor(x)).sum().backward()
    w_ih, w_hh, b_ih, b_hh = (p.detach().numpy() for p in model.cell.parameters())
    states = [np.zeros((N, H))]
    for t in range(T):
        states.append(np.tanh(x[t] @ w_ih.T + b_ih + states[-1] @ w_hh.T + b_hh))
    g = np.ones((N, 2)) @ model.head.weight.detach().numpy()
    expected = []
    for state in states[:0:-1]:
        expected.insert(0, math.sqrt(np.mean(g**2)))
        g = g * (1 - state**2) @ w_hh
    (row,) = flow.profile().times
    assert row.name == "cell"
    np.testing.assert_allclose(row.hidden, expected, rtol=1e-9)
    assert row.whole == pytest.approx(expected[0] / expected[-1])
    assert row.factor == pytest.approx((expected[0] / expected[-1]) ** (1 / (T - 1)))


def test_layers_on_layers_have_a_time_each(rng):
    model = Reader(nn.LSTM, num_layers=2, bidirectional=True)
    with gradflow.watch(model) as flow:
        model(minigrad.tensor(rng.standard_normal((T, N, I)).astype("float32")))[0].sum().backward()
    assert list(flow.times) == ["rnn l0", "rnn l0_reverse", "rnn l1", "rnn l1_reverse"]
    assert all(np.isfinite(r[1].hidden).all() and (r[1].hidden > 0).all() for r in flow.times.values())


def test_halves_and_frozen_layers(rng):
    x = minigrad.tensor(rng.standard_normal((T, N, I)).astype("float16"))
    model = Reader(nn.RNN).half()
    with gradflow.watch(model) as flow:
        model(x)[0].sum().backward()
    assert np.isfinite(flow.times["rnn"][1].hidden).all()
    model = nn.Sequential(nn.Linear(I, I), nn.GRU(I, H))
    model[1].requires_grad_(False)
    with gradflow.watch(model) as flow:
        model(x.float())[0].sum().backward()
    assert len(flow) == 1 and not flow.times
