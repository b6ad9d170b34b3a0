"""The tape: ops record nodes, the walk takes them back.

An op (dispatch.py) is a forward on raw arrays and one vector-Jacobian product (vjp) per argument. Called on Tensors it
also leaves a node, which keeps what the vjps will need: raw arrays and parent nodes, never Tensors, so a graph has no
cycles and dies by reference count. Every node carries its birth, a number that only grows, and since a node is born
after its parents, newest first is an order in which no node is visited before all that flows into it has arrived.
"""

from __future__ import annotations

from contextlib import nullcontext
from heapq import heappop, heappush
from itertools import count
from operator import methodcaller
from threading import Lock
from typing import Any, Callable, Iterable, Sequence

import numpy as np

from .backend import Array, backend_of, dtypes, is_array, writelog
from .gradmode import CHECKED, current_mode, enable_grad

# ---------------------------------------------------------------------------------------------------------- nodes

_births = count()
next_tick = _births.__next__


class Node:
    """One application of an op, and what its vjps will need.

    `args` holds, for each argument, the raw array where some vjp reads it, otherwise the parent node (for its shape and
    dtype). `y` is the output, where a vjp reads it.
    """

    __slots__ = ("args", "birth", "dtype", "kw", "op", "parents", "shape", "watch", "y")

    op: Any
    birth: int

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def name(self) -> str:
        return self.op.name

    def watch_keeps(self) -> bool:
        return self.watch is not None and self.watch.keep

    @property
    def grad(self) -> Any:
        return None if self.watch is None else self.watch.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        watch_of(self).grad = value


class Leaf:
    """Where a gradient ends up: the node of a tensor that was made, not computed."""

    __slots__ = ("birth", "dtype", "grad", "replaced", "shape", "watch")

    op = None
    name = "leaf"
    parents = ()

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.birth = next_tick()
        self.shape = shape
        self.dtype = dtype
        self.grad: Any = None
        self.replaced: str | None = None  # why no gradient may come here any more
        self.watch: Watch | None = None

    @property
    def ndim(self) -> int:
        return len(self.shape)


class Watch:
    """What users asked to be told of a node's gradient: hooks, and whether to keep it."""

    __slots__ = ("grad", "hooks", "keep")

    def __init__(self) -> None:
        self.grad: Any = None
        self.hooks: dict[int, Callable] = {}
        self.keep = False


def watch_of(node: Any) -> Watch:
    if node.watch is None:
        node.watch = Watch()
    return node.watch


_new = object.__new__
_ndarray = np.ndarray
NO_KW: dict[str, Any] = {}


def record(row: Any, y: Any, arrays: tuple, parents: tuple, kw: dict[str, Any]) -> Node:
    """The node of one application: keeps only what the wanted vjps read."""
    if row.partial:  # a parent whose argument is not differentiable gets nothing
        parents = tuple(p if v is not None else None for p, v in zip(parents, row.vjps))
    keep_y, keep_args = row.kept(tuple([p is not None for p in parents]))
    node = _new(Node)
    node.birth = next_tick()
    node.op = row
    node.kw = kw
    node.parents = parents
    node.args = tuple([a if k else p for a, k, p in zip(arrays, keep_args, parents)])
    node.y = y if keep_y else None
    node.shape, node.dtype = (None, None) if isinstance(y, tuple) else (y.shape, y.dtype)
    node.watch = None
    return node


class PartialGradients:
    """The upstream gradients of an op with several outputs, by output. A plain gradient added to it is output 0's."""

    __slots__ = ("by_index", "dtype", "shape")

    def __init__(self, by_index: dict[int, Any], whole: Any) -> None:
        self.by_index = by_index
        self.shape, self.dtype = whole.shape, whole.dtype  # nothing to fit

    def __add__(self, other: Any) -> PartialGradients:
        merged = dict(self.by_index)
        for i, g in (other.by_index if other.__class__ is PartialGradients else {0: other}).items():
            merged[i] = merged[i] + g if i in merged else g
        return PartialGradients(merged, self)

    def as_list(self, n: int) -> list[Any]:
        return [self.by_index.get(i) for i in range(n)]


