"""explain(): the step it tells of is the one that step() takes, and asking changes nothing."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.optim import courses
from tests.optim.rules import ROWS


@pytest.fixture(params=ROWS.values(), ids=ROWS.keys())
def row(request):
    return request.param


def param(*values, dtype=mg.float64):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


def on_course(row, dtype, steps, device=None):
    """A rule some steps into a course, with the gradients of the next step in place."""
    c = courses.course(row.draw, 5, steps=steps + 1, dtype=dtype, shapes=row.shapes)
    params = courses.leaves(c.starts, dtype, device)
    optimizer = courses.make(row.rule, params, c)
    courses.advance(optimizer, params, c, range(steps))
    for p, g in zip(params, c.gradients[steps]):
        p.grad = None if g is None else mg.Tensor(g, dtype=p.dtype, device=p.device)
    loss = c.losses[steps]
    return optimizer, params, loss, (lambda: loss) if optimizer.needs_closure else None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("steps", [0, 4])
def test_what_it_tells_is_what_the_step_does(row, steps, dtype):
    optimizer, params, loss, closure = on_course(row, dtype, steps)
    told = {}
    for i, p in enumerate(params):
        for index in list(np.ndindex(p.shape))[:4]:
            told[i, index] = optimizer.explanation(p, index, closure)
    before = courses.values(params)
    courses.take_step(optimizer, loss)
    after = courses.values(params)
    moved = 0
    for (i, index), explanation in told.items():
        if params[i].grad is None:
            assert explanation.laws == [] and after[i][index] == before[i][index]
            continue
        assert explanation.before["p"] == before[i][index]
        assert explanation.after["p"] == pytest.approx(after[i][index], rel=1e-12 if dtype == np.float64 else 1e-6)
        moved += after[i][index] != before[i][index]
    assert moved > 0 or steps == 0  # at its first step a rule may only look


def test_asking_changes_nothing(row):
    optimizer, params, loss, closure = on_course(row, np.float64, 3)
    other, others, *_ = on_course(row, np.float64, 3)
    before, state = courses.values(params), optim.to_arrays(optimizer.state_dict())
    for p in params:
        for index in list(np.ndindex(p.shape))[:2]:
            assert str(optimizer.explanation(p, index, closure))
    assert courses.same_bits(courses.values(params), before)
    found = optim.to_arrays(optimizer.state_dict())
    assert found.keys() == state.keys() and all(found[name].tobytes() == state[name].tobytes() for name in state)
    courses.take_step(optimizer, loss)
    courses.take_step(other, loss)
    assert courses.same_bits(courses.values(params), courses.values(others))


def test_on_a_gpu(row, cuda):
    told = []
    for device in ("cpu", cuda):
        optimizer, params, _, closure = on_course(row, np.float64, 3, device)
        index = tuple(0 for _ in params[0].shape)
        told.append(optimizer.explanation(params[0], index, closure))
    assert told[1].after == pytest.approx(told[0].after, rel=1e-9)


def test_the_text_of_a_step_by_hand(capsys):
    p = param(1.0, 2.0)
    optimizer = optim.SGD([p], lr=0.5, momentum=0.5)
    for gradient in (4.0, 2.0):
        p.grad = mg.tensor([0.0, gradient], dtype=mg.float64)
        if gradient == 4.0:
            optimizer.step()
    assert optimizer.explain(p, -1) is None
    assert capsys.readouterr().out == """SGD, step 2 of element (1,) of parameter 0, shape (2,), float64
  lr = 0.5   momentum = 0.5   dampening = 0   weight_decay = 0   nesterov = False   maximize = False

sgd.cu #momentum
  scalars  lr = 0.5   momentum = 0.5
  before   g = 2   p = 0   buf = 4
    T d = g;  d = 2
    buf = momentum * buf + d;
        momentum * buf = 0.5 * 4 = 2
        buf            = 2 + 2 = 4
    d = buf;  d = 4
    p -= lr * d;
        lr * d = 0.5 * 4 = 2
        p      = 0 - 2 = -2
  after    p = -2   buf = 4

