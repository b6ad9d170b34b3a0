"""Recurrent layers against PyTorch, against each sequence run alone, and what they refuse."""
import itertools
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.ops.recurrent import gru_op, lstm_op, rnn_op
from minigrad.ops.recurrent_steps import gru_step, lstm_step, over_time, rnn_step

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
KINDS = {"RNN": {}, "RNN-relu": {"nonlinearity": "relu"}, "LSTM": {}, "LSTM-proj": {"proj_size": 2}, "GRU": {}}
in_every_kind = pytest.mark.parametrize("kind", KINDS)


def class_of(kind):
    return kind.partition("-")[0]


def pair(torch, kind, dtype, **options):
    """A layer of ours and one of PyTorch's, with the same weights."""
    options = {**KINDS[kind], **options}
    ours = getattr(nn, class_of(kind))(3, 4, **options).to(dtype=dtype)
    theirs = getattr(torch.nn, class_of(kind))(3, 4, **options).to(getattr(torch, dtype))
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    return ours, theirs


def states_for(rng, layer, n, dtype):
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    sizes = [layer.proj_size or layer.hidden_size, layer.hidden_size][: 2 if isinstance(layer, nn.LSTM) else 1]
    shapes = [(count, size) if n is None else (count, n, size) for size in sizes]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def flat(results):
    """(output, h) or (output, (h, c)) as a list."""
    output, states = results
    return [output, *(states if isinstance(states, tuple) else (states,))]


def as_hx(states):
    return tuple(states) if len(states) == 2 else states[0]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", [
    {}, {"num_layers": 2}, {"bidirectional": True}, {"bias": False}, {"batch_first": True, "num_layers": 2},
    {"num_layers": 2, "bidirectional": True, "batch_first": True}], ids=str)
@in_every_kind
def test_agrees_with_pytorch(torch, rng, kind, options, dtype):
    """Outputs, final states, gradients of inputs, initial states and weights; with and without initial states."""
    ours, theirs = pair(torch, kind, dtype, **options)
    assert repr(ours) == repr(theirs)
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype], "strict": True}
    for shape, given in itertools.product(((2, 5, 3), (4, 3)), (False, True)):
        x = rng.standard_normal(shape).astype(dtype)
        n = None if len(shape) == 2 else shape[0 if ours.batch_first else 1]
        states = states_for(rng, ours, n, dtype) if given else []
        a = [minigrad.tensor(v, requires_grad=True) for v in (x, *states)]
        b = [torch.tensor(v, requires_grad=True) for v in (x, *states)]
        ours.zero_grad(), theirs.zero_grad()
        ys, zs = flat(ours(a[0], as_hx(a[1:]) if given else None)), flat(theirs(b[0], as_hx(b[1:]) if given else None))
        for y, z in zip(ys, zs, strict=True):
            np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
        upstream = [rng.standard_normal(y.shape).astype(dtype) for y in ys]
        minigrad.autograd.backward(ys, [minigrad.tensor(g) for g in upstream])
        torch.autograd.backward(zs, [torch.tensor(g) for g in upstream])
        for p, q in zip(a, b):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), **close)
        for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), err_msg=name, **close)


@in_every_kind
def test_only_the_last_state_or_only_the_outputs_may_be_used(torch, rng, kind):
    ours, theirs = pair(torch, kind, "float64", num_layers=2)
    x = rng.standard_normal((5, 2, 3))
    for which in range(len(flat(ours(minigrad.tensor(x))))):
        a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        (flat(ours(a))[which] ** 2).sum().backward(), (flat(theirs(b))[which] ** 2).sum().backward()
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-9, atol=1e-12)


