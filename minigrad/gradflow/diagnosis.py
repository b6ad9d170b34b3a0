"""The diagnosis of a profile: what is wrong with the flow of the gradient, where, why, and what would cure it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Callable

from . import cures
from .numbers import percent, quotient, times
from .profile import Profile, Row, TimeRow, profile
from .record import Record

# float32 holds no number below 1.4e-45; a gradient this small is about to become 0.
_FLOOR = 1e-36
NOW = 0.2  # the share of the recorded steps, at the end, that a diagnosis is of


@dataclass(frozen=True)
class Thresholds:
    """From where on the flow is called unhealthy. All can be set: Thresholds(vanished=1e-3).

    vanished, exploded: how far the gradient may shrink or grow between the last hidden layer and the first, or in one
    layer, or from the last step of time to the first. In mean field |delta|^2 falls or rises as exp(-depth / xi)
    (Schoenholz et al. 2017, sec. 4), and networks stop training at about six depth scales (sec. 5, found there for the
    forward scale): e^-6 in the square, e^-3 = 1/20 in the length. Growth is borne better: tanh and ReLU stacks of 20
    layers that learn to 95% were seen to end at 30 times, so 100.
    dead: the share of a layer's units without a slope for any example (Lu et al. 2020 call a layer born dead at 1; half
    of a healthy deep ReLU layer may be off for all of a batch in which examples look alike).
    saturated: the share of a layer's activations within 0.05 of an end (Glorot and Bengio 2010, sec. 3, who find layers
    that stop learning there), if besides their slopes pass less than a fifth of what they could.
    forgotten: the spread of a layer's units over the batch, relative to the size of its values.
    one_layer: a layer is named as the one at fault if it makes up this share of the whole change, in logarithms.
    """

    vanished: float = math.exp(-3)
    exploded: float = 100.0
    dead: float = 0.9
    saturated: float = 0.75
    forgotten: float = 1e-3
    one_layer: float = 0.7

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise ValueError(f"Thresholds: {name} must be a number above 0, not {value!r}")
        if not self.vanished < 1 < self.exploded:
            raise ValueError("Thresholds: vanished must be below 1 and exploded above it")


@dataclass(frozen=True)
class Diagnosis:
    """direction: "vanishing", "exploding", "dead", "saturated", "forgotten input", "not finite", "no gradient" or
    "healthy".

    layer: the label of the first layer at fault, on the gradient's way down; name: its path in the model, or that of
    the recurrent layer in whose time it happens. alone: whether it makes up most of the change by itself. cause and
    number: what does it, such as "slopes" and their RMS. factor: by what the gradient is multiplied from one layer (or
    step of time) to the next, the geometric mean; whole: from the last to the first; slower: RMS dL/dW of the last
    hidden layer over that of the first. sentence says all that; str() adds meaning, what it does to training, and cure.
    headline is for a picture's title. also: what else was found, as sentences. NaN where a number has no meaning.
    """

    direction: str
    sentence: str
    headline: str
    layer: str | None = None
    name: str | None = None
    alone: bool = False
    cause: str = ""
    number: float = math.nan
    meaning: str = ""
    cure: str = ""
    factor: float = math.nan
    whole: float = math.nan
    slower: float = math.nan
    steps: tuple[int, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return self.direction == "healthy"

    def as_dict(self) -> dict[str, Any]:
        """All of it, for json: None in place of NaN and infinities."""
        return {key: _plain(value) for key, value in dataclasses.asdict(self).items()}

    def __str__(self) -> str:
        return " ".join(part for part in (self.sentence, self.meaning, self.cure, *self.also) if part)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return list(value) if isinstance(value, tuple) else value


def diagnosis_of(record: Record, step: int | None = None, thresholds: Thresholds = Thresholds()) -> Diagnosis:
    """The diagnosis of one recorded step, or of the last fifth of them: how the gradient flows now."""
    return diagnose(profile(record, step, last=1.0 if step is not None else NOW), thresholds)


def diagnose(profile: Profile, thresholds: Thresholds = Thresholds()) -> Diagnosis:
    """Say what becomes of the gradient, in which layer first, why, what that does to training and what would cure it.

    Looked for in this order: numbers that are not finite; no gradient at all; gradients that are exactly 0, and dead
    layers; a gradient that vanishes or explodes through time, then through depth; saturated layers; an input that is
    forgotten. The first that is found is the diagnosis, the others follow in `also`.
    """
    rows = [row for row in profile.hidden if not math.isnan(row.delta)]
    if profile.broken is not None:
        before = _found(profile, [row for row in rows if math.isfinite(row.delta)], thresholds)
        also = tuple(f"Before that: {other.sentence}" for other in before[:1])
        return _with_steps(dataclasses.replace(_not_finite(profile), also=also), profile)
    if not rows and not profile.times:
        sentence = "No gradient reached any layer: all are frozen, or the loss does not depend on them."
        return _with_steps(Diagnosis("no gradient", sentence, "No gradient reached any layer"), profile)
    cut = _without_gradient(profile)
    found = _found(profile, rows, thresholds)
    if not found:
        return _with_steps(_healthy(profile, rows, cut), profile)
    first, others = found[0], found[1:]
    also = tuple(f"Besides, {_lower(other.sentence)}" for other in others if other.direction != first.direction)
    return _with_steps(dataclasses.replace(first, sentence=cut + first.sentence, also=also), profile)


def _found(profile: Profile, rows: list[Row], thresholds: Thresholds) -> list[Diagnosis]:
    looks = _LOOKS if rows else [_look_through_time] if profile.times else []
    return [finding for look in looks for finding in look(profile, rows, thresholds)]


def _with_steps(diagnosis: Diagnosis, profile: Profile) -> Diagnosis:
    return dataclasses.replace(diagnosis, steps=profile.steps)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


# --------------------------------------------------------------------------------------------- nothing to measure with


def _not_finite(profile: Profile) -> Diagnosis:
    step, label, where = profile.broken  # type: ignore[misc]
    row = next(row for row in profile.rows if row.label == label)
    place = "the output" if label == "output" else f"layer {label}"
    born = {
        "input": f"in what {place} ({row.name}) takes: the data hold NaN or infinity",
        "weights": f"in the weights of {place} ({row.name}): the step before has moved them there",
        "forward": f"in the forward pass, at {place} ({row.name})",
        "backward": f"in the backward pass, at {place} ({row.name})",
    }[where]
    sentence = f"At training step {step} numbers stopped being finite, first {born}."
    cure = "Clean the data first." if where == "input" else (
        "Lower the learning rate or clip the gradient's norm; minigrad.debug() names the op that it is born in."
    )
    return Diagnosis(
        "not finite", sentence, f"Numbers stopped being finite at step {step}, first at {place}", label, row.name,
        alone=True, cause=where, number=float(step), meaning="Nothing is learnt from there on.", cure=cure,
    )


def _without_gradient(profile: Profile) -> str:
    labels = [row.label for row in profile.hidden if math.isnan(row.delta)]
    if not labels:
        return ""
    what = f"Layer {labels[0]} gets" if len(labels) == 1 else f"Layers {', '.join(labels)} get"
    return f"{what} no gradient (frozen, or not part of the loss). "


def _healthy(profile: Profile, rows: list[Row], cut: str) -> Diagnosis:
    if not rows:
        sentence = f"{cut}Healthy: the gradient arrives at the first step of time in {profile.times[0].name}."
        return Diagnosis("healthy", sentence, "The gradient reaches the first step of time")
    if len(rows) == 1:
        sentence = f"{cut}Only layer {rows[0].label} has a gradient: there is no depth for it to vanish in."
        return Diagnosis("healthy", sentence, "The gradient reaches the only layer")
    first, last = rows[0], rows[-1]
    whole = quotient(first.delta, last.delta)
    factor = quotient(first.delta, last.delta, root=len(rows) - 1)
    share = f"{percent(whole)} of" if whole < 2 else f"{times(whole)} times"
    arrives = f"layer {first.label} receives {share} what layer {last.label} does"
    sentence = f"{cut}Healthy: the gradient arrives ({arrives}, {percent(factor)} from each to the next)."
    headline = f"The gradient reaches the input: {percent(factor)} passes each layer"
    slower = _slower(rows)
    return Diagnosis(
        "healthy", sentence, headline, meaning=_meaning(rows), factor=factor, whole=whole, slower=slower
    )


# ------------------------------------------------------------------------------------------------- zeros, dead layers


def _look_for_zeros(profile: Profile, rows: list[Row], thresholds: Thresholds) -> list[Diagnosis]:
    """Zeros below some layer: whatever multiplies them, nothing comes of it. And layers whose units are dead."""
    if all(row.delta == 0 for row in profile.rows if not math.isnan(row.delta)):
        sentence = "The gradient is exactly 0 in all layers: the loss itself has none, for these examples."
        return [Diagnosis("no gradient", sentence, "The loss has no gradient", cause="loss", number=0.0)]
    zeros = [i for i, row in enumerate(rows) if row.delta == 0]
    dead = [row for row in rows if row.dead >= thresholds.dead]
    if zeros:
        return [_zero(profile, rows, max(zeros))]
    return [_dead(dead[0])] if dead else []  # the lowest: what it passes on, 0, may kill those above


def _zero(profile: Profile, rows: list[Row], top: int) -> Diagnosis:
    row = rows[top]
    place = f"at layer {row.label}" if top == 0 else f"from layer {row.label} down to layer {rows[0].label}"
    sentence = f"The gradient is exactly 0 {place}."
    headline = f"No gradient gets below layer {row.label}: it is exactly 0 there"
    meaning = "Nothing is learnt there, whatever the rule."
    above = rows[top + 1] if top + 1 < len(rows) else None
    if above is not None and above.delta < _FLOOR:
        sentence += f" It had shrunk to {above.delta:.1e} at layer {above.label}, "
        sentence += "and float32 holds nothing below 1.4e-45."
        return Diagnosis(
            "vanishing", sentence, headline, row.label, row.name, cause="underflow", number=above.delta, whole=0.0,
            meaning=meaning, cure=cures.of_vanishing(row.activation),
        )
    if row.dead == 1:
        lowest = next(r for r in rows if r.dead == 1)  # above it, layers get nothing, and may be off for that alone
        return dataclasses.replace(_dead(lowest), sentence=f"{sentence} {_all_off(lowest)}", whole=0.0)
    owner = profile.rows[row.above] if row.above is not None else row
    sentence += f" What comes back through the weights of layer {owner.label} ({owner.name}) is 0."
    return Diagnosis(
        "vanishing", sentence, headline, owner.label, owner.name, alone=True, cause="weights", number=0.0,
        meaning=meaning, cure="Weights that start at 0 pass no gradient on: draw them at random.", whole=0.0,
    )


def _all_off(row: Row) -> str:
    what = "is off" if row.activation == "ReLU" else "has slope 0"
    return f"Every unit of layer {row.label} {what} for every example."


def _dead(row: Row) -> Diagnosis:
    share = 1.0 if math.isnan(row.dead) else row.dead
    sentence = f"Layer {row.label} is dead: {percent(share)} of its units have slope 0 for every example of the batch."
    return Diagnosis(
        "dead", sentence, f"Layer {row.label} is dead: {percent(share)} of its units pass no gradient", row.label,
        row.name, alone=True, cause="dead units", number=share, cure=cures.of_dead(row.activation),
        meaning="A dead unit gets no gradient, so it stays dead, and what lies below learns through the others only.",
    )


# ---------------------------------------------------------------------------------------------------------- time


def _look_through_time(profile: Profile, rows: list[Row], thresholds: Thresholds) -> list[Diagnosis]:
    found = []
    for row in profile.times:
        if len(row.carried) < 2 or not row.carried[-1] > 0:
            continue
        if row.whole < thresholds.vanished:
            found.append(_through_time(profile, row, "vanishing"))
        elif row.whole > thresholds.exploded:
            found.append(_through_time(profile, row, "exploding"))
    return found


def _through_time(profile: Profile, row: TimeRow, direction: str) -> Diagnosis:
    steps = len(row.carried)
    verb, change = ("vanishes", "divides") if direction == "vanishing" else ("explodes", "multiplies")
    each = times(row.factor if row.factor >= 1 else 1 / row.factor) if row.factor > 0 else "more than float32 holds"
    if row.whole == 0:
        amount = "nothing of it"
    else:
        amount = f"{times(1 / row.whole)} times less" if row.whole < 1 else f"{times(row.whole)} times more"
    sentence = (
        f"The gradient {verb} through time in {row.name} ({row.kind}): each of {steps} steps {change} it by {each}, so "
        f"the first step receives {amount} than the last."
    )
    cause, number, why = _why_in_time(row, direction)
    label = next((r.label for r in profile.rows if r.name == row.name.split(" ")[0]), None)
    meaning = (
        "What happened early is not learnt from: the layer learns of the last steps only." if direction == "vanishing"
        else "One long sequence can throw the weights far away."
    )
    return Diagnosis(
        direction, f"{sentence} {why}", f"The gradient {verb} through time: each step {change} it by {each}", label,
        row.name, alone=True, cause=cause, number=number, meaning=meaning, cure=cures.of_time(direction, row.kind),
        factor=row.factor, whole=row.whole,
    )


def _why_in_time(row: TimeRow, direction: str) -> tuple[str, float, str]:
    forget = row.gates.get("forget", row.gates.get("update", math.nan))
    if direction == "vanishing" and row.gates.get("state", 0) >= 0.5:
        return "saturation", row.gates["state"], f"{percent(row.gates['state'])} of its states are saturated."
    if math.isnan(row.radius):
        return "time", row.factor, ""
    text = f"The spectral radius of its recurrent weight is {row.radius:.2g}"
    text += "." if math.isnan(forget) else f"; {percent(forget)} of the gates that carry the state on are at an end."
    return "recurrent weight" if math.isnan(forget) else "gates", row.radius, text


# --------------------------------------------------------------------------------------------------------- depth


def _look_through_depth(profile: Profile, rows: list[Row], thresholds: Thresholds) -> list[Diagnosis]:
    if any(row.delta == 0 for row in rows) or (len(rows) < 2 and math.isnan(rows[0].gain)):
        return []
    whole = _milder(rows)
    extreme = _extreme_gain(rows, thresholds)
    if not thresholds.vanished <= whole <= thresholds.exploded:
        direction = "vanishing" if whole < thresholds.vanished else "exploding"
    elif extreme is not None:
        direction = "vanishing" if extreme.gain < 1 else "exploding"
    else:
        return []
    if _branches(rows) and not _weights_agree(rows, direction, thresholds):
        return []
    return [_depth(profile, rows, direction, extreme, thresholds)]


def _milder(rows: list[Row]) -> float:
    """The first layer's gradient over the last hidden one's: by RMS or by length, whichever is nearer to 1.

    The two differ where layers differ in size, and which one should stay is a matter of taste.
    """
    found = [quotient(rows[0].delta, rows[-1].delta)]
    if rows[0].norm > 0 and rows[-1].norm > 0:
        found.append(quotient(rows[0].norm, rows[-1].norm))
    if (min(found) - 1) * (max(found) - 1) <= 0:
        return 1.0
    return min(found, key=lambda ratio: abs(math.log(ratio)))


def _extreme_gain(rows: list[Row], thresholds: Thresholds) -> Row | None:
    """The layer whose own gain is out of bounds by the most, if there is one."""
    known = [row for row in rows if row.gain > 0]
    if not known:
        return None
    worst = max(known, key=lambda row: abs(math.log(row.gain)))
    return None if thresholds.vanished <= worst.gain <= thresholds.exploded else worst


def _branches(rows: list[Row]) -> bool:
    """Whether the way down parts somewhere, as in a residual network, where the gains of layers say little."""
    return any(row.above is None for row in rows[:-1]) and any(row.norm == row.norm for row in rows)


def _weights_agree(rows: list[Row], direction: str, thresholds: Thresholds) -> bool:
    """Whether the weights' own gradients shrink or grow as well: where ways part, delta alone may mislead."""
    slower = _slower(rows)
    if math.isnan(slower):
        return True
    return 1 / slower < thresholds.vanished if direction == "vanishing" else 1 / slower > thresholds.exploded


