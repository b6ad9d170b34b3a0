"""What a law may not say, though it can be parsed. Every rule raises LawError at the place that breaks it.

Some rules hold for the text as a whole (`check_text`), the others for the straight line that one choice of flags
leaves (`check_choice`).
"""

from __future__ import annotations

import keyword

from .tree import ARITHMETIC, FLAGGED, FUNCTIONS, NUMBER, LawText, children, names_in
from .tree import Assign, Binary, Call, Name, Node, Number

_C_WORDS = """
    alignas alignof and_eq asm auto bitand bitor bool case catch char char8_t char16_t char32_t class co_await co_return
    co_yield compl concept const const_cast consteval constexpr constinit decltype default delete do double dynamic_cast
    enum explicit export extern false float friend goto inline int long mutable namespace new noexcept not_eq nullptr
    operator or_eq private protected public register reinterpret_cast requires restrict short signed sizeof static
    static_assert static_cast struct switch template this thread_local throw true typedef typeid typename union unsigned
    using virtual void volatile wchar_t xor xor_eq M_PI NULL
""".split()
# The NumPy lowering calls these by name.
_UFUNCS = """
    add subtract multiply divide negative absolute less less_equal greater greater_equal equal not_equal logical_and
""".split()
_WORDS = {NUMBER, FLAGGED, "range", "type", "len"}  # what the lowerings, and the check of arguments, call
# Names that would mean something else in one of the languages a law is lowered to.
RESERVED = frozenset(FUNCTIONS) | _WORDS | set(keyword.kwlist) | set(_C_WORDS) | set(_UFUNCS)


def check(law: LawText) -> None:
    """Hold the text against every rule, under every choice of flags."""
    check_text(law)
    flags = law.flags
    for bits in range(2 ** len(flags)):
        check_choice(law, frozenset(flag for place, flag in enumerate(flags) if bits >> place & 1))


def check_text(law: LawText) -> None:
    """The rules that no choice of flags can excuse: every name has one meaning and is used somewhere."""
    if not law.name.isidentifier() or keyword.iskeyword(law.name):
        raise law.error(f"a law is named after its file, and {law.name!r} cannot name a function", law.header_at)
    statements = law.every_statement()
    if not law.updated:
        raise law.error("the header names nothing to update: a law writes at least one array in place", law.header_at)
    _check_names(law, statements)
    assigned = {statement.target for statement in statements}
    read = {name.name for statement in statements for name in names_in(statement.value)}
    for name in law.updated:
        if name.name not in assigned:
            raise law.error(f"`{name.name}` stands among the updated but is never assigned", name.at)
    for name in law.inputs + law.scalars:
        if name.name not in read:
            raise law.error(f"`{name.name}` is never used", name.at)
    for statement in statements:
        if statement.declares and statement.target not in read:
            raise law.error(f"`{statement.target}` is never used", statement.at)


def _check_names(law: LawText, statements: list[Assign]) -> None:
    header: set[str] = set()
    for name in law.parameters:
        if name.name in header:
            raise law.error(f"`{name.name}` stands twice in the header", name.at)
        header.add(name.name)
    declared = [(statement.target, statement.at) for statement in statements if statement.declares]
    for word, at in [(name.name, name.at) for name in law.parameters] + declared:
        if word in RESERVED:
            raise law.error(f"`{word}` means something already: choose another name", at)


def check_choice(law: LawText, flags: frozenset[str]) -> None:
    """The rules for the straight line left by the flags that are on: declarations, kinds, what may be assigned."""
    scope = _Scope(law)
    statements = law.statements(flags)
    if not any(statement.target in scope.updated for statement in statements):
        chosen = ", ".join(sorted(flags)) or "none"
        raise law.error(f"nothing is updated under these flags: {chosen}", law.header_at)
    for statement in statements:
        scope.check(statement)


