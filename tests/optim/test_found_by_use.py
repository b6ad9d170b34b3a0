"""Mistakes that were found by use, each of which a test keeps away."""

import math

import pytest

import minigrad
from minigrad import optim


def parameter(*values, gradient=None):
    p = minigrad.tensor(values, dtype="float64", requires_grad=True)
    p.grad = None if gradient is None else minigrad.tensor(gradient, dtype="float64")
    return p


@pytest.mark.parametrize("names", [[], ["x"], ["x", "y", "z"], "xy"])
def test_names_that_are_not_one_for_each_parameter_are_refused(names):
    p, q = parameter(1.0, gradient=[1.0]), parameter(2.0)
    with pytest.raises(ValueError, match="Lion: param_names must name each of 2 parameters"):
        optim.Lion([{"params": [p, q], "param_names": names}])
    optimizer = optim.Lion([p])
    with pytest.raises(ValueError, match="param_names"):
        optimizer.add_param_group({"params": [q, parameter(3.0)], "param_names": names})
    optimizer.step()
    assert p.item() < 1.0


def test_what_a_law_writes_to_first_is_zero_before(capsys):
    """Not whatever stood in that memory."""
    for rule in (optim.AggMo, optim.LAMB, optim.Prodigy, optim.Adafactor):
        p = parameter([1.0, 2.0], [3.0, 4.0], gradient=[[0.5, -1.0], [2.0, 1.0]])
        before = rule([p]).explanation(p, (0, 0)).before
        assert all(value == 0 for name, value in before.items() if name in ("u", "d")), (rule, before)


def test_each_velocity_of_aggmo_is_told_apart():
    p = parameter(1.0, gradient=[0.5])
    optimizer = optim.AggMo([p], lr=0.1, betas=(0.0, 0.9))
    for _ in range(3):
        optimizer.step()
    found = optimizer.explanation(p, 0)
    slow = -0.5 * (1 + 0.9 + 0.9**2)
    assert found.before["v"] == pytest.approx(-0.5) and found.after["v"] == pytest.approx(-0.5)
    assert found.before["v[2]"] == pytest.approx(slow) and found.after["v[2]"] == pytest.approx(0.9 * slow - 0.5)
    optimizer.step()
    assert found.after["p"] == p.item()


@pytest.mark.parametrize("setting", [
    {"betas": (0.0, 0.5)}, {"beta3": 0.1}, {"d0": 1e-3}, {"d_coef": 100.0}, {"growth_rate": 1.1},
    {"use_bias_correction": True}])
def test_prodigy_refuses_groups_that_differ_in_what_they_share(setting):
    a, b = parameter(1.0, gradient=[1.0]), parameter(2.0, gradient=[1.0])
    optimizer = optim.Prodigy([{"params": [a]}, {"params": [b], **setting}])
    with pytest.raises(ValueError, match=f"Prodigy: the groups have {next(iter(setting))} .*must be the same in all"):
        optimizer.step()
    assert (a.item(), b.item()) == (1.0, 2.0)


def test_prodigy_decays_each_group_in_its_own_way():
    moved = []
    for decouple in (True, False):
        a, b = parameter(1.0, gradient=[1.0]), parameter(2.0, gradient=[1.0])
        group = {"params": [b], "weight_decay": 0.5, "decouple": decouple}
        optimizer = optim.Prodigy([{"params": [a]}, group], d0=1e-2)
        optimizer.step()
        moved.append(b.item())
    assert moved[0] != moved[1]


def test_prodigy_says_why_a_group_rests():
    a, b = parameter(1.0, gradient=[1.0]), parameter(2.0, gradient=[1.0])
    optimizer = optim.Prodigy([{"params": [a]}, {"params": [b], "lr": 0}])
    assert "Its group's learning rate is 0, so a step passes it over." in str(optimizer.explanation(b, 0))
    b.grad = minigrad.tensor([math.nan], dtype="float64")
    optimizer.error_if_nonfinite = True
    assert "learning rate is 0" in str(optimizer.explanation(b, 0))


@pytest.mark.parametrize("spoilt", [
    lambda s: s.update(state=[]), lambda s: s["state"].update({0: None}), lambda s: s["state"].update({0: [1]}),
    lambda s: s.update(param_groups=[1])])
def test_a_state_dict_of_other_types_is_refused(spoilt):
    p = parameter(1.0, gradient=[1.0])
    optimizer = optim.Adam([p])
    optimizer.step()
    state = optimizer.state_dict()
    spoilt(state)
    with pytest.raises(TypeError, match="Adam: '(state|param_groups)' of a state_dict is a"):
        optimizer.load_state_dict(state)


def test_a_number_of_steps_beyond_all_numbers_is_refused():
    p = parameter(1.0, gradient=[1.0])
    optimizer = optim.Adam([p])
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0]["step"] = 10**400
    with pytest.raises(ValueError, match="step"):
        optimizer.load_state_dict(state)
