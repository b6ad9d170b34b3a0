"""The picture of a record: a heat map of layers by training steps, and beside it the profile."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

from .diagnosis import diagnosis_of
from .profile import Profile, layer_labels, profile
from .record import Record
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


def draw(flow: Record, path: str | Path, subtitle: str = "") -> None:
    """Write the picture of a record to a .png, .pdf or .svg file, whole or not at all.

    Colour: the RMS of the gradient at each layer's pre-activation, on a log scale, output on top. At the right, that
    over all recorded steps. Raises ImportError without matplotlib, and as check_path and profile do.
    """
    path = check_path(path)
    summary = profile(flow)
    make_figure, make_canvas = require_matplotlib()
    figure = make_figure(figsize=(10, 5.6), dpi=120, layout="constrained")
    make_canvas(figure)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    figure.suptitle(diagnosis_of(flow).headline, fontsize=14, fontweight="bold")
    _heat_map(figure, left, flow)
    _profile_line(right, summary)
    figure.supxlabel(subtitle, fontsize=9, color="0.35")
    with written_whole(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower())


def _heat_map(figure: Any, axes: Any, flow: Record) -> None:
    values = flow.delta_rms
    with np.errstate(all="ignore"):
        decades = np.log10(values)
    known = decades[np.isfinite(decades)]
    top = known.max() if known.size else 0.0
    low = min(known.min() if known.size else 0.0, top - _DECADES)
    mesh = axes.pcolormesh(
        _edges(flow.steps), np.arange(values.shape[1] + 1) + 0.5, np.ma.masked_invalid(decades).T,
        cmap=_COLOURS, vmin=low, vmax=top, rasterized=True,
    )
    if (flow.sizes[0] > 0)[~np.isfinite(decades)].any():
        axes.patch.set(facecolor="white", edgecolor="0.4", hatch="////")
        what = "exactly 0" if not np.isnan(values).any() and not np.isinf(values).any() else "exactly 0 or not a number"
        axes.annotate(f"hatched: {what}", (0.01, 0.02), xycoords="axes fraction", fontsize=9, backgroundcolor="white")
    axes.set_xlabel("training step")
    axes.set_ylabel("layer     (the gradient travels downward)")
    positions, labels = _ticks(layer_labels(flow.layers))
    axes.set_yticks(positions, labels)
    bar = figure.colorbar(mesh, ax=axes, location="left", pad=0.02, aspect=35)
    bar.set_label("RMS of the gradient at the layer (log scale)")
    bar.ax.yaxis.set_major_formatter(lambda x, _position: f"$10^{{{x:g}}}$")
    bar.ax.yaxis.get_major_locator().set_params(integer=True)


def _profile_line(axes: Any, summary: Profile) -> None:
    heights = np.arange(len(summary.rows)) + 1
    values = np.array([row.delta for row in summary.rows])
    drawn = (values > 0) & np.isfinite(values)
    with np.errstate(all="ignore"):
        decades = np.where(drawn, np.log10(np.where(drawn, values, 1.0)), np.nan)
    axes.plot(decades, heights, "o-", color=_LINE, markersize=4, linewidth=1.5)
    if drawn.any():
        low, top = np.nanmin(decades), np.nanmax(decades)
        margin = 0.08 * max(top - low, _DECADES)
        axes.set_xlim(min(low, top - _DECADES) - margin, top + margin)
    axes.xaxis.set_major_formatter(lambda x, _position: f"$10^{{{x:g}}}$")
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=4)
    axes.grid(alpha=0.3)
    axes.set_xlabel("RMS over all steps")
    axes.tick_params(labelleft=False)


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
