"""Ops as rows: a forward, its vjps, and the way from a call on Tensors to a node on the tape."""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable, Sequence

import numpy as np

from .autograd import NO_KW, Node, PartialGradients, as_array, next_tick, pick, record, refuse_nan
from .backend import Array, backend_of, device_of, dtypes, is_array
from .backend.quiet import quiet, quiet_binary, quiet_ternary, quiet_unary
from .gradmode import CHECKED, current_mode

OPS: dict[str, "Op"] = {}
_new = object.__new__
_ndarray = np.ndarray
_TERSE = (ValueError, TypeError, OverflowError)  # what NumPy and CuPy raise without saying for whom


class Op:
    """A row: forward, vjps, and which values each vjp reads (from its signature, once)."""

    __slots__ = (
        "_kept", "call", "cast", "forward", "joint", "name", "outputs", "partial", "reads", "view", "visible", "vjps",
    )

    def __init__(
        self, name: str, forward: Callable, vjps: Sequence[Callable | None], joint: Callable | None, cast: str | None,
        view: bool, outputs: int, visible: int,
    ) -> None:
        self.name = name
        self.forward = forward
        self.vjps = tuple(vjps)
        self.joint = joint
        self.partial = joint is None and None in self.vjps
        self.cast = cast
        self.view = view
        self.outputs = outputs
        self.visible = visible
        self.reads = [None if v is None else _reads(v) for v in (self.vjps if joint is None else (joint,))]
        self._kept: dict[tuple[bool, ...], tuple[bool, tuple[bool, ...]]] = {}
        self.call: Any = None  # the public function

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def kept(self, needs: tuple[bool, ...]) -> tuple[bool, tuple[bool, ...]]:
        """(keep y?, keep each argument?) when the arguments with needs[i] want a gradient."""
        found = self._kept.get(needs)
        if found is None:
            found = self._kept[needs] = self._decide_kept(needs)
        return found

    def _decide_kept(self, needs: tuple[bool, ...]) -> tuple[bool, tuple[bool, ...]]:
        n = len(needs)
        if self.joint is not None:
            reading = [self.reads[0]]
        else:
            reading = [r for r, needed in zip(self.reads, needs) if needed and r is not None]
        wanted = [_spread(r, n) for r in reading if r is not None]
        return any(y for y, _ in wanted), tuple(any(args[i] for _, args in wanted) for i in range(n))

    def pull(self, node: Node, g: Any, y: Any, args: tuple, wanted: Sequence[Any]) -> Sequence[Any]:
        """The gradients that flow to the parents; wanted[i] is None for an argument that needs none."""
        if self.joint is not None:
            if self.outputs > 1:
                g = g.as_list(self.outputs) if g.__class__ is PartialGradients else [g] + [None] * (self.outputs - 1)
            return self.joint(g, y, *args, needs=[w is not None for w in wanted], **node.kw)
        vjps = self.vjps
        if len(vjps) == 1:
            return (vjps[0](g, y, args[0], **node.kw),)
        if len(vjps) == 2:
            first, second = wanted
            return (
                None if first is None else vjps[0](g, y, *args, **node.kw),
                None if second is None else vjps[1](g, y, *args, **node.kw),
            )
        if len(vjps) == 3 and not node.kw:
            first, second, third = wanted
            return (
                None if first is None else vjps[0](g, y, *args),
                None if second is None else vjps[1](g, y, *args),
                None if third is None else vjps[2](g, y, *args),
            )
        return [None if w is None else vjp(g, y, *args, **node.kw) for vjp, w in zip(vjps, wanted)]


def _reads(vjp: Callable) -> tuple[bool, list[bool], bool]:
    """Which of (y, args) a vjp reads: a leading underscore says that it does not. The last entry is for *args."""
    code = getattr(vjp, "__code__", None)
    if code is None:
        raise TypeError(f"a vjp must be a Python function vjp(g, y, *args), not {vjp!r}")
    names = code.co_varnames[: code.co_argcount]
    if len(names) < 2 and not code.co_flags & 4:
        raise TypeError(f"a vjp takes (g, y, *args); {vjp.__name__} takes ({', '.join(names)})")
    star = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & 4 else "_"
    read = [not name.startswith("_") for name in names[1:]]
    if not read:
        read = [not star.startswith("_")]
    return read[0], read[1:], not star.startswith("_")


def _spread(reads: tuple[bool, list[bool], bool], n: int) -> tuple[bool, list[bool]]:
    y, args, rest = reads
    return y, (args + [rest] * n)[:n]


