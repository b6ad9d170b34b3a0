"""A rule of one's own that does not hold together is told so; and promises that only a comment made."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim
from minigrad.optim import Optimizer


def leaf(values, dtype="float64"):
    return minigrad.tensor(np.array(values, dtype), requires_grad=True)


def stepping(rule, **defaults):
    p = leaf([1.0, 2.0])
    optimizer = rule([p], defaults or {"lr": 0.1})
    p.grad = minigrad.ones_like(p)
    return optimizer, p


class Half(Optimizer):
    """Adam that forgot its v."""

    law_name, states = "adam", {"m": "exp_avg"}

    def rule(self, group, age):
        return self.law(), {"lr": 0.1, "c1": 0.1, "c2": 0.1, "eps": 1e-8}


class Mute(Optimizer):
    """Adam that gives no eps."""

    law_name, states = "adam", {"m": "exp_avg", "v": "exp_avg_sq"}

    def rule(self, group, age):
        return self.law(), {"lr": 0.1, "c1": 0.1, "c2": 0.1}


def test_a_law_must_get_all_that_it_takes():
    for rule, message in ((Half, r"Half: the law adam takes .*'v'.*not among Half.states"), (Mute, r"Mute: rule\(\) gives no .*'eps'")):
        optimizer, p = stepping(rule)
        with pytest.raises(TypeError, match=message):
            optimizer.step()
        assert p.tolist() == [1, 2]
    with pytest.raises(ValueError, match="Half: a rule has one hyper-parameter at least"):
        Half([leaf([1.0])], {})


def test_laws_are_told_apart_by_the_names_of_their_flags():
    class Turning(Optimizer):
        law_name, states = "sgd", {}

        def rule(self, group, age):
            law = self.law(maximize=True) if age % 2 == 0 else self.law(weight_decay=True)
            return law, {name: {"lr": 0.5, "weight_decay": 1.0}.get(name, 0.0) for name in law.scalars}

    optimizer, p = stepping(Turning)
    assert optimizer.law(maximize=True) is not optimizer.law(weight_decay=True)


def test_a_model_in_place_of_its_parameters_is_pointed_out():
    for model in (nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2)), nn.ModuleList([nn.Linear(2, 2)])):
        with pytest.raises(TypeError, match=rf"SGD: params must be .*, not {type(model).__name__}; write .parameters\(\)"):
            optim.SGD(model)


def test_a_graph_on_an_array_that_the_parameter_left_long_ago_is_out_of_date():
    p = leaf([1.0, 2.0])
    loss = (p * p).sum()
    optimizer = optim.SGD([p], lr=0.1)  # moves p
    p.data = p.data.clone()  # and the step moves it again
    p.grad = minigrad.ones_like(p)
    optimizer.step()
    with pytest.raises(RuntimeError, match="mul"):
        loss.backward()


def test_a_group_may_bring_settings_that_ask_for_nothing():
    p = leaf([1.0])
    optimizer = optim.SGD([p], lr=0.1)
    state = optimizer.state_dict()
    state["param_groups"][0] |= {"of_tomorrow": False, "lr": 0.3}
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.3
    state["param_groups"][0]["of_tomorrow"] = True
    with pytest.raises(ValueError, match="of_tomorrow"):
        optimizer.load_state_dict(state)


def test_novograd_of_zero_gradients_without_eps_stays():
    p = leaf([1.0, 2.0])
    optimizer = optim.NovoGrad([p], lr=0.1, eps=0.0, weight_decay=0.0)
    for _ in range(3):
        p.grad = minigrad.zeros_like(p)
        optimizer.step()
    assert p.tolist() == [1, 2]


def test_delta_bar_delta_agrees_on_gradients_whose_product_underflows():
    p = leaf([1.0], "float32")
    optimizer = optim.DeltaBarDelta([p], lr=0.01, kappa=1.0)
    for _ in range(2):
        p.grad = minigrad.tensor(np.array([1e-23], "float32"))
        optimizer.step()
    rates = [v for k, v in optimizer.state[p].items() if k != "step"]
    assert any(math.isclose(float(v), 1.01, rel_tol=1e-6) for v in rates)


def test_a_plateau_leaves_out_a_reduction_of_just_eps(torch):
    p, q = leaf([1.0]), torch.ones(1, requires_grad=True)
    ours, theirs = optim.SGD([p], lr=1.0), torch.optim.SGD([q], lr=1.0)
    schedules = [side.ReduceLROnPlateau(o, factor=0.5, patience=0, eps=0.5)
                 for side, o in ((optim.lr_scheduler, ours), (torch.optim.lr_scheduler, theirs))]
    for _ in range(4):
        for schedule in schedules:
            schedule.step(1.0)
        assert ours.param_groups[0]["lr"] == theirs.param_groups[0]["lr"] == 1.0
