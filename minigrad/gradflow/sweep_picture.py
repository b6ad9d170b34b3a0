"""The picture of a sweep: the mean gain of a layer over an option, and below it the share of saturated units."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from .curves import Curve, is_number
from .picture import check_path, require_matplotlib
from .wholefile import written_whole

_MARKERS = "os^DvP*X"


def draw(curves: Sequence[Curve], path: str | Path, title: str, lines: Sequence[str]) -> None:
    """Measured solid, theory dashed, a line at gain 1. Raises as picture.draw does."""
    path = check_path(path)
    make_figure, make_canvas = require_matplotlib()
    from matplotlib import colormaps

    figure = make_figure(figsize=(9, 7.5), dpi=110, layout="constrained")
    make_canvas(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    for k, curve in enumerate(curves):
        at = np.arange(len(curve.values)) if not _numeric(curve) else np.array(curve.values, dtype=np.float64)
        style = {"color": colormaps["cividis"](k / max(len(curves), 2)), "marker": _MARKERS[k % len(_MARKERS)]}
        above.plot(at, _positive(curve.of("gain")), label=curve.label or "measured", **style)
        above.plot(at, _positive(curve.of("theory")), color=style["color"], ls="--", lw=1)
        below.plot(at, curve.of("saturated"), **style)
    _finish(above, below, curves)
    figure.suptitle(title or "By what a layer multiplies the gradient, on its way down", fontweight="bold")
    figure.supxlabel("\n".join(textwrap.fill(line, 110) for line in lines), fontsize=9, color="0.35")
    with written_whole(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower())


def _numeric(curve: Curve) -> bool:
    return all(is_number(value) for value in curve.values)


def _positive(values: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _finish(above: Any, below: Any, curves: Sequence[Curve]) -> None:
    above.axhline(1, color="0.5", lw=1)
    above.set_yscale("log")
    above.set_ylabel("gain a layer (dashed: theory)")
    above.yaxis.set_major_formatter(lambda y, _position: f"{y:g}")
    above.yaxis.set_minor_formatter(lambda y, _position: f"{y:.2g}")
    below.set(ylabel="share of units at an end", ylim=(-0.03, 1.03), xlabel=curves[0].option)
    if _numeric(curves[0]) and min(curves[0].values) > 0:
        below.set_xscale("log")
        below.set_xticks(curves[0].values, [f"{value:g}" for value in curves[0].values], minor=False)
        below.minorticks_off()
    elif not _numeric(curves[0]):
        below.set_xticks(range(len(curves[0].values)), [str(value) for value in curves[0].values])
    for axes in (above, below):
        axes.grid(alpha=0.3)
    above.legend(fontsize=9)
