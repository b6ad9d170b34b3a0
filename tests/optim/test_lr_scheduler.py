"""Schedules of the learning rate, against PyTorch's: every value, to the last bit."""

import copy
import inspect
import io
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import lr_scheduler

STEPS = 60
SEEDS = range(12)

# Each draws the arguments after the optimizer: make(rng, groups) returns the keywords. Functions work for both sides.


def choose(rng, *values):
    value = values[rng.integers(len(values))]
    return value(rng) if callable(value) else value


def real(low, high):
    return lambda rng: float(rng.uniform(low, high))


def each(rng, groups, low, high):
    """A number for all groups, or a list with one for each."""
    values = [float(value) for value in rng.uniform(low, high, size=groups)]
    return choose(rng, values, values[0])


class Power:
    """A callable with something to remember, where a lambda has nothing."""

    def __init__(self, base):
        self.base = base

    def __call__(self, t):
        return self.base**t


def functions(rng, groups):
    rate = float(rng.uniform(0.8, 1.1))
    listed = [lambda t, i=i: rate / (1 + i * t) for i in range(groups)]
    return choose(rng, listed, lambda rng: lambda t: rate**t, lambda rng: Power(rate))


def draw_cyclic(rng, groups):
    custom = choose(rng, None, None, lambda rng: lambda x: 1 / (1 + x), lambda rng: Power(0.9))
    return {
        "base_lr": each(rng, groups, 0.01, 0.1), "max_lr": each(rng, groups, 0.1, 1),
        "step_size_up": int(rng.integers(1, 15)), "step_size_down": choose(rng, None, int(rng.integers(1, 15))),
        "mode": choose(rng, "triangular", "triangular2", "exp_range"), "gamma": float(rng.uniform(0.9, 1)),
        "scale_fn": custom, "scale_mode": choose(rng, "cycle", "iterations"),
        "cycle_momentum": bool(rng.random() < 0.7),
        "base_momentum": each(rng, groups, 0.5, 0.8), "max_momentum": each(rng, groups, 0.8, 0.95),
    }  # fmt: skip


