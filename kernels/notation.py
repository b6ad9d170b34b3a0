"""Expressions written out in the notation that the laws share with Python."""

from __future__ import annotations

from collections.abc import Callable

from .tree import ARITHMETIC
from .tree import Binary, Call, Name, Negative, Node, Number

_ATOM = 4
_STRENGTH = {"*": 2, "/": 2, "+": 1, "-": 1}  # comparisons bind less, the minus sign more


def write(node: Node, number: Callable[[float], str] = repr) -> str:
    """The expression as text, `number` writing its literals; it parses back to the same tree."""
    if isinstance(node, Number):
        return number(node.value)
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Negative):
        return "-" + _enclosed(node.operand, 3, number)
    if isinstance(node, Binary):
        strength = _strength(node)
        # Parentheses stay around a right operand of equal strength: a + (b + c) does not round as a + b + c does.
        left, right = _enclosed(node.left, strength, number), _enclosed(node.right, strength + 1, number)
        return f"{left} {node.operator} {right}"
    assert isinstance(node, Call)
    return f"{node.function}({', '.join(write(argument, number) for argument in node.arguments)})"


def _enclosed(node: Node, strength: int, number: Callable[[float], str]) -> str:
    written = write(node, number)
    return written if _strength(node) >= strength else f"({written})"


def _strength(node: Node) -> int:
    if isinstance(node, Binary):
        return _STRENGTH[node.operator] if node.operator in ARITHMETIC else 0
    return 3 if isinstance(node, Negative) else _ATOM
