"""What a page shows of runs, as one figure of Plotly: heat maps, and the profile at the step that a slider is at."""

from __future__ import annotations

import html
import math
from typing import Any

import numpy as np

from .profile import layer_labels, profile
from .record import Record

SLIDER_STEPS = 100  # at most; of more recorded steps, evenly chosen ones
# Dark to light evenly, to eyes that see no red or green and in black and white alike.
_COLOURS = "Cividis"
_DARK, _MIDDLE, _LIGHT = "#00224e", "#7c7b78", "#c0a020"
_FACTORS = (  # curve, what it is called, marker, dash, colour: told apart without colour too
    ("gain", "gain: what a layer passes on", "circle", "solid", _DARK),
    ("weight_factor", "of it, by the weights", "square-open", "dot", _MIDDLE),
    ("slope_rms", "by the activation's slope", "triangle-up-open", "dash", _LIGHT),
    ("alignment", "by their alignment", "diamond-open", "dashdot", _MIDDLE),
    ("predicted_gain", "gain in theory", "x-thin-open", "longdash", "#b03060"),
)
_HEAT_MAPS = (  # table of a record, heading, whether it is shown by its logarithm
    ("delta_rms", "How much gradient reaches each layer", True),
    ("slope_rms", "How steep its activation is", False),
    ("batch_std", "How much its units tell examples apart", True),
)
_DECADES = 4.0  # the least that the colours span: small changes must not look large
_CHAR = 48  # characters of a heading that fit above a panel


