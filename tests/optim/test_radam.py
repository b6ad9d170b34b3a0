"""RAdam's first steps by hand, its rectification, and its own refusals."""

import math

import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim.radam import rectification


def test_the_first_steps_do_not_divide_by_the_mean_square():
    p = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.RAdam([p], lr=0.5, betas=(0.5, 0.999))
    p.grad = mg.tensor([8.0], dtype=mg.float64)
    optimizer.step()
    assert p.item() == pytest.approx(1 - 0.5 * 8.0, rel=1e-15)  # m = 4, corrected by 1 - 0.5
    assert optimizer.state[p]["exp_avg_sq"].item() == pytest.approx(0.064, rel=1e-13)


def test_with_the_usual_beta2_the_rectification_begins_at_the_sixth_step():
    assert [rectification(0.999, t) is None for t in range(1, 8)] == [True] * 5 + [False] * 2


def test_the_rectification_tends_to_one():
    assert rectification(0.99, 5000) == pytest.approx(1, rel=1e-12)


def test_the_rectification_by_hand():
    # beta2 = 0.75, t = 4: rho_inf = 7, rho = 7 - 8 * 0.31640625 / 0.68359375
    assert rectification(0.75, 4) is None
    rho = 7 - 20 * 0.75**10 / (1 - 0.75**10)
    assert rho > 5
    expected = math.sqrt((rho - 4) * (rho - 2) * 7 / (3 * 5 * rho))
    assert rectification(0.75, 10) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("wrong, error, message", [
    ({"eps": -1e-8}, ValueError, "RAdam: eps must not be negative"),
    ({"betas": (0.9, 1.0)}, ValueError, r"RAdam: betas\[1\] must be in \[0, 1\), got 1.0"),
    ({"decoupled_weight_decay": 1}, TypeError, "RAdam: decoupled_weight_decay must be True or False, got 1"),
])  # fmt: skip
def test_values_out_of_range(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.RAdam([mg.ones(1)], **wrong)
