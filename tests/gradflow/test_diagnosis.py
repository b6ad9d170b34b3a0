"""The diagnosis of profiles made by hand, where every factor is known."""
import math

import pytest

from minigrad import gradflow
from minigrad.gradflow.diagnosis import Thresholds, diagnose
from minigrad.gradflow.numbers import percent, times
from minigrad.gradflow.profile import Birth, Profile, Row

VANISHED, EXPLODED = Thresholds().vanished, Thresholds().exploded

NAN = math.nan


def stack(deltas, weight_grads=None, saturated=NAN, activation="Sigmoid", dead=NAN, **options):
    """Layers with these RMS, input first, and an output layer on top, whose own numbers must not count."""
    weight_grads = deltas if weight_grads is None else weight_grads
    numbers = enumerate(zip(deltas, weight_grads), start=1)
    rows = [Row(str(i), f"l{i}", activation, d, w, NAN, saturated, dead=dead) for i, (d, w) in numbers]
    return Profile((*rows, Row("output", "out", None, 123.0, 456.0, NAN, NAN)), (1,), **options)


def test_vanishing_names_way_factor_and_pace():
    deltas = [1e-3 * 0.25 ** (20 - i) for i in range(1, 21)]
    weight_grads = [3e-2 * 0.5 ** (20 - i) for i in range(1, 21)]
    v = diagnose(stack(deltas, weight_grads))
    assert v.direction == "vanishing"
    assert v.factor == pytest.approx(0.25, rel=1e-12)
    assert v.whole == pytest.approx(0.25**19, rel=1e-12)
    assert v.slower == pytest.approx(2.0**19, rel=1e-12)
    assert (v.layer, v.name, v.alone) == ("17", "l17", False)  # 0.25 ** 3 is the first below a twentieth
    assert v.sentence == (
        "The gradient vanishes on its way from layer 20 down to layer 1: each layer divides it by 4, so layer 1 "
        "receives 2.7e+11 times less than layer 20."
    )
    assert v.meaning == "Under plain SGD layer 1 learns 5.2e+05 times slower than layer 20."
    assert v.headline == "The gradient vanishes on its way to the input: each layer divides it by 4"
    assert str(v) == f"{v.sentence} {v.meaning} {v.cure}"


def test_exploding():
    v = diagnose(stack([2.0 ** (10 - i) for i in range(1, 11)], [3.0 ** (10 - i) for i in range(1, 11)]))
    assert (v.direction, v.layer, v.alone) == ("exploding", "3", False)  # 2 ** 7 is the first above 100
    assert v.factor == pytest.approx(2, rel=1e-12)
    assert "explodes on its way from layer 10 down to layer 1: each layer multiplies it by 2," in v.sentence
    assert "layer 1 receives 512 times more than layer 10" in v.sentence
    assert "layer 1 learns 2.0e+04 times faster than layer 10." in v.meaning
    assert v.slower == pytest.approx(3.0**-9, rel=1e-12)


@pytest.mark.parametrize("whole, direction", [
    (VANISHED * 1.01, "healthy"), (VANISHED * 0.99, "vanishing"), (1.0, "healthy"),
    (EXPLODED * 0.99, "healthy"), (EXPLODED * 1.01, "exploding"),
])
def test_thresholds_are_a_twentieth_and_a_hundred_in_the_whole(whole, direction):
    assert VANISHED == pytest.approx(0.0498, rel=1e-3)
    assert EXPLODED == 100
    assert diagnose(stack([whole ** ((10 - i) / 9) for i in range(1, 11)])).direction == direction


def test_a_gentle_loss_over_few_layers_is_healthy():
    v = diagnose(stack([0.25**2, 0.25, 1.0]))
    assert v.direction == "healthy"
    assert "(layer 1 receives 6% of what layer 3 does, 25% from each to the next)" in v.sentence


