"""Which layer lies above which: read off the graph of a forward pass, so that no call has to be guessed at."""

from __future__ import annotations

from typing import Any, Iterator

from ..tensor import Tensor


def tensors_in(output: Any) -> Iterator[Tensor]:
    """The Tensors in what a model returned: one, or any nest of tuples, lists and dicts."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (tuple, list)):
        for part in output:
            yield from tensors_in(part)
    elif isinstance(output, dict):
        yield from tensors_in(list(output.values()))


def above(nodes: list[Any], outputs: Iterator[Tensor], results: list[Any] | None = None) -> list[int | None]:
    """For each layer's node the index of the one layer it goes to next; None at the top, and where the way branches.

    nodes: of the pre-activations, None for one without a graph. outputs: what the model returned. results: what the
    activation made of each pre-activation, if one took it; ways that part and meet again inside it are one way.
    Where a value is used twice, as in a residual block, its gradient is a sum over two ways, and no gain along one of
    them would mean anything: such a layer has none above it.
    """
    users = _users([output.node for output in outputs if output.node is not None])
    index = {id(node): i for i, node in enumerate(nodes) if node is not None}
    ends = results or [None] * len(nodes)
    return [None if node is None else _next(node, end, users, index) for node, end in zip(nodes, ends)]


def _users(roots: list[Any]) -> dict[int, list[Any]]:
    """By id of each node, the nodes that take its result, once for each use; None for the caller of the model."""
    users: dict[int, list[Any]] = {id(root): [None] for root in roots}  # to be returned is to be used, by the loss
    pending = list({id(root): root for root in roots}.values())
    while pending:
        node = pending.pop()
        for parent in node.parents or ():
            if parent is None or parent.op is None:
                continue
            if id(parent) not in users:
                users[id(parent)] = []
                pending.append(parent)
            users[id(parent)].append(node)
    return users


def _between(top: Any, bottom: Any) -> set[int]:
    """The ids of the nodes that `top` was made of, down to `bottom` and without it."""
    inside: set[int] = set()
    pending = [top]
    while pending:
        node = pending.pop()
        if node is not None and node is not bottom and node.op is not None and id(node) not in inside:
            inside.add(id(node))
            pending += node.parents or ()
    return inside


def _next(node: Any, result: Any, users: dict[int, list[Any]], index: dict[int, int]) -> int | None:
    takers = users.get(id(node), [])
    if result is not None and len(takers) > 1 and {id(taker) for taker in takers} <= _between(result, node):
        node = result  # x * sigmoid(x) takes x twice, but nothing else does
        if id(node) in index:
            return index[id(node)]
    while True:
        takers = users.get(id(node), [])
        if len(takers) != 1 or takers[0] is None:
            return None
        node = takers[0]
        if id(node) in index:
            return index[id(node)]
