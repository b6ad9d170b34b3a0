"""The runs of a sweep, and the curves that they make over one of its options."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Sequence

import numpy as np

from .numbers import percent, quotient
from .profile import Row


class Run(NamedTuple):
    """One model of a sweep: how it was built, and the record of one batch."""

    setting: dict[str, Any]
    flow: Any

    @property
    def gain(self) -> float:
        """By what a layer multiplies the gradient on its way down, the geometric mean from the output to the first."""
        rows = self._rows
        first, top = rows[0].norm, rows[-1].norm
        if not (first > 0 and 0 < top < math.inf):
            return 0.0 if first == 0 else math.nan
        return quotient(first, top, root=len(rows) - 1) if first < math.inf else math.inf

    @property
    def theory(self) -> float:
        """The same as mean-field theory predicts it; NaN where it says nothing of these layers."""
        return _geometric_mean(self.flow.predicted_gain[0])

    @property
    def saturated(self) -> float:
        """The share of all activations that are at an end; NaN where no activation has ends."""
        return _mean(self.flow.saturated[0])

    @property
    def spread(self) -> float:
        """A unit's standard deviation over the batch, at the last layer with an activation."""
        column = max((i for i, layer in enumerate(self.flow.layers) if layer.activation), default=-1)
        return float(self.flow.batch_std[0, column])

    @property
    def direction(self) -> str:
        direction: str = self.flow.diagnosis().direction
        return direction

    @property
    def _rows(self) -> list[Row]:
        """Those with an activation, and the output: what a layer of normalisation does belongs to the layer."""
        rows = self.flow.profile().rows
        bent = [row for row in rows if row.activation]
        return [*bent, rows[-1]] if bent and not rows[-1].activation else bent or list(rows)


def _geometric_mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    with np.errstate(all="ignore"):
        return float(np.exp(np.log(known).mean())) if known.size else math.nan


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


@dataclass(frozen=True)
class Curve:
    """The runs that differ in one option only, in the order of its values."""

    label: str  # of the other options, "" if there is none
    option: str
    values: tuple[Any, ...]
    runs: tuple[Run, ...]

    def of(self, quantity: str) -> np.ndarray:
        """"gain", "theory", "saturated" or "spread" of each run."""
        return np.array([getattr(run, quantity) for run in self.runs])


@dataclass(frozen=True)
class Crossing:
    """Where a curve's gain is 1: gradients neither vanish nor explode there. NaN for what has no saturated units."""

    label: str
    option: str
    value: float
    saturated: float

    def __str__(self) -> str:
        who = f"{self.label}: " if self.label else ""
        share = percent(self.saturated)
        ends = "" if math.isnan(self.saturated) else f", where {share} of the activations are saturated"
        return f"{who}each layer passes the gradient on as it is (gain 1) at {self.option} = {self.value:.3g}{ends}."


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def numeric_option(settings: dict[str, Sequence[Any]]) -> str | None:
    """The first option that has several values, all of them numbers."""
    return next((o for o, v in settings.items() if len(v) > 1 and all(map(is_number, v))), None)


def curves(runs: Sequence[Run], settings: dict[str, Sequence[Any]]) -> list[Curve]:
    """One for each combination of the other options: over the numeric option, or else over the one with most values."""
    option = numeric_option(settings) or max(settings, key=lambda o: len(settings[o]))
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(words({o: v for o, v in run.setting.items() if o != option}), []).append(run)
    found = []
    for label, group in groups.items():
        if numeric_option(settings):
            group = sorted(group, key=lambda run: run.setting[option])
        found.append(Curve(label, option, tuple(run.setting[option] for run in group), tuple(group)))
    return found


def words(setting: dict[str, Any]) -> str:
    """activation=tanh, scale=1.5"""
    return ", ".join(f"{option}={f'{value:g}' if is_number(value) else value}" for option, value in setting.items())


def crossings(curve: Curve) -> list[Crossing]:
    """Between two neighbouring values, on logarithmic scales where both are above 0."""
    if not all(map(is_number, curve.values)):
        return []
    gains, saturated = curve.of("gain"), curve.of("saturated")
    found = []
    for i in range(len(gains) - 1):
        low, high = gains[i], gains[i + 1]
        if not (0 < low < math.inf and 0 < high < math.inf) or (low < 1) == (high < 1):
            continue
        share = math.log(low) / (math.log(low) - math.log(high))
        value = _between(curve.values[i], curve.values[i + 1], share)
        at_ends = saturated[i] + share * (saturated[i + 1] - saturated[i])
        found.append(Crossing(curve.label, curve.option, value, float(at_ends)))
    return found


def _between(low: float, high: float, share: float) -> float:
    if low > 0:
        return float(low * (high / low) ** share)
    return float(low + share * (high - low))
