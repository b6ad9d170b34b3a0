"""The tape: recording, the walk, grad modes, hooks, higher orders, memory."""

import contextlib
import gc
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import autograd, dispatch


def leaf(values, dtype=mg.float64):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


# ------------------------------------------------------------------------------------------------------ backward


def test_a_leaf_used_many_times_sums_its_gradients():
    x = leaf([2.0, 3.0])
    (x * x + x.exp() + 5 * x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.array([2.0, 3]) + np.exp([2.0, 3]) + 5)


def test_diamonds_of_shared_subgraphs():
    x = leaf(1.0)
    y = x
    for _ in range(30):
        y = y + y  # 2**30 paths, 30 nodes
    y.backward()
    assert x.grad.item() == 2.0**30


def test_sides_of_a_diamond_of_unequal_length():
    x = leaf(0.7)
    short = x * 2
    long = (short.sin() * 3).exp()
    (short * long).backward()
    s = 1.4
    expected = 2 * (np.exp(3 * np.sin(s)) + s * np.exp(3 * np.sin(s)) * 3 * np.cos(s))
    assert x.grad.item() == pytest.approx(expected)


def test_backward_twice_names_the_freed_op():
    x = leaf([1.0, 2.0])
    y = x.tanh().sum()
    y.backward()
    with pytest.raises(RuntimeError, match="graph of this sum was freed.*retain_graph=True"):
        y.backward()
    z = x.exp()
    z.sum().backward()
    with pytest.raises(RuntimeError, match="graph of this exp was freed"):
        (z * 2).sum().backward()
    with pytest.raises(RuntimeError, match="graph of this exp was freed"):
        mg.grad((z * 2).sum(), x)


def test_retained_graphs_go_back_again():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [6, 12]


def test_only_what_was_walked_is_freed():
    x = leaf(2.0)
    shared = x * 3
    a, b = shared + 1, shared.exp()
    a.backward(inputs=[x], retain_graph=True)
    b.backward()
    assert x.grad.item() == pytest.approx(3 + 3 * np.exp(6))


def test_gradient_argument_weighs_the_result():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    weight = mg.tensor([[1.0, 10.0], [100.0, 1000.0]], dtype=mg.float64)
    (x * 2).backward(weight)
    assert x.grad.tolist() == [[2, 20], [200, 2000]]
    assert weight.tolist() == [[1, 10], [100, 1000]]


def test_several_roots():
    x = leaf(3.0)
    autograd.backward([x * 2, x * x], [None, mg.tensor(10.0, dtype=mg.float64)])
    assert x.grad.item() == 2 + 60


def test_backward_on_a_leaf_itself():
    x = leaf(3.0)
    x.backward()
    assert x.grad.item() == 1
    v = mg.ones(2, requires_grad=True)
    g = mg.tensor([2.0, 3.0])
    v.backward(g)
    g.mul_(0)
    assert v.grad.tolist() == [2, 3]  # a copy


def test_backward_into_chosen_inputs_only():
    x, y = leaf(2.0), leaf(3.0)
    middle = x * y
    (middle * y).backward(inputs=[y, middle])
    assert x.grad is None and y.grad.item() == 12 and middle.grad.item() == 3


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
@pytest.mark.parametrize(
    "shapes", [((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2, 3)), ((1, 1), (3,)), ((0, 3), (3,)), ((2, 0), (1, 1))]
)
def test_gradients_have_their_tensors_shape_and_dtype(dtype, shapes):
    a, b = (mg.ones(shape, dtype=dtype, requires_grad=True) for shape in shapes)
    ((a + b) * (a - 2 * b) / (b * b)).sum().backward()
    for t in (a, b):
        assert (t.grad.shape, t.grad.dtype) == (t.shape, t.dtype)
    n = np.broadcast_shapes(*shapes)
    times = np.prod(n) // max(1, np.prod(shapes[0])) if np.prod(shapes[0]) else 0
    np.testing.assert_allclose(
        a.grad.numpy(), np.full(shapes[0], times * 1.0)
    )  # d/da (a + b)(a - 2b) / b^2 = 1 at 1, 1


def test_gradients_through_promotion():
    a, b = mg.ones(3, dtype=mg.float32, requires_grad=True), mg.ones(3, dtype=mg.float64, requires_grad=True)
    y = a * b
    assert y.dtype == mg.float64
    y.sum().backward()
    assert a.grad.dtype == mg.float32 and b.grad.dtype == mg.float64


