"""The NumPy lowering: every operator and function element by element, and where values are kept.

The oracle is Python itself, one element at a time: a law's text is Python but for its declarations.
"""

import decimal
import itertools
import math
import random
import re

import numpy as np
import pytest

from minigrad.kernels import law_from_text, load

NAN, INF = math.nan, math.inf
TINY = {np.float16: 6e-8, np.float32: 1.4e-45, np.float64: 5e-324}  # smallest denormals
DTYPES = [np.float16, np.float32, np.float64]


def special_values(dtype):
    largest = float(np.finfo(dtype).max)
    tiny = float(dtype(TINY[dtype]))
    assert tiny > 0
    return [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, tiny, -tiny, largest, -largest, INF, -INF, NAN]


# ---- the meaning of every operator and function, on Python floats (C's, where Python would raise)


def divide(a, b):
    if b != 0:
        return a / b  # also right for a NaN in b
    if a == 0 or math.isnan(a):
        return NAN
    return math.copysign(INF, a) * math.copysign(1.0, b)


def exp(a):
    try:
        return math.exp(a)
    except OverflowError:
        return INF


def log(a):
    if a > 0 or math.isnan(a):
        return math.log(a)
    return -INF if a == 0 else NAN


def cbrt(a):
    if a == 0 or not math.isfinite(a):
        return a
    with decimal.localcontext(decimal.Context(prec=40)):
        return math.copysign(float(decimal.Decimal(abs(a)) ** (decimal.Decimal(1) / 3)), a)


def sign(a):
    return NAN if math.isnan(a) else float(a > 0) - float(a < 0)


def maximum(a, b):
    return NAN if math.isnan(a) or math.isnan(b) else max(a, b)


def minimum(a, b):
    return NAN if math.isnan(a) or math.isnan(b) else min(a, b)


# Every meaning takes a, b and s, the scalar, which the law gets as 0.1.
MEANING = {
    "a + b": lambda a, b, s: a + b,
    "a - b": lambda a, b, s: a - b,
    "a * b": lambda a, b, s: a * b,
    "a / b": lambda a, b, s: divide(a, b),
    "-a": lambda a, b, s: -a,
    "sqrt(a)": lambda a, b, s: a if a == 0 else math.sqrt(a) if a > 0 else NAN,
    "cbrt(a)": lambda a, b, s: cbrt(a),
    "exp(a)": lambda a, b, s: exp(a),
    "log(a)": lambda a, b, s: log(a),
    "fabs(a)": lambda a, b, s: math.fabs(a),
    "sign(a)": lambda a, b, s: sign(a),
    "copysign(a, b)": lambda a, b, s: math.copysign(a, b),
    "maximum(a, b)": lambda a, b, s: maximum(a, b),
    "minimum(a, b)": lambda a, b, s: minimum(a, b),
    "where(a < b, a, b)": lambda a, b, s: a if a < b else b,
    "where(a <= b, 1, 2)": lambda a, b, s: 1.0 if a <= b else 2.0,
    "where(a > b, 1, b)": lambda a, b, s: 1.0 if a > b else b,
    "where(a >= b, a, 2)": lambda a, b, s: a if a >= b else 2.0,
    "where(a == b, 1, 2)": lambda a, b, s: 1.0 if a == b else 2.0,
    "where(a != b, 1, 2)": lambda a, b, s: 1.0 if a != b else 2.0,
    "where(both(a < 2, b < 2), a, b)": lambda a, b, s: a if a < 2 and b < 2 else b,
    "a + 0.5": lambda a, b, s: a + 0.5,
    "1 / a": lambda a, b, s: divide(1.0, a),
    "a * s": lambda a, b, s: a * s,
    "s / a": lambda a, b, s: divide(s, a),
    "maximum(s, a)": lambda a, b, s: maximum(s, a),
    "copysign(s, a)": lambda a, b, s: math.copysign(s, a),
    "where(a < s, s, b)": lambda a, b, s: s if a < s else b,
    "where(s <= a, s, 3)": lambda a, b, s: s if s <= a else 3.0,
}
INEXACT = ("cbrt", "exp", "log")  # the only ones that C libraries may round differently
EITHER_ZERO = ("maximum", "minimum", "sign")  # of 0 and -0 either may be called the larger


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("text", MEANING)
def test_an_operator_means_what_it_means_in_c(text, dtype):
    names = [name for name in ("a", "b", "s") if name in re.findall(r"\w+", text)]
    header = f"// law({', '.join(name for name in names if name != 's')} | out | {'s' if 's' in names else ''})\n"
    law = law_from_text(f"{header}out = {text};\n", "law.cu")

    pairs = list(itertools.product(special_values(dtype), repeat=2))
    arrays = dict(zip("ab", (np.array(column, dtype) for column in zip(*pairs))))
    out = np.full(len(pairs), 7, dtype)
    law(*(arrays[name] for name in law.inputs), out, **dict.fromkeys(law.scalars, 0.1))

    tenth = float(dtype(0.1))  # a scalar enters in the arrays' dtype
    with np.errstate(over="ignore"):
        expected = np.array([MEANING[text](a, b, tenth) for a, b in pairs]).astype(dtype)
    if text.startswith(INEXACT):
        np.testing.assert_allclose(out, expected, rtol=2 * np.finfo(dtype).eps, atol=TINY[dtype])
        return
    np.testing.assert_array_equal(out, expected)
    if not text.startswith(EITHER_ZERO):
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(out[numbers]), np.signbit(expected[numbers]))