def test_one_bad_layer_is_named():
    deltas = [1e-4, 1.1e-4, 1e-4, 1.0, 0.9, 1.0]
    v = diagnose(stack(deltas))
    assert (v.direction, v.layer, v.alone) == ("vanishing", "3", True)
    assert v.headline == "The gradient vanishes on its way to the input: it is lost at layer 3"
    assert "from layer 4 to layer 3" in v.sentence
    assert diagnose(stack(deltas[::-1])).layer == "3"


def test_exact_zeros_say_from_where():
    v = diagnose(stack([0.0, 0.0, 1e-3, 1e-3], dead=1.0, activation="ReLU"))
    assert (v.direction, v.layer, v.number) == ("dead", "1", 1.0)
    assert v.sentence == (
        "The gradient is exactly 0 from layer 2 down to layer 1. Every unit of layer 1 is off for every example."
    )


def test_zeros_below_a_gradient_at_the_floor_of_float32_are_underflow():
    v = diagnose(stack([0.0, 0.0, 3e-44, 1e-20]))
    assert (v.direction, v.cause) == ("vanishing", "underflow")
    assert "It had shrunk to 3.0e-44 at layer 3, and float32 holds nothing below 1.4e-45." in v.sentence


def test_a_gradient_of_1e_30_is_not_dead():
    assert diagnose(stack([1e-30, 1e-20, 1e-10])).direction == "vanishing"
    assert diagnose(stack([1e-30, 1e-30, 1e-30])).direction == "healthy"


def test_all_zero_is_the_loss():
    rows = tuple(Row(str(i), "", "Tanh", 0.0, 0.0) for i in (1, 2))
    v = diagnose(Profile(rows, (1,)))
    assert (v.direction, v.cause) == ("no gradient", "loss") and "the loss itself has none" in v.sentence


def test_weights_of_zero_are_named():
    rows = (Row("1", "a", "Tanh", 0.0, 0.0, 0.0, 0.0, above=1), Row("2", "b", "Tanh", 1.0, 1.0, 1.0, 0.0, above=2),
            Row("output", "c", None, 1.0, 1.0))  # fmt: skip
    v = diagnose(Profile(rows, (1,)))
    assert (v.direction, v.layer, v.name, v.cause) == ("vanishing", "2", "b", "weights")
    assert "What comes back through the weights of layer 2 (b) is 0." in v.sentence


@pytest.mark.parametrize("where, words", [
    ("backward", "first in the backward pass, at layer 2 (l2)"), ("forward", "first in the forward pass, at layer 2 (l2)"),
    ("weights", "first in the weights of layer 2 (l2)"), ("input", "first in what layer 2 (l2) takes"),
])
def test_not_finite_names_step_layer_and_where(where, words):
    v = diagnose(stack([1.0, 1.0], broken=Birth(37, "2", where)))
    assert (v.direction, v.layer, v.name, v.cause, v.number) == ("not finite", "2", "l2", where, 37)
    assert "At training step 37 numbers stopped being finite" in v.sentence and words in v.sentence
    assert "at the output" in diagnose(stack([1.0], broken=Birth(1, "output", where))).headline


def chain(gains, **columns):
    """Layers whose gradients follow from these gains, input first, and an output; further columns by name."""
    deltas = [math.prod(gains[i:]) for i in range(len(gains))]
    rows = [
        Row(str(i + 1), f"l{i + 1}", "Tanh", d, d, gain, above=i + 1, norm=d, **{k: v[i] for k, v in columns.items()})
        for i, (d, gain) in enumerate(zip(deltas, gains))
    ]
    return Profile((*rows, Row("output", "out", None, 1.0, 1.0)), (1,))


def test_the_factor_that_does_it_is_named():
    ones = [1.0] * 5
    of = lambda **factors: diagnose(chain([0.1] * 5, **{"alignment": ones, **factors}))
    weights, slopes = of(weight_factor=[0.1] * 5, slope=ones), of(weight_factor=ones, slope=[0.1] * 5)
    assert (weights.cause, weights.number) == ("weights", pytest.approx(0.1))
    assert "The weights are too small: they multiply it by 0.1 a layer, the activations by 1." in weights.sentence
    assert (slopes.cause, slopes.number) == ("slopes", pytest.approx(0.1))
    assert "their RMS is 0.1" in slopes.sentence and "larger weights" in weights.cure


