"""A law as the body of a CuPy `ElementwiseKernel`: what one thread does to one element.

The body is C but for `T`, the arrays' own type, and its constructor `T(0.05)`. Every value of an array is loaded into a
register once and stored once, and the registers bear the law's names. Numbers are of type T, and the functions are
those that C++ overloads for it, so that nothing in a float32 kernel is computed in double precision. Square roots and
quotients are rounded correctly; but CuPy has the compiler take float32 numbers below 1.2e-38 for zero, and fuse a
multiplication with the addition that follows, so that the last digits are not those of a CPU.
"""

from __future__ import annotations

from .tree import COMPARISONS, FLAGGED, LawText
from .tree import Assign, Binary, Call, Name, Negative, Node, Number

# How tightly an expression holds together, as in C; one that is looser than its place asks for gets parentheses.
_CHOICE, _AND, _COMPARISON, _SUM, _PRODUCT, _SIGN, _ATOM = range(7)
_TIGHTNESS = dict.fromkeys(COMPARISONS, _COMPARISON) | {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}

Names = tuple[str, ...]


class CudaLowered:
    """A law in CUDA: what `cupy.ElementwiseKernel` is made from. It takes the inputs, the scalars, then the updated."""

    __slots__ = ("law", "name", "inputs", "updated", "scalars", "in_params", "out_params", "body")

    def __init__(self, law: str, inputs: Names, updated: Names, scalars: Names):
        self.law, self.inputs, self.updated, self.scalars = law, inputs, updated, scalars
        self.name = self.in_params = self.out_params = self.body = ""  # lower() writes them

    @property
    def source(self) -> str:
        return f"// {self.name}, for each element of\n// in:  {self.in_params}\n// out: {self.out_params}\n{self.body}"


def lower(law: LawText, flags: frozenset[str], inputs: Names, updated: Names, scalars: Names) -> CudaLowered:
    """Lower the straight line that the flags leave, for the parameters given."""
    statements = law.statements(flags)
    mark = _mark(law, statements)
    assigned = {statement.target for statement in statements}
    lines = [f"const T {name} = {name}{mark};" for name in inputs + scalars]
    lines += [f"{'' if name in assigned else 'const '}T {name} = {name}{mark};" for name in updated]
    lines += _Printer().statements(statements)
    lines += [f"{name}{mark} = {name};" for name in updated if name in assigned]
    lowered = CudaLowered(law.name, inputs, updated, scalars)
    lowered.name = "_".join(["minigrad", law.name, *sorted(flags)])  # what a profiler shows
    lowered.in_params = ", ".join(f"T {name}{mark}" for name in inputs + scalars)
    lowered.out_params = ", ".join(f"T {name}{mark}" for name in updated)
    # A block of its own: the law may have an `i`, which is what CuPy counts elements by.
    lowered.body = "{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"
    return lowered


def _mark(law: LawText, statements: list[Assign]) -> str:
    """What to write after a parameter's name, so that it is told from the register, and from any other name."""
    names = {name.name for name in law.parameters} | {statement.target for statement in statements}
    mark = "_"
    while any(name + mark in names for name in names):
        mark += "_"
    return mark


class _Printer:
    """Prints statements; an operand that is needed twice becomes a constant of its own before the statement."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants = 0

    def statements(self, statements: list[Assign]) -> list[str]:
        for statement in statements:
            value = self.text(statement.value)
            declared = {None: "", FLAGGED: "bool "}.get(statement.declares, "T ")
            self.lines.append(f"{declared}{statement.target} = {value};")
        return self.lines

    def text(self, node: Node, tightness: int = _CHOICE) -> str:
        """The expression in C, in parentheses where it is looser than the place it stands in."""
        written, own = self.expression(node)
        return written if own >= tightness else f"({written})"

    def expression(self, node: Node) -> tuple[str, int]:
        if isinstance(node, Number):
            return f"T({node.value!r})", _ATOM
        if isinstance(node, Name):
            return node.name, _ATOM
        if isinstance(node, Negative):
            return f"-{self.text(node.operand, _ATOM)}", _SIGN  # _ATOM: `--x` would be something else
        if isinstance(node, Binary):
            own = _TIGHTNESS[node.operator]
            return f"{self.text(node.left, own)} {node.operator} {self.text(node.right, own + 1)}", own
        assert isinstance(node, Call)
        return self.call(node.function, node.arguments)

    def call(self, function: str, arguments: list[Node]) -> tuple[str, int]:
        if function == "where":
            condition, a, b = (self.text(argument, _AND) for argument in arguments)
            return f"{condition} ? {a} : {b}", _CHOICE
        if function == "both":
            return " && ".join(self.text(argument, _AND) for argument in arguments), _AND
        if function == "sign":
            x = self.operand(arguments[0])
            return f"{x} > T(0) ? T(1) : {x} < T(0) ? T(-1) : {x}", _CHOICE  # a NaN is neither: it stays
        if function in ("maximum", "minimum"):
            return self.extreme(">" if function == "maximum" else "<", *arguments), _CHOICE
        return f"{function}({', '.join(self.text(argument) for argument in arguments)})", _ATOM

    def extreme(self, sign: str, left: Node, right: Node) -> str:
        """The larger or smaller of two, or the one that is NaN; C's fmax would swallow it."""
        a, b = self.operand(left), self.operand(right)
        condition = f"{a} {sign} {b}" if isinstance(left, Number) else f"{a} {sign} {b} || {a} != {a}"
        return f"{condition} ? {a} : {b}"

    def operand(self, node: Node) -> str:
        """The expression as one word."""
        if isinstance(node, (Name, Number)):
            return self.text(node)
        name = f"_t{self.constants}"  # no law's name begins with an underscore
        self.constants += 1
        self.lines.append(f"const T {name} = {self.text(node)};")
        return name
