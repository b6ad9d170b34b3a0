"""Schedule-free rules: the average that eval() shows, the way back, and what keeps the two places apart."""

import copy
import io

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from tests.optim import courses, rows_recent

RULES = [optim.SGDScheduleFree, optim.AdamWScheduleFree]
DIRECTIONS = {optim.SGDScheduleFree: rows_recent.descent, optim.AdamWScheduleFree: rows_recent.adams}
ROWS = {rule: rows_recent.ROWS[rule.__name__] for rule in RULES}


def beta_of(settings):
    return settings["momentum"] if "momentum" in settings else settings["betas"][0]


def on_course(rule, seed=0, steps=20, dtype=np.float64, device=None, visits=()):
    """The parameters at the end of a course; at the steps in `visits` the average is looked at."""
    c = courses.course(ROWS[rule].draw, seed, steps=steps)
    params = courses.leaves(c.starts, dtype, device)
    optimizer = courses.make(rule, params, c)
    for step in range(steps):
        courses.advance(optimizer, params, c, [step])
        if step in visits:
            optimizer.eval()
            optimizer.train()
    return c, params, optimizer


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rule", RULES)
def test_eval_shows_the_weighted_average_of_z(rule, seed):
    c, params, optimizer = on_course(rule, seed)
    before = courses.values(params)
    optimizer.eval()
    for i, p in enumerate(params):
        steps = [(g[i], s[courses.group_of(i)]) for g, s in zip(c.gradients, c.settings) if g[i] is not None]
        x, y = rows_recent.schedule_free_longhand(c.starts[i], steps, DIRECTIONS[rule], beta_of)
        np.testing.assert_allclose(p.array, x, rtol=0, atol=1e-12)
        np.testing.assert_allclose(before[i], y, rtol=0, atol=1e-12)
    optimizer.train()
    assert courses.distance(courses.values(params), before) < 1e-14


@pytest.mark.parametrize("rule", RULES)
def test_looking_at_the_average_does_not_change_where_training_goes(rule):
    expected = courses.values(on_course(rule)[1])
    assert courses.distance(courses.values(on_course(rule, visits=range(20))[1]), expected) < 1e-13


@pytest.mark.parametrize("rule", RULES)
def test_on_a_gpu(rule, cuda):
    ends = []
    for device in ("cpu", cuda):
        _, params, optimizer = on_course(rule, device=device)
        optimizer.eval()
        ends.append(courses.values(params))
    assert courses.distance(ends[1], ends[0]) < 1e-12


@pytest.mark.parametrize("rule", RULES)
def test_going_where_it_is_already_changes_nothing(rule):
    _, params, optimizer = on_course(rule)
    optimizer.train()
    before = courses.values(params)
    optimizer.eval()
    average = courses.values(params)
    optimizer.eval()
    assert courses.same_bits(courses.values(params), average)
    assert not courses.same_bits(average, before)


@pytest.mark.parametrize("rule", RULES)
def test_a_step_at_the_average_is_refused(rule):
    c, params, optimizer = on_course(rule)
    optimizer.eval()
    before, state = courses.values(params), optim.to_arrays(optimizer.state_dict())
    for p in params:
        p.grad = mg.ones(*p.shape, dtype=mg.float64)
    with pytest.raises(RuntimeError, match=rf"{rule.__name__}: step\(\) in eval mode.*call optimizer.train\(\)"):
        optimizer.step()
    assert courses.same_bits(courses.values(params), before)
    found = optim.to_arrays(optimizer.state_dict())
    assert all(found[name].tobytes() == state[name].tobytes() for name in state)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("rule", RULES)
def test_saved_in_either_mode_it_goes_on_bit_for_bit(rule, mode):
    c, params, optimizer = on_course(rule, steps=10)
    getattr(optimizer, mode)()
    file = io.BytesIO()
    np.savez(file, **optim.to_arrays(optimizer.state_dict()))
    file.seek(0)
    others = courses.leaves(courses.values(params))
    other = courses.make(rule, others, c)
    with np.load(file, allow_pickle=False) as arrays:
        other.load_state_dict(optim.from_arrays(arrays))
    assert [group["train_mode"] for group in other.param_groups] == [mode == "train"] * 2
    twins, twin = copy.deepcopy((params, optimizer))
    for those, its in [(params, optimizer), (others, other), (twins, twin)]:
        its.train()
        courses.advance(its, those, c, range(5))
        its.eval()
    assert courses.same_bits(courses.values(others), courses.values(params))
    assert courses.same_bits(courses.values(twins), courses.values(params))


@pytest.mark.parametrize("rule", RULES)
def test_parameters_that_were_moved_are_found(rule):
    c, params, optimizer = on_course(rule)
    _, others, other = on_course(rule)
    params[0].data = params[0].detach().clone()
    optimizer.eval()
    other.eval()
    assert courses.same_bits(courses.values(params), courses.values(others))


@pytest.mark.parametrize("rule", RULES)
def test_a_graph_that_needs_the_old_values_notices_the_move(rule):
    _, params, optimizer = on_course(rule)
    x = mg.ones(3, 4, dtype=mg.float64, requires_grad=True)
    loss = (params[0] * x).sum()
    optimizer.eval()
    with pytest.raises(RuntimeError, match="mul"):
        loss.backward()


@pytest.mark.parametrize("rule", RULES)
def test_a_parameter_that_took_no_step_stays(rule):
    p, q = (mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True) for _ in range(2))
    optimizer = rule([p, q])
    p.grad = mg.ones(2, dtype=mg.float64)
    optimizer.step()
    optimizer.step()
    optimizer.eval()
    assert q.tolist() == [1.0, 2.0] and p.tolist() != [1.0, 2.0]


@pytest.mark.parametrize("rule, lr", [(optim.SGDScheduleFree, 0.1), (optim.AdamWScheduleFree, 0.1)])
def test_the_average_settles_where_the_noise_would_keep_sgd_moving(rule, lr):
    rng = np.random.default_rng(0)
    p = mg.tensor([3.0], dtype=mg.float64, requires_grad=True)
    optimizer = rule([p], lr=lr)
    for _ in range(2000):
        p.grad = mg.Tensor(p.array - 1.0 + rng.normal(size=1))
        optimizer.step()
    optimizer.eval()
    assert p.item() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("rule, wrong, error, message", [
    (optim.SGDScheduleFree, {"momentum": 0}, ValueError, "SGDScheduleFree: momentum must be above 0"),
    (optim.SGDScheduleFree, {"momentum": 1}, ValueError, r"SGDScheduleFree: momentum must be in \[0, 1\)"),
    (optim.SGDScheduleFree, {"warmup_steps": -1}, ValueError, "SGDScheduleFree: warmup_steps must not be negative"),
    (optim.AdamWScheduleFree, {"betas": (0.0, 0.9)}, ValueError, r"AdamWScheduleFree: betas\[0\] must be above 0"),
    (optim.AdamWScheduleFree, {"eps": -1}, ValueError, "AdamWScheduleFree: eps must not be negative"),
    (optim.AdamWScheduleFree, {"r": None}, TypeError, "AdamWScheduleFree: r must be a number"),
])  # fmt: skip
def test_values_that_are_wrong(rule, wrong, error, message):
    with pytest.raises(error, match=message):
        rule([mg.ones(1, requires_grad=True)], **wrong)
