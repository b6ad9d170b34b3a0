"""A law as one loop in Python, for Numba to compile.

The body of the loop reads almost as the law does: what stands in the arrays is loaded into the law's own names, the
statements follow, and what they assigned is stored. The arrays carry the same names with an underscore in front, which
no name in a law has. Printing follows the tree exactly, so that every rounding happens where the NumPy lowering has it.
"""

from __future__ import annotations

from .notation import write
from .tree import LawText, children
from .tree import Assign, Call, Node

# Where the functions of the language come from: a module, or a definition of our own. Those of Python's own names, such
# as max, and of NumPy's where are not what the language means, or make arrays of single elements.
_MODULES = {name: "math" for name in ("sqrt", "exp", "log", "fabs", "copysign")} | {"cbrt": "numpy", "sign": "numpy"}
_DEFINITIONS = {
    "both": "def both(a, b):\n    return a & b\n",
    "where": "def where(condition, a, b):\n    return a if condition else b\n",
    # A NaN compares unequal to itself; with one in a, the first comparison is false and a is handed on.
    "maximum": "def maximum(a, b):\n    return b if (a < b) | (b != b) else a\n",
    "minimum": "def minimum(a, b):\n    return b if (a > b) | (b != b) else a\n",
}
# NumPy computes these for several elements at once, and a compiled loop would call the C library for each.
_SLOW_IN_A_LOOP = ("exp", "log", "cbrt")


class Loop:
    """A law as `function_name(*arrays, *scalars)`, alone in its source but for `helpers` and imports.

    `gains` says whether the loop is worth compiling.
    """

    __slots__ = ("source", "function_name", "helpers", "gains")

    def __init__(self, source: str, function_name: str, helpers: list[str], gains: bool):
        self.source, self.function_name, self.helpers, self.gains = source, function_name, helpers, gains


def lower(law: LawText, flags: frozenset[str], arrays: tuple[str, ...], scalars: tuple[str, ...]) -> Loop:
    """Lower the straight line that the flags leave, for the parameters given, in the order given."""
    statements = law.statements(flags)
    assigned = {statement.target for statement in statements}
    functions = {name for statement in statements for name in _functions(statement.value)}
    function_name = f"{law.name}_loop"  # a law may be named `sign`, too
    lines = [
        f"def {function_name}({', '.join([*(f'_{name}' for name in arrays), *scalars])}):",
        f"    T = _{arrays[0]}.dtype.type",
        *(f"    {name} = T({name})" for name in scalars),
        f"    for _i in range(_{arrays[0]}.size):",
        *(f"        {name} = _{name}[_i]" for name in arrays),
        *(f"        {_statement(statement)}" for statement in statements),
        *(f"        _{name}[_i] = {name}" for name in arrays if name in assigned),
    ]
    source = _imports(functions) + _helpers(functions) + "\n".join(lines) + "\n"
    helpers = [name for name in _DEFINITIONS if name in functions]
    return Loop(source, function_name, helpers, functions.isdisjoint(_SLOW_IN_A_LOOP))


def _functions(node: Node) -> set[str]:
    """The names of the functions that an expression calls."""
    found = {node.function} if isinstance(node, Call) else set()
    return found.union(*(_functions(child) for child in children(node)))


def _imports(functions: set[str]) -> str:
    lines = []
    for module in ("math", "numpy"):
        names = sorted(name for name in functions if _MODULES.get(name) == module)
        if names:
            lines.append(f"from {module} import {', '.join(names)}\n")
    return "".join(lines) + ("\n\n" if lines else "")


def _helpers(functions: set[str]) -> str:
    return "".join(f"{text}\n\n" for name, text in _DEFINITIONS.items() if name in functions)


def _statement(statement: Assign) -> str:
    return f"{statement.target} = {write(statement.value, lambda number: f'T({number!r})')}"