def draw_one_cycle(rng, groups):
    total = int(rng.integers(STEPS, 90))
    length = choose(rng, {"total_steps": total}, {"epochs": 7, "steps_per_epoch": total // 7 + 1})
    return {
        **length, "max_lr": each(rng, groups, 0.1, 1), "pct_start": choose(rng, 0.0, 0.25, real(0.1, 0.45)),
        "anneal_strategy": choose(rng, "cos", "linear"), "cycle_momentum": bool(rng.random() < 0.7),
        "base_momentum": each(rng, groups, 0.5, 0.8), "max_momentum": each(rng, groups, 0.8, 0.95),
        "div_factor": float(rng.uniform(1, 30)), "final_div_factor": float(rng.uniform(1, 1e4)),
        "three_phase": bool(rng.random() < 0.5),
    }  # fmt: skip


DRAWS = {
    "LambdaLR": lambda rng, n: {"lr_lambda": functions(rng, n)},
    "MultiplicativeLR": lambda rng, n: {"lr_lambda": functions(rng, n)},
    "StepLR": lambda rng, n: {"step_size": int(rng.integers(1, 20)), "gamma": float(rng.uniform(0.1, 1.1))},
    "MultiStepLR": lambda rng, n: {
        "milestones": [int(m) for m in rng.integers(1, 50, size=4)] + [7, 7], "gamma": float(rng.uniform(0.1, 1))
    },
    "ConstantLR": lambda rng, n: {"factor": float(rng.uniform(0.1, 1)), "total_iters": int(rng.integers(0, 30))},
    "LinearLR": lambda rng, n: {
        "start_factor": float(rng.uniform(0.1, 1)), "end_factor": choose(rng, 0.0, 1.0, real(0, 1)),
        "total_iters": int(rng.integers(1, 80)),
    },
    "ExponentialLR": lambda rng, n: {"gamma": float(rng.uniform(0.8, 1.05))},
    "PolynomialLR": lambda rng, n: {
        "total_iters": int(rng.integers(1, 80)), "power": choose(rng, 0.0, 1.0, 2.0, real(0.1, 3))
    },
    "CosineAnnealingLR": lambda rng, n: {
        "T_max": int(rng.integers(1, 40)), "eta_min": choose(rng, 0.0, real(0.001, 0.05))
    },
    "CosineAnnealingWarmRestarts": lambda rng, n: {
        "T_0": int(rng.integers(2, 15)), "T_mult": int(rng.integers(1, 4)),
        "eta_min": choose(rng, 0.0, real(0.001, 0.05)),
    },
    "CyclicLR": draw_cyclic,
    "OneCycleLR": draw_one_cycle,
    "SWALR": lambda rng, n: {
        "swa_lr": each(rng, n, 0.01, 0.5), "anneal_epochs": choose(rng, 1, lambda rng: int(rng.integers(2, 50))),
        "anneal_strategy": choose(rng, "cos", "linear"),
    },
}  # fmt: skip
CLOSED = ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR"]
ELSEWHERE = {"SWALR"}  # in swa_utils
OTHERS = {"ReduceLROnPlateau", "ChainedScheduler", "SequentialLR", "LRScheduler"}


class Side:
    """minigrad, or PyTorch: optimizers of three groups with the same rates."""

    def __init__(self, package):
        self.package, self.optim = package, package.optim
        self.schedules = package.optim.lr_scheduler

    def schedule(self, name):
        return getattr(self.optim.swa_utils if name in ELSEWHERE else self.schedules, name)

    def optimizer(self, seed, rule=None):
        rng = np.random.default_rng(seed)
        rule = rule or ("SGD" if seed % 2 else "Adam")
        momentum = {"momentum": 0.9} if rule == "SGD" else {}
        groups = [{"params": [self.package.zeros(1)], "lr": float(rng.uniform(0.1, 1))} for _ in range(3)]
        return getattr(self.optim, rule)(groups, lr=0.5, **momentum)


OURS = Side(mg)


@pytest.fixture
def theirs(torch):
    return Side(torch)


def make(side, name, seed, rule=None):
    """(optimizer, scheduler): the same for each side."""
    optimizer = side.optimizer(seed, rule)
    keywords = DRAWS[name](np.random.default_rng(1000 + seed), 3)
    return optimizer, side.schedule(name)(optimizer, **keywords)


def seen(optimizer, scheduler):
    """Everything that a schedule is to set."""
    groups = [[group["lr"], group.get("momentum"), group.get("betas")] for group in optimizer.param_groups]
    return groups, list(scheduler.get_last_lr()), getattr(scheduler, "last_epoch", None)


def course(optimizer, scheduler, steps=STEPS, tinker=False):
    course = [seen(optimizer, scheduler)]
    for t in range(steps):
        optimizer.step()
        if tinker and t % 11 == 5:  # changes by hand are kept, unless a schedule computes its rates from the first
            optimizer.param_groups[1]["lr"] *= 0.75
        scheduler.step()
        course.append(seen(optimizer, scheduler))
    return course


# ------------------------------------------------------------------------------------------------------------ the list


def test_everything_in_torch_is_here_and_tested(torch):
    assert set(torch.optim.lr_scheduler.__all__) <= set(lr_scheduler.__all__)
    assert DRAWS.keys() | OTHERS == set(lr_scheduler.__all__) | ELSEWHERE


@pytest.mark.parametrize("name", sorted(DRAWS.keys() | OTHERS))
def test_the_signature_is_that_of_torch(theirs, name):
    expected, ours = (
        [(p.name, p.default, p.kind) for p in inspect.signature(side.schedule(name)).parameters.values()]
        for side in (theirs, OURS)
    )
    assert ours == expected


# -------------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("tinker", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", DRAWS)
def test_the_values_are_those_of_torch(theirs, name, seed, tinker):
    expected = course(*make(theirs, name, seed), tinker=tinker)
    assert course(*make(OURS, name, seed), tinker=tinker) == expected
    assert len({str(values[0]) for values in expected}) > 1 or name in ("ConstantLR", "LinearLR", "PolynomialLR")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CLOSED)
def test_the_closed_forms_are_those_of_torch(theirs, name, seed):
    epochs = np.random.default_rng(seed).integers(0, 70, size=12)
    courses = []
    for side in (OURS, theirs):
        optimizer, scheduler = make(side, name, seed)
        optimizer.step()
        values = []
        for epoch in epochs:
            with pytest.warns(UserWarning):
                scheduler.step(int(epoch))
            values.append(seen(optimizer, scheduler))
        courses.append(values)
    assert courses[0] == courses[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_warm_restarts_by_fractions_of_an_epoch(theirs, seed):
    rng = np.random.default_rng(seed)
    epochs = [float(epoch) for epoch in rng.uniform(0, 60, size=20)]
    courses = []
    for side in (OURS, theirs):
        optimizer, scheduler = make(side, "CosineAnnealingWarmRestarts", seed)
        values = []
        for epoch in epochs:
            scheduler.step(epoch)
            values.append(seen(optimizer, scheduler))
            scheduler.step()
            values.append(seen(optimizer, scheduler))
        courses.append(values)
    assert courses[0] == courses[1]


@pytest.mark.parametrize("T_mult", [2, 3, 5])
def test_warm_restarts_begin_where_a_period_ends(T_mult):
    ends = [sum(T_mult**k for k in range(n)) for n in range(1, 6)]
    for end in ends:
        optimizer = OURS.optimizer(1)
        rates = [group["lr"] for group in optimizer.param_groups]
        lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 1, T_mult).step(end)
        assert [group["lr"] for group in optimizer.param_groups] == rates, end


@pytest.mark.parametrize("last_epoch", [0, 3, 20])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", DRAWS)
def test_going_on_after_an_epoch(theirs, name, seed, last_epoch):
    courses = []
    for side in (OURS, theirs):
        optimizer, _ = make(side, name, seed)
        keywords = DRAWS[name](np.random.default_rng(1000 + seed), 3)
        resumed = side.schedule(name)(optimizer, **keywords, last_epoch=last_epoch)
        courses.append(course(optimizer, resumed, 30))
    assert courses[0] == courses[1]


@pytest.mark.parametrize("name", sorted(DRAWS.keys() - {"CyclicLR", "OneCycleLR"}))
def test_going_on_needs_the_initial_rates(name):
    optimizer = OURS.optimizer(1)
    with pytest.raises(KeyError, match=r"param_groups\[0\] needs an 'initial_lr'; load the optimizer's state first"):
        OURS.schedule(name)(optimizer, **DRAWS[name](np.random.default_rng(0), 3), last_epoch=4)


# --------------------------------------------------------------------------------------------------------- on plateaus


def draw_plateau(rng):
    return {
        "mode": choose(rng, "min", "max"), "factor": float(rng.uniform(0.1, 0.9)), "patience": int(rng.integers(0, 4)),
        "threshold": choose(rng, 1e-4, real(0.01, 0.2)), "threshold_mode": choose(rng, "rel", "abs"),
        "cooldown": int(rng.integers(0, 4)), "min_lr": each(rng, 3, 0, 0.1), "eps": choose(rng, 1e-8, 0.01),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_on_plateaus_the_values_are_those_of_torch(theirs, seed):
    rng = np.random.default_rng(seed)
    keywords = draw_plateau(rng)
    measures = np.abs(1 + 0.3 * rng.normal(size=STEPS))
    measures[rng.integers(STEPS, size=2)] = [math.nan, math.inf]
    courses = []
    for side in (OURS, theirs):
        optimizer = side.optimizer(seed)
        scheduler = side.schedules.ReduceLROnPlateau(optimizer, **keywords)
        values = []
        for measure in measures:
            scheduler.step(side.package.tensor(measure, dtype=side.package.float64))
            values.append((seen(optimizer, scheduler), scheduler.best, scheduler.num_bad_epochs, scheduler.in_cooldown))
        courses.append(values)
    assert repr(courses[0]) == repr(courses[1])  # repr: a NaN equals itself
    assert courses[0][0][0][0] != courses[0][-1][0][0]  # something was reduced


def test_on_plateaus_groups_may_be_added():
    optimizer = OURS.optimizer(1)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.3, factor=0.01)
    listed = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.1] * 3)
    optimizer.add_param_group({"params": [mg.zeros(2)], "lr": 0.9})
    for measure in (1.0, 2.0):
        scheduler.step(measure)
    assert optimizer.param_groups[3]["lr"] == 0.3
    listed.step(1.0)
    with pytest.raises(ValueError, match="min_lr lists 3 values, but the optimizer has 4 groups now"):
        listed.step(2.0)
    assert (listed.last_epoch, listed.num_bad_epochs) == (1, 0)


