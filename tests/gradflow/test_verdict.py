"""The verdict on profiles made by hand, where every factor is known."""
import math

import pytest

from minigrad.gradflow.profile import Profile, Row
from minigrad.gradflow.verdict import EXPLODED, VANISHED, percent, times, verdict

NAN = math.nan


def stack(deltas, weight_grads=None, saturated=NAN, activation="Sigmoid", **options):
    """Layers with these RMS, input first, and an output layer on top, whose own numbers must not count."""
    weight_grads = deltas if weight_grads is None else weight_grads
    numbers = enumerate(zip(deltas, weight_grads), start=1)
    rows = [Row(str(i), "", activation, delta, weight_grad, NAN, saturated) for i, (delta, weight_grad) in numbers]
    return Profile((*rows, Row("output", "out", None, 123.0, 456.0, NAN, NAN)), (1,), **options)


def test_vanishing_names_way_factor_and_pace():
    deltas = [1e-3 * 0.25 ** (20 - i) for i in range(1, 21)]
    weight_grads = [3e-2 * 0.5 ** (20 - i) for i in range(1, 21)]
    v = verdict(stack(deltas, weight_grads))
    assert v.direction == "vanishing"
    assert v.factor == pytest.approx(0.25, rel=1e-12)
    assert v.whole == pytest.approx(0.25**19, rel=1e-12)
    assert v.slower == pytest.approx(2.0**19, rel=1e-12)
    assert v.layer is None
    assert str(v) == (
        "The gradient vanishes on its way from layer 20 down to layer 1: each layer divides it by 4, so layer 1 "
        "receives 2.7e+11 times less than layer 20. Under plain SGD layer 1 learns 5.2e+05 times slower than layer 20."
    )


def test_exploding():
    v = verdict(stack([2.0 ** (10 - i) for i in range(1, 11)], [3.0 ** (10 - i) for i in range(1, 11)]))
    assert (v.direction, v.layer) == ("exploding", None)
    assert v.factor == pytest.approx(2, rel=1e-12)
    assert "explodes on its way from layer 10 down to layer 1: each layer multiplies it by 2," in v.sentence
    assert "layer 1 receives 512 times more than layer 10" in v.sentence
    assert "layer 1 learns 2.0e+04 times faster than layer 10." in v.sentence
    assert v.slower == pytest.approx(3.0**-9, rel=1e-12)


@pytest.mark.parametrize("whole, direction", [
    (VANISHED * 1.01, "healthy"), (VANISHED * 0.99, "vanishing"), (1.0, "healthy"),
    (EXPLODED * 0.99, "healthy"), (EXPLODED * 1.01, "exploding"),
])
def test_thresholds_are_a_twentieth_and_twenty_in_the_whole(whole, direction):
    assert VANISHED == pytest.approx(0.0498, rel=1e-3)
    assert EXPLODED == pytest.approx(20.09, rel=1e-3)
    assert verdict(stack([whole ** ((10 - i) / 9) for i in range(1, 11)])).direction == direction


def test_a_gentle_loss_over_few_layers_is_healthy():
    v = verdict(stack([0.25**2, 0.25, 1.0]))
    assert v.direction == "healthy"
    assert "(layer 1 receives 6% of what layer 3 does, 25% from each to the next)" in v.sentence


def test_one_bad_layer_is_named():
    deltas = [1e-4, 1.1e-4, 1e-4, 1.0, 0.9, 1.0]
    v = verdict(stack(deltas))
    assert (v.direction, v.layer) == ("vanishing", "3")
    assert "from layer 4 to layer 3" in v.sentence
    assert verdict(stack(deltas[::-1])).layer == "3"


def test_exact_zeros_say_from_where():
    v = verdict(stack([0.0, 0.0, 1e-3, 1e-3], saturated=1.0, activation="ReLU"))
    assert (v.direction, v.layer) == ("zero", "2")
    assert v.sentence == (
        "The gradient is exactly 0 from layer 2 down to layer 1: nothing is learnt there. "
        "Every unit of layer 2 is off for every example."
    )


def test_zeros_below_a_gradient_at_the_floor_of_float32_are_underflow():
    v = verdict(stack([0.0, 0.0, 3e-44, 1e-20]))
    assert v.direction == "zero"
    assert "It had shrunk to 3.0e-44 at layer 3, and float32 holds nothing below 1.4e-45." in v.sentence


def test_all_zero():
    assert "from layer 3 down to layer 1" in verdict(stack([0.0, 0.0, 0.0])).sentence


def test_not_finite_names_step_and_layer():
    v = verdict(stack([1.0, 1.0], broken=(37, "5")))
    assert (v.direction, v.layer) == ("not finite", "5")
    assert "at step 37, first at layer 5" in v.sentence
    assert "first at the output" in verdict(stack([1.0], broken=(1, "output"))).sentence


def test_layers_without_gradient_are_said_and_left_out():
    v = verdict(stack([NAN, NAN, 0.5, 1.0], [NAN, NAN, 0.25, 1.0]))
    assert v.direction == "healthy"
    assert v.slower == pytest.approx(4, rel=1e-12)
    assert v.sentence.startswith("Layers 1, 2 get no gradient (frozen, or not part of the loss). Healthy")
    assert "layer 3 learns 4 times slower than layer 4" in v.sentence


def test_a_frozen_weight_does_not_enter_the_pace():
    v = verdict(stack([0.5, 0.5, 1.0], [NAN, 0.2, 1.0]))
    assert v.slower == pytest.approx(5, rel=1e-12)
    assert "layer 2 learns 5 times slower than layer 3" in v.sentence


@pytest.mark.parametrize("deltas", [[5e-324, 1e300], [1e300, 5e-324], [5e-324, 1.0, 1e300]])
def test_numbers_at_the_ends_of_what_a_float_holds(deltas):
    v = verdict(stack(deltas))
    assert v.direction == ("vanishing" if deltas[0] < 1 else "exploding")
    assert math.isfinite(v.whole) and v.whole > 0


def test_a_weight_gradient_of_zero_has_no_pace():
    """As of a layer whose input is 0."""
    v = verdict(stack([1.0, 1.0], [0.0, 1.0]))
    assert math.isnan(v.slower) and "SGD" not in v.sentence


def test_equal_paces_are_not_called_slower():
    assert "layer 1 learns about as fast as layer 3." in verdict(stack([1.0, 1.0, 1.0], [1.0, 5.0, 1.2])).sentence


def test_nothing_at_all_and_one_layer():
    assert verdict(stack([NAN, NAN])).direction == "no gradient"
    one = verdict(stack([1.0]))
    assert one.direction == "healthy" and "no depth" in one.sentence
    assert math.isnan(one.factor)


def test_without_activations_every_layer_counts():
    rows = tuple(Row(str(i), str(i), None, 10.0**i, 10.0**i, NAN, NAN) for i in range(1, 5))
    v = verdict(Profile(rows, (1,)))
    assert v.direction == "vanishing"
    assert v.factor == pytest.approx(0.1, rel=1e-12)


def test_numbers_for_people():
    assert [times(x) for x in (1.0, 4.16, 9.96, 62.7, 1300.0, 4.13e12)] == ["1", "4.16", "10", "63", "1,300", "4.1e+12"]
    assert [percent(x) for x in (1.2, 0.244, 0.0071, 2.7e-13)] == ["120%", "24%", "0.71%", "2.7e-11%"]