def op(
    forward: Callable, *vjps: Callable | None, joint: Callable | None = None, name: str | None = None,
    cast: str | None = None, view: bool = False, outputs: int = 1, visible: int | None = None,
) -> Callable[..., Any]:
    """Make a differentiable function from a forward on raw arrays and one vjp per tensor argument.

        cube = minigrad.op(lambda x: x * x * x, lambda g, _y, x: g * 3 * x * x, name="cube")

    forward(*arrays, **options) returns an array; vjp(g, y, *arrays, **options) returns the gradient of its argument for
    the upstream gradient g and output y, written with operators, NumPy functions and other ops, because it runs on raw
    arrays in backward() and on Tensors under create_graph=True. It must not write to what it is given. A parameter with
    a leading underscore is not read by the vjp, and its values are not kept: it receives the argument's node, which has
    .shape, .ndim and .dtype (None for an argument without a gradient). None in place of a vjp: not differentiable.

    joint: one vjp for all arguments, joint(g, y, *arrays, needs, **options) -> a gradient (or None) for each; needs[i]
    says whether argument i wants one. With outputs > 1 the forward returns a tuple, g and y are lists of that length,
    and a missing upstream gradient is None; only the first `visible` outputs are handed to the caller.
    cast: "promote" brings arguments to one dtype, "float" makes them floating point first, None leaves them alone.
    view: the result may share memory with the first argument.
    """

    @wraps(forward, updated=())
    def quietly(*arrays: Any, **options: Any) -> Any:
        with np.errstate(all="ignore"):  # in the caller's own context, where house ops have one apart
            return forward(*arrays, **options)

    quietly.runs_quietly = True  # type: ignore[attr-defined]
    return _make(quietly, vjps, joint, name, cast, view, outputs, visible)


def house_op(
    forward: Callable, *vjps: Callable | None, joint: Callable | None = None, name: str | None = None,
    cast: str | None = None, view: bool = False, outputs: int = 1, visible: int | None = None,
) -> Callable[..., Any]:
    """op() for minigrad's own rows: listed in OPS, where the checks that run over all ops find them."""
    call = _make(forward, vjps, joint, name, cast, view, outputs, visible)
    OPS[call.op.name] = call.op  # type: ignore[attr-defined]
    return call


def _make(
    forward: Callable, vjps: tuple, joint: Callable | None, name: str | None, cast: str | None, view: bool,
    outputs: int, visible: int | None,
) -> Callable[..., Any]:
    if joint is not None and vjps:
        raise TypeError("give either one vjp per argument or a joint one, not both")
    if outputs > 1 and joint is None:
        raise TypeError("an op with several outputs needs a joint vjp")
    if cast not in (None, "promote", "float"):
        raise ValueError(f"cast must be 'promote', 'float' or None, not {cast!r}")
    name = name or forward.__name__
    arity = len(vjps) if outputs == 1 and joint is None and all(v is not None for v in vjps) else 0
    bare = arity > 0 and not view and not _has_options(vjps)
    if not view:  # inf and NaN are values like others, as in PyTorch; debug() finds where a NaN is born
        quieted = quiet_unary if arity == 1 else {2: quiet_binary, 3: quiet_ternary}.get(arity if bare else 0, quiet)
        forward = quieted(forward)
    row = Op(name, forward, vjps, joint, cast, view, outputs, outputs if visible is None else visible)
    if arity == 1:
        call = _unary(row)
    elif arity == 2 and bare:
        call = _binary(row)
    elif arity == 3 and bare and cast is None:
        call = _ternary(row)
    else:
        call = _any_arity(row)
    row.call = call
    call.op = row  # type: ignore[attr-defined]
    call.__name__ = call.__qualname__ = row.name
    return call


def _has_options(vjps: Sequence[Any]) -> bool:
    codes = [getattr(v, "__code__", None) for v in vjps]
    return any(code is not None and (code.co_kwonlyargcount or code.co_flags & 8) for code in codes)


# The next three are `apply` for the common case, without its generality: NumPy arrays, of one dtype. Tiny networks live
# on these paths, and what is written out in them would, as a call, cost a tenth of a small op.


def _unary(row: Op) -> Callable:
    """One argument, and options."""
    forward, wants_float, is_view = row.forward, row.cast == "float", row.view
    keep_y, (keep_x,) = row.kept((True,))

    def call(x: Any, **kw: Any) -> Any:
        a = getattr(x, "array", None)
        if a.__class__ is not _ndarray or (wants_float and a.dtype.kind != "f"):
            return apply(row, (x,), kw)
        try:
            y = forward(a, **kw)
        except _TERSE as error:
            raise _explained(error, row, (a,)) from error
        if y.__class__ is not _ndarray:
            y = as_array(y)
        parent = x.node
        if parent is None or not (mode := current_mode()) or y.dtype.kind != "f":
            node = None
        else:
            node = _new(Node)
            node.birth = next_tick()
            node.op = row
            node.kw = kw
            node.parents = (parent,)
            node.args = (a if keep_x else parent,)
            node.y = y if keep_y else None
            node.shape = y.shape
            node.dtype = y.dtype
            node.watch = None
            if mode is CHECKED:
                refuse_nan(row, y, (a,), "the forward of")
        if is_view and y.dtype.kind == "f" and in_one_buffer(y, a):
            return x.view_of(y, node, (row, kw))
        out = _new(x.face)
        out.array = y
        out.node = node
        return out

    return call


