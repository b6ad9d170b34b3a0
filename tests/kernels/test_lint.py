"""The lint: every rule bites, at the place that breaks it, and bites nothing else."""

import pytest

from minigrad import kernels
from minigrad.kernels import lint, numpy_lowering
from minigrad.kernels.parse import parse
from minigrad.kernels.tree import LawError

# The body goes below this header; the last line uses what the header names, so that one rule is broken at a time.
HEADER = "// law(g | p, m | lr, eps)\n"
FOOTER = "\nm = g;\np -= lr * m + eps * m;\n"

RULES = [
    ("p = x;", 2, 5, "`x` is not declared; known here: eps g lr m p"),
    ("p = x;\nT x = g;\nm = x;", 2, 5, "`x` is not declared"),
    ("T x = x;", 2, 7, "`x` is not declared"),
    ("x = g;", 2, 1, "`x` is not declared: write `T x = ...;`"),
    ("x += g;", 2, 1, "`x` is not declared"),
    ("T x = g;", 2, 3, "`x` is never used"),
    ("T x = g;\nx = m;", 2, 3, "`x` is never used"),
    ("T x = g;\nT x = m;\np = x;", 3, 3, "`x` is declared already"),
    ("T g = m;\np = g;", 2, 3, "`g` is declared already"),
    ("T lr = m;\np = lr;", 2, 3, "`lr` is declared already"),
    ("T sqrt = g;\np = sqrt;", 2, 3, "`sqrt` means something already"),
    ("T lambda = g;\np = lambda;", 2, 3, "`lambda` means something already"),
    ("T double = g;\np = double;", 2, 3, "`double` means something already"),
    ("T do = g;\np = do;", 2, 3, "`do` means something already"),
    ("T xor = g;\np = xor;", 2, 3, "`xor` means something already"),
    ("T subtract = g;\np = subtract;", 2, 3, "`subtract` means something already"),
    ("g = m;", 2, 1, "`g` is an input"),
    ("g += m;", 2, 1, "`g` is an input"),
    ("lr = m;", 2, 1, "`lr` is a scalar"),
    ("p = g * (1 - lr);", 2, 12, "no arithmetic on scalars alone"),
    ("p = g * (lr * eps);", 2, 13, "no arithmetic on scalars alone"),
    ("p = lr * eps * g;", 2, 8, "no arithmetic on scalars alone"),
    ("p = g * -lr;", 2, 9, "no arithmetic on scalars alone"),
    ("p = g * sqrt(eps);", 2, 9, "no arithmetic on scalars alone"),
    ("p = where(lr > eps, g, m);", 2, 14, "no arithmetic on scalars alone"),
    ("p = g * (1 / 2);", 2, 12, "no integer division"),
    ("p = g * (2 * 3);", 2, 12, "no arithmetic on numbers alone"),
    ("p = g + sqrt(2);", 2, 9, "no arithmetic on scalars alone"),
    ("T x = lr;\np = x;", 2, 7, "the same for every element"),
    ("T x = 2;\np = x;", 2, 7, "the same for every element"),
    ("T x = g;\nx = 2;\np = x;", 3, 5, "the same for every element"),
    ("p = pow(g, m);", 2, 5, "unknown function `pow`; there are both cbrt"),
    ("p = fmax(g, m);", 2, 5, "unknown function `fmax`"),
    ("p = sqrt(g, m);", 2, 5, "`sqrt` takes 1 values, not 2"),
    ("p = where(g < 0, m);", 2, 5, "`where` takes 3 values, not 2"),
    ("p = sqrt;", 2, 5, "`sqrt` is a function: call it"),
    ("p = g < 0;", 2, 7, "`p` is T, and this value is bool"),
    ("bool b = g;\np = where(b, g, m);", 2, 10, "`b` is bool, and this value is T"),
    ("bool b = g < 0;\nb = g;\np = where(b, g, m);", 3, 5, "`b` is bool, and this value is T"),
    ("T x = g < 0;\np = x;", 2, 9, "`x` is T, and this value is bool"),
    ("p = g * (m < 0);", 2, 12, "`*` takes T, and this is bool: write where(condition, a, b)"),
    ("bool b = g < 0;\np = g + b;", 3, 9, "`+` takes T, and this is bool"),
    ("bool b = g < 0;\np += b;", 3, 6, "`+` takes T, and this is bool"),
    ("bool b = g < 0;\np = -b;", 3, 6, "`-` takes T, and this is bool"),
    ("bool b = (g < 0) == (m < 0);\np = where(b, g, m);", 2, 13, "`==` takes T, and this is bool"),
    ("p = sqrt(g < 0);", 2, 12, "`sqrt` takes T, and this is bool"),
    ("p = where(g, m, p);", 2, 11, "`where` takes bool, and this is T: write a comparison"),
    ("p = where(g < 0, m < 0, p);", 2, 20, "`where` takes T, and this is bool"),
    ("p = where(both(g < 0, m), m, p);", 2, 23, "`both` takes bool, and this is T"),
]