def _depth(
    profile: Profile, rows: list[Row], direction: str, extreme: Row | None, thresholds: Thresholds
) -> Diagnosis:
    first, last = rows[0], rows[-1]
    whole = quotient(first.delta, last.delta)
    factor = quotient(first.delta, last.delta, root=max(1, len(rows) - 1))
    culprit = _culprit(rows, thresholds) or (extreme if thresholds.vanished <= whole <= thresholds.exploded else None)
    row = culprit or _where_it_passes(rows, direction, thresholds)
    cause, number, owner, why = _cause(profile, rows, culprit, direction)
    named = owner if culprit is not None else row
    verb = "vanishes" if direction == "vanishing" else "explodes"
    saturated = named if named.saturated >= thresholds.saturated else row
    if cause == "slopes" and direction == "vanishing" and saturated.saturated >= thresholds.saturated:
        direction, cause, number = "saturated", "saturation", saturated.saturated
        why = f"{percent(number)} of the activations of layer {saturated.label} are within 0.05 of an end, "
        why += "where the slope is next to 0."
    sentence = f"The gradient {verb} {_where(rows, factor, whole, culprit, profile)}. {why}".strip()
    return Diagnosis(
        direction, sentence, _depth_headline(verb, factor, named if culprit is not None else None), named.label,
        named.name, alone=culprit is not None, cause=cause, number=number, meaning=_meaning(rows),
        cure=cures.of_depth(direction, cause, named.activation), factor=factor, whole=whole,
        slower=_slower(rows),
    )


