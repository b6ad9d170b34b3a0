"""The page of a sweep: the mean gain over an option, and every layer's at the value that a slider is at."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import numpy as np

from .curves import Curve
from .page import check_page, escaped, require_plotly, write_html
from .profile import layer_labels

_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "x", "star", "pentagon")
_COLOURS = ("#00224e", "#c0a020", "#5c5f66", "#b03060", "#4e7ab5", "#8f7e35", "#2b2b2b", "#9a9a9a")


def write(curves: Sequence[Curve], path: str | Path, title: str, sentences: Sequence[str]) -> None:
    """Raises ImportError without Plotly, and as page.check_page does."""
    path = check_page(path)
    figure = figure_of(curves, require_plotly())
    write_html([figure], path, title or "By what a layer multiplies the gradient, on its way down", sentences)


def figure_of(curves: Sequence[Curve], go: Any) -> Any:
    """The whole sweep at the left, with a marker that moves; at the right each layer's gain and saturated share."""
    from plotly.subplots import make_subplots

    option = escaped(curves[0].option)
    titles = [f"Mean gain a layer over {option}", "Gain of each layer", "Units at an end, in all", "And by layer"]
    figure = make_subplots(2, 2, subplot_titles=titles, row_heights=[0.6, 0.4], horizontal_spacing=0.1)
    values = list(dict.fromkeys(value for curve in curves for value in curve.values))
    values = sorted(values) if all(isinstance(v, (int, float)) for v in values) else values
    for k, curve in enumerate(curves):
        _add_curves(go, figure, k, curve)
    moving = []
    for k, curve in enumerate(curves):
        for trace, row, column in _moving(k, curve, values[0]):
            figure.add_trace(go.Scatter(**trace), row, column)
            moving.append(len(figure.data) - 1)
    figure.frames = [
        go.Frame(
            name=str(value), traces=moving,
            data=[_changed(trace) for k, curve in enumerate(curves) for trace, _, _ in _moving(k, curve, value)],
        )
        for value in values
    ]  # fmt: skip
    _lay_out(figure, curves, values)
    return figure


def _style(k: int) -> dict[str, Any]:
    colour = _COLOURS[k % len(_COLOURS)]
    return {"line": {"color": colour}, "marker": {"symbol": _SYMBOLS[k % len(_SYMBOLS)], "size": 8, "color": colour}}


def _add_curves(go: Any, figure: Any, k: int, curve: Curve) -> None:
    name, x = escaped(curve.label or "measured"), list(curve.values)
    style = _style(k)
    figure.add_trace(go.Scatter(
        x=x, y=_known(curve.of("gain")), name=name, legendgroup=name, mode="lines+markers", **style,
        hovertemplate=f"{name}<br>{escaped(curve.option)} %{{x}}<br>gain %{{y:.3g}}<extra></extra>",
    ), 1, 1)  # fmt: skip
    figure.add_trace(go.Scatter(
        x=x, y=_known(curve.of("theory")), name=f"{name}, in theory", legendgroup=name, mode="lines",
        line={**style["line"], "dash": "dash"}, hovertemplate="in theory %{y:.3g}<extra></extra>",
    ), 1, 1)  # fmt: skip
    figure.add_trace(go.Scatter(
        x=x, y=_known(curve.of("saturated"), zero=True), name=name, legendgroup=name, showlegend=False,
        mode="lines+markers", **style, hovertemplate=f"{name}<br>%{{y:.0%}} at an end<extra></extra>",
    ), 2, 1)  # fmt: skip


def _known(values: np.ndarray, zero: bool = False) -> list[float | None]:
    return [float(v) if np.isfinite(v) and (v > 0 or zero) else None for v in values]