# --------------------------------------------------------------------------------------------------- made of schedulers


def chain(side, seed):
    s = side.schedules
    optimizer = side.optimizer(seed)
    rng = np.random.default_rng(seed)
    gamma = float(rng.uniform(0.8, 1))
    parts = [
        s.ConstantLR(optimizer, factor=0.25, total_iters=9), s.ExponentialLR(optimizer, gamma=gamma),
        s.MultiplicativeLR(optimizer, lambda t: 1 / (1 + 0.01 * t)), s.StepLR(optimizer, 13),
    ]  # fmt: skip
    return optimizer, s.ChainedScheduler(parts, optimizer=optimizer if seed % 2 else None)


def sequence(side, seed):
    s = side.schedules
    optimizer = side.optimizer(seed)
    rng = np.random.default_rng(seed)
    makers = [
        lambda: s.LinearLR(optimizer, 0.1, total_iters=8), lambda: s.ExponentialLR(optimizer, 0.93),
        lambda: s.CosineAnnealingLR(optimizer, 9, 0.01), lambda: s.StepLR(optimizer, 4),
        lambda: s.MultiStepLR(optimizer, [2, 5]),
        lambda: s.ConstantLR(optimizer, 0.5, 3), lambda: s.PolynomialLR(optimizer, 12, 2.0),
        lambda: s.CosineAnnealingWarmRestarts(optimizer, 3, 2), lambda: s.LambdaLR(optimizer, lambda t: 0.9**t),
        lambda: s.MultiplicativeLR(optimizer, lambda t: 0.95),
        lambda: s.CyclicLR(optimizer, 0.01, 0.3, step_size_up=4, mode="triangular2"),
        lambda: s.OneCycleLR(optimizer, 0.4, total_steps=60),
        lambda: side.optim.swa_utils.SWALR(optimizer, 0.05, anneal_epochs=7),
    ]  # fmt: skip
    parts = [makers[i]() for i in rng.permutation(len(makers))[:4]]
    return optimizer, s.SequentialLR(optimizer, parts, [0 if seed == 5 else 6, 17, 17 if seed == 6 else 31])


