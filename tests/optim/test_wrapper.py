"""What Lookahead and SAM share: to whoever uses them they are the optimizer inside, and they stop and go on."""

import copy
import io
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import lr_scheduler
from tests.optim import courses
from tests.optim import test_lr_scheduler as schedules
from tests.optim.rules import ROWS

WRAPPERS = {
    "Lookahead": lambda inner: optim.Lookahead(inner, k=3, alpha=0.375),
    "SAM": lambda inner: optim.SAM(inner, rho=0.25),
    "ASAM": lambda inner: optim.SAM(inner, rho=0.25, adaptive=True, eta=0.01),
    "Lookahead of SAM": lambda inner: optim.Lookahead(optim.SAM(inner, rho=0.25), k=3),
    "SAM of Lookahead": lambda inner: optim.SAM(optim.Lookahead(inner, k=3), rho=0.25),
    "Lookahead of Lookahead": lambda inner: optim.Lookahead(optim.Lookahead(inner, k=2), k=3, alpha=0.375),
}  # fmt: skip
OTHERWISE = {  # the same around other settings, which a state has to put right
    "Lookahead": lambda inner: optim.Lookahead(inner, k=7, alpha=0.125),
    "SAM": lambda inner: optim.SAM(inner, rho=0.5, adaptive=True),
    "ASAM": lambda inner: optim.SAM(inner, rho=0.5),
    "Lookahead of SAM": lambda inner: optim.Lookahead(optim.SAM(inner, rho=0.5), k=4),
    "SAM of Lookahead": lambda inner: optim.SAM(optim.Lookahead(inner, k=4), rho=0.5),
    "Lookahead of Lookahead": lambda inner: optim.Lookahead(optim.Lookahead(inner, k=4), k=5),
}  # fmt: skip
ALL = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
EACH = pytest.mark.parametrize("name", WRAPPERS)


def problem(name="Lookahead", rule=optim.SGD, **settings):
    p = mg.Tensor(np.array([1.0, 2.0]), requires_grad=True)
    p.grad = mg.ones(2, dtype=mg.float64)
    return p, WRAPPERS[name](rule([p], **{"lr": 0.5, **settings}))


def keep_gradient(p, value=1.0):
    def closure():
        p.grad = mg.full((2,), value, dtype=mg.float64)
        return 7.0

    return closure


def advance(optimizer, params, c, steps):
    """Steps on losses whose gradient depends on the place."""
    for t in steps:
        for group, settings in zip(optimizer.param_groups, c.settings[t]):
            group["lr"] = settings["lr"]

        def closure():
            for p, g in zip(params, c.gradients[t]):  # noqa: B023
                p.grad = None if g is None else mg.Tensor(g + 0.5 * np.sin(p.detach().numpy()))
            return c.losses[t]  # noqa: B023

        optimizer.step(closure)


# ------------------------------------------------------------------------------------------------- stop and go on


def whole_and_half(name, row, seed=3):
    """20 steps at a stretch, and what there is after the first 10 of them: in the middle of a period of 3 steps."""
    c = courses.course(row.draw, seed, steps=20, shapes=row.shapes)
    whole = courses.leaves(c.starts)
    advance(WRAPPERS[name](courses.make(row.rule, whole, c)), whole, c, range(20))
    params = courses.leaves(c.starts)
    optimizer = WRAPPERS[name](courses.make(row.rule, params, c))
    advance(optimizer, params, c, range(10))
    return c, courses.values(whole), optimizer, params


def through_a_file(state):
    file = io.BytesIO()
    np.savez(file, **optim.to_arrays(state))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return optim.from_arrays(arrays)


@EACH
@ALL
def test_saved_and_loaded_it_goes_on_bit_for_bit(name, row):
    c, expected, optimizer, params = whole_and_half(name, row)
    restarted = courses.leaves(courses.values(params))
    others = courses.course(row.draw, 103, shapes=row.shapes)  # hyper-parameters, that is
    fresh = OTHERWISE[name](courses.make(row.rule, restarted, others))
    advance(fresh, restarted, others, range(4))  # something to forget
    fresh.load_state_dict(through_a_file(optimizer.state_dict()))
    with mg.no_grad():
        for p, place in zip(restarted, courses.values(params)):
            p.copy_(mg.Tensor(place))
    advance(fresh, restarted, c, range(10, 20))
    assert courses.same_bits(courses.values(restarted), expected)