def test_two_leaves_of_a_sum_have_gradients_of_their_own():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (a + b).sum().backward()
    a.grad.mul_(5)
    assert a.grad.tolist() == [5, 5] and b.grad.tolist() == [1, 1]


@pytest.mark.parametrize("make", [
    lambda a, b: a + b, lambda a, b: a.reshape(4) + b.reshape(4), lambda a, b: a.T + b.T, lambda a, b: mg.cat([a, b]),
    lambda a, b: mg.stack([a, b]), lambda a, b: a.expand(2, 2) + b, lambda a, b: a.clone() + b,
    lambda a, b: (a + b)[:1],
])  # fmt: skip
@pytest.mark.parametrize("create_graph", [False, True])
def test_no_two_gradients_share_memory(make, create_graph):
    a, b = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[5.0, 6.0], [7.0, 8.0]])
    y = make(a, b)
    upstream = mg.ones_like(y)
    y.backward(upstream, create_graph=create_graph)
    arrays = [a.grad.array, b.grad.array, upstream.array]
    for i, x in enumerate(arrays):
        assert x.flags.writeable
        assert not any(np.shares_memory(x, other) for other in arrays[i + 1 :])


def test_a_gradient_that_the_user_kept_does_not_change():
    x = leaf([1.0, 2.0])
    (x * 3).sum().backward()
    kept = x.grad
    (x * 4).sum().backward()
    assert kept.tolist() == [3, 3] and x.grad.tolist() == [7, 7]


def test_results_without_a_graph():
    x = leaf([1.0, 2.0])
    assert not (x > 1).requires_grad and not x.argmax().requires_grad and not x.to(mg.int64).requires_grad
    assert (x * 2).grad_fn.name == "mul" and x.grad_fn is None and x.is_leaf and not (x * 2).is_leaf
    assert not (mg.ones(2) * 2).requires_grad


def test_nothing_flows_where_no_gradient_is_wanted():
    x, y = leaf(2.0), mg.tensor(3.0, dtype=mg.float64)
    z = x * y
    z.backward()
    assert y.grad is None and not y.requires_grad and x.grad.item() == 3


# ------------------------------------------------------------------------------------------------ detach, retain, hooks


def test_detach_cuts_the_graph_and_shares_the_memory():
    x = leaf([1.0, 2.0])
    y = x * 2
    d = y.detach()
    assert not d.requires_grad and d.is_leaf and np.shares_memory(d.array, y.array)
    (y * d).sum().backward()
    assert x.grad.tolist() == [4, 8]  # 2 * d


def test_retain_grad():
    x = leaf([1.0, 2.0])
    y = x * 3
    z = y * y
    y.retain_grad()
    x.retain_grad()
    z.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [6, 12] and x.grad.tolist() == [18, 36] and z.grad is None
    z.sum().backward()
    assert y.grad.tolist() == [12, 24]
    with pytest.raises(RuntimeError, match="does not require gradients"):
        mg.ones(2).retain_grad()


def test_hooks_see_and_replace_gradients():
    x = leaf([1.0, 2.0])
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: seen.append(g.tolist()))
    x.register_hook(lambda g: g + 1)
    y.retain_grad()
    y.sum().backward()
    assert seen == [[1, 1], [10, 10]]
    assert y.grad.tolist() == [10, 10] and x.grad.tolist() == [31, 31]


def test_a_hook_sees_the_whole_gradient_once():
    x = leaf(2.0)
    y = x * 1
    calls = []
    y.register_hook(lambda g: calls.append(g.item()))
    (y * 3 + y * 4 + y).backward()
    assert calls == [8]


def test_hooks_can_be_removed():
    x = leaf(2.0)
    handle = x.register_hook(lambda g: g * 100)
    with x.register_hook(lambda g: g * 10):
        (x * 1).backward()
    assert x.grad.item() == 1000
    handle.remove()
    handle.remove()
    x.grad = None
    (x * 1).backward()
    assert x.grad.item() == 1


def test_a_hook_must_keep_the_shape():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: g.sum())
    with pytest.raises(RuntimeError, match=r"hook on leaf .*\(2,\) into one of shape \(\)"):
        x.sum().backward()
    with pytest.raises(RuntimeError, match="does not require gradients"):
        mg.ones(2).register_hook(print)