@pytest.mark.parametrize("seed", range(8))
def test_chained_schedulers_have_the_values_of_torch(theirs, seed):
    expected = course(*chain(theirs, seed))
    ours = course(*chain(OURS, seed))
    assert [(groups, rates) for groups, rates, _ in ours] == [(groups, rates) for groups, rates, _ in expected]


@pytest.mark.parametrize("seed", range(24))
def test_schedulers_in_sequence_have_the_values_of_torch(theirs, seed):
    assert course(*sequence(OURS, seed)) == course(*sequence(theirs, seed))


def test_chains_and_sequences_may_be_parts_of_a_sequence():
    """In PyTorch they may not, or begin a step early; the expected rates are written out."""
    optimizer = optim.SGD([mg.zeros(1)], lr=1.0)
    s = lr_scheduler
    first = s.SequentialLR(optimizer, [s.ConstantLR(optimizer, 0.5, 10), s.ExponentialLR(optimizer, 0.5)], [2])
    chained = s.ChainedScheduler([s.ConstantLR(optimizer, 0.125, 2), s.ExponentialLR(optimizer, 0.5)])
    last = s.SequentialLR(optimizer, [s.StepLR(optimizer, 1, 0.5), s.LambdaLR(optimizer, lambda t: 3.0)], [2])
    whole = s.SequentialLR(optimizer, [first, chained, last], [4, 8])
    rates = [values[1][0] for values in course(optimizer, whole, 11)]
    assert rates == [0.5, 0.5, 1.0, 0.5] + [0.125, 0.0625, 0.25, 0.125] + [1.0, 0.5, 3.0, 3.0]


def test_a_chain_may_come_first():
    optimizer = optim.SGD([mg.zeros(1)], lr=1.0)
    s = lr_scheduler
    chained = s.ChainedScheduler([s.ConstantLR(optimizer, 0.125, 2), s.ExponentialLR(optimizer, 0.5)])
    whole = s.SequentialLR(optimizer, [chained, s.ConstantLR(optimizer, 0.5, 9)], [3])
    assert [values[1][0] for values in course(optimizer, whole, 4)] == [0.125, 0.0625, 0.25, 0.5, 0.5]


# ------------------------------------------------------------------------------------------------------- stop and go on


def make_any(side, name, seed):
    if name in DRAWS:
        return make(side, name, seed)
    return {"ChainedScheduler": chain, "SequentialLR": sequence}[name](side, seed)


ALL = [*DRAWS, "ChainedScheduler", "SequentialLR"]


def through_a_file(state):
    file = io.BytesIO()
    np.savez(file, **optim.to_arrays(state))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return optim.from_arrays(arrays)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ALL)
def test_saved_and_loaded_it_goes_on_bit_for_bit(name, seed):
    whole = course(*make_any(OURS, name, seed))
    optimizer, scheduler = make_any(OURS, name, seed)
    course(optimizer, scheduler, 20)
    states = through_a_file([optimizer.state_dict(), scheduler.state_dict()])
    # The same functions, which are not saved; but rates and counts that the state has to put right.
    optimizer, scheduler = make_any(OURS, name, seed)
    course(optimizer, scheduler, 3)
    optimizer.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    assert course(optimizer, scheduler, STEPS - 20) == whole[20:]


