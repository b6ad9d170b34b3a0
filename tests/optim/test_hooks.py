"""Hooks before and after an optimizer's step."""

import copy
import pickle

import pytest

import minigrad as mg
from minigrad import optim


def problem(rule=optim.SGD, **options):
    p = mg.tensor([1.0, 2.0], requires_grad=True)
    p.grad = mg.ones(2)
    return p, rule([p], lr=0.5, **options)


def test_they_run_around_the_step_in_order():
    p, optimizer = problem()
    seen = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", o, p.tolist())))
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("second", args, kwargs)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", o, p.tolist())))
    optimizer.step()
    assert seen == [("before", optimizer, [1.0, 2.0]), ("second", (), {}), ("after", optimizer, [0.5, 1.5])]


def test_a_hook_before_may_change_the_arguments():
    p, optimizer = problem()
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 7.0,), {}))
    assert optimizer.step() == 7.0
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((), {"closure": lambda: args[0]() + 1}))
    seen = []
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append((args, set(kwargs))))
    assert optimizer.step() == 8.0
    assert seen == [((), {"closure"})]


def test_what_is_no_pair_of_arguments_is_refused_before_the_step():
    p, optimizer = problem()
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(TypeError, match=r"must return None or \(args, kwargs\); .* returned 3"):
        optimizer.step()
    assert p.tolist() == [1.0, 2.0]


def test_they_can_be_removed():
    p, optimizer = problem()
    seen = []
    handle = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(1))
    with optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(2)):
        optimizer.step()
    handle.remove()
    optimizer.step()
    assert seen == [2, 1]


def test_a_step_that_calls_its_parents_is_one_step():
    class Twice(optim.SGD):
        def step(self, closure=None):
            super().step()
            return super().step(closure)

    p, optimizer = problem(Twice)
    seen = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("before"))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("after"))
    optimizer.step()
    assert seen == ["before", "after"] and p.tolist() == [0.0, 1.0]


def test_after_a_step_that_fails_none_runs_and_the_next_runs_again():
    p, optimizer = problem()
    seen = []
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(1))
    optimizer.param_groups[0]["lr"] = -1.0
    with pytest.raises(ValueError, match="lr must not be negative"):
        optimizer.step()
    assert seen == [] and not optimizer.has_stepped
    optimizer.param_groups[0]["lr"] = 0.5
    optimizer.step()
    assert seen == [1] and optimizer.has_stepped


@pytest.mark.parametrize("again", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_copies_have_none(again):
    p, optimizer = problem()
    seen = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(1))
    optimizer.step()
    copied = again(optimizer)
    copied.param_groups[0]["params"][0].grad = mg.ones(2)
    copied.step()
    assert seen == [1] and copied.param_groups[0]["params"][0].tolist() == [0.0, 1.0] and p.tolist() == [0.5, 1.5]


def test_what_cannot_be_called_is_refused():
    _, optimizer = problem()
    for register in (optimizer.register_step_pre_hook, optimizer.register_step_post_hook):
        with pytest.raises(TypeError, match="a hook is a function of .*, not 3"):
            register(3)
