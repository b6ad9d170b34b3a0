"""Function: ops with a hand-written backward, in PyTorch's form."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg


def leaf(values):
    return mg.tensor(values, dtype=mg.float64, requires_grad=True)


def functions(L):
    """The same classes on either library."""
    base = L.Function if L is mg else L.autograd.Function

    class Cube(base):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    class Exp(base):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    class Affine(base):
        @staticmethod
        def forward(ctx, x, w, factor, name):
            ctx.save_for_backward(x, w)
            ctx.factor = factor
            ctx.needed = ctx.needs_input_grad
            return (x * w) * factor, (x + w).sum()

        @staticmethod
        def backward(ctx, g, total):
            x, w = ctx.saved_tensors
            gx = g * w * ctx.factor + total if ctx.needs_input_grad[0] else None
            gw = g * x * ctx.factor + total if ctx.needs_input_grad[1] else None
            return gx, gw, None, None

    class Pair(base):
        @staticmethod
        def forward(ctx, x, materialize, seen):
            ctx.set_materialize_grads(materialize)
            ctx.seen = seen
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            ctx.seen.append([None if g is None else g.tolist() for g in (a, b)])
            return 2 * (0 if a is None else a) + 3 * (0 if b is None else b), None, None

    class SortLike(base):
        @staticmethod
        def forward(ctx, x):
            order = (x > 1) * 1
            flags = x * 0
            ctx.mark_non_differentiable(flags)
            return x * 2, order, flags

        @staticmethod
        def backward(ctx, g, order, flags):
            return g * 2

    class Double_(base):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            x.mul_(2)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return {c.__name__: c for c in (Cube, Exp, Affine, Pair, SortLike, Double_)}


def both(torch, use):
    """use(library, its functions) -> numbers, which must agree."""
    theirs, ours = use(torch, functions(torch)), use(mg, functions(mg))
    assert len(theirs) == len(ours)
    for a, b in zip(theirs, ours):
        np.testing.assert_allclose(
            np.array(b.tolist() if hasattr(b, "tolist") else b), np.array(a.tolist() if hasattr(a, "tolist") else a)
        )
    return ours


def grad_of(L):
    return mg.grad if L is mg else L.autograd.grad


@pytest.mark.parametrize("name", ["Cube", "Exp"])
def test_saved_inputs_and_outputs_to_the_third_order(torch, name):
    def use(L, f):
        x = L.tensor([0.5, -1.2], dtype=L.float64, requires_grad=True)
        y, found = f[name].apply(x), []
        for _ in range(3):
            found.append(y)
            (y,) = grad_of(L)(y.sum(), x, create_graph=True)
        return [*(t.detach() for t in found), y.detach()]

    found = both(torch, use)
    v = np.array([0.5, -1.2])
    expected = [v**3, 3 * v**2, 6 * v, 6 + 0 * v] if name == "Cube" else [np.exp(v)] * 4
    np.testing.assert_allclose([t.numpy() for t in found], expected)


def test_several_inputs_outputs_and_plain_arguments(torch):
    def use(L, f):
        x = L.tensor([1.0, 2.0], dtype=L.float64, requires_grad=True)
        w = L.tensor([3.0, 4.0], dtype=L.float64, requires_grad=True)
        y, total = f["Affine"].apply(x, w, 5.0, "name")
        (y.sin().sum() + total * total).backward()
        return [y.detach(), total.detach(), x.grad, w.grad]

    both(torch, use)


@pytest.mark.parametrize("x_needs, w_needs", [(True, False), (False, True)])
def test_needs_input_grad(torch, x_needs, w_needs):
    def use(L, f):
        x = L.tensor([1.0, 2.0], dtype=L.float64, requires_grad=x_needs)
        w = L.tensor([3.0, 4.0], dtype=L.float64, requires_grad=w_needs)
        f["Affine"].apply(x, w, 5.0, "name")[0].sum().backward()
        assert (x.grad is not None, w.grad is not None) == (x_needs, w_needs)
        return [x.grad if x_needs else w.grad]

    both(torch, use)


@pytest.mark.parametrize("materialize", [True, False])
def test_gradients_of_outputs_that_were_not_used(torch, materialize):
    seen = []

    def use(L, f):
        x = L.tensor([1.0, 2.0], dtype=L.float64, requires_grad=True)
        f["Pair"].apply(x, materialize, seen)[1].sum().backward()
        return [x.grad]

    (g,) = both(torch, use)
    assert g.tolist() == [3, 3] and seen[0] == seen[1] == [[0, 0] if materialize else None, [1, 1]]


def test_outputs_without_gradients(torch):
    def use(L, f):
        x = L.tensor([1.0, 2.0], dtype=L.float64, requires_grad=True)
        y, order, flags = f["SortLike"].apply(x)
        assert (y.requires_grad, order.requires_grad, flags.requires_grad) == (True, False, False)
        y.sum().backward()
        return [order, flags, x.grad]

    both(torch, use)


def test_an_input_changed_in_place(torch):
    def use(L, f):
        w = L.tensor([1.0, 2.0], dtype=L.float64, requires_grad=True)
        x = w * 3
        y = f["Double_"].apply(x)
        assert y is x
        (x * x).sum().backward()
        return [x.detach(), w.grad]

    both(torch, use)
    w = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match="leaf that requires gradients"):
        functions(mg)["Double_"].apply(w)
    assert w.tolist() == [1, 2]
    x = w * 1
    functions(mg)["Double_"].apply(x[:1])
    x.sum().backward()
    assert w.grad.tolist() == [2, 1]


def test_double_backward_by_differences():
    f = functions(mg)
    x, w = leaf([0.3, -0.8]), leaf([1.1, 0.4])
    for function in (f["Cube"].apply, f["Exp"].apply):
        assert mg.gradcheck(function, x) and mg.gradgradcheck(function, x)
    assert mg.gradgradcheck(lambda x, w: f["Affine"].apply(x, w, 2.0, ""), (x, w))


def test_nothing_is_recorded_without_need():
    f = functions(mg)
    assert not f["Cube"].apply(mg.ones(2)).requires_grad
    with mg.no_grad():
        assert not f["Cube"].apply(leaf([1.0])).requires_grad


def test_forward_runs_without_recording_and_backward_too():
    seen = []

    class Look(mg.Function):
        @staticmethod
        def forward(ctx, x):
            seen.append((x * 2).requires_grad)
            return x * 1

        @staticmethod
        def backward(ctx, g):
            seen.append(mg.is_grad_enabled())
            return g

    x = leaf([1.0])
    Look.apply(x).sum().backward()
    mg.grad(Look.apply(x).sum(), x, create_graph=True)
    assert seen == [False, False, False, True]


def test_the_op_bears_the_functions_name():
    y = functions(mg)["Cube"].apply(leaf([1.0]))
    assert y.grad_fn.name == "Cube" and "op=Cube" in repr(y)


def test_a_saved_tensor_changed_in_place(torch):
    for L in (torch, mg):
        f = functions(L)
        w = L.tensor([1.0, 2.0], requires_grad=True)
        x = w * 2
        y = f["Cube"].apply(x)
        x.mul_(2)
        with pytest.raises(
            RuntimeError, match="modified by an inplace operation" if L is torch else "Cube.*changed in place"
        ):
            y.sum().backward()
        y = f["Exp"].apply(w * 1)
        y.add_(1)
        if L is torch:
            with pytest.raises(RuntimeError, match="inplace operation"):
                y.sum().backward()
        else:
            with pytest.raises(RuntimeError, match="Exp.*changed in place"):
                y.sum().backward()


def returning(result):
    class Wrong(mg.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return result(g)

    return Wrong


@pytest.mark.parametrize("result, error, message", [
    (lambda g: g, RuntimeError, "Wrong.backward returned 1 gradients, but forward took 2 inputs"),
    (lambda g: (g, g, g), RuntimeError, "returned 3 gradients, but forward took 2"),
    (lambda g: (g.numpy(), None), TypeError, "returned a ndarray for input 0"),
    (lambda g: (1.0, None), TypeError, "returned a float for input 0"),
    (lambda g: (g[:1].reshape(1, 1).expand(2, 2), None), RuntimeError, r"Wrong returned a gradient of shape \(2, 2\)"),
])  # fmt: skip
def test_backward_that_returns_the_wrong_thing(result, error, message):
    x, y = leaf([1.0, 2.0, 3.0]), leaf([4.0, 5.0, 6.0])
    with pytest.raises(error, match=message):
        returning(result).apply(x, y).sum().backward()
    assert x.grad is None and y.grad is None


def test_further_gradients_may_be_none_and_any_may_be_left_out():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    returning(lambda g: (g, None, None, None)).apply(x, y).sum().backward()
    assert x.grad.tolist() == [1, 1] and y.grad is None


def test_a_gradient_for_a_broadcast_input_is_summed():
    x, y = leaf([1.0]), leaf([3.0, 4.0])
    returning(lambda g: (g * 2, None)).apply(x, y).sum().backward()
    assert x.grad.tolist() == [4]


def test_gradients_that_alias_are_copied():
    class Identity(mg.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x)
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g, ctx.saved_tensors[0]

    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    g = mg.ones(2, dtype=mg.float64)
    Identity.apply(x, y).backward(g)
    arrays = [x.array, x.grad.array, y.grad.array, g.array]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[i + 1 :])


def test_outputs_that_are_inputs_or_views_have_memory_of_their_own():
    class Same(mg.Function):
        @staticmethod
        def forward(ctx, x):
            return x, x[:1], x * 1

        @staticmethod
        def backward(ctx, a, b, c):
            return a + c + mg.cat([b, b])

    w = leaf([1.0, 2.0])
    x = w * 1
    whole, first, _ = Same.apply(x)
    x.mul_(10)
    whole.mul_(3)
    assert first.tolist() == [1] and whole.tolist() == [3, 6] and x.tolist() == [10, 20]
    whole.sum().backward()
    assert w.grad.tolist() == [3, 3]


@pytest.mark.parametrize("forward, message", [
    (lambda ctx, x: 3.0, "returned a float as output 0"),
    (lambda ctx, x: (x * 1, None), "returned a NoneType as output 1"),
    (lambda ctx, x: ctx.save_for_backward(3.0), "save_for_backward takes Tensors, not float"),
])  # fmt: skip
def test_forward_that_does_the_wrong_thing(forward, message):
    wrong = type("Wrong", (mg.Function,), {"forward": staticmethod(forward)})
    with pytest.raises(TypeError, match=message):
        wrong.apply(leaf([1.0]))


def test_missing_parts_are_named():
    with pytest.raises(NotImplementedError, match="forward"):
        type("Empty", (mg.Function,), {}).apply(leaf([1.0]))
    half = type("Half", (mg.Function,), {"forward": staticmethod(lambda ctx, x: x * 1)})
    with pytest.raises(NotImplementedError, match="backward"):
        half.apply(leaf([1.0])).sum().backward()


def test_none_can_be_saved():
    class Maybe(mg.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(None, x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            nothing, x = ctx.saved_tensors
            assert nothing is None
            return 2 * x * g

    x = leaf([3.0])
    Maybe.apply(x).sum().backward()
    assert x.grad.tolist() == [6]


def test_graphs_of_functions_die_by_reference_count():
    gc.collect()
    gc.disable()
    try:
        f = functions(mg)
        x = leaf([1.0, 2.0])
        for retain in (False, True):
            y = f["Exp"].apply(f["Cube"].apply(x))
            refs = [weakref.ref(y.array)]
            y.sum().backward(retain_graph=retain, create_graph=retain)
            x.grad = None
            del y
            assert refs[0]() is None
    finally:
        gc.enable()


def test_a_class_that_inherits_has_its_own_backward():
    base = functions(mg)["Cube"]
    twice = type("Twice", (base,), {"backward": staticmethod(lambda ctx, g: g * 0 + 7)})
    x = leaf([1.0])
    base.apply(x).sum().backward()
    twice.apply(x).sum().backward()
    assert x.grad.tolist() == [10]
