"""The profile of a record: one row for each layer, over all recorded steps or some of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .record import Layer, Record
from .statistics import pooled
from .through_time import TimeReading


@dataclass(frozen=True)
class Row:
    """One layer. NaN where there is nothing to say; `note` says why."""

    label: str  # its number from the input, or "output"
    name: str
    activation: str | None
    delta: float  # RMS of dL/dz at the pre-activation
    weight_grad: float  # RMS of dL/dW
    gain: float = math.nan  # |dL/dz| over that of the layer above
    saturated: float = math.nan
    note: str = ""
    kind: str = ""
    above: int | None = None  # the row above, along a chain
    norm: float = math.nan  # |dL/dz|
    weight_factor: float = math.nan  # gain = weight_factor * slope * alignment
    slope: float = math.nan
    alignment: float = math.nan
    predicted: float = math.nan  # the gain that mean-field theory expects
    dead: float = math.nan
    batch_std: float = math.nan
    pooled_std: float = math.nan
    value_rms: float = math.nan
    update_ratio: float = math.nan
    snr: float = math.nan
    sigma_max: float = math.nan
    sigma_min: float = math.nan


@dataclass(frozen=True)
class TimeRow:
    """A recurrent layer in one direction: dL/dh_t over time, mean over the steps that are as long as the last."""

    name: str
    kind: str
    hidden: np.ndarray = field(repr=False)  # RMS of dL/dh_t, (T,)
    carried: np.ndarray = field(repr=False)  # of what is carried on, in the order in which time runs
    radius: float = math.nan
    gates: dict[str, float] = field(default_factory=dict)
    truncated: bool = False

    @property
    def whole(self) -> float:
        """By what the gradient is multiplied on its way from the last step of time to the first."""
        last = self.carried[-1] if len(self.carried) else 0.0
        return float(self.carried[0] / last) if last else math.nan

    @property
    def factor(self) -> float:
        """The same for one step of time, the geometric mean."""
        return self.whole ** (1 / (len(self.carried) - 1)) if len(self.carried) > 1 else math.nan


class Birth(NamedTuple):
    """Where a number that is not finite was born: the training step, the layer, and what was first.

    where: "input" of the layer, its "weights", "forward" in it or "backward" there.
    """

    step: int
    label: str
    where: str


@dataclass(frozen=True)
class Profile:
    """The rows from input to output, and the steps that they sum up."""

    rows: tuple[Row, ...]
    steps: tuple[int, ...]
    broken: Birth | None = None
    times: tuple[TimeRow, ...] = ()

    @property
    def hidden(self) -> tuple[Row, ...]:
        """The layers with an activation; all layers where there is none."""
        return tuple(row for row in self.rows if row.activation) or self.rows


def profile(record: Record, step: int | None = None, last: float = 1.0) -> Profile:
    """Sum up the recorded steps, or take one of them.

    Every RMS is over all elements of all those steps, as if they were one batch; the gain is the ratio of such norms;
    fractions, factors and spreads are means. From the first number that is not finite on, steps are left out, unless
    there are none before. last: the share of the steps that is summed up, at the end.
    Raises ValueError if nothing was recorded, or not that step.
    """
    if not len(record):
        raise ValueError("nothing was recorded: run forward and backward of the watched model inside the with block")
    if step is not None and step not in record.steps:
        raise ValueError(f"step {step} was not recorded; the recorded steps are {_brief(record.steps)}")
    labels = layer_labels(record.layers)
    broken = record.first_broken()
    if step is not None:
        chosen = slice(record.steps.index(step), record.steps.index(step) + 1)
    else:
        end = broken.row if broken and broken.row > 0 else len(record)
        chosen = slice(end - max(1, math.ceil(end * last)), end)
    steps = tuple(record.steps[chosen])
    birth = None
    if broken is not None and (step is None or record.steps[broken.row] <= step):
        birth = Birth(record.steps[broken.row], labels[broken.column], broken.where)
    return Profile(_rows(record, chosen, labels), steps, birth, _times(record, steps))


def layer_labels(layers: list[Layer]) -> list[str]:
    """Numbers from the input; a last layer without an activation, where others have one, is the output."""
    labels = [str(i + 1) for i in range(len(layers))]
    if layers and layers[-1].activation is None and any(layer.activation for layer in layers):
        labels[-1] = "output"
    return labels


_MEANS = {
    "saturated": "saturated", "weight_factor": "weight_factor", "slope": "slope_rms", "alignment": "alignment",
    "predicted": "predicted_gain", "dead": "dead", "batch_std": "batch_std", "pooled_std": "pooled_std",
    "value_rms": "value_rms", "update_ratio": "update_ratio", "snr": "snr", "sigma_max": "sigma_max",
    "sigma_min": "sigma_min",
}  # fmt: skip


def _rows(record: Record, chosen: slice, labels: list[str]) -> tuple[Row, ...]:
    delta_sizes, weight_sizes = record.sizes
    deltas = _columns(record.delta_norm[chosen], delta_sizes[chosen])
    weight_grads = _columns(record.weight_grad_norm[chosen], weight_sizes[chosen])
    means = {field: _means(getattr(record, table)[chosen]) for field, table in _MEANS.items()}
    return tuple(
        Row(
            label=labels[i], name=layer.name, activation=layer.activation, kind=layer.kind, above=layer.above,
            delta=deltas[i].rms(), norm=deltas[i].norm(), weight_grad=weight_grads[i].rms(),
            gain=math.nan if layer.above is None else deltas[i].ratio(deltas[layer.above]),
            note=_note(layer, deltas[i]), **{field: float(column[i]) for field, column in means.items()},
        )
        for i, layer in enumerate(record.layers)
    )


def _means(table: np.ndarray) -> np.ndarray:
    """The mean of each column, of what is known there."""
    known = ~np.isnan(table)
    with np.errstate(all="ignore"):
        return np.where(known, table, 0).sum(axis=0) / known.sum(axis=0)


def _times(record: Record, steps: tuple[int, ...]) -> tuple[TimeRow, ...]:
    kinds = {layer.name: layer.kind for layer in record.layers}
    rows = []
    for name, readings in {**record.times, **_of_cells(record)}.items():
        of_steps = [readings[step] for step in steps if step in readings]
        if of_steps:
            rows.append(_time_row(name, kinds.get(name.split(" ")[0], ""), of_steps))
    return tuple(rows)


def _time_row(name: str, kind: str, readings: list[TimeReading]) -> TimeRow:
    last = readings[-1]
    alike = [r for r in readings if len(r.hidden) == len(last.hidden)]
    gates = {gate: float(np.mean([r.gates[gate] for r in alike])) for gate in last.gates}
    hidden, carried = (np.mean([getattr(r, what) for r in alike], axis=0) for what in ("hidden", "carried"))
    return TimeRow(name, kind, hidden, carried, last.radius, gates, last.truncated)


def _of_cells(record: Record) -> dict[str, dict[int, TimeReading]]:
    """Cells that were called several times in a step: each call is a step of time, its gradient that of its state."""
    calls: dict[str, list[int]] = {}
    for i, layer in enumerate(record.layers):
        if layer.is_cell:
            calls.setdefault(layer.name, []).append(i)
    deltas = record.delta_rms
    found: dict[str, dict[int, TimeReading]] = {}
    for name, columns in calls.items():
        for row, step in enumerate(record.steps):
            hidden = deltas[row, columns]
            hidden = hidden[~np.isnan(hidden)]
            if len(hidden) > 1:
                found.setdefault(name, {})[step] = TimeReading(hidden)
    return found


class _Norms:
    """One gradient over several steps: its norm and size at each, size 0 where it did not come."""

    def __init__(self, norms: np.ndarray, sizes: np.ndarray) -> None:
        self.norms = norms
        self.sizes = sizes
        self.seen = sizes > 0

    def norm(self) -> float:
        return pooled(self.norms[self.seen]) if self.seen.any() else math.nan

    def rms(self) -> float:
        return self.norm() / math.sqrt(self.sizes[self.seen].sum()) if self.seen.any() else math.nan

    def ratio(self, other: _Norms) -> float:
        both = self.seen & other.seen
        below = pooled(other.norms[both])
        return pooled(self.norms[both]) / below if below else math.nan


def _columns(norms: np.ndarray, sizes: np.ndarray) -> list[_Norms]:
    """One for each layer, from tables of shape (steps, layers)."""
    return [_Norms(norms[:, i], sizes[:, i]) for i in range(norms.shape[1])]


def _note(layer: Layer, delta: _Norms) -> str:
    notes = ["frozen"] if layer.frozen else []
    norms = delta.norms[delta.seen]
    if not norms.size:
        notes.append("no gradient")
    elif not np.isfinite(norms).all():
        notes.append("not finite")
    elif not norms.any():
        notes.append("exactly 0")
    return ", ".join(notes)


def _brief(steps: list[int]) -> str:
    shown = ", ".join(map(str, steps[:5]))
    return shown if len(steps) <= 5 else f"{shown}, ... {steps[-1]}"
