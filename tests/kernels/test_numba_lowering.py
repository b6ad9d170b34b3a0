"""The Numba lowering: its text, and that the loop computes what the law says and what the NumPy lowering computes.

The oracles are Python itself, one element at a time, and the NumPy lowering, bit for bit: no step may be fused,
reordered or taken in another precision. Only exp, log and cbrt come from other libraries than NumPy's.
"""

import itertools
import random

import numpy as np
import pytest

from minigrad.kernels import law_from_text, names, numba_run

from tests.kernels.choices import choices, special_arguments, ulps_apart, worst_ulps
from tests.kernels.test_numpy_lowering import DTYPES, EITHER_ZERO, INEXACT, MEANING
from tests.kernels.test_numpy_lowering import STRAIGHT_LINES, random_body, run_by_element, special_values

ULPS = 8
COMPILED = [np.float32, np.float64]
LAWS = names()


def loop_of(law):
    law.source("numba")
    return law._numba.loop


def compile_loop(law, dtype):
    """The law compiled, as a function of arrays and scalars in order; nothing is kept on disk."""
    numba = pytest.importorskip("numba")
    vector = numba.types.Array(numba.from_dtype(np.dtype(dtype)), 1, "C")
    arrays, scalars = law.inputs + law.updated, law.scalars
    signature = numba.void(*[vector] * len(arrays), *[numba.float64] * len(scalars))
    return numba_run.compiled(loop_of(law), signature, "no file")


def interpret_loop(law):
    """The law's loop as Python runs it, with NumPy's functions, which keep the precision of what they are given."""
    loop = loop_of(law)
    scope = {}
    exec(loop.source, scope)
    scope.update({name: getattr(np, name) for name in ("sqrt", "exp", "log", "fabs", "copysign") if name in scope})
    return scope[loop.function_name]


def arguments(law, dtype, seed, rows):
    """Arrays, half of them special values, and scalars; no zeros to divide by where their signs are arbitrary."""
    arrays, scalars = special_arguments(law, dtype, np.random.default_rng(seed), rows)
    if any(f"{function}(" in law.source("numba") for function in EITHER_ZERO):
        arrays = [array + dtype(0) for array in arrays]
        scalars = {name: value or 1e-8 for name, value in scalars.items()}
    return arrays, scalars


def check_like_numpy(law, function, arrays, scalars):
    """Hold a function against the NumPy lowering on the same arguments, bit for bit but for signs of NaN and zero."""
    expected, starts = ([array.copy() for array in arrays] for _ in range(2))
    law(*expected, **scalars)
    with np.errstate(all="ignore"):
        function(*arrays, *(scalars[name] for name in law.scalars))
    for name, one, other in zip(law.inputs + law.updated, arrays, expected):
        assert one.dtype == other.dtype
        if loop_of(law).gains:
            np.testing.assert_array_equal(one, other, err_msg=f"{name} of {law}")
        assert worst_ulps(law, starts, scalars, name, one, other) <= ULPS, f"{name} of {law}"


# ---- the text


def test_a_loop_reads_as_the_law_does():
    text = """// blend(g | m, n | c, s)
bool near = both(g < m, m < 2);
m += c * (g - m) / sqrt(g);
#if also
n = where(near, maximum(n, s), -0.5);
#endif
"""
    assert law_from_text(text, "blend.cu", also=True).source("numba") == """from math import sqrt


def both(a, b):
    return a & b


def where(condition, a, b):
    return a if condition else b


def maximum(a, b):
    return b if (a < b) | (b != b) else a


def blend_loop(_g, _m, _n, c, s):
    T = _g.dtype.type
    c = T(c)
    s = T(s)
    for _i in range(_g.size):
        g = _g[_i]
        m = _m[_i]
        n = _n[_i]
        near = both(g < m, m < T(2.0))
        m = m + c * (g - m) / sqrt(g)
        n = where(near, maximum(n, s), T(-0.5))
        _m[_i] = m
        _n[_i] = n
"""


def test_what_is_only_read_under_these_flags_is_not_stored():
    text = "// law(g | p, m | )\np -= g * m;\n#if also\nm += g;\n#endif\n"
    assert "_m[_i] = m" not in law_from_text(text, "law.cu").source("numba")
    assert "_m[_i] = m" in law_from_text(text, "law.cu", also=True).source("numba")


EXPRESSIONS = {
    "a + b * 2": "a + b * T(2.0)",
    "(a + b) * 0.05": "(a + b) * T(0.05)",
    "a - (b - 1)": "a - (b - T(1.0))",
    "a + (b + 1)": "a + (b + T(1.0))",
    "(a + b) + 1": "a + b + T(1.0)",
    "a * (b / a)": "a * (b / a)",
    "a / b / a": "a / b / a",
    "a - -3": "a - T(-3.0)",
    "-(a + b)": "-(a + b)",
    "-a * b": "-a * b",
    "a * -b": "a * -b",
    "sign(a - (b + a))": "sign(a - (b + a))",
}


@pytest.mark.parametrize("written", EXPRESSIONS)
def test_an_expression_keeps_its_order(written):
    law = law_from_text(f"// law(a, b | p | )\np = {written};\np += 0.5 * a * b;\n", "law.cu")
    assert f"        p = {EXPRESSIONS[written]}\n" in law.source("numba")