p goes from 0 to -2, a change of -2
"""


def test_a_name_stands_for_its_number_and_a_scalar_has_no_index():
    model = nn.Linear(2, 1)
    optimizer = optim.Adam(model.named_parameters(), lr=0.125)
    model(mg.ones(1, 2)).sum().backward()
    assert str(optimizer.explanation(model.bias, 0)).startswith("Adam, the next step of element (0,) of parameter 1 (bias)")
    w = mg.tensor(1.0, requires_grad=True)
    w.grad = mg.tensor(2.0)
    told = optim.SGD([w], lr=0.25).explanation(w, ())
    assert (told.before, told.after) == ({"p": 1.0}, {"p": 0.5})
    assert str(told).startswith("SGD, the next step of parameter 0, float32")


def test_halves_are_updated_in_single_precision_and_stored_as_halves():
    p = param(1.0, dtype=mg.float16)
    p.grad = mg.tensor([1.0], dtype=mg.float16)
    optimizer = optim.SGD([p], lr=1e-4)
    told = optimizer.explanation(p, 0)
    assert told.laws[0].after["p"] == np.float32(1) - np.float32(1e-4)
    optimizer.step()
    assert told.after["p"] == p.item() == 1.0


def test_a_parameter_without_a_gradient_is_passed_over():
    p = param(1.0)
    told = optim.SGD([p], lr=0.25).explanation(p, 0)
    assert told.laws == [] and told.before == told.after == {"p": 1.0}
    assert str(told).endswith("It has no gradient, so a step passes it over.")


def test_states_do_not_show_before_the_first_step_what_was_left_in_their_memory():
    p, q = param(1.0), param(1.0)
    optimizer = optim.Adam([p, q], lr=0.5, betas=(0.5, 0.5))
    p.grad = mg.ones(1, dtype=mg.float64)
    optimizer.step()
    q.grad = mg.ones(1, dtype=mg.float64)
    assert optimizer.explanation(q, 0).before == {"p": 1.0, "m": 0.0, "v": 0.0}
    assert optimizer.explanation(p, 0).before["m"] == 0.5


def test_rules_that_need_a_closure_are_asked_with_one():
    p = param(2.0)
    optimizer = optim.NAG([p], lr=0.125, momentum=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    optimizer.step(closure)  # v = -0.5, p = 1.5
    with pytest.raises(TypeError, match=r"NAG: .* call step\(closure\)"):
        optimizer.explanation(p, 0)
    told = optimizer.explanation(p, 0, closure)
    assert told.laws[0].before == {"g": 2 * (1.5 - 0.25), "p": 1.5, "v": -0.5}
    assert p.item() == 1.5
    optimizer.step(closure)
    assert told.after["p"] == p.item()


def test_lbfgs_shows_its_way_along_each_line_and_goes_back():
    p, q = param(1.0, -2.0), param(3.0)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum() + (q * q * 4).sum() + p[0] * q[0]
        loss.backward()
        return loss

    optimizer = optim.LBFGS([p, q], lr=0.5, max_iter=3, line_search_fn="strong_wolfe")
    optimizer.step(closure)
    before, state = [p.tolist(), q.tolist()], optim.to_arrays(optimizer.state_dict())
    told = optimizer.explanation(q, 0, closure)
    assert [p.tolist(), q.tolist()] == before and told.before["p"] == before[1][0]
    found = optim.to_arrays(optimizer.state_dict())
    assert all(found[name].tobytes() == state[name].tobytes() for name in state)
    optimizer.step(closure)
    assert told.after["p"] == q.item() != before[1][0]
    assert all(call.law.name == "lbfgs" for call in told.laws) and len(told.laws) >= 2


@pytest.mark.parametrize("ask, error, message", [
    (lambda p: (p, 2), IndexError, r"SGD.explain: index 2 names no element of parameter 0, of shape \(2, 2\): it takes 2 int"),
    (lambda p: (p, (0, 2)), IndexError, r"index \(0, 2\) names no element"),
    (lambda p: (p, (0, 0.5)), TypeError, r"an index is an integer or a tuple of integers, not \(0, 0.5\)"),
    (lambda p: (p, (0, slice(None))), TypeError, "an index is an integer or a tuple of integers"),
    (lambda p: (mg.ones(3), 0), ValueError, r"a tensor of shape \(3,\) that is none of the optimizer's parameters"),
    (lambda p: (0, 0), TypeError, "SGD.explain takes one of the optimizer's parameters, not a int"),
])  # fmt: skip
def test_questions_that_make_no_sense(ask, error, message):
    p = mg.ones(2, 2, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)
    with pytest.raises(error, match=message):
        optimizer.explain(*ask(p), closure=lambda: pytest.fail("the closure was called"))


# ----------------------------------------------------------------------------------------------------------- wrappers


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
def test_lookahead_shows_the_jump_when_there_is_one(dtype):
    p = mg.tensor([1.0, 2.0], dtype=dtype, requires_grad=True)
    optimizer = optim.Lookahead(optim.SGD([p], lr=0.25), k=2, alpha=0.5)
    for step in range(5):
        p.grad = mg.tensor([1.0, 4.0], dtype=dtype)
        told = optimizer.explanation(p, 1)
        assert [call.law.name for call in told.laws] == ["sgd", "lookahead"][: 1 + step % 2]
        before = p.array[1]
        optimizer.step()
        assert (told.before["p"], told.after["p"]) == (before, p.array[1])
    assert str(told).startswith("Lookahead around SGD, the next step of element (1,) of parameter 0")
    assert "k = 2   alpha = 0.5   lr = 0.25" in str(told)


def test_sam_shows_the_step_by_the_gradient_from_above():
    p = param(3.0, 4.0)
    optimizer = optim.SAM(optim.SGD([p], lr=0.5), rho=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum() / 2
        loss.backward()
        return loss

    told = optimizer.explanation(p, 0, closure)
    assert told.laws[0].before["g"] == pytest.approx(3 + 0.5 * 3 / 5, rel=1e-14)
    assert p.tolist() == [3.0, 4.0]
    optimizer.step(closure)
    assert told.after["p"] == p.array[0]
    with pytest.raises(TypeError, match=r"SAM: .* call step\(closure\)"):
        optimizer.explain(p, 0)