def _depth_headline(verb: str, factor: float, culprit: Row | None) -> str:
    if culprit is not None:
        step = f"it is lost at layer {culprit.label}" if verb == "vanishes" else f"it blows up at layer {culprit.label}"
    elif factor < 1:
        step = f"each layer divides it by {times(1 / factor)}"
    else:
        step = f"each layer multiplies it by {times(factor)}"
    return f"The gradient {verb} on its way to the input: {step}"


def _culprit(rows: list[Row], thresholds: Thresholds) -> Row | None:
    """The row whose own gain makes up most of the change."""
    if len(rows) < 3 or rows[0].delta == rows[-1].delta:
        return None
    logs = [math.log(row.delta) for row in rows]
    shares = [(below - above) / (logs[0] - logs[-1]) for below, above in zip(logs, logs[1:])]
    worst = max(range(len(shares)), key=shares.__getitem__)
    return rows[worst] if shares[worst] >= thresholds.one_layer else None


def _where_it_passes(rows: list[Row], direction: str, thresholds: Thresholds) -> Row:
    """On the way down, the first layer whose gradient is beyond the threshold."""
    for row in reversed(rows):
        whole = quotient(row.delta, rows[-1].delta)
        if whole < thresholds.vanished if direction == "vanishing" else whole > thresholds.exploded:
            return row
    return rows[0]


