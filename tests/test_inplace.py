"""Changes in place: each program gives the right gradients or raises, and is never silently wrong."""

import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.backend import writelog
from tests import inplace_programs as programs

REFUSED = (RuntimeError, ValueError)


def leaf(*shape, seed=0):
    return mg.tensor(np.random.default_rng(seed).uniform(0.2, 1.5, shape), requires_grad=True)


def same(found, expected):
    return np.allclose(
        0 if found is None else found, 0 if expected is None else expected, rtol=1e-8, atol=1e-9, equal_nan=True
    )


# ------------------------------------------------------------------------------------------------- random programs


def against_torch(torch, seeds, weights, cuts):
    """How many programs agreed, and how many minigrad alone refused. Fails at the first disagreement."""
    agreed = refused = 0
    for seed in seeds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, on .T of a vector
            statements, leaves, theirs = programs.grow(torch, seed, weights, cuts)
        try:
            theirs.loss().backward()
            expected = theirs.gradients()
        except RuntimeError:
            expected = None  # PyTorch found that a value it needs was changed
        ours = programs.Program(mg, leaves)
        try:
            for statement in statements:
                ours.run(statement)
            for name in theirs.variables():
                assert same(ours.names[name].numpy(force=True), theirs.names[name].detach().numpy()), (name, statements)
            ours.loss().backward()
        except (*REFUSED, IndexError):  # PyTorch takes any index of a tensor without elements
            refused += expected is not None
            continue
        if expected is not None:
            found = ours.gradients()
            for name in expected:
                assert same(found[name], expected[name]), (seed, name, statements)
            agreed += 1
    return agreed, refused


@pytest.mark.parametrize("first", [0, 400, 800])
def test_random_programs_agree_with_pytorch(torch, first):
    agreed, refused = against_torch(torch, range(first, first + 400), programs.PLAIN, cuts=False)
    assert agreed > 280 and refused < 25


@pytest.mark.parametrize("first", [0, 400])
def test_random_programs_with_parts_cut_off_agree_with_pytorch(torch, first):
    agreed, refused = against_torch(torch, range(first, first + 400), programs.WITH_CUTS, cuts=True)
    assert agreed > 280 and refused < 25


@pytest.mark.slow
@pytest.mark.parametrize("cuts", [False, True])
def test_many_random_programs_agree_with_pytorch(torch, cuts):
    agreed, _ = against_torch(torch, range(2000, 12000), programs.WITH_CUTS if cuts else programs.PLAIN, cuts)
    assert agreed > 7000


def differences(statements, leaves, name, eps=1e-6):
    def loss(values):
        run = programs.Program(mg, {**leaves, name: values})
        for statement in statements:
            run.run(statement)
        return run.loss().item()

    found = np.zeros(np.shape(leaves[name]))
    for at in np.ndindex(*found.shape):
        step = np.zeros(found.shape)
        step[at] = eps
        found[at] = (loss(leaves[name] + step) - loss(leaves[name] - step)) / (2 * eps)
    return found


def against_differences(seeds):
    checked = 0
    for seed in seeds:
        statements, leaves, run = programs.grow(mg, seed, programs.WITH_OPEN)
        try:
            run.loss().backward()
        except RuntimeError as error:
            assert "changed in place" in str(error)
            continue
        for name, found in run.gradients().items():
            expected = differences(statements, leaves, name)
            found = np.zeros(expected.shape) if found is None else found
            scale = 1 + np.abs(expected).max()
            np.testing.assert_allclose(
                found, expected, rtol=1e-5, atol=1e-5 * scale, err_msg=f"{seed}, {name}: {statements}"
            )
        checked += 1
    return checked


def test_random_programs_agree_with_finite_differences():
    assert against_differences(range(300)) > 180  # also what PyTorch refuses or leaves open


@pytest.mark.slow
def test_many_random_programs_agree_with_finite_differences():
    assert against_differences(range(1000, 6000)) > 3000


# ---------------------------------------------------------------------------------------- what is recorded, longhand


def test_setitem_is_recorded():
    w, v = leaf(4), leaf(2, seed=1)
    x = w * 2
    x[1:3] = v * 3
    (x * mg.tensor([1.0, 10.0, 100.0, 1000.0], dtype=mg.float64)).sum().backward()
    assert w.grad.tolist() == [2, 0, 0, 2000] and v.grad.tolist() == [30, 300]


