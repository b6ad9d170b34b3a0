"""load_state_dict: what it takes, from whom, and what it refuses with nothing changed."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def trained(rule, *shapes, steps=3, dtype=np.float64, **options):
    rng = np.random.default_rng(len(shapes))
    params = [mg.Tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in shapes]
    optimizer = rule(params, **options)
    for _ in range(steps):
        for p in params:
            p.grad = mg.Tensor(rng.normal(size=p.shape).astype(p.dtype))
        optimizer.step()
    return optimizer, params


def step(optimizer, params):
    for p in params:
        p.grad = mg.ones(*p.shape, dtype=p.dtype)
    optimizer.step()
    return [p.detach().numpy().copy() for p in params]


def bits(optimizer):
    params = [p.detach().numpy().tobytes() for group in optimizer.param_groups for p in group["params"]]
    saved = optim.to_arrays(optimizer.state_dict())
    return params, {name: (array.dtype, array.tobytes()) for name, array in saved.items()}


def test_its_own_state_into_the_same_memory():
    optimizer, params = trained(optim.Adam, (2, 3), (4,))
    before = bits(optimizer)
    momentum = optimizer.state[params[0]]["exp_avg"]
    optimizer.load_state_dict(optimizer.state_dict())
    assert bits(optimizer) == before
    assert np.shares_memory(momentum.array, optimizer.state[params[0]]["exp_avg"].array)


def test_its_own_state_with_the_parameters_numbered_otherwise():
    """The values are copied before the first is written: here each overwrites what the other is read from."""
    optimizer, params = trained(optim.Adam, (3,), (3,))
    first, second = (optimizer.state[p]["exp_avg"].numpy().copy() for p in params)
    state = optimizer.state_dict()
    state["param_groups"][0]["params"] = [1, 0]
    optimizer.load_state_dict(state)
    np.testing.assert_array_equal(optimizer.state[params[0]]["exp_avg"].numpy(), second)
    np.testing.assert_array_equal(optimizer.state[params[1]]["exp_avg"].numpy(), first)


def test_what_was_loaded_is_a_copy():
    source, _ = trained(optim.Adam, (3,))
    target, params = trained(optim.Adam, (3,), steps=0)
    state = source.state_dict()
    target.load_state_dict(state)
    before = state["state"][0]["exp_avg"].numpy().copy()
    step(target, params)
    np.testing.assert_array_equal(state["state"][0]["exp_avg"].numpy(), before)


def test_parameters_without_state_start_anew():
    """What the optimizer remembered of them before is gone, as in PyTorch."""
    optimizer, params = trained(optim.Adam, (2,), (3,), lr=0.25, eps=0)
    state = optimizer.state_dict()
    del state["state"][1]
    optimizer.load_state_dict(state)
    assert params[1] not in optimizer.state and optimizer.state[params[0]]["step"].item() == 3
    before = params[1].detach().numpy().copy()
    np.testing.assert_allclose(step(optimizer, params)[1], before - 0.25, rtol=1e-14)


def test_arrays_of_any_float_dtype_are_taken():
    optimizer, params = trained(optim.Adam, (2,), dtype=np.float32)
    group = optimizer.state_dict()["param_groups"][0]
    for dtype in (np.float16, np.float32, np.float64):
        entry = {"step": 4, "exp_avg": np.array([1.0, 2.0], dtype), "exp_avg_sq": np.array([0.5, 0.25], dtype)}
        optimizer.load_state_dict({"state": {0: entry}, "param_groups": [group]})
        state = optimizer.state[params[0]]
        assert state["exp_avg"].tolist() == [1.0, 2.0] and state["exp_avg_sq"].dtype == np.float32


def test_states_of_halves_keep_their_precision_through_files():
    optimizer, params = trained(optim.Adam, (4,), dtype=np.float16)
    others = [mg.Tensor(p.detach().numpy().copy(), requires_grad=True) for p in params]
    fresh = optim.Adam(others)
    fresh.load_state_dict(optim.from_arrays(optim.to_arrays(optimizer.state_dict())))
    assert bits(fresh) == bits(optimizer)


def test_hyper_parameters_and_notes_are_taken():
    optimizer, _ = trained(optim.SGD, (2,))
    state = optimizer.state_dict()
    state["param_groups"][0].update(lr=0.75, momentum=0.5, initial_lr=1.0)
    optimizer.load_state_dict(state)
    group = optimizer.param_groups[0]
    assert (group["lr"], group["momentum"], group["initial_lr"]) == (0.75, 0.5, 1.0)


def test_the_names_stay_mine():
    p = mg.ones(2)
    optimizer = optim.SGD([("mine", p)])
    other = optim.SGD([("yours", mg.ones(2))], lr=0.5)
    optimizer.load_state_dict(other.state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["mine"] and optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.param_groups[0]["params"][0] is p


def test_into_a_copy_that_has_not_stepped_yet():
    optimizer, params = trained(optim.Adam, (2, 3))
    twin = copy.deepcopy(optimizer)
    later = optimizer.state_dict()
    later["state"][0]["step"] = 7
    twin.load_state_dict(later)
    assert twin.state[twin.param_groups[0]["params"][0]]["step"].item() == 7


def test_momentum_buffer_none_as_torch_may_write_it():
    optimizer, params = trained(optim.SGD, (2,), momentum=0.9, lr=0.5)
    state = optimizer.state_dict()
    state["state"][0]["momentum_buffer"] = None
    optimizer.load_state_dict(state)
    before = params[0].detach().numpy().copy()
    np.testing.assert_allclose(step(optimizer, params)[0], before - 0.5, rtol=1e-15)


def test_what_torch_notes_about_computing_is_passed_over(torch):
    theirs = torch.ones(2, dtype=torch.float64, requires_grad=True)
    oracle = torch.optim.Adam([theirs], foreach=True)
    state = oracle.state_dict()
    assert state["param_groups"][0]["foreach"] is True
    optimizer, _ = trained(optim.Adam, (2,))
    optimizer.load_state_dict(state)
    assert not {"foreach", "fused", "capturable", "differentiable"} & optimizer.param_groups[0].keys()
    assert optimizer.state == {}


def change(path, value):
    """Set or, without a value, delete an item of a nested state."""

    def changed(state):
        *way, last = path
        for key in way:
            state = state[key]
        if value is DELETED:
            del state[last]
        else:
            state[last] = value

    return changed


DELETED = object()
GROUP = ("param_groups", 0)
ENTRY = ("state", 0)
BAD = {
    "no groups": (change(["param_groups"], DELETED), TypeError,
        "Adam: a state_dict is a dict of 'state' and 'param_groups'"),
    "no state": (change(["state"], DELETED), TypeError, r"Adam: a state_dict .* got \['param_groups'\]"),
    "a group too few": (lambda s: s["param_groups"].pop(), ValueError,
                        r"Adam: the state_dict has groups of \[2\] parameters, the optimizer of \[2, 1\]"),
    "a group too many": (lambda s: s["param_groups"].append(s["param_groups"][0]), ValueError,
        r"groups of \[2, 1, 2\]"),
    "a parameter too few": (change([*GROUP, "params"], [0]), ValueError, r"groups of \[1, 1\]"),
    "a parameter twice": (change([*GROUP, "params"], [0, 2]), ValueError, r"lists a parameter twice: \[0, 2, 2\]"),
    "no numbers": (change([*GROUP, "params"], DELETED), ValueError, "Adam: group 0 of the state_dict lacks 'params'"),
    "state of a stranger": (lambda s: s["state"].update({9: s["state"][0]}), ValueError,
        r"state for \[9\], .* in none"),
    "no learning rate": (change([*GROUP, "lr"], DELETED), ValueError,
        r"Adam: a group of the state_dict lacks \['lr'\]"),
    "a bad learning rate": (change(["param_groups", 1, "lr"], -1.0), ValueError, "Adam: lr must not be negative"),
    "what would go unheard": (change([*GROUP, "centered"], True), ValueError,
        r"has \['centered'\], which Adam does not know"),
    "a mean square that amsgrad needs": (change([*GROUP, "amsgrad"], True), ValueError,
        r"parameter \d lacks \['max_exp_avg_sq'\]"),
    "no moment": (change([*ENTRY, "exp_avg"], DELETED), ValueError,
        r"Adam: the state of parameter 0 lacks \['exp_avg'\]"),
    "no step": (change([*ENTRY, "step"], DELETED), ValueError, r"Adam: the state of parameter 0 lacks \['step'\]"),
    "an unknown state": (change([*ENTRY, "sum"], np.ones(3)), ValueError,
        r"parameter 0 has \['sum'\], which are unknown"),
    "a wrong shape": (change([*ENTRY, "exp_avg"], np.ones(4)), ValueError,
                      r"Adam: the state of parameter 0 has exp_avg of shape \(4,\); the parameter has shape \(3,\)"),
    "a shape that would broadcast": (change(["state", 2, "exp_avg_sq"], np.ones(1)), ValueError,
        r"parameter 2 .* shape \(1,\)"),
    "integers": (change([*ENTRY, "exp_avg"], np.ones(3, int)), ValueError,
        "exp_avg of dtype int64; it must be floating point"),
    "a step of NaN": (change([*ENTRY, "step"], float("nan")), ValueError, "step nan, which is no number of steps"),
    "half a step": (change([*ENTRY, "step"], 1.5), ValueError, "step 1.5, which is no number of steps"),
    "a negative step": (change([*ENTRY, "step"], mg.tensor(-1.0)), ValueError,
        "step -1.0, which is no number of steps"),
}  # fmt: skip


@pytest.mark.parametrize("spoil, error, message", BAD.values(), ids=BAD.keys())
def test_a_state_that_does_not_fit_changes_nothing(spoil, error, message):
    def two_groups(params):
        return optim.Adam([{"params": params[:2]}, {"params": params[2:]}], lr=0.1)

    optimizer, params = trained(two_groups, (3,), (2,), (2, 2))
    arrays = [p.array for p in params]
    other, _ = trained(two_groups, (3,), (2,), (2, 2), steps=5)
    before = bits(optimizer)
    state = other.state_dict()
    spoil(state)
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    assert bits(optimizer) == before
    assert all(p.array is array for p, array in zip(params, arrays))


def test_another_rules_state_is_refused():
    adam, _ = trained(optim.Adam, (3,))
    sgd, _ = trained(optim.SGD, (3,), momentum=0.9)
    before = bits(adam), bits(sgd)
    with pytest.raises(ValueError, match=r"SGD: a group of the state_dict lacks \['momentum'.* is it another rule's"):
        sgd.load_state_dict(adam.state_dict())
    with pytest.raises(ValueError, match=r"Adam: a group of the state_dict lacks \['betas'"):
        adam.load_state_dict(sgd.state_dict())
    with pytest.raises(TypeError, match="Adam: a state_dict is a dict"):
        adam.load_state_dict([1, 2])
    assert (bits(adam), bits(sgd)) == before
