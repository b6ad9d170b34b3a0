"""The profile as a table for the terminal: plain ASCII, so that it can go anywhere."""

from __future__ import annotations

import math

from .profile import Profile, Row

_HEAD = ("layer", "gradient RMS", "weight gradient", "gain to the", "saturated", "gradient RMS,")
_HEAD_2 = ("", "dL/dz", "RMS dL/dW", "layer above", "", "log scale")
_WIDTHS = (16, 12, 15, 11, 9, 0)
_BAR = 24


def table(profile: Profile) -> str:
    """One line a layer, the output on top: read downward, as the gradient travels.

    gradient RMS: of the loss with respect to the layer's pre-activation z, over all examples of the recorded steps.
    """
    bars = _bars([row.delta for row in profile.rows])
    lines = [_line(_HEAD), _line(_HEAD_2)]
    lines += [_line((*_cells(row), bar)) for row, bar in reversed(list(zip(profile.rows, bars)))]
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    name = f"{row.label} {row.activation}" if row.activation else row.label
    gain = "-" if math.isnan(row.gain) else f"{row.gain:.3f}" if 1e-3 <= row.gain < 1e4 else f"{row.gain:.1e}"
    saturated = "-" if math.isnan(row.saturated) else f"{100 * row.saturated:.0f}%"
    return name, _number(row.delta, row.note), _number(row.weight_grad, row.note), gain, saturated


def _number(value: float, note: str) -> str:
    if math.isnan(value):
        return "frozen" if "frozen" in note else "NaN" if "not finite" in note else "-"
    return "0" if value == 0 else f"{value:.3e}"


def _bars(values: list[float]) -> list[str]:
    """A bar for each value, its length linear in the logarithm; the smallest still shows."""
    logs = [math.log10(v) if v > 0 and math.isfinite(v) else None for v in values]
    known = [x for x in logs if x is not None]
    if not known:
        return [""] * len(values)
    top = max(known)
    span = max(top - min(known), 2.0)  # two decades at least: small changes look small
    return ["" if x is None else "#" * (1 + round((_BAR - 1) * (1 - (top - x) / span))) for x in logs]


def _line(cells: tuple[str, ...]) -> str:
    first, *rest = cells
    middle = [cell.rjust(width) for cell, width in zip(rest[:-1], _WIDTHS[1:])]
    return "  ".join([first.ljust(_WIDTHS[0]), *middle, rest[-1]]).rstrip()