def test_hooks_under_create_graph():
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (g,) = mg.grad(y, x, create_graph=True)  # x * 2x
    assert g.item() == 8
    (gg,) = mg.grad(g, x)
    assert gg.item() == 8


# ------------------------------------------------------------------------------------------------------------ grad()


def test_grad_touches_no_grad():
    x, y = leaf(2.0), leaf(3.0)
    gx, gy = mg.grad(x * y * y, [x, y])
    assert (gx.item(), gy.item()) == (9, 12) and x.grad is None and y.grad is None
    assert not gx.requires_grad


def test_grad_of_an_input_that_was_not_used():
    x, y = leaf([1.0, 2.0]), leaf([[3.0]])
    with pytest.raises(RuntimeError, match=r"do not depend on input 1 \(shape \(1, 1\)\).*allow_unused=True"):
        mg.grad(x.sum(), [x, y])
    assert mg.grad(x.sum(), [x, y], allow_unused=True)[1] is None
    zeros = mg.grad(x.sum(), [x, y], materialize_grads=True)[1]
    assert zeros.tolist() == [[0]] and zeros.dtype == mg.float64
    with pytest.raises(RuntimeError, match="input 0 .*does not require gradients"):
        mg.grad(x.sum(), mg.ones(2))
    with pytest.raises(ValueError, match="inputs is empty"):
        mg.grad(x.sum(), [])


def test_grad_with_respect_to_computed_tensors():
    x = leaf(2.0)
    y = x * x
    z = y.exp() * x
    gy, gx = mg.grad(z, [y, x])
    assert gy.item() == pytest.approx(2 * np.exp(4)) and gx.item() == pytest.approx(np.exp(4) * (1 + 8))


def test_grad_of_an_output_with_respect_to_itself():
    x = leaf([1.0, 2.0])
    y = x * 2
    g = mg.tensor([3.0, 4.0], dtype=mg.float64)
    (found,) = mg.grad(y, y, grad_outputs=g)
    assert found.tolist() == [3, 4] and not np.shares_memory(found.array, g.array)


def test_grad_of_several_outputs_weighed():
    x = leaf([1.0, 2.0])
    g = mg.grad([x.sum(), x * x], x, grad_outputs=[None, mg.tensor([10.0, 100.0], dtype=mg.float64)])[0]
    assert g.tolist() == [1 + 20, 1 + 400]
    with pytest.raises(ValueError, match="2 tensors but 1 gradients"):
        mg.grad([x.sum(), x.sum()], x, grad_outputs=[None])


def test_grad_asked_twice_for_one_input_gives_two_arrays():
    x = leaf([1.0, 2.0])
    a, b = mg.grad((x * 3).sum(), [x, x])
    a.mul_(0)
    assert b.tolist() == [3, 3]


def test_grad_visits_only_what_leads_to_the_inputs():
    x, y = leaf(2.0), leaf(3.0)
    calls = []
    side = y * 2
    side.register_hook(lambda g: calls.append(1))
    assert mg.grad(x * side, x)[0].item() == 6 and calls == []


def test_grad_of_a_chain_and_backward_agree():
    x = leaf(0.3)
    y = x
    for _ in range(5):
        y = (y * x).sin()
    (g,) = mg.grad(y, x, retain_graph=True)
    y.backward()
    assert g.item() == x.grad.item()


# ------------------------------------------------------------------------------------------------------ higher orders


def test_derivatives_of_a_power():
    x = leaf([0.5, -1.5])
    y = x**5
    for order in range(1, 6):
        (y,) = mg.grad(y.sum(), x, create_graph=True)
        expected = np.polyval(np.polyder(np.poly1d([1, 0, 0, 0, 0, 0]), order), [0.5, -1.5])
        np.testing.assert_allclose(y.numpy(force=True), expected, rtol=1e-12)


def test_hessian_against_longhand():
    values = np.array([0.3, -0.7, 1.1])
    x = leaf(values)
    y = (x[0] * x[1]).sin() + x[1] * x[2] ** 2
    (g,) = mg.grad(y, x, create_graph=True)
    rows = [mg.grad(g[i], x, retain_graph=True)[0].tolist() for i in range(3)]
    a, b, c = values
    s, k = np.sin(a * b), np.cos(a * b)
    expected = [[-b * b * s, k - a * b * s, 0], [k - a * b * s, -a * a * s, 2 * c], [0, 2 * c, 2 * b]]
    np.testing.assert_allclose(rows, expected, atol=1e-12)


