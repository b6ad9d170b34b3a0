"""The rows of rules that take a parameter as a whole, or draw numbers for it, and are not PyTorch's."""

import numpy as np

from minigrad import optim
from tests.optim.row import Row, draw_betas, draw_common, with_l2


def norm(x):
    return np.sqrt(np.sum(x**2))


# ------------------------------------------------------------------------------------------------------------ LAMB


def lamb_longhand(x, steps):
    """You et al. 2020, algorithm 2, phi the identity."""
    m = v = np.zeros_like(x)
    for t, (g, h) in enumerate(steps, 1):
        g = -g if h["maximize"] else g
        beta1, beta2 = h["betas"]
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        r = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + h["eps"])
        u = r + h["weight_decay"] * x
        trust = norm(x) / norm(u) if norm(x) > 0 and norm(u) > 0 else 1.0
        x = x - h["lr"] * trust * u
    return x


def draw_lamb(rng):
    return {**draw_common(rng), "betas": draw_betas(rng), "eps": float(rng.choice([1e-6, 1e-2]))}


# ------------------------------------------------------------------------------------------------------------ LARS


def lars_longhand(w, steps):
    """You, Gitman and Ginsburg 2017, algorithm 1."""
    v = np.zeros_like(w)
    for g, h in steps:
        g, beta = -g if h["maximize"] else g, h["weight_decay"]
        whole = norm(g) + beta * norm(w)
        rate = h["trust_coefficient"] * norm(w) / whole if norm(w) > 0 and whole > 0 else 1.0
        v = h["momentum"] * v + h["lr"] * rate * (g + beta * w)
        w = w - v
    return w


def draw_lars(rng):
    return {
        **draw_common(rng), "momentum": float(rng.choice([0.0, 0.5, 0.9])),
        "trust_coefficient": float(rng.choice([1e-3, 0.1])),
    }  # fmt: skip


# -------------------------------------------------------------------------------------------------------- NovoGrad


def novograd_longhand(w, steps):
    """Ginsburg et al. 2019, algorithm 1."""
    m = v = None
    for g, h in steps:
        g = -g if h["maximize"] else g
        beta1, beta2 = h["betas"]
        v = np.sum(g**2) if v is None else beta2 * v + (1 - beta2) * np.sum(g**2)
        direction = g / (np.sqrt(v) + h["eps"]) + h["weight_decay"] * w
        m = direction if m is None else beta1 * m + direction
        w = w - h["lr"] * m
    return w


def draw_novograd(rng):
    return {**draw_common(rng), "betas": draw_betas(rng), "eps": float(rng.choice([1e-8, 0.1]))}


# ------------------------------------------------------------------------------------------------------------- SM3


def sm3_longhand(w, steps):
    """Anil et al. 2019, algorithm SM3-II, index by index; the covers are the slices along each axis."""
    given, shape = w.shape, w.shape or (1,)
    w = w.reshape(shape)
    m = np.zeros(shape)
    sums = [np.zeros(size) for size in shape]
    for g, h in steps:
        g = with_l2(g.reshape(shape), w, h)
        new = [np.zeros(size) for size in shape]
        for i in np.ndindex(shape):
            nu = min(sums[axis][i[axis]] for axis in range(len(shape))) + g[i] ** 2
            for axis in range(len(shape)):
                new[axis][i[axis]] = max(new[axis][i[axis]], nu)
            m[i] = h["momentum"] * m[i] + (1 - h["momentum"]) * g[i] / (np.sqrt(nu) + h["eps"])
        w = w - h["lr"] * m
        sums = new
    return w.reshape(given)


def draw_sm3(rng):
    return {
        **draw_common(rng), "momentum": float(rng.choice([0.0, 0.5, 0.9])), "eps": float(rng.choice([1e-30, 1e-2])),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ SGLD


def sgld_longhand(p, steps):
    """Welling and Teh 2011, equation 4, with lr = epsilon / 2, and the stream of noise that the rule documents."""
    for t, (g, h) in enumerate(steps):
        noise = np.random.default_rng([h["seed"], h["index"], t]).standard_normal(p.shape)
        p = p - h["lr"] * with_l2(g, p, h) + np.sqrt(2 * h["lr"] * h["temperature"]) * noise
    return p


def draw_sgld(rng):
    return {**draw_common(rng), "temperature": float(rng.choice([0.0, 0.5, 1.0])), "seed": int(rng.integers(100))}


# ----------------------------------------------------------------------------------------------------------- AggMo


def aggmo_longhand(p, steps):
    """Lucas et al. 2019, equation 4."""
    velocities = [np.zeros_like(p) for _ in range(3)]
    for g, h in steps:
        g = with_l2(g, p, h)
        velocities = [beta * v - g for beta, v in zip(h["betas"], velocities, strict=True)]
        p = p + h["lr"] / 3 * sum(velocities)
    return p


def draw_aggmo(rng):
    return {**draw_common(rng), "betas": (0.0, float(rng.choice([0.5, 0.9])), float(rng.choice([0.9, 0.99])))}


ROWS = {
    "LAMB": Row(optim.LAMB, lamb_longhand, draw_lamb, torch_name=None),
    "LARS": Row(optim.LARS, lars_longhand, draw_lars, torch_name=None),
    "NovoGrad": Row(optim.NovoGrad, novograd_longhand, draw_novograd, torch_name=None),
    "SM3": Row(optim.SM3, sm3_longhand, draw_sm3, torch_name=None),
    "SGLD": Row(optim.SGLD, sgld_longhand, draw_sgld, torch_name=None),
    "AggMo": Row(optim.AggMo, aggmo_longhand, draw_aggmo, torch_name=None),
}