def test_in_a_new_process_they_go_on_bit_for_bit(tmp_path):
    expected = {}
    for name in ALL:
        expected[name] = course(*make_any(OURS, name, 1), 20)[10:]
        optimizer, scheduler = make_any(OURS, name, 1)
        course(optimizer, scheduler, 10)
        np.savez(tmp_path / f"{name}.npz", **optim.to_arrays([optimizer.state_dict(), scheduler.state_dict()]))
    command = [sys.executable, "-c", f"from tests.optim import test_lr_scheduler as t; t.go_on({str(tmp_path)!r})"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    for name in ALL:
        with np.load(tmp_path / f"{name} at the end.npz", allow_pickle=False) as arrays:
            assert optim.from_arrays(arrays) == expected[name], name


def go_on(folder):
    """The second half of what the test above began, from what it saved."""
    for name in ALL:
        with np.load(Path(folder, f"{name}.npz"), allow_pickle=False) as arrays:
            states = optim.from_arrays(arrays)
        optimizer, scheduler = make_any(OURS, name, 1)
        optimizer.load_state_dict(states[0])
        scheduler.load_state_dict(states[1])
        np.savez(Path(folder, f"{name} at the end.npz"), **optim.to_arrays(course(optimizer, scheduler, 10)))


@pytest.mark.parametrize("name", sorted(DRAWS.keys() - {"LambdaLR", "MultiplicativeLR"}))
def test_the_state_holds_the_settings(name):
    whole = course(*make(OURS, name, 2))
    optimizer, scheduler = make(OURS, name, 2)
    course(optimizer, scheduler, 20)
    states = through_a_file([optimizer.state_dict(), scheduler.state_dict()])
    optimizer, scheduler = make(OURS, name, 4)  # other settings
    optimizer.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    assert course(optimizer, scheduler, STEPS - 20) == whole[20:]


def test_on_plateaus_saved_and_loaded():
    measures = np.abs(1 + 0.3 * np.random.default_rng(3).normal(size=STEPS))
    results = []
    for stop in (False, True):
        optimizer = OURS.optimizer(1)
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, "max", 0.9, 2, cooldown=1)
        for t, measure in enumerate(measures):
            if stop and t == 20:
                states = through_a_file([optimizer.state_dict(), scheduler.state_dict()])
                optimizer = OURS.optimizer(1)
                scheduler = lr_scheduler.ReduceLROnPlateau(optimizer)
                optimizer.load_state_dict(states[0])
                scheduler.load_state_dict(states[1])
            scheduler.step(measure)
        results.append((seen(optimizer, scheduler), scheduler.state_dict()))
    assert results[0] == results[1]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", ALL)
def test_states_are_interchangeable_with_torch(theirs, name, seed):
    for one, other in ((OURS, theirs), (theirs, OURS)):
        whole = course(*make_any(one, name, seed))
        optimizer, scheduler = make_any(one, name, seed)
        course(optimizer, scheduler, 20)
        optimizer2, scheduler2 = make_any(other, name, seed)
        optimizer2.step()
        for group, loaded in zip(optimizer2.param_groups, optimizer.state_dict()["param_groups"]):
            group.update({key: value for key, value in loaded.items() if key != "params"})
        scheduler2.load_state_dict(scheduler.state_dict())
        assert course(optimizer2, scheduler2, STEPS - 20) == whole[20:]


def test_a_state_is_a_copy():
    optimizer, scheduler = chain(OURS, 1)
    state = scheduler.state_dict()
    before = copy.deepcopy(state)
    course(optimizer, scheduler, 5)
    assert state == before
    scheduler.load_state_dict(state)
    course(optimizer, scheduler, 5)
    assert state == before


def test_changing_a_state_changes_no_scheduler():
    optimizer, scheduler = make(OURS, "MultiStepLR", 1)
    before, state = copy.deepcopy(scheduler.state_dict()), scheduler.state_dict()
    for change in (lambda: None, lambda: scheduler.load_state_dict(state)):
        change()
        state["base_lrs"][0] += 1.0
        state["milestones"][3] = 100
        assert scheduler.base_lrs == before["base_lrs"] and scheduler.milestones == before["milestones"]
        state = copy.deepcopy(before)


def test_a_callables_attributes_are_saved_and_a_functions_are_not():
    optimizer = OURS.optimizer(1)
    state = lr_scheduler.LambdaLR(optimizer, [Power(0.5), lambda t: 1.0, math.exp]).state_dict()
    assert state["lr_lambdas"] == [{"base": 0.5}, None, None]
    mine = Power(0.25)
    lr_scheduler.LambdaLR(optimizer, [mine, lambda t: 2.0, math.exp]).load_state_dict(state)
    assert mine.base == 0.5
    scale = Power(0.25)
    cyclic = lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, scale_fn=scale)
    cyclic.load_state_dict({**cyclic.state_dict(), "_scale_fn_custom": {"base": 0.75}})
    assert scale.base == 0.75


