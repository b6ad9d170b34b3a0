"""What was seen while a model was watched: its layers, and for every recorded step one reading of each."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .statistics import rms
from .theory import moments
from .through_time import TimeReading


@dataclass
class Layer:
    """One call of a leaf module with parameters, and the activation that took its output: a pre-activation z.

    An activation that takes something else is a layer without a weight, and z is its input.
    """

    name: str  # the module's path in the model; of the activation's if there is no module before it
    kind: str  # the module's class
    activation: str | None = None  # the activation's class
    has_weight: bool = False
    frozen: bool = False  # it has a weight that requires no gradient
    above: int | None = None  # the index of the one layer that z goes to, where the way there has no branch
    direct: bool = False  # that layer takes the activation's result as it is: nothing lies between
    fan_in: int = 0  # how many numbers a unit of a linear layer or a convolution sums; 0 for other layers
    is_cell: bool = False  # one step of a recurrent loop
    bend: Any = field(default=None, repr=False, compare=False)  # the activation itself


@dataclass
class Reading:
    """One layer at one step. NaN where nothing was seen: no backward pass, a frozen weight, no activation."""

    delta_norm: float = math.nan  # |dL/dz| over the batch
    delta_size: int = 0
    weight_grad_norm: float = math.nan  # |dL/dW|
    weight_grad_size: int = 0
    saturated: float = math.nan
    returned_norm: float = math.nan  # |dL/da|, at what the activation made of z: what comes back through the weights
    slope_norm: float = math.nan  # of the activation's slopes at z
    slope_size: int = 0
    dead: float = math.nan
    batch_std: float = math.nan  # of what the activation made of z, or of z if there is none
    pooled_std: float = math.nan
    value_rms: float = math.nan  # of the same; inf if it is not finite, as opposed to not seen; so the next three
    weight_norm: float = math.nan
    weight_rms: float = math.nan
    bias_rms: float = 0.0
    input_rms: float = math.nan  # of what the layer takes
    update_norm: float = math.nan  # |what the optimizer added to the weight|
    snr: float = math.nan
    sigma_max: float = math.nan
    sigma_min: float = math.nan


class Broken(NamedTuple):
    """Where numbers stopped being finite: the row of the step, the column of the layer, and what was first."""

    row: int
    column: int
    where: str  # "input", "weights", "forward" or "backward"


class Record:
    """The record of a watched model: arrays of shape (recorded steps, layers), layers in the order they were called.

    layers: what each column is. steps: the number of each recorded step, counted from 1. times: of recurrent layers, by
    name, what was seen at each recorded step.
    """

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.steps: list[int] = []
        self.times: dict[str, dict[int, TimeReading]] = {}
        self._rows: list[dict[int, Reading]] = []  # by column
        self._columns: dict[tuple[str, int], int] = {}  # by a layer's name and which of its calls it is

    def __len__(self) -> int:
        return len(self.steps)

    def add(self, step: int, layers: list[Layer], readings: list[Reading]) -> None:
        """Take in a step: its layers in the order of their calls, from now on the record's own.

        The readings may still change while backward runs.
        """
        calls: Counter[str] = Counter()
        columns = []
        for layer in layers:
            columns.append(self._columns.setdefault((layer.name, calls[layer.name]), len(self._columns)))
            calls[layer.name] += 1
        for layer, column in zip(layers, columns):
            layer.above = None if layer.above is None else columns[layer.above]
            self.layers[column : column + 1] = [layer]
        self.steps.append(step)
        self._rows.append(dict(zip(columns, readings)))

    def add_time(self, name: str, step: int, reading: TimeReading) -> None:
        self.times.setdefault(name, {})[step] = reading

    # ------------------------------------------------------------------------------------------------- the gradient

    @property
    def delta_norm(self) -> np.ndarray:
        """|dL/dz|, the norm of the gradient at the pre-activation, over the batch. (S, L)"""
        return self._column("delta_norm")

    @property
    def delta_rms(self) -> np.ndarray:
        """RMS of dL/dz: |dL/dz| / sqrt(batch size * width). (S, L)"""
        return rms(self.delta_norm, self._column("delta_size"))

    @property
    def weight_grad_norm(self) -> np.ndarray:
        """|dL/dW|, the norm of the weight's gradient. (S, L)"""
        return self._column("weight_grad_norm")

    @property
    def weight_grad_rms(self) -> np.ndarray:
        """RMS of dL/dW: |dL/dW| / sqrt(number of weights). (S, L)"""
        return rms(self.weight_grad_norm, self._column("weight_grad_size"))

    @property
    def gain(self) -> np.ndarray:
        """The backward gain to the layer above, |dL/dz_l| / |dL/dz_(l+1)|; NaN where no one layer is above. (S, L)"""
        return self._over_above(self.delta_norm)

    @property
    def weight_factor(self) -> np.ndarray:
        """|u_l| / |dL/dz_(l+1)|: what the weights above make of the gradient, down to the activation's result. (S, L)

        u = dL/da is the gradient that comes back through the weights, and through whatever lies between them and the
        activation. gain = weight_factor * slope_rms * alignment. Where z is followed by no activation, u is dL/dz, and
        the other two factors are 1. NaN where the gain is.
        """
        return self._over_above(self._returned_norm())

    @property
    def slope_rms(self) -> np.ndarray:
        """RMS of the activation's slope at z; 1 where no activation follows. (S, L)"""
        slopes = rms(self._column("slope_norm"), self._column("slope_size", 0))
        return self._or_one(slopes)

    @property
    def alignment(self) -> np.ndarray:
        """|slope * u| / (RMS slope * |u|): above 1 where slopes are large where gradients are. (S, L)"""
        with np.errstate(all="ignore"):
            found = self.delta_norm / (self.slope_rms * self._returned_norm())
        return self._or_one(found)

    @property
    def predicted_gain(self) -> np.ndarray:
        """The gain that mean-field theory predicts, s_(l+1) sqrt(E[phi'(sqrt(q_l) x)^2]); see mean_field. (S, L)

        s^2 is fan-in times the mean square of the weights, as they were at that step, and b^2 that of the biases. q
        starts from the mean square of what the first layer takes, and anew wherever something lies between an
        activation and the layer above it. NaN for layers that are neither linear nor a convolution, or lie below one.
        """
        scale = self._column("weight_rms") * np.sqrt([layer.fan_in or math.nan for layer in self.layers])
        bias, taken = self._column("bias_rms") ** 2, self._column("input_rms") ** 2
        predicted = np.full(scale.shape, math.nan)
        below = {layer.above: i for i, layer in enumerate(self.layers) if layer.direct and layer.fan_in}
        squares: dict[int, np.ndarray] = {}  # of what the activation of each layer passes on
        with np.errstate(all="ignore"):
            for i in sorted(range(len(self.layers)), key=lambda i: self._order(i, below)):
                layer = self.layers[i]
                if not layer.fan_in:
                    continue
                q = scale[:, i] ** 2 * squares.get(below.get(i, -1), taken[:, i]) + bias[:, i]
                squares[i], slopes = moments(layer.bend, q)
                if layer.direct and layer.above is not None and self.layers[layer.above].fan_in:
                    predicted[:, i] = scale[:, layer.above] * np.sqrt(slopes)
        return predicted

    @staticmethod
    def _order(i: int, below: dict[Any, int]) -> int:
        """How many layers lie directly below."""
        count = 0
        while i in below and count < len(below):
            i, count = below[i], count + 1
        return count

    # ----------------------------------------------------------------------------------------------- the activations

    @property
    def saturated(self) -> np.ndarray:
        """The share of activations within 0.05 of an end of their range; for ReLU, that are off. (S, L)"""
        return self._column("saturated")

    @property
    def dead(self) -> np.ndarray:
        """The share of units whose activation has slope 0 for every example of the batch. (S, L)"""
        return self._column("dead")

    @property
    def batch_std(self) -> np.ndarray:
        """A unit's standard deviation over the batch, RMS over the units: near 0, the input is forgotten. (S, L)"""
        return self._column("batch_std")

    @property
    def pooled_std(self) -> np.ndarray:
        """The standard deviation of all units and examples together. (S, L)"""
        return self._column("pooled_std")

    @property
    def value_rms(self) -> np.ndarray:
        """RMS of the activations, of z where there is none. (S, L)"""
        return self._column("value_rms")

    # ------------------------------------------------------------------------------------- the weights, and on request

    @property
    def update_ratio(self) -> np.ndarray:
        """|update of W| / |W|, where an optimizer is watched: how far a step moved the weights. (S, L)"""
        with np.errstate(all="ignore"):
            return self._column("update_norm") / self._column("weight_norm")

    @property
    def snr(self) -> np.ndarray:
        """|mean g| / sqrt(mean |g - mean g|^2) of the weight's gradients g of single examples, on request. (S, L)"""
        return self._column("snr")

    @property
    def sigma_max(self) -> np.ndarray:
        """The largest singular value of the Jacobian of a layer and its activation, at the first example. (S, L)"""
        return self._column("sigma_max")

    @property
    def sigma_min(self) -> np.ndarray:
        """The smallest of these singular values. (S, L)"""
        return self._column("sigma_min")

    @property
    def sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """How many elements dL/dz and dL/dW have; 0 where no gradient came. (S, L) each"""
        return self._column("delta_size", 0), self._column("weight_grad_size", 0)

    def first_broken(self) -> Broken | None:
        """The birth of the first number that is not finite: in the earliest step, forward before backward.

        Forward, that is the layer nearest the input; backward, the one nearest the output.
        """
        broken = (self.sizes[0] > 0) & ~np.isfinite(self.delta_norm)
        weights = self._column("weight_rms") == math.inf
        forward = (self.value_rms == math.inf) | weights
        either = broken.any(axis=1) | forward.any(axis=1)
        if not either.any():
            return None
        row = int(either.argmax())
        if not forward[row].any():
            return Broken(row, int(np.flatnonzero(broken[row]).max()), "backward")
        column = int(np.flatnonzero(forward[row]).min())
        if self._rows[row][column].input_rms == math.inf:
            return Broken(row, column, "input")
        if weights[row].any():
            return Broken(row, int(weights[row].argmax()), "weights")
        return Broken(row, column, "forward")

    # ------------------------------------------------------------------------------------------------------- helpers

    def _over_above(self, norms: np.ndarray) -> np.ndarray:
        """Each layer's norm over |dL/dz| of the layer above; NaN where no one layer is above."""
        deltas = self.delta_norm
        quotient = np.full(norms.shape, math.nan)
        with np.errstate(all="ignore"):
            for i, layer in enumerate(self.layers):
                if layer.above is not None:
                    quotient[:, i] = norms[:, i] / deltas[:, layer.above]
        return quotient

    def _returned_norm(self) -> np.ndarray:
        norms, back = self.delta_norm, self._column("returned_norm")
        for i, layer in enumerate(self.layers):
            if layer.activation is None:
                back[:, i] = norms[:, i]
        return back

    def _or_one(self, table: np.ndarray) -> np.ndarray:
        """1 where no activation follows, so that there is nothing to bend the gradient."""
        seen = self.sizes[0] > 0
        for i, layer in enumerate(self.layers):
            if layer.activation is None:
                table[:, i] = np.where(seen[:, i], 1.0, math.nan)
        return table

    def _column(self, quantity: str, absent: float = math.nan) -> np.ndarray:
        table = np.full((len(self._rows), len(self.layers)), absent)
        for row, readings in zip(table, self._rows):
            for column, reading in readings.items():
                row[column] = getattr(reading, quantity)
        return table
