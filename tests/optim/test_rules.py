"""Every update rule against its oracles, and against what every rule promises. Which rules: the table in rules.py."""

import copy
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import kernels, optim
from tests.optim import courses
from tests.optim.rules import NO_RULES, ON_THEIR_OWN, ROWS

SEEDS = range(8)


@pytest.fixture(params=ROWS.values(), ids=ROWS.keys())
def row(request):
    return request.param


@pytest.fixture
def torch_row(row):
    """A row that PyTorch has too."""
    if row.torch_name is None:
        pytest.skip("PyTorch has no such rule")
    return row


def all_rules(cls=optim.Optimizer):
    """The subclasses that minigrad itself defines, at any depth, and that name a law: some only help others."""
    for sub in cls.__subclasses__():
        if sub.__module__.startswith("minigrad.") and hasattr(sub, "law_name"):
            yield sub
        yield from all_rules(sub)


# --------------------------------------------------------------------------------------------------- the registry


def test_every_rule_is_public_and_has_an_oracle():
    names = ROWS.keys() | ON_THEIR_OWN.keys()
    assert {rule.__name__ for rule in all_rules()} == names
    assert all(getattr(optim, name) is row.rule for name, row in ROWS.items())
    assert names <= set(optim.__all__)
    assert all((Path(__file__).parent / file).exists() for file in ON_THEIR_OWN.values())


def test_every_text_has_a_class():
    assert {rule.law_name for rule in all_rules()} == set(kernels.names()) - NO_RULES


def test_a_draw_names_every_hyper_parameter(row, rng):
    drawn = row.draw(rng)
    assert drawn.keys() == row.rule([mg.zeros(*row.shapes[0])]).defaults.keys()


def test_the_draws_vary_every_hyper_parameter(row):
    draws = [row.draw(np.random.default_rng(seed)) for seed in range(40)]
    for name in draws[0]:
        assert (len({draw[name] for draw in draws}) > 1) == (name not in row.fixed), name


# -------------------------------------------------------------------------------------------------- trajectories


@pytest.mark.parametrize("seed", SEEDS)
def test_it_follows_its_formula(row, seed):
    c = courses.course(row.draw, seed, shapes=row.shapes)
    assert courses.distance(courses.run_ours(row.rule, c), courses.run_longhand(row.longhand, c)) <= 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_it_follows_torch(torch, torch_row, seed):
    c = courses.course(torch_row.draw_for_torch, seed, shapes=torch_row.shapes)
    expected = courses.run_torch(torch, torch_row.torch_name, c)
    assert courses.distance(courses.run_ours(torch_row.rule, c), expected) <= torch_row.torch_tolerance


