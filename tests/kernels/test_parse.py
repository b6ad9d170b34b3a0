"""The parser: what it reads, and exactly where it says that it cannot."""

import pickle

import pytest

from minigrad.kernels.parse import parse
from minigrad.kernels.tree import Assign, Binary, Call, If, LawError, Name, Negative, Number

HEADER = "// law(g | p, m | lr, eps)\n"


def spell(node):
    """An expression with every pair of parentheses written out."""
    if isinstance(node, Number):
        return repr(node.value)
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Negative):
        return f"(-{spell(node.operand)})"
    if isinstance(node, Binary):
        return f"({spell(node.left)} {node.operator} {spell(node.right)})"
    assert isinstance(node, Call)
    return f"{node.function}({', '.join(map(spell, node.arguments))})"


def expression(text):
    (statement,) = parse(f"{HEADER}p = {text};\n", "law.cu").body
    return spell(statement.value)


@pytest.mark.parametrize(
    "text, spelled",
    [
        ("g - p - m", "((g - p) - m)"),
        ("g / p * m", "((g / p) * m)"),
        ("g + p * m", "(g + (p * m))"),
        ("(g + p) * m", "((g + p) * m)"),
        ("-g * p", "((-g) * p)"),
        ("- -g", "(-(-g))"),
        ("g - -2", "(g - -2.0)"),
        ("-(2)", "-2.0"),
        ("where(g < p + m, -1.5e-3, .5)", "where((g < (p + m)), -0.0015, 0.5)"),
        ("both(g <= p, g != m)", "both((g <= p), (g != m))"),
        ("sqrt(\n  g )\n", "sqrt(g)"),
        ("(g == p)", "(g == p)"),
        ("1. + 3e2", "(1.0 + 300.0)"),
    ],
)
def test_precedence_is_that_of_c_and_python(text, spelled):
    assert expression(text) == spelled


def test_the_header_names_the_parameters_and_the_other_comments_are_the_doc():
    comments = "// First line.\n//   indented\n// law( g,h| p |)   inputs | updated\n//\n// last\n\n"
    law = parse(comments + "p = g * h;\n", "dir/law.cu")
    assert law.name == "law"
    assert [name.name for name in law.inputs] == ["g", "h"]
    assert [name.name for name in law.updated] == ["p"]
    assert law.scalars == []
    assert [name.at for name in law.parameters] == [(3, 9), (3, 11), (3, 14)]
    assert law.doc == "First line.\n  indented\n\nlast"


def test_statements_keep_their_kind_their_place_and_how_they_are_written():
    law = parse(HEADER + "T x = g   *\n  lr; p -= x; // why\n  bool b = g < 0;\n", "law.cu")
    first, second, third = law.body
    assert (first.target, first.declares, first.compound, first.at) == ("x", "T", False, (2, 3))
    assert first.written == "T x = g * lr;"
    assert (second.target, second.declares, second.compound, second.at) == ("p", None, True, (3, 7))
    assert spell(second.value) == "(p - x)"
    assert (third.declares, third.at) == ("bool", (4, 8))


def test_flags_nest_and_choose_the_straight_line():
    body = "#if one\np = g;\n#if two // inner\np = m;\n#else\np = lr;\n#endif\n#else\np = eps;\n  #endif\nm = g;\n"
    law = parse(HEADER + body, "law.cu")
    assert law.flags == ["one", "two"]
    assert isinstance(law.body[0], If) and isinstance(law.body[1], Assign)

    def chosen(*flags):
        return [spell(statement.value) for statement in law.statements(frozenset(flags))]

    assert chosen() == ["eps", "g"]
    assert chosen("two") == ["eps", "g"]
    assert chosen("one") == ["g", "lr", "g"]
    assert chosen("one", "two") == ["g", "m", "g"]
    assert len(law.every_statement()) == 5