def test_setitem_broadcasts_and_reduces_the_values_gradient():
    v = leaf(1, 3)
    x = mg.zeros(2, 3, dtype=mg.float64)
    x[...] = v
    x.sum().backward()
    assert v.grad.tolist() == [[2, 2, 2]]
    y = mg.zeros(3, dtype=mg.float64)
    y[:] = v  # leading dimensions of size 1 fall away, as in NumPy and PyTorch
    assert y.tolist() == v.tolist()[0]


def test_where_an_index_is_repeated_the_value_that_stays_has_the_gradient():
    v = leaf(3)
    x = mg.zeros(2, dtype=mg.float64)
    x[mg.tensor([0, 1, 0])] = v
    assert x.tolist() == [v.tolist()[2], v.tolist()[1]]
    x.sum().backward()
    assert v.grad.tolist() == [0, 1, 1]


def test_a_buffer_filled_in_a_loop():
    w = leaf()
    x = mg.zeros(5, dtype=mg.float64)
    h = w
    for t in range(5):
        h = h * w
        x[t] = h
    x.sum().backward()
    assert w.grad.item() == pytest.approx(sum((t + 2) * w.item() ** (t + 1) for t in range(5)))


def test_a_view_taken_before_its_base_changed_has_the_new_history():
    w = leaf(2, 3)
    x = w * 1
    row = x[0]
    x.mul_(3)
    (row * 10).sum().backward()
    assert w.grad.tolist() == [[30] * 3, [0] * 3]


def test_a_change_of_a_view_of_a_view_reaches_base_and_siblings():
    w = leaf(2, 3)
    x = w * 1
    sibling, flat = x[1], x.reshape(-1)
    flat[2:].mul_(5)
    assert sibling.tolist() == [5 * v for v in w.tolist()[1]]
    (x.sum() + sibling.sum()).backward()
    assert w.grad.tolist() == [[1, 1, 5], [10, 10, 10]]


def test_a_change_of_one_element():
    w = leaf(2, 3)
    x = w * 2
    x[1, 2] *= 7
    x[0][1] += w[0, 0]
    x.sum().backward()
    assert w.grad.tolist() == [[3, 2, 2], [2, 2, 14]]


def test_a_reshape_that_copied_is_no_view():
    w = leaf(2, 3)
    x = w * 1
    apart = x.T.reshape(-1)
    before = apart.tolist()
    x.mul_(3)
    assert apart.tolist() == before
    apart.sum().backward()
    assert w.grad.tolist() == [[1] * 3] * 2


def test_a_buffer_takes_on_a_graph_through_its_view():
    w = leaf(3)
    x = mg.zeros(2, 3, dtype=mg.float64)
    row = x[0]
    row.add_(w)
    assert x.requires_grad and row.requires_grad
    (x * 2).sum().backward()
    assert w.grad.tolist() == [2, 2, 2]


def test_an_operand_that_is_the_tensor_itself():
    w = leaf(3)
    x = w * 1
    x *= x
    x.add_(x)
    x.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 4 * w.detach().numpy())


def test_in_place_changes_have_higher_derivatives():
    w = leaf(3)
    x = w * w
    x[1:].mul_(w[1:])
    (g,) = mg.grad(x.sum(), w, create_graph=True)
    (gg,) = mg.grad(g.sum(), w)
    v = w.detach().numpy()
    np.testing.assert_allclose(g.numpy(force=True), [2 * v[0], 3 * v[1] ** 2, 3 * v[2] ** 2])
    np.testing.assert_allclose(gg.numpy(), [2, 6 * v[1], 6 * v[2]])


def test_retained_gradient_is_that_of_the_changed_tensor(torch):
    found = []
    for L in (torch, mg):
        w = L.tensor([1.0, 2.0, 3.0], requires_grad=True)
        x = w * 2
        x.retain_grad()
        x.mul_(5)
        (x * x).sum().backward()
        found.append((x.grad.tolist(), w.grad.tolist()))
    assert found[0] == found[1] == ([20, 40, 60], [200, 400, 600])


def test_a_hook_set_before_a_change_sees_the_gradient_before_it(torch):
    found = []
    for L in (torch, mg):
        w = L.tensor([1.0, 2.0], requires_grad=True)
        x = w * 2
        seen = []
        x.register_hook(lambda g: seen.append(g.tolist()))  # noqa: B023
        x.mul_(5)
        x.sum().backward()
        found.append(seen)
    assert found[0] == found[1] == [[5, 5]]