def test_double_backward_through_grad_penalty(torch):
    values = np.random.default_rng(0).standard_normal((2, 4, 3))
    found = []
    for L in (torch, mg):
        x = L.tensor(values[0], dtype=L.float64, requires_grad=True)
        w = L.tensor(values[1], dtype=L.float64, requires_grad=True)
        loss = (x * w).tanh().sum()
        grad = L.autograd.grad if L is torch else mg.grad
        gx, gw = grad(loss, [x, w], create_graph=True)
        penalty = (gx * gx).sum() + (gw.sin() * w).mean()
        found.append([np.array(g.tolist()) for g in grad(penalty, [x, w])])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-10)


def test_create_graph_keeps_the_graph_and_records_even_under_no_grad():
    x = leaf(3.0)
    y = x * x * x
    with mg.no_grad():
        (g,) = mg.grad(y, x, create_graph=True)
    assert g.requires_grad and mg.grad(g, x)[0].item() == 18


def test_upstream_gradients_can_be_differentiated():
    x, v = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (g,) = mg.grad(x * x, x, grad_outputs=v, create_graph=True)
    gx, gv = mg.grad(g.sum(), [x, v])
    assert gx.tolist() == [6, 8] and gv.tolist() == [2, 4]


# --------------------------------------------------------------------------------------------------------- grad modes


def recorded():
    return (mg.ones(1, requires_grad=True) * 2).requires_grad


def test_modes_as_contexts():
    assert recorded() and mg.is_grad_enabled() is True
    with mg.no_grad():
        assert not recorded() and mg.is_grad_enabled() is False
        with mg.enable_grad():
            assert recorded()
        assert not recorded()
        with mg.set_grad_enabled(True):
            assert recorded()
        assert not recorded()
    assert recorded()


def test_a_mode_ends_with_an_exception():
    with contextlib.suppress(KeyError), mg.no_grad():
        raise KeyError
    assert recorded()


def test_set_grad_enabled_as_a_call():
    mg.set_grad_enabled(False)
    try:
        assert not recorded()
    finally:
        mg.set_grad_enabled(True)
    assert recorded()


@pytest.mark.parametrize("decorate, expected", [
    (mg.no_grad(), False), (mg.no_grad, False), (mg.enable_grad(), True), (mg.enable_grad, True),
])  # fmt: skip
def test_modes_as_decorators(decorate, expected):
    @decorate
    def function(n):
        """Says so."""
        return [recorded()] + (function(n - 1) if n else [])

    assert function.__name__ == "function" and function.__doc__ == "Says so."
    for outside in (True, False):
        with mg.set_grad_enabled(outside):
            assert function(3) == [expected] * 4 and recorded() == outside


def test_set_grad_enabled_as_a_decorator():
    @mg.set_grad_enabled(False)
    def function():
        return recorded()

    assert recorded() and function() is False and recorded()


def test_one_context_object_entered_inside_itself():
    mode = mg.no_grad()
    with mode:
        with mode:
            assert not recorded()
        assert not recorded()
    assert recorded()


def test_a_decorated_function_that_fails():
    @mg.no_grad()
    def function():
        raise KeyError

    with pytest.raises(KeyError):
        function()
    assert recorded()


def test_a_decorated_generator_runs_in_its_mode_and_its_caller_does_not():
    @mg.no_grad()
    def numbers(n):
        got = []
        for i in range(n):
            assert not recorded()
            try:
                got.append((yield i))
            except KeyError:
                got.append("error")
        assert not recorded()
        return got

    generator = numbers(3)
    assert next(generator) == 0 and recorded()
    assert generator.send("a") == 1 and recorded()
    assert generator.throw(KeyError()) == 2 and recorded()
    with pytest.raises(StopIteration) as end:
        generator.send("c")
    assert end.value.value == ["a", "error", "c"] and recorded()
    assert list(numbers(2)) == [0, 1] and recorded()
    left = numbers(2)
    next(left)
    left.close()
    assert recorded()

    @mg.no_grad()
    def failing():
        yield 1
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        list(failing())
    assert recorded()