@in_every_kind
@pytest.mark.parametrize("expanded", [True, False])
def test_an_initial_state_may_lie_in_memory_as_it_likes(torch, rng, kind, expanded):
    ours, theirs = pair(torch, kind, "float64")
    x, sizes = rng.standard_normal((5, 2, 3)), [end.shape[-1] for end in flat(ours(minigrad.zeros(1, 2, 3).double()))[1:]]
    given = [rng.standard_normal((1, 1, n) if expanded else (1, n, 2)) for n in sizes]
    gradients = []
    for framework, model in ((minigrad, ours), (torch, theirs)):
        leaves = [framework.tensor(a, requires_grad=True) for a in given]
        states = [a.expand(1, 2, a.shape[2]) if expanded else a.transpose(1, 2) for a in leaves]
        y, _ = model(framework.tensor(x), states[0] if len(states) == 1 else tuple(states))
        (y**2).sum().backward()
        gradients.append([a.grad.numpy() for a in leaves])
    for a, b in zip(*gradients):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@in_every_kind
def test_a_bad_input_spoils_the_gradients_that_it_spoils_in_pytorch(torch, rng, kind, bad):
    ours, theirs = pair(torch, kind, "float64")
    x = rng.standard_normal((5, 2, 3))
    x[2, 1] = bad
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    ours(a)[0].sum().backward(), theirs(b)[0].sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-9, atol=1e-12)


# --------------------------------------------------------------------------------------- the ops against the composition


def arguments(rng, kind, bias=True, padded=False, dtype="float64"):
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[class_of(kind)]
    hidden, state = 3, 2 if kind == "LSTM-proj" else 3

    def draw(*shape):
        return minigrad.tensor((rng.standard_normal(shape) * 0.7).astype(dtype), requires_grad=True)

    states = [draw(2, state)] + ([draw(2, hidden)] if class_of(kind) == "LSTM" else [])
    weights = [draw(gates * hidden, 2), draw(gates * hidden, state)]
    weights += [draw(gates * hidden), draw(gates * hidden)] if bias else [None, None]
    if class_of(kind) == "LSTM":
        weights.append(draw(state, hidden) if kind == "LSTM-proj" else None)
    pad = minigrad.tensor(np.arange(4)[:, None, None] >= np.array([4, 2])[:, None]) if padded else None
    return [draw(4, 2, 2), *states, *weights, pad]


def fused(kind, args, reverse):
    if class_of(kind) == "RNN":
        return rnn_op(*args, reverse=reverse, nonlinearity=KINDS[kind].get("nonlinearity", "tanh"))
    return (lstm_op if class_of(kind) == "LSTM" else gru_op)(*args, reverse=reverse)


def composed(kind, args, reverse):
    x, h, *rest, pad = args
    if class_of(kind) == "LSTM":
        c, *weights = rest
        return over_time(lambda x, h, c: lstm_step(x, h, c, *weights), x, (h, c), pad, reverse)
    if class_of(kind) == "GRU":
        return over_time(lambda x, h: gru_step(x, h, *rest), x, (h,), pad, reverse)
    nonlinearity = KINDS[kind].get("nonlinearity", "tanh")
    return over_time(lambda x, h: rnn_step(x, h, *rest, nonlinearity), x, (h,), pad, reverse)


@pytest.mark.parametrize(("bias", "padded", "reverse"), list(itertools.product((True, False), repeat=3)))
@in_every_kind
def test_fused_ops_are_the_plain_composition(rng, kind, bias, padded, reverse):
    args = arguments(rng, kind, bias, padded)
    leaves = [a for a in args if a is not None and a.requires_grad]
    ys, zs = fused(kind, args, reverse), composed(kind, args, reverse)
    upstream = [minigrad.tensor(rng.standard_normal(y.shape)) for y in ys]
    for y, z in zip(ys, zs, strict=True):
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-12, atol=1e-14)
    expected = minigrad.grad(zs, leaves, upstream)
    recorded = minigrad.grad(ys, leaves, upstream, create_graph=True)  # this one runs on the composition
    for other in (minigrad.grad(ys, leaves, upstream), recorded):
        for p, q in zip(other, expected):
            np.testing.assert_allclose(p.detach().numpy(), q.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "LSTM-proj", "GRU"])
