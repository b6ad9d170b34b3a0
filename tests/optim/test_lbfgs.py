"""L-BFGS against PyTorch, the BFGS formula longhand, and its own promises."""

import copy
import io
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

SEARCHES = [None, "strong_wolfe"]
START = [-1.2, 1.0]


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def bowl(p):
    """A quadratic whose curvatures differ by a factor of 100, with its least value at 1, 2, ..."""
    scale = [1.0, 3.0, 10.0, 30.0, 100.0]
    return sum(scale[i] * (p[i] - (i + 1)) ** 2 for i in range(5)) / 2


PROBLEMS = {"rosenbrock": (rosenbrock, START), "bowl": (bowl, [0.0] * 5)}


def problem(loss, start, **settings):
    p = mg.tensor(start, dtype=mg.float64, requires_grad=True)
    optimizer = optim.LBFGS([p], **settings)

    def closure():
        optimizer.zero_grad()
        value = loss(p)
        value.backward()
        return value

    return p, optimizer, closure


def torch_problem(torch, loss, start, **settings):
    p = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([p], **settings)

    def closure():
        optimizer.zero_grad()
        value = loss(p)
        value.backward()
        return value

    return p, optimizer, closure


def path(problem, steps):
    """Where every step ends, and the loss that it returns."""
    p, optimizer, closure = problem
    found = []
    for _ in range(steps):
        loss = optimizer.step(closure)
        found.append([*p.tolist(), float(loss.detach())])
    return np.array(found)


# -------------------------------------------------------------------------------------------------------- oracles


