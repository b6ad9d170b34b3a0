"""The table, column by column."""
import math

from minigrad.gradflow.profile import Profile, Row
from minigrad.gradflow.table import table

NAN = math.nan


def test_rows_run_from_output_to_input():
    rows = (
        Row("1", "0", "Sigmoid", 1.25e-30, 3.5e-4, 2.4e-7, 0.256),
        Row("2", "2", "Sigmoid", 0.0, 0.0, NAN, 0.0, "exactly 0"),
        Row("3", "4", "Sigmoid", NAN, NAN, NAN, 1.0, "frozen, no gradient"),
        Row("output", "6", None, 2.0, 4.0, NAN, NAN),
    )
    lines = table(Profile(rows, (1,))).splitlines()
    assert [line.split()[:6] for line in lines[2:]] == [
        ["output", "2.000e+00", "4.000e+00", "-", "-", "#" * 24],
        ["3", "Sigmoid", "frozen", "frozen", "-", "100%"],
        ["2", "Sigmoid", "0", "0", "-", "0%"],
        ["1", "Sigmoid", "1.250e-30", "3.500e-04", "2.4e-07", "26%"],
    ]
    assert lines[-1].endswith(" #")


def test_bars_are_logarithmic():
    rows = tuple(Row(str(i), "", "Tanh", 10.0**-i, 1.0, NAN, NAN) for i in range(24))
    bars = [line.split()[-1] for line in table(Profile(rows, (1,))).splitlines()[2:]]
    assert [len(bar) for bar in bars] == list(range(1, 25))
    assert set("".join(bars)) == {"#"}


def test_small_differences_look_small():
    rows = tuple(Row(str(i), "", "Tanh", value, 1.0, NAN, NAN) for i, value in enumerate((1.0, 0.9)))
    lengths = [len(line.split()[-1]) for line in table(Profile(rows, (1,))).splitlines()[2:]]
    assert lengths == [23, 24]


def test_plain_ascii_without_trailing_blanks_even_if_nothing_is_known():
    text = table(Profile((Row("1", "0", None, NAN, NAN, NAN, NAN, "not finite"),), (1,)))
    assert text.isascii()
    assert all(line == line.rstrip() for line in text.splitlines())
    assert text.splitlines()[2].split() == ["1", "NaN", "NaN", "-", "-"]
