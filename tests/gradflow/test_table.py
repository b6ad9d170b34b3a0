"""The table, column by column."""
import math

import numpy as np

from minigrad.gradflow.profile import Profile, Row, TimeRow
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
        ["output", "2.000e+00", "4.000e+00", "-", "-", "#" * 20],
        ["3", "Sigmoid", "frozen", "frozen", "-", "100%"],
        ["2", "Sigmoid", "0", "0", "-", "0%"],
        ["1", "Sigmoid", "1.250e-30", "3.500e-04", "2.4e-07", "26%"],
    ]
    assert lines[-1].endswith(" #")


def test_bars_are_logarithmic():
    rows = tuple(Row(str(i), "", "Tanh", 10.0**-i, 1.0, NAN, NAN) for i in range(20))
    bars = [line.split()[-1] for line in table(Profile(rows, (1,))).splitlines()[2:]]
    assert [len(bar) for bar in bars] == list(range(1, 21))
    assert set("".join(bars)) == {"#"}


def test_small_differences_look_small():
    rows = tuple(Row(str(i), "", "Tanh", value, 1.0, NAN, NAN) for i, value in enumerate((1.0, 0.9)))
    lengths = [len(line.split()[-1]) for line in table(Profile(rows, (1,))).splitlines()[2:]]
    assert lengths == [20, 20]


def test_plain_ascii_without_trailing_blanks_even_if_nothing_is_known():
    text = table(Profile((Row("1", "0", None, NAN, NAN, NAN, NAN, "not finite"),), (1,)))
    assert text.isascii()
    assert all(line == line.rstrip() for line in text.splitlines())
    assert text.splitlines()[2].split() == ["1", "NaN", "NaN"]


def test_the_factors_stand_beside_the_gain_and_unknown_columns_are_left_out():
    row = Row("1", "0", "Tanh", 1e-3, 1e-4, 0.5, 0.25, above=1, weight_factor=1.25, slope=0.4, alignment=1.0, predicted=0.49,
              dead=0.0, batch_std=3e-7)  # fmt: skip
    known = table(Profile((row, Row("output", "1", None, 1.0, 1.0)), (1,)), ascii=True).splitlines()
    assert known[-1].split() == ["1", "Tanh", "1.000e-03", "1.000e-04", "0.500", "0.49", "1.25", "0.40", "1.00", "25%",
                                 "3e-07", "#"]  # fmt: skip
    assert "theory" in known[1] and "dead" not in known[1] and "update" not in known[0]
    assert max(map(len, known)) <= 120
    assert len(table(Profile((Row("1", "0", None, 1.0, 1.0),), (1,))).splitlines()[0].split()) < 8


def test_blocks_on_a_terminal_and_hashes_elsewhere(monkeypatch):
    class Terminal:
        encoding = "utf-8"

        def isatty(self):
            return True

    rows = (Row("1", "0", "Tanh", 1e-9, 1.0), Row("2", "1", "Tanh", 1.0, 1.0))
    monkeypatch.setattr("sys.stdout", Terminal())
    assert "█" * 20 in table(Profile(rows, (1,)))
    assert table(Profile(rows, (1,)), ascii=True).isascii()
    Terminal.encoding = "ascii"
    assert table(Profile(rows, (1,))).isascii()


def test_recurrent_layers_have_a_line_for_time():
    time = TimeRow("rnn", "LSTM", np.array([0.25, 0.5, 1.0]), np.array([0.25, 0.5, 1.0]), 0.8, {"forget": 0.125}, True)
    text = table(Profile((Row("1", "rnn", None, 1.0, 1.0),), (1,), times=(time,)), ascii=True)
    assert text.splitlines()[-1] == (
        "rnn (LSTM), 3 steps of time: each multiplies the gradient by 0.50; spectral radius 0.8; at an end: forget 12%; "
        "cut off from the steps before"
    )