def test_a_long_chain_of_views():
    w = leaf(2, 3)
    x = w * 1
    views = [x]
    for i in range(20_000):
        views.append(views[-1].reshape((3, 2) if i % 2 else (2, 3)))
    views[10_000].mul_(3)
    views[-1].sum().backward()
    assert w.grad.tolist() == [[3] * 3] * 2


# ------------------------------------------------------------------------------------------------ what is refused


def refuses(change, message, *tensors):
    before = [t.tolist() for t in tensors]
    with pytest.raises(REFUSED, match=message):
        change()
    assert [t.tolist() for t in tensors] == before


@pytest.mark.parametrize("change", [
    lambda w: w.add_(1), lambda w: w.__setitem__(0, 1.0), lambda w: w.zero_(), lambda w: w.copy_(mg.ones(2, 3)),
    lambda w: w.__imul__(2),
    lambda w: w[0].mul_(2), lambda w: w.T[0].fill_(1), lambda w: w.unbind()[0].mul_(2),
    lambda w: w.reshape(-1)[0].zero_(),
    lambda w: w.normal_(), lambda w: w.clamp_(0, 1), lambda w: w[0].__setitem__(0, 3.0),
])  # fmt: skip
def test_a_leaf_and_its_views_are_not_changed_while_recording(change):
    w = leaf(2, 3)
    refuses(lambda: change(w), "leaf that requires gradients.*no_grad", w)
    with mg.no_grad():
        change(w)
    assert w.is_leaf and w.requires_grad


@pytest.mark.parametrize("several", [
    lambda x: x.split(1)[0], lambda x: x.unbind()[1], lambda x: x.chunk(2)[1], lambda x: next(iter(x)),
    lambda x: x.split(1)[0][0],
])  # fmt: skip
def test_one_of_several_views_is_not_changed_in_a_graph(several):
    w = leaf(2, 3)
    x = w * 1
    part = several(x)
    refuses(lambda: part.mul_(2), "one of several.*clone", x)
    refuses(lambda: part.__setitem__(0, 1.0), "one of several", x)
    free = mg.zeros(2, 3)
    several(free).add_(1)  # no graph, no question
    assert free.sum().item() in (1, 3)


def test_one_of_several_views_is_not_used_after_its_base_changed():
    x = leaf(2, 3) * 1
    part = x.unbind()[0]
    x.mul_(2)
    with pytest.raises(RuntimeError, match="several views.*take the views again"):
        part.sum()


def test_a_view_taken_without_gradients_is_not_changed_in_a_graph():
    w = leaf(2, 3)
    x = w * 1
    with mg.no_grad():
        row = x[0]
    refuses(lambda: row.mul_(w[1]), "taken under no_grad", x)


def test_an_expanded_tensor_is_not_written_to():
    x = mg.ones(3)
    wide = x.expand(2, 3)
    refuses(lambda: wide.add_(1), "read-only.*clone", x, wide)
    refuses(lambda: wide.__setitem__(0, 1.0), "read-only", x, wide)
    frozen = np.ones(3)
    frozen.flags.writeable = False
    refuses(lambda: mg.from_numpy(frozen).mul_(2), "read-only")


def test_detach_of_a_view_in_place_is_refused():
    x = leaf(2, 3) * 1
    with pytest.raises(RuntimeError, match="view.*detach\\(\\)"):
        x[0].detach_()
    x.detach_()
    assert not x.requires_grad


def test_results_that_do_not_fit():
    x = mg.ones(3)
    refuses(lambda: x.add_(mg.ones(2, 3)), r"add_.*\(2, 3\).*\(3,\)", x)
    refuses(lambda: x.__setitem__(slice(0, 2), mg.ones(3)), r"\(3,\)", x)
    n = mg.tensor([1, 2, 3])
    for change in (lambda: n.add_(0.5), lambda: n.div_(2), lambda: n.exp_()):
        with pytest.raises(TypeError, match="float32.*int64"):
            change()
    assert n.tolist() == [1, 2, 3]
    flags = mg.tensor([True, False])
    with pytest.raises(TypeError, match="int64.*bool"):
        flags.add_(1)
    with pytest.raises(TypeError, match="list"):
        x[:2] = [leaf(), leaf()]
    assert x.tolist() == [1, 1, 1]


def test_integers_take_values_without_a_graph():
    w = leaf(2)
    n = mg.zeros(2, dtype=mg.int64)
    n[...] = w * 3
    assert not n.requires_grad and n.tolist() == [int(3 * v) for v in w.tolist()]
    n.copy_(w * 5)
    assert not n.requires_grad and n.tolist() == [int(5 * v) for v in w.tolist()]


