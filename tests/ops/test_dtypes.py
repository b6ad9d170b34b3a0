"""Dtypes of results over all dtypes, pairs of dtypes, 0-d operands and Python scalars: as PyTorch."""
import itertools
import operator

import numpy as np
import pytest

import minigrad

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
SCALARS = [True, 3, 2.5]

# Where PyTorch has no kernel and raises, and we answer: by op, the dtypes (of either operand) for which we do.
INTEGERS = set(DTYPES[1:6])
WHOLE = {"bool"} | INTEGERS
MORE_LIBERAL = {
    "sub": {"bool"},  # a bool counts as 0 or 1 beside numbers; two bools raise here as well
    "abs": {"bool"}, "relu": {"bool"}, "floor": {"bool"}, "ceil": {"bool"}, "round": {"bool"}, "trunc": {"bool"},
    "argmax": {"bool"}, "argmin": {"bool"}, "clamp": {"bool"},
    "logsigmoid": WHOLE, "softplus": WHOLE, "leaky_relu": WHOLE, "elu": WHOLE, "gelu": WHOLE, "silu": WHOLE,
    "one_hot": INTEGERS - {"int64"},
}  # fmt: skip


def operands(dtype):
    """Three small numbers, and one without dimensions."""
    return [np.array([1, 2, 3]).astype(dtype), np.array(2).astype(dtype)]


def answer(function, *args):
    """What the function returns, or the exception it raises."""
    try:
        return function(*args)
    except (TypeError, ValueError, RuntimeError, IndexError,
            ArithmeticError) as error:  # NotImplementedError among them
        return error


def compare(name, function, torch_function, torch, args, involved):
    ours = answer(function, *(minigrad.tensor(a) if isinstance(a, np.ndarray) else a for a in args))
    theirs = answer(torch_function, *(torch.from_numpy(a.copy()) if isinstance(a, np.ndarray) else a for a in args))
    where = f"{name} of {args!r}: {ours!r}, in PyTorch {theirs!r}"
    if isinstance(theirs, Exception):
        allowed = isinstance(ours, Exception) or involved & MORE_LIBERAL.get(name, set())
        assert allowed, where
        return
    assert not isinstance(ours, Exception), where
    expected = theirs.numpy()
    assert ours.dtype == expected.dtype and ours.shape == expected.shape, where
    tolerance = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-13}.get(str(expected.dtype), 0)
    np.testing.assert_allclose(ours.numpy().astype(float), expected.astype(float), rtol=tolerance, atol=tolerance,
        err_msg=where)


BINARY = {
    **{name: name for name in ("add", "sub", "mul", "div", "maximum", "minimum", "floor_divide", "remainder", "pow",
        "eq", "ne", "lt", "le", "gt", "ge",
                               "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor",
                               "max", "min")},
    "div_floor": lambda m: lambda a, b: m.div(a, b, rounding_mode="floor"),
    "div_trunc": lambda m: lambda a, b: m.div(a, b, rounding_mode="trunc"),
    "add_alpha": lambda m: lambda a, b: m.add(a, b, alpha=2),
    "where": lambda m: lambda a, b: m.where((a if a.ndim else b) > 1, a, b),
    "cat": lambda m: lambda a, b: m.cat([a, b]),
    "stack": lambda m: lambda a, b: m.stack([a, b]),
}  # fmt: skip
WITH_SCALARS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "floor_divide": operator.floordiv, "remainder": operator.mod,
    "pow": operator.pow, "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "ge": operator.ge,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
}  # fmt: skip
UNARY = {
    **{name: name for name in (
        "neg", "abs", "exp", "log", "log1p", "expm1", "sqrt", "rsqrt", "reciprocal", "sin", "cos", "tan", "tanh",
        "sigmoid", "relu", "erf", "square", "sign",
        "floor", "ceil", "round", "trunc", "isnan", "isinf", "isfinite", "logical_not", "bitwise_not", "clone", "sum",
        "mean", "prod", "amax", "amin", "max",
        "min", "argmax", "argmin", "var", "std", "norm", "logsigmoid", "softplus", "leaky_relu", "elu", "gelu", "silu",
        "one_hot")},
    **{name: (lambda m, name=name: lambda x: getattr(m, name)(x, 0)) for name in ("cumsum", "softmax", "log_softmax",
        "logsumexp")},
    "clamp": lambda m: lambda x: m.clamp(x, 2, 3), "clamp_to_float": lambda m: lambda x: m.clamp(x, min=1.5),
    "sum_to_half": lambda m: lambda x: m.sum(x, 0, dtype=m.float16),
    "softmax_to_double": lambda m: lambda x: m.softmax(x, 0, dtype=m.float64),
}  # fmt: skip