def test_modes_are_each_threads_own():
    seen = {}

    def other():
        seen["start"] = recorded()
        with mg.no_grad():
            entered.set()
            wait.wait(5)
            seen["inside"] = recorded()
        seen["end"] = recorded()

    entered, wait = threading.Event(), threading.Event()
    with mg.no_grad():
        thread = threading.Thread(target=other)
        thread.start()
        entered.wait(5)
    assert recorded()
    wait.set()
    thread.join()
    assert seen == {"start": True, "inside": False, "end": True}


def test_threads_build_and_walk_their_own_graphs():
    results = {}

    def work(i):
        x = leaf(np.full(50, i + 1.0))
        y = x
        for _ in range(200):
            y = y * 1.01
        y.sum().backward()
        results[i] = x.grad.tolist()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(4):
        np.testing.assert_allclose(results[i], np.full(50, 1.01**200))


# ------------------------------------------------------------------------------------------- ops of several outputs


@pytest.fixture
def own_ops():
    before = dict(dispatch.OPS)
    yield
    dispatch.OPS.clear()
    dispatch.OPS.update(before)


def test_an_op_of_ones_own(own_ops):
    cube = mg.op(lambda x: x * x * x, lambda g, _y, x: g * 3 * x * x, name="cube")
    x = leaf([1.0, 2.0])
    y = cube(x)
    assert y.grad_fn.name == "cube" and "op=cube" in repr(y)
    y.sum().backward()
    assert x.grad.tolist() == [3, 12]
    assert mg.gradcheck(cube, x) and mg.gradgradcheck(cube, x)
    assert cube(np.array([2.0])).tolist() == [8]  # raw arrays in, raw arrays out


def test_an_op_with_options_and_an_argument_without_gradient(own_ops):
    scaled = mg.op(
        lambda x, n, *, by: x * n * by, lambda g, _y, _x, n, *, by: g * n * by, None, name="scaled",
    )  # fmt: skip
    x, n = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    scaled(x, n, by=10).sum().backward()
    assert x.grad.tolist() == [30, 40] and n.grad is None


def polar(own=None):
    def joint(gs, ys, x, z, *, needs):
        (gr, ga), (r, _a) = gs, ys
        zero = r * 0
        gr, ga = zero if gr is None else gr, zero if ga is None else ga
        return [
            gr * x / r - ga * z / (r * r) if needs[0] else None,
            gr * z / r + ga * x / (r * r) if needs[1] else None,
        ]

    return mg.op(lambda x, z: (np.sqrt(x * x + z * z), np.arctan2(z, x)), joint=joint, outputs=2, name="polar")


@pytest.mark.parametrize("use", [lambda r, a: r * a, lambda r, a: r, lambda r, a: a, lambda r, a: r + r * a + a * a])
def test_an_op_with_two_outputs(own_ops, use):
    op = polar()
    x, z = leaf([0.6, 1.3]), leaf([0.9, -0.4])
    assert mg.gradcheck(lambda x, z: use(*op(x, z)), (x, z))
    assert mg.gradgradcheck(lambda x, z: use(*op(x, z)), (x, z))
    assert op(x, z)[1].grad_fn.name == "polar"


def test_only_the_visible_outputs_are_handed_out(own_ops):
    op = mg.op(
        lambda x: (np.exp(x), x * 1), joint=lambda gs, ys, _x, *, needs: [gs[0] * ys[0]], outputs=2, visible=1,
        name="hidden",
    )  # fmt: skip
    x = leaf([0.5])
    y = op(x)
    assert isinstance(y, mg.Tensor)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([0.5]))