@pytest.mark.parametrize("name", ALL)
def test_a_copied_pair_goes_on_by_itself(name):
    optimizer, scheduler = make_any(OURS, name, 1)
    course(optimizer, scheduler, 5)
    optimizer2, scheduler2 = copy.deepcopy((optimizer, scheduler))
    before = seen(optimizer, scheduler)
    copied = course(optimizer2, scheduler2, 20)
    assert seen(optimizer, scheduler) == before
    assert course(optimizer, scheduler, 20) == copied


# ---------------------------------------------------------------------------------------------------------- bad states


def refused(scheduler, state, error, match):
    before = scheduler.state_dict()
    with pytest.raises(error, match=match):
        scheduler.load_state_dict(state)
    assert scheduler.state_dict() == before


def test_states_that_do_not_fit_are_refused():
    _, step = make(OURS, "StepLR", 1)
    _, exponential = make(OURS, "ExponentialLR", 1)
    refused(step, 3, TypeError, "a state_dict is a dict from .*, not a int")
    refused(step, exponential.state_dict(), ValueError, r"lacks \['step_size'\]")
    refused(exponential, step.state_dict(), ValueError, r"has \['step_size'\], which are unknown")
    refused(step, {**step.state_dict(), "base_lrs": [1.0]}, ValueError, r"base_lrs must list 3 values, got \[1.0\]")
    _, chained = chain(OURS, 1)
    state = chained.state_dict()
    refused(chained, {**state, "_schedulers": state["_schedulers"][:2]}, ValueError, "must hold 4 schedulers' states")
    bad = [*state["_schedulers"][:3], {**state["_schedulers"][3], "base_lrs": []}]
    changed = {**state["_schedulers"][0], "last_epoch": 9}
    refused(chained, {**state, "_schedulers": [changed, *bad[1:]]}, ValueError, "StepLR: base_lrs must list 3 values")


# ------------------------------------------------------------------------------------------------------------ warnings


def messages(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [(w.category, str(w.message), w.filename) for w in caught]


def test_a_scheduler_that_steps_first_warns_once():
    optimizer, scheduler = make(OURS, "StepLR", 1)
    ((category, message, filename),) = messages(scheduler.step)
    assert category is UserWarning and "before the optimizer's" in message
    assert filename == __file__
    assert messages(scheduler.step) == []


def test_in_the_right_order_there_is_no_warning():
    for name in ALL:
        optimizer, scheduler = make_any(OURS, name, 1)
        assert messages(lambda: course(optimizer, scheduler, 3)) == [], name  # noqa: B023


def test_get_lr_by_hand_warns():
    _, scheduler = make(OURS, "ExponentialLR", 1)
    ((category, message, filename),) = messages(scheduler.get_lr)
    assert category is UserWarning and "use get_last_lr()" in message
    assert filename == __file__


def test_an_epoch_given_warns():
    optimizer, scheduler = make(OURS, "ExponentialLR", 1)
    optimizer.step()
    assert [m[0] for m in messages(lambda: scheduler.step(3))] == [UserWarning]
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
    ((category, message, filename),) = messages(lambda: plateau.step(1.0, 3))
    assert category is UserWarning and "out of use" in message and filename == __file__
    assert plateau.last_epoch == 3


# ----------------------------------------------------------------------------------------------------------- one's own


class Halves(lr_scheduler.LRScheduler):
    def get_lr(self):
        return [lr * 0.5**self.last_epoch for lr in self.base_lrs]


def test_a_schedule_of_ones_own():
    optimizer = optim.SGD([mg.zeros(1)], lr=1.0)
    rates = [values[1] for values in course(optimizer, Halves(optimizer), 3)]
    assert rates == [[1.0], [0.5], [0.25], [0.125]]
    with pytest.raises(NotImplementedError, match=r"LRScheduler does not state its schedule: override get_lr\(\)"):
        lr_scheduler.LRScheduler(optim.SGD([mg.zeros(1)], lr=1.0))


def test_the_rates_are_used():
    p = mg.tensor([0.0], requires_grad=True)
    p.grad = mg.ones(1)
    optimizer = optim.SGD([p], lr=1.0)
    scheduler = Halves(optimizer)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    assert p.tolist() == [-1.75]


def test_numpys_numbers_become_pythons():
    optimizer = optim.SGD([mg.zeros(1)], lr=np.float32(0.5))
    scheduler = lr_scheduler.StepLR(optimizer, np.int64(2), gamma=np.float64(0.5))
    course(optimizer, scheduler, 4)
    assert type(scheduler.get_last_lr()[0]) is float and scheduler.get_last_lr() == [0.125]
    assert through_a_file(scheduler.state_dict()) == scheduler.state_dict()


def test_the_last_rates_are_a_copy():
    _, scheduler = make(OURS, "StepLR", 1)
    rates = scheduler.get_last_lr()
    scheduler.get_last_lr().clear()
    assert scheduler.get_last_lr() == rates


def test_a_constant_factor_of_zero_can_be_left_again():
    optimizer = optim.SGD([mg.zeros(1)], lr=0.5)
    scheduler = lr_scheduler.ConstantLR(optimizer, 0.0, total_iters=2)
    assert [values[1] for values in course(optimizer, scheduler, 3)] == [[0.0], [0.0], [0.5], [0.5]]


def test_one_cycle_with_a_rise_of_one_step():
    optimizer = optim.SGD([mg.zeros(1)], lr=0.5, momentum=0.5)
    scheduler = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=10, pct_start=0.1, anneal_strategy="linear",
                                        final_div_factor=1.0, div_factor=10.0)  # fmt: skip
    rates = [values[1][0] for values in course(optimizer, scheduler, 9)]
    assert np.allclose(rates, 1 - 0.1 * np.arange(10), rtol=1e-14, atol=0)


