"""A law as NumPy ufunc calls with `out=` and as little scratch as will do.

Three steps. `_trace` follows the statements and gives every value computed a name of its own (a Value), so that an
expression written twice is computed once and one that nothing needs is dropped. `_Placement` decides in which array
each value is kept: in the array that the law updates with it, as soon as nobody needs what stands there, else in
scratch that is free. `lower` prints the calls.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .tree import COMPARISONS, FLAGGED, FUNCTIONS, NUMBER, LawText
from .tree import Assign, Binary, Call, Name, Negative, Node, Number

_UFUNCS = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "==": "equal",
    "!=": "not_equal",
    "both": "logical_and",
    "fabs": "absolute",  # np.fabs is an order of magnitude slower
} | {name: name for name in ("sqrt", "cbrt", "exp", "log", "sign", "copysign", "maximum", "minimum")}
_CALLABLE = {name: getattr(np, name) for name in [*_UFUNCS.values(), "negative", "where"]}


class Lowered:
    """A law in NumPy: `function(*arrays, *scalars, *scratch)`, its source, and the kind of each scratch array."""

    __slots__ = ("source", "function", "scratch_kinds")

    def __init__(self, source: str, name: str, scratch_kinds: tuple[str, ...]):
        self.source, self.scratch_kinds = source, scratch_kinds
        # Kept apart from what the function calls, because a law may be named `sign`, too.
        defined: dict[str, Callable[..., None]] = {}
        exec(compile(source, f"<{name} in NumPy>", "exec"), dict(_CALLABLE), defined)
        self.function = defined[name]


def lower(law: LawText, flags: frozenset[str], arrays: list[str], scalars: list[str]) -> Lowered:
    """Lower the straight line that the flags leave, for the parameters given, in the order given."""
    statements = law.statements(flags)
    updated = [name.name for name in law.updated if name.name in arrays]
    trace = _Trace(statements, arrays, updated)
    placement = _Placement(trace, updated)
    lines = _print(statements, trace, placement)
    scratch = {name: kind for kind, names in placement.names.items() for name in names}
    parameters = ", ".join([*arrays, *scalars, *scratch])
    source = f"def {law.name}({parameters}):\n" + "".join(f"    {line}\n" for line in lines)
    return Lowered(source, law.name, tuple(scratch.values()))


# ---- what is computed


class _Value:
    """The contents of an array at one moment: as passed in (function None), or computed from operands.

    An operand is a _Value, or the Python text of a scalar or a number. `statement` is the number of the statement that
    computes it; `wanted_by` names the updated arrays that are given it, which are where it is best computed.
    """

    __slots__ = ("function", "operands", "kind", "statement", "wanted_by")

    def __init__(self, function: str | None, operands: tuple[_Value | str, ...], kind: str, statement: int):
        self.function, self.operands, self.kind, self.statement = function, operands, kind, statement
        self.wanted_by: list[str] = []

    def reads(self) -> list[_Value]:
        return [operand for operand in self.operands if isinstance(operand, _Value)]


class _Trace:
    """The values in the order they are computed, and what each updated array holds before and after."""

    def __init__(self, statements: list[Assign], arrays: list[str], updated: list[str]):
        self.before = {name: _Value(None, (), NUMBER, -1) for name in arrays}
        self.known: dict[str, _Value | str] = dict(self.before)
        self.computed: dict[tuple[_Value | str, ...], _Value] = {}
        self.results: list[tuple[str, _Value | str]] = []  # of each statement: its target and what that is given
        for number, statement in enumerate(statements):
            value = self.follow(statement.value, number)
            self.known[statement.target] = value
            if statement.target in updated and isinstance(value, _Value):
                value.wanted_by.append(statement.target)
            self.results.append((statement.target, value))
        self.after = {name: self.known[name] for name in updated}
        self.steps = self.needed()

    def follow(self, node: Node, statement: int) -> _Value | str:
        if isinstance(node, Number):
            return repr(node.value)
        if isinstance(node, Name):
            return self.known.get(node.name, node.name)  # a name that is no array and no local is a scalar
        function, kind, arguments = operation(node)
        operands = tuple(self.follow(argument, statement) for argument in arguments)
        key = (function, *operands)
        if key not in self.computed:
            self.computed[key] = _Value(function, operands, kind, statement)
        return self.computed[key]

    def needed(self) -> list[_Value]:
        """The values that some updated array depends on; a value is always computed after its operands."""
        alive = {value for value in self.after.values() if isinstance(value, _Value)}
        for value in reversed(self.computed.values()):
            if value in alive:
                alive.update(value.reads())
        return [value for value in self.computed.values() if value in alive]


def operation(node: Node) -> tuple[str, str, list[Node]]:
    """The NumPy function of an operation, the kind of its result, and its operands."""
    if isinstance(node, Negative):
        return "negative", NUMBER, [node.operand]
    if isinstance(node, Binary):
        return _UFUNCS[node.operator], FLAGGED if node.operator in COMPARISONS else NUMBER, [node.left, node.right]
    assert isinstance(node, Call)
    return _UFUNCS.get(node.function, node.function), FUNCTIONS[node.function][1], node.arguments


# ---- where it is kept


class _Placement:
    """The array in which each value is kept, the copies left for the end, and the scratch that this takes."""

    def __init__(self, trace: _Trace, updated: list[str]):
        self.names: dict[str, list[str]] = {NUMBER: [], FLAGGED: []}
        self.free: dict[str, list[str]] = {NUMBER: [], FLAGGED: []}
        self.place = {value: name for name, value in trace.before.items()}
        self.holds = {name: trace.before[name] for name in updated}
        self.moments = {value: moment for moment, value in enumerate(trace.steps)}
        self.last_read = self.find_last_reads(trace)
        for value, moment in self.moments.items():
            self.release(value, moment)
            self.place[value] = self.choose(value, moment, trace)
        self.copies = self.order_copies(trace)

    def find_last_reads(self, trace: _Trace) -> dict[_Value, int]:
        last: dict[_Value, int] = {}
        for value, moment in self.moments.items():
            last.update(dict.fromkeys(value.reads(), moment))
        never = len(trace.steps)  # what an updated array holds in the end outlives every step
        last.update({value: never for value in trace.after.values() if isinstance(value, _Value)})
        return last

    def release(self, value: _Value, moment: int) -> None:
        """Scratch read for the last time may hold the result: every call reads an element before it writes it."""
        for operand in dict.fromkeys(value.reads()):
            if self.last_read[operand] == moment and self.place[operand] in self.names[operand.kind]:
                self.free[operand.kind].append(self.place[operand])

    def choose(self, value: _Value, moment: int, trace: _Trace) -> str:
        for name in self.candidates(value, trace):
            if self.last_read.get(self.holds[name], -1) <= moment:
                self.holds[name] = value
                return name
        return self.take_scratch(value.kind)

    def candidates(self, value: _Value, trace: _Trace) -> list[str]:
        """The updated arrays that the value may be computed into."""
        target, result = trace.results[value.statement]
        done = self.moments.get(result, -1) if isinstance(result, _Value) else -1
        # A step on the way to a result may use the array of that result, if nobody reads the step after.
        if target in self.holds and value.kind == NUMBER and self.last_read[value] <= done:
            return [*value.wanted_by, target]
        return value.wanted_by

    def take_scratch(self, kind: str) -> str:
        if self.free[kind]:
            return self.free[kind].pop()
        name = f"_{'t' if kind == NUMBER else 'b'}{len(self.names[kind])}"  # no law's name begins with an underscore
        self.names[kind].append(name)
        return name

    def order_copies(self, trace: _Trace) -> list[tuple[str, str]]:
        """(array, what to copy into it), for values not kept where they belong, none overwritten before it is read."""
        pending = {name: self.text(value) for name, value in trace.after.items() if self.text(value) != name}
        copies = []
        while pending:
            ready = [name for name in pending if name not in pending.values()]
            if not ready:  # arrays that swap their contents: one has to step aside
                ready, aside = [next(iter(pending))], self.take_scratch(NUMBER)
                copies.append((aside, ready[0]))
                pending = {name: aside if source == ready[0] else source for name, source in pending.items()}
            copies += [(name, pending.pop(name)) for name in ready]
        return copies

    def text(self, operand: _Value | str) -> str:
        return self.place[operand] if isinstance(operand, _Value) else operand


# ---- the text


def _print(statements: list[Assign], trace: _Trace, placement: _Placement) -> list[str]:
    lines = []
    for number, statement in enumerate(statements):
        lines.append(f"# {statement.written}")
        lines += [_call(value, placement) for value in trace.steps if value.statement == number]
    return lines + [f"{name}[...] = {source}" for name, source in placement.copies]


def _call(value: _Value, placement: _Placement) -> str:
    operands = ", ".join(placement.text(operand) for operand in value.operands)
    if value.function == "where":  # no ufunc, so it takes no out=
        return f"{placement.place[value]}[...] = where({operands})"
    return f"{value.function}({operands}, out={placement.place[value]})"
