"""SAM: by hand, longhand, around every rule, and what it leaves behind."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from tests.optim import courses
from tests.optim.rules import ROWS

ALL = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
KINDS = [{"rho": 0.3}, {"rho": 0.5, "adaptive": True}, {"rho": 0.5, "adaptive": True, "eta": 0.01}]


def parabola(optimizer, *params, seen=None):
    """A closure whose loss is half the sum of squares, so that the gradient is the place."""

    def closure():
        optimizer.zero_grad()
        loss = sum((p * p).sum() for p in params) / 2
        loss.backward()
        if seen is not None:
            seen.append([p.tolist() for p in params])
        return loss

    return closure


def leaf(values, dtype=np.float64, device=None):
    return mg.Tensor(values, dtype=dtype, device=device, requires_grad=True)


# ------------------------------------------------------------------------------------------------------ the formula


def test_the_gradient_is_taken_where_the_loss_is_higher():
    p, seen = leaf([3.0, 4.0]), []
    optimizer = optim.SAM(optim.SGD([p], lr=0.5), rho=10.0)
    loss = optimizer.step(parabola(optimizer, p, seen=seen))
    assert loss.item() == 12.5  # at p
    assert seen == [[[3.0, 4.0]], [[9.0, 12.0]]]  # g / |g| = 0.6, 0.8
    assert p.tolist() == [3.0 - 4.5, 4.0 - 6.0] and p.grad.tolist() == [9.0, 12.0]


def test_the_norm_is_that_of_all_parameters_of_all_groups():
    p, q = leaf([3.0]), leaf([4.0], np.float32)
    optimizer = optim.SAM(optim.SGD([{"params": [p]}, {"params": [q], "lr": 0.25}], lr=0.5), rho=10.0)
    optimizer.step(parabola(optimizer, p, q))
    np.testing.assert_allclose([p.item(), q.item()], [3.0 - 4.5, 4.0 - 3.0], rtol=1e-6)


@pytest.mark.parametrize("adaptive", [False, True])
def test_the_norm_is_that_of_parameters_on_several_devices(adaptive, cuda):
    p, q = leaf([3.0]), leaf([4.0], device=cuda)
    optimizer = optim.SAM(optim.SGD([p, q], lr=1.0), rho=10.0, adaptive=adaptive)
    seen = []

    def closure():
        seen.append([p.item(), q.item()])
        p.grad, q.grad = mg.ones(1, dtype=mg.float64), mg.ones(1, dtype=mg.float64, device=cuda)

    optimizer.step(closure)
    # g = 1, 1; adaptive: T g = 3, 4, of length 5, and T T g = 9, 16
    steps = np.array([18.0, 32.0]) if adaptive else np.array([1.0, 1.0]) * 10 / math.sqrt(2)
    np.testing.assert_allclose(seen[1], np.array([3.0, 4.0]) + steps, rtol=1e-15)
    assert (p.item(), q.item()) == (2.0, 3.0)


def test_adaptive_each_weight_goes_as_far_as_its_size_allows():
    p, seen = leaf([1.0, -2.0]), []
    optimizer = optim.SAM(optim.SGD([p], lr=1.0), rho=2.0, adaptive=True)
    optimizer.step(parabola(optimizer, p, seen=seen))
    # g = p, T g = |p| p = 1, -4, of length sqrt(17); e = rho T T g / length = 2 (1, -8) / sqrt(17)
    np.testing.assert_allclose(seen[1][0], [1 + 2 / math.sqrt(17), -2 - 16 / math.sqrt(17)], rtol=1e-15)


def test_adaptive_with_eta_a_weight_of_zero_may_move():
    p, seen = leaf([0.0]), []
    optimizer = optim.SAM(optim.SGD([p], lr=1.0), rho=2.0, adaptive=True, eta=0.25)

    def closure():
        seen.append(p.item())
        p.grad = mg.ones(1, dtype=mg.float64)

    optimizer.step(closure)
    assert seen == [0.0, 0.5]  # rho T T g / |T g| = 2 * 0.25
    optimizer.eta = 0.0
    optimizer.step(closure)
    assert seen[2:] == [-1.0, 1.0]  # T = 1


# A loss whose gradient depends on the place, and through `whole` on all the places: t picks the course's step.


def gradients_at(places, c, t):
    """What the loss of step t has for gradients; None where the course has none.

    It is nearly a bowl: on a loss with hills and valleys rounding errors double again and again.
    """
    whole = np.tanh(sum(float(x.sum()) for x in places))
    return [None if g is None else g + x + 0.5 * np.sin(x) + 0.1 * whole for x, g in zip(places, c.gradients[t])]


def loss_at(places, c, t):
    return c.losses[t] + sum(float((x * x).sum()) for x in places)


def uphill(places, gradients, rho, adaptive=False, eta=0.0):
    """Foret et al. 2021, equation 2; Kwon et al. 2021, algorithm 1."""
    sizes = [np.abs(x) + eta if adaptive else np.ones_like(x) for x in places]
    whole = math.sqrt(sum(float(((s * g) ** 2).sum()) for s, g in zip(sizes, gradients) if g is not None))
    return [
        x if g is None else x + rho * s * s * g / whole for x, s, g in zip(places, sizes, gradients)
    ]  # fmt: skip


def put(params, gradients):
    for p, g in zip(params, gradients):
        p.grad = None if g is None else mg.Tensor(g, dtype=p.dtype, device=p.device)


def set_rates(optimizer, c, t):
    for group, settings in zip(optimizer.param_groups, c.settings[t]):
        group["lr"] = settings["lr"]


def run(make, c, kind, steps, dtype=np.float64, device=None):
    params = courses.leaves(c.starts, dtype, device)
    optimizer = optim.SAM(make(params), **kind)
    for t in range(steps):
        set_rates(optimizer, c, t)

        def closure():
            places = courses.values(params)
            put(params, gradients_at(places, c, t))  # noqa: B023
            return loss_at(places, c, t)  # noqa: B023

        optimizer.step(closure)
    return params


def by_hand(make, c, kind, steps):
    """The bare rule, given gradients from where the ascent leads."""
    params = courses.leaves(c.starts)
    optimizer = make(params)
    for t in range(steps):
        set_rates(optimizer, c, t)

        def closure():
            places = courses.values(params)
            put(params, gradients_at(uphill(places, gradients_at(places, c, t), **kind), c, t))  # noqa: B023
            return loss_at(places, c, t)  # noqa: B023

        optimizer.step(closure)
    return courses.values(params)


@ALL
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_around_any_rule_it_takes_the_gradients_uphill(row, kind, seed):
    c = courses.course(row.draw, seed, shapes=row.shapes)
    found = run(lambda params: courses.make(row.rule, params, c), c, kind, 20)
    expected = by_hand(lambda params: courses.make(row.rule, params, c), c, kind, 20)
    assert courses.distance(courses.values(found), expected) <= 1e-12


def draw_sgd(rng):
    return {"lr": float(rng.uniform(0.01, 0.1)), "momentum": float(rng.uniform(0.1, 0.9))}


def longhand(c, kind, steps):
    """With momentum inside, and nothing of the house."""
    places, velocities = [start.copy() for start in c.starts], [None] * len(c.starts)
    for t in range(steps):
        gradients = gradients_at(uphill(places, gradients_at(places, c, t), **kind), c, t)
        for i, g in enumerate(gradients):
            if g is not None:
                settings = c.settings[t][courses.group_of(i)]
                velocities[i] = g if velocities[i] is None else settings["momentum"] * velocities[i] + g
                places[i] = places[i] - settings["lr"] * velocities[i]
    return places


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_it_follows_its_formula(kind, seed, dtype, tolerance):
    c = courses.course(draw_sgd, seed)
    params = run(lambda params: courses.make(optim.SGD, params, c), c, kind, 50, dtype)
    assert courses.distance(courses.values(params), longhand(c, kind, 50)) <= tolerance


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_on_a_gpu_it_follows_its_formula(kind, cuda):
    c = courses.course(draw_sgd, 1)
    params = run(lambda params: courses.make(optim.SGD, params, c), c, kind, 20, device=cuda)
    assert all(p.device.type == "cuda" for p in params)
    assert courses.distance(courses.values(params), longhand(c, kind, 20)) <= 1e-12


def test_with_rho_0_it_is_the_inner_rule():
    c = courses.course(draw_sgd, 0)
    params = run(lambda params: courses.make(optim.SGD, params, c), c, {"rho": 0}, 20)
    bare = courses.leaves(c.starts)
    optimizer = courses.make(optim.SGD, bare, c)
    for t in range(20):
        set_rates(optimizer, c, t)
        put(bare, gradients_at(courses.values(bare), c, t))
        optimizer.step()
    assert courses.same_bits(courses.values(params), courses.values(bare))


def test_around_lookahead_and_inside_it():
    def twice(wrap):
        p = leaf([3.0, 4.0])
        optimizer = wrap(optim.SGD([p], lr=0.5))
        for _ in range(2):
            optimizer.step(parabola(optimizer, p))
        return p.tolist()

    # rho = |p|, so the gradient is 2 p and every step leads to 0, from where none leads on
    inside = twice(lambda inner: optim.Lookahead(optim.SAM(inner, rho=5.0), k=2, alpha=0.25))
    around = twice(lambda inner: optim.SAM(optim.Lookahead(inner, k=2, alpha=0.25), rho=5.0))
    assert inside == around == [2.25, 3.0]


def test_around_itself():
    """The outer ascent is of the gradient that the inner one would take: from 1 by 2 to 3, from there by 5 to 8."""
    p, seen = leaf([1.0]), []
    optimizer = optim.SAM(optim.SAM(optim.SGD([p], lr=0.125), rho=2.0), rho=5.0)
    optimizer.step(parabola(optimizer, p, seen=seen))
    assert [x for ((x,),) in seen] == [1.0, 6.0, 3.0, 8.0] and p.item() == 0.0


def test_with_nag_inside_it_climbs_from_where_nag_jumped():
    p, seen = leaf([1.0]), []
    optimizer = optim.SAM(optim.NAG([p], lr=0.25, momentum=0.5), rho=1.0)
    closure = parabola(optimizer, p, seen=seen)
    optimizer.step(closure)  # g = 2, v = -0.5, p = 0.5
    optimizer.step(closure)  # jumps to 0.25, climbs to 1.25; v = -0.25 - 0.3125
    assert [x for ((x,),) in seen] == [1.0, 2.0, 0.25, 1.25] and p.item() == 0.5 - 0.5625


def test_irprop_plus_is_told_the_loss_of_the_place_itself():
    p = leaf([1.0])
    inner = optim.IRpropPlus([p], lr=0.5)
    optimizer = optim.SAM(inner, rho=3.0)
    optimizer.step(parabola(optimizer, p))
    assert inner.state[p]["loss"].item() == 0.5


# ------------------------------------------------------------------------------------------------------ at the edges


def test_where_the_gradient_is_zero_it_stays():
    p, seen = leaf([0.0, 0.0]), []
    optimizer = optim.SAM(optim.SGD([p], lr=1.0))
    optimizer.step(parabola(optimizer, p, seen=seen))
    assert seen == [[[0.0, 0.0]]] * 2 and p.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_gradients_whose_squares_leave_single_precision(scale):
    p, seen = leaf([0.0, 0.0], np.float32), []
    optimizer = optim.SAM(optim.SGD([p], lr=0.0), rho=10.0)

    def closure():
        seen.append(p.tolist())
        p.grad = mg.Tensor(np.float32([3, 4]) * np.float32(scale))

    optimizer.step(closure)
    np.testing.assert_allclose(seen[1], [6.0, 8.0], rtol=1e-6)


@pytest.mark.parametrize("adaptive", [False, True])
def test_halves_are_put_back_and_climb_in_single_precision(adaptive):
    p, seen = leaf([3.0, 4.0], np.float16), []
    optimizer = optim.SAM(optim.SGD([p], lr=0.5), rho=10.0, adaptive=adaptive)
    optimizer.step(parabola(optimizer, p, seen=seen))
    exact = uphill([np.array([3.0, 4.0])], [np.array([3.0, 4.0])], 10.0, adaptive)[0]
    assert seen[1][0] == np.float16(exact).tolist() and p.dtype == np.float16
    np.testing.assert_allclose(p.tolist(), np.array([3.0, 4.0]) - 0.5 * np.float16(exact), rtol=1e-3)


def test_several_dtypes_and_empty_parameters():
    p, q, r = leaf([3.0]), leaf([4.0], np.float16), leaf(np.zeros((0, 2)), np.float32)
    optimizer = optim.SAM(optim.SGD([p, q, r], lr=0.5), rho=10.0)

    def closure():
        for x in (p, q, r):
            x.grad = x.detach().clone()

    optimizer.step(closure)
    assert (p.item(), q.item(), r.shape) == (-1.5, -2.0, (0, 2))


def test_a_closure_that_does_not_forget_gradients_gets_those_of_one_place():
    p = leaf([3.0, 4.0])
    optimizer = optim.SAM(optim.SGD([p], lr=0.5), rho=10.0)

    def closure():
        loss = (p * p).sum() / 2
        loss.backward()
        return loss

    with mg.no_grad():
        optimizer.step(closure)
    assert p.grad.tolist() == [9.0, 12.0]


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("inner", [optim.SGD, optim.NAG])
def test_a_closure_that_raises_leaves_the_parameters_bit_for_bit(call, inner):
    p, q = leaf([0.1, 0.3]), leaf([0.7], np.float32)
    optimizer = optim.SAM(inner([p, q], lr=0.1, momentum=0.9), rho=0.1)
    good = parabola(optimizer, p, q)
    optimizer.step(good)
    before = courses.values([p, q])
    calls = []

    def closure():
        calls.append(1)
        if len(calls) == call:
            raise ZeroDivisionError
        return good()

    with pytest.raises(ZeroDivisionError):
        optimizer.step(closure)
    assert len(calls) == call and courses.same_bits(courses.values([p, q]), before)


@pytest.mark.parametrize("then", ["return", "raise"])
def test_a_closure_that_moves_a_parameter_up_there_is_refused_and_undone(then):
    p, calls = leaf([3.0, 4.0]), []
    optimizer = optim.SAM(optim.SGD([p], lr=0.5), rho=1.0)

    def closure():
        calls.append(1)
        p.grad = mg.ones(2, dtype=mg.float64)
        if len(calls) == 2:
            p.data = p.detach().to(dtype=mg.float32)
            if then == "raise":
                raise ZeroDivisionError

    error = RuntimeError if then == "return" else ZeroDivisionError
    with pytest.raises(error, match="moved parameter 0 to other memory" if then == "return" else None):
        optimizer.step(closure)
    assert p.dtype == np.float64 and p.tolist() == [3.0, 4.0]


def test_a_closure_may_move_a_parameter_in_its_first_call():
    p, calls = leaf([3.0, 4.0]), []
    optimizer = optim.SAM(optim.SGD([p], lr=0.5), rho=10.0)

    def closure():
        calls.append(1)
        if len(calls) == 1:
            p.data = p.detach().clone()
        p.grad = p.detach().clone()

    optimizer.step(closure)
    assert p.tolist() == [-1.5, -2.0]


def test_a_gradient_that_is_not_finite_is_refused_if_so_asked():
    p = leaf([3.0, 4.0])
    optimizer = optim.SAM(optim.SGD([p], lr=0.5))
    optimizer.error_if_nonfinite = True

    def closure():
        p.grad = mg.Tensor(np.array([np.nan, 1.0]))

    with pytest.raises(FloatingPointError, match="the gradient of parameter 0"):
        optimizer.step(closure)
    assert p.tolist() == [3.0, 4.0]


def test_a_graph_that_needs_the_old_values_notices():
    p = leaf([3.0, 4.0])
    optimizer = optim.SAM(optim.SGD([p], lr=0.5))
    x = leaf([1.0, 1.0])
    graphs = [(p * x).sum()]

    def closure():
        p.grad = mg.ones(2, dtype=mg.float64)
        graphs.append((p * x).sum())

    optimizer.step(closure)
    for graph in graphs:
        with pytest.raises(RuntimeError, match="mul"):
            graph.backward()


def test_a_graph_from_one_of_the_places_notices_at_the_other():
    p = leaf([3.0, 4.0])
    optimizer = optim.SAM(optim.SGD([p], lr=0.5))
    x = leaf([1.0, 1.0])
    graphs = []

    def closure():
        if graphs:
            p.grad = None  # so that the inner rule leaves p alone
            with pytest.raises(RuntimeError, match="mul"):
                graphs[0].backward()
        else:
            p.grad = mg.ones(2, dtype=mg.float64)
        graphs.append((p * x).sum())

    optimizer.step(closure)
    assert len(graphs) == 2 and p.tolist() == [3.0, 4.0]
    with pytest.raises(RuntimeError, match="mul"):
        graphs[1].backward()


# --------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("settings, error, match", [
    ({"rho": -0.1}, ValueError, "rho must not be negative, got -0.1"),
    ({"rho": float("nan")}, ValueError, "rho is NaN"),
    ({"rho": "0.1"}, TypeError, "rho must be a number, got '0.1'"),
    ({"eta": -1}, ValueError, "eta must not be negative, got -1"),
    ({"adaptive": 1}, TypeError, "adaptive must be True or False, got 1"),
])  # fmt: skip
def test_wrong_settings_are_refused_at_once_and_later(settings, error, match):
    p = leaf([3.0, 4.0])
    inner = optim.SGD([p], lr=0.5)
    with pytest.raises(error, match=f"SAM: {match}"):
        optim.SAM(inner, **settings)
    optimizer = optim.SAM(inner)
    for name, value in settings.items():
        setattr(optimizer, name, value)
    with pytest.raises(error, match=f"SAM: {match}"):
        optimizer.step(parabola(optimizer, p))
    assert p.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("inner", [optim.SGD, optim.NAG])
def test_without_a_closure_it_says_what_it_needs(inner):
    p = leaf([3.0, 4.0])
    p.grad = mg.ones(2, dtype=mg.float64)
    for optimizer in (optim.SAM(inner([p], lr=0.5)), optim.Lookahead(optim.SAM(inner([p], lr=0.5)))):
        with pytest.raises(TypeError, match=r"SAM: the gradient is taken again .*; call step\(closure\)"):
            optimizer.step()
        assert p.tolist() == [3.0, 4.0] and not optimizer.has_stepped
