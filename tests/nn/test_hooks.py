"""Hooks on a module's call and on its gradients."""
import copy

import pytest

import minigrad
from minigrad import nn


class Twice(nn.Module):
    def forward(self, x, factor=2.0):
        return x * factor


def test_hooks_run_around_forward_in_order():
    module, log = Twice(), []
    for name in ("a", "b"):
        module.register_forward_pre_hook(lambda m, args, name=name: log.append(("before", name, m, args)))
        module.register_forward_hook(lambda m, args, out, name=name: log.append(("after", name, args, out)))
    module.register_forward_pre_hook(lambda m, args: log.append("first"), prepend=True)
    module.register_forward_hook(lambda m, args, out: log.append("early"), prepend=True)
    x = minigrad.ones(1)
    y = module(x)
    assert log[0] == "first" and log[3] == "early"
    assert log[1] == ("before", "a", module, (x,)) and log[2][1] == "b"
    assert [entry[:3] for entry in log[4:]] == [("after", "a", (x,)), ("after", "b", (x,))] and log[4][3] is y


def test_what_a_hook_returns_takes_the_place():
    module = Twice()
    module.register_forward_pre_hook(lambda m, args: args[0] + 1)
    module.register_forward_pre_hook(lambda m, args: (args[0] * 10,))
    module.register_forward_hook(lambda m, args, out: out - 1)
    assert module(minigrad.tensor([1.0])).tolist() == [(1 + 1) * 10 * 2 - 1.0]


def test_hooks_with_kwargs():
    module, seen = Twice(), []
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"factor": kwargs["factor"] + 1}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, out: seen.append(kwargs), with_kwargs=True)
    assert module(minigrad.tensor([1.0]), factor=4.0).tolist() == [5.0]
    assert seen == [{"factor": 5.0}]
    module.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"must return None or \(args, kwargs\)"):
        module(minigrad.tensor([1.0]), factor=4.0)


def test_a_handle_takes_its_hook_off():
    module, log = Twice(), []
    handle = module.register_forward_hook(lambda *_: log.append(1))
    with module.register_forward_hook(lambda *_: log.append(2)):
        module(minigrad.ones(1))
    handle.remove()
    module(minigrad.ones(1))
    assert log == [1, 2]


def test_copies_have_hooks_of_their_own():
    module, log = Twice(), []
    module.register_forward_hook(print_nothing)
    twin = copy.deepcopy(module)
    twin.register_forward_hook(lambda *_: log.append(1))
    module(minigrad.ones(1))
    assert log == []
    twin(minigrad.ones(1))
    assert log == [1]


def print_nothing(*_):
    pass


# ------------------------------------------------------------------------------------------------- backward hooks


class Mix(nn.Module):
    """Two inputs and something that is no tensor; two outputs."""

    def forward(self, a, n, b):
        return a * b, a * n


def mix_gradients(hook=None):
    module, seen = Mix(), []
    module.register_full_backward_hook(hook or (lambda m, gi, go: seen.append((m, gi, go))))
    a, b = minigrad.tensor([2.0, 3.0], requires_grad=True), minigrad.tensor([5.0, 7.0], requires_grad=True)
    u, v = module(a, 10.0, b)
    return module, seen, a, b, u, v


def test_backward_hooks_see_both_sides():
    module, seen, a, b, u, v = mix_gradients()
    (u * 3 + v).sum().backward()
    (called, grad_input, grad_output), = seen
    assert called is module
    assert [g.tolist() for g in grad_output] == [[3.0, 3.0], [1.0, 1.0]]
    assert grad_input[1] is None
    assert [grad_input[0].tolist(), grad_input[2].tolist()] == [[3 * 5 + 10.0, 3 * 7 + 10.0], [3 * 2.0, 3 * 3.0]]
    assert a.grad.tolist() == [25.0, 31.0] and b.grad.tolist() == [6.0, 9.0]


def test_an_output_without_a_gradient_shows_none():
    _, seen, a, b, u, _v = mix_gradients()
    u.sum().backward()
    (_, grad_input, grad_output), = seen
    assert grad_output[1] is None and grad_output[0].tolist() == [1.0, 1.0]
    assert grad_input[0].tolist() == [5.0, 7.0] == a.grad.tolist()


def test_a_backward_hook_replaces_the_gradient_of_the_input():
    _, _, a, b, u, _v = mix_gradients(lambda m, gi, go: (gi[0] * 100, None, gi[2]))
    u.sum().backward()
    assert a.grad.tolist() == [500.0, 700.0] and b.grad.tolist() == [2.0, 3.0]
    _, _, _, _, u, _v = mix_gradients(lambda m, gi, go: gi[:1])
    with pytest.raises(RuntimeError, match="Mix returned 1 gradients for 3 inputs"):
        u.sum().backward()


def test_without_gradients_at_the_input_the_hook_still_runs():
    net, seen = nn.Linear(2, 1), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    net(minigrad.ones(3, 2)).sum().backward()
    assert seen[0][0] == (None,) and seen[0][1][0].tolist() == [[1.0]] * 3
    assert net.weight.grad.tolist() == [[3.0, 3.0]]


def test_backward_hooks_leave_results_and_second_derivatives_right():
    module = Twice()
    module.register_full_backward_hook(print_nothing)
    module.register_full_backward_hook(print_nothing, prepend=True)
    x = minigrad.tensor([3.0], requires_grad=True)
    y = module(x * x, factor=x)  # 1.0 x^3; keyword arguments pass beside the hook
    g, = minigrad.grad(y.sum(), x, create_graph=True)
    gg, = minigrad.grad(g.sum(), x)
    assert (y.tolist(), g.tolist(), gg.tolist()) == ([27.0], [27.0], [18.0])


def test_backward_hooks_agree_with_pytorch(torch):
    def gradients(lib):
        seen = []
        net = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Tanh())
        with lib.no_grad():
            for p in net.parameters():
                p.fill_(0.5)
        net[1].register_full_backward_hook(
            lambda m, gi, go: seen.append([None if g is None else g.tolist() for g in (*gi, *go)]))
        net.register_full_backward_hook(
            lambda m, gi, go: seen.append([None if g is None else g.tolist() for g in (*gi, *go)]))
        x = lib.tensor([[1.0, 2.0]], requires_grad=True)
        (net(x) * lib.tensor([[1.0, 3.0]])).sum().backward()
        return [*seen[0], *seen[1], x.grad.tolist()]

    for ours, theirs in zip(gradients(minigrad), gradients(torch), strict=True):
        assert ours == [pytest.approx(row, rel=1e-5) for row in theirs]


def test_backward_hooks_need_tensors_out():
    class Odd(nn.Module):
        def forward(self, x):
            return {"y": x}

    odd = Odd()
    odd.register_full_backward_hook(print_nothing)
    with pytest.raises(TypeError, match="Odd returned dict"):
        odd(minigrad.ones(1, requires_grad=True))


def test_under_no_grad_nothing_is_copied():
    module = Twice()
    module.register_full_backward_hook(print_nothing)
    seen = []
    module.register_forward_hook(lambda m, args, out: seen.append(args[0]))
    x = minigrad.ones(1)
    with minigrad.no_grad():
        module(x)
    assert seen[0] is x


def test_the_hooks_op_stays_off_the_list_of_ops():
    assert "module_hook" not in minigrad.dispatch.OPS