def test_a_layer_alone_is_named_by_the_owner_of_the_factor():
    gains = [1.0, 1.0, 1e-3, 1.0, 1.0]
    ones = [1.0] * 5
    of = lambda **factors: diagnose(chain(gains, **{"alignment": ones, **factors}))
    weights, slopes = of(weight_factor=gains, slope=ones), of(weight_factor=ones, slope=gains)
    assert (weights.layer, weights.cause, weights.alone) == ("4", "weights", True)  # W of layer 4 brings it down to 3
    assert (slopes.layer, slopes.cause, slopes.alone) == ("3", "slopes", True)
    assert "The weights of layer 4 (l4) do it: they multiply the gradient by 0.001 (elsewhere 1)." in weights.sentence


def test_saturation_is_the_cause_where_slopes_are_at_their_ends():
    gains = [1e-3, 1.0, 1.0, 1.0]
    v = diagnose(chain(gains, weight_factor=[1.0] * 4, slope=gains, alignment=[1.0] * 4, saturated=[0.99, 0.1, 0.1, 0.1]))
    assert (v.direction, v.layer, v.number) == ("saturated", "1", 0.99)

    def at_its_ends(slope, alignment=1.0):
        weights, slopes = [1.0, 1 / slope / alignment, 1.0, 1.0], [1.0, slope, 1.0, 1.0]
        columns = {"weight_factor": weights, "slope": slopes, "alignment": [1.0, alignment, 1.0, 1.0]}
        return chain([1.0] * 4, saturated=[0.1, 0.8, 0.1, 0.1], **columns)

    v = diagnose(at_its_ends(0.1))
    assert (v.direction, v.layer) == ("saturated", "2")
    assert diagnose(at_its_ends(0.1), Thresholds(saturated=0.9)).healthy
    assert diagnose(at_its_ends(0.1, alignment=2.5)).healthy  # large where the gradient is: it still learns


def test_an_input_that_is_forgotten():
    of = lambda spread: chain([1.0] * 3, batch_std=[1.0, spread, spread], value_rms=[1.0, 0.5, 0.5], pooled_std=[1.0, 0.4, 0.4])
    v = diagnose(of(4e-4))
    assert (v.direction, v.layer, v.number) == ("forgotten input", "2", pytest.approx(8e-4))
    assert diagnose(of(6e-4)).healthy
    assert diagnose(of(6e-4), Thresholds(forgotten=0.01)).direction == "forgotten input"


def test_of_several_dead_layers_the_lowest_is_at_fault():
    v = diagnose(chain([1.0] * 4, dead=[0.1, 0.95, 0.95, 0.2]))
    assert (v.direction, v.layer, v.number) == ("dead", "2", 0.95)
    assert diagnose(chain([1.0] * 4, dead=[0.1, 0.89, 0.89, 0.2])).healthy


@pytest.mark.parametrize("weight_grads, direction", [([0.5, 1.0, 1.0], "healthy"), ([1e-3, 1.0, 1.0], "vanishing")])
def test_where_ways_part_the_weights_must_agree(weight_grads, direction):
    """A residual net: its first layer's delta is small, for it is a sum over few; its weights' gradient need not be."""
    deltas = [1e-3, 1.0, 1.0]
    rows = [Row(str(i), f"l{i}", "Tanh", d, w, norm=d) for i, (d, w) in enumerate(zip(deltas, weight_grads), start=1)]
    assert diagnose(Profile((*rows, Row("output", "out", None, 1.0, 1.0)), (1,))).direction == direction
    grown = [Row(r.label, r.name, "Tanh", 1 / r.delta, 1 / r.weight_grad, norm=1 / r.norm) for r in rows]
    found = diagnose(Profile((*grown, Row("output", "out", None, 1.0, 1.0)), (1,)))
    assert found.direction == {"healthy": "healthy", "vanishing": "exploding"}[direction]


