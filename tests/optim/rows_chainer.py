"""The rows of rules best known from Chainer."""

import numpy as np

from minigrad import optim
from tests.optim.row import Row, coin, with_l2


# ---------------------------------------------------------------------------------------------- AdaBound and AMSBound


def adabound_longhand(p, steps):
    """Luo et al. 2019, algorithm 2, without its 1 / sqrt(t) and with the bias correction of the authors' code."""
    m = v = largest = np.zeros_like(p)
    for t, (g, h) in enumerate(steps, 1):
        g = with_l2(g, p, h)
        beta1, beta2 = h["betas"]
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = np.maximum(largest, v)
        final = h["final_lr"] * h["lr"] / h["base_lr"]
        lower = final * (1 - 1 / (h["gamma"] * t + 1))
        upper = final * (1 + 1 / (h["gamma"] * t))
        alpha = h["lr"] * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        rate = np.clip(alpha / (np.sqrt(largest if h["amsbound"] else v) + h["eps"]), lower, upper)
        p = p - rate * m
    return p


def draw_adabound(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.2)), "base_lr": float(rng.uniform(0.01, 0.2)),
        "betas": (float(rng.choice([0.0, 0.5, 0.9])), float(rng.choice([0.9, 0.99, 0.999]))),
        "final_lr": float(rng.uniform(0.02, 0.2)), "gamma": float(rng.choice([1e-3, 0.05, 1.0])),
        "eps": float(rng.choice([1e-8, 1e-2])), "weight_decay": float(rng.choice([0.0, 0.1])),
        "amsbound": coin(rng), "maximize": coin(rng),
    }  # fmt: skip


def draw_amsbound(rng):
    return {**draw_adabound(rng), "amsbound": True}


# --------------------------------------------------------------------------------------------------------- SMORMS3


def smorms3_longhand(p, steps):
    """Funk 2015."""
    mem, mean_g, mean_g2 = np.ones_like(p), np.zeros_like(p), np.zeros_like(p)
    for g, h in steps:
        g = with_l2(g, p, h)
        r = 1 / (mem + 1)
        mean_g = (1 - r) * mean_g + r * g
        mean_g2 = (1 - r) * mean_g2 + r * g**2
        x = mean_g**2 / (mean_g2 + h["eps"])
        p = p - g * np.minimum(h["lr"], x) / (np.sqrt(mean_g2) + h["eps"])
        mem = 1 + mem * (1 - x)
    return p


def draw_smorms3(rng):
    return {
        "lr": float(rng.choice([1e-3, 0.05, 0.5])) * float(rng.uniform(0.5, 1)),
        "eps": float(rng.choice([1e-16, 1e-2])), "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- M-SVAG


def msvag_longhand(p, steps):
    """Balles and Hennig 2018, algorithm 1 and equation 15; at the first step, 0/0, the factor is 1."""
    m = v = np.zeros_like(p)
    for t, (g, h) in enumerate(steps, 1):
        g, beta = with_l2(g, p, h), h["beta"]
        m = beta * m + (1 - beta) * g
        v = beta * v + (1 - beta) * g**2
        m_hat, v_hat = m / (1 - beta**t), v / (1 - beta**t)
        if t == 1 or beta == 0:
            factor = 1.0
        else:
            rho = (1 - beta) * (1 + beta**t) / ((1 + beta) * (1 - beta**t))
            s = (v_hat - m_hat**2) / (1 - rho)
            factor = m_hat**2 / (m_hat**2 + rho * s)
        p = p - h["lr"] * factor * m_hat
    return p


def draw_msvag(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.2)), "beta": float(rng.choice([0.0, 0.5, 0.9, 0.99])),
        "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------- CorrectedMomentumSGD


def corrected_longhand(p, steps):
    """The documentation of chainer.optimizers.CorrectedMomentumSGD."""
    v = np.zeros_like(p)
    for g, h in steps:
        v = h["momentum"] * v - with_l2(g, p, h)
        p = p + h["lr"] * v
    return p


def draw_corrected(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.2)), "momentum": float(rng.choice([0.0, 0.5, 0.9])),
        "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng), "dampening": 0, "nesterov": False,
    }  # fmt: skip


ROWS = {
    "AdaBound": Row(optim.AdaBound, adabound_longhand, draw_adabound, torch_name=None),
    "AMSBound": Row(
        optim.AMSBound, adabound_longhand, draw_amsbound, torch_name=None, fixed=frozenset({"amsbound"})
    ),
    "SMORMS3": Row(optim.SMORMS3, smorms3_longhand, draw_smorms3, torch_name=None),
    "MSVAG": Row(optim.MSVAG, msvag_longhand, draw_msvag, torch_name=None),
    "CorrectedMomentumSGD": Row(
        optim.CorrectedMomentumSGD, corrected_longhand, draw_corrected, torch_name=None,
        fixed=frozenset({"dampening", "nesterov"}),
    ),
}  # fmt: skip