# ---- whole laws


def run_by_element(text, arrays, scalars):
    """Run the body of a law as Python, element after element; returns the arrays as they are in the end."""
    body = re.sub(r"^(T|bool) ", "", text, flags=re.MULTILINE)
    code = compile(body, "law", "exec")
    functions = {
        "where": lambda condition, a, b: a if condition else b,
        "both": lambda a, b: a and b,
        "sqrt": math.sqrt,
        "fabs": math.fabs,
        "maximum": maximum,
        "minimum": minimum,
    }
    results = {name: array.copy() for name, array in arrays.items()}
    for element in range(len(next(iter(arrays.values())))):
        scope = functions | scalars | {name: float(array[element]) for name, array in arrays.items()}
        exec(code, scope)
        for name in arrays:
            results[name][element] = scope[name]
    return results


def check_by_element(body, scalars):
    """Hold a law with this body on inputs a, b and updated p, q, r against the same body run as Python."""
    words = set(re.findall(r"\w+", body))
    inputs, updated = ([name for name in names if name in words] for names in ("ab", "pqr"))
    rng = np.random.default_rng(len(body))
    arrays = {name: rng.normal(size=5) for name in inputs + updated}
    expected = run_by_element(body, arrays, scalars)
    text = f"// law({', '.join(inputs)} | {', '.join(updated)} | {', '.join(scalars)})\n{body}"
    law = law_from_text(text, "law.cu")
    law(*(arrays[name] for name in law.inputs + law.updated), **{name: scalars[name] for name in law.scalars})
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], expected[name], err_msg=f"{name} of\n{text}\n{law.source('numpy')}")
    return law


STRAIGHT_LINES = {
    "swap": "T old = p;\np = q;\nq = old;\n",
    "rotate": "T old = p;\np = q;\nq = r;\nr = old;\n",
    "one value in two arrays": "p = a * b;\nq = p;\nr = a * b + r;\n",
    "an input in two arrays": "p = a;\nq = a + b;\nr = p;\n",
    "the old value after the new": "T old = p;\np = a * p;\nq = old - p;\nr = r * old;\n",
    "a value that others still read": "T x = p + q;\np = x * a;\nq = x * b;\nr = x;\n",
    "fill and go on": "p = 0;\np += a;\nq = 2.5;\nr = q * b;\n",
    "constants alone": "p = 3;\nq = p * p;\nr = q / a + b;\n",
    "the same twice": "p = sqrt(a * a) + sqrt(a * a);\nq = a * a * b;\nr = q - a * a;\n",
    "overwritten unread": "p = a * b;\np = a - b;\nq = p;\nr = p;\n",
    "choose in place": "bool c = a < b;\np = where(c, p, q);\nq = where(c, q, a);\nr = where(both(c, p < r), r, p);\n",
    "assign a local again": "T x = a;\nx += b;\nT y = x;\nx *= x;\np = x - y;\nq = y;\nr = x / (y * y + 1);\n",
    "assigned twice and read between": "p = a + p;\nq = p;\np = b * p;\nr = p - q;\n",
}


