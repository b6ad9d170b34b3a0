"""Rules that take a parameter as a whole: where their states lie, halves, GPUs, and what they refuse to begin."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim.by_parameter import norm, rms

RULES = [optim.Adafactor, optim.Muon, optim.LAMB, optim.LARS, optim.NovoGrad, optim.SM3, optim.SGLD, optim.AggMo]


def trained(rule, dtype=np.float64, device=None, steps=3, shape=(3, 2)):
    rng = np.random.default_rng(0)
    p = mg.Tensor(rng.normal(size=shape), dtype=dtype, device=device, requires_grad=True)
    optimizer = rule([p], lr=0.125)
    for _ in range(steps):
        p.grad = mg.Tensor(rng.normal(size=shape), dtype=dtype, device=device)
        optimizer.step()
    return p, optimizer


def test_a_norm_of_numbers_whose_squares_are_zero_in_single_precision():
    small = np.full(4, 1e-30, np.float32)
    assert norm(small) == pytest.approx(2e-30, rel=1e-6)
    assert rms(small) == pytest.approx(1e-30, rel=1e-6)


def test_a_norm_of_numbers_whose_squares_are_infinite_in_single_precision():
    assert norm(np.full(4, 1e30, np.float32)) == pytest.approx(2e30, rel=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_on_a_gpu_it_does_the_same(rule, cuda):
    p, _ = trained(rule)
    q, _ = trained(rule, device=cuda)
    assert q.device.type == "cuda"
    np.testing.assert_allclose(q.detach().cpu().numpy(), p.detach().numpy(), rtol=1e-13)


@pytest.mark.parametrize("rule", RULES)
def test_halves_keep_their_states_in_single_precision(rule):
    p, optimizer = trained(rule, dtype=np.float16)
    exact, _ = trained(rule)
    assert p.array.dtype == np.float16
    assert all(state.dtype == np.float32 for name, state in optimizer.state[p].items() if name != "step")
    np.testing.assert_allclose(p.detach().numpy(), exact.detach().numpy(), rtol=0, atol=5e-3)


@pytest.mark.parametrize("rule", RULES)
def test_a_parameter_that_was_moved_takes_its_state_along(rule):
    p, optimizer = trained(rule)
    q, other = trained(rule)
    q.data = q.detach().clone()
    p.grad, q.grad = mg.Tensor(np.ones((3, 2))), mg.Tensor(np.ones((3, 2)))
    optimizer.step()
    other.step()
    assert q.tolist() == p.tolist()


@pytest.mark.parametrize("rule", RULES)
def test_a_parameter_without_elements_is_passed_over(rule):
    p, optimizer = trained(rule, shape=(0, 3))
    assert p.shape == (0, 3) and len(optimizer.state) == 1


@pytest.mark.parametrize("rule", RULES)
def test_a_nan_in_the_gradient_shows_and_warns_of_nothing(rule, recwarn):
    p, optimizer = trained(rule)
    p.grad = mg.Tensor(np.full((3, 2), np.nan))
    optimizer.step()
    assert np.isnan(p.detach().numpy()).all()
    assert not recwarn.list


@pytest.mark.parametrize("rule", RULES)
def test_a_graph_that_needs_the_old_values_notices_the_step(rule):
    p, optimizer = trained(rule)
    x = mg.Tensor(np.ones((3, 2)), requires_grad=True)
    loss = (p * x).sum()
    p.grad = mg.Tensor(np.ones((3, 2)))
    optimizer.step()
    with pytest.raises(RuntimeError, match="mul"):
        loss.backward()
