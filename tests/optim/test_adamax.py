"""AdaMax by hand, and its own refusals."""

import pytest

import minigrad as mg
from minigrad import optim


def test_two_steps_by_hand():
    p = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.Adamax([p], lr=0.5, betas=(0.5, 0.75), eps=0.25)
    p.grad = mg.tensor([-4.0], dtype=mg.float64)
    optimizer.step()
    # m = -2, u = 4.25; corrected by 1 - 0.5
    first = 1 - 0.5 / 0.5 * -2 / 4.25
    assert p.item() == pytest.approx(first, rel=1e-15)
    p.grad = mg.tensor([1.0], dtype=mg.float64)
    optimizer.step()
    # m = -1 + 0.5, u = max(3.1875, 1.25); corrected by 1 - 0.25
    assert p.item() == pytest.approx(first - 0.5 / 0.75 * -0.5 / 3.1875, rel=1e-15)
    assert optimizer.state[p]["exp_inf"].tolist() == [3.1875]


@pytest.mark.parametrize("wrong, message", [
    ({"eps": -1e-8}, "Adamax: eps must not be negative"),
    ({"weight_decay": -1}, "Adamax: weight_decay must not be negative"),
    ({"betas": (0.9, 1.0)}, r"Adamax: betas\[1\] must be in \[0, 1\), got 1.0"),
])  # fmt: skip
def test_values_out_of_range(wrong, message):
    with pytest.raises(ValueError, match=message):
        optim.Adamax([mg.ones(1)], **wrong)
