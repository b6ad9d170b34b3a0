"""The profile as a table for the terminal; plain ASCII wherever it does not go to one."""

from __future__ import annotations

import math
import sys
from typing import Callable, NamedTuple

from .profile import Profile, Row, TimeRow

_BAR = 20
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class _Column(NamedTuple):
    """Two lines of heading, and what a row has to say there."""

    over: str
    under: str
    cell: Callable[[Row], str]
    always: bool = False  # shown even if nothing is known


def table(profile: Profile, ascii: bool | None = None) -> str:
    """One line a layer, the output on top: read downward, as the gradient travels.

    gradient RMS: of the loss with respect to the layer's pre-activation z, over all examples of the recorded steps. The
    gain to the layer above is the product of what the weights above, the activation's slope and their alignment make of
    it; theory is what mean field expects. spread: how far units differ from example to example. Columns of which
    nothing is known are left out. ascii: bars of # in place of blocks; None does so unless standard output is a
    terminal that shows Unicode.
    """
    plain = not _shows_blocks() if ascii is None else ascii
    columns = [c for c in _COLUMNS if c.always or any(c.cell(row) != "-" for row in profile.rows)]
    cells = [[c.over for c in columns] + ["gradient RMS,"], [c.under for c in columns] + ["log scale"]]
    bars = _bars([row.delta for row in profile.rows], plain)
    cells += [[c.cell(row) for c in columns] + [bar] for row, bar in reversed(list(zip(profile.rows, bars)))]
    widths = [max(len(line[k]) for line in cells) for k in range(len(columns))]
    return "\n".join([*(_line(line, widths) for line in cells), *map(_through_time, profile.times)])


def _through_time(row: TimeRow) -> str:
    """A line for a recurrent layer: what its gradient does over the steps of time."""
    parts = [f"{row.name} ({row.kind}), {len(row.hidden)} steps of time: each multiplies the gradient by {_short(row.factor)}"]
    parts += [f"spectral radius {row.radius:.2g}"] if not math.isnan(row.radius) else []
    parts += [f"at an end: {', '.join(f'{gate} {_share(share)}' for gate, share in row.gates.items())}"] if row.gates else []
    parts += ["cut off from the steps before"] if row.truncated else []
    return "; ".join(parts)


def _line(cells: list[str], widths: list[int]) -> str:
    first, *rest = cells
    middle = [cell.rjust(width) for cell, width in zip(rest[:-1], widths[1:])]
    return "  ".join([first.ljust(widths[0]), *middle, rest[-1]]).rstrip()


def _shows_blocks() -> bool:
    out = sys.stdout
    return out is not None and out.isatty() and (out.encoding or "").lower().replace("-", "") == "utf8"


def _name(row: Row) -> str:
    return f"{row.label} {row.activation}" if row.activation else row.label


def _gradient(value: float, note: str) -> str:
    if math.isnan(value):
        return "frozen" if "frozen" in note else "NaN" if "not finite" in note else "-"
    return "0" if value == 0 else f"{value:.3e}"


def _factor(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}" if 1e-3 <= value < 1e4 else f"{value:.1e}"


def _short(value: float) -> str:
    return "-" if math.isnan(value) else "0" if value == 0 else f"{value:.2f}" if 0.01 <= value < 100 else f"{value:.0e}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.0f}%"


def _seen(value: float) -> float:
    """What was watched and not seen: NaN, too."""
    return value if math.isfinite(value) else math.nan


_COLUMNS = (
    _Column("layer", "", _name, always=True),
    _Column("gradient", "RMS dL/dz", lambda row: _gradient(row.delta, row.note), always=True),
    _Column("weight's", "RMS dL/dW", lambda row: _gradient(row.weight_grad, row.note), always=True),
    _Column("gain to", "above", lambda row: _factor(row.gain)),
    _Column("in", "theory", lambda row: _short(row.predicted)),
    _Column("by", "weights", lambda row: _short(row.weight_factor)),
    _Column("by", "slope", lambda row: _short(row.slope if row.activation else math.nan)),
    _Column("align-", "ment", lambda row: _short(row.alignment if row.activation else math.nan)),
    _Column("satu-", "rated", lambda row: _share(row.saturated)),
    _Column("", "dead", lambda row: "-" if not row.dead > 0 else _share(row.dead)),
    _Column("", "spread", lambda row: _short(_seen(row.batch_std))),
    _Column("update", "/weight", lambda row: _short(row.update_ratio)),
)


def _bars(values: list[float], plain: bool) -> list[str]:
    """A bar for each value, its length linear in the logarithm; the smallest still shows."""
    logs = [math.log10(v) if v > 0 and math.isfinite(v) else None for v in values]
    known = [x for x in logs if x is not None]
    if not known:
        return [""] * len(values)
    top = max(known)
    span = max(top - min(known), 2.0)  # two decades at least: small changes look small
    return ["" if x is None else _bar(1 + (_BAR - 1) * (1 - (top - x) / span), plain) for x in logs]


def _bar(length: float, plain: bool) -> str:
    if plain:
        return "#" * round(length)
    whole = int(length)
    return "█" * whole + _EIGHTHS[int(8 * (length - whole))].strip()