def test_passes_gradcheck_to_second_order(rng, kind):
    args = arguments(rng, kind, padded=True)
    leaves = [a for a in args if a is not None and a.requires_grad]

    def run(*given):
        given = iter(given)
        return fused(kind, [next(given) if a is not None and a.requires_grad else a for a in args], True)

    assert minigrad.gradcheck(run, tuple(leaves)) and minigrad.gradgradcheck(run, tuple(leaves))


def test_second_order_when_the_state_depends_on_the_input(rng):
    """A gradient that went to the input through the state as well would be counted twice."""
    x, h0, *weights, pad = arguments(rng, "GRU")
    w = minigrad.tensor(rng.standard_normal((2, 3)), requires_grad=True)

    def run(x, w):
        return gru_op(x, x[0].matmul(w), *weights, pad, reverse=False)

    assert minigrad.gradcheck(run, (x, w)) and minigrad.gradgradcheck(run, (x, w))
    raw, recorded = (minigrad.grad(run(x, w)[0].sum(), (x, w), create_graph=graph) for graph in (False, True))
    for g, h in zip(raw, recorded):
        np.testing.assert_allclose(h.detach().numpy(), g.numpy(), rtol=1e-10)


@in_every_kind
def test_half_precision_runs_in_single(rng, kind):
    args = arguments(rng, kind, dtype="float16")
    single = [a.detach().float().requires_grad_() if a is not None and a.requires_grad else a for a in args]
    leaves = [[a for a in given if a is not None and a.requires_grad] for given in (args, single)]
    ys, zs = fused(kind, args, False), fused(kind, single, False)
    assert all(y.dtype == "float16" for y in ys)
    np.testing.assert_allclose(ys[0].detach().numpy(), zs[0].detach().numpy(), atol=2e-3)
    for p, q in zip(minigrad.grad(ys[0].sum(), leaves[0]), minigrad.grad(zs[0].sum(), leaves[1])):
        assert p.dtype == "float16"
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=2e-2, atol=2e-2)


@in_every_kind
def test_on_every_device(rng, device, kind):
    layer = getattr(nn, class_of(kind))(3, 4, num_layers=2, bidirectional=True, **KINDS[kind]).double()
    x, lengths = rng.standard_normal((5, 3, 3)), [5, 1, 3]
    here = minigrad.tensor(x, requires_grad=True)
    expected = flat(layer(here, lengths=lengths))
    expected[0].sum().backward()
    there = minigrad.tensor(x, device=device, requires_grad=True)
    found = flat(layer.to(device)(there, lengths=lengths))
    found[0].sum().backward()
    for y, z in zip([*found, there.grad], [*expected, here.grad]):
        np.testing.assert_allclose(y.detach().cpu().numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------------------------------ sequences of any length


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True}], ids=str)
@in_every_kind
def test_lengths_are_each_sequence_run_alone(rng, kind, options):
    """Outputs, states, and all gradients; what stands behind a sequence may be NaN."""
    layer = getattr(nn, class_of(kind))(3, 4, **KINDS[kind], **options).double()
    lengths = [3, 6, 1, 5]
    x = rng.standard_normal((6, 4, 3))
    states = states_for(rng, layer, 4, "float64")
    steps = np.arange(6)[:, None, None] >= np.array(lengths)[:, None]
    given = np.where(steps, math.nan, x)
    batch = minigrad.tensor(given.swapaxes(0, 1) if layer.batch_first else given, requires_grad=True)
    firsts = [minigrad.tensor(s, requires_grad=True) for s in states]
    output, *last = flat(layer(batch, as_hx(firsts), lengths=lengths))
    upstream = [minigrad.tensor(rng.standard_normal(y.shape)) for y in (output, *last)]
    minigrad.autograd.backward([output, *last], upstream)
    together = {name: p.grad.numpy().copy() for name, p in layer.named_parameters()}
    layer.zero_grad()

    def part(y, k):
        return y[k] if layer.batch_first else y[:, k]

    for k, n in enumerate(lengths):
        one = minigrad.tensor(x[:n, k], requires_grad=True)
        own = [minigrad.tensor(s[:, k].copy(), requires_grad=True) for s in states]
        alone, *alone_last = flat(layer(one, as_hx(own)))
        minigrad.autograd.backward([alone, *alone_last], [part(upstream[0], k)[:n], *(g[:, k] for g in upstream[1:])])
        np.testing.assert_allclose(part(output, k)[:n].detach().numpy(), alone.detach().numpy(), rtol=1e-10, atol=1e-12)
        assert (part(output, k)[n:] == 0).all()
        np.testing.assert_allclose(part(batch.grad, k)[:n].numpy(), one.grad.numpy(), rtol=1e-9, atol=1e-12)
        assert (part(batch.grad, k)[n:] == 0).all()
        for y, z, first, first_alone in zip(last, alone_last, firsts, own):
            np.testing.assert_allclose(y[:, k].detach().numpy(), z.detach().numpy(), rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(first.grad[:, k].numpy(), first_alone.grad.numpy(), rtol=1e-9, atol=1e-12)
    for name, p in layer.named_parameters():
        np.testing.assert_allclose(together[name], p.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


@in_every_kind
def test_lengths_are_pytorchs_packed_sequences(torch, rng, kind):
    ours, theirs = pair(torch, kind, "float64", num_layers=2, bidirectional=True)
    x, lengths = rng.standard_normal((6, 4, 3)), [3, 6, 1, 5]
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    ys = flat(ours(a, lengths=minigrad.tensor(lengths)))
    packed = torch.nn.utils.rnn.pack_padded_sequence(b, torch.tensor(lengths), enforce_sorted=False)
    output, last = theirs(packed)
    zs = flat((torch.nn.utils.rnn.pad_packed_sequence(output)[0], last))
    upstream = [rng.standard_normal(y.shape) for y in ys]
    minigrad.autograd.backward(ys, [minigrad.tensor(g) for g in upstream])
    torch.autograd.backward(zs, [torch.tensor(g) for g in upstream])
    for y, z in zip([*ys, a.grad], [*zs, b.grad], strict=True):
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-12)
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters()):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