@pytest.mark.parametrize("seed", SEEDS)
def test_in_single_precision_it_is_no_farther_off_than_torch(torch, torch_row, seed):
    c = courses.course(torch_row.draw_for_torch, seed, shapes=torch_row.shapes)
    exact = courses.run_longhand(torch_row.longhand_for_torch, c)
    torchs = courses.distance(courses.run_torch(torch, torch_row.torch_name, c, np.float32), exact)
    ours = courses.run_ours(torch_row.rule, c, np.float32)
    assert all(p.dtype == np.float32 for p in ours)
    assert courses.distance(ours, exact) <= min(1e-5, torchs + 1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_in_single_precision_it_stays_near_its_formula(row, seed):
    c = courses.course(row.draw, seed, shapes=row.shapes)
    ours = courses.run_ours(row.rule, c, np.float32)
    assert all(p.dtype == np.float32 for p in ours)
    assert courses.distance(ours, courses.run_longhand(row.longhand, c)) <= 1e-5


def test_on_a_gpu_it_follows_its_formula(row, cuda):
    c = courses.course(row.draw, seed=1, steps=10, shapes=row.shapes)
    params = courses.leaves(c.starts, device=cuda)
    courses.advance(courses.make(row.rule, params, c), params, c, range(10))
    assert all(p.device.type == "cuda" for p in params)
    assert courses.distance(courses.values(params), courses.run_longhand(row.longhand, c)) <= 1e-12


def test_its_defaults_are_those_of_torch(torch, torch_row):
    theirs = getattr(torch.optim, torch_row.torch_name)([torch.zeros(torch_row.shapes[0])]).defaults
    ours, own = torch_row.rule([mg.zeros(*torch_row.shapes[0])]).defaults, torch_row.rule.beyond_torch
    assert ours == {name: own[name] if name in own else theirs[name] for name in ours}
    assert not own.keys() & theirs.keys()


# ------------------------------------------------------------------------------------------------- stop and go on


def whole_and_half(row, seed=3):
    """20 steps at a stretch, and what there is after the first 10 of them."""
    c = courses.course(row.draw, seed, steps=20, shapes=row.shapes)
    params = courses.leaves(c.starts)
    optimizer = courses.make(row.rule, params, c)
    courses.advance(optimizer, params, c, range(10))
    return c, courses.run_ours(row.rule, c), optimizer, params


@pytest.mark.parametrize("seed", range(4))
def test_saved_and_loaded_it_goes_on_bit_for_bit(row, seed):
    c, expected, optimizer, params = whole_and_half(row, seed)
    file = io.BytesIO()
    np.savez(file, **optim.to_arrays(optimizer.state_dict()))
    restarted = courses.leaves(courses.values(params))
    others = courses.course(row.draw, seed + 100, shapes=row.shapes)  # hyper-parameters, that is
    fresh = courses.make(row.rule, restarted, others)
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        fresh.load_state_dict(optim.from_arrays(arrays))
    courses.advance(fresh, restarted, c, range(10, 20))
    assert courses.same_bits(courses.values(restarted), expected)


def test_in_a_new_process_they_go_on_bit_for_bit(tmp_path):
    expected = {}
    for name, row in ROWS.items():
        _, expected[name], optimizer, params = whole_and_half(row)
        np.savez(tmp_path / f"{name}.npz", **optim.to_arrays([courses.values(params), optimizer.state_dict()]))
    command = [sys.executable, "-c", f"from tests.optim import test_rules; test_rules.go_on({str(tmp_path)!r})"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    for name in ROWS:
        with np.load(tmp_path / f"{name} at the end.npz", allow_pickle=False) as arrays:
            assert courses.same_bits(optim.from_arrays(arrays), expected[name]), name


def go_on(folder):
    """The second half of what the test above began, from what it saved."""
    for name, row in ROWS.items():
        with np.load(Path(folder, f"{name}.npz"), allow_pickle=False) as arrays:
            starts, state = optim.from_arrays(arrays)
        c = courses.course(row.draw, 3, steps=20, shapes=row.shapes)
        params = courses.leaves(starts)
        optimizer = courses.make(row.rule, params, c)
        optimizer.load_state_dict(state)
        courses.advance(optimizer, params, c, range(10, 20))
        np.savez(Path(folder, f"{name} at the end.npz"), **optim.to_arrays(courses.values(params)))


def test_a_copy_of_parameters_and_optimizer_goes_on_bit_for_bit_and_alone(row):
    for copied in (copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))):
        c, expected, optimizer, params = whole_and_half(row)
        before = courses.values(params)
        others, other = copied((params, optimizer))
        courses.advance(other, others, c, range(10, 20))
        assert courses.same_bits(courses.values(others), expected)
        assert courses.same_bits(courses.values(params), before)
        courses.advance(optimizer, params, c, range(10, 20))
        assert courses.same_bits(courses.values(params), expected)


