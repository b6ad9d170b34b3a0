"""Numbers for people, and quotients of numbers as far apart as floats allow."""

from __future__ import annotations

import math


def times(ratio: float) -> str:
    """A factor above 1 for people: 1.22, 63, 1,300, 4.1e+12."""
    if ratio < 10:
        return f"{ratio:.3g}" if ratio < 9.95 else "10"
    return f"{ratio:,.0f}" if ratio < 1e4 else f"{ratio:.1e}"


def percent(ratio: float) -> str:
    """24%, 0.71%, 2.7e-11%."""
    hundredfold = 100 * ratio
    return f"{hundredfold:.0f}%" if hundredfold >= 1 else f"{hundredfold:.2g}%"


def quotient(a: float, b: float, root: int = 1) -> float:
    """(a / b) ** (1 / root) for positive numbers, kept within what a float and its inverse can hold."""
    log = (math.log(a) - math.log(b)) / root
    return math.exp(max(-700.0, min(700.0, log)))
