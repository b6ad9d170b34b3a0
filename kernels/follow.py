"""A law followed for one element, with every operation's numbers filled in: for people, not for speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .notation import write
from .numpy_lowering import operation
from .tree import LawText
from .tree import Assign, Binary, Call, Name, Negative, Node, Number


class Operation(NamedTuple):
    """One operation of a statement: as the law has it, with its operands' numbers, and what it gives."""

    written: str
    filled: str
    value: Any


class Line(NamedTuple):
    """One statement: as it stands in the text, its operations in the order they are computed, and what it assigns."""

    statement: str
    target: str
    operations: list[Operation]
    value: Any


def follow(law: LawText, flags: frozenset[str], dtype: np.dtype, values: Mapping[str, float]) -> list[Line]:
    """The lines that the flags leave, for the values of the law's arrays and scalars.

    Every operation is NumPy's on one number of the dtype, so the results are the NumPy lowering's.
    """
    known = {name: dtype.type(value) for name, value in values.items()}
    lines = []
    with np.errstate(all="ignore"):
        for statement in law.statements(flags):
            line = _line(statement, known, dtype)
            known[statement.target] = line.value
            lines.append(line)
    return lines


def _line(statement: Assign, known: Mapping[str, Any], dtype: np.dtype) -> Line:
    operations: list[Operation] = []
    value = _value(statement.value, known, dtype, operations)
    return Line(statement.written, statement.target, operations, value)


def _value(node: Node, known: Mapping[str, Any], dtype: np.dtype, operations: list[Operation]) -> Any:
    if isinstance(node, Number):
        return dtype.type(node.value)
    if isinstance(node, Name):
        return known[node.name]
    function, _, arguments = operation(node)
    operands = [_value(argument, known, dtype, operations) for argument in arguments]
    value = getattr(np, function)(*operands)[()]
    operations.append(Operation(write(node), _filled(node, operands), value))
    return value


def _filled(node: Node, operands: list[Any]) -> str:
    """The operation with numbers for its operands."""
    numbers = [text(operand) for operand in operands]
    if isinstance(node, Negative):
        return f"-{_enclosed(numbers[0])}"
    if isinstance(node, Binary):
        return f"{numbers[0]} {node.operator} {_enclosed(numbers[1])}"
    assert isinstance(node, Call)
    return f"{node.function}({', '.join(numbers)})"


def _enclosed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number


def text(value: Any) -> str:
    """A number or truth value for people to read: six digits."""
    return str(bool(value)).lower() if isinstance(value, (bool, np.bool_)) else f"{float(value):.6g}"