@pytest.mark.parametrize("text, line, column, words", RULES)
def test_a_broken_rule_is_named_at_its_place(text, line, column, words):
    with pytest.raises(LawError) as caught:
        lint.check(parse(HEADER + text + FOOTER, "law.cu"))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.message


WHOLE = [
    ("// law(g | | lr)\nT x = g * lr;\nx = x * x;\n", 1, 7, "nothing to update"),
    ("// law(g | p, g | )\np = g;\ng = p;\n", 1, 15, "`g` stands twice"),
    ("// law(g | p | exp)\np = g * exp;\n", 1, 16, "`exp` means something already"),
    ("// law(g, T | p | )\np = g;\n", 1, 11, "`T` means something already"),
    ("// law(g, h | p | )\np = g;\n", 1, 11, "`h` is never used"),
    ("// law(g | p | lr)\np = g;\n", 1, 16, "`lr` is never used"),
    ("// law(g | p, m | )\np = g * m;\n", 1, 15, "`m` stands among the updated but is never assigned"),
    ("// law(g | p | )\n#if one\np = g;\n#endif\n", 1, 7, "nothing is updated under these flags: none"),
    ("// law(g | p | )\n#if one\np = x;\n#else\np = g;\n#endif\n", 3, 5, "`x` is not declared"),
    ("// law(g | p | )\np = g;\n#if one\nT x = g;\n#endif\n#if two\np = x;\n#endif\n", 7, 5, "`x` is not declared"),
]


@pytest.mark.parametrize("text, line, column, words", WHOLE)
def test_a_rule_on_the_header_or_the_flags_is_named_at_its_place(text, line, column, words):
    with pytest.raises(LawError) as caught:
        lint.check(parse(text, "law.cu"))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.message


@pytest.mark.parametrize("name", ["adam-w", "8bit", "lambda"])
def test_a_law_is_named_so_that_a_function_can_be(name):
    with pytest.raises(LawError, match=rf"^{name}\.cu:1:{len(name) + 4}: .*'{name}' cannot name a function"):
        lint.check(parse(f"// {name}(g | p | )\np = g;\n", f"{name}.cu"))


ALLOWED = [
    "p = 0;",  # an updated array may be filled
    "p = lr;",
    "p = g * -2;",
    "p = where(g < lr, eps, 1);",
    "p = maximum(g, eps) / 2;",
    "T x = g;\nx = x * x;\nx /= 3;\np = x;",
    "bool b = g < 0;\nb = both(b, m > 0);\np = where(b, g, -1);",
    "T x = g;\n#if momentum\nx = m;\n#endif\np = x;",
    "#if lr\np = g;\n#endif",  # a flag may be called as the scalar that it brings into play
    "#if one\nT x = g;\n#else\nT x = m;\n#endif\np = x;",
]


@pytest.mark.parametrize("text", ALLOWED)
def test_the_rules_let_through_what_is_right(text):
    lint.check(parse(HEADER + text + FOOTER, "law.cu"))


@pytest.mark.parametrize("name", kernels.names())
def test_every_law_in_the_house_passes_under_every_choice_of_flags(name):
    lint.check(parse(kernels.load(name).text, name + ".cu"))


def test_no_name_can_hide_what_the_numpy_lowering_calls():
    assert set(numpy_lowering._CALLABLE) <= lint.RESERVED


def test_loading_checks_the_flags_that_are_chosen():
    text = "// law(g | p | )\np = g;\n#if one\np = nowhere;\n#endif\n"
    kernels.law_from_text(text, "law.cu")
    with pytest.raises(LawError, match=r"law\.cu:4:5: `nowhere` is not declared"):
        kernels.law_from_text(text, "law.cu", one=True)
