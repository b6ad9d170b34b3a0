"""Prodigy against its formula over all parameters together, and what every rule promises."""

import copy
import io
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from tests.optim import courses


def coin(rng):
    return bool(rng.random() < 0.5)


def draw(rng):
    """One set for both groups, but for the weight decay: the rest is shared. d0 is such that d grows within a course."""
    return {
        "lr": float(rng.uniform(0.5, 1.5)), "betas": (float(rng.choice([0.0, 0.9])), float(rng.choice([0.9, 0.999]))),
        "beta3": (None, 0.95)[int(coin(rng))], "eps": float(rng.choice([1e-8, 1e-2])),
        "weight_decay": float(rng.choice([0.0, 0.1])), "decouple": coin(rng), "use_bias_correction": coin(rng),
        "safeguard_warmup": coin(rng), "d0": float(rng.choice([1e-6, 1e-2])), "d_coef": float(rng.choice([1.0, 0.5])),
        "growth_rate": float(rng.choice([1.5, math.inf])), "maximize": coin(rng),
    }  # fmt: skip


def course(seed, steps=50, dtype=np.float64):
    """Gradients that point from where the parameters are to a target, so that there is a distance to be found."""
    rng = np.random.default_rng(seed)
    settings = draw(rng)
    c = courses.course(lambda _: settings, seed, steps=steps, dtype=dtype)
    other = {**settings, "weight_decay": float(rng.choice([0.0, 0.2]))}
    c.settings = [[{**one, **settings, "lr": one["lr"]}, {**one, **other, "lr": one["lr"]}] for one, _ in c.settings]
    sign = -1 if settings["maximize"] else 1
    c.gradients = [[None if g is None else sign * (1 + 0.3 * g) for g in step] for step in c.gradients]
    return c


def longhand(c):
    """Mishchenko and Defazio 2023, algorithm 4, as the authors' code has it, over all parameters."""
    first = c.settings[0][0]
    (beta1, beta2), d0 = first["betas"], first["d0"]
    beta3 = math.sqrt(beta2) if first["beta3"] is None else first["beta3"]
    x = [p.copy() for p in c.starts]
    x0, m, v, s = [None] * len(x), [0.0] * len(x), [0.0] * len(x), [0.0] * len(x)
    d = d_max = d0
    numerator, k = 0.0, 0
    for gradients, settings in zip(c.gradients, c.settings):
        h, lr = settings[0], settings[0]["lr"]
        correction = math.sqrt(1 - beta2 ** (k + 1)) / (1 - beta1 ** (k + 1)) if h["use_bias_correction"] else 1
        dlr = d * lr * correction
        gain = denominator = 0.0
        for i, g in enumerate(gradients):
            if g is None:
                continue
            decay = settings[courses.group_of(i)]["weight_decay"]
            g = (-g if h["maximize"] else g) + (0 if h["decouple"] else decay * x[i])
            if x0[i] is None:
                x0[i] = x[i].copy()
            gain += d / d0 * dlr * np.sum(g * (x0[i] - x[i]))
            m[i] = beta1 * m[i] + (1 - beta1) * d * g
            v[i] = beta2 * v[i] + (1 - beta2) * d**2 * g**2
            s[i] = beta3 * s[i] + d / d0 * (d if h["safeguard_warmup"] else dlr) * g
            denominator += np.sum(np.abs(s[i]))
        numerator = beta3 * numerator + gain
        d_hat = h["d_coef"] * numerator / denominator
        if d == d0:
            d = max(d, d_hat)
        d_max = max(d_max, d_hat)
        d = min(d_max, d * h["growth_rate"])
        for i, g in enumerate(gradients):
            if g is not None:
                if h["decouple"]:
                    x[i] = x[i] - settings[courses.group_of(i)]["weight_decay"] * dlr * x[i]
                x[i] = x[i] - dlr * m[i] / (np.sqrt(v[i]) + d * h["eps"])
        k += 1
    return x, d


def run(c, dtype=np.float64, device=None, steps=None):
    params = courses.leaves(c.starts, dtype, device)
    optimizer = courses.make(optim.Prodigy, params, c)
    courses.advance(optimizer, params, c, range(len(c.gradients) if steps is None else steps))
    return params, optimizer