def test_full_lengths_are_no_lengths(rng):
    layer, x = nn.GRU(3, 4), minigrad.tensor(rng.standard_normal((5, 2, 3)).astype("float32"))
    assert layer(x, lengths=[5, 5])[0].tolist() == layer(x)[0].tolist()


# ----------------------------------------------------------------------------------------- time: truncation and length


@in_every_kind
def test_truncated_backpropagation(rng, kind):
    """The outputs are those of the whole sequence; the gradient ends where the state was detached."""
    layer = getattr(nn, class_of(kind))(3, 4, **KINDS[kind]).double()
    x = minigrad.tensor(rng.standard_normal((8, 2, 3)), requires_grad=True)
    whole = layer(x)[0]
    first, state = layer(x[:4])
    state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
    second, _ = layer(x[4:], state)
    np.testing.assert_allclose(minigrad.cat([first, second]).detach().numpy(), whole.detach().numpy(), rtol=1e-12)
    second.sum().backward()
    assert (x.grad[:4] == 0).all() and (x.grad[4:] != 0).any()


@in_every_kind
def test_ten_thousand_steps(kind):
    minigrad.manual_seed(0)  # a ReLU network may as well grow beyond all numbers, or die
    layer = getattr(nn, class_of(kind))(2, 3, **KINDS[kind])
    x = minigrad.ones(10_000, 1, 2, requires_grad=True)
    layer(x)[0].sum().backward()
    assert np.isfinite(x.grad.numpy()).all() and (x.grad[-1] != 0).any()


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_memory_grows_linearly(kind):
    import tracemalloc

    layer, peaks = getattr(nn, kind)(4, 8), []
    for steps in (500, 1000, 2000):
        x = minigrad.ones(steps, 4, 4, requires_grad=True)
        tracemalloc.start()
        layer(x)[0].sum().backward()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert 1.6 < peaks[1] / peaks[0] < 2.4 and 1.6 < peaks[2] / peaks[1] < 2.4


# -------------------------------------------------------------------------------------------------------------- weights