@pytest.mark.parametrize("settings", [
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "lr": 0.3, "max_iter": 3, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "lr": 20.0, "max_iter": 5},
    {"line_search_fn": "strong_wolfe", "max_iter": 10, "max_eval": 4},
    {"line_search_fn": "strong_wolfe", "max_iter": 1, "max_eval": 1},
    {"lr": 0.02, "max_iter": 4},
    {"lr": 0.1, "max_iter": 6, "max_eval": 3, "history_size": 1},
    {"lr": 0.1, "tolerance_grad": 0.5, "tolerance_change": 1e-3},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("name", PROBLEMS)
def test_it_follows_torch(torch, name, settings):
    loss, start = PROBLEMS[name]
    ours, theirs = problem(loss, start, **settings), torch_problem(torch, loss, start, **settings)
    found, expected = path(ours, 4), path(theirs, 4)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    entry, oracle = ours[1].state[ours[0]], theirs[1].state[theirs[0]]
    assert (entry["n_iter"], entry["func_evals"]) == (oracle["n_iter"], oracle["func_evals"])


@pytest.mark.parametrize("seed", range(16))
def test_random_settings_follow_torch(torch, seed):
    rng = np.random.default_rng(seed)
    loss, start = (rosenbrock, 2 * rng.normal(size=2)) if seed % 2 else (bowl, 3 * rng.normal(size=5))
    search = SEARCHES[seed // 2 % 2]
    settings = {
        "lr": float(10 ** rng.uniform(-2, 1)) if search else float(rng.uniform(0.001, 0.02)), "line_search_fn": search,
        "max_iter": int(rng.integers(1, 12)), "max_eval": int(rng.integers(1, 12)) if seed % 3 else None,
        "tolerance_grad": float(rng.choice([1e-7, 1e-2])), "tolerance_change": float(rng.choice([1e-9, 1e-4])),
        "history_size": int(rng.integers(1, 6)),
    }  # fmt: skip
    ours, theirs = problem(loss, start.tolist(), **settings), torch_problem(torch, loss, start.tolist(), **settings)
    found, expected = path(ours, 2), path(theirs, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
    assert ours[1].state[ours[0]]["func_evals"] == theirs[1].state[theirs[0]]["func_evals"]


def test_its_defaults_are_those_of_torch(torch):
    theirs = torch.optim.LBFGS([torch.zeros(1)]).defaults
    assert optim.LBFGS([mg.zeros(1)]).defaults == theirs


@pytest.mark.parametrize("name", PROBLEMS)
def test_with_the_line_search_it_finds_the_least_value(name):
    loss, start = PROBLEMS[name]
    p, optimizer, closure = problem(loss, start, line_search_fn="strong_wolfe", max_iter=100, tolerance_change=1e-15)
    optimizer.step(closure)
    wanted = [1.0, 1.0] if name == "rosenbrock" else [1.0, 2.0, 3.0, 4.0, 5.0]
    np.testing.assert_allclose(p.tolist(), wanted, atol=1e-5)


def test_in_single_precision_it_stays_there_and_finds_the_least_value():
    p = mg.tensor([0.0] * 5, dtype=mg.float32, requires_grad=True)
    optimizer = optim.LBFGS([p], line_search_fn="strong_wolfe", max_iter=100)

    def closure():
        optimizer.zero_grad()
        value = bowl(p)
        value.backward()
        return value

    optimizer.step(closure)
    assert p.array.dtype == np.float32 and optimizer.state[p]["d"].array.dtype == np.float32
    np.testing.assert_allclose(p.tolist(), [1.0, 2.0, 3.0, 4.0, 5.0], rtol=1e-4)


def test_it_follows_the_formula_of_bfgs_while_it_forgets_nothing():
    """Nocedal and Wright 2006, equation 6.17 from H = (y.s / y.y) I, with matrices, on a quadratic."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    hessian, target = root @ root.T + np.eye(4), rng.normal(size=4)
    p = mg.Tensor(np.zeros(4), requires_grad=True)
    settings = {"lr": 0.25, "max_iter": 6, "tolerance_grad": 0, "tolerance_change": 0}
    optimizer = optim.LBFGS([p], max_eval=100, **settings)

    def closure():
        p.grad = mg.Tensor(hessian @ (p.detach().numpy() - target))
        return float(0.5 * (p.detach().numpy() - target) @ hessian @ (p.detach().numpy() - target))

    optimizer.step(closure)
    x = np.zeros(4)
    g = hessian @ (x - target)
    pairs = []
    for k in range(6):
        if k == 0:
            d, t = -g, 0.25 * min(1, 1 / np.abs(g).sum())
        else:
            s, y = pairs[-1]
            inverse = np.eye(4) * (y @ s) / (y @ y)
            for s, y in pairs:
                left = np.eye(4) - np.outer(s, y) / (y @ s)
                inverse = left @ inverse @ left.T + np.outer(s, s) / (y @ s)
            d, t = -inverse @ g, 0.25
        s = t * d
        x = x + s
        pairs.append((s, hessian @ s))
        g = hessian @ (x - target)
    np.testing.assert_allclose(p.detach().numpy(), x, rtol=1e-11)


def test_several_parameters_are_one_vector_and_a_missing_gradient_is_zero(torch):
    rng = np.random.default_rng(3)
    starts = [rng.normal(size=shape) for shape in [(2, 2), (), (0, 3), (3,)]]

    def run(library, tensor, params, optimizer):
        for _ in range(3):

            def closure():
                optimizer.zero_grad()
                loss = ((params[0] - 1) ** 2).sum() + (params[1] * params[0][0, 0] - 2) ** 2
                loss.backward()
                return loss

            optimizer.step(closure)
        return [p.detach().numpy() for p in params]

    ours = [mg.Tensor(start, requires_grad=True) for start in starts]
    theirs = [torch.tensor(start, requires_grad=True) for start in starts]
    settings = {"line_search_fn": "strong_wolfe", "max_iter": 4}
    found = run(mg, mg.Tensor, ours, optim.LBFGS(ours, **settings))
    expected = run(torch, torch.tensor, theirs, torch.optim.LBFGS(theirs, **settings))
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found[3], starts[3])


# ----------------------------------------------------------------------------------------------------- going on


@pytest.mark.parametrize("search", SEARCHES)
def test_saved_and_loaded_it_goes_on_bit_for_bit(search):
    settings = {"line_search_fn": search, "lr": 0.02 if search is None else 1.0, "max_iter": 3}
    expected = path(problem(rosenbrock, START, **settings), 6)
    p, optimizer, closure = problem(rosenbrock, START, **settings)
    path((p, optimizer, closure), 3)
    file = io.BytesIO()
    np.savez(file, **optim.to_arrays(optimizer.state_dict()))
    q, other, its_closure = problem(rosenbrock, p.tolist())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        other.load_state_dict(optim.from_arrays(arrays))
    assert path((q, other, its_closure), 3).tobytes() == expected[3:].tobytes()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))])
def test_a_copy_goes_on_bit_for_bit_and_alone(copied):
    settings = {"line_search_fn": "strong_wolfe", "max_iter": 3}
    expected = path(problem(rosenbrock, START, **settings), 6)
    p, optimizer, closure = problem(rosenbrock, START, **settings)
    path((p, optimizer, closure), 3)
    before = p.tolist()
    q, other = copied((p, optimizer))

    def its_closure():
        other.zero_grad()
        value = rosenbrock(q)
        value.backward()
        return value

    assert path((q, other, its_closure), 3).tobytes() == expected[3:].tobytes()
    assert p.tolist() == before


@pytest.mark.parametrize("search", SEARCHES)
def test_it_takes_over_from_torch_and_torch_from_it(torch, search):
    settings = {"line_search_fn": search, "lr": 0.02 if search is None else 1.0, "max_iter": 3}
    theirs = torch_problem(torch, rosenbrock, START, **settings)
    expected = path(theirs, 3)
    ours = problem(rosenbrock, theirs[0].tolist())
    ours[1].load_state_dict(mapped(theirs[1].state_dict(), lambda x: x.numpy() if torch.is_tensor(x) else x))
    found = path(ours, 2)
    back = torch_problem(torch, rosenbrock, ours[0].tolist())
    to_torch = lambda x: torch.tensor(x.numpy()) if isinstance(x, mg.Tensor) else x  # noqa: E731
    back[1].load_state_dict(mapped(ours[1].state_dict(), to_torch))
    found = np.concatenate([expected, found, path(back, 2)])
    whole = path(torch_problem(torch, rosenbrock, START, **settings), 7)
    np.testing.assert_allclose(found, whole, rtol=1e-8, atol=1e-9)


def mapped(state, convert):
    if isinstance(state, dict):
        return {key: mapped(part, convert) for key, part in state.items()}
    return [mapped(part, convert) for part in state] if isinstance(state, list) else convert(state)


def test_moved_parameters_take_the_memory_along():
    settings = {"line_search_fn": "strong_wolfe", "max_iter": 3}
    expected = path(problem(rosenbrock, START, **settings), 4)
    p, optimizer, closure = problem(rosenbrock, START, **settings)
    path((p, optimizer, closure), 2)
    p.data = p.detach().clone()
    assert path((p, optimizer, closure), 2).tobytes() == expected[2:].tobytes()


def test_on_a_gpu_it_does_the_same(cuda):
    settings = {"line_search_fn": "strong_wolfe", "max_iter": 5}
    expected = path(problem(bowl, [0.0] * 5, **settings), 3)
    p = mg.tensor([0.0] * 5, dtype=mg.float64, device=cuda, requires_grad=True)
    optimizer = optim.LBFGS([p], **settings)

    def closure():
        optimizer.zero_grad()
        value = bowl(p)
        value.backward()
        return value

    found = [[*(optimizer.step(closure), p)[1].tolist()] for _ in range(3)]
    np.testing.assert_allclose(found, expected[:, :-1], rtol=1e-12)


# ---------------------------------------------------------------------------------------------- failing and refusing


def test_without_a_closure_it_says_so():
    p, optimizer, _ = problem(bowl, [0.0] * 5)
    p.grad = mg.ones(5, dtype=mg.float64)
    with pytest.raises(TypeError, match=r"LBFGS: it evaluates the loss several times in a step; call step\(closure\)"):
        optimizer.step()
    assert p.tolist() == [0.0] * 5


@pytest.mark.parametrize("search", SEARCHES)
def test_a_closure_that_fails_in_the_middle_leaves_everything_as_it_was(search):
    p, optimizer, closure = problem(bowl, [0.0] * 5, line_search_fn=search, max_iter=4)
    optimizer.step(closure)
    before, state = p.tolist(), optim.to_arrays(optimizer.state_dict())
    calls = []

    def failing():
        calls.append(1)
        if len(calls) == 3:
            raise KeyError("out of data")
        return closure()

    with pytest.raises(KeyError, match="out of data"):
        optimizer.step(failing)
    assert p.tolist() == before
    after = optim.to_arrays(optimizer.state_dict())
    assert {key: array.tobytes() for key, array in after.items()} == {k: a.tobytes() for k, a in state.items()}


def test_a_closure_that_returns_no_loss_is_refused():
    p, optimizer, _ = problem(bowl, [0.0] * 5)
    with pytest.raises(TypeError, match="LBFGS: the closure must return the loss, one number; it returned None"):
        optimizer.step(lambda: None)


def test_a_closure_that_moves_a_parameter_is_refused():
    p, optimizer, closure = problem(bowl, [0.0] * 5)
    calls = []

    def moving():
        calls.append(1)
        if len(calls) == 2:
            p.data = p.detach().clone()
        return closure()

    with pytest.raises(RuntimeError, match="the closure moved a parameter to other memory"):
        optimizer.step(moving)


def test_the_line_search_steps_back_from_a_loss_that_is_nan():
    p = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.LBFGS([p], lr=5.0, line_search_fn="strong_wolfe", max_iter=50, tolerance_change=1e-15)

    def closure():
        optimizer.zero_grad()
        loss = (p - mg.log(p)).sum() if p.item() > 0 else (p * float("nan")).sum()  # least at 1, from 3
        loss.backward()
        return loss

    p.data = mg.tensor([3.0], dtype=mg.float64)
    optimizer.step(closure)
    assert p.item() == pytest.approx(1, abs=1e-6)


def test_only_one_group_of_one_dtype():
    p, q = mg.ones(2, dtype=mg.float64), mg.ones(2)
    with pytest.raises(ValueError, match="LBFGS: all parameters are one vector, .* float32 on cpu, float64 on cpu"):
        optim.LBFGS([p, q])
    with pytest.raises(ValueError, match="LBFGS: all parameters are one vector, in one group"):
        optim.LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(ValueError, match=r"one dtype \(float32 or float64\) .* float16 on cpu"):
        optim.LBFGS([mg.ones(2, dtype=mg.float16)])
    optimizer = optim.LBFGS([p])
    with pytest.raises(ValueError, match="in one group"):
        optimizer.add_param_group({"params": [q]})


GONE = object()


def test_a_state_that_does_not_fit_changes_nothing():
    p, optimizer, closure = problem(bowl, [0.0] * 5, max_iter=3)
    optimizer.step(closure)
    before = optim.to_arrays(optimizer.state_dict())

    def refuse(message, **changes):
        state = optimizer.state_dict()
        entry = {**state["state"][0], **changes}
        state["state"] = {0: {key: value for key, value in entry.items() if value is not GONE}}
        with pytest.raises(ValueError, match=message):
            optimizer.load_state_dict(state)
        after = optim.to_arrays(optimizer.state_dict())
        assert {key: array.tobytes() for key, array in after.items()} == {k: a.tobytes() for k, a in before.items()}

    refuse(r"lacks \['d'\]", d=GONE)
    refuse(r"has \['momentum'\], which are unknown", momentum=1.0)
    refuse(r"has d of shape \(4,\); all parameters together have 5 elements", d=np.zeros(4))
    refuse("histories of different lengths", ro=[])
    refuse("has t 'far'; it must be one number", t="far")
    refuse("must be floating point", d=np.zeros(5, int))


@pytest.mark.parametrize("wrong, error, message", [
    ({"lr": -1}, ValueError, "LBFGS: lr must not be negative"),
    ({"lr": float("nan")}, ValueError, "LBFGS: lr is NaN"),
    ({"max_iter": 0}, ValueError, "LBFGS: max_iter must be at least 1, got 0"),
    ({"max_iter": 2.5}, TypeError, "LBFGS: max_iter must be a whole number, got 2.5"),
    ({"max_eval": 0}, ValueError, "LBFGS: max_eval must be at least 1, got 0"),
    ({"history_size": None}, TypeError, "LBFGS: history_size must be a whole number, got None"),
    ({"tolerance_grad": -1}, ValueError, "LBFGS: tolerance_grad must not be negative"),
    ({"line_search_fn": "armijo"}, ValueError, "LBFGS: line_search_fn must be None or 'strong_wolfe', got 'armijo'"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.LBFGS([mg.ones(1)], **wrong)
