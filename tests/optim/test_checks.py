"""The checks of hyper-parameters, each at its edges. For parameters see test_optimizer.py and test_arena.py."""

import numpy as np
import pytest

from minigrad.optim import checks


def test_number():
    checks.number("Rule", a=0, b=-1.5, c=float("inf"), d=np.float32(2))
    for wrong in ("1", None, [1.0], True, 1j, np.ones(1)):
        with pytest.raises(TypeError, match="^Rule: b must be a number, got "):
            checks.number("Rule", a=0, b=wrong)
    with pytest.raises(ValueError, match="^Rule: b is NaN$"):
        checks.number("Rule", a=0, b=float("nan"))


def test_not_negative():
    checks.not_negative("Rule", a=0, b=-0.0, c=1e-300)
    with pytest.raises(ValueError, match="^Rule: b must not be negative, got -1e-300$"):
        checks.not_negative("Rule", a=0, b=-1e-300)


def test_below_one():
    checks.below_one("Rule", a=0, b=1 - 1e-16)
    for wrong in (1, 1.0, -1e-9, float("inf")):
        with pytest.raises(ValueError, match=r"^Rule: b must be in \[0, 1\), got "):
            checks.below_one("Rule", a=0, b=wrong)


def test_several_below_one():
    checks.several_below_one("Rule", 3, betas=(0.9, 0, 0.5))
    for wrong in (0.9, (0.9, 0.5), (0.9, 0.5, 0.1, 0.2)):
        with pytest.raises(TypeError, match="^Rule: betas must be 3 numbers, got "):
            checks.several_below_one("Rule", 3, betas=wrong)
    with pytest.raises(ValueError, match=r"^Rule: betas\[2\] must be in \[0, 1\), got 1$"):
        checks.several_below_one("Rule", 3, betas=(0.9, 0, 1))


def test_fraction():
    checks.fraction("Rule", a=0, b=1, c=0.5)
    for wrong in (1 + 1e-9, -1e-9, float("inf")):
        with pytest.raises(ValueError, match=r"^Rule: b must be in \[0, 1\], got "):
            checks.fraction("Rule", a=0, b=wrong)
    with pytest.raises(TypeError, match="^Rule: b must be a number"):
        checks.fraction("Rule", b="0.5")


def test_interval():
    checks.interval("Rule", a=(0, 1.5), b=(2, 2), c=(0, float("inf")))
    for wrong in (1, (1,), (1, 2, 3), None):
        with pytest.raises(TypeError, match="^Rule: b must be 2 numbers, got "):
            checks.interval("Rule", a=(0, 1), b=wrong)
    with pytest.raises(TypeError, match=r"^Rule: b\[1\] must be a number"):
        checks.interval("Rule", b=(0, "1"))
    with pytest.raises(ValueError, match=r"^Rule: b\[0\] must not be negative, got -1$"):
        checks.interval("Rule", b=(-1, 1))
    with pytest.raises(ValueError, match=r"^Rule: b must be the smaller number and the larger, got \(2, 1\)$"):
        checks.interval("Rule", b=(2, 1))


def test_switch():
    checks.switch("Rule", a=True, b=False)
    for wrong in (1, 0, None, "True"):
        with pytest.raises(TypeError, match="^Rule: b must be True or False, got "):
            checks.switch("Rule", a=True, b=wrong)


@pytest.mark.parametrize("given, plain", [
    (np.float32(0.1), float(np.float32(0.1))), (np.int64(3), 3), (np.bool_(True), True),
    ([0.9, np.float64(0.5)], (0.9, 0.5)),
    ((0.9, [np.float64(0.5)]), (0.9, (0.5,))), (0.1, 0.1), ("text", "text"), (None, None),
])  # fmt: skip
def test_as_python(given, plain):
    found = checks.as_python(given)
    assert found == plain and type(found) is type(plain)