def test_initial_distribution():
    minigrad.manual_seed(0)
    for make in (lambda: nn.RNN(3, 4, 2), lambda: nn.LSTM(3, 4, proj_size=2), lambda: nn.GRUCell(3, 4)):
        drawn = [make() for _ in range(200)]
        for name, _ in drawn[0].named_parameters():
            values = np.concatenate([dict(layer.named_parameters())[name].detach().numpy().ravel() for layer in drawn])
            error = 5 / math.sqrt(len(values))
            assert 0.48 < abs(values).max() <= 0.5 and abs(values.mean()) < error / 2
            assert values.var() == pytest.approx(0.25 / 3, rel=error)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_orthogonal_recurrent_weights(kind):
    layer = getattr(nn, kind)(3, 5, num_layers=2, recurrent_init="orthogonal")
    for name, p in layer.named_parameters():
        if name.startswith("weight_hh"):
            for block in p.detach().numpy().reshape(-1, 5, 5):
                np.testing.assert_allclose(block @ block.T, np.eye(5), atol=1e-6)


def test_forget_bias():
    layer = nn.LSTM(3, 4, bidirectional=True, forget_bias=2.5)
    for suffix in ("", "_reverse"):
        b_ih, b_hh = (getattr(layer, f"bias_{part}_l0{suffix}").detach().numpy() for part in ("ih", "hh"))
        assert (b_ih[4:8] == 2.5).all() and (b_hh[4:8] == 0).all() and (b_ih[:4] != 2.5).all() and b_hh[8:].all()
    with pytest.raises(ValueError, match="forget_bias needs bias=True"):
        nn.LSTM(3, 4, bias=False, forget_bias=1.0)


def test_dropout_between_layers(rng):
    layer = nn.GRU(3, 4, num_layers=2, dropout=1.0).double()
    x = minigrad.tensor(rng.standard_normal((5, 2, 3)), requires_grad=True)
    layer(x)[0].sum().backward()
    assert (x.grad == 0).all()  # nothing comes through
    plain = nn.GRU(3, 4, num_layers=2).double()
    plain.load_state_dict(layer.state_dict())
    assert layer.eval()(x)[0].tolist() == plain(x)[0].tolist()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("name", "options"), [
    ("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"}), ("LSTMCell", {}), ("GRUCell", {}), ("GRUCell", {"bias": False})])
