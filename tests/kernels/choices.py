"""Every program that the texts in kernels/ can become, and values to run them on."""

import functools
import itertools
import os

import numpy as np

from minigrad import kernels
from minigrad.kernels.parse import parse
from minigrad.kernels.tree import LawError

FOLDER = os.path.dirname(kernels.__file__)


@functools.cache
def choices(name):
    """The law of that name under every choice of flags, {what to call it: Law}; choices of one meaning come once."""
    with open(os.path.join(FOLDER, name + ".cu"), encoding="utf-8") as file:
        tree = parse(file.read(), name + ".cu")
    programs = {}
    for count in range(len(tree.flags) + 1):
        for flags in itertools.combinations(tree.flags, count):
            program = tuple(statement.written for statement in tree.statements(frozenset(flags)))
            programs.setdefault(program, flags)
    laws = {}
    for flags in programs.values():
        try:
            laws["-".join([name, *flags])] = kernels.load(name, **dict.fromkeys(flags, True))
        except LawError as error:  # the text may leave nothing to do where no flag is on
            assert error.message.startswith("nothing is updated"), error
    assert laws, f"{name} has no choice of flags under which it does something"
    return laws


def special_values(dtype):
    """Zeros, ordinary numbers, the smallest and largest normal ones and their neighbourhood, infinities and NaN."""
    limits = np.finfo(dtype)
    numbers = [0.0, 1.0, 0.5, 1.5, 0.1, 3.0, 1e-4, 1e4, limits.smallest_normal, limits.max, limits.eps, np.inf]
    return np.array([*numbers, *(-number for number in numbers), np.nan], dtype)


def special_arguments(law, dtype, rng, rows=4000):
    """Arrays for a law and its scalars: half of the rows of special values, half of ordinary numbers."""
    arrays = []
    for _ in law.inputs + law.updated:
        special = rng.choice(special_values(dtype), rows // 2)
        arrays.append(np.concatenate([special, rng.normal(size=rows - rows // 2).astype(dtype)]))
    return arrays, {name: float(rng.choice([0.0, 1e-8, 0.01, 0.1, 0.9, 0.999, 1.0, 2.5])) for name in law.scalars}


def ulps_apart(one, other):
    """By how many steps of the smaller type's grid the numbers of two arrays differ; a NaN equals only a NaN."""
    assert one.dtype == other.dtype
    nan = np.isnan(one) | np.isnan(other)
    both = np.isnan(one) & np.isnan(other)
    integers = np.dtype(f"i{one.dtype.itemsize}")
    places = [_place(array.view(integers)) for array in (one, other)]
    apart = np.abs(np.where(nan, 0.0, places[0].astype(np.longdouble) - places[1]))
    return np.where(both, 0.0, np.where(nan, np.inf, apart))


def _place(bits):
    """Where a float with those bits stands among all floats, 0 and -0 in one place."""
    return np.where(bits < 0, np.iinfo(bits.dtype).min - bits, bits)