class _Scope:
    """The names known so far. A scalar's kind is NUMBER like an array's, but it is the same for every element."""

    def __init__(self, law: LawText):
        self.law = law
        self.kinds = {name.name: NUMBER for name in law.parameters}
        self.constants = {name.name for name in law.scalars}
        self.fixed = {name.name: "an input" for name in law.inputs} | dict.fromkeys(self.constants, "a scalar")
        self.updated = {name.name for name in law.updated}

    def check(self, statement: Assign) -> None:
        target = statement.target
        if statement.declares and target in self.kinds:
            raise self.law.error(f"`{target}` is declared already", statement.at)
        if not statement.declares:
            self.check_target(statement)
        kind = self.kind(statement.value)
        wanted = statement.declares or self.kinds[target]
        if kind != wanted:
            raise self.law.error(f"`{target}` is {wanted}, and this value is {kind}", statement.value.at)
        if self.is_constant(statement.value) and target not in self.updated:
            raise self.law.error(
                f"`{target}` would be the same for every element: use the scalar itself", statement.value.at
            )
        self.kinds[target] = wanted

    def check_target(self, statement: Assign) -> None:
        target = statement.target
        if target in self.fixed:
            raise self.law.error(f"`{target}` is {self.fixed[target]}: it is never assigned", statement.at)
        if target not in self.kinds:
            raise self.law.error(
                f"`{target}` is not declared: write `T {target} = ...;` or put it in the header", statement.at
            )

    def is_constant(self, node: Node) -> bool:
        return isinstance(node, Number) or (isinstance(node, Name) and node.name in self.constants)

    def kind(self, node: Node) -> str:
        """The kind of an expression, once all in it has been found right."""
        if isinstance(node, Number):
            return NUMBER
        if isinstance(node, Name):
            return self.name_kind(node)
        kinds = self.argument_kinds(node)
        for child, found, wanted in zip(children(node), [self.kind(child) for child in children(node)], kinds):
            if found != wanted:
                raise self.law.error(f"{_said(node)} takes {wanted}, and this is {found}{_advice(wanted)}", child.at)
        if all(self.is_constant(child) for child in children(node)):
            raise self.law.error(_alone(node), node.at)
        return self.result_kind(node)

    def name_kind(self, name: Name) -> str:
        if name.name in FUNCTIONS:
            raise self.law.error(f"`{name.name}` is a function: call it", name.at)
        if name.name not in self.kinds:
            known = " ".join(sorted(self.kinds))
            raise self.law.error(f"`{name.name}` is not declared; known here: {known}", name.at)
        return self.kinds[name.name]

    def argument_kinds(self, node: Node) -> tuple[str, ...]:
        if not isinstance(node, Call):
            return (NUMBER,) * len(children(node))
        if node.function not in FUNCTIONS:
            known = " ".join(sorted(FUNCTIONS))
            raise self.law.error(f"unknown function `{node.function}`; there are {known}", node.at)
        kinds = FUNCTIONS[node.function][0]
        if len(node.arguments) != len(kinds):
            raise self.law.error(f"`{node.function}` takes {len(kinds)} values, not {len(node.arguments)}", node.at)
        return kinds

    def result_kind(self, node: Node) -> str:
        if isinstance(node, Call):
            return FUNCTIONS[node.function][1]
        return FLAGGED if isinstance(node, Binary) and node.operator not in ARITHMETIC else NUMBER


def _said(node: Node) -> str:
    if isinstance(node, Call):
        return f"`{node.function}`"
    return f"`{node.operator}`" if isinstance(node, Binary) else "`-`"


def _advice(wanted: str) -> str:
    return ": write where(condition, a, b)" if wanted == NUMBER else ": write a comparison"


def _alone(node: Node) -> str:
    if isinstance(node, Binary) and isinstance(node.left, Number) and isinstance(node.right, Number):
        if node.operator == "/":
            return "no integer division, and no arithmetic on numbers alone: write the quotient as one decimal number"
        return "no arithmetic on numbers alone: write the result"
    return "no arithmetic on scalars alone: the host computes it in double and passes the result"
