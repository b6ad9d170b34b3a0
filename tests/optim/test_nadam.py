"""NAdam's first step by hand, its product of momenta, and its own refusals."""

import pytest

import minigrad as mg
from minigrad import optim


def test_the_first_step_by_hand():
    p = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    optimizer = optim.NAdam([p], lr=0.5, betas=(0.5, 0.75), eps=0.25, momentum_decay=0)
    p.grad = mg.tensor([2.0], dtype=mg.float64)
    optimizer.step()
    # mu is 0.25 throughout; m = 1, v = 1, corrected 1 / 0.25 = 4
    a, b = 0.75 / 0.75, 0.25 / (1 - 0.0625)
    assert p.item() == pytest.approx(1 - 0.5 * (a * 2 + b * 1) / (2 + 0.25), rel=1e-15)
    assert optimizer.state[p]["mu_product"].item() == 0.25


def test_the_product_of_momenta_is_of_the_betas_of_its_own_steps(torch):
    ours = mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True)
    theirs = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        optimizer, oracle = optim.NAdam([ours], lr=0.1), torch.optim.NAdam([theirs], lr=0.1, foreach=False)
        for beta1 in [0.9, 0.5, 0.95, 0.2]:
            optimizer.param_groups[0]["betas"] = oracle.param_groups[0]["betas"] = (beta1, 0.99)
            ours.grad = mg.tensor([beta1, -1.0], dtype=mg.float64)
            theirs.grad = torch.tensor([beta1, -1.0])
            optimizer.step()
            oracle.step()
    finally:
        torch.set_default_dtype(before)
    assert ours.tolist() == pytest.approx(theirs.tolist(), rel=1e-14)
    expected = oracle.state[theirs]["mu_product"].item()
    assert optimizer.state[ours]["mu_product"].item() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("wrong, error, message", [
    ({"momentum_decay": -1}, ValueError, "NAdam: momentum_decay must not be negative"),
    ({"eps": -1e-8}, ValueError, "NAdam: eps must not be negative"),
    ({"betas": (1.0, 0.9)}, ValueError, r"NAdam: betas\[0\] must be in \[0, 1\), got 1.0"),
    ({"decoupled_weight_decay": 1}, TypeError, "NAdam: decoupled_weight_decay must be True or False, got 1"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.NAdam([mg.ones(1)], **wrong)
