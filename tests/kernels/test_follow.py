"""A law followed for one element: by hand, and every operation against Python's own arithmetic on what it shows."""

import math

import numpy as np
import pytest

from minigrad import kernels
from minigrad.kernels import law_from_text, load
from minigrad.kernels.follow import text

from tests.kernels.choices import choices, ulps_apart

PYTHON = {
    "sqrt": math.sqrt, "cbrt": math.cbrt if hasattr(math, "cbrt") else np.cbrt, "exp": math.exp, "log": math.log,
    "fabs": abs, "copysign": math.copysign, "sign": lambda x: (x > 0) - (x < 0), "maximum": max, "minimum": min,
    "both": lambda a, b: a and b, "where": lambda c, a, b: a if c else b, "true": True, "false": False,
}  # fmt: skip


def test_a_line_by_hand():
    law = law_from_text("// ema(g | m | c)\nm += c * (g - m);\n", "ema.cu")
    (line,) = law.follow({"g": 3.0, "m": -1.0, "c": 0.25})
    assert (line.statement, line.target, line.value) == ("m += c * (g - m);", "m", 0.0)
    assert [(step.written, step.filled, step.value) for step in line.operations] == [
        ("g - m", "3 - (-1)", 4.0), ("c * (g - m)", "0.25 * 4", 1.0), ("m + c * (g - m)", "-1 + 1", 0.0),
    ]  # fmt: skip


def test_later_lines_know_what_earlier_ones_assigned_and_comparisons_are_true_or_false():
    law = law_from_text("// f(g | p |)\nbool up = g > 1;\nT x = -g;\np = where(up, x, p);\np = p * 2;\n", "f.cu")
    first, second, third, fourth = law.follow({"g": 1.5, "p": 7.0})
    assert [(step.filled, text(step.value)) for step in first.operations] == [("1.5 > 1", "true")]
    assert [(step.written, step.filled, step.value) for step in second.operations] == [("-g", "-1.5", -1.5)]
    assert third.operations[0].filled == "where(true, -1.5, 7)"
    assert fourth.operations[0].filled == "-1.5 * 2" and fourth.value == -3.0


def test_only_the_lines_of_the_chosen_flags_are_followed():
    lines = load("adam", maximize=True).follow({"g": 2, "p": 0, "m": 0, "v": 0, "lr": 1, "c1": 1, "c2": 1, "eps": 0})
    assert [line.statement for line in lines][:2] == ["T d = g;", "d = -d;"]
    assert lines[-1].value == 1.0


def test_a_plain_assignment_has_no_operations():
    lines = load("sgd").follow({"g": 2.0, "p": 1.0, "lr": 0.5})
    assert (lines[0].operations, lines[0].value) == ([], 2.0)


def test_it_computes_in_the_dtype_asked_for():
    law = law_from_text("// f(g | p |)\np = g + 1;\n", "f.cu")
    for dtype in (np.float16, np.float32, np.float64):
        (line,) = law.follow({"g": 1e-5, "p": 0.0}, dtype)
        assert type(line.value) is dtype and line.value == dtype(1) + dtype(1e-5)


def test_infinite_and_invalid_values_pass_without_a_warning(recwarn):
    law = law_from_text("// f(g | p |)\np = log(g) / (g - g);\n", "f.cu")
    (line,) = law.follow({"g": 0.0, "p": 0.0})
    assert [text(step.value) for step in line.operations] == ["-inf", "0", "-inf"]
    assert not recwarn.list


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", kernels.names())
def test_it_ends_where_the_law_on_arrays_ends(name, dtype, rng):
    """Which has oracles of its own; of a number and of an array NumPy may compute exp, log and cbrt differently."""
    for law in choices(name).values():
        names = law.inputs + law.updated
        arrays = [rng.normal(size=5).astype(dtype) ** 2 for _ in names]
        scalars = {scalar: float(rng.choice([0.01, 0.5, 0.9])) for scalar in law.scalars}
        starts = [{n: array[i] for n, array in zip(names, arrays)} for i in range(5)]
        law(*arrays, **scalars)
        for i, start in enumerate(starts):
            after = {line.target: line.value for line in law.follow({**start, **scalars}, dtype)}
            for n, array in zip(names, arrays):
                if n in after and n in law.updated:
                    assert ulps_apart(np.atleast_1d(after[n]), array[i : i + 1])[0] <= 1, (law, n)


@pytest.mark.parametrize("name", kernels.names())
def test_the_numbers_that_it_shows_make_the_results_that_it_shows(name, rng):
    for law in choices(name).values():
        values = {n: float(rng.uniform(0.05, 0.95)) for n in law.inputs + law.updated + law.scalars}
        for line in law.follow(values):
            for step in line.operations:
                expected = eval(step.filled, dict(PYTHON))
                assert float(step.value) == pytest.approx(float(expected), rel=1e-4, abs=2e-5), step
            if line.operations:
                assert line.value == line.operations[-1].value


def test_names_that_are_missing_or_unknown_are_refused():
    with pytest.raises(TypeError, match=r"law sgd takes a number for each of \['g', 'p', 'lr'\]; missing \['lr'\], unknown \['r'\]"):
        load("sgd").follow({"g": 1, "p": 1, "r": 1})
    with pytest.raises(TypeError, match="law sgd: p is a str, 'one': pass a number"):
        load("sgd").follow({"g": 1, "p": "one", "lr": 1})
    with pytest.raises(TypeError, match="law sgd is followed in floating point, not in int32"):
        load("sgd").follow({"g": 1, "p": 1, "lr": 1}, np.int32)
