"""The profile of a record: one row for each layer, over all recorded steps or one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .record import Flow, Layer
from .statistics import pooled


@dataclass(frozen=True)
class Row:
    """One layer. NaN where there is nothing to say; `note` says why."""

    label: str  # its number from the input, or "output"
    name: str
    activation: str | None
    delta: float  # RMS of dL/dz at the pre-activation
    weight_grad: float  # RMS of dL/dW
    gain: float  # |dL/dz| over that of the layer above
    saturated: float
    note: str = ""


@dataclass(frozen=True)
class Profile:
    """The rows from input to output, and the steps that they sum up."""

    rows: tuple[Row, ...]
    steps: tuple[int, ...]
    broken: tuple[int, str] | None = None  # the step at which a gradient was not finite, and the layer where that began

    @property
    def hidden(self) -> tuple[Row, ...]:
        """The layers with an activation; all layers where there is none."""
        return tuple(row for row in self.rows if row.activation) or self.rows


def profile(flow: Flow, step: int | None = None) -> Profile:
    """Sum up the recorded steps, or take one of them.

    Every RMS is over all elements of all those steps, as if they were one batch; the gain is the ratio of such norms;
    the saturated fraction is the mean. From the first gradient that is not finite on, steps are left out, unless there
    are none before. Raises ValueError if nothing was recorded, or not that step.
    """
    if not len(flow):
        raise ValueError("nothing was recorded: run forward and backward of the watched model inside the with block")
    if step is not None and step not in flow.steps:
        raise ValueError(f"step {step} was not recorded; the recorded steps are {_brief(flow.steps)}")
    labels = layer_labels(flow.layers)
    broken = flow.first_broken()
    if step is not None:
        chosen = slice(flow.steps.index(step), flow.steps.index(step) + 1)
    else:
        chosen = slice(0, broken[0] if broken and broken[0] > 0 else len(flow))
    delta_sizes, weight_sizes = flow.sizes
    deltas = _columns(flow.delta_norm[chosen], delta_sizes[chosen])
    weight_grads = _columns(flow.weight_grad_norm[chosen], weight_sizes[chosen])
    saturated = flow.saturated[chosen]
    rows = tuple(
        Row(
            label=labels[i], name=layer.name, activation=layer.activation,
            delta=deltas[i].rms(), weight_grad=weight_grads[i].rms(), saturated=_mean(saturated[:, i]),
            gain=math.nan if layer.above is None else deltas[i].ratio(deltas[layer.above]),
            note=_note(layer, deltas[i]),
        )
        for i, layer in enumerate(flow.layers)
    )
    where = None if broken is None else (flow.steps[broken[0]], labels[broken[1]])
    return Profile(rows, tuple(flow.steps[chosen]), where)


def layer_labels(layers: list[Layer]) -> list[str]:
    """Numbers from the input; a last layer without an activation, where others have one, is the output."""
    labels = [str(i + 1) for i in range(len(layers))]
    if layers and layers[-1].activation is None and any(layer.activation for layer in layers):
        labels[-1] = "output"
    return labels


class _Norms:
    """One gradient over several steps: its norm and size at each, size 0 where it did not come."""

    def __init__(self, norms: np.ndarray, sizes: np.ndarray) -> None:
        self.norms = norms
        self.sizes = sizes
        self.seen = sizes > 0

    def rms(self) -> float:
        if not self.seen.any():
            return math.nan
        return pooled(self.norms[self.seen]) / math.sqrt(self.sizes[self.seen].sum())

    def ratio(self, other: _Norms) -> float:
        both = self.seen & other.seen
        below = pooled(other.norms[both])
        return pooled(self.norms[both]) / below if below else math.nan


def _columns(norms: np.ndarray, sizes: np.ndarray) -> list[_Norms]:
    """One for each layer, from tables of shape (steps, layers)."""
    return [_Norms(norms[:, i], sizes[:, i]) for i in range(norms.shape[1])]


def _mean(values: np.ndarray) -> float:
    seen = values[~np.isnan(values)]
    return float(seen.mean()) if seen.size else math.nan


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
