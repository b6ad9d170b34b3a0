"""Optimizer: groups, the step with a closure, zero_grad, the state, and what is refused with nothing changed."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim.optimizer import Optimizer


def param(*values, **options):
    return mg.tensor(values, requires_grad=True, **options)


def give(p, *gradient):
    p.grad = mg.tensor(gradient, dtype=p.dtype)


def momentum(params, **options):
    return optim.SGD(params, lr=0.5, momentum=0.5, **options)


# ------------------------------------------------------------------------------------------------- what it is given


def test_tensors_pairs_and_groups():
    p, q = param(1.0), param(2.0)
    assert momentum(iter([p, q])).param_groups[0]["params"] == [p, q]
    assert momentum({"a": p, "b": q}.values()).param_groups[0]["params"] == [p, q]
    named = momentum([("a", p), ("b", q)]).param_groups[0]
    assert named["params"] == [p, q] and named["param_names"] == ["a", "b"]
    groups = momentum([{"params": p}, {"params": [q], "lr": 0.25}]).param_groups
    assert [(g["params"], g["lr"], g["momentum"]) for g in groups] == [([p], 0.5, 0.5), ([q], 0.25, 0.5)]
    model = nn.Linear(2, 3)
    assert momentum(model.named_parameters()).param_groups[0]["param_names"] == ["weight", "bias"]


def test_each_group_steps_by_its_own_values():
    p, q = param(1.0), param(1.0)
    optimizer = optim.SGD([{"params": [p]}, {"params": [q], "lr": 0.25, "maximize": True}], lr=0.5)
    give(p, 1.0)
    give(q, 1.0)
    optimizer.step()
    assert (p.item(), q.item()) == (0.5, 1.25)


def test_the_dicts_that_users_pass_stay_theirs():
    group = {"params": [param(1.0)], "lr": 0.25}
    optimizer = optim.SGD([group])
    optimizer.param_groups[0]["lr"] = 1.0
    assert group.keys() == {"params", "lr"} and group["lr"] == 0.25


def test_notes_in_a_group_are_kept_and_listed():
    optimizer = optim.SGD([{"params": [param(1.0)], "name": "head", "initial_lr": 0.5}], lr=0.25)
    saved = optimizer.state_dict()["param_groups"][0]
    assert saved == {"lr": 0.25, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False, "maximize": False,
                     "name": "head", "initial_lr": 0.5, "params": [0]}  # fmt: skip


def test_a_tensor_that_needs_no_gradient_is_taken_and_skipped():
    p = mg.ones(2)
    optimizer = momentum([p])
    optimizer.step()
    assert p.tolist() == [1.0, 1.0]
    p.requires_grad_()
    give(p, 1.0, 2.0)
    optimizer.step()
    assert p.tolist() == [0.5, 0.0]


def test_repr_shows_the_groups():
    lines = repr(optim.SGD([param(1.0)], lr=0.25)).splitlines()
    assert lines[:2] == ["SGD (", "Parameter Group 0"] and "    lr: 0.25" in lines and lines[-1] == ")"


COMPUTED = param(1.0) * 2
WRONG_PARAMS = {
    "empty": ([], ValueError, "SGD: the list of parameters is empty"),
    "an empty generator": (iter(()), ValueError, "SGD: the list of parameters is empty"),
    "an empty group": ([{"params": []}], ValueError, "SGD: a parameter group is empty"),
    "a lone tensor": (param(1.0), TypeError, r"SGD: params must be an iterable .* write \[tensor\]"),
    "a number": (3, TypeError, "SGD: params must be an iterable of tensors or dicts, not int"),
    "a module": (nn.Linear(2, 2), TypeError, r"SGD: .* not Linear; write .parameters\(\)"),
    "a set": ({param(1.0)}, TypeError, "SGD: params is a set, whose order varies"),
    "an array": (np.ones(3), TypeError, "SGD: parameter 0 is a float64, not a tensor"),
    "a string among them": ([param(1.0), "w"], TypeError, "SGD: parameter 1 is a str, not a tensor"),
    "a group without params": ([{"lr": 0.1}], TypeError, "SGD: a parameter group is a dict with 'params', not"),
    "a tensor among groups": ([{"params": [param(1.0)]}, param(2.0)], TypeError, "SGD: a parameter group is a dict"),
    "not a leaf": ([param(1.0), COMPUTED], ValueError, r"SGD: parameter 1 \(shape \(1,\)\) was computed by mul"),
    "integers": ([mg.tensor([1, 2])], TypeError, "SGD: parameter 0 has dtype int64"),
    "integers, by name": ([("count", mg.tensor([1, 2]))], TypeError, r"SGD: parameter 0 \(count\) has dtype int64"),
    "half the names": ([("a", param(1.0)), param(2.0)], ValueError, "SGD: 1 of 2 parameters have no name"),
    "an unknown hyper-parameter": ([{"params": [param(1.0)], "learning_rate": 1}], ValueError,
                                   r"SGD: unknown hyper-parameters \['learning_rate'\]; known are \['dampening', 'lr'"),
}  # fmt: skip


@pytest.mark.parametrize("params, error, message", WRONG_PARAMS.values(), ids=WRONG_PARAMS.keys())
def test_wrong_parameters(params, error, message):
    with pytest.raises(error, match=message):
        momentum(params)


@pytest.mark.parametrize("bad, error", [
    ({"params": [mg.tensor([1])]}, TypeError), ({"params": [COMPUTED]}, ValueError),
    ({"params": [param(1.0)], "lr": -1}, ValueError),
    ({"params": [param(1.0)], "unknown": 1}, ValueError), ({"params": []}, ValueError), ({"params": 3}, TypeError),
])  # fmt: skip
def test_a_bad_group_leaves_the_good_ones_where_they_are(bad, error):
    good = param(1.0, 2.0)
    array = good.array
    with pytest.raises(error):
        momentum([{"params": [good]}, bad])
    assert good.array is array
    optimizer = momentum([good])
    array = good.array
    with pytest.raises(error):
        optimizer.add_param_group(bad)
    assert good.array is array and len(optimizer.param_groups) == 1
    give(good, 1.0, 1.0)
    optimizer.step()
    assert good.tolist() == [0.5, 1.5]


def test_an_unknown_keyword_is_refused():
    with pytest.raises(TypeError, match="learning_rate"):
        optim.SGD([param(1.0)], learning_rate=0.1)


def test_a_list_of_parameters_changed_behind_its_back_is_refused():
    p, q = param(1.0), param(2.0)
    for change in (lambda g: g["params"].append(param(3.0)), lambda g: g["params"].pop(),
                   lambda g: g["params"].reverse(),
                   lambda g: g.update(params=[q, param(3.0)])):  # fmt: skip
        optimizer = momentum([p, q])
        change(optimizer.param_groups[0])
        before = p.tolist()
        give(p, 1.0)
        with pytest.raises(
            ValueError, match=r"SGD: the parameters listed in param_groups\[0\] are not those .* add_param_group"
        ):
            optimizer.step()
        assert p.tolist() == before


# ------------------------------------------------------------------------------------------------------- the step


def test_a_closure_computes_the_gradients_and_its_value_is_returned():
    p = param(3.0)
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with mg.no_grad():  # the closure records nevertheless
        assert optimizer.step(closure).item() == 9.0
    assert p.item() == 1.5
    assert optimizer.step() is None


def test_a_closure_that_fails_changes_nothing():
    p = param(3.0)
    give(p, 1.0)
    with pytest.raises(ZeroDivisionError):
        momentum([p]).step(lambda: 1 / 0)
    assert p.item() == 3.0


def test_zero_grad():
    p, q, frozen = param(1.0, 2.0), mg.tensor(3.0, requires_grad=True), mg.ones(2)
    optimizer = momentum([p, q, frozen])
    give(p, 1.0, 1.0)
    kept = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0] and p.grad.dtype == p.dtype and kept.tolist() == [1.0, 1.0]
    assert q.grad is None
    optimizer.zero_grad()
    assert p.grad is None
    q.grad = mg.tensor(1.0)
    optimizer.zero_grad(set_to_none=False)
    assert q.grad.shape == () and q.grad.item() == 0.0


def bits(optimizer):
    """All that an optimizer can change, to the bit."""
    params = [p.detach().numpy().tobytes() for group in optimizer.param_groups for p in group["params"]]
    saved = optim.to_arrays(optimizer.state_dict())
    return params, {name: (array.dtype, array.tobytes()) for name, array in saved.items()}


@pytest.mark.parametrize("rule", [momentum, optim.Adam])
@pytest.mark.parametrize("shape", [(3,), (2, 2), (4, 1), ()])
def test_a_parameter_of_another_shape_stops_the_step_before_it_begins(rule, shape):
    p, q = param(1.0, 2.0), param(1.0, 2.0, 3.0, 4.0)
    optimizer = rule([("first", p), ("second", q)])
    give(p, 1.0, 1.0)
    give(q, 1.0, 1.0, 1.0, 1.0)
    optimizer.step()
    good = q.data
    before = bits(optimizer)
    q.data = mg.ones(*shape)
    give(p, 1.0, 1.0)
    q.grad = mg.ones(*shape)
    name = type(optimizer).__name__
    with pytest.raises(ValueError, match=rf"{name}: parameter 1 \(second\) has shape .* now, but .* has shape \(4,\)"):
        optimizer.step()
    q.data = good
    assert bits(optimizer) == before


def test_a_raw_array_of_another_shape_is_refused():
    p = param(1.0, 2.0)
    give(p, 1.0, 1.0)
    optimizer = optim.SGD([p], lr=0.5)
    p.array = np.ones(3, np.float32)
    with pytest.raises(
        ValueError, match=r"SGD: parameter 0 has shape \(3,\) now, but gathers gradients of shape \(2,\)"
    ):
        optimizer.step()


def test_a_parameter_that_became_integers_is_refused():
    p = mg.ones(2)
    optimizer = momentum([p])
    p.data = mg.tensor([1, 2])
    with pytest.raises(TypeError, match="SGD: parameter 0 has dtype int64"):
        optimizer.step()


def test_a_value_gone_wrong_stops_all_groups():
    p, q = param(1.0), param(1.0)
    optimizer = optim.Adam([{"params": [p]}, {"params": [q]}])
    give(p, 1.0)
    give(q, 1.0)
    optimizer.step()
    before = bits(optimizer)
    for key, wrong in [("lr", -1.0), ("betas", (0.9, 1.0)), ("eps", "small"), ("maximize", 1), ("weight_decay", None)]:
        good = optimizer.param_groups[1][key]
        optimizer.param_groups[1][key] = wrong
        with pytest.raises((ValueError, TypeError), match=f"Adam: {key}"):
            optimizer.step()
        with pytest.raises((ValueError, TypeError), match=f"Adam: {key}"):
            optimizer.step()  # it stays wrong
        optimizer.param_groups[1][key] = good
        assert bits(optimizer) == before
    optimizer.step()
    assert optimizer.state[p]["step"].item() == 2


class Broken(Optimizer):
    """A rule that fails for the second parameter's age only."""

    law_name = "sgd"
    states = {"buf": "momentum_buffer"}  # noqa: RUF012

    def rule(self, group, age):
        if age == 0 and group["strict"]:
            raise ZeroDivisionError
        return self.law(momentum=True), {"lr": 0.5, "momentum": 0.5}