def figure_of(named: dict[str, Record], go: Any) -> Any:
    """A column of panels for each run; a single run lies across. go: Plotly's graph_objects."""
    from plotly.subplots import make_subplots

    timed = any(profile(record).times for record in named.values())
    headings = [*(heading for _, heading, _ in _HEAT_MAPS), "The gradient at this step", "What each layer makes of it"]
    headings += ["The gradient through time"] if timed else []
    across = len(named) == 1
    rows, columns = (2, 3) if across else (len(headings), len(named))
    names = [html.escape(name if len(name) <= _CHAR else name[: _CHAR - 3] + "...") for name in named]
    titles = headings if across else [f"{heading}<br><b>{name}</b>" for heading in headings for name in names]
    gap = 0.12 if across else 0.3 / rows
    figure = make_subplots(rows, columns, subplot_titles=titles, horizontal_spacing=0.07, vertical_spacing=gap)
    runs = [_Run(record, column) for column, record in enumerate(named.values())]
    for run in runs:
        places = [(k // 3 + 1, k % 3 + 1) if across else (k + 1, run.column + 1) for k in range(len(headings))]
        _add_heat_maps(go, figure, run, places[:3], runs)
        _add_profile(go, figure, run, places[3])
        _add_factors(go, figure, run, places[4])
        if timed:
            _add_time(go, figure, run, places[5])
    _add_slider(go, figure, runs)
    figure.update_layout(
        template="plotly_white", height=840 if across else 320 * rows + 200, margin={"l": 70, "r": 20, "t": 70, "b": 40},
        legend={"orientation": "h", "y": -0.12 if across else -0.5 / rows, "x": 0.0}, hoverlabel={"font_size": 14},
    )
    return figure


class _Run:
    """A record, its curves at every step, and where its moving traces are."""

    def __init__(self, record: Record, column: int) -> None:
        self.record = record
        self.column = column
        self.labels = layer_labels(record.layers)
        self.curves = {name: _positive(getattr(record, name)) for name in ("delta_rms", *(f[0] for f in _FACTORS))}
        self.told = [html.escape(f"{layer.name} {layer.activation or layer.kind}") for layer in record.layers]
        self.moving: list[int] = []  # the numbers of the traces that the slider changes

    def state(self, step: int) -> list[dict[str, Any]]:
        """The moving traces at the last recorded step up to this one: a line in each heat map, then the curves."""
        row = max((i for i, s in enumerate(self.record.steps) if s <= step), default=0)
        lines = [{"type": "scatter", "x": [self.record.steps[row]] * 2} for _ in _HEAT_MAPS]
        return lines + [{"type": "scatter", "x": table[row]} for table in self.curves.values()]


def _positive(table: np.ndarray) -> np.ndarray:
    """What a logarithmic axis can show, in half the memory; below the range of float32, the least that it holds."""
    known = (table > 0) & np.isfinite(table)
    least, most = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
    return np.where(known, np.clip(table, least, most), np.nan).astype(np.float32)


# ------------------------------------------------------------------------------------------------------- the panels


def _add_heat_maps(go: Any, figure: Any, run: _Run, places: list[tuple[int, int]], runs: list[_Run]) -> None:
    for (row, column), (quantity, heading, by_log) in zip(places, _HEAT_MAPS):
        values = getattr(run.record, quantity)
        low, high = _range([getattr(other.record, quantity) for other in runs], by_log)
        figure.add_trace(go.Heatmap(
            z=_shown(values, by_log).T.astype(np.float32), x=run.record.steps, y=run.labels, zmin=low, zmax=high,
            colorscale=_COLOURS, customdata=[[_number(v) for v in layer] for layer in values.T], hoverongaps=True,
            showscale=run.column == 0, colorbar=_colour_bar(figure, row, column, low, high, by_log), name=heading,
            hovertemplate="layer %{y}<br>step %{x}<br>%{customdata}<extra></extra>",
        ), row, column)  # fmt: skip
        figure.add_trace(go.Scatter(
            x=[run.record.steps[-1]] * 2, y=[run.labels[0], run.labels[-1]], mode="lines", hoverinfo="skip",
            line={"color": "white", "width": 2, "dash": "dot"}, showlegend=False,
        ), row, column)  # fmt: skip
        run.moving.append(len(figure.data) - 1)
        figure.update_xaxes(title_text="training step", row=row, col=column)
        figure.update_yaxes(type="category", title_text="layer" if column == 1 else None, row=row, col=column)


def _number(value: float) -> str:
    if math.isnan(value):
        return "unknown"
    return "not finite" if math.isinf(value) else "exactly 0" if value == 0 else f"{value:.3g}"


def _shown(values: np.ndarray, by_log: bool) -> np.ndarray:
    with np.errstate(all="ignore"):
        values = np.log10(values) if by_log else values
    return np.where(np.isfinite(values), values, np.nan)


def _range(tables: list[np.ndarray], by_log: bool) -> tuple[float, float]:
    known = np.concatenate([_shown(values, by_log).ravel() for values in tables])
    known = known[~np.isnan(known)]
    high = float(known.max()) if known.size else 1.0
    low = float(known.min()) if known.size else 0.0
    return (min(low, high - _DECADES), high) if by_log else (0.0, max(high, 1.0))


def _colour_bar(figure: Any, row: int, column: int, low: float, high: float, by_log: bool) -> dict[str, Any]:
    """Beside its panel, in decades."""
    x, y = (next(axes(row=row, col=column)).domain for axes in (figure.select_xaxes, figure.select_yaxes))
    bar = {"len": y[1] - y[0], "y": (y[0] + y[1]) / 2, "thickness": 10, "x": x[1] + 0.002, "xpad": 2}
    if by_log:
        ticks = np.unique(np.linspace(math.ceil(low), math.floor(high), 5).round())
        bar |= {"tickvals": ticks.tolist(), "ticktext": [f"1e{tick:.0f}" for tick in ticks]}
    return bar


def _add_profile(go: Any, figure: Any, run: _Run, place: tuple[int, int]) -> None:
    figure.add_trace(go.Scatter(
        x=run.curves["delta_rms"][-1], y=run.labels, text=run.told, mode="lines+markers", line={"color": _DARK},
        name="gradient RMS", showlegend=False, hovertemplate="layer %{y} (%{text})<br>%{x:.3g}<extra></extra>",
    ), *place)  # fmt: skip
    run.moving.append(len(figure.data) - 1)
    low, high = _range([run.record.delta_rms], True)
    _set_axes(figure, run, place, "RMS of dL/dz", low - 0.3, high + 0.3)


def _add_factors(go: Any, figure: Any, run: _Run, place: tuple[int, int]) -> None:
    for curve, name, symbol, dash, colour in _FACTORS:
        figure.add_trace(go.Scatter(
            x=run.curves[curve][-1], y=run.labels, text=run.told, mode="lines+markers", name=name, legendgroup=curve,
            marker={"symbol": symbol, "size": 8, "line": {"width": 1.5}}, line={"color": colour, "dash": dash},
            showlegend=run.column == 0, hovertemplate=f"{name}<br>layer %{{y}} (%{{text}})<br>%{{x:.3g}}<extra></extra>",
        ), *place)  # fmt: skip
        run.moving.append(len(figure.data) - 1)
    low, high = _range([getattr(run.record, curve) for curve, *_ in _FACTORS[:-1]], True)
    _set_axes(figure, run, place, "factor a layer (1: passed on whole)", min(low, -0.5), max(high, 0.5))
    figure.add_vline(x=1, line={"color": "#999", "width": 1}, row=place[0], col=place[1])


def _set_axes(figure: Any, run: _Run, place: tuple[int, int], title: str, low: float, high: float) -> None:
    """A range that holds what is shown at any step, so that the axis stays while the slider moves."""
    row, column = place
    figure.update_xaxes(
        type="log", title_text=title, exponentformat="power", range=[max(low, -300), min(high, 300)], row=row, col=column
    )
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=run.labels, row=row, col=column,
        title_text="layer (the gradient travels downward)" if column == 1 else None,
    )


def _add_time(go: Any, figure: Any, run: _Run, place: tuple[int, int]) -> None:
    for dash, row in zip(["solid", "dot", "dash", "dashdot"] * len(run.record.layers), profile(run.record).times):
        figure.add_trace(go.Scatter(
            x=list(range(1, len(row.hidden) + 1)), y=[v if v > 0 else None for v in row.hidden.tolist()],
            mode="lines+markers", name=html.escape(row.name), line={"color": _DARK, "dash": dash}, showlegend=False,
            text=[_number(v) for v in row.hidden],
            hovertemplate=f"{html.escape(row.name)}<br>step of time %{{x}}<br>%{{text}}<extra></extra>",
        ), *place)  # fmt: skip
    figure.update_yaxes(type="log", title_text="RMS of dL/dh", exponentformat="power", row=place[0], col=place[1])
    figure.update_xaxes(title_text="step of time", row=place[0], col=place[1])


# ------------------------------------------------------------------------------------------------------- the slider


def _add_slider(go: Any, figure: Any, runs: list[_Run]) -> None:
    steps = chosen_steps(sorted({step for run in runs for step in run.record.steps}))
    moving = [number for run in runs for number in run.moving]
    figure.frames = [
        go.Frame(name=str(step), data=[trace for run in runs for trace in run.state(step)], traces=moving)
        for step in steps
    ]
    options = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    figure.update_layout(sliders=[{
        "active": len(steps) - 1, "currentvalue": {"prefix": "training step ", "font": {"size": 16}}, "y": 1.0,
        "yanchor": "bottom", "pad": {"b": 60, "t": 0}, "len": 0.9, "x": 0.05,
        "steps": [{"method": "animate", "label": str(step), "args": [[str(step)], options]} for step in steps],
    }])  # fmt: skip


def chosen_steps(steps: list[int]) -> list[int]:
    """All, or SLIDER_STEPS of them from the first to the last."""
    if len(steps) <= SLIDER_STEPS:
        return steps
    return [steps[round(i)] for i in np.linspace(0, len(steps) - 1, SLIDER_STEPS)]
