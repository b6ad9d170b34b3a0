"""The verdict on a profile: one plain sentence, and what it rests on as data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .profile import Profile, Row

# How far the gradient's RMS may shrink or grow between the last hidden layer and the first. In mean field |delta|^2
# falls or rises as exp(-depth / xi) (Schoenholz et al. 2017, sec. 4), and networks stop training at about six depth
# scales (sec. 5, found there for the forward scale): e^-6 in the square, e^-3 = 1/20 in the RMS.
VANISHED = math.exp(-3)
EXPLODED = math.exp(3)
# A single layer is named as the one at fault if its gain alone makes up this share of the whole change, in logarithms.
ONE_LAYER = 0.7
# float32 holds no number below 1.4e-45; a gradient this small is about to become 0.
_FLOOR = 1e-36


@dataclass(frozen=True)
class Verdict:
    """direction: "vanishing", "exploding", "healthy", "zero", "not finite" or "no gradient".

    factor: by what the gradient is multiplied from one layer to the next, on its way down (the geometric mean). whole:
    by what from the last hidden layer to the first. slower: the RMS of the last hidden layer's weight gradient over
    that of the first's: how many times slower the first one's weights move under plain SGD, where a step is lr * dL/dW.
    layer: the label of the one layer where it happens, if there is one. NaN where a number has no meaning.
    """

    direction: str
    sentence: str
    factor: float = math.nan
    whole: float = math.nan
    slower: float = math.nan
    layer: str | None = None

    def __str__(self) -> str:
        return self.sentence


def verdict(profile: Profile) -> Verdict:
    """Say whether the gradient reaches the first layer, by what factor it changes on the way, and what that means."""
    if profile.broken is not None:
        return _not_finite(*profile.broken)
    rows = [row for row in profile.hidden if not math.isnan(row.delta)]
    if not rows:
        sentence = "No gradient reached any layer: all are frozen, or the loss does not depend on them."
        return Verdict("no gradient", sentence)
    cut = _without_gradient(profile)
    if any(row.delta == 0 for row in rows):
        return _zero(rows)
    if len(rows) == 1:
        sentence = f"{cut}Only layer {rows[0].label} has a gradient: there is no depth for it to vanish in."
        return Verdict("healthy", sentence)
    first, last = rows[0], rows[-1]
    whole = _quotient(first.delta, last.delta)
    factor = _quotient(first.delta, last.delta, root=len(rows) - 1)
    slower = _slower(rows)
    if VANISHED <= whole <= EXPLODED:
        share = f"{percent(whole)} of" if whole < 2 else f"{times(whole)} times"
        arrives = f"layer {first.label} receives {share} what layer {last.label} does"
        each = f"{percent(factor)} from each to the next"
        sentence = f"{cut}Healthy: the gradient arrives ({arrives}, {each}).{_learning(rows, slower)}"
        return Verdict("healthy", sentence, factor, whole, slower)
    direction = "vanishing" if whole < VANISHED else "exploding"
    culprit = _culprit(rows)
    what = "vanishes" if direction == "vanishing" else "explodes"
    sentence = f"{cut}The gradient {what} {_where(rows, factor, whole, culprit)}.{_learning(rows, slower)}"
    return Verdict(direction, sentence, factor, whole, slower, culprit.label if culprit else None)


def times(ratio: float) -> str:
    """A factor above 1 for people: 1.22, 63, 1,300, 4.1e+12."""
    if ratio < 10:
        return f"{ratio:.3g}" if ratio < 9.95 else "10"
    return f"{ratio:,.0f}" if ratio < 1e4 else f"{ratio:.1e}"


def percent(ratio: float) -> str:
    """24%, 0.71%, 2.7e-11%."""
    hundredfold = 100 * ratio
    return f"{hundredfold:.0f}%" if hundredfold >= 1 else f"{hundredfold:.2g}%"


# ---------------------------------------------------------------------------------------------------------- the parts


def _not_finite(step: int, label: str) -> Verdict:
    where = "the output" if label == "output" else f"layer {label}"
    sentence = (
        f"The gradient stopped being a finite number at step {step}, first at {where}: the training diverged. "
        "Lower the learning rate, or check the inputs and the loss."
    )
    return Verdict("not finite", sentence, layer=label)


def _zero(rows: list[Row]) -> Verdict:
    """Zeros below some layer: whatever multiplies them, nothing comes of it."""
    top = max(i for i, row in enumerate(rows) if row.delta == 0)
    label = rows[top].label
    place = f"at layer {label}" if label == rows[0].label else f"from layer {label} down to layer {rows[0].label}"
    sentence = f"The gradient is exactly 0 {place}: nothing is learnt there."
    if top + 1 < len(rows) and rows[top + 1].delta < _FLOOR:
        above = rows[top + 1]
        sentence += f" It had shrunk to {above.delta:.1e} at layer {above.label}, "
        sentence += "and float32 holds nothing below 1.4e-45."
    elif rows[top].activation == "ReLU" and rows[top].saturated == 1:
        sentence += f" Every unit of layer {label} is off for every example."
    return Verdict("zero", sentence, layer=label)


def _without_gradient(profile: Profile) -> str:
    labels = [row.label for row in profile.hidden if math.isnan(row.delta)]
    if not labels:
        return ""
    what = f"Layer {labels[0]} gets" if len(labels) == 1 else f"Layers {', '.join(labels)} get"
    return f"{what} no gradient (frozen, or not part of the loss). "


def _culprit(rows: list[Row]) -> Row | None:
    """The row whose own gain makes up most of the change."""
    if len(rows) < 3:
        return None
    logs = [math.log(row.delta) for row in rows]
    shares = [(below - above) / (logs[0] - logs[-1]) for below, above in zip(logs, logs[1:])]
    worst = max(range(len(shares)), key=shares.__getitem__)
    return rows[worst] if shares[worst] >= ONE_LAYER else None


def _quotient(a: float, b: float, root: int = 1) -> float:
    """(a / b) ** (1 / root) for positive numbers, kept within what a float and its inverse can hold."""
    log = (math.log(a) - math.log(b)) / root
    return math.exp(max(-700.0, min(700.0, log)))


def _where(rows: list[Row], factor: float, whole: float, culprit: Row | None) -> str:
    first, last = rows[0].label, rows[-1].label
    change = f"divides it by {times(1 / factor)}" if factor < 1 else f"multiplies it by {times(factor)}"
    in_all = f"{times(1 / whole)} times less" if whole < 1 else f"{times(whole)} times more"
    arrives = f"layer {first} receives {in_all} than layer {last}"
    if culprit is not None:
        above = rows[rows.index(culprit) + 1].label
        return f"almost all in one place, on its way from layer {above} to layer {culprit.label}: {arrives}"
    return f"on its way from layer {last} down to layer {first}: each layer {change}, so {arrives}"


def _slower(rows: list[Row]) -> float:
    learning = _learners(rows)
    if len(learning) < 2 or not learning[0].weight_grad or not learning[-1].weight_grad:
        return math.nan
    return _quotient(learning[-1].weight_grad, learning[0].weight_grad)


def _learners(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not math.isnan(row.weight_grad)]


def _learning(rows: list[Row], slower: float) -> str:
    if math.isnan(slower):
        return ""
    learning = _learners(rows)
    if 0.8 < slower < 1.25:
        pace = "about as fast as"
    else:
        pace = f"{times(slower)} times slower than" if slower >= 1 else f"{times(1 / slower)} times faster than"
    return f" Under plain SGD layer {learning[0].label} learns {pace} layer {learning[-1].label}."