# ------------------------------------------------------------------------------------------------- the write log


def changed(x, how):
    with mg.no_grad():
        how(x)


@pytest.mark.parametrize("how", [
    lambda x: x.mul_(2), lambda x: x[0].zero_(), lambda x: x.T[1].add_(1), lambda x: x.detach().mul_(2),
    lambda x: x.data.fill_(1),
    lambda x: x.__setitem__((0, 0), 5.0), lambda x: x.reshape(-1).copy_(mg.ones(6)),
    lambda x: x.detach()[1:].detach().neg_(),
    lambda x: x.numpy(force=True) is not None and mg.from_numpy(x.numpy(force=True)).add_(1),
    lambda x: x.data.__setitem__(0, 1.0),
    lambda x: x.uniform_(), lambda x: x.__isub__(0.1), lambda x: x.unbind()[1].add_(1), lambda x: x.split(1)[0].add_(1),
])  # fmt: skip
@pytest.mark.parametrize("op, make", [
    ("mul", lambda w, x: w * x), ("exp", None), ("matmul", lambda w, x: w.T @ x), ("sin", lambda w, x: w * 1 + x.sin()),
])  # fmt: skip
def test_a_saved_value_that_was_changed_is_told_by_the_ops_name(op, make, how):
    w = leaf(2, 3)
    x = leaf(2, 3, seed=1)
    if op == "exp":
        x = y = w.exp()  # saves its output
    else:
        y = make(w, x)
    changed(x, how)
    with pytest.raises(RuntimeError, match=rf"gradient of {op} needs .*\(2, 3\).*changed in place"):
        y.sum().backward()
    assert w.grad is None


def test_an_index_that_was_changed_is_told():
    w = leaf(3)
    index = mg.tensor([0, 2])
    y = w[index]
    index.fill_(1)
    with pytest.raises(RuntimeError, match="gradient of getitem needs its option.*changed in place"):
        y.sum().backward()


def test_what_no_vjp_reads_may_change():
    w, x = leaf(3), leaf(3, seed=1)
    y = (w + x) * 2  # the sum and its arguments are not read
    changed(x, lambda x: x.mul_(2))
    changed(w, lambda w: w.mul_(2))
    y.sum().backward()
    assert w.grad.tolist() == x.grad.tolist() == [2, 2, 2]


def test_a_change_before_the_op_or_after_backward_is_no_matter():
    w, x = leaf(3), leaf(3, seed=1)
    changed(x, lambda x: x.mul_(2))
    y = w * x
    y.sum().backward()
    changed(x, lambda x: x.mul_(2))
    np.testing.assert_allclose(w.grad.numpy() * 2, x.detach().numpy())


def test_no_alarm_for_other_parts_of_the_memory():
    w = leaf(3)
    buffer = mg.tensor(np.arange(12.0).reshape(4, 3))
    y = w * buffer[1]
    buffer[0] = 5.0
    buffer[2:].zero_()
    y.sum().backward()
    assert w.grad.tolist() == [3, 4, 5]


def test_no_alarm_from_another_buffer_that_came_to_lie_there():
    w = leaf(1000)
    for _ in range(50):  # the allocator hands the same memory out again and again
        mg.zeros(1000, dtype=mg.float64).add_(1)
        y = w * mg.ones(1000, dtype=mg.float64)
        mg.zeros(1000, dtype=mg.float64).add_(1)
        y.sum().backward()
    assert w.grad.tolist() == [50] * 1000


def test_the_log_forgets_dead_buffers_and_stays_short():
    before = len(writelog._buffers)
    kept = mg.zeros(5000)
    for i in range(5000):
        kept[i] = 1.0
        mg.zeros(3).add_(1)
    assert len(writelog._buffers) == before + 1
    (ranges,) = [b.ranges for b in writelog._buffers.values() if b.owner() is kept.array]
    assert len(ranges) <= 64


def test_a_merged_log_still_tells_of_every_change():
    w = leaf(2000)
    x = leaf(2000, seed=1)
    y = w * x
    with mg.no_grad():
        for i in range(0, 500, 2):
            x[i] = 0.0
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


