"""Lookahead: by hand, longhand, around every rule, and where its slow weights go."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from tests.optim import courses
from tests.optim.rules import ROWS

ALL = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())


def problem(k=2, alpha=0.5, lr=1.0, start=(4.0, 8.0), dtype=np.float64, device=None):
    p = mg.Tensor(start, dtype=dtype, device=device, requires_grad=True)
    return p, optim.Lookahead(optim.SGD([p], lr=lr), k=k, alpha=alpha)


def step(p, optimizer, gradient=1.0):
    p.grad = None if gradient is None else mg.full(p.shape, gradient, dtype=p.dtype, device=p.device)
    optimizer.step()
    return p.detach().cpu().tolist()


# ------------------------------------------------------------------------------------------------------ the formula


def test_two_steps_forward_one_back():
    p, optimizer = problem(alpha=0.25)
    assert step(p, optimizer) == [3.0, 7.0]
    assert step(p, optimizer) == [3.5, 7.5]  # two steps led to 2, 6; a quarter of the way from 4, 8
    assert step(p, optimizer) == [2.5, 6.5]
    assert step(p, optimizer, 3.0) == [2.5, 6.5]  # led to -0.5, 3.5; a quarter of the way from 3.5, 7.5


def test_with_k_1_and_alpha_1_it_is_the_inner_rule():
    c = courses.course(ROWS["Adam"].draw, 0)
    params = courses.leaves(c.starts)
    courses.advance(optim.Lookahead(courses.make(optim.Adam, params, c), 1, 1.0), params, c, range(50))
    assert courses.distance(courses.values(params), courses.run_ours(optim.Adam, c)) <= 1e-14


def longhand_sgd(p, steps, k, alpha):
    slow, velocity, taken = p.copy(), np.zeros_like(p), 0
    for g, s in steps:
        velocity = s["momentum"] * velocity + g if taken else g.copy()
        p = p - s["lr"] * velocity
        taken += 1
        if taken % k == 0:
            slow = slow + alpha * (p - slow)
            p = slow.copy()
    return p


def longhand_adam(p, steps, k, alpha):
    slow, m, v, taken = p.copy(), np.zeros_like(p), np.zeros_like(p), 0
    for g, s in steps:
        beta1, beta2 = s["betas"]
        m, v, taken = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g, taken + 1
        p = p - s["lr"] * (m / (1 - beta1**taken)) / (np.sqrt(v / (1 - beta2**taken)) + s["eps"])
        if taken % k == 0:
            slow = slow + alpha * (p - slow)
            p = slow.copy()
    return p


def draw_sgd(rng):
    return {"lr": float(rng.uniform(0.01, 0.3)), "momentum": float(rng.uniform(0.1, 0.9))}


def draw_adam(rng):
    betas = float(rng.uniform(0.5, 0.95)), float(rng.uniform(0.9, 0.999))
    return {"lr": float(rng.uniform(0.01, 0.3)), "betas": betas, "eps": float(10 ** rng.uniform(-8, -2))}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("rule, draw, longhand", [
    (optim.SGD, draw_sgd, longhand_sgd), (optim.Adam, draw_adam, longhand_adam),
], ids=["SGD", "Adam"])  # fmt: skip
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_it_follows_its_formula(rule, draw, longhand, seed, dtype, tolerance):
    c = courses.course(draw, seed)
    k, alpha = 1 + seed, 0.2 + 0.1 * seed
    params = courses.leaves(c.starts, dtype)
    courses.advance(optim.Lookahead(courses.make(rule, params, c), k, alpha), params, c, range(50))
    expected = courses.run_longhand(lambda p, steps: longhand(p, steps, k, alpha), c)
    assert courses.distance(courses.values(params), expected) <= tolerance


def by_hand(row, c, k, alpha, steps):
    """The bare rule, with the jumps made from outside: each parameter after every k gradients of its own."""
    params = courses.leaves(c.starts)
    optimizer = courses.make(row.rule, params, c)
    slow, taken = [start.copy() for start in c.starts], [0] * len(params)
    for t in range(steps):
        courses.advance(optimizer, params, c, [t])
        for i, p in enumerate(params):
            taken[i] += c.gradients[t][i] is not None
            if c.gradients[t][i] is not None and taken[i] % k == 0:
                slow[i] = slow[i] + alpha * (p.detach().numpy() - slow[i])
                with mg.no_grad():
                    p.copy_(mg.Tensor(slow[i]))
    return courses.values(params)


def run(row, c, k, alpha, steps, device=None):
    params = courses.leaves(c.starts, device=device)
    optimizer = optim.Lookahead(courses.make(row.rule, params, c), k, alpha)
    courses.advance(optimizer, params, c, range(steps))
    return params, optimizer


@ALL
@pytest.mark.parametrize("seed", range(3))
def test_around_any_rule_it_jumps_as_by_hand(row, seed):
    c = courses.course(row.draw, seed, shapes=row.shapes)
    params, _ = run(row, c, 3 + seed, 0.5, 50)
    assert courses.distance(courses.values(params), by_hand(row, c, 3 + seed, 0.5, 50)) <= 1e-12


def test_around_itself():
    """Every 2 steps from p to the inner slow weights, every 3 to the outer ones; written out."""
    p = mg.tensor([0.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.Lookahead(optim.Lookahead(optim.SGD([p], lr=1.0), k=2, alpha=0.5), k=3, alpha=0.25)
    places = [step(p, optimizer, -1.0)[0] for _ in range(6)]
    # 1; 2, inner slow 1; 2, outer slow 0.5; 1.5, inner from 1 to 1.25; 2.25; 3.25, inner 2.25, outer from 0.5
    assert places == [1.0, 1.0, 0.5, 1.25, 2.25, 0.5 + 0.25 * 1.75]


def test_on_a_gpu_it_does_the_same(cuda):
    c = courses.course(draw_adam, 1)
    params, optimizer = run(ROWS["Adam"], c, 4, 0.3, 20, cuda)
    expected, _ = run(ROWS["Adam"], c, 4, 0.3, 20)
    assert all(entry["slow"].device.type == "cuda" for entry in optimizer.state.values())
    assert courses.distance(courses.values(params), courses.values(expected)) <= 1e-12


# ----------------------------------------------------------------------------------------------- what counts as a step


def test_a_parameter_without_a_gradient_rests_and_counts_apart():
    p = mg.tensor([4.0], requires_grad=True)
    q = mg.tensor([4.0], requires_grad=True)
    optimizer = optim.Lookahead(optim.SGD([p, q], lr=1.0), k=2)
    places = []
    for with_q in (True, False, False, True):
        p.grad, q.grad = mg.ones(1), mg.ones(1) if with_q else None
        optimizer.step()
        places.append((p.item(), q.item()))
    assert places == [(3.0, 3.0), (3.0, 3.0), (2.0, 3.0), (2.0, 3.0)]
    assert [optimizer.state[x]["steps_since_jump"] for x in (p, q)] == [0, 0]


def test_weights_loaded_before_the_first_step_are_where_it_starts():
    p, optimizer = problem()
    with mg.no_grad():
        p.copy_(mg.tensor([10.0, 20.0], dtype=mg.float64))
    step(p, optimizer)
    assert step(p, optimizer) == [9.0, 19.0]


def test_a_parameter_that_never_had_a_gradient_has_no_slow_weights():
    p, optimizer = problem()
    optimizer.add_param_group({"params": [mg.ones(2)]})
    step(p, optimizer)
    assert list(optimizer.state) == [p]


def test_parameters_may_be_added_later():
    p, optimizer = problem()
    step(p, optimizer)
    q = mg.tensor([1.0], requires_grad=True)
    optimizer.add_param_group({"params": [q], "lr": 0.5})
    q.grad = mg.ones(1)
    assert step(p, optimizer) == [3.0, 7.0] and q.item() == 0.5
    assert step(p, optimizer) == [2.0, 6.0] and q.item() == 0.5


def test_gradients_forgotten_by_a_hook_of_the_inner_rule_count():
    p, optimizer = problem()
    optimizer.optimizer.register_step_post_hook(lambda inner, args, kwargs: inner.zero_grad())
    step(p, optimizer)
    assert step(p, optimizer) == [3.0, 7.0] and p.grad is None


def test_a_closure_may_unfreeze_a_parameter():
    p = mg.tensor([4.0])
    optimizer = optim.Lookahead(optim.SGD([p], lr=1.0), k=2)

    def closure():
        p.requires_grad_()
        p.grad = mg.ones(1)
        return 7.0

    assert [optimizer.step(closure), p.item(), optimizer.step(closure), p.item()] == [7.0, 3.0, 7.0, 3.0]


def test_around_a_rule_that_jumps_itself_the_start_is_where_the_step_began():
    p = mg.tensor([0.0], dtype=mg.float64, requires_grad=True)
    inner = optim.NAG([p], lr=1.0, momentum=0.5)

    def closure():
        p.grad = mg.full((1,), -1.0, dtype=mg.float64)
        return 0.0

    inner.step(closure)  # v = 1, p = 1
    optimizer = optim.Lookahead(inner, k=1, alpha=0.5)
    optimizer.step(closure)  # v = 1.5, p = 2.5; half of the way from 1, not from 1.5
    assert p.item() == 1.75


def test_a_closure_that_fails_counts_for_nothing():
    p, optimizer = problem()
    step(p, optimizer)
    before = optim.to_arrays(optimizer.state_dict())

    def closure():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        optimizer.step(closure)
    after = optim.to_arrays(optimizer.state_dict())
    assert {k: v.tolist() for k, v in after.items()} == {k: v.tolist() for k, v in before.items()}
    assert p.tolist() == [3.0, 7.0]
    assert step(p, optimizer) == [3.0, 7.0]


def test_k_and_alpha_may_change():
    p, optimizer = problem(k=10)
    for _ in range(3):
        step(p, optimizer)
    optimizer.k, optimizer.alpha = np.int64(2), 0.25
    assert step(p, optimizer) == [3.0, 7.0]  # it took 4 steps, to 0, 4
    step(p, optimizer)
    assert step(p, optimizer) == [2.5, 6.5]


def test_a_parameter_at_rest_does_not_jump_when_k_has_become_smaller():
    p = mg.tensor([4.0], requires_grad=True)
    q = mg.tensor([4.0], requires_grad=True)
    optimizer = optim.Lookahead(optim.SGD([p, q], lr=1.0), k=5)
    for _ in range(2):
        p.grad, q.grad = mg.ones(1), mg.ones(1)
        optimizer.step()
    optimizer.k, q.grad = 2, None
    optimizer.step()
    assert (p.item(), q.item()) == (2.5, 2.0)
    q.grad = mg.ones(1)
    optimizer.step()
    assert (p.item(), q.item()) == (1.5, 2.5)


# -------------------------------------------------------------------------------------------------- where things lie


def moved_by_data(p):
    p.data = p.detach().clone()


def moved_by_another_optimizer(p):
    optim.SGD([p], lr=0.1)


def moved_and_back(p):
    p.data = p.detach().to(dtype=mg.float32)
    p.data = p.detach().to(dtype=mg.float64)


@pytest.mark.parametrize("move", [moved_by_data, moved_by_another_optimizer, moved_and_back])
@pytest.mark.parametrize("when", [0, 1, 2, 3])
def test_slow_weights_follow_a_parameter_that_moves(move, when):
    p, optimizer = problem(k=2, alpha=0.25)
    for t in range(4):
        if t == when:
            move(p)
        places = step(p, optimizer)
    assert places == [3.0, 7.0]


def test_they_follow_to_another_dtype_and_device(cuda):
    p, optimizer = problem(k=2, alpha=0.25, dtype=np.float32)
    step(p, optimizer)
    p.data = p.detach().to(dtype=mg.float64, device=cuda)
    assert step(p, optimizer) == [3.5, 7.5]
    slow = optimizer.state[p]["slow"]
    assert (slow.dtype, slow.device.type) == (np.float64, "cuda")
    p.data = p.detach().to(dtype=mg.float32, device="cpu")
    step(p, optimizer)
    assert step(p, optimizer) == [3.0, 7.0]
    assert (optimizer.state[p]["slow"].dtype, optimizer.state[p]["slow"].device.type) == (np.float32, "cpu")


def test_a_hook_that_moves_a_parameter_after_the_inner_step_loses_nothing():
    p, optimizer = problem()
    optimizer.optimizer.register_step_post_hook(lambda inner, args, kwargs: moved_by_data(p))
    step(p, optimizer)
    assert step(p, optimizer) == [3.0, 7.0]


def test_slow_weights_of_halves_are_single_precision():
    p, optimizer = problem(k=1, alpha=0.25, lr=2.0**-10, start=[1.0], dtype=np.float16)
    for _ in range(4):
        step(p, optimizer)
    slow = optimizer.state[p]["slow"]
    # In half precision there is nothing between 1 and 1 - 2^-11, and a quarter of 2^-10 would be lost each time.
    x, expected = np.float16(1), np.float32(1)
    for _ in range(4):
        x = np.float16(np.float32(x) - np.float32(2.0**-10))
        expected = expected + np.float32(0.25) * (np.float32(x) - expected)
        x = np.float16(expected)
    assert slow.dtype == np.float32 and p.array.dtype == np.float16
    assert slow.item() == expected != 1 and p.item() == x != 1


def test_slow_weights_of_halves_are_saved_and_loaded_whole():
    def halves(place):
        return problem(k=1, alpha=0.25, lr=2.0**-10, start=[place], dtype=np.float16)

    p, optimizer = halves(1.0)
    assert step(p, optimizer, None) == [1.0]
    for _ in range(2):
        step(p, optimizer)
    slow = optimizer.state[p]["slow"].item()
    q, other = halves(p.item())
    other.load_state_dict(optimizer.state_dict())
    assert other.state[q]["slow"].dtype == np.float32 and other.state[q]["slow"].item() == slow != float(np.float16(slow))
    assert step(q, other) == step(p, optimizer)
    assert other.state[q]["slow"].item() == optimizer.state[p]["slow"].item()


def test_several_dtypes_in_one_group():
    params = [mg.tensor([4.0], dtype=dtype, requires_grad=True) for dtype in (mg.float64, mg.float16, mg.float32)]
    params.append(mg.Tensor(np.zeros((0, 3)), requires_grad=True))
    optimizer = optim.Lookahead(optim.SGD(params, lr=1.0), k=2)
    for _ in range(2):
        for p in params:
            p.grad = mg.ones(*p.shape, dtype=p.dtype)
        optimizer.step()
    assert [p.tolist() for p in params] == [[3.0], [3.0], [3.0], []]


def test_a_graph_that_needs_the_values_before_the_jump_notices():
    p, optimizer = problem(k=1)
    x = mg.Tensor(np.ones(2), requires_grad=True)
    seen = []
    optimizer.optimizer.register_step_post_hook(lambda inner, args, kwargs: seen.append((p * x).sum()))
    step(p, optimizer)
    with pytest.raises(RuntimeError, match="mul"):
        seen[0].backward()


def test_a_parameter_of_a_new_shape_is_refused_before_anything_changes():
    p, optimizer = problem()
    step(p, optimizer)
    p.data = mg.ones(3, dtype=mg.float64)
    with pytest.raises(ValueError, match=r"parameter 0 has shape \(3,\) now, but its slow weights have shape \(2,\)"):
        step(p, optimizer)
    assert p.tolist() == [1.0, 1.0, 1.0]


def test_a_copy_keeps_slow_weights_of_its_own():
    p, optimizer = problem()
    step(p, optimizer)
    q, other = copy.deepcopy((p, optimizer))
    step(q, other, 5.0)
    assert step(p, optimizer) == [3.0, 7.0] and q.tolist() == [1.0, 5.0]


# --------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("settings, error, match", [
    ({"k": 0}, ValueError, "k must be at least 1, got 0"),
    ({"k": 2.5}, TypeError, "k must be a whole number, got 2.5"),
    ({"k": True}, TypeError, "k must be a whole number, got True"),
    ({"alpha": 1.5}, ValueError, r"alpha must be in \[0, 1\], got 1.5"),
    ({"alpha": float("nan")}, ValueError, "alpha is NaN"),
    ({"alpha": "half"}, TypeError, "alpha must be a number, got 'half'"),
])  # fmt: skip
def test_wrong_settings_are_refused_at_once_and_later(settings, error, match):
    p, optimizer = problem()
    with pytest.raises(error, match=f"Lookahead: {match}"):
        optim.Lookahead(optimizer.optimizer, **settings)
    for name, value in settings.items():
        setattr(optimizer, name, value)
    with pytest.raises(error, match=f"Lookahead: {match}"):
        step(p, optimizer)
    assert p.tolist() == [4.0, 8.0]


@pytest.mark.parametrize("entry, match", [
    ({"slow": np.ones(3), "steps_since_jump": 1}, r"slow of shape \(3,\); the parameter has shape \(2,\)"),
    ({"slow": np.ones(2, int), "steps_since_jump": 1}, "slow of dtype int64; it must be floating point"),
    ({"slow": np.ones(2)}, r"lacks \['steps_since_jump'\]"),
    ({"steps_since_jump": 1}, r"lacks \['slow'\]"),
    ({"slow": np.ones(2), "steps_since_jump": -1}, "steps_since_jump -1.0, which is no number of steps"),
    ({"slow": np.ones(2), "steps_since_jump": "x"}, "steps_since_jump 'x'; it must be one number"),
    ({"slow": np.ones(2), "steps_since_jump": 1, "fast": 1}, r"\['fast'\], which are unknown"),
])  # fmt: skip
def test_states_that_do_not_fit_are_refused(entry, match):
    p, optimizer = problem()
    step(p, optimizer)
    state = {**optimizer.state_dict(), "settings": {"k": 7, "alpha": 0.1}, "state": {0: entry}}
    with pytest.raises(ValueError, match=match):
        optimizer.load_state_dict(state)
    assert optimizer.k == 2 and optimizer.state[p]["slow"].tolist() == [4.0, 8.0]