@pytest.mark.parametrize("seed", range(12))
def test_it_follows_its_formula(seed):
    c = course(seed)
    params, optimizer = run(c)
    expected, d = longhand(c)
    assert courses.distance(courses.values(params), expected) <= 1e-12
    assert [group["d"] for group in optimizer.param_groups] == pytest.approx([d, d], rel=1e-12)
    assert optimizer.param_groups[0]["k"] == 50


def test_the_courses_find_a_distance():
    assert sum(longhand(course(seed))[1] > 3 * course(seed).settings[0][0]["d0"] for seed in range(12)) >= 8


@pytest.mark.parametrize("seed", range(4))
def test_in_single_precision_it_stays_near_its_formula(seed):
    """From d0 = 1e-6 the first steps are of the size of float32's rounding, and so is what d is estimated from."""
    c = course(seed)
    c.settings = [[{**group, "d0": 1e-2} for group in step] for step in c.settings]
    params, _ = run(c, np.float32)
    assert courses.distance(courses.values(params), longhand(c)[0]) <= 1e-5


def test_on_a_gpu_it_follows_its_formula(cuda):
    c = course(1, steps=10)
    params, _ = run(c, device=cuda)
    assert all(p.device.type == "cuda" for p in params)
    assert courses.distance(courses.values(params), longhand(c)[0]) <= 1e-12