@pytest.mark.parametrize("name", STRAIGHT_LINES)
def test_a_straight_line_runs_as_written(name):
    check_by_element(STRAIGHT_LINES[name], {})


def random_value(rng, names, depth):
    """An expression of kind T that holds at least one array, with nothing in it that can overflow for long or raise."""
    choice = rng.randrange(9) if depth else 0
    if choice < 2:
        return rng.choice(names)
    one, two = (random_value(rng, names, depth - 1) for _ in range(2))
    other = rng.choice([two, two, two, "s", "0.5", "-2"])
    form = {
        2: "({0} + {1})",
        3: "({0} - {1})",
        4: "({1} - {0})",
        5: "({0} * {1} * 0.25)",
        6: "({0} / (fabs({1}) + {2}))" if other == two else "({0} / {1})",
        7: "where({0} < {1}, {2}, {1})",
        8: "maximum({1}, minimum({0}, {2}))",
    }[choice]
    return form.format(one, other, rng.choice(["s", "3"]))


def random_body(rng):
    known, lines = ["a", "b", "p", "q", "r"], []
    for number in range(rng.randrange(2, 9)):
        value = random_value(rng, known, rng.randrange(4))
        if rng.random() < 0.35:
            lines.append(f"T x{number} = {value};")
            known.append(f"x{number}")
        else:
            targets = [name for name in known if name not in "ab"]
            lines.append(f"{rng.choice(targets)} {rng.choice(['=', '=', '+=', '-='])} {value};")
    # every name is used and every array assigned, as the lint asks
    lines += [f"{name} += 0.125 * ({' + '.join(known)} + s);" for name in rng.sample(["p", "q", "r"], 3)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(300))
def test_random_straight_lines_run_as_written(seed):
    check_by_element(random_body(random.Random(seed)), {"s": 1.5})


# ---- economy


def test_a_moving_average_is_computed_in_place_with_one_scratch_array():
    law = law_from_text("// ema(g | m | c)\nm += c * (g - m);\n", "ema.cu")
    assert law.source("numpy") == (
        "def ema(g, m, c, _t0):\n"
        "    # m += c * (g - m);\n"
        "    subtract(g, m, out=_t0)\n"
        "    multiply(c, _t0, out=_t0)\n"
        "    add(m, _t0, out=m)\n"
    )


def test_a_step_on_the_way_uses_the_array_of_the_result():
    law = law_from_text("// blend(g | m | c, d)\nm = c * m + d * g;\n", "blend.cu")
    assert law.source("numpy") == (
        "def blend(g, m, c, d, _t0):\n"
        "    # m = c * m + d * g;\n"
        "    multiply(c, m, out=m)\n"
        "    multiply(d, g, out=_t0)\n"
        "    add(m, _t0, out=m)\n"
    )


def test_an_expression_written_twice_is_computed_once_and_one_unneeded_never():
    law = law_from_text("// law(a | p, q | )\np = a * a;\nq = a * a + a;\np = q;\nq = a * a;\n", "law.cu")
    assert law.source("numpy").count("multiply(") == 1
    law = law_from_text("// law(a | p | )\nT x = exp(a);\np = x;\np = a;\n", "law.cu")
    assert "exp(a, out" not in law.source("numpy")


def test_a_step_that_is_read_later_leaves_the_array_to_the_result():
    law = law_from_text("// law(a, b | p, q | )\np = a * b + a;\nq -= a * b;\n", "law.cu")
    assert "add(_t0, a, out=p)" in law.source("numpy")
    assert "[...]" not in law.source("numpy")


def test_a_name_for_a_value_costs_no_copy():
    text = "// law(a | p | )\nT x = a;\nT y = x;\np += y;\n"
    assert "add(p, a, out=p)" in law_from_text(text, "law.cu").source("numpy")


def test_adam_takes_twelve_calls_and_two_scratch_arrays():
    source = load("adam").source("numpy")
    assert source.startswith("def adam(g, p, m, v, lr, c1, c2, eps, _t0, _t1):\n")
    assert source.count("out=") == 12
    assert "[...]" not in source


def test_bool_scratch_is_apart_from_float_scratch():
    law = law_from_text("// law(a, b | p | )\np = where(both(a < b, b < p), a, p);\n", "law.cu")
    assert law.source("numpy").startswith("def law(a, b, p, _b0, _b1):\n")
