"""A lint over minigrad/ops: rows are written in what NumPy arrays, CuPy arrays and Tensors share.

And what a vjp's parameters are called says which values it reads.
"""
import ast
import re
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import numpy_forms
from minigrad.dispatch import OPS
from tests.standin import cupy as standin_cupy

FILES = sorted(Path(minigrad.ops.__file__).parent.glob("*.py"))
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}

# np.<name> that no array is handed to, or that only ever sees the host's numbers.
HOST = {
    "ndarray": "a class, asked for", "generic": "a class, asked for", "dtype": "a class",
    "asarray": "an index given as a list; a NumPy number as an array",
    "ones": "cached on the host", "arange": "cached on the host",
}  # fmt: skip
REDUCIBLE = {"add", "multiply"}  # the ufuncs whose reduce() and accumulate() CuPy has
METADATA = {"shape", "ndim", "dtype"}  # what a node knows without its array


def functions_of(tree):
    """Every function of a module by name; lambdas that are given a name count."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            found[ast.unparse(node.targets[0])] = node.value
    return found


FUNCTIONS = {stem: functions_of(tree) for stem, tree in TREES.items()}


def vjps():
    """(label, function) for every vjp written in a call of op()."""
    for stem, tree in TREES.items():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "op":
                name = next((k.value.value for k in call.keywords if k.arg == "name"), "?")
                given = [*call.args[1:], *(k.value for k in call.keywords if k.arg == "joint")]
                for position, value in enumerate(given):
                    value = FUNCTIONS[stem].get(value.id) if isinstance(value, ast.Name) else value
                    if isinstance(value, (ast.Lambda, ast.FunctionDef)):
                        yield pytest.param(stem, value, id=f"{name}-{position}")


VJPS = list(vjps())


def helpers_of(stem, function, seen=None):
    """The function and the plain functions of minigrad/ops that it calls, and they call."""
    seen = {} if seen is None else seen
    seen[id(function)] = function
    for name in {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}:
        for home in (stem, *FUNCTIONS):
            helper = FUNCTIONS[home].get(name)
            if helper is not None:
                if id(helper) not in seen and not name.startswith("_raw"):
                    helpers_of(home, helper, seen)
                break
    return list(seen.values())


def numpy_names(tree):
    """(name, method or None) for each np.name and np.name.method."""
    attributes = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    inner = {id(n.value) for n in attributes}
    for node in attributes:
        chain = re.fullmatch(r"np\.(\w+)(?:\.(\w+))?", ast.unparse(node))
        if chain and (chain[2] or id(node) not in inner):
            yield chain[1], chain[2]


def without_annotations(function):
    """A copy of the function that says nothing of types."""
    copy = ast.parse(ast.unparse(function))
    for node in ast.walk(copy):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    return copy


def test_the_lint_sees_the_rows():
    seen = {param.id.rpartition("-")[0] for param in VJPS}
    assert len(VJPS) > 90
    assert seen > {"mul", "matmul", "softmax", "cat", "getitem", "cross_entropy", "linear"}
    assert seen <= set(OPS) | {"split"}  # which has a row for each number of pieces, made when first needed


@pytest.mark.parametrize("stem", TREES)
def test_cupy_answers_every_numpy_function(stem):
    for name, method in numpy_names(TREES[stem]):
        if name in HOST:
            continue
        assert hasattr(standin_cupy, name), f"{stem}.py: CuPy has no {name}"
        assert callable(getattr(np, name)) and name not in ("array", "zeros", "empty", "full", "eye", "linspace"), (
            f"{stem}.py: np.{name} makes an array on the host; create through the backend's xp"
        )
        if method is not None:
            assert method in ("reduce", "accumulate") and name in REDUCIBLE, f"{stem}.py: CuPy has no {name}.{method}"


@pytest.mark.parametrize("stem", TREES)
def test_no_options_that_cupy_refuses(stem):
    for call in ast.walk(TREES[stem]):
        if isinstance(call, ast.Call):
            refused = {k.arg for k in call.keywords} & {"where", "initial", "stable"}
            assert not refused, f"{stem}.py, line {call.lineno}: CuPy has no {refused}"


@pytest.mark.parametrize(("stem", "vjp"), VJPS)
def test_tensors_answer_what_vjps_call(stem, vjp):
    """Under create_graph the same vjp runs on Tensors."""
    for function in helpers_of(stem, vjp):
        for name, method in numpy_names(without_annotations(function)):
            if name in HOST:
                continue
            called = {**numpy_forms.UFUNCS, **numpy_forms.FUNCTIONS}
            known = numpy_forms.REDUCTIONS if method == "reduce" else called
            assert getattr(np, name) in known, f"a Tensor does not answer np.{name}"


# Helpers that write, to arrays that they have just made; and counters.
WRITES_TO_ITS_OWN = {"_won", "_cached_ones"}
COUNTERS = {("_cat_joint", "start")}


@pytest.mark.parametrize(("stem", "vjp"), VJPS)
def test_vjps_write_nothing_in_place(stem, vjp):
    for function in helpers_of(stem, vjp):
        name = getattr(function, "name", "a lambda")
        if name in WRITES_TO_ITS_OWN:
            continue
        for node in ast.walk(function):
            where = f"{name}, line {getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.AugAssign):
                assert (name, ast.unparse(node.target)) in COUNTERS, f"{where}: it may write in place"
            if isinstance(node, ast.Assign):
                written = node.targets[0]
                fresh = not isinstance(written, (ast.Subscript, ast.Attribute)) or written.value.id == "_splitters"
                assert fresh, f"{where}: writes in place"
            if isinstance(node, ast.Call):
                assert "out" not in {k.arg for k in node.keywords}, f"{where}: writes to out="


def loads_of(function, name):
    """How a parameter is used: "metadata" for .shape, .ndim and .dtype, else "value"."""
    body = function.body if isinstance(function.body, list) else [function.body]
    nodes = [n for statement in body for n in ast.walk(statement)]
    of_metadata = {id(n.value) for n in nodes if isinstance(n, ast.Attribute) and n.attr in METADATA}
    return {"metadata" if id(n) in of_metadata else "value" for n in nodes if isinstance(n, ast.Name) and n.id == name}


@pytest.mark.parametrize(("stem", "vjp"), VJPS)
def test_parameters_say_whether_their_values_are_read(stem, vjp):
    """Without an underscore the tape keeps the array alive; that one is honest, test_gradients.py finds out."""
    parameters = [a.arg for a in vjp.args.args] + ([vjp.args.vararg.arg] if vjp.args.vararg else [])
    for name in parameters[1:]:
        uses = loads_of(vjp, name)
        if not name.startswith("_"):
            assert "value" in uses, f"{name} is not read, so its values need not be kept: call it _{name}"


@pytest.mark.parametrize(("text", "message"), [
    ("np.linalg.norm(x)", "linalg"), ("np.maximum.reduce(x)", "reduce"), ("np.zeros(3)", "host"),
    ("np.nanprod(x)", "nanprod"),
])  # fmt: skip
def test_the_lint_finds_what_it_looks_for(text, message, monkeypatch):
    monkeypatch.setitem(TREES, "bad", ast.parse(f"def f(x):\n    return {text}"))
    with pytest.raises(AssertionError, match=message):
        test_cupy_answers_every_numpy_function("bad")


@pytest.mark.parametrize("text", ["x[0] = 1", "x += 1", "np.exp(x, out=x)", "x.a = 1"])
def test_the_lint_finds_writes(text):
    with pytest.raises(AssertionError):
        test_vjps_write_nothing_in_place("elementwise", ast.parse(f"def f(g, y, x):\n    {text}\n    return g").body[0])


def test_the_lint_finds_parameters_that_are_kept_in_vain():
    vjp = ast.parse("lambda g, y, x: g * y * x.shape[0]").body[0].value
    with pytest.raises(AssertionError, match="call it _x"):
        test_parameters_say_whether_their_values_are_read("elementwise", vjp)