# ----------------------------------------------------------------------------------------------------------- bad input


def untouched(optimizer, function, error, match):
    """The call fails so, and the groups stay as they are."""
    before = [dict(group) for group in optimizer.param_groups]
    with pytest.raises(error, match=match):
        function()
    assert optimizer.param_groups == before


BAD = [
    ("StepLR", {"step_size": 0}, ValueError, "step_size must be above 0, got 0"),
    ("StepLR", {"step_size": 2, "gamma": math.nan}, ValueError, "gamma is NaN"),
    ("MultiStepLR", {"milestones": ["a"]}, TypeError, r"milestones\[0\] must be a number, got 'a'"),
    ("ConstantLR", {"factor": 1.5}, ValueError, r"factor must be in \[0, 1\], got 1.5"),
    ("LinearLR", {"start_factor": 0.0}, ValueError, "start_factor must be above 0, got 0.0"),
    ("LinearLR", {"end_factor": -0.5}, ValueError, r"end_factor must be in \[0, 1\], got -0.5"),
    ("ExponentialLR", {"gamma": "a"}, TypeError, "gamma must be a number, got 'a'"),
    ("PolynomialLR", {"power": -1.0}, ValueError, "power must not be negative, got -1.0"),
    ("CosineAnnealingLR", {"T_max": 0}, ValueError, "T_max must be above 0, got 0"),
    ("CosineAnnealingWarmRestarts", {"T_0": 0}, ValueError, "T_0 must be at least 1, got 0"),
    ("CosineAnnealingWarmRestarts", {"T_0": 2.5}, TypeError, "T_0 must be a whole number, got 2.5"),
    ("LambdaLR", {"lr_lambda": [len]}, ValueError, "lr_lambda lists 1 functions, but the optimizer has 3 groups"),
    ("MultiplicativeLR", {"lr_lambda": 3}, TypeError, "lr_lambda must be a function, .* got 3"),
    ("LambdaLR", {"lr_lambda": lambda t: 1 // 0}, ZeroDivisionError, "division"),
    ("ReduceLROnPlateau", {"mode": "low"}, ValueError, "mode must be 'min' or 'max', got 'low'"),
    ("ReduceLROnPlateau", {"factor": 1.0}, ValueError, "factor must be below 1, got 1.0"),
    ("ReduceLROnPlateau", {"threshold_mode": 3}, ValueError, "threshold_mode must be 'rel' or 'abs', got 3"),
    ("ReduceLROnPlateau", {"min_lr": [0.1]}, ValueError, "min_lr has 1 values, but the optimizer has 3 groups"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": [1.0]}, ValueError, "max_lr has 1 values"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "mode": "x"}, ValueError, "mode must be 'triangular', .* got 'x'"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 0}, ValueError, "step_size_up must be above 0, got 0"),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "scale_fn": lambda x: 1 // 0}, ZeroDivisionError, "division"),
    ("OneCycleLR", {"max_lr": 1.0}, ValueError, "pass total_steps, or both epochs and steps_per_epoch"),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 0}, ValueError, "total_steps must be at least 1, got 0"),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 9, "pct_start": 2}, ValueError, "pct_start must be in .*, got 2"),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 9, "anneal_strategy": "x"}, ValueError, "'cos' or 'linear', got 'x'"),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 9, "last_epoch": 3}, KeyError, "needs an 'initial_lr'"),
    ("SWALR", {"swa_lr": [0.1]}, ValueError, "swa_lr has 1 values, but the optimizer has 3 groups"),
    ("SWALR", {"swa_lr": "a"}, TypeError, r"swa_lr\[0\] must be a number, got 'a'"),
    ("SWALR", {"swa_lr": 0.1, "anneal_epochs": -1}, ValueError, "anneal_epochs must be at least 0, got -1"),
    ("SWALR", {"swa_lr": 0.1, "anneal_epochs": 2.5}, TypeError, "anneal_epochs must be a whole number, got 2.5"),
    ("SWALR", {"swa_lr": 0.1, "anneal_strategy": "x"}, ValueError, "'cos' or 'linear', got 'x'"),
    ("SWALR", {"swa_lr": 0.1, "last_epoch": 3}, KeyError, "needs an 'initial_lr'"),
]  # fmt: skip