@pytest.mark.parametrize("make, message", [
    (lambda: mg.op(np.exp, lambda g, y, x: g, joint=lambda g, y, x, needs: [g]), "not both"),
    (lambda: mg.op(np.modf, lambda g, y, x: g, outputs=2), "needs a joint vjp"),
    (lambda: mg.op(np.exp, lambda g, y, x: g, cast="int"), "cast must be"),
    (lambda: mg.op(np.exp, np.multiply), "must be a Python function"),
    (lambda: mg.op(np.exp, lambda g: g), r"takes \(g, y, \*args\)"),
])  # fmt: skip
def test_rows_that_cannot_be(own_ops, make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_vjp_of_the_wrong_shape_is_told_by_name(own_ops):
    wrong = mg.op(lambda x: x * 2, lambda g, _y, _x: g[:1], name="wrong")
    x = leaf([1.0, 2.0, 3.0])
    with pytest.raises(RuntimeError, match=r"vjp of wrong returned a gradient of shape \(1,\) .* \(3,\)"):
        wrong(x).sum().backward()
    assert x.grad is None


def test_what_a_vjp_does_not_read_is_not_kept(own_ops):
    seen = []
    op = mg.op(lambda x: x + 1, lambda g, _y, _x: seen.append((_y, _x)) or g, name="bare")
    x = leaf([1.0, 2.0]) * 1
    op(x).sum().backward()
    ((y, x_seen),) = seen
    assert (x_seen.shape, x_seen.dtype, x_seen.ndim) == ((2,), mg.float64, 1) and not hasattr(x_seen, "sum")
    assert y.shape == (2,) and not hasattr(y, "sum")


# -------------------------------------------------------------------------------------------------------------- memory


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_hundred_thousand_chained_ops(no_collector):
    x = leaf(np.ones(2))
    y = x
    for _ in range(50_000):
        y = y.sin() + x
    last = weakref.ref(y.array)
    y.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    del y
    assert last() is None


def test_a_long_graph_is_dropped_without_a_walk(no_collector):
    x = leaf(np.ones(2))
    y = x
    arrays = []
    for i in range(100_000):
        y = y * 1.0
        if i % 10_000 == 0:
            arrays.append(weakref.ref(y.array))
    assert arrays[0]() is None  # no vjp reads it
    squares = x
    for i in range(100_000):
        squares = squares.sin()
        if i % 10_000 == 0:
            arrays.append(weakref.ref(squares.array))
    assert arrays[-1]() is not None
    del y, squares
    assert all(a() is None for a in arrays)


def test_grad_along_a_long_chain():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1
    assert mg.grad(y, x)[0].item() == 1


def test_a_chain_of_adds_keeps_one_array(no_collector):
    x = leaf(np.ones(100_000))
    tracemalloc.start()
    y = x + 1
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(100):
        y = y + 1
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < y.nbytes / 2  # a hundred nodes, and the same one array


def test_backward_frees_as_it_goes(no_collector):
    x = leaf(np.ones(100_000))
    y = x
    for _ in range(50):
        y = y.sin()
    total = y.sum()
    del y
    tracemalloc.start()
    total.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * x.nbytes


def test_graphs_die_by_reference_count(no_collector):
    def build(x):
        a = x.exp()
        b = (a * a).tanh()
        return [weakref.ref(t.array) for t in (a, b)], (b[1:].reshape(-1) * b.sum()).mean()

    x = leaf([1.0, 2.0, 3.0])
    refs, y = build(x)
    assert refs[0]() is not None
    del y
    assert [r() for r in refs] == [None, None]
    refs, y = build(x)
    y.backward()
    assert refs[0]() is None  # freed by backward although y is still there
    refs, y = build(x)
    y.backward(create_graph=True)
    x.grad = None
    del y
    assert [r() for r in refs] == [None, None]


def test_graphs_of_views_changed_in_place_die_by_reference_count(no_collector):
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = x.exp()
    row = y[0]
    row.mul_(3)
    y.T[1].add_(row)
    refs = [weakref.ref(t) for t in (y, row)] + [weakref.ref(y.array)]
    del y, row
    assert [r() for r in refs] == [None] * 3


def test_a_graph_dies_after_an_exception_in_backward(no_collector, own_ops):
    fail = mg.op(lambda x: x * 1, lambda g, _y, _x: 1 / 0, name="fail")
    x = leaf([1.0, 2.0])
    y = x.exp()
    ref = weakref.ref(y.array)
    z = fail(y).sum()
    with pytest.raises(ZeroDivisionError) as caught:
        z.backward()
    del y, z, caught
    assert ref() is None and x.grad is None


@pytest.mark.slow
def test_memory_stays_after_a_thousand_training_steps(no_collector, rng):
    inputs, targets = mg.tensor(rng.standard_normal((16, 8))), mg.tensor(rng.standard_normal((16, 1)))
    weights = [leaf(rng.standard_normal(shape) * 0.3) for shape in ((8, 12), (12,), (12, 1), (1,))]

    def step():
        w, b, v, c = weights
        hidden = inputs @ w + b
        hidden[:, :2] *= 0.5
        loss = ((hidden.tanh() @ v + c - targets) ** 2).mean()
        loss.backward()
        with mg.no_grad():
            for p in weights:
                p -= 0.05 * p.grad
                p.grad = None
        return loss.item()

    tracemalloc.start()
    first = step()
    for _ in range(99):
        step()
    bytes_before, objects_before = in_use()
    for _ in range(900):
        last = step()
    bytes_after, objects_after = in_use()
    tracemalloc.stop()
    assert bytes_after == bytes_before and objects_after <= objects_before + 1 and last < first / 2


def in_use():
    """Bytes in arrays, and the number of objects that can refer to others. (Python keeps freed tuples for reuse.)"""
    arrays = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    return sum(trace.size for trace in arrays.traces), len(gc.get_objects())


# ------------------------------------------------------------------------------------- what hostile use has brought up


def test_backward_to_a_tensor_that_retains_its_gradient_adds_it_once():
    x = leaf([1.0, 2.0, 3.0])
    y = x * 2
    y.retain_grad()
    y.sum().backward(inputs=[y])
    np.testing.assert_array_equal(y.grad.numpy(), np.ones(3))


def test_a_graph_from_before_freezing_and_unfreezing_still_leads_to_its_leaf():
    x = leaf([1.0, 2.0])
    loss = (x * 2).sum()
    x.requires_grad_(False)
    assert x.grad is None
    x.requires_grad_(True)
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 2.0])


