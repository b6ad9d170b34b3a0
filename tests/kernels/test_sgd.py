"""sgd.cu against its formula longhand and against torch.optim.SGD."""

import itertools

import numpy as np
import pytest

from minigrad.kernels import load

LR, DECAY, MOMENTUM, DAMPENING = 0.05, 0.01, 0.9, 0.3
STEPS, SIZE = 50, 7
NUMBERS = {"lr": LR, "weight_decay": DECAY, "momentum": MOMENTUM, "fresh": 1 - DAMPENING}

# (weight_decay, momentum, dampening, nesterov, maximize); PyTorch allows nesterov only with momentum and no dampening
CASES = [
    case
    for case in itertools.product([False, True], repeat=5)
    if (case[1] or not (case[2] or case[3])) and not (case[2] and case[3])
]


def gradients(p, step):
    """A quadratic bowl with a little noise, the same for everyone who asks for the same step."""
    noise = np.random.default_rng(step).normal(size=SIZE)
    return np.arange(1, SIZE + 1) * p + 0.1 * noise


def start():
    return np.linspace(-1, 1, SIZE)


def run_law(case, dtype=np.float64):
    weight_decay, momentum, dampening, nesterov, maximize = case
    flags = {"weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov, "maximize": maximize}
    p = start().astype(dtype)
    buf = np.full_like(p, np.nan)  # what stands there before the first step must not matter
    path = []
    for step in range(STEPS):
        law = load("sgd", **flags, dampening=dampening, first=momentum and step == 0)
        g = gradients(p, step).astype(dtype)
        states = {"p": p, "buf": buf}
        law(g, *(states[name] for name in law.updated), **{name: NUMBERS[name] for name in law.scalars})
        path.append(p.copy())
    return np.array(path)


def run_longhand(case):
    weight_decay, momentum, dampening, nesterov, maximize = case
    p, buf = start(), None
    path = []
    for step in range(STEPS):
        d = gradients(p, step)
        if maximize:
            d = -d
        if weight_decay:
            d = d + DECAY * p
        if momentum:
            buf = d if buf is None else MOMENTUM * buf + (1 - (DAMPENING if dampening else 0)) * d
            d = d + MOMENTUM * buf if nesterov else buf
        p = p - LR * d
        path.append(p)
    return np.array(path)


@pytest.mark.parametrize("case", CASES)
def test_sgd_follows_its_formula(case):
    expected = run_longhand(case)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(run_law(case), expected, rtol=0, atol=1e-13 * scale)
    np.testing.assert_allclose(run_law(case, np.float32), expected, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("case", CASES)
def test_sgd_follows_torch(case):
    torch = pytest.importorskip("torch")
    weight_decay, momentum, dampening, nesterov, maximize = case
    p = torch.nn.Parameter(torch.tensor(start()))
    optimizer = torch.optim.SGD(
        [p],
        lr=LR,
        momentum=MOMENTUM if momentum else 0,
        dampening=DAMPENING if dampening else 0,
        weight_decay=DECAY if weight_decay else 0,
        nesterov=nesterov,
        maximize=maximize,
    )
    path = []
    for step in range(STEPS):
        p.grad = torch.tensor(gradients(p.detach().numpy(), step))
        optimizer.step()
        path.append(p.detach().numpy().copy())
    np.testing.assert_allclose(run_law(case), path, rtol=0, atol=1e-12 * np.abs(path).max())


def test_sgd_takes_only_what_it_needs():
    assert repr(load("sgd")) == "<law sgd(g | p | lr)>"
    assert repr(load("sgd", momentum=True)) == "<law sgd(g | p, buf | lr, momentum) #momentum>"
    assert load("sgd", momentum=True, first=True).scalars == ("lr",)
    assert load("sgd", momentum=True, dampening=True, weight_decay=True).scalars == (
        "lr",
        "weight_decay",
        "momentum",
        "fresh",
    )


def test_plain_sgd_by_hand():
    g, p = np.array([1.0, -2.0]), np.array([10.0, 20.0])
    load("sgd")(g, p, lr=0.5)
    assert p.tolist() == [9.5, 21.0]
