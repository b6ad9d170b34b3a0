"""The noise of SGLD: its moments, that no two draws share it, and the density that it walks through."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def noises(steps, *sizes, dtype=mg.float64, **settings):
    """What moves parameters that have no gradient to follow, over sqrt(2 lr), by step."""
    params = [mg.zeros(n, dtype=dtype, requires_grad=True) for n in sizes]
    optimizer = optim.SGLD(params, lr=0.5, **settings)
    found = []
    for _ in range(steps):
        before = [p.array.copy() for p in params]
        for p in params:
            p.grad = mg.zeros(*p.shape, dtype=dtype)
        optimizer.step()
        found.append([p.array - b for p, b in zip(params, before)])
    return found


def test_the_noise_is_standard_normal():
    ((noise,),) = noises(1, 40_000)
    assert abs(noise.mean()) < 4 / 200
    assert abs(noise.var() - 1) < 4 * np.sqrt(2 / 40_000)
    assert abs((noise**3).mean()) < 4 * np.sqrt(15 / 40_000)
    assert abs((noise**4).mean() - 3) < 4 * np.sqrt(96 / 40_000)


def test_steps_parameters_and_seeds_have_noise_of_their_own():
    (a, b), (c, d) = noises(2, 10_000, 10_000)
    ((e,),) = noises(1, 10_000, seed=1)
    for one, other in [(a, b), (a, c), (b, c), (a, d), (a, e)]:
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / 100


def test_the_temperature_scales_its_variance():
    ((warm,),), ((hot,),) = noises(1, 100), noises(1, 100, temperature=4.0)
    np.testing.assert_allclose(hot, 2 * warm, rtol=1e-14)
    ((cold,),) = noises(1, 100, temperature=0.0)
    assert not cold.any()


def test_the_noise_does_not_depend_on_neighbours_groups_or_dtype():
    (_, alone), = noises(1, 3, 50)
    p, q = mg.zeros(3, requires_grad=True), mg.zeros(50, requires_grad=True)
    optimizer = optim.SGLD([{"params": [p]}, {"params": [q]}], lr=0.5)
    q.grad = mg.zeros(50)
    optimizer.step()
    np.testing.assert_allclose(q.array, alone, rtol=1e-6)
    assert not p.array.any()


def test_on_a_quadratic_loss_it_samples_the_normal_density():
    """p has variance 1 / (c (1 - lr c / 2)) for the loss c p^2 / 2 of a discrete chain at temperature 1."""
    c, lr = 4.0, 0.05
    p = mg.zeros(20_000, dtype=mg.float64, requires_grad=True)
    optimizer = optim.SGLD([p], lr=lr)
    for _ in range(60):  # the start is forgotten by 0.8^60
        p.grad = mg.Tensor(c * p.array)
        optimizer.step()
    expected = 1 / (c * (1 - lr * c / 2))
    assert p.array.var() == pytest.approx(expected, rel=4 * np.sqrt(2 / 20_000))
    assert abs(p.array.mean()) < 4 * np.sqrt(expected / 20_000)


@pytest.mark.parametrize("wrong, error, message", [
    ({"temperature": -1}, ValueError, "SGLD: temperature must not be negative"),
    ({"seed": 0.5}, TypeError, "SGLD: seed must be a whole number, got 0.5"),
    ({"seed": -1}, ValueError, "SGLD: seed must be at least 0, got -1"),
])  # fmt: skip
def test_values_that_are_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        optim.SGLD([mg.ones(1, requires_grad=True)], **wrong)