ERRORS = [
    # (text below the header, line in the file, column, words of the message)
    ("p = g ** 2;", 2, 7, "`**`"),
    ("p = g // 2;", 2, 7, "integer division"),
    ("p = g\n // why\n * 2;", 3, 2, "integer division"),
    ("p = g < 0 ? 1 : 2;", 2, 11, "where(condition, a, b)"),
    ("p = g : 2;", 2, 7, "where(condition, a, b)"),
    ("p = g && m;", 2, 7, "both(a, b)"),
    ("p = g || m;", 2, 7, "both(a, b)"),
    ("p = !g;", 2, 5, "`!`"),
    ("p = g & m;", 2, 7, "both(a, b)"),
    ("p = g | m;", 2, 7, "both(a, b)"),
    ("p = g % m;", 2, 7, "`%`"),
    ("p = g ^ m;", 2, 7, "`^`"),
    ("p[0] = g;", 2, 2, "indexing"),
    ("{ p = g; }", 2, 1, "blocks"),
    ("p++;", 2, 2, "`++`"),
    ("p = g --m;", 2, 7, "`--`"),
    ("/* p */", 2, 1, "a comment begins with //"),
    ("p = 1.0f * g;", 2, 5, "suffix"),
    ("p = 2x;", 2, 5, "suffix"),
    ("p = 1e999;", 2, 5, "larger than any float"),
    ("p = g @ m;", 2, 7, "unexpected character '@'"),
    ("p = _g;", 2, 5, "unexpected character '_'"),
    ("p = g < m < lr;", 2, 11, "chain of comparisons"),
    ("p = g == m == lr;", 2, 12, "chain of comparisons"),
    ("p = g\nm = g;", 3, 1, "expected `;` at the end of the statement, found `m`"),
    ("p = g", 3, 1, "found the end of the text"),
    ("p = (g;", 2, 7, "expected `)`"),
    ("p = sqrt(g;", 2, 11, "close `sqrt(`"),
    ("p = sqrt();", 2, 10, "expected a value, found `)`"),
    ("p = ;", 2, 5, "expected a value"),
    ("p = g +;", 2, 8, "expected a value"),
    ("p = T;", 2, 5, "expected a value"),
    ("p;", 2, 2, "expected an assignment"),
    ("float d = g;", 2, 1, "there is no `float` here: write `T x = ...;`"),
    ("if (g > 0.0) p = g;", 2, 1, "there is no `if` here: write where"),
    ("p == g;", 2, 3, "expected an assignment"),
    ("T = g;", 2, 3, "expected a name after `T`"),
    ("T x += g;", 2, 5, "no value yet"),
    ("3 = g;", 2, 1, "expected a statement"),
    (";", 2, 1, "expected a statement"),
    ("#ifdef one\np = g;\n#endif", 2, 1, "there is no `#ifdef`"),
    ("#define X", 2, 1, "there is no `#define`"),
    ("#if\np = g;\n#endif", 2, 1, "one flag's name"),
    ("#if one two\np = g;\n#endif", 2, 1, "one flag's name"),
    ("#if !one\np = g;\n#endif", 2, 1, "one flag's name"),
    ("  #if one\np = g;", 2, 3, "never closed"),
    ("#if one\np = g;\n#else\np = m;\n#else\n#endif", 6, 1, "an #else already"),
    ("#if one\np = g;\n#else two\n#endif", 4, 1, "stands alone"),
    ("p = g;\n#endif", 3, 1, "without an #if"),
    ("p = g;\n#else", 3, 1, "without an #if"),
    ("p = g\n#if one\n;\n#endif", 3, 1, "found the line `#if one`"),
    ("", 1, 7, "no statement"),
]


@pytest.mark.parametrize("text, line, column, words", ERRORS)
def test_an_error_names_file_line_and_column(text, line, column, words):
    with pytest.raises(LawError) as caught:
        parse(HEADER + text + "\n", "some/law.cu")
    error = caught.value
    assert (error.file, error.line, error.column) == ("some/law.cu", line, column)
    assert words in error.message
    assert str(error).startswith(f"some/law.cu:{line}:{column}: ")


HEADER_ERRORS = [
    ("p = g;", 1, 1, "no header"),
    ("// other(g | p | lr)\np = g;", 1, 1, "no header"),
    ("p = g;\n// law(g | p | )", 1, 1, "no header"),
    ("// law(g | p)\np = g;", 1, 7, "2 sections"),
    ("// law(g | p | lr | x)\np = g;", 1, 7, "4 sections"),
    ("// law(g | p | lr\np = g;", 1, 7, "never closed"),
    ("// law(g, 2h | p | lr)\np = g;", 1, 11, "'2h' is no name"),
    ("// law(g, | p | lr)\np = g;", 1, 11, "'' is no name"),
    ("// law(g | p q | lr)\np = g;", 1, 12, "'p q' is no name"),
    ("// doc\n// law(g | p | _lr)\np = g;", 2, 16, "'_lr' is no name"),
    ("// law(g | p | )\n// law(g | p | )\np = g;", 2, 1, "second header"),
]


@pytest.mark.parametrize("text, line, column, words", HEADER_ERRORS)
def test_an_error_in_the_header_names_its_place(text, line, column, words):
    with pytest.raises(LawError) as caught:
        parse(text + "\n", "law.cu")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.message


def test_an_error_shows_the_line_with_a_caret_below_the_place():
    with pytest.raises(LawError) as caught:
        parse(HEADER + "\tp =\tg ** 2;\n", "law.cu")
    message, line, caret = str(caught.value).split("\n")
    assert message.startswith("law.cu:2:8: there is no `**`")
    assert line == "    \tp =\tg ** 2;"
    assert caret == "    \t   \t  ^"


def test_an_error_survives_pickling():
    error = LawError("wrong", "law.cu", 2, 3, "p = ;")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "law.cu:2:3: wrong\n    p = ;\n      ^"


def test_line_ends_of_any_system_are_read():
    law = parse(HEADER.replace("\n", "\r\n") + "p = g;\r\n#if one\r\nm = g;\r\n#endif\r\n", "law.cu")
    assert [statement.written for statement in law.every_statement()] == ["p = g;", "m = g;"]