@pytest.mark.slow
def test_in_a_new_process_they_go_on_bit_for_bit(tmp_path):
    expected = {}
    for kind in WRAPPERS:
        for name, row in ROWS.items():
            _, expected[f"{name} in {kind}"], optimizer, params = whole_and_half(kind, row)
            arrays = optim.to_arrays([courses.values(params), optimizer.state_dict()])
            np.savez(tmp_path / f"{name} in {kind}.npz", **arrays)
    command = [sys.executable, "-c", f"from tests.optim import test_wrapper; test_wrapper.go_on({str(tmp_path)!r})"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    for name, values in expected.items():
        with np.load(tmp_path / f"{name} at the end.npz", allow_pickle=False) as arrays:
            assert courses.same_bits(optim.from_arrays(arrays), values), name


def go_on(folder):
    """The second half of what the test above began, from what it saved."""
    for kind in WRAPPERS:
        for name, row in ROWS.items():
            with np.load(Path(folder, f"{name} in {kind}.npz"), allow_pickle=False) as arrays:
                starts, state = optim.from_arrays(arrays)
            c = courses.course(row.draw, 3, steps=20, shapes=row.shapes)
            params = courses.leaves(starts)
            optimizer = OTHERWISE[kind](courses.make(row.rule, params, c))
            optimizer.load_state_dict(state)
            advance(optimizer, params, c, range(10, 20))
            np.savez(Path(folder, f"{name} in {kind} at the end.npz"), **optim.to_arrays(courses.values(params)))


@EACH
@pytest.mark.parametrize("rule", ["Adam", "NAG", "Muon"])
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))], ids=["deepcopy", "pickle"]
)
def test_a_copy_of_parameters_and_optimizer_goes_on_bit_for_bit_and_alone(name, rule, copied):
    c, expected, optimizer, params = whole_and_half(name, ROWS[rule])
    before, state = courses.values(params), optim.to_arrays(optimizer.state_dict())
    others, other = copied((params, optimizer))
    advance(other, others, c, range(10, 20))
    assert courses.same_bits(courses.values(others), expected)
    assert courses.same_bits(courses.values(params), before)
    after = optim.to_arrays(optimizer.state_dict())
    assert after.keys() == state.keys() and all(after[key].tobytes() == state[key].tobytes() for key in state)
    advance(optimizer, params, c, range(10, 20))
    assert courses.same_bits(courses.values(params), expected)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))])
def test_a_copy_on_a_gpu_goes_on(copied, cuda):
    p = mg.tensor([4.0, 8.0], device=cuda, requires_grad=True)
    optimizer = optim.Lookahead(optim.SGD([p], lr=1.0), k=2, alpha=0.25)
    p.grad = mg.ones(2, device=cuda)
    optimizer.step()
    q, other = copied((p, optimizer))
    assert type(other.state[q]["slow"].array) is np.ndarray  # so that it can be loaded where there is no GPU
    q.grad = mg.ones(2, device=cuda)
    other.step()
    assert q.tolist() == [3.5, 7.5] and p.tolist() == [3.0, 7.0] and q.device.type == "cuda"


def test_loading_is_of_values():
    p, optimizer = problem()
    optimizer.step()
    q, other = problem()
    other.load_state_dict(optimizer.state_dict())
    other.state[q]["slow"].fill_(0.0)
    assert optimizer.state[p]["slow"].tolist() == [1.0, 2.0]


def test_loading_a_state_from_before_the_first_step_forgets():
    p, optimizer = problem()
    before = optimizer.state_dict()
    optimizer.step()
    optimizer.load_state_dict(before)
    assert len(optimizer.state) == 0


# ----------------------------------------------------------------------------------------------- as the one inside