def pick(whole: Node, index: int, y: Array) -> Node:
    """The node of output `index` of an op with several; it bears that op's name."""
    return record(Picker(whole.op.name), y, (None,), (whole,), {"index": index})


class Picker:
    """The row of pick(): it hands the gradient of one output to the node of all."""

    __slots__ = ("name",)

    partial = False

    def __init__(self, name: str) -> None:
        self.name = name

    def kept(self, needs: tuple[bool, ...]) -> tuple[bool, tuple[bool, ...]]:
        return False, (False,)

    def pull(self, node: Node, g: Any, y: Any, args: tuple, wanted: Sequence[Any]) -> Sequence[Any]:
        return (PartialGradients({node.kw["index"]: g}, node.parents[0]),)


def as_array(y: Any) -> Array:
    """NumPy hands back scalars for 0-d results; every result is an array here."""
    return y if is_array(y) else np.asarray(y)


def refuse_nan(row: Any, made: Any, inputs: Iterable[Any], what: str) -> None:
    """Raise if `made` holds a NaN that none of `inputs` holds."""
    if _has_nan(made) and not any(_has_nan(x) for x in inputs):
        shapes = ", ".join(str(tuple(x.shape)) for x in inputs if hasattr(x, "shape"))
        raise FloatingPointError(f"a NaN was born in {what} {row.name}, from values of shapes {shapes} without one")


def _has_nan(x: Any) -> bool:
    x = x.array if hasattr(x, "face") else x
    return getattr(getattr(x, "dtype", None), "kind", "") == "f" and bool(np.isnan(x).any())


# ------------------------------------------------------------------------------------------------------- the walk


def walk(
    roots: Sequence[Any], gradients: Sequence[Any], face: Any, create_graph: bool = False, retain_graph: bool = False,
    only: set | None = None,
) -> dict[Any, Any]:
    """Take gradients from the root nodes back through the graph, newest node first.

    Leaves accumulate theirs; with `only`, the gradients of those nodes are returned instead and no leaf is touched.
    Under create_graph the gradients are Tensors (of class `face`), so the same vjps are recorded as they run.
    """
    leading = None if only is None else _leading_to(only, roots)
    pending: dict[int, tuple[Any, Any]] = {}  # (node, gradient so far) by minus birth: a heap yields its smallest
    heap: list[int] = []
    at_leaves: dict[Any, Any] = {}
    found: dict[Any, Any] = {}
    checked = current_mode() is CHECKED
    for node, g in zip(roots, gradients):
        if leading is None or node in leading:
            _arrive(node, g, pending, heap, at_leaves)
    while heap:
        node, g = pending.pop(heappop(heap))
        if node.watch is not None:
            g = _show(node, g, face)
        if only is not None and node in only:
            found[node] = g
        parents = node.parents
        if parents is None:
            raise RuntimeError(_freed(node))
        if node.birth < writelog.last:
            _check_unchanged(node)
        wanted = parents if leading is None else [p if p in leading else None for p in parents]
        if create_graph:
            grads = node.op.pull(node, g, *_lifted(node, face), wanted)
        elif g.__class__ is _ndarray:
            grads = node.op.pull(node, g, node if node.y is None else node.y, node.args, wanted)
        else:
            grads = _pull_there(node, g, wanted)
        if checked:
            for gp in grads:
                upstream = g.by_index.values() if g.__class__ is PartialGradients else (g,)
                refuse_nan(node.op, gp, upstream, "the backward of")
        if not retain_graph:
            node.parents = node.args = node.y = None
            node.kw = NO_KW
        for parent, gp in zip(wanted, grads):
            if parent is None or gp is None:
                continue
            if gp.shape != parent.shape or gp.dtype is not parent.dtype:
                gp = _fit(gp, parent, node) if gp.__class__ is _ndarray else _there(_fit, gp, parent, node)
            if parent.op is None:
                if parent in at_leaves:
                    gp = _there(_plus, gp, at_leaves[parent])
                elif create_graph or gp is g or gp.base is not None:
                    gp = _own(gp)  # `a + b` hands both leaves one array: what a leaf keeps must be its own
                at_leaves[parent] = gp
                continue
            key = -parent.birth  # _arrive(), written out: it would cost a tenth of a small op's backward
            if key in pending:
                sofar = pending[key][1]
                pending[key] = parent, (sofar + gp if gp.__class__ is _ndarray else _there(_plus, gp, sofar))
            else:
                pending[key] = parent, gp
                heappush(heap, key)
    for leaf in at_leaves:  # all at the end: a walk that fails has changed the gradient of no leaf
        if leaf.replaced is not None:
            raise RuntimeError(leaf.replaced)
        if leaf.watch is not None:
            at_leaves[leaf] = _show(leaf, at_leaves[leaf], face)
    for leaf, g in at_leaves.items():
        if only is None:
            _accumulate(leaf, g, face)
        elif leaf in only:
            found[leaf] = g
    return found