def _cause(
    profile: Profile, rows: list[Row], culprit: Row | None, direction: str
) -> tuple[str, float, Row, str]:
    """(which factor of the gain does it, its number, the layer that it belongs to, in words)."""
    if culprit is None:
        cause, number, words = _cause_everywhere(profile, rows, direction)
        return cause, number, rows[0], words
    typical = {what: _median([getattr(r, what) for r in rows if r is not culprit]) for what in _FACTORS}
    off = {what: abs(_log(getattr(culprit, what)) - _log(typical[what])) for what in _FACTORS}
    if math.isnan(culprit.weight_factor):
        return "gain", culprit.gain, culprit, ""
    bends = max(off["slope"], off["alignment"]) > off["weight_factor"]
    if bends:
        usual = f" (elsewhere {typical['slope']:.2g})" if typical["slope"] > 0 else ""
        why = f"The slopes of layer {culprit.label} do it: their RMS is {culprit.slope:.2g}{usual}."
        return "slopes", culprit.slope, culprit, why
    owner = profile.rows[culprit.above] if culprit.above is not None else culprit
    usual = f" (elsewhere {typical['weight_factor']:.2g})" if typical["weight_factor"] > 0 else ""
    factor = f"{culprit.weight_factor:.2g}{usual}"
    why = f"The weights of layer {owner.label} ({owner.name}) do it: they multiply the gradient by {factor}."
    return "weights", culprit.weight_factor, owner, why