def test_what_else_was_found_follows():
    v = diagnose(chain([0.1] * 4, batch_std=[1.0, 1e-9, 1e-9, 1e-9], value_rms=[1.0] * 4, pooled_std=[1.0] * 4))
    assert v.direction == "vanishing" and len(v.also) == 1
    assert v.also[0].startswith("Besides, layer 2 has forgotten the input") and v.also[0] in str(v)


def test_as_data():
    v = diagnose(chain([0.1] * 4))
    data = v.as_dict()
    assert data["direction"] == "vanishing" and data["factor"] == pytest.approx(0.1) and data["steps"] == [1]
    assert data["number"] is None  # no factors were given, so it is unknown
    __import__("json").dumps(data, allow_nan=False)


@pytest.mark.parametrize("options, message", [
    ({"dead": 0}, "dead must be a number above 0"), ({"forgotten": "x"}, "forgotten must be"),
    ({"vanished": 2.0}, "vanished must be below 1"), ({"saturated": True}, "saturated must be"),
])
def test_thresholds_refuse(options, message):
    with pytest.raises(ValueError, match=message):
        gradflow.Thresholds(**options)


def test_the_updates_take_the_place_of_gradients_where_they_are_known():
    v = diagnose(chain([0.1] * 6, update_ratio=[1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 2e-3]))
    assert v.meaning.startswith("A step moves the weights of layer 1 by 0.1% of their size, those of layer 6 by 0.2%.")
    assert "by their gradients alone it would be 1.0e+05 times slower" in v.meaning


def test_layers_without_gradient_are_said_and_left_out():
    v = diagnose(stack([NAN, NAN, 0.5, 1.0], [NAN, NAN, 0.25, 1.0]))
    assert v.direction == "healthy"
    assert v.slower == pytest.approx(4, rel=1e-12)
    assert v.sentence.startswith("Layers 1, 2 get no gradient (frozen, or not part of the loss). Healthy")
    assert "layer 3 learns 4 times slower than layer 4" in v.meaning


def test_a_frozen_weight_does_not_enter_the_pace():
    v = diagnose(stack([0.5, 0.5, 1.0], [NAN, 0.2, 1.0]))
    assert v.slower == pytest.approx(5, rel=1e-12)
    assert "layer 2 learns 5 times slower than layer 3" in v.meaning


@pytest.mark.parametrize("deltas", [[5e-324, 1e300], [1e300, 5e-324], [5e-324, 1.0, 1e300]])
def test_numbers_at_the_ends_of_what_a_float_holds(deltas):
    v = diagnose(stack(deltas))
    assert v.direction == ("vanishing" if deltas[0] < 1 else "exploding")
    assert math.isfinite(v.whole) and v.whole > 0


def test_a_weight_gradient_of_zero_has_no_pace():
    """As of a layer whose input is 0."""
    v = diagnose(stack([1.0, 1.0], [0.0, 1.0]))
    assert math.isnan(v.slower) and "SGD" not in str(v)


def test_equal_paces_are_not_called_slower():
    assert "layer 1 learns about as fast as layer 3." in diagnose(stack([1.0, 1.0, 1.0], [1.0, 5.0, 1.2])).meaning


def test_nothing_at_all_and_one_layer():
    assert diagnose(stack([NAN, NAN])).direction == "no gradient"
    one = diagnose(stack([1.0]))
    assert one.direction == "healthy" and "no depth" in one.sentence
    assert math.isnan(one.factor)


def test_without_activations_every_layer_counts():
    rows = tuple(Row(str(i), str(i), None, 10.0**i, 10.0**i, NAN, NAN) for i in range(1, 5))
    v = diagnose(Profile(rows, (1,)))
    assert v.direction == "vanishing"
    assert v.factor == pytest.approx(0.1, rel=1e-12)


def test_numbers_for_people():
    assert [times(x) for x in (1.0, 4.16, 9.96, 62.7, 1300.0, 4.13e12)] == ["1", "4.16", "10", "63", "1,300", "4.1e+12"]
    assert [percent(x) for x in (1.2, 0.244, 0.0071, 2.7e-13)] == ["120%", "24%", "0.71%", "2.7e-11%"]