def test_cells_agree_with_pytorch(torch, rng, name, options, dtype):
    ours = getattr(nn, name)(3, 4, **options).to(dtype=dtype)
    theirs = getattr(torch.nn, name)(3, 4, **options).to(getattr(torch, dtype))
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    assert repr(ours) == repr(theirs)
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    for lead, given in itertools.product(((2,), ()), (False, True)):
        x = rng.standard_normal((*lead, 3)).astype(dtype)
        states = [rng.standard_normal((*lead, 4)).astype(dtype) for _ in range(2 if name == "LSTMCell" else 1)]
        a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        y = ours(a, as_hx([minigrad.tensor(s) for s in states]) if given else None)
        z = theirs(b, as_hx([torch.tensor(s) for s in states]) if given else None)
        ys, zs = (y, z) if isinstance(y, tuple) else ((y,), (z,))
        ours.zero_grad(), theirs.zero_grad()
        sum(v.sum() for v in ys).backward(), sum(v.sum() for v in zs).backward()
        for p, q in zip([*ys, a.grad], [*zs, b.grad]):
            np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), **close)
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), **close)


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: nn.LSTM(0, 4), ValueError, "LSTM: input_size must be 1 or more, got 0"),
    (lambda: nn.GRU(3, 4, 0), ValueError, "GRU: num_layers must be 1"), (lambda: nn.RNN(3, 2.5), TypeError, "hidden_size"),
    (lambda: nn.RNN(3, 4, nonlinearity="gelu"), ValueError, "'tanh' or 'relu', not 'gelu'"),
    (lambda: nn.LSTM(3, 4, proj_size=4), ValueError, "proj_size must be below hidden_size"),
    (lambda: nn.GRU(3, 4, 2, dropout=1.5), ValueError, "GRU: dropout is a probability"),
    (lambda: nn.GRU(3, 4, recurrent_init="identity"), ValueError, "'identity'"),
    (lambda: nn.RNNCell(3, 4, nonlinearity="gelu"), ValueError, "'gelu'"), (lambda: nn.LSTMCell(3, 0), ValueError, "LSTMCell"),
])
def test_constructors_refuse(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda m, x: m(x[0, 0]), ValueError, r"GRU takes sequences \(T, N, input_size\), or \(T, input_size\), not of shape \(3,\)"),
    (lambda m, x: m(minigrad.ones(5, 2, 4)), ValueError, r"GRU: an input of shape \(5, 2, 4\) has size 4, not 3"),
    (lambda m, x: m(minigrad.ones(0, 2, 3)), ValueError, r"no step of time in an input of shape \(0, 2, 3\)"),
    (lambda m, x: m(x.double()), TypeError, "GRU: dtypes differ, input float64 and weights float32"),
    (lambda m, x: m(x.numpy()), TypeError, "GRU takes a Tensor, not ndarray"),
    (lambda m, x: m(x, minigrad.ones(1, 3, 4)), ValueError, r"shape \(1, 3, 4\).*but \(1, 2, 4\)"),
    (lambda m, x: m(x, minigrad.ones(1, 2, 4, dtype="float64")), ValueError, "dtype float64"),
    (lambda m, x: m(x, [0.0]), TypeError, "GRU: a state is a list, not a Tensor"),
    (lambda m, x: m(x, lengths=[5, 0]), ValueError, "sequence 1 has length 0; lengths go from 1 to 5"),
    (lambda m, x: m(x, lengths=[6, 1]), ValueError, "sequence 0 has length 6; lengths go from 1 to 5"),
    (lambda m, x: m(x, lengths=[5]), ValueError, r"lengths have shape \(1,\), but there are 2 sequences"),
    (lambda m, x: m(x, lengths=[5.0, 1.0]), TypeError, "lengths must be integers, not float64"),
    (lambda m, x: m(x[:, 0], lengths=[5]), ValueError, "lengths go with a batch of sequences"),
    (lambda m, x: nn.LSTM(3, 4)(x, minigrad.ones(1, 2, 4)), TypeError, r"a pair \(h, c\), not Tensor"),
    (lambda m, x: nn.GRUCell(3, 4)(x), ValueError, r"GRUCell takes \(N, 3\) or \(3,\), not shape \(5, 2, 3\)"),
    (lambda m, x: nn.RNNCell(3, 4)(x[0], minigrad.ones(4)), ValueError, r"a state has shape \(4,\).*but \(2, 4\)"),
    (lambda m, x: m(x, lengths=[[5], [2, 1]]), TypeError, r"GRU: lengths must be integers, one for each sequence"),
    (lambda m, x: nn.LSTM(3, 4)(x, (x, x, x)), TypeError, r"LSTM: the state is a pair \(h, c\), not 3 of them"),
    (lambda m, x: nn.LSTMCell(3, 4)(x[0], (x,)), TypeError, r"LSTMCell: the state is a pair \(h, c\), not 1 of them"),
    (lambda m, x: nn.LSTMCell(3, 4)(x[0], 0.0), TypeError, r"LSTMCell: the state is a pair \(h, c\), not float"),
    (lambda m, x: nn.GRUCell(3, 4)(x[0], [[0.0] * 4] * 2), TypeError, "GRUCell: a state is a list, not a Tensor"),
    (lambda m, x: nn.LSTMCell(3, 4)(x[0], (minigrad.ones(2, 4).double(),) * 2), ValueError, "LSTMCell.*dtype float64"),
    (lambda m, x: nn.RNNCell(3, 4)(x[0].double()), TypeError, "RNNCell: dtypes differ, input float64"),
])
def test_forward_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.GRU(3, 4), minigrad.ones(5, 2, 3))
