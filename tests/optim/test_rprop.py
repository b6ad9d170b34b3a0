"""The variants of Rprop by hand; the loss that iRprop+ asks for, and remembers."""

import pytest

import minigrad as mg
from minigrad import optim

VARIANTS = [optim.Rprop, optim.RpropMinus, optim.RpropPlus, optim.IRpropPlus]


def param(*values, dtype=mg.float64):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


def step(optimizer, p, *gradient, loss=0.0):
    p.grad = mg.tensor(gradient, dtype=p.dtype)
    optimizer.step(lambda: loss)


# Where the weight is after gradients 1, 1, -1, -1, 1 from 0, with the loss rising or falling at every step: sizes are
# 1, 2 (grown), then 0.5 (shrunk to a quarter). Rprop- shrinks at the fourth change, too; where the gradient was
# forgotten, size 0.5 stays and the fifth gradient is a change for all.
PATHS = {
    (optim.Rprop, "rises"): [-1, -3, -3, -2.5, -2.5],
    (optim.Rprop, "falls"): [-1, -3, -3, -2.5, -2.5],
    (optim.RpropMinus, "rises"): [-1, -3, -2.5, -1.5, -1.75],
    (optim.RpropMinus, "falls"): [-1, -3, -2.5, -1.5, -1.75],
    (optim.RpropPlus, "rises"): [-1, -3, -1, -0.5, -1],
    (optim.RpropPlus, "falls"): [-1, -3, -1, -0.5, -1],
    (optim.IRpropPlus, "rises"): [-1, -3, -1, -0.5, -1],
    (optim.IRpropPlus, "falls"): [-1, -3, -3, -2.5, -2.5],
}


@pytest.mark.parametrize("rule, course", PATHS)
@pytest.mark.parametrize("scale", [1.0, 1e-200])  # only signs count, and the product of tiny gradients is not zero
def test_steps_by_hand(rule, course, scale):
    p = param(0.0)
    optimizer = rule([p], lr=1.0, etas=(0.25, 2.0))
    for t, (gradient, place) in enumerate(zip([1, 1, -1, -1, 1], PATHS[rule, course], strict=True)):
        step(optimizer, p, gradient * scale, loss=t if course == "rises" else -t)
        assert p.item() == place


@pytest.mark.parametrize("rule", VARIANTS)
def test_sizes_stay_within_their_bounds(rule):
    p = param(0.0, 0.0)
    optimizer = rule([p], lr=1.0, etas=(0.5, 2.0), step_sizes=(0.3, 3.0))
    for t in range(12):
        step(optimizer, p, 1.0, (-1.0) ** t)
    assert optimizer.state[p]["step_size"].tolist() == [3.0, 0.3]


@pytest.mark.parametrize("rule", VARIANTS)
def test_the_learning_rate_counts_at_the_first_step_only(rule):
    p = param(0.0)
    optimizer = rule([p], lr=0.5, etas=(0.5, 2.0))
    step(optimizer, p, 1.0)
    optimizer.param_groups[0]["lr"] = 100.0
    step(optimizer, p, 1.0)
    assert p.item() == -0.5 - 1.0


def test_the_loss_is_remembered_by_parameter_and_saved():
    p, q = param(0.0), param(0.0)
    optimizer = optim.IRpropPlus([p, q], lr=1.0, etas=(0.25, 2.0))
    step(optimizer, p, 1.0, loss=5.0)  # q has no gradient
    step(optimizer, q, 1.0, loss=9.0)  # p keeps its own, and takes another step
    state = optimizer.state_dict()["state"]
    assert [state[i]["loss"].item() for i in (0, 1)] == [9.0, 9.0]
    p.grad = None
    step(optimizer, q, 1.0, loss=2.0)
    state = optimizer.state_dict()["state"]
    assert [state[i]["loss"].item() for i in (0, 1)] == [9.0, 2.0]
    before = p.item(), q.item()
    p.grad = mg.tensor([-1.0], dtype=mg.float64)
    step(optimizer, q, -1.0, loss=4.0)  # risen for q, whose last step of 2 is taken back; fallen for p, which rests
    assert (p.item(), q.item()) == (before[0], before[1] + 2.0)


def test_a_loss_that_is_nan_did_not_rise():
    for losses in [(0.0, float("nan")), (float("nan"), 0.0)]:
        p = param(0.0)
        optimizer = optim.IRpropPlus([p], lr=1.0)
        step(optimizer, p, 1.0, loss=losses[0])
        step(optimizer, p, -1.0, loss=losses[1])
        assert p.item() == -1.0


@pytest.mark.parametrize("loss", [None, "low", [1.0, 2.0], mg.ones(2)])
def test_a_loss_that_is_no_number_changes_nothing(loss):
    p = param(1.0)
    optimizer = optim.IRpropPlus([p])
    with pytest.raises(TypeError, match=r"IRpropPlus: the closure must return the loss, one number; it returned"):
        step(optimizer, p, 1.0, loss=loss)
    assert p.tolist() == [1.0] and optimizer.state_dict()["state"] == {}


def test_a_state_without_its_loss_is_refused():
    p = param(1.0)
    optimizer = optim.IRpropPlus([p])
    step(optimizer, p, 1.0)
    for spoil, message in [(lambda e: e.pop("loss"), r"lacks \['loss'\]"),
                           (lambda e: e.update(loss=mg.ones(2)), "has loss .*; it must be one number")]:  # fmt: skip
        state = optimizer.state_dict()
        spoil(state["state"][0])
        with pytest.raises(ValueError, match=f"IRpropPlus: the state of parameter 0 {message}"):
            optimizer.load_state_dict(state)
    assert optimizer.state_dict()["state"][0]["loss"].item() == 0.0


def test_maximize_takes_back_where_the_loss_fell():
    for losses, end in [((0.0, -1.0), 0.0), ((0.0, 1.0), 1.0)]:
        p = param(0.0)
        optimizer = optim.IRpropPlus([p], lr=1.0, maximize=True)
        step(optimizer, p, 1.0, loss=losses[0])
        step(optimizer, p, -1.0, loss=losses[1])
        assert p.item() == end


@pytest.mark.parametrize("wrong, message", [
    ({"lr": -1}, "lr must not be negative"), ({"etas": (1.2, 0.5)}, "etas must be the smaller number and the larger"),
    ({"etas": (0.5, 0.9)}, "etas must lie on either side of 1"), ({"etas": (0, 1.2)}, "etas must lie on either side"),
    ({"etas": 0.5}, "etas must be 2 numbers"), ({"etas": (0.5, None)}, r"etas\[1\] must be a number"),
    ({"step_sizes": (1, 0.1)}, "step_sizes must be the smaller number and the larger"),
    ({"step_sizes": (-1, 1)}, r"step_sizes\[0\] must not be negative"), ({"step_sizes": (1,)}, "step_sizes must be 2"),
    ({"maximize": 1}, "maximize must be True or False"),
])  # fmt: skip
@pytest.mark.parametrize("rule", VARIANTS)
def test_values_out_of_range(rule, wrong, message):
    with pytest.raises((TypeError, ValueError), match=f"{rule.__name__}: {message}"):
        rule([param(1.0)], **wrong)