@pytest.mark.parametrize("seed", range(4))
def test_it_takes_over_from_torch(torch, torch_row, seed):
    c = courses.course(torch_row.draw_for_torch, seed, steps=20, shapes=torch_row.shapes)
    theirs = courses.torch_leaves(torch, c.starts)
    oracle = courses.make_torch(torch, torch_row.torch_name, theirs, c)
    courses.advance_torch(torch, oracle, theirs, c, range(10))
    ours = courses.leaves([p.detach().numpy() for p in theirs])
    optimizer = torch_row.rule([{"params": ours[: courses.SPLIT]}, {"params": ours[courses.SPLIT :]}])
    optimizer.load_state_dict(with_arrays(oracle.state_dict(), lambda x: x.numpy() if torch.is_tensor(x) else x))
    courses.advance(optimizer, ours, c, range(10, 20))
    courses.advance_torch(torch, oracle, theirs, c, range(10, 20))
    distance = courses.distance(courses.values(ours), [p.detach().numpy() for p in theirs])
    assert distance <= torch_row.torch_tolerance


@pytest.mark.parametrize("seed", range(4))
def test_torch_takes_over_from_it(torch, torch_row, seed):
    c = courses.course(torch_row.draw_for_torch, seed, steps=20, shapes=torch_row.shapes)
    ours = courses.leaves(c.starts)
    optimizer = courses.make(torch_row.rule, ours, c)
    courses.advance(optimizer, ours, c, range(10))
    theirs = courses.torch_leaves(torch, courses.values(ours))
    oracle = getattr(torch.optim, torch_row.torch_name)(
        [{"params": theirs[: courses.SPLIT]}, {"params": theirs[courses.SPLIT :]}]
    )
    oracle.load_state_dict(
        with_arrays(optimizer.state_dict(), lambda x: torch.tensor(x.numpy()) if isinstance(x, mg.Tensor) else x)
    )
    courses.advance(optimizer, ours, c, range(10, 20))
    courses.advance_torch(torch, oracle, theirs, c, range(10, 20))
    distance = courses.distance([p.detach().numpy() for p in theirs], courses.values(ours))
    assert distance <= torch_row.torch_tolerance


def with_arrays(state, convert):
    if isinstance(state, dict):
        return {key: with_arrays(part, convert) for key, part in state.items()}
    return [with_arrays(part, convert) for part in state] if isinstance(state, list) else convert(state)


# -------------------------------------------------------------------------------------------------- wrong settings

WRONG = [-0.5, float("nan"), "0.1", None]


def test_wrong_learning_rates_are_refused(row):
    for lr in WRONG:
        p = mg.ones(*row.shapes[0])
        array = p.array
        with pytest.raises((ValueError, TypeError), match=rf"{row.rule.__name__}: lr "):
            row.rule([p], lr=lr)
        assert p.array is array


def test_a_learning_rate_gone_wrong_stops_the_step_before_it_begins(row):
    for lr in WRONG:
        c, _, optimizer, params = whole_and_half(row)
        before, state = courses.values(params), optim.to_arrays(optimizer.state_dict())
        optimizer.param_groups[1]["lr"] = lr
        with pytest.raises((ValueError, TypeError), match=rf"{row.rule.__name__}: lr "):
            courses.take_step(optimizer, c.losses[10])
        optimizer.param_groups[1]["lr"] = c.settings[9][1]["lr"]
        assert courses.same_bits(courses.values(params), before)
        assert_same_arrays(optim.to_arrays(optimizer.state_dict()), state)


def assert_same_arrays(found, expected):
    assert found.keys() == expected.keys()
    for name in found:
        assert found[name].dtype == expected[name].dtype and found[name].tobytes() == expected[name].tobytes(), name


def test_numpy_numbers_count_as_numbers(row):
    """A learning rate that is np.float32 would otherwise round what the host computes from it."""
    c = courses.course(row.draw, 2, steps=5, shapes=row.shapes)
    rounded = [{**settings, "lr": float(np.float32(settings["lr"]))} for settings in c.settings[0]]
    c.settings = [rounded] * 5
    params = courses.leaves(c.starts)
    optimizer = courses.make(row.rule, params, c)
    for group in optimizer.param_groups:
        group["lr"] = np.float32(group["lr"])
    for gradients, loss in zip(c.gradients, c.losses):
        for p, g in zip(params, gradients):
            p.grad = None if g is None else mg.Tensor(g)
        courses.take_step(optimizer, loss)
    assert courses.same_bits(courses.values(params), courses.run_ours(row.rule, c))