def test_a_graph_from_before_a_change_of_dtype_raises():
    layer = mg.nn.Linear(2, 1)
    loss = layer(mg.ones(3, 2)).sum()
    layer.double()
    with pytest.raises(RuntimeError, match=r"dtype float32 that has since been changed .* dtype float64"):
        loss.backward()
    assert layer.weight.grad is None and layer.bias.grad is None


def test_a_hook_that_raises_leaves_every_leaf_without_a_gradient():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])

    def raises(_g):
        raise KeyError("hook")

    w.register_hook(raises)
    with pytest.raises(KeyError):
        (x * w).sum().backward()
    assert x.grad is None and w.grad is None


@pytest.mark.parametrize(("hook", "error", "message"), [
    (lambda g: g.float(), RuntimeError, "of dtype float64 into one of dtype float32"),
    (lambda g: 5, TypeError, "what a hook on leaf returns must be a Tensor, not int"),
    (lambda g: np.ones(2), TypeError, "must be a Tensor, not ndarray"),
])
def test_what_a_hook_returns_is_checked(hook, error, message):
    x = mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True)
    x.register_hook(hook)
    with pytest.raises(error, match=message):
        x.sum().backward()
    assert x.grad is None


def test_a_freed_node_that_somebody_holds_lets_its_arrays_go():
    x = leaf([1.0, 2.0])
    h = x.exp() * x
    held = h.node
    h.sum().backward()
    assert held.args is None and held.y is None and held.parents is None


def test_threads_that_go_back_to_one_leaf_lose_nothing():
    w = leaf([1.0, 1.0])
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=lambda: [(w * 2).sum().backward() for _ in range(200)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    np.testing.assert_array_equal(w.grad.numpy(), [3200.0, 3200.0])


def test_numpy_operands_may_change_after_the_op():
    x = leaf([1.0, 2.0, 3.0])
    a = np.array([4.0, 5.0, 6.0], dtype=x.dtype)
    y = x * a
    a[:] = 50
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [4.0, 5.0, 6.0])


def test_debug_nests_and_reaches_into_enable_grad():
    debug = mg.debug()
    with debug:
        with debug:
            pass
        with mg.no_grad(), mg.enable_grad(), pytest.raises(FloatingPointError, match="forward of sqrt"):
            leaf([-1.0]).sqrt()
    assert np.isnan(leaf([-1.0]).sqrt().item())


def test_an_op_of_ones_own_keeps_its_context_and_leaves_the_registry_alone():
    seen = []
    before = dict(dispatch.OPS)
    double = mg.op(lambda a: (seen.append(mg.is_grad_enabled()), a * 2)[1], lambda g, _y, _a: g * 2, name="exp")
    with mg.no_grad():
        double(leaf([1.0]))
    double(leaf([1.0]))
    assert seen == [False, True]
    assert before == dispatch.OPS