@EACH
def test_groups_state_and_defaults_are_those_inside(name):
    p, optimizer = problem(name, optim.Adam)
    inner = optimizer
    while hasattr(inner, "optimizer"):
        inner = inner.optimizer
    assert isinstance(optimizer, optim.Optimizer) and type(inner) is optim.Adam
    assert optimizer.param_groups is inner.param_groups and optimizer.defaults is inner.defaults
    assert optimizer.step(keep_gradient(p)) == 7.0
    assert {"step", "exp_avg", "exp_avg_sq"} <= optimizer.state[p].keys()
    assert optimizer.state[p]["exp_avg"].array is not None and inner.state[p]["step"].item() == 1.0
    optimizer.add_param_group({"params": [mg.ones(3)], "lr": 0.25})
    assert [group["lr"] for group in inner.param_groups] == [0.5, 0.25]
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_what_the_wrapper_remembers_stands_beside_it():
    p, optimizer = problem(rule=optim.Adam)
    optimizer.step()
    assert set(optimizer.state[p]) == {"step", "exp_avg", "exp_avg_sq", "slow", "steps_since_jump"}
    with pytest.raises(TypeError):
        optimizer.state[p]["slow"] = mg.zeros(2)


@EACH
def test_its_settings_and_the_inner_rule_are_shown(name):
    _, optimizer = problem(name)
    shown = repr(optimizer)
    assert shown.endswith(repr(optim.SGD([mg.ones(2)], lr=0.5)))
    expected = {
        "Lookahead": "Lookahead (k=3, alpha=0.375) around SGD (\n",
        "SAM": "SAM (rho=0.25, adaptive=False, eta=0.0) around SGD (\n",
        "SAM of Lookahead": "SAM (rho=0.25, adaptive=False, eta=0.0) around Lookahead (k=3, alpha=0.5) around SGD (\n",
    }
    assert shown.startswith(expected.get(name, "")) and "\nParameter Group 0\n" in shown


@EACH
def test_hooks_run_around_its_step_and_the_inner_one(name):
    p, optimizer = problem(name)
    seen = []
    for level, each in (("outer", optimizer), ("inner", optimizer.optimizer)):
        each.register_step_pre_hook(lambda o, args, kwargs, level=level: seen.append((level, "before", p.tolist())))
        each.register_step_post_hook(lambda o, args, kwargs, level=level: seen.append((level, "after", p.tolist())))
    optimizer.step(keep_gradient(p))
    assert [entry[:2] for entry in seen] == [
        ("outer", "before"), ("inner", "before"), ("inner", "after"), ("outer", "after"),
    ]  # fmt: skip
    assert [entry[2] for entry in seen] == [[1.0, 2.0], [1.0, 2.0], [0.5, 1.5], [0.5, 1.5]]
    assert optimizer.has_stepped and optimizer.optimizer.has_stepped


def test_hooks_may_be_removed_and_are_not_copied():
    p, optimizer = problem()
    seen = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(1))
    handle = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(2))
    handle.remove()
    optimizer.step()
    q, other = copy.deepcopy((p, optimizer))
    q.grad = mg.ones(2, dtype=mg.float64)
    other.step()
    assert seen == [1] and q.tolist() == [0.0, 1.0]


@EACH
def test_gradients_that_are_not_finite_are_refused_if_so_asked(name):
    p, optimizer = problem(name)
    optimizer.error_if_nonfinite = True
    assert optimizer.error_if_nonfinite and optimizer.optimizer.error_if_nonfinite
    with pytest.raises(FloatingPointError, match="the gradient of parameter 0"):
        optimizer.step(keep_gradient(p, np.inf))
    assert p.tolist() == [1.0, 2.0] and not optimizer.state


def test_it_needs_a_closure_where_the_inner_rule_does():
    _, optimizer = problem(rule=optim.NAG)
    assert optimizer.needs_closure == optim.NAG.needs_closure
    with pytest.raises(TypeError, match="NAG: the gradient is taken after a jump"):
        optimizer.step()
    assert problem()[1].needs_closure == "" and problem("SAM")[1].needs_closure == optim.SAM.needs_closure