_FACTORS = ("weight_factor", "slope", "alignment")


def _contributions(profile: Profile, rows: list[Row]) -> dict[str, float]:
    """By what weights, normalisation layers and the activations' slopes each multiply the gradient, a hidden layer.

    In logarithms, along the chain from the last hidden layer to the first; empty where there is no such chain.
    """
    logs = {"weights": 0.0, "normalisation": 0.0, "slopes": 0.0}
    first, last = profile.rows.index(rows[0]), profile.rows.index(rows[-1])
    for row in profile.rows[first:last]:
        if row.above is None or not (row.weight_factor > 0 and row.slope > 0 and row.alignment > 0):
            return {}
        owner = "normalisation" if "Norm" in profile.rows[row.above].kind else "weights"
        logs[owner] += math.log(row.weight_factor)
        logs["slopes"] += math.log(row.slope) + math.log(row.alignment)
    return {cause: total / (len(rows) - 1) for cause, total in logs.items()} if last > first else {}


def _cause_everywhere(profile: Profile, rows: list[Row], direction: str) -> tuple[str, float, str]:
    """(which factor of the gain does it in all layers, its number, in words)."""
    logs = _contributions(profile, rows)
    if not logs:
        return "gain", math.nan, ""
    cause = (min if direction == "vanishing" else max)(logs, key=logs.__getitem__)
    weights, slopes = math.exp(logs["weights"]), math.exp(logs["slopes"])
    if cause == "slopes":
        number = math.exp(_mean_log(rows[:-1], "slope"))
        limit = " (a sigmoid's is at most 0.25)" if rows[0].activation == "Sigmoid" else ""
        words = f"The slopes of the activations do it: their RMS is {number:.2g}{limit}, while the weights multiply "
        return cause, number, words + f"the gradient by {weights:.2g} a layer."
    if cause == "normalisation":
        number = math.exp(logs[cause])
        words = f"The normalisation layers do it: each multiplies the gradient by {number:.2g}, the weights by "
        return cause, number, words + f"{weights:.2g} and the activations by {slopes:.2g}."
    size = "small" if direction == "vanishing" else "large"
    words = f"The weights are too {size}: they multiply it by {weights:.2g} a layer, the activations by {slopes:.2g}."
    return cause, weights, words