def _binary(row: Op) -> Callable:
    """Two arguments, no options."""
    forward, wants_float = row.forward, row.cast == "float"
    both, only_first, only_second = row.kept((True, True)), row.kept((True, False)), row.kept((False, True))

    def call(x: Any, z: Any) -> Any:
        a = getattr(x, "array", None)
        b = getattr(z, "array", None)
        if (
            a.__class__ is not _ndarray or b.__class__ is not _ndarray or a.dtype is not b.dtype
            or (wants_float and a.dtype.kind != "f")
        ):
            return apply(row, (x, z), NO_KW)
        try:
            y = forward(a, b)
        except _TERSE as error:
            raise _explained(error, row, (a, b)) from error
        if y.__class__ is not _ndarray:
            y = as_array(y)
        out = _new(x.face)
        out.array = y
        p, q = x.node, z.node
        if (p is None and q is None) or not (mode := current_mode()):
            out.node = None
            return out
        keep_y, (keep_a, keep_b) = both if p is not None and q is not None else only_first if q is None else only_second
        out.node = node = _new(Node)
        node.birth = next_tick()
        node.op = row
        node.kw = NO_KW
        node.parents = (p, q)
        node.args = (a if keep_a else p, b if keep_b else q)
        node.y = y if keep_y else None
        node.shape = y.shape
        node.dtype = y.dtype
        node.watch = None
        if mode is CHECKED:
            refuse_nan(row, y, (a, b), "the forward of")
        return out

    return call


def _ternary(row: Op) -> Callable:
    """Three arguments, no options, no casts."""
    forward, kept = row.forward, row.kept

    def call(x: Any, z: Any, u: Any) -> Any:
        a = getattr(x, "array", None)
        b = getattr(z, "array", None)
        c = getattr(u, "array", None)
        if not (a.__class__ is b.__class__ is c.__class__ is _ndarray):
            return apply(row, (x, z, u), NO_KW)
        try:
            y = forward(a, b, c)
        except _TERSE as error:
            raise _explained(error, row, (a, b, c)) from error
        out = _new(x.face)
        out.array = y
        p, q, r = x.node, z.node, u.node
        if (p is None and q is None and r is None) or not (mode := current_mode()):
            out.node = None
            return out
        keep_y, (keep_a, keep_b, keep_c) = kept((p is not None, q is not None, r is not None))
        out.node = node = _new(Node)
        node.birth = next_tick()
        node.op = row
        node.kw = NO_KW
        node.parents = (p, q, r)
        node.args = (a if keep_a else p, b if keep_b else q, c if keep_c else r)
        node.y = y if keep_y else None
        node.shape = y.shape
        node.dtype = y.dtype
        node.watch = None
        if mode is CHECKED:
            refuse_nan(row, y, (a, b, c), "the forward of")
        return out

    return call


def _any_arity(row: Op) -> Callable:
    def call(*args: Any, **kw: Any) -> Any:
        return apply(row, args, kw)

    return call


def apply(row: Op, args: tuple, kw: dict[str, Any]) -> Any:
    """Run an op on any mix of Tensors, raw arrays and numbers. On raw arrays only, raw arrays come back."""
    first = None
    listed: list[Any] = []
    parents: list[Any] = []
    on_host = True
    raw: list[int] = []
    for i, x in enumerate(args):
        node = None
        if hasattr(x, "face"):
            first = x if first is None else first
            node, x = x.node, x.array
        elif x.__class__ is not float and x.__class__ is not _ndarray:
            x = _operand(x, row)
            raw.append(i)
        elif x.__class__ is _ndarray:
            raw.append(i)
        on_host = on_host and (x.__class__ is _ndarray or not is_array(x))
        listed.append(x)
        parents.append(node)
    if first is None:
        return row.forward(*args, **kw)
    arrays = tuple(listed)
    try:
        if on_host:
            if row.cast is not None:
                arrays = cast_together(arrays, row.cast == "float")
            ys = row.forward(*arrays, **kw)
        else:
            with backend_of(first.array).on(_common_device(arrays, row)):
                if row.cast is not None:
                    arrays = cast_together(arrays, row.cast == "float")
                ys = row.forward(*arrays, **kw)
    except _TERSE as error:
        raise _explained(error, row, arrays) from error
    mode = current_mode()
    recorded = bool(mode) and any([p is not None for p in parents])
    if recorded and mode is CHECKED:
        for y in ys if row.outputs > 1 else (ys,):
            refuse_nan(row, y, arrays, "the forward of")
    if recorded and raw:  # a user's array may change without our knowing: keep what it is now
        arrays = tuple([a.copy() if i in raw and is_array(a) else a for i, a in enumerate(arrays)])
    if row.outputs > 1:
        return _several(row, first, ys, arrays, tuple(parents), kw, recorded)
    y = as_array(ys)
    node = record(row, y, arrays, tuple(parents), kw) if recorded and y.dtype.kind == "f" and row.reads else None
    if row.view and y.dtype.kind == "f" and in_one_buffer(y, first.array):
        return first.view_of(y, node, (row, kw))
    return first.face.of(y, node)