@EACH
def test_a_hyper_parameter_gone_wrong_stops_the_step_before_it_begins(name):
    p, optimizer = problem(name)
    optimizer.param_groups[0]["lr"] = -1.0
    with pytest.raises(ValueError, match="SGD: lr must not be negative"):
        optimizer.step(keep_gradient(p))
    assert p.tolist() == [1.0, 2.0] and not optimizer.state


# --------------------------------------------------------------------------------------------------------- schedules


class Stepped:
    """An optimizer whose step() needs nothing: schedulers' courses call it so."""

    def __init__(self, optimizer):
        self.optimizer, self.param_groups = optimizer, optimizer.param_groups

    def step(self):
        self.optimizer.step(lambda: 0.0)


class Wrapping(schedules.Side):
    def __init__(self, name):
        super().__init__(mg)
        self.name = name

    def optimizer(self, seed, rule=None):
        return WRAPPERS[self.name](super().optimizer(seed, rule))


@EACH
@pytest.mark.parametrize("schedule", schedules.ALL)
def test_every_schedule_takes_it(name, schedule):
    for seed in (0, 1):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as: the optimizer has not taken a step
            optimizer, scheduler = schedules.make_any(Wrapping(name), schedule, seed)
            found = schedules.course(Stepped(optimizer), scheduler, 20)
        assert found == schedules.course(*schedules.make_any(schedules.OURS, schedule, seed), 20)


@EACH
def test_a_plateau_is_seen(name):
    p, optimizer = problem(name)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    for _ in range(2):
        scheduler.step(1.0)
    assert optimizer.param_groups[0]["lr"] == 0.05


# ---------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("wrap", [optim.Lookahead, optim.SAM])
def test_what_it_cannot_wrap(wrap):
    p = mg.ones(2)
    with pytest.raises(TypeError, match=f"{wrap.__name__}: optimizer must be an Optimizer, not a list"):
        wrap([p])
    with pytest.raises(ValueError, match=f"{wrap.__name__}: LBFGS cannot be wrapped: .* wrap another rule"):
        wrap(optim.LBFGS([p]))
    with pytest.raises(ValueError, match="LBFGS cannot be wrapped"):
        wrap(optim.Lookahead(optim.LBFGS([p])))


def test_states_that_do_not_fit_are_refused_and_change_nothing():
    p, optimizer = problem()
    optimizer.step()
    state, before = optimizer.state_dict(), optim.to_arrays(optimizer.state_dict())
    inner = state["optimizer"]
    cases = [
        (3, TypeError, "Lookahead: a state_dict is a dict of 'optimizer', 'settings' and 'state'.* got int"),
        (inner, TypeError, r"got \['param_groups', 'state'\]. What the inner .* goes to .optimizer.load_state_dict"),
        (problem("SAM")[1].state_dict(), ValueError, r"settings \['adaptive', 'eta', 'rho'\], not \['alpha', 'k'\]"),
        ({**state, "settings": {"k": 0, "alpha": 0.5}}, ValueError, "k must be at least 1, got 0"),
        ({**state, "state": {5: state["state"][0]}}, ValueError, r"has state for \[5\], which are in none"),
        ({**state, "optimizer": {**inner, "param_groups": []}, "settings": {"k": 9, "alpha": 0.5}, "state": {}},
         ValueError, "SGD: the state_dict has groups of"),
    ]  # fmt: skip
    for case, error, match in cases:
        with pytest.raises(error, match=match):
            optimizer.load_state_dict(case)
        after = optim.to_arrays(optimizer.state_dict())
        assert after.keys() == before.keys() and all(after[key].tobytes() == before[key].tobytes() for key in after)
    _, sam = problem("SAM")
    state = sam.state_dict()
    with pytest.raises(ValueError, match=r"SAM: the state of parameter 0 has \['slow'\], which are unknown"):
        sam.load_state_dict({**state, "state": {0: {"slow": np.ones(2)}}})
