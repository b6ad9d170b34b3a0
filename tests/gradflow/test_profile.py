"""Summing up steps of known readings."""
import math

import pytest

from minigrad.gradflow.profile import layer_labels, profile
from minigrad.gradflow.record import Layer, Reading, Record as Flow

NAN = math.nan


def layers(frozen=False):
    return [Layer("0", "Linear", "Sigmoid", True, frozen, above=1), Layer("2", "Linear", None, True)]


def flow_of(*steps):
    """Steps of ((delta norm, size, weight gradient's norm, size, saturated) for each of two layers)."""
    flow = Flow()
    for number, readings in enumerate(steps, start=1):
        flow.add(10 * number, layers(), [Reading(*reading) for reading in readings])
    return flow


def test_all_steps_are_one_batch():
    flow = flow_of(((3.0, 9, 6.0, 4, 0.5), (8.0, 4, 1.0, 2, NAN)), ((4.0, 16, 8.0, 4, 1.0), (6.0, 4, 1.0, 2, NAN)))
    lower, upper = profile(flow).rows
    assert lower.delta == pytest.approx(5 / math.sqrt(25), rel=1e-15)
    assert lower.weight_grad == pytest.approx(10 / math.sqrt(8), rel=1e-15)
    assert lower.gain == pytest.approx(5 / 10, rel=1e-15)
    assert lower.saturated == 0.75
    assert upper.delta == pytest.approx(10 / math.sqrt(8), rel=1e-15)
    assert math.isnan(upper.gain) and math.isnan(upper.saturated)
    assert profile(flow).steps == (10, 20)


def test_one_step():
    flow = flow_of(((3.0, 9, 6.0, 4, 0.5), (8.0, 4, 1.0, 2, NAN)), ((4.0, 16, 8.0, 4, 1.0), (6.0, 4, 1.0, 2, NAN)))
    lower = profile(flow, step=20).rows[0]
    assert (lower.delta, lower.weight_grad, lower.saturated) == (1.0, 4.0, 1.0)
    assert lower.gain == pytest.approx(4 / 6, rel=1e-15)
    with pytest.raises(ValueError, match="step 3 was not recorded; the recorded steps are 10, 20"):
        profile(flow, step=3)


def test_a_step_without_a_gradient_counts_for_no_layer():
    """The gain is over the steps in which both layers had one."""
    flow = flow_of(((NAN, 0, NAN, 0, 0.5), (8.0, 4, 1.0, 2, NAN)), ((3.0, 9, 6.0, 4, 0.5), (6.0, 4, 1.0, 2, NAN)))
    lower, upper = profile(flow).rows
    assert (lower.delta, lower.gain, lower.note) == (1.0, 0.5, "")
    assert upper.delta == pytest.approx(10 / math.sqrt(8), rel=1e-15)


def test_huge_and_tiny_norms_are_pooled_safely():
    above = (1.0, 1, 1.0, 1, NAN)
    flow = flow_of(((3e-200, 1, 3e200, 1, 0.0), above), ((4e-200, 1, 4e200, 1, 0.0), above))
    lower = profile(flow).rows[0]
    assert lower.delta == pytest.approx(5e-200 / math.sqrt(2), rel=1e-14)
    assert lower.weight_grad == pytest.approx(5e200 / math.sqrt(2), rel=1e-14)


def test_a_gradient_of_zero_over_zero_has_no_gain():
    lower, _upper = profile(flow_of(((0.0, 4, 0.0, 4, 0.0), (0.0, 4, 0.0, 4, NAN)))).rows
    assert math.isnan(lower.gain)
    assert (lower.delta, lower.note) == (0.0, "exactly 0")


def test_a_layer_first_seen_later_gets_a_column_of_its_own():
    flow = Flow()
    a, b = Layer("a", "Linear", "Tanh", True), Layer("b", "Linear", "Tanh", True, above=1)
    flow.add(1, [a], [Reading(2.0, 4)])
    flow.add(2, [b, a], [Reading(9.0, 9), Reading(4.0, 4)])
    assert [layer.name for layer in flow.layers] == ["a", "b"]
    assert flow.layers[1].above == 0
    assert flow.delta_rms[1].tolist() == [2.0, 3.0]
    assert flow.delta_rms[0, 0] == 1.0 and math.isnan(flow.delta_rms[0, 1])
    assert flow.gain[1, 1] == 9 / 4


def test_labels():
    assert layer_labels(layers()) == ["1", "output"]
    assert layer_labels([Layer("a", "Linear"), Layer("b", "Linear")]) == ["1", "2"]
    assert layer_labels([Layer("a", "Linear", "ReLU")]) == ["1"]


def test_nothing_recorded():
    with pytest.raises(ValueError, match="nothing was recorded"):
        profile(Flow())