def test_training_by_hand_after_a_backward():
    w = leaf(3)
    for _ in range(3):
        (w * w).sum().backward()
        with mg.no_grad():
            w -= 0.25 * w.grad
        w.grad = None
    np.testing.assert_allclose(w.detach().numpy(), leaf(3).detach().numpy() / 8)


def test_stepping_before_backward_names_the_op():
    w, x = leaf(3), leaf(3, seed=1)
    loss = (w * x).sum()
    with mg.no_grad():
        w -= 0.1
    with pytest.raises(RuntimeError, match="gradient of mul"):
        loss.backward()


# ------------------------------------------------------------------------------------------------ other memory


def test_new_memory_for_a_base_leaves_its_old_views_alone():
    w = leaf(3)
    x = mg.zeros(2, 3, dtype=mg.float64)
    row = x[0]
    x.data = mg.ones(2, 3, dtype=mg.float64)
    row.add_(w)
    assert row.requires_grad and not x.requires_grad and x.tolist() == [[1] * 3] * 2
    row.sum().backward()
    assert w.grad.tolist() == [1, 1, 1]


def test_new_memory_for_a_view_parts_it_from_its_base():
    w = leaf(3)
    x = mg.zeros(2, 3, dtype=mg.float64)
    row = x[0]
    row.data = mg.ones(3, dtype=mg.float64)
    row.mul_(w)
    x.add_(1)
    assert not x.requires_grad and x.tolist() == [[1] * 3] * 2
    row.sum().backward()
    assert w.grad.tolist() == [1, 1, 1]


def test_a_view_that_became_a_leaf_follows_its_base_no_more():
    x = mg.zeros(2, 3, dtype=mg.float64)
    row = x[0].requires_grad_()
    y = row * 2
    x.mul_(leaf(3))
    assert row.is_leaf
    y.sum().backward()
    assert row.grad.tolist() == [2, 2, 2]


@pytest.mark.parametrize("name, args", [
    ("add_", (2.0,)), ("sub_", (2.0,)), ("mul_", (3.0,)), ("div_", (4.0,)), ("pow_", (2,)), ("exp_", ()), ("log_", ()),
    ("sqrt_", ()),
    ("neg_", ()), ("abs_", ()), ("tanh_", ()), ("sigmoid_", ()), ("relu_", ()), ("clamp_", (-0.5, 0.5)),
    ("floor_divide_", (2.0,)),
    ("remainder_", (0.7,)), ("fill_", (2.0,)), ("zero_", ()),
])  # fmt: skip
def test_values_and_gradients_of_the_methods(torch, name, args):
    results = []
    for L in (torch, mg):
        w = L.tensor([0.3, 1.7, 2.2], requires_grad=True)
        x = w * 1
        same_one = getattr(x, name)(*args)
        assert same_one is x
        if name == "floor_divide_":  # PyTorch has no derivative of it
            results.append((x.tolist(), None))
            continue
        (x * L.tensor([1.0, 2.0, 3.0])).sum().backward()
        results.append((x.tolist(), w.grad.tolist()))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-6)
    if results[0][1] is not None:
        np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-5)


def test_operators_in_place():
    x = y = mg.tensor([8.0, 5.0])
    x += 1
    x -= 2
    x *= 3
    x /= 2
    x **= 2
    x //= 5
    x %= 4
    assert x is y and x.tolist() == [((8 - 1) * 3 / 2) ** 2 // 5 % 4, ((5 - 1) * 3 / 2) ** 2 // 5 % 4]


def test_copy_casts_and_broadcasts():
    x = mg.zeros(2, 3)
    assert x.copy_(mg.tensor([1, 2, 3])) is x and x.dtype == mg.float32 and x.tolist() == [[1, 2, 3]] * 2
    assert mg.zeros(2, dtype=mg.int64).copy_(mg.tensor([1.7, -1.7])).tolist() == [1, -1]


def test_random_fills():
    x = mg.zeros(100_000)
    x.normal_(3.0, 0.5, generator=mg.Generator(1))
    assert abs(x.mean().item() - 3) < 0.01 and abs(x.std().item() - 0.5) < 0.01
    x.uniform_(-2, 6, generator=mg.Generator(1))
    assert x.min().item() >= -2 and x.max().item() < 6 and abs(x.mean().item() - 2) < 0.03
    refuses(lambda: x.normal_(0, -1), "std must not be negative", x)
    refuses(lambda: x.uniform_(2, 1), "range is empty", x)
    with pytest.raises(TypeError, match="normal_.*int64"):
        mg.zeros(3, dtype=mg.int64).normal_()
