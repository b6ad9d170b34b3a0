"""Every program that the texts in kernels/ can become, and values to run them on."""

import functools
import itertools
import os

import numpy as np

from minigrad import kernels
from minigrad.kernels.parse import parse
from minigrad.kernels.tree import LawError

# A sum of squares: of a negative one, a law would divide by what is left of a root that rounds differently everywhere.
NEVER_NEGATIVE = {("madgrad", "square")}

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
    for name in law.inputs + law.updated:
        special = rng.choice(special_values(dtype), rows // 2)
        array = np.concatenate([special, rng.normal(size=rows - rows // 2).astype(dtype)])
        arrays.append(abs(array) if (law.name, name) in NEVER_NEGATIVE else array)
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


def worst_ulps(law, starts, scalars, name, one, other):
    """By how many steps of the grid two results for an array of a law differ at most.

    cbrt, exp and log are not rounded alike everywhere, and where a law then takes nearly equal numbers from each other,
    nothing but that rounding may be left. For laws that call them, the grid is that of the largest number on the way.
    """
    apart = ulps_apart(one, other)
    if not any(f"{function}(" in law.source("numba") for function in ("cbrt", "exp", "log")):
        return apart.max()
    names = law.inputs + law.updated
    for i in np.flatnonzero(apart > 8):
        if not (np.isfinite(one[i]) and np.isfinite(other[i])):
            continue
        values = {n: array[i] for n, array in zip(names, starts)}
        lines = [line for line in law.follow({**values, **scalars}, one.dtype) if line.target == name]
        numbers = [abs(float(step.value)) for line in lines for step in line.operations] + [abs(float(values[name]))]
        grid = np.spacing(one.dtype.type(max(number for number in numbers if np.isfinite(number))))
        apart[i] = abs(float(one[i]) - float(other[i])) / float(grid)
    return apart.max()


def _place(bits):
    """Where a float with those bits stands among all floats, 0 and -0 in one place."""
    return np.where(bits < 0, np.iinfo(bits.dtype).min - bits, bits)