def _moving(k: int, curve: Curve, value: Any) -> list[tuple[dict[str, Any], int, int]]:
    """(a trace at this value of the option, its row, its column); empty curves where that value was not run."""
    name, style = escaped(curve.label or "measured"), _style(k)
    if value in curve.values:
        at = curve.values.index(value)
        flow, gain, saturated = curve.runs[at].flow, curve.of("gain")[at], curve.of("saturated")[at]
        layers = layer_labels(flow.layers)
        tables = [_known(flow.gain[0]), _known(flow.predicted_gain[0]), _known(flow.saturated[0], zero=True)]
    else:
        gain, saturated, layers, tables = np.nan, np.nan, [], [[], [], []]
    ring = {"mode": "markers", "showlegend": False, "hoverinfo": "skip", "name": "here"}
    ring["marker"] = {"symbol": "circle-open", "size": 20, "color": style["line"]["color"], "line": {"width": 3}}
    curve_of = {"showlegend": False, "name": name, "y": layers}
    return [
        ({**ring, "x": [value], "y": _known(np.array([gain]))}, 1, 1),
        ({**ring, "x": [value], "y": _known(np.array([saturated]), zero=True)}, 2, 1),
        ({**curve_of, **style, "mode": "lines+markers", "x": tables[0], "name": f"{name}: gain by layer",
          "hovertemplate": "layer %{y}<br>gain %{x:.3g}<extra></extra>"}, 1, 2),
        ({**curve_of, "mode": "lines", "line": {**style["line"], "dash": "dash"}, "x": tables[1],
          "hovertemplate": "layer %{y}<br>in theory %{x:.3g}<extra></extra>"}, 1, 2),
        ({**curve_of, **style, "mode": "lines+markers", "x": tables[2],
          "hovertemplate": "layer %{y}<br>%{x:.0%} at an end<extra></extra>"}, 2, 2),
    ]  # fmt: skip


def _changed(trace: dict[str, Any]) -> dict[str, Any]:
    return {"type": "scatter", "x": trace["x"], "y": trace["y"]}


def _lay_out(figure: Any, curves: Sequence[Curve], values: list[Any]) -> None:
    option = escaped(curves[0].option)
    numeric = all(isinstance(v, (int, float)) and v > 0 for v in values)
    labels = max((layer_labels(run.flow.layers) for curve in curves for run in curve.runs), key=len)
    gains = [g for curve in curves for run in curve.runs for g in _known(run.flow.gain[0]) if g is not None]
    low, high = (np.log10(min(gains + [0.5])), np.log10(max(gains + [2.0])))
    for row in (1, 2):
        figure.update_xaxes(type="log" if numeric else "category", title_text=option, row=row, col=1)
        if numeric:
            figure.update_xaxes(tickvals=values, ticktext=[f"{v:g}" for v in values], row=row, col=1)
        figure.update_yaxes(
            type="category", categoryorder="array", categoryarray=labels, title_text="layer", row=row, col=2
        )
    figure.update_yaxes(type="log", title_text="gain (dashed: theory)", row=1, col=1)
    figure.update_yaxes(range=[-0.05, 1.05], tickformat=".0%", row=2, col=1)
    figure.update_xaxes(type="log", range=[low - 0.1, high + 0.1], title_text="gain (1: passed on whole)", row=1, col=2)
    figure.update_xaxes(range=[-0.05, 1.05], tickformat=".0%", row=2, col=2)
    figure.add_hline(y=1, line={"color": "#999", "width": 1}, row=1, col=1)
    figure.add_vline(x=1, line={"color": "#999", "width": 1}, row=1, col=2)
    options = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    figure.update_layout(
        template="plotly_white", height=820, margin={"l": 70, "r": 20, "t": 70, "b": 40}, hoverlabel={"font_size": 14},
        legend={"orientation": "h", "y": -0.12, "x": 0.0},
        sliders=[{
            "active": 0, "currentvalue": {"prefix": f"{option} = ", "font": {"size": 18}}, "y": 1.0,
            "yanchor": "bottom", "pad": {"b": 60, "t": 0}, "len": 0.9, "x": 0.05,
            "steps": [
                {"method": "animate", "label": f"{v:g}" if isinstance(v, (int, float)) else str(v),
                 "args": [[str(v)], options]}
                for v in values
            ],
        }],
    )  # fmt: skip