@pytest.mark.parametrize("name, keywords, error, match", BAD)
def test_bad_values_are_refused_and_change_nothing(name, keywords, error, match):
    optimizer = OURS.optimizer(1)
    untouched(optimizer, lambda: OURS.schedule(name)(optimizer, **keywords), error, match)


@pytest.mark.parametrize("name", DRAWS)
def test_what_is_no_optimizer_is_refused(name):
    keywords = DRAWS[name](np.random.default_rng(0), 3)
    with pytest.raises(TypeError, match=f"{name}: optimizer must be an Optimizer, not a str"):
        OURS.schedule(name)("SGD", **keywords)


def test_momentum_to_cycle_must_be_there():
    class Plain(optim.Optimizer):
        law_name = "sgd"

        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})

    optimizer = Plain([mg.zeros(1)])
    for make in (
        lambda **more: lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, **more),
        lambda **more: lr_scheduler.OneCycleLR(optimizer, 1.0, 9, **more),
    ):
        untouched(optimizer, make, ValueError, "Plain has neither momentum nor betas; pass cycle_momentum=False")
    lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, cycle_momentum=False)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_one_step_too_many_changes_nothing():
    optimizer = OURS.optimizer(1)
    scheduler = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=5)
    course(optimizer, scheduler, 5)
    state = scheduler.state_dict()
    untouched(optimizer, scheduler.step, ValueError, "step 6 is past the end; total_steps is 5")
    assert scheduler.state_dict() == state


def test_a_chain_steps_whole_or_not_at_all():
    optimizer = OURS.optimizer(1)
    parts = [lr_scheduler.ExponentialLR(optimizer, 0.5), lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (2 - t))]
    chained = lr_scheduler.ChainedScheduler(parts)
    course(optimizer, chained, 1)
    state = chained.state_dict()
    untouched(optimizer, chained.step, ZeroDivisionError, "division")
    assert chained.state_dict() == state


def test_a_group_added_later_needs_a_new_scheduler():
    optimizer = OURS.optimizer(1)
    scheduler = lr_scheduler.LambdaLR(optimizer, lambda t: 1.0)
    optimizer.add_param_group({"params": [mg.zeros(2)]})
    optimizer.step()
    untouched(optimizer, scheduler.step, ValueError, "rates for 3 groups, the optimizer has 4 groups now")


def test_schedulers_that_cannot_go_together_are_refused():
    s = lr_scheduler
    optimizer, other = OURS.optimizer(1), OURS.optimizer(3)
    here, there = s.StepLR(optimizer, 3), s.StepLR(other, 3)
    plateau = s.ReduceLROnPlateau(optimizer)
    for make in (s.ChainedScheduler, lambda parts: s.SequentialLR(optimizer, parts, [3] * (len(parts) - 1))):
        untouched(optimizer, lambda: make([]), ValueError, "the list of schedulers is empty")  # noqa: B023
        untouched(optimizer, lambda: make([here, 3]), TypeError, r"schedulers\[1\] is a int")  # noqa: B023
        untouched(optimizer, lambda: make([here, plateau]), ValueError, "ReduceLROnPlateau, whose step")  # noqa: B023
        untouched(optimizer, lambda: make([here, there]), ValueError, "StepLR. works on another")  # noqa: B023
    untouched(optimizer, lambda: s.SequentialLR(optimizer, [here], [3]), ValueError, "1 schedulers need 0 milestones")
    untouched(optimizer, lambda: s.SequentialLR(optimizer, [here] * 3, [3, 2]), ValueError, "must not fall")
    assert here.last_epoch == 0