def _where(rows: list[Row], factor: float, whole: float, culprit: Row | None, profile: Profile) -> str:
    first, last = rows[0].label, rows[-1].label
    change = f"divides it by {times(1 / factor)}" if factor < 1 else f"multiplies it by {times(factor)}"
    in_all = f"{times(1 / whole)} times less" if whole < 1 else f"{times(whole)} times more"
    arrives = f"layer {first} receives {in_all} than layer {last}"
    if first == last and culprit is not None:
        arrives = f"it is multiplied by {culprit.gain:.2g}"
    if culprit is not None:
        i = rows.index(culprit)
        above = rows[i + 1] if i + 1 < len(rows) else profile.rows[culprit.above] if culprit.above is not None else None
        place = None if above is None else "the output" if above.label == "output" else f"layer {above.label}"
        from_where = "" if place is None else f"from {place} "
        return f"almost all in one place, on its way {from_where}to layer {culprit.label}: {arrives}"
    return f"on its way from layer {last} down to layer {first}: each layer {change}, so {arrives}"


# -------------------------------------------------------------------------------------- activations: ends, forgetting


def _look_for_saturation(profile: Profile, rows: list[Row], thresholds: Thresholds) -> list[Diagnosis]:
    """Layers of sigmoids or tanhs at their ends, but for one on top, where a classifier may be sure of itself."""
    if _branches(rows):  # where a shortcut carries the gradient past them
        return []
    at_ends = [r for r in rows if r.saturated >= thresholds.saturated and r.above is not None and _hardly_bends(r)]
    if not at_ends:
        return []
    row = at_ends[-1]
    sentence = (
        f"Layer {row.label} is saturated: {percent(row.saturated)} of its activations are within 0.05 of an end, and "
        f"the RMS of its slopes is {row.slope:.2g}."
    )
    return [Diagnosis(
        "saturated", sentence, f"Layer {row.label} is saturated: {percent(row.saturated)} of it is at an end", row.label,
        row.name, alone=len(at_ends) == 1, cause="saturation", number=row.saturated, meaning=_meaning(rows),
        cure=cures.of_depth("saturated", "saturation", row.activation),
    )]  # fmt: skip


