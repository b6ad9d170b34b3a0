"""The picture of a record: heat maps of layers by training steps, and below them the profile with its factors."""

from __future__ import annotations

import logging
import math
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from .diagnosis import NOW, Diagnosis, diagnosis_of
from .profile import Profile, layer_labels, profile
from .record import Record
from .runs import Runs, runs_by_name
from .wholefile import check_writable, written_whole

FORMATS = (".png", ".pdf", ".svg")
# Cividis goes from dark to light evenly, to eyes that see no red or green and in black and white alike.
_COLOURS = "cividis"
_LINE = "#00224e"  # its darkest blue
_DECADES = 4.0  # the least that the colours span: small changes must not look large


def require_matplotlib() -> Any:
    """Matplotlib without a display. Raises ImportError, naming the extra that brings it."""
    try:
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it announces its first run on stderr
        from matplotlib.backends import backend_agg
        from matplotlib import figure
    except ImportError as error:
        raise ImportError(
            "pictures need matplotlib, which comes with the extra minigrad[plot], and with minigrad[demo]: "
            "pip install 'minigrad[plot]'"
        ) from error
    return figure.Figure, backend_agg.FigureCanvasAgg


def check_path(path: str | Path) -> Path:
    """`path`, if a picture can be written there. Raises ValueError for another format, OSError if it is not so."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS and not path.is_dir():
        raise ValueError(f"cannot write {path}: the name of a picture ends in {', '.join(FORMATS)}")
    check_writable(path)
    return path


def draw(runs: Runs, path: str | Path, subtitle: str = "") -> None:
    """Write the picture of a record, or of several by name side by side, to a .png, .pdf or .svg file, whole or not.

    Heat maps of layers by training steps, output on top: the gradient's RMS on a log scale, the activations' slope,
    their spread over the batch. Below, over the last fifth of the recorded steps, as in the diagnosis: the gradient,
    and the gain of each layer with its three factors and what theory expects; through time, of recurrent layers; and
    the diagnosis. Of one recorded step there is
    no heat map. Several runs have gradient and gain only, on one scale.
    Raises ImportError without matplotlib, and as check_path and profile do.
    """
    path = check_path(path)
    named = runs_by_name(runs)
    make_figure, make_canvas = require_matplotlib()
    single = len(named) == 1
    figure = make_figure(figsize=_size(named), dpi=110, layout="constrained")
    make_canvas(figure)
    if single:
        (record,) = named.values()
        figure.suptitle(diagnosis_of(record).headline, fontsize=14, fontweight="bold")
        _draw_one(figure, record)
    else:
        _draw_several(figure, named)
    figure.supxlabel(subtitle, fontsize=9, color="0.35")
    with written_whole(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower())


def _size(named: dict[str, Record]) -> tuple[float, float]:
    if len(named) > 1:
        return 1.5 + 4.2 * len(named), 8.0
    (record,) = named.values()
    return (12.5, 5.0) if len(record) == 1 else (12.5, 8.2)


def _draw_one(figure: Any, record: Record) -> None:
    summary = profile(record, last=NOW)
    if len(record) == 1:
        below = figure.subplots(1, 3, width_ratios=(1, 1.2, 0.9))
    else:
        above, below = figure.subplots(2, 3)
        for axes, (table, name, by_log) in zip(above, _MAPS):
            _heat_map(figure, axes, record, getattr(record, table), name, by_log)
        above[0].set_ylabel("layer     (the gradient travels downward)")
    _profile_line(below[0], summary)
    _factors(below[1], summary)
    below[0].set_ylabel("layer     (the gradient travels downward)")
    if summary.times:
        _through_time(below[2], summary)
    else:
        _words(below[2], diagnosis_of(record))


def _draw_several(figure: Any, named: dict[str, Record]) -> None:
    rows = figure.subplots(2, len(named), squeeze=False)
    limits = _limits([record.delta_rms for record in named.values()], True)
    for axes, below, (name, record) in zip(rows[0], rows[1], named.items()):
        first = axes is rows[0][0]
        _heat_map(figure, axes, record, record.delta_rms, _MAPS[0][1] if first else "", True, limits, bar=first)
        axes.set_title(f"{name}\n{textwrap.fill(diagnosis_of(record).headline, 44)}", fontsize=10)
        _factors(below, profile(record, last=NOW), legend=first)
    rows[0][0].set_ylabel("layer     (the gradient travels downward)")


_MAPS = (  # table of a record, what its colours mean, whether by the logarithm
    ("delta_rms", "RMS of the gradient at the layer (log scale)", True),
    ("slope_rms", "RMS slope of its activation", False),
    ("batch_std", "spread of its units over the batch (log scale)", True),
)


def _limits(tables: list[np.ndarray], by_log: bool) -> tuple[float, float]:
    known = np.concatenate([_shown(values, by_log).ravel() for values in tables])
    known = known[np.isfinite(known)]
    top = float(known.max()) if known.size else 0.0
    low = float(known.min()) if known.size else 0.0
    return (min(low, top - _DECADES), top) if by_log else (0.0, max(top, 1.0))


def _shown(values: np.ndarray, by_log: bool) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.log10(values) if by_log else values


def _heat_map(
    figure: Any, axes: Any, record: Record, values: np.ndarray, name: str, by_log: bool,
    limits: tuple[float, float] | None = None, bar: bool = True,
) -> None:
    shown = _shown(values, by_log)
    low, top = limits or _limits([values], by_log)
    mesh = axes.pcolormesh(
        _edges(record.steps), np.arange(values.shape[1] + 1) + 0.5, np.ma.masked_invalid(shown).T,
        cmap=_COLOURS, vmin=low, vmax=top, rasterized=True,
    )
    if by_log and values is not None and ((record.sizes[0] > 0) & ~np.isfinite(shown)).any():
        axes.patch.set(facecolor="white", edgecolor="0.4", hatch="////")
        what = "exactly 0" if not np.isnan(values).any() and not np.isinf(values).any() else "exactly 0 or not a number"
        axes.annotate(f"hatched: {what}", (0.01, 0.02), xycoords="axes fraction", fontsize=9, backgroundcolor="white")
    axes.set_xlabel("training step")
    axes.set_yticks(*_ticks(layer_labels(record.layers)))
    if not bar:
        return
    scale = figure.colorbar(mesh, ax=axes, location="top", pad=0.02, aspect=35)
    scale.set_label(name, fontsize=10)
    if by_log:
        scale.ax.xaxis.set_major_formatter(lambda x, _position: f"$10^{{{x:g}}}$")
        scale.ax.xaxis.get_major_locator().set_params(integer=True, nbins=5)


def _profile_line(axes: Any, summary: Profile) -> None:
    heights = np.arange(len(summary.rows)) + 1
    decades = _decades([row.delta for row in summary.rows])
    axes.plot(decades, heights, "o-", color=_LINE, markersize=4, linewidth=1.5)
    if np.isfinite(decades).any():
        low, top = np.nanmin(decades), np.nanmax(decades)
        margin = 0.08 * max(top - low, _DECADES)
        axes.set_xlim(min(low, top - _DECADES) - margin, top + margin)
    _in_decades(axes, summary, "RMS of the gradient now")


def _decades(values: list[float]) -> np.ndarray:
    given = np.array(values, dtype=np.float64)
    drawn = (given > 0) & np.isfinite(given)
    decades: np.ndarray = np.where(drawn, np.log10(np.where(drawn, given, 1.0)), np.nan)
    return decades


def _in_decades(axes: Any, summary: Profile, name: str) -> None:
    axes.xaxis.set_major_formatter(lambda x, _position: f"$10^{{{x:g}}}$")
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=4)
    axes.set_yticks(*_ticks([row.label for row in summary.rows]))
    axes.set_ylim(0.5, len(summary.rows) + 0.5)
    axes.grid(alpha=0.3)
    axes.set_xlabel(name)


_FACTORS = (  # field of a row, its name, how it is drawn: told apart without colour too
    ("gain", "gain: what a layer passes on", {"marker": "o", "color": _LINE, "linewidth": 2}),
    ("weight_factor", "of it, by the weights", {"marker": "s", "color": "0.45", "ls": ":", "mfc": "none"}),
    ("slope", "by the activation's slope", {"marker": "^", "color": "#b08d00", "ls": "--", "mfc": "none"}),
    ("alignment", "by their alignment", {"marker": "d", "color": "0.65", "ls": "-.", "mfc": "none"}),
    ("predicted", "gain in theory", {"marker": "x", "color": "#b03060", "ls": "none"}),
)


def _factors(axes: Any, summary: Profile, legend: bool = True) -> None:
    """Factors at layers that have a gain: elsewhere the slope stands for nothing."""
    heights = np.arange(len(summary.rows)) + 1
    lows, tops = [-0.5], [0.5]
    for field, name, style in _FACTORS:
        decades = _decades([getattr(row, field) if not math.isnan(row.gain) else math.nan for row in summary.rows])
        if np.isfinite(decades).any():
            axes.plot(decades, heights, markersize=4, label=name, **style)
            lows.append(float(np.nanmin(decades)))
            tops.append(float(np.nanmax(decades)))
    axes.axvline(0, color="0.6", linewidth=1)
    axes.set_xlim(min(lows) - 0.15, max(tops) + 0.15)
    _in_decades(axes, summary, "factor a layer (1: passed on whole)")
    _in_factors(axes, min(lows), max(tops))
    if legend and len(lows) > 1:
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=2, frameon=False)


def _in_factors(axes: Any, low: float, top: float) -> None:
    """Ticks at 1, 2, 5, 10 ... where these are few; else at powers of ten."""
    if top - low > 3:
        return
    ticks = [digit * 10.0**k for k in range(-3, 4) for digit in (1, 2, 5)]
    shown = [tick for tick in ticks if low - 0.1 <= math.log10(tick) <= top + 0.1]
    axes.set_xticks([math.log10(tick) for tick in shown], [f"{tick:g}" for tick in shown])


def _through_time(axes: Any, summary: Profile) -> None:
    for row, style in zip(summary.times, ["-", ":", "--", "-."] * len(summary.times)):
        decades = _decades(row.hidden.tolist())
        axes.plot(np.arange(len(decades)) + 1, decades, style, marker=".", color=_LINE, label=row.name)
    axes.yaxis.set_major_formatter(lambda y, _position: f"$10^{{{y:g}}}$")
    axes.yaxis.get_major_locator().set_params(integer=True, nbins=5)
    axes.grid(alpha=0.3)
    axes.set(xlabel="step of time", ylabel="RMS of dL/dh")
    axes.legend(fontsize=8)


def _words(axes: Any, found: Diagnosis) -> None:
    parts = [textwrap.fill(part, 46) for part in (found.sentence, found.meaning, found.cure) if part]
    axes.axis("off")
    axes.text(0, 1, "\n\n".join(parts), va="top", fontsize=9.5, parse_math=False)


def _edges(steps: list[int]) -> np.ndarray:
    """Where each recorded step's column begins and ends: half-way between neighbours."""
    at = np.asarray(steps, dtype=np.float64)
    if len(at) == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    middles = (at[1:] + at[:-1]) / 2
    return np.concatenate([[2 * at[0] - middles[0]], middles, [2 * at[-1] - middles[-1]]])


def _ticks(labels: list[str]) -> tuple[list[int], list[str]]:
    """Every layer up to 24; of more, the first, the last, and round numbers between."""
    stride = 1 if len(labels) <= 24 else 5 if len(labels) <= 120 else 10 ** (len(str(len(labels))) - 1) // 2
    last = len(labels)
    kept = [i for i in range(1, last + 1) if i in (1, last) or (i % stride == 0 and last - i > stride / 2)]
    return kept, ["input  1" if i == 1 else labels[i - 1] for i in kept]
