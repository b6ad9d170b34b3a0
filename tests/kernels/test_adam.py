"""adam.cu against its paper's algorithm longhand and against torch.optim.Adam and AdamW."""

import math

import numpy as np
import pytest

from minigrad.kernels import load

LR, BETA1, BETA2, EPS, DECAY = 0.02, 0.9, 0.999, 1e-8, 0.05
STEPS, SIZE = 50, 7
CASES = [
    {"maximize": maximize, "weight_decay": decay == "coupled", "decoupled": decay == "decoupled", "amsgrad": amsgrad}
    for maximize in (False, True)
    for decay in ("none", "coupled", "decoupled")
    for amsgrad in (False, True)
]


def gradients(p, step):
    """A quadratic bowl with a little noise, the same for everyone who asks for the same step; one gradient stays 0."""
    noise = np.random.default_rng(step).normal(size=SIZE)
    return np.arange(SIZE) * (p + 0.1 * noise)


def start():
    return np.linspace(-1, 1, SIZE)


def run_law(flags, dtype=np.float64):
    law = load("adam", **flags)
    p = start().astype(dtype)
    states = [np.zeros_like(p) for _ in law.updated[1:]]
    path = []
    for step in range(1, STEPS + 1):
        b1, b2 = 1 - BETA1**step, 1 - BETA2**step
        numbers = {
            "lr": LR * math.sqrt(b2) / b1,
            "c1": 1 - BETA1,
            "c2": 1 - BETA2,
            "eps": EPS * math.sqrt(b2),
            "weight_decay": DECAY,
            "decay": LR * DECAY,
        }
        law(gradients(p, step).astype(dtype), p, *states, **{name: numbers[name] for name in law.scalars})
        path.append(p.copy())
    return np.array(path)


def run_longhand(flags):
    """Algorithm 1 of Kingma & Ba line by line; with Loshchilov & Hutter's line 12 where the decay is decoupled.

    With amsgrad the largest v so far divides (Reddi, Kale & Kumar).
    """
    p = start()
    m, v, largest = np.zeros(SIZE), np.zeros(SIZE), np.zeros(SIZE)
    path = []
    for step in range(1, STEPS + 1):
        g = gradients(p, step)
        if flags["maximize"]:
            g = -g
        if flags["weight_decay"]:
            g = g + DECAY * p
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g**2
        m_hat = m / (1 - BETA1**step)
        largest = np.maximum(largest, v)
        v_hat = (largest if flags["amsgrad"] else v) / (1 - BETA2**step)
        shrunk = p - LR * DECAY * p if flags["decoupled"] else p
        p = shrunk - LR * m_hat / (np.sqrt(v_hat) + EPS)
        path.append(p)
    return np.array(path)


@pytest.mark.parametrize("flags", CASES)
def test_adam_follows_the_paper(flags):
    expected = run_longhand(flags)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(run_law(flags), expected, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(run_law(flags, np.float32), expected, rtol=0, atol=2e-5 * scale)


@pytest.mark.parametrize("flags", CASES)
def test_adam_follows_torch(flags):
    torch = pytest.importorskip("torch")
    p = torch.nn.Parameter(torch.tensor(start()))
    rule = torch.optim.AdamW if flags["decoupled"] else torch.optim.Adam
    decay = DECAY if flags["decoupled"] or flags["weight_decay"] else 0
    switches = {"maximize": flags["maximize"], "amsgrad": flags["amsgrad"]}
    optimizer = rule([p], LR, (BETA1, BETA2), EPS, weight_decay=decay, **switches)
    path = []
    for step in range(1, STEPS + 1):
        p.grad = torch.tensor(gradients(p.detach().numpy(), step))
        optimizer.step()
        path.append(p.detach().numpy().copy())
    np.testing.assert_allclose(run_law(flags), path, rtol=0, atol=1e-12 * np.abs(path).max())


def test_a_first_step_by_hand():
    # m = 0.1 g, v = 0.001 g^2; with the correction folded in, every weight moves by LR against its gradient's sign
    g, p = np.array([4.0, -0.5]), np.array([1.0, 1.0])
    m, v = np.zeros(2), np.zeros(2)
    load("adam")(g, p, m, v, lr=0.1 * math.sqrt(0.001) / 0.1, c1=0.1, c2=0.001, eps=0.0)
    np.testing.assert_allclose(m, [0.4, -0.05], rtol=1e-15)
    np.testing.assert_allclose(v, [0.016, 0.00025], rtol=1e-15)
    np.testing.assert_allclose(p, [0.9, 1.1], rtol=1e-15)


def test_adam_takes_only_what_it_needs():
    assert repr(load("adam")) == "<law adam(g | p, m, v | lr, c1, c2, eps)>"
    assert load("adam", weight_decay=True).scalars == ("lr", "c1", "c2", "eps", "weight_decay")
    assert load("adam", decoupled=True).scalars == ("lr", "c1", "c2", "eps", "decay")
    assert load("adam", amsgrad=True).updated == ("p", "m", "v", "w")