def test_a_rule_that_fails_midway_changes_nothing():
    p, q = param(1.0), param(1.0)
    optimizer = Broken([p, q], {"strict": False})
    give(p, 1.0)
    optimizer.step()
    optimizer.param_groups[0]["strict"] = True
    before = bits(optimizer)
    give(q, 1.0)
    with pytest.raises(ZeroDivisionError):
        optimizer.step()
    assert bits(optimizer) == before


def test_a_rule_has_to_be_stated():
    p = param(1.0)
    optimizer = Optimizer([p], {"lr": 0.1})
    give(p, 1.0)
    with pytest.raises(NotImplementedError, match="Optimizer does not state its rule"):
        optimizer.step()


# ------------------------------------------------------------------------------------------------------- the state


def test_the_state_lies_on_the_optimizers_memory():
    p = param(1.0, 2.0)
    optimizer = momentum([p])
    give(p, 1.0, 1.0)
    optimizer.step()
    velocity = optimizer.state[p]["momentum_buffer"]
    assert velocity.shape == (2,) and velocity.tolist() == [1.0, 1.0]
    velocity.zero_()
    give(p, 0.0, 4.0)
    optimizer.step()
    assert velocity.tolist() == [0.0, 4.0] and p.tolist() == [0.5, -0.5]


