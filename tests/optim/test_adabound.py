"""AdaBound between its bounds and at them, by hand; what final_lr follows; its own refusals."""

import pytest

from minigrad import optim
from tests.optim.by_hand import after, start


def test_the_rate_is_adams_while_it_is_within_the_bounds():
    p = start()
    optimizer = optim.AdaBound([p], lr=0.5, betas=(0.5, 0.75), final_lr=0.4, gamma=0.25, eps=0.5)
    # m = 1, v = 1; the bounds of step 1 are 0.4 * (1 - 1 / 1.25) = 0.08 and 0.4 * (1 + 4) = 2
    assert after(optimizer, p, 2.0) == [pytest.approx(1 - 0.5 * 0.5 / 0.5 / 1.5, rel=1e-15)]


@pytest.mark.parametrize("gradient, bound", [(200.0, 0.4 * (1 - 1 / 1.25)), (1e-6, 0.4 * (1 + 1 / 0.25))])
def test_the_rate_stops_at_the_bounds(gradient, bound):
    p = start()
    optimizer = optim.AdaBound([p], lr=0.5, betas=(0.5, 0.75), final_lr=0.4, gamma=0.25, eps=0.0)
    assert after(optimizer, p, gradient) == [pytest.approx(1 - bound * 0.5 * gradient, rel=1e-14)]


def test_in_the_end_it_is_sgd_with_momentum():
    p = start()
    optimizer = optim.AdaBound([p], lr=0.5, betas=(0.0, 0.9), final_lr=0.1, gamma=1e12)
    for gradient in (100.0, 1e-4, -3.0):
        before = p.item()
        assert after(optimizer, p, gradient) == [pytest.approx(before - 0.1 * gradient, rel=1e-10)]


def test_a_schedule_moves_the_final_rate_along():
    p = start()
    optimizer = optim.AdaBound([p], lr=0.5, betas=(0.0, 0.9), final_lr=0.1, gamma=1e12)
    assert optimizer.param_groups[0]["base_lr"] == 0.5
    optimizer.param_groups[0]["lr"] = 0.25
    assert after(optimizer, p, 2.0) == [pytest.approx(1 - 0.05 * 2.0, rel=1e-10)]


def test_each_group_has_the_base_rate_that_it_came_with():
    optimizer = optim.AdaBound([{"params": [start()], "lr": 0.25}, {"params": [start()], "base_lr": 2.0}], lr=0.5)
    optimizer.add_param_group({"params": [start()]})
    assert [group["base_lr"] for group in optimizer.param_groups] == [0.25, 2.0, 0.5]


def test_a_rate_of_zero_moves_nothing():
    p = start()
    assert after(optim.AdaBound([p], lr=0.0, base_lr=0.1), p, *[1.0] * 20) == [1.0] * 20


def test_a_base_rate_of_zero_is_refused():
    """final_lr grows with lr / base_lr: a warm-up from 0 says what it leads to."""
    with pytest.raises(ValueError, match="AdaBound: base_lr is 0.*give the base_lr that it leads to"):
        optim.AdaBound([start()], lr=0.0)
    with pytest.raises(ValueError, match="AMSBound: base_lr is 0"):
        optim.AMSBound([start()], base_lr=0.0)


def test_amsbound_remembers_the_largest_square():
    p = start()
    optimizer = optim.AMSBound([p], lr=0.5, betas=(0.0, 0.0), final_lr=1.0, gamma=1e-9, eps=0.0)
    first, second = after(optimizer, p, 4.0, 1.0)
    assert first == pytest.approx(1 - 0.5, rel=1e-7)
    assert second == pytest.approx(first - 0.5 / 4, rel=1e-7)
    assert optimizer.state[p]["max_exp_avg_sq"].tolist() == [16.0]


@pytest.mark.parametrize("wrong, error, message", [
    ({"final_lr": -1}, ValueError, "AdaBound: final_lr must not be negative"),
    ({"gamma": 0}, ValueError, "AdaBound: gamma must be above 0"),
    ({"betas": (0.9, 1.0)}, ValueError, r"AdaBound: betas\[1\] must be in"),
    ({"amsbound": 1}, TypeError, "AdaBound: amsbound must be True or False"),
    ({"base_lr": "x"}, TypeError, "AdaBound: base_lr must be a number"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.AdaBound([start()], **wrong)
    with pytest.raises(ValueError, match="AMSBound: amsbound must be True"):
        optim.AMSBound([{"params": [start()], "amsbound": False}])