def _arrive(node: Any, g: Any, pending: dict, heap: list, at_leaves: dict) -> None:
    """Add a gradient to what has arrived at a node so far."""
    key = -node.birth
    if node.op is None:
        at_leaves[node] = _there(_plus, g, at_leaves[node]) if node in at_leaves else g
    elif key in pending:
        pending[key] = node, _there(_plus, g, pending[key][1])
    else:
        pending[key] = node, g
        heappush(heap, key)


def _pull_there(node: Node, g: Any, wanted: Sequence[Any]) -> Sequence[Any]:
    """pull() with the gradient's device as the current one."""
    some = next(iter(g.by_index.values())) if g.__class__ is PartialGradients else g
    return _there(lambda _: node.op.pull(node, g, node if node.y is None else node.y, node.args, wanted), some)


def _there(function: Callable, g: Any, *rest: Any) -> Any:
    """function(g, *rest) with the device of `g` as the current one: else results would land on another."""
    if g.__class__ is _ndarray or g.__class__ is PartialGradients or hasattr(g, "face"):
        return function(g, *rest)
    backend = backend_of(g)
    device = backend.device_of(g)
    if device.type == "cpu":
        return function(g, *rest)
    with backend.on(device):
        return function(g, *rest)


def _lifted(node: Node, face: Any) -> tuple[Any, tuple]:
    """What a node saved, as Tensors that know where they came from."""
    y = node.y
    if y is None:
        y = node
    elif isinstance(y, tuple):
        y = [face.of(part, pick(node, i, part)) for i, part in enumerate(y)]
    else:
        y = face.of(y, node)
    return y, tuple(face.of(a, p) if is_array(a) else a for a, p in zip(node.args, node.parents))


def _own(g: Any) -> Any:
    """A copy that shares no memory with g."""
    return g.clone() if hasattr(g, "face") else _there(_copy, g)


_copy = methodcaller("copy")


def _plus(g: Any, sofar: Any) -> Any:
    return g + sofar if g.__class__ is PartialGradients else sofar + g


def _fit(g: Any, parent: Any, node: Node) -> Any:
    """Bring a gradient to its tensor's exact shape and dtype: sum over what was broadcast, undo promotion."""
    if g.shape != parent.shape:
        lead = g.ndim - len(parent.shape)
        ones = [i + lead for i, n in enumerate(parent.shape) if n == 1]
        stretched = [i for i in ones if g.shape[i : i + 1] != (1,)]
        fitting = lead >= 0 and all(m == n or n == 1 for m, n in zip(g.shape[lead:], parent.shape))
        if not fitting:
            raise RuntimeError(
                f"the vjp of {node.name} returned a gradient of shape {tuple(g.shape)} "
                f"for an argument of shape {parent.shape}"
            )
        dtype = g.dtype
        if dtype == dtypes.float16:
            g = g.astype(dtypes.float32)  # a float16 sum saturates
        g = np.add.reduce(g, axis=(*range(lead), *stretched)).reshape(parent.shape).astype(dtype)
    return g if g.dtype == parent.dtype else g.astype(parent.dtype)