def test_a_law_may_be_named_as_a_function_is():
    law = law_from_text("// sign(g | p | )\np = sign(g);\n", "sign.cu")
    p = np.zeros(3)
    interpret_loop(law)(np.array([-2.0, 0.0, 5.0]), p)
    assert p.tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("function, gains", [("sqrt", True), ("exp", False), ("log", False), ("cbrt", False)])
def test_functions_that_numpy_computes_for_several_elements_at_once_gain_nothing(function, gains):
    law = law_from_text(f"// law(g | p | )\np = {function}(g);\n", "law.cu")
    assert loop_of(law).gains is gains


def test_no_two_programs_of_a_text_share_a_name_in_the_cache():
    for name in LAWS:
        laws = choices(name).values()
        assert len({numba_run.cache_name(loop_of(law)) for law in laws}) == len(laws)


# ---- operators and functions


@pytest.fixture(scope="module", params=COMPILED)
def table(request):
    """Every expression of MEANING over every pair of special values, computed in one loop: {expression: results}."""
    dtype = request.param
    outs = [f"out{number}" for number in range(len(MEANING))]
    body = "".join(f"{out} = {text};\n" for out, text in zip(outs, MEANING))
    law = law_from_text(f"// law(a, b | {', '.join(outs)} | s)\n{body}", "law.cu")
    pairs = np.array(list(itertools.product(special_values(dtype), repeat=2)), dtype)
    arrays = [np.ascontiguousarray(column) for column in pairs.T] + [np.full(len(pairs), 7, dtype) for _ in outs]
    expected = [array.copy() for array in arrays]
    law(*expected, s=0.1)
    compile_loop(law, dtype)(*arrays, 0.1)
    return dtype, pairs.tolist(), dict(zip(MEANING, zip(arrays[2:], expected[2:])))


@pytest.mark.parametrize("text", MEANING)
def test_an_operator_means_what_it_means_in_c(text, table):
    dtype, pairs, results = table
    out, by_numpy = results[text]
    tenth = float(dtype(0.1))
    with np.errstate(over="ignore"):
        expected = np.array([MEANING[text](a, b, tenth) for a, b in pairs]).astype(dtype)
    assert ulps_apart(out, by_numpy).max() <= ULPS
    assert ulps_apart(out, expected).max() <= (ULPS if text.startswith(INEXACT) else 0)
    if not text.startswith(EITHER_ZERO):
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(out[numbers]), np.signbit(expected[numbers]))


def test_every_dtype_is_compiled_but_float16():
    assert set(DTYPES) - set(COMPILED) == {np.float16}


# ---- whole laws


def law_with(body):
    words = set(body.replace("(", " ").replace(")", " ").replace(",", " ").replace(";", " ").split())
    inputs, updated = ([name for name in names if name in words] for names in ("ab", "pqr"))
    scalars = ["s"] if "s" in words else []
    return law_from_text(f"// law({', '.join(inputs)} | {', '.join(updated)} | {', '.join(scalars)})\n{body}", "law.cu")


def check_by_element(law, function, body):
    rng = np.random.default_rng(len(body))
    arrays = {name: rng.normal(size=21) for name in law.inputs + law.updated}
    expected = run_by_element(body, arrays, {"s": 1.5})
    function(*arrays.values(), *[1.5 for _ in law.scalars])
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], expected[name], err_msg=f"{name} of\n{law.source('numba')}")


BODIES = [*STRAIGHT_LINES.values(), *(random_body(random.Random(seed)) for seed in range(300))]


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_straight_lines_run_as_written(number):
    law = law_with(BODIES[number])
    check_by_element(law, interpret_loop(law), BODIES[number])


@pytest.mark.parametrize("number", range(len(STRAIGHT_LINES), len(STRAIGHT_LINES) + 6))
def test_straight_lines_run_as_written_when_compiled(number):
    law = law_with(BODIES[number])
    check_by_element(law, compile_loop(law, np.float64), BODIES[number])


@pytest.mark.parametrize("dtype", COMPILED)
@pytest.mark.parametrize("name", LAWS)
def test_every_program_of_a_text_says_what_its_numpy_lowering_says(name, dtype):
    for law in choices(name).values():
        check_like_numpy(law, interpret_loop(law), *arguments(law, dtype, 5, rows=60))


@pytest.mark.parametrize("dtype", COMPILED)
@pytest.mark.parametrize("name", LAWS)
def test_a_text_compiled_agrees_with_numpy(name, dtype):
    """The program of each text that calls for most statements."""
    law = max(choices(name).values(), key=lambda law: law.source("numba").count("\n"))
    function = compile_loop(law, dtype)
    for seed in range(5):
        check_like_numpy(law, function, *arguments(law, dtype, seed, rows=4003))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", COMPILED)
@pytest.mark.parametrize("name", LAWS)
def test_every_program_of_a_text_compiled_agrees_with_numpy(name, dtype):
    for law in choices(name).values():
        function = compile_loop(law, dtype)
        for seed in range(3):
            check_like_numpy(law, function, *arguments(law, dtype, seed, rows=1003))
