"""Text to tree. The grammar, in the intersection of C and Python:

    statement   = [ "T" | "bool" ] name ( "=" | "+=" | "-=" | "*=" | "/=" ) comparison ";"
    comparison  = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum ]
    sum         = product { ( "+" | "-" ) product }
    product     = signed { ( "*" | "/" ) signed }
    signed      = [ "-" ] signed | number | name [ "(" comparison { "," comparison } ")" ] | "(" comparison ")"

and, on lines of their own, comments and `#if flag`, `#else`, `#endif`.
"""

from __future__ import annotations

import os
import re

from .tree import COMPARISONS, FLAGGED, NUMBER, LawError, LawText
from .tree import Assign, Binary, Call, If, Name, Negative, Node, Number

ASSIGNMENTS = ("=", "+=", "-=", "*=", "/=")
# What hands that know C write first.
_OF_C = {
    "double": "write `T x = ...;`", "float": "write `T x = ...;`", "for": "a law is of one element, without loops",
    "if": "write where(condition, a, b), or #if for a flag",
}  # fmt: skip

# What people write out of habit, and what to write instead. Longest first: they are tried in this order.
_FOREIGN = {
    "**": "there is no `**`: write x * x, or exp(y * log(x))",
    "//": "a comment stands after the end of a statement, and there is no integer division",
    "/*": "a comment begins with // and runs to the end of the line",
    "++": "there is no `++`: write x += 1",
    "--": "there is no `--`: write x -= 1, or put a space between two minus signs",
    "&&": "there is no `&&`: write both(a, b)",
    "||": "there is no `||`: write the opposite with both(a, b)",
    "?": "there is no `? :`: write where(condition, a, b)",
    ":": "there is no `? :`: write where(condition, a, b)",
    "!": "there is no `!`: write the opposite comparison",
    "&": "there is no `&`: write both(a, b)",
    "|": "there is no `|`: write the opposite with both(a, b)",
    "%": "there is no `%`",
    "^": "there is no `^`: write x * x, or exp(y * log(x))",
    "[": "there is no indexing: a law says what happens to one element",
    "{": "there are no blocks: a law is a straight line, with where(condition, a, b) and #if",
}
_TOKEN = re.compile(
    r"(?P<space>[ \t]+)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<foreign>" + "|".join(re.escape(sign) for sign in _FOREIGN if sign != "!") + r"|!(?!=))"
    r"|(?P<sign>[+\-*/=<>!]=|[+\-*/=<>(),;])"
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Token:
    """One word of the text: kind is name, number, sign, directive or end."""

    __slots__ = ("kind", "text", "at", "start", "end")

    def __init__(self, kind: str, text: str, at: tuple[int, int], start: int, end: int):
        self.kind, self.text, self.at, self.start, self.end = kind, text, at, start, end


def parse(text: str, file: str) -> LawText:
    """The tree of a law's text. Raises LawError, which names file, line and column, at the first thing that is no law.

    The law is named after the file; the file is only named here, never read.
    """
    law = LawText(os.path.splitext(os.path.basename(file))[0], file, text)
    _read_comments(law)
    reader = _Reader(law, _tokens(law))
    law.body = reader.body()
    if not law.body:
        raise law.error("the law is empty: it has a header but no statement", law.header_at)
    return law


# ---- header


def _read_comments(law: LawText) -> None:
    """Fill in header and doc from the comment lines at the top."""
    doc = []
    found = False
    header = re.compile(r"\s*//\s*" + re.escape(law.name) + r"(?=\()")
    for number, line in enumerate(law.text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("//"):
            break
        match = header.match(line)
        if match and found:
            raise law.error("a second header: a law has one", (number, match.start() + 1))
        if match:
            found = True
            _read_header(law, line, number, match.end())
        else:
            doc.append(line.strip()[2:].removeprefix(" "))
    if not found:
        form = f"// {law.name}(inputs | updated in place | scalars)"
        raise law.error(f"no header: a comment line at the top has to read `{form}`", (1, 1))
    law.doc = "\n".join(doc).strip()


def _read_header(law: LawText, line: str, number: int, opening: int) -> None:
    law.header_at = (number, opening + 1)
    closing = line.find(")", opening)
    if closing < 0:
        raise law.error("the header's parenthesis is never closed", law.header_at)
    sections = line[opening + 1 : closing].split("|")
    if len(sections) != 3:
        raise law.error(
            f"the header has {len(sections)} sections, not three: inputs | updated in place | scalars", law.header_at
        )
    column = opening + 2
    for section, names in zip(sections, (law.inputs, law.updated, law.scalars)):
        names += _header_names(law, section, number, column)
        column += len(section) + 1


def _header_names(law: LawText, section: str, number: int, column: int) -> list[Name]:
    if not section.strip():
        return []
    names = []
    for word in section.split(","):
        name = word.strip()
        at = (number, column + len(word) - len(word.lstrip()))
        if not _NAME.fullmatch(name):
            raise law.error(f"{name!r} is no name: a letter, then letters, digits and underscores", at)
        names.append(Name(at, name))
        column += len(word) + 1
    return names


# ---- words


def _tokens(law: LawText) -> list[Token]:
    tokens: list[Token] = []
    offset = number = 0
    for number, line in enumerate(law.text.splitlines(keepends=True), start=1):
        content = line.rstrip("\r\n")
        if content.lstrip().startswith("#"):
            column = len(content) - len(content.lstrip())
            tokens.append(Token("directive", content.strip(), (number, column + 1), offset, offset + len(line)))
        else:
            tokens += _line_tokens(law, content, number, offset, not tokens or _ends_statement(tokens[-1]))
        offset += len(line)
    tokens.append(Token("end", "", (number + 1, 1), offset, offset))
    return tokens


def _line_tokens(law: LawText, line: str, number: int, offset: int, between: bool) -> list[Token]:
    """The words of one line; `between` says whether it starts between two statements, where a comment may stand."""
    tokens: list[Token] = []
    position = 0
    while position < len(line):
        at = (number, position + 1)
        if tokens:
            between = _ends_statement(tokens[-1])
        if between and line.startswith("//", position):
            break
        match = _TOKEN.match(line, position)
        if match is None:
            raise law.error(f"unexpected character {line[position]!r}", at)
        kind, word = str(match.lastgroup), match.group()
        if kind == "foreign":
            raise law.error(_FOREIGN[word], at)
        if kind == "number" and _NAME.match(line, match.end()):
            raise law.error("a number carries no suffix: every number is of the arrays' own dtype", at)
        if kind != "space":
            tokens.append(Token(kind, word, at, offset + match.start(), offset + match.end()))
        position = match.end()
    return tokens


def _ends_statement(token: Token) -> bool:
    return token.text == ";" or token.kind == "directive"


# ---- statements and expressions


class _Reader:
    """Recursive descent over the words."""

    def __init__(self, law: LawText, tokens: list[Token]):
        self.law, self.tokens, self.next = law, tokens, 0

    def peek(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.tokens[self.next]
        self.next += 1
        return token

    def expect(self, text: str, why: str) -> Token:
        token = self.peek()
        if token.text != text:
            raise self.wrong(f"expected `{text}` {why}")
        return self.take()

    def wrong(self, expected: str) -> LawError:
        token = self.peek()
        found = f"`{token.text}`"
        if token.kind == "end":
            found = "the end of the text"
        elif token.kind == "directive":
            found = f"the line `{token.text}`"
        return self.law.error(f"{expected}, found {found}", token.at)

    def body(self) -> list[Node]:
        nodes = self.nodes()
        if self.peek().kind == "directive":  # what nodes() stops at besides the end: an #else or #endif of no #if
            raise self.law.error(f"`{self.peek().text}` without an #if before it", self.peek().at)
        return nodes

    def nodes(self) -> list[Node]:
        nodes: list[Node] = []
        while self.peek().kind != "end":
            if self.peek().kind != "directive":
                nodes.append(self.statement())
                continue
            word, flag = self.directive()
            if word != "#if":
                break
            nodes.append(self.branches(flag))
        return nodes

    def directive(self) -> tuple[str, str]:
        """The word and the flag of the directive at hand, which stays where it is."""
        token = self.peek()
        word, *rest = token.text.partition("//")[0].split(maxsplit=1)
        flag = rest[0].strip() if rest else ""
        if word == "#if" and not _NAME.fullmatch(flag):
            raise self.law.error("`#if` takes one flag's name and nothing else; combine flags by nesting", token.at)
        if word in ("#else", "#endif") and flag:
            raise self.law.error(f"`{word}` stands alone on its line", token.at)
        if word not in ("#if", "#else", "#endif"):
            raise self.law.error(f"there is no `{word}`: only #if flag, #else and #endif", token.at)
        return word, flag

    def branches(self, flag: str) -> If:
        opening = self.take()
        then, otherwise = self.nodes(), []
        if self.peek().kind == "directive" and self.directive()[0] == "#else":
            self.take()
            otherwise = self.nodes()
        if self.peek().kind == "end":
            raise self.law.error(f"`#if {flag}` is never closed: add an #endif", opening.at)
        if self.directive()[0] == "#else":
            raise self.law.error(f"`#if {flag}` has an #else already", self.peek().at)
        self.take()
        return If(opening.at, flag, then, otherwise)

    def statement(self) -> Assign:
        first = self.peek()
        if first.kind != "name":
            raise self.wrong("expected a statement")
        declares = self.take().text if first.text in (NUMBER, FLAGGED) else None
        if self.peek().kind != "name":
            raise self.wrong(f"expected a name after `{first.text}`")
        target = self.take()
        value, compound = self.assigned(target, declares)
        end = self.expect(";", "at the end of the statement")
        written = " ".join(self.law.text[first.start : end.end].split())
        return Assign(target.at, target.text, value, declares, compound, written)

    def assigned(self, target: Token, declares: str | None) -> tuple[Node, bool]:
        sign = self.peek()
        if sign.text not in ASSIGNMENTS and target.text in _OF_C:
            raise self.law.error(f"there is no `{target.text}` here: {_OF_C[target.text]}", target.at)
        if sign.text not in ASSIGNMENTS:
            raise self.wrong(f"expected an assignment ({' '.join(ASSIGNMENTS)}) to `{target.text}`")
        if declares and sign.text != "=":
            raise self.law.error(f"`{target.text}` has no value yet: declare it with `=`", sign.at)
        self.take()
        value = self.comparison()
        if sign.text == "=":
            return value, False
        return Binary(sign.at, sign.text[0], Name(target.at, target.text), value), True

    def comparison(self) -> Node:
        left = self.sum()
        if self.peek().text not in COMPARISONS:
            return left
        sign = self.take()
        right = self.sum()
        if self.peek().text in COMPARISONS:
            raise self.law.error(
                "a chain of comparisons means one thing in C and another in Python: write both(a < b, b < c)",
                self.peek().at,
            )
        return Binary(sign.at, sign.text, left, right)

    def sum(self) -> Node:
        left = self.product()
        while self.peek().text in ("+", "-"):
            sign = self.take()
            left = Binary(sign.at, sign.text, left, self.product())
        return left

    def product(self) -> Node:
        left = self.signed()
        while self.peek().text in ("*", "/"):
            sign = self.take()
            left = Binary(sign.at, sign.text, left, self.signed())
        return left

    def signed(self) -> Node:
        token = self.peek()
        if token.text == "-":
            self.take()
            operand = self.signed()
            # A negative number is a number, not an operation on one.
            return Number(token.at, -operand.value) if isinstance(operand, Number) else Negative(token.at, operand)
        if token.kind == "number":
            return self.number(self.take())
        if token.text == "(":
            self.take()
            inner = self.comparison()
            self.expect(")", "to close the parenthesis")
            return inner
        if token.kind == "name" and token.text not in (NUMBER, FLAGGED):
            self.take()
            return self.call(token) if self.peek().text == "(" else Name(token.at, token.text)
        raise self.wrong("expected a value")

    def number(self, token: Token) -> Number:
        value = float(token.text)
        if value == float("inf"):
            raise self.law.error(f"{token.text} is larger than any float", token.at)
        return Number(token.at, value)

    def call(self, function: Token) -> Call:
        self.take()
        arguments = [self.comparison()]
        while self.peek().text == ",":
            self.take()
            arguments.append(self.comparison())
        self.expect(")", f"to close `{function.text}(`")
        return Call(function.at, function.text, arguments)