def _show(node: Any, g: Any, face: Any) -> Any:
    """Let hooks see, and replace, a gradient; keep it if asked to."""
    as_tensor = g if hasattr(g, "face") else face.of(as_array(g), None)
    for hook in list(node.watch.hooks.values()):
        replaced = hook(as_tensor)
        if replaced is not None:
            _check_replacement(replaced, as_tensor, node)
            as_tensor = replaced
    if node.watch.keep:
        kept = face.of(_own(as_tensor.array), as_tensor.node)
        node.watch.grad = kept if node.watch.grad is None else node.watch.grad + kept
    return as_tensor if hasattr(g, "face") else as_tensor.array


def _check_replacement(replaced: Any, g: Any, node: Any) -> None:
    _check_is_tensor(replaced, f"what a hook on {node.name} returns")
    for what in ("shape", "dtype", "device"):
        before, after = getattr(g, what), getattr(replaced, what)
        if before != after:
            raise RuntimeError(f"a hook on {node.name} turned a gradient of {what} {before} into one of {what} {after}")


def _accumulate(leaf: Leaf, g: Any, face: Any) -> None:
    if g.__class__ is _ndarray:
        array, g = g, _new(face)
        g.array = array
        g.node = None
    elif not hasattr(g, "face"):
        g = face.of(as_array(g), None)
    with _accumulating:
        leaf.grad = g if leaf.grad is None else leaf.grad + g


_accumulating = Lock()  # several threads may go back to one leaf


def _leading_to(targets: set, roots: Sequence[Any]) -> set:
    """The nodes on some path from a root to a target."""
    oldest = min(t.birth for t in targets)
    reached: set = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in reached or node.birth < oldest:
            continue
        reached.add(node)
        if node.birth > oldest and node.op is not None:
            if node.parents is None:
                raise RuntimeError(_freed(node))
            stack.extend(p for p in node.parents if p is not None)
    leading = targets & reached
    for node in sorted(reached, key=lambda n: n.birth):
        if any(p in leading for p in node.parents or ()):
            leading.add(node)
    return leading


def _freed(node: Node) -> str:
    return (
        f"the graph of this {node.name} was freed by an earlier backward(), successful or not; run the forward again, "
        "or pass retain_graph=True to the earlier backward() if you need to go back through it twice"
    )


def _check_unchanged(node: Node) -> None:
    """Raise if a value that the vjps of `node` read was changed in place since the op ran."""
    saved = [("its output", node.y)]
    saved += [(f"its argument {i}", a) for i, a in enumerate(node.args)]
    saved += [(f"its option {k!r}", v) for k, v in node.kw.items()]
    for what, value in saved:
        for array in value if isinstance(value, (tuple, list)) else (value,):
            if is_array(array) and writelog.written_since(array, node.birth):
                raise RuntimeError(
                    f"the gradient of {node.name} needs {what} (shape {tuple(array.shape)}, dtype {array.dtype}), "
                    "which was changed in place after the op ran; change a clone(), or change it after backward()"
                )