def _several(row: Op, first: Any, ys: tuple, arrays: tuple, parents: tuple, kw: dict, recorded: bool) -> Any:
    """The outputs of an op that has several: each picks its own from the one node; a lone visible one is the node's."""
    ys = tuple([y if y.__class__ is _ndarray else as_array(y) for y in ys])
    whole = record(row, ys, arrays, parents, kw) if recorded else None
    if row.visible == 1:
        if whole is not None:
            whole.shape, whole.dtype = ys[0].shape, ys[0].dtype
        return first.face.of(ys[0], whole)
    outs = []
    for i, y in enumerate(ys[: row.visible]):
        node = pick(whole, i, y) if whole is not None and y.dtype.kind == "f" else None
        is_view = row.view and y.dtype.kind == "f" and in_one_buffer(y, first.array)
        outs.append(first.view_of(y, node, None) if is_view else first.face.of(y, node))
    return tuple(outs)


def in_one_buffer(y: Array, x: Array) -> bool:
    """Are both parts of one buffer? (NumPy and CuPy name the array that owns it as the base of every view.)"""
    return y is x or y.base is x or (y.base is not None and y.base is x.base) or (x.base is not None and x.base is y)


# ----------------------------------------------------------------------------------------- operands, dtypes, devices


def _operand(x: Any, row: Op) -> Any:
    """The raw array or plain number behind an argument of an op that some Tensor takes part in."""
    array = getattr(x, "array", None)
    if array is not None and hasattr(x, "face"):
        return array
    if x is None or x.__class__ in (float, int, bool) or is_array(x):
        return x
    if isinstance(x, (np.generic, float, int)):
        return x.item() if isinstance(x, np.generic) else x  # NumPy's scalars never promote either
    if isinstance(x, np.ndarray):
        return x.view(np.ndarray)
    raise TypeError(
        f"{row.name}: an operand is a {type(x).__name__}; operands are Tensors, arrays or numbers "
        "(make a Tensor of other data with minigrad.tensor)"
    )


def _explained(error: Exception, row: Op, operands: tuple) -> Exception:
    """NumPy's error under the op's name, with the operands; an error that names its op is left as it is."""
    message = str(error)
    if type(error) not in _TERSE or message.split(" ")[0].endswith(":"):
        return error
    if "broadcast" in message:
        shapes = " and ".join(str(tuple(x.shape)) for x in operands if hasattr(x, "shape"))
        message = f"shapes {shapes} do not broadcast together: from the last dimension on, sizes must be equal or 1"
    described = ", ".join(f"{x.dtype} {tuple(x.shape)}" if hasattr(x, "dtype") else repr(x) for x in operands)
    return type(error)(f"{row.name}: {message} (operands: {described})")


def _common_device(arrays: tuple, row: Op) -> Any:
    """The one device that the arrays are on; raises if there are two."""
    places = [device_of(a) for a in arrays if is_array(a)]
    for place in places[1:]:
        if place != places[0]:
            raise RuntimeError(
                f"{row.name}: operands are on different devices, {places[0]} and {place}; data never moves by itself: "
                f"bring them together with .to('{places[0]}') or .to('{place}')"
            )
    return places[0]


def cast_together(operands: tuple, as_float: bool = False) -> tuple:
    """Cast arrays to the dtype they combine to; Python numbers stay as they are, for they never widen an array."""
    present = [x for x in operands if x is not None]
    dtype = dtypes.result_type(*present)
    if as_float and dtype.kind != "f":
        dtype = dtypes.get_default_dtype()
    return tuple(x.astype(dtype) if hasattr(x, "dtype") and x.dtype != dtype else x for x in operands)