def test_the_state_cannot_be_rebound_without_a_word():
    p = param(1.0)
    optimizer = momentum([p])
    give(p, 1.0)
    optimizer.step()
    with pytest.raises(TypeError):
        optimizer.state[p] = {}
    with pytest.raises(TypeError):
        optimizer.state[p]["momentum_buffer"] = mg.zeros(1)
    with pytest.raises(AttributeError):
        optimizer.state = {}


def test_state_dict_is_numbered_over_all_groups():
    p, q, r = param(1.0), param(2.0, 3.0), param(4.0)
    optimizer = momentum([{"params": [p, q]}, {"params": [r]}])
    give(q, 1.0, 2.0)
    give(r, 3.0)
    optimizer.step()
    saved = optimizer.state_dict()
    assert [group["params"] for group in saved["param_groups"]] == [[0, 1], [2]]
    assert {n: entry["momentum_buffer"].tolist() for n, entry in saved["state"].items()} == {1: [1.0, 2.0], 2: [3.0]}


# --------------------------------------------------------------------------------------- gradients that are not finite


@pytest.mark.parametrize("rule", [optim.SGD, optim.Adam, optim.NAG])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_gradient_that_is_not_finite_is_refused_on_request(rule, bad):
    first, second = mg.ones(2, requires_grad=True), mg.ones(3, requires_grad=True)
    optimizer = rule([("weight", first), ("bias", second)])

    def step(last):
        def closure():
            first.grad, second.grad = mg.ones(2), mg.tensor([1.0, last, last])
            return 0.0

        return optimizer.step(closure)

    step(1.0)
    before, state = [first.tolist(), second.tolist()], optim.to_arrays(optimizer.state_dict())
    optimizer.error_if_nonfinite = True
    message = r"the gradient of parameter 1 \(bias\) \(shape \(3,\)\) is NaN or infinite in 2 of 3 places"
    with pytest.raises(FloatingPointError, match=f"{rule.__name__}: {message}"):
        step(bad)
    after = optim.to_arrays(optimizer.state_dict())
    assert [first.tolist(), second.tolist()] == before
    assert after.keys() == state.keys() and all(np.array_equal(after[name], state[name]) for name in state)
    step(2.0)
    assert first.tolist() != before[0]
    optimizer.error_if_nonfinite = False
    step(bad)
    assert not all(np.isfinite(second.tolist()))


@pytest.mark.parametrize("change", [lambda groups: groups.append({**groups[0]}), lambda groups: groups.pop()])
def test_groups_changed_behind_its_back_are_told(change):
    p, q = (mg.ones(2, requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [p]}, {"params": [q]}], lr=1.0)
    change(optimizer.param_groups)
    p.grad = mg.ones(2)
    with pytest.raises(ValueError, match=r"groups, the optimizer was given 2; add one with add_param_group"):
        optimizer.step()
    assert p.tolist() == [1, 1]
