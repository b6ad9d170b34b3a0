"""Promotion: PyTorch's for every pair of dtypes, 0-d operands and numbers."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.backend import dtypes

NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


def name(torch_dtype):
    return str(torch_dtype).removeprefix("torch.")


def test_every_pair(torch):
    for a, b in itertools.product(NAMES, repeat=2):
        expected = name(torch.promote_types(getattr(torch, a), getattr(torch, b)))
        assert str(mg.promote_types(a, b)) == expected, (a, b)


def test_every_pair_with_and_without_dimensions(torch):
    for (a, b), (m, n) in itertools.product(
        itertools.product(NAMES, repeat=2), itertools.product([(), (1,), (0,), (2, 1)], repeat=2)
    ):
        expected = torch.result_type(torch.ones(m, dtype=getattr(torch, a)), torch.ones(n, dtype=getattr(torch, b)))
        assert str(mg.result_type(mg.ones(m, dtype=a), mg.ones(n, dtype=b))) == name(expected), (a, b, m, n)


def test_every_dtype_with_numbers(torch):
    for a, shape, number in itertools.product(NAMES, [(), (2,)], [True, 3, 2.5]):
        theirs = torch.result_type(torch.ones(shape, dtype=getattr(torch, a)), number)
        assert (
            str(mg.result_type(mg.ones(shape, dtype=a), number))
            == str(mg.result_type(number, mg.ones(shape, dtype=a)))
            == name(theirs)
        ), (a, shape, number)


def test_numbers_alone():
    assert (
        mg.result_type(1, True) == np.int64
        and mg.result_type(True, False) == bool
        and mg.result_type(1, 2.5) == np.float32
    )
    with pytest.raises(TypeError, match="operand"):
        mg.result_type()


@pytest.mark.parametrize("spec, expected", [
    (float, "float64"), (int, "int64"), (bool, "bool"), (np.float32, "float32"), ("f2", "float16"),
    (np.dtype(">i4"), "int32"), (mg.uint8, "uint8"),
])  # fmt: skip
def test_what_names_a_dtype(spec, expected):
    found = dtypes.as_dtype(spec)
    assert str(found) == expected and found is dtypes.SUPPORTED[found]


@pytest.mark.parametrize(
    "spec", ["complex64", np.uint64, "U3", object, "no such", 3, None, np.dtype("M8[s]"), np.longdouble]
)
def test_what_does_not(spec):
    if np.dtype(np.longdouble) == np.float64 and spec is np.longdouble:
        pytest.skip("long double is double here")
    with pytest.raises(TypeError, match="dtype"):
        dtypes.as_dtype(spec)


def test_the_default_must_be_floating():
    for wrong in (mg.int64, bool, "int8"):
        with pytest.raises(TypeError, match="float16, float32 or float64"):
            mg.set_default_dtype(wrong)
    assert mg.get_default_dtype() == np.float32