def both(entry, torch):
    from .sample import TorchNames

    if callable(entry):
        return entry(minigrad), entry(TorchNames(torch))
    return getattr(minigrad, entry), getattr(TorchNames(torch), entry)


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("name", BINARY)
def test_pairs(name, torch):
    ours, theirs = both(BINARY[name], torch)
    for a_dtype, b_dtype in itertools.product(DTYPES, DTYPES):
        for a, b in itertools.product(operands(a_dtype), operands(b_dtype)):
            if name == "where" or not (name == "cat" and 0 in (a.ndim, b.ndim)):
                compare(name, ours, theirs, torch, (a, b), {a_dtype, b_dtype})


@pytest.mark.parametrize("name", WITH_SCALARS)
def test_python_scalars(name, torch):
    function = WITH_SCALARS[name]
    for dtype, scalar in itertools.product(DTYPES, SCALARS):
        for x in operands(dtype):
            compare(name, function, function, torch, (x, scalar), {dtype, "bool"} if scalar is True else {dtype})
            compare(name, function, function, torch, (scalar, x), {dtype, "bool"} if scalar is True else {dtype})


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("name", UNARY)
def test_unary(name, torch):
    ours, theirs = both(UNARY[name], torch)
    for dtype in DTYPES:
        for x in operands(dtype):
            compare(name, ours, theirs, torch, (x,), {dtype})


@pytest.mark.parametrize("name", ["all", "any"])
def test_all_and_any_are_bool_whatever_they_are_of(name):
    """On purpose: PyTorch returns uint8 for uint8."""
    for dtype in DTYPES:
        for x in operands(dtype):
            assert getattr(minigrad, name)(minigrad.tensor(x)).dtype == "bool"


@pytest.mark.parametrize("name", WITH_SCALARS)
def test_numpy_scalars_count_as_python_numbers(name):
    """A float64 of NumPy's does not widen float32."""
    function, x = WITH_SCALARS[name], minigrad.tensor([1, 2, 3],
        dtype="int32" if name.startswith("bitwise") else "float32")
    wide = np.int64(3) if name.startswith("bitwise") else np.float64(3)
    assert function(x, wide).dtype == function(x, wide.item()).dtype
    np.testing.assert_array_equal(function(x, wide).numpy(), function(x, wide.item()).numpy())
    np.testing.assert_array_equal(function(wide, x).numpy(), function(wide.item(), x).numpy(), strict=True)


def test_masked_fill_keeps_the_dtype():
    for dtype, other in itertools.product(DTYPES, DTYPES):
        x, value = minigrad.tensor(operands(dtype)[1]), minigrad.tensor(operands(other)[1])
        if (dtype == "bool", dtype.startswith("float")) in {(other == "bool",
            other.startswith("float"))} or dtype.startswith("float"):
            assert minigrad.masked_fill(x, x > 0, value).dtype == dtype


@pytest.mark.parametrize(("a", "b"), list(itertools.permutations(DTYPES, 2)))
def test_products_of_mixed_dtypes_raise(a, b):
    """As PyTorch does: a silent cast of a large matrix costs more than the product."""
    x, y = minigrad.ones(2, 2, dtype=a), minigrad.ones(2, 2, dtype=b)
    with pytest.raises(TypeError, match=rf"matmul: dtypes differ, {a} and {b}"):
        x @ y
    with pytest.raises(TypeError, match=rf"linear: dtypes differ, input {a} and weight {b}"):
        minigrad.linear(x, y)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_default_dtype_decides_what_integers_become(dtype):
    minigrad.set_default_dtype(dtype)
    try:
        whole = minigrad.tensor([1, 2])
        for y in (minigrad.exp(whole), whole / 2, whole * 0.5, minigrad.sigmoid(whole)):
            assert y.dtype == dtype
        assert minigrad.logsumexp(whole, 0).dtype == dtype
    finally:
        minigrad.set_default_dtype("float32")
