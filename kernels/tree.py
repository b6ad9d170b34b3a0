"""The tree of a law's text, and what the language consists of.

parse.py builds the tree, lint.py judges it, and each lowering prints it. Nothing here knows NumPy or CUDA.
"""

from __future__ import annotations

from collections.abc import Iterator

NUMBER, FLAGGED = "T", "bool"  # the two kinds of value: a float of the arrays' own dtype, and a truth value

# What can be called: the kinds of its arguments, and the kind of its result.
FUNCTIONS = {
    "sqrt": ((NUMBER,), NUMBER),
    "cbrt": ((NUMBER,), NUMBER),
    "exp": ((NUMBER,), NUMBER),
    "log": ((NUMBER,), NUMBER),
    "fabs": ((NUMBER,), NUMBER),
    "sign": ((NUMBER,), NUMBER),
    "copysign": ((NUMBER, NUMBER), NUMBER),
    "maximum": ((NUMBER, NUMBER), NUMBER),
    "minimum": ((NUMBER, NUMBER), NUMBER),
    "both": ((FLAGGED, FLAGGED), FLAGGED),
    "where": ((FLAGGED, NUMBER, NUMBER), NUMBER),
}
ARITHMETIC = ("+", "-", "*", "/")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


class LawError(ValueError):
    """A law's text is wrong: what, where (file, line and column, counted from 1), and the line with a caret."""

    def __init__(self, message: str, file: str, line: int, column: int, source_line: str):
        super().__init__(message, file, line, column, source_line)
        self.message, self.file, self.line, self.column, self.source_line = self.args

    def __str__(self) -> str:
        # Tabs stay tabs, so that the caret stands below its character however wide they are shown.
        margin = "".join("\t" if char == "\t" else " " for char in self.source_line[: self.column - 1])
        return f"{self.file}:{self.line}:{self.column}: {self.message}\n    {self.source_line}\n    {margin}^"


class Node:
    """A piece of the text; `at` is the (line, column) where it starts, or where its operator stands."""

    __slots__ = ("at",)

    def __init__(self, at: tuple[int, int]):
        self.at = at


class Number(Node):
    __slots__ = ("value",)

    def __init__(self, at: tuple[int, int], value: float):
        super().__init__(at)
        self.value = value


class Name(Node):
    __slots__ = ("name",)

    def __init__(self, at: tuple[int, int], name: str):
        super().__init__(at)
        self.name = name


class Negative(Node):
    __slots__ = ("operand",)

    def __init__(self, at: tuple[int, int], operand: Node):
        super().__init__(at)
        self.operand = operand


class Binary(Node):
    """Arithmetic or a comparison; `operator` is one of ARITHMETIC or COMPARISONS."""

    __slots__ = ("operator", "left", "right")

    def __init__(self, at: tuple[int, int], operator: str, left: Node, right: Node):
        super().__init__(at)
        self.operator, self.left, self.right = operator, left, right


class Call(Node):
    __slots__ = ("function", "arguments")

    def __init__(self, at: tuple[int, int], function: str, arguments: list[Node]):
        super().__init__(at)
        self.function, self.arguments = function, arguments


class Assign(Node):
    """`target = value;`, or a declaration of `target` with kind `declares`.

    `x += e` arrives here as `x = x + e`, with `compound` true; `written` is the statement as it stands in the text.
    """

    __slots__ = ("target", "value", "declares", "compound", "written")

    def __init__(
        self, at: tuple[int, int], target: str, value: Node, declares: str | None, compound: bool, written: str
    ):
        super().__init__(at)
        self.target, self.value, self.declares, self.compound, self.written = target, value, declares, compound, written


class If(Node):
    """`#if flag ... #else ... #endif`; the host chooses, no element ever does."""

    __slots__ = ("flag", "then", "otherwise")

    def __init__(self, at: tuple[int, int], flag: str, then: list[Node], otherwise: list[Node]):
        super().__init__(at)
        self.flag, self.then, self.otherwise = flag, then, otherwise


class LawText:
    """A whole law: its header (inputs, updated, scalars: Names), its doc, and its body with all its branches."""

    __slots__ = ("name", "file", "text", "doc", "inputs", "updated", "scalars", "body", "header_at")

    def __init__(self, name: str, file: str, text: str):
        self.name, self.file, self.text = name, file, text
        self.doc = ""
        self.inputs: list[Name] = []
        self.updated: list[Name] = []
        self.scalars: list[Name] = []
        self.body: list[Node] = []
        self.header_at = (1, 1)

    def error(self, message: str, at: tuple[int, int]) -> LawError:
        lines = self.text.splitlines()
        line, column = at
        return LawError(message, self.file, line, column, lines[line - 1] if line <= len(lines) else "")

    @property
    def parameters(self) -> list[Name]:
        return self.inputs + self.updated + self.scalars

    @property
    def flags(self) -> list[str]:
        """The flags the body asks for, each once, in alphabetical order."""
        return sorted(_flags(self.body))

    def statements(self, flags: frozenset[str]) -> list[Assign]:
        """The straight line that is left when the flags named are on and all others off."""
        return _choose(self.body, flags)

    def names_used(self, flags: frozenset[str]) -> set[str]:
        """The names that the chosen statements read or assign."""
        statements = self.statements(flags)
        read = {name.name for statement in statements for name in names_in(statement.value)}
        return read | {statement.target for statement in statements}

    def every_statement(self) -> list[Assign]:
        """The statements of all branches, in the order of the text."""
        return _choose(self.body, None)


def names_in(node: Node) -> Iterator[Name]:
    """The Names read by an expression, from left to right."""
    if isinstance(node, Name):
        yield node
    for child in children(node):
        yield from names_in(child)


def children(node: Node) -> list[Node]:
    """The operands of an expression, in order."""
    if isinstance(node, Binary):
        return [node.left, node.right]
    if isinstance(node, Negative):
        return [node.operand]
    return node.arguments if isinstance(node, Call) else []


def _flags(body: list[Node]) -> set[str]:
    found: set[str] = set()
    for node in body:
        if isinstance(node, If):
            found |= {node.flag} | _flags(node.then) | _flags(node.otherwise)
    return found


def _choose(body: list[Node], flags: frozenset[str] | None) -> list[Assign]:
    chosen: list[Assign] = []
    for node in body:
        if isinstance(node, Assign):
            chosen.append(node)
        elif isinstance(node, If):
            if flags is None or node.flag in flags:
                chosen += _choose(node.then, flags)
            if flags is None or node.flag not in flags:
                chosen += _choose(node.otherwise, flags)
    return chosen
