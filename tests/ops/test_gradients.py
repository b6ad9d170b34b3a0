"""What every vjp must do, over all samples: be right, be pure, keep its dtype, and work on Tensors as on arrays."""
import numpy as np
import pytest

import minigrad
from minigrad import autograd, dispatch, grad, gradcheck, gradgradcheck

from .samples import ALL, FLOAT_SAMPLES, SAMPLES

TIGHT = {"eps": 1e-6, "atol": 2e-7, "rtol": 1e-5}
differentiable = pytest.mark.parametrize("sample", [s for s in FLOAT_SAMPLES if s.orders], ids=repr)
every_float_sample = pytest.mark.parametrize("sample", FLOAT_SAMPLES, ids=repr)


def applied(sample):
    """The sample as a function of its tensors, results that carry a gradient only."""
    return lambda *xs: [y for y in sample.outputs(xs) if y.dtype.kind == "f"]


def with_upstream(sample, dtype):
    """(leaves, differentiable outputs, uneven upstream gradients for them)."""
    xs = sample.tensors(dtype)
    ys = [y for y in sample.outputs(xs) if y.requires_grad]
    assert ys
    rng = np.random.default_rng(7)
    upstream = [minigrad.tensor(rng.uniform(0.5, 2, y.shape) * rng.choice([-1, 1], y.shape), dtype=y.dtype) for y in ys]
    return [x for x in xs if x.requires_grad], ys, upstream


@differentiable
def test_first_order(sample):
    assert gradcheck(applied(sample), sample.tensors("float64"), **TIGHT)


@pytest.mark.parametrize("sample", [s for s in FLOAT_SAMPLES if s.orders == 2], ids=repr)
def test_second_order(sample):
    assert gradgradcheck(applied(sample), sample.tensors("float64"), **TIGHT)


THIRD = [
    SAMPLES[name][0] for name in ("mul", "div", "pow", "exp", "log", "tanh", "sigmoid", "erf", "gelu", "softplus",
        "silu", "softmax", "log_softmax", "logsumexp",
                                  "matmul", "linear", "var", "std", "prod", "norm", "getitem", "gather", "cumsum",
                                  "cross_entropy", "where")
]  # fmt: skip


@pytest.mark.parametrize("sample", THIRD, ids=repr)
def test_third_order(sample):
    xs = sample.tensors("float64")

    def gradients(*inputs):
        ys = applied(sample)(*inputs)
        total = sum((y * y * y).sum() for y in ys)
        return grad(total, [x for x in inputs if x.requires_grad], create_graph=True, materialize_grads=True)

    assert gradgradcheck(gradients, xs, eps=1e-6, atol=1e-5, rtol=1e-5)


def _arrays(value):
    """The raw NumPy arrays in what a pull is given or gives."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, autograd.PartialGradients):
        return _arrays(list(value.by_index.values()))
    if isinstance(value, (list, tuple)):
        return [a for item in value for a in _arrays(item)]
    return _arrays(value.array) if isinstance(value, minigrad.Tensor) else []


@pytest.fixture
def watched_pulls(monkeypatch):
    """Each pull of the walk, as (op name, arrays given, the same copied before, gradients, dtypes of its arguments)."""
    pulls = []
    pull = dispatch.Op.pull

    def watched(row, node, g, y, args, wanted):
        given = _arrays([g, y, list(args), list(node.kw.values())])
        before = [a.copy() for a in given]
        grads = pull(row, node, g, y, args, wanted)
        pulls.append((row.name, given, before, grads, [p and p.dtype for p in node.parents]))
        return grads

    monkeypatch.setattr(dispatch.Op, "pull", watched)
    return pulls


@every_float_sample
def test_vjps_write_to_nothing_they_are_given(sample, watched_pulls):
    leaves, ys, upstream = with_upstream(sample, "float64")
    grad(ys, leaves, upstream, materialize_grads=True)
    for name, given, before, _, _ in watched_pulls:
        for array, old in zip(given, before):
            np.testing.assert_array_equal(array, old, err_msg=f"a vjp of {name} wrote to what it was given")


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@every_float_sample
def test_vjps_keep_their_dtype(sample, dtype, watched_pulls):
    """Before the walk casts: a float64 that slips in costs time and memory, and hides in the final cast."""
    leaves, ys, upstream = with_upstream(sample, dtype)
    with np.errstate(over="ignore"):
        grad(ys, leaves, upstream, materialize_grads=True, create_graph=True)
        grad(ys, leaves, upstream, materialize_grads=True)
    for name, _, _, grads, expected in watched_pulls:
        for g, argument in zip(grads, expected):
            if g is not None and not isinstance(g, autograd.PartialGradients) and argument is not None:
                assert g.dtype == argument, f"a vjp of {name} returned {g.dtype} for an argument of {argument}"


@every_float_sample
def test_gradients_are_the_same_on_arrays_and_on_tensors(sample):
    leaves, ys, upstream = with_upstream(sample, "float64")
    recorded = grad(ys, leaves, upstream, materialize_grads=True, create_graph=True)
    raw = grad(ys, leaves, upstream, materialize_grads=True)
    for x, a, b in zip(leaves, recorded, raw):
        assert not b.requires_grad
        assert a.shape == b.shape == x.shape and a.dtype == b.dtype == x.dtype
        np.testing.assert_allclose(a.numpy(force=True), b.numpy(), rtol=1e-13, atol=1e-15, strict=True)


@every_float_sample
def test_gradients_have_memory_of_their_own(sample):
    """What lands in .grad may be clipped in place: it must be no part of an input, an output or another gradient."""
    leaves, ys, upstream = with_upstream(sample, "float64")
    minigrad.autograd.backward(ys, upstream)
    gradients = [x.grad.array for x in leaves if x.grad is not None]
    others = [t.array for t in (*leaves, *ys, *upstream)]
    for i, g in enumerate(gradients):
        assert g.flags.writeable
        assert not any(np.may_share_memory(g, other) for other in others + gradients[i + 1 :])


@pytest.mark.parametrize("sample", ALL, ids=repr)
def test_without_gradients_the_values_are_the_same(sample):
    recorded = sample.outputs(sample.tensors("float32"))
    with minigrad.no_grad():
        plain = sample.outputs(sample.tensors("float32"))
    for y, z in zip(recorded, plain):
        np.testing.assert_array_equal(y.numpy(force=True), z.numpy(force=True), strict=True)


@pytest.mark.parametrize("sample", [s for s in FLOAT_SAMPLES if len(s.differentiable) > 1], ids=repr)
def test_each_argument_alone_has_the_same_gradient(sample):
    """What one vjp reads must not be there only because another one had it kept."""
    leaves, ys, upstream = with_upstream(sample, "float64")
    together = grad(ys, leaves, upstream, materialize_grads=True)
    for alone, expected in zip(sample.differentiable, together):
        xs = [x.requires_grad_(i == alone) for i, x in enumerate(sample.tensors("float64", requires_grad=False))]
        ys = [y for y in sample.outputs(xs) if y.requires_grad]
        (found,) = grad(ys, xs[alone], upstream, materialize_grads=True)
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-13, atol=1e-15)