# --------------------------------------------------------------------------------------------------- entry points


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add d(sum of tensors)/d(leaf) to the .grad of every leaf that they depend on (of `inputs`, if given).

    grad_tensors: the gradient with respect to each tensor, of its shape; a single-element tensor needs none.
    Raises RuntimeError for a tensor without a graph, a missing gradient, a freed graph, or a value changed in place.
    """
    tensors = _as_list(tensors)
    gradients = _seeds(tensors, grad_tensors, create_graph)
    retain = create_graph if retain_graph is None else bool(retain_graph)
    roots = [t.node for t in tensors]
    face = tensors[0].face
    if inputs is None:
        run(roots, gradients, face, create_graph, retain, None)
        return
    inputs = _as_list(inputs)
    if not inputs:
        raise ValueError("backward: inputs is empty; leave it out to reach every leaf")
    found = run(roots, gradients, face, create_graph, retain, set(_nodes_of(inputs)))
    for node, g in found.items():
        if node.op is None or not node.watch_keeps():  # one that retains its gradient has it already
            _accumulate(node, _own(g), face)


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    allow_unused: bool | None = None, materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the (summed) outputs with respect to each input; no .grad is touched.

    create_graph: record the gradients themselves, so that they can be differentiated again. allow_unused: None for an
    input that the outputs do not depend on, instead of an error; materialize_grads: zeros for it.
    Raises RuntimeError as backward() does, and for an input that was not used.
    """
    outputs, inputs = _as_list(outputs), _as_list(inputs)
    if not inputs:
        raise ValueError("grad: inputs is empty")
    gradients = _seeds(outputs, grad_outputs, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    targets = _nodes_of(inputs)
    face = outputs[0].face
    found = run([t.node for t in outputs], gradients, face, create_graph, retain, set(targets))
    results = []
    for i, (x, node) in enumerate(zip(inputs, targets)):
        g = found.get(node)
        if g is None and materialize_grads:
            g = _there(np.zeros_like, x.array)
        elif g is None and not allow_unused:
            raise RuntimeError(
                f"grad: the outputs do not depend on input {i} (shape {x.shape}); "
                "pass allow_unused=True to get None for it, or materialize_grads=True to get zeros"
            )
        results.append(g if g is None or hasattr(g, "face") else face.of(as_array(_own(g)), None))
    return tuple(results)


def run(roots: list, gradients: list, face: Any, create_graph: bool, retain: bool, only: set | None) -> dict:
    with np.errstate(all="ignore"):
        if create_graph:
            with enable_grad() if not current_mode() else nullcontext():
                return walk(roots, gradients, face, True, retain, only)
        return walk(roots, gradients, face, False, retain, only)


def _as_list(x: Any) -> list:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _check_is_tensor(x: Any, what: str) -> None:
    if not hasattr(x, "face"):
        raise TypeError(f"{what} must be a Tensor, not {type(x).__name__}; make one with minigrad.tensor")


def _nodes_of(inputs: list) -> list:
    for i, x in enumerate(inputs):
        _check_is_tensor(x, f"input {i}")
        if x.node is None:
            raise RuntimeError(
                f"input {i} (shape {x.shape}) does not require gradients; call requires_grad_() on it first"
            )
    return [x.node for x in inputs]


def _seeds(tensors: list, gradients: Any, create_graph: bool) -> list:
    """The upstream gradient of each root, checked: raw arrays, or Tensors under create_graph."""
    if not tensors:
        raise ValueError("backward needs at least one tensor")
    gradients = [None] * len(tensors) if gradients is None else _as_list(gradients)
    if len(gradients) != len(tensors):
        raise ValueError(f"{len(tensors)} tensors but {len(gradients)} gradients were given")
    seeds = []
    for t, g in zip(tensors, gradients):
        _check_is_tensor(t, "what is differentiated")
        if t.node is None:
            raise RuntimeError(
                f"backward on a tensor of shape {t.shape} that has no graph: nothing it was computed from requires "
                "gradients (or it was made under no_grad()); set requires_grad=True on the tensors to differentiate"
            )
        if g is None:
            if t.array.size != 1:
                raise RuntimeError(
                    f"backward on a tensor of shape {t.shape} needs a gradient of that shape; "
                    "reduce it first, for instance with .sum() or .mean(), or pass gradient="
                )
            seeds.append(t.face.of(_there(np.ones_like, t.array), None) if create_graph else one_like(t.array))
            continue
        _check_is_tensor(g, "the gradient given")
        if tuple(g.shape) != tuple(t.shape):
            raise RuntimeError(f"the gradient given has shape {tuple(g.shape)}, its tensor {t.shape}; make them equal")
        if g.dtype != t.dtype:
            raise TypeError(f"the gradient given is {g.dtype}, its tensor {t.dtype}; cast it with .to({t.dtype})")
        if g.device != t.device:
            raise RuntimeError(
                f"the gradient given is on {g.device}, its tensor on {t.device}; move it with .to('{t.device}')"
            )
        seeds.append(_own(g if create_graph else g.array))
    return seeds


def one_like(array: Array) -> Array:
    """The gradient of a loss with respect to itself."""
    if array.__class__ is _ndarray and not array.shape:
        return _ONE[array.dtype].copy()
    return _there(np.ones_like, array)


_ONE = {dtype: np.ones((), dtype) for dtype in dtypes.FLOATS}