# The largest slope of the activations that have two ends.
_LARGEST_SLOPE = {"Sigmoid": 0.25, "Tanh": 1.0}
_PASSES = 0.2


def _hardly_bends(row: Row) -> bool:
    """Whether the slopes pass less than a fifth of what they could.

    A trained layer may be at its ends and still learn, if its slopes are large just where the gradient is.
    """
    return row.slope * row.alignment < _PASSES * _LARGEST_SLOPE.get(row.activation or "", 0.0)


def _look_for_forgetting(profile: Profile, rows: list[Row], thresholds: Thresholds) -> list[Diagnosis]:
    """Units that hardly change from example to example: nothing above can tell the examples apart."""
    for row in rows:  # from the input up: the first that forgets
        if row.value_rms > 0 and row.batch_std / row.value_rms < thresholds.forgotten:
            share = row.batch_std / row.value_rms
            sentence = (
                f"Layer {row.label} has forgotten the input: over the batch its values spread by {row.batch_std:.1e}, "
                f"{percent(share)} of their size, though all its values together spread by {row.pooled_std:.1e}."
            )
            return [Diagnosis(
                "forgotten input", sentence, f"The input is forgotten at layer {row.label}", row.label, row.name,
                cause="spread over the batch", number=share, cure=cures.OF_FORGETTING,
                meaning="The network cannot tell examples apart, so it can learn no more than their mean.",
            )]  # fmt: skip
    return []


_LOOKS: tuple[Callable[[Profile, list[Row], Thresholds], list[Diagnosis]], ...] = (
    _look_for_zeros, _look_through_time, _look_through_depth, _look_for_saturation, _look_for_forgetting,
)  # fmt: skip


# --------------------------------------------------------------------------------------------------- what it means


def _slower(rows: list[Row]) -> float:
    learning = _learners(rows)
    if len(learning) < 2 or not learning[0].weight_grad or not learning[-1].weight_grad:
        return math.nan
    return quotient(learning[-1].weight_grad, learning[0].weight_grad)


def _learners(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not math.isnan(row.weight_grad)]


def _meaning(rows: list[Row]) -> str:
    """From the updates that an optimizer made, if it was watched; else from the weights' gradients, as plain SGD."""
    slower = _slower(rows)
    if math.isnan(slower):
        return ""
    first, last = _learners(rows)[0], _learners(rows)[-1]
    if first.update_ratio > 0 and last.update_ratio > 0:
        moves = f"A step moves the weights of layer {first.label} by {percent(first.update_ratio)} of their size, "
        moves += f"those of layer {last.label} by {percent(last.update_ratio)}."
        rescaled = quotient(last.update_ratio, first.update_ratio)
        if slower > 20 and rescaled < slower / 10:
            moves += f" (The rule rescales: by their gradients alone it would be {times(slower)} times slower.)"
        return moves
    if 0.8 < slower < 1.25:
        pace = "about as fast as"
    else:
        pace = f"{times(slower)} times slower than" if slower >= 1 else f"{times(1 / slower)} times faster than"
    return f"Under plain SGD layer {first.label} learns {pace} layer {last.label}."


def _median(values: list[float]) -> float:
    known = sorted(v for v in values if v > 0 and math.isfinite(v))
    return known[len(known) // 2] if known else math.nan


def _log(value: float) -> float:
    return math.log(value) if value > 0 and math.isfinite(value) else 0.0


def _mean_log(rows: list[Row], what: str) -> float:
    logs = [math.log(v) for v in (getattr(row, what) for row in rows) if v > 0 and math.isfinite(v)]
    return sum(logs) / len(logs) if logs else math.nan
