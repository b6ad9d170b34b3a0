"""Which layer lies above which, on graphs small enough to draw."""
import pytest

import minigrad
from minigrad.gradflow.chain import above, tensors_in


def leaf():
    return minigrad.ones(2).requires_grad_()


def nodes(*tensors):
    return [t.node for t in tensors]


def test_a_chain_with_ops_between():
    a = leaf() * 2
    b = (a.tanh() + 1) * leaf()
    c = b.sum()
    assert above(nodes(a, b, c), iter([c])) == [1, 2, None]


def test_two_uses_are_a_branch_and_a_value_squared_is_two_uses():
    a = leaf() * 2
    b = a.tanh()
    assert above(nodes(a, b), iter([b + a])) == [None, None]
    c = leaf() * 2
    d = (c * c).exp()
    assert above(nodes(c, d), iter([d])) == [None, None]


def test_a_join_is_no_branch():
    """Each of two inputs of a sum has one way up."""
    a, b = leaf() * 2, leaf() * 3
    c = (a + b).exp()
    assert above(nodes(a, b, c), iter([c])) == [2, 2, None]


def test_what_is_returned_besides_being_used_is_a_branch():
    a = leaf() * 2
    b = a.tanh()
    assert above(nodes(a, b), iter([b])) == [1, None]
    assert above(nodes(a, b), iter([b, a])) == [None, None]


def test_a_use_that_leads_nowhere_does_not_count():
    a = leaf() * 2
    b = a.tanh()
    a.exp()
    assert above(nodes(a, b), iter([b])) == [1, None]


def test_layers_without_a_graph_or_off_the_way():
    a = leaf() * 2
    unused = leaf() * 3
    assert above([None, unused.node, a.node], iter([a.exp()])) == [None, None, None]
    assert above([None], iter([minigrad.ones(2)])) == [None]


def test_long_graphs_need_no_recursion():
    first = x = leaf() * 1
    for _ in range(20_000):
        x = x * 1.0
    assert above(nodes(first, x), iter([x])) == [1, None]


@pytest.mark.parametrize("wrap, count", [
    (lambda t: t, 1), (lambda t: (t, [t, {"a": t}]), 3), (lambda t: None, 0), (lambda t: {"a": 1, "b": (t, "x")}, 1),
])
def test_tensors_in(wrap, count):
    t = minigrad.ones(2)
    found = list(tensors_in(wrap(t)))
    assert len(found) == count and all(f is t for f in found)