def test_it_finds_its_way_without_a_learning_rate():
    p = mg.tensor([30.0, -20.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.Prodigy([p])
    for _ in range(300):
        optimizer.zero_grad()
        ((p - 1) ** 2).sum().backward()
        optimizer.step()
    assert np.abs(p.array - 1).max() < 0.5
    assert optimizer.param_groups[0]["d"] > 0.1


# ------------------------------------------------------------------------------------------------- stop and go on


def saved(optimizer):
    file = io.BytesIO()
    np.savez(file, **optim.to_arrays(optimizer.state_dict()))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return optim.from_arrays(arrays)


@pytest.mark.parametrize("seed", range(4))
def test_saved_and_copied_it_goes_on_bit_for_bit(seed):
    c = course(seed, steps=20)
    expected = courses.values(run(c)[0])
    params, optimizer = run(c, steps=10)
    restarted = courses.leaves(courses.values(params))
    fresh = courses.make(optim.Prodigy, restarted, course(seed + 50))
    fresh.load_state_dict(saved(optimizer))
    twins = [copy.deepcopy((params, optimizer)), pickle.loads(pickle.dumps((params, optimizer)))]
    for those, its in [(restarted, fresh), *twins, (params, optimizer)]:
        courses.advance(its, those, c, range(10, 20))
        assert courses.same_bits(courses.values(those), expected)


def test_in_a_new_process_it_goes_on_bit_for_bit(tmp_path):
    c = course(2, steps=20)
    params, optimizer = run(c, steps=10)
    np.savez(tmp_path / "half.npz", **optim.to_arrays([courses.values(params), optimizer.state_dict()]))
    command = [sys.executable, "-c", f"from tests.optim import test_prodigy; test_prodigy.go_on({str(tmp_path)!r})"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    with np.load(tmp_path / "end.npz", allow_pickle=False) as arrays:
        assert courses.same_bits(optim.from_arrays(arrays), courses.values(run(c)[0]))


def go_on(folder):
    with np.load(Path(folder, "half.npz"), allow_pickle=False) as arrays:
        starts, state = optim.from_arrays(arrays)
    c = course(2, steps=20)
    params = courses.leaves(starts)
    optimizer = courses.make(optim.Prodigy, params, c)
    optimizer.load_state_dict(state)
    courses.advance(optimizer, params, c, range(10, 20))
    np.savez(Path(folder, "end.npz"), **optim.to_arrays(courses.values(params)))


# ------------------------------------------------------------------------------------------------------ everything else


def test_halves_and_mixed_dtypes_are_one_problem():
    params = [mg.tensor([3.0, 1.0], dtype=dtype, requires_grad=True) for dtype in (mg.float16, mg.float32, mg.float64)]
    optimizer = optim.Prodigy(params, d0=1e-3)
    for _ in range(40):
        for p in params:
            p.grad = mg.Tensor(p.array.copy())
        optimizer.step()
    halves, singles, doubles = (p.array.astype(np.float64) for p in params)
    np.testing.assert_allclose(singles, doubles, rtol=0, atol=1e-5)  # they began at 3
    np.testing.assert_allclose(halves, doubles, atol=2e-2)
    assert optimizer.state[params[0]]["exp_avg"].dtype == mg.float32


def test_explain_tells_of_the_step_that_is_taken_and_changes_nothing():
    c = course(3, steps=10)
    params, optimizer = run(c, steps=9)
    for p, g in zip(params, c.gradients[9]):
        p.grad = None if g is None else mg.Tensor(g)
    before, state = courses.values(params), optim.to_arrays(optimizer.state_dict())
    told = {(i, index): optimizer.explanation(p, index) for i, p in enumerate(params) for index in np.ndindex(p.shape)}
    assert courses.same_bits(courses.values(params), before)
    found = optim.to_arrays(optimizer.state_dict())
    assert all(found[name].tobytes() == state[name].tobytes() for name in state)
    optimizer.step()
    for (i, index), explanation in told.items():
        assert explanation.before["p"] == before[i][index]
        assert explanation.after["p"] == pytest.approx(params[i].array[index], rel=1e-12)
    assert [call.law.flags for call in told[0, (0, 0)].laws][1:2] == [frozenset()]


def test_groups_may_have_a_rate_of_zero_and_no_other():
    p, q = (mg.tensor([1.0], dtype=mg.float64, requires_grad=True) for _ in range(2))
    optimizer = optim.Prodigy([{"params": [p]}, {"params": [q], "lr": 0.0}])
    for x in (p, q):
        x.grad = mg.ones(1, dtype=mg.float64)
    optimizer.step()
    assert q.item() == 1.0 and p.item() < 1.0
    assert len(optimizer.state) == 1  # q begins when its rate rises
    optimizer.param_groups[1]["lr"] = 0.5
    before = courses.values([p, q])
    with pytest.raises(ValueError, match=r"Prodigy: the groups have the learning rates \[1.0, 0.5\]"):
        optimizer.step()
    assert courses.same_bits(courses.values([p, q]), before)


def test_a_group_that_comes_later_shares_the_estimate():
    p, q = (mg.tensor([1.0], dtype=mg.float64, requires_grad=True) for _ in range(2))
    optimizer = optim.Prodigy([p], d0=0.1)
    p.grad = mg.ones(1, dtype=mg.float64)
    optimizer.step()
    optimizer.add_param_group({"params": [q]})
    assert [group["k"] for group in optimizer.param_groups] == [1, 1]


def test_without_any_gradient_nothing_happens():
    p = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.Prodigy([p])
    optimizer.step()
    p.grad = mg.zeros(1, dtype=mg.float64)
    optimizer.step()
    assert p.item() == 1.0 and optimizer.param_groups[0]["k"] == 0


def test_gradients_that_are_not_finite_are_refused_on_request():
    p = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.Prodigy([p])
    optimizer.error_if_nonfinite = True
    p.grad = mg.tensor([float("nan")], dtype=mg.float64)
    with pytest.raises(FloatingPointError, match="Prodigy: the gradient of parameter 0"):
        optimizer.step()
    assert p.item() == 1.0 and optimizer.state_dict()["state"] == {}


@pytest.mark.parametrize("wrong, error, message", [
    ({"d0": 0}, ValueError, "Prodigy: d0 must be above 0"),
    ({"d_coef": -1}, ValueError, "Prodigy: d_coef must be above 0"),
    ({"growth_rate": float("nan")}, ValueError, "Prodigy: growth_rate is NaN"),
    ({"beta3": 1.0}, ValueError, r"Prodigy: beta3 must be in \[0, 1\)"),
    ({"lr": -1}, ValueError, "Prodigy: lr must not be negative"),
    ({"decouple": 1}, TypeError, "Prodigy: decouple must be True or False"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.Prodigy([mg.ones(1, requires_grad=True)], **wrong)
