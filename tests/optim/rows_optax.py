"""The rows of rules best known from optax."""

import numpy as np

from minigrad import optim
from tests.optim.row import Row, coin, draw_common


def draw_beta1(rng):
    return float(rng.choice([0.0, 0.5, 0.9]))


def draw_beta2(rng):
    return float(rng.choice([0.9, 0.99, 0.999]))


# ------------------------------------------------------------------------------------------------------------ Lion


def lion_longhand(p, steps):
    """Chen et al. 2023, algorithm 2."""
    m = np.zeros_like(p)
    for g, h in steps:
        g = -g if h["maximize"] else g
        beta1, beta2 = h["betas"]
        c = beta1 * m + (1 - beta1) * g
        p = p - h["lr"] * (np.sign(c) + h["weight_decay"] * p)
        m = beta2 * m + (1 - beta2) * g
    return p


def draw_lion(rng):
    return {**draw_common(rng), "betas": (draw_beta1(rng), draw_beta2(rng))}


# ------------------------------------------------------------------------------------------------------------ Yogi


def yogi_longhand(p, steps):
    """Zaheer et al. 2018, algorithm 2, with the bias correction of Adam in the step size."""
    m, v = np.zeros_like(p), None
    for t, (g, h) in enumerate(steps, 1):
        g = (-g if h["maximize"] else g) + h["weight_decay"] * p
        beta1, beta2 = h["betas"]
        if v is None:
            v = np.full_like(p, h["initial_accumulator_value"])
        m = beta1 * m + (1 - beta1) * g
        v = v - (1 - beta2) * np.sign(v - g**2) * g**2
        alpha = h["lr"] * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        p = p - alpha * m / (np.sqrt(v) + h["eps"])
    return p


def draw_yogi(rng):
    return {
        **draw_common(rng), "betas": (draw_beta1(rng), draw_beta2(rng)), "eps": float(rng.choice([1e-3, 0.1])),
        "initial_accumulator_value": float(rng.choice([1e-6, 0.1])),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------- AdaBelief


def adabelief_longhand(p, steps):
    """Zhuang et al. 2020, algorithm 2; the weight decays are Adam's and AdamW's."""
    m = s = largest = np.zeros_like(p)
    for t, (g, h) in enumerate(steps, 1):
        g = -g if h["maximize"] else g
        if h["decoupled_weight_decay"]:
            p = p - h["lr"] * h["weight_decay"] * p
        else:
            g = g + h["weight_decay"] * p
        beta1, beta2 = h["betas"]
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * (g - m) ** 2 + h["eps"]
        largest = np.maximum(largest, s)
        m_hat = m / (1 - beta1**t)
        s_hat = (largest if h["amsgrad"] else s) / (1 - beta2**t)
        p = p - h["lr"] * m_hat / (np.sqrt(s_hat) + h["eps"])
    return p


def draw_adabelief(rng):
    """With beta1 = 0 the belief is perfect, and all steps are huge: rounding is then all there is to compare."""
    return {
        **draw_common(rng), "betas": (float(rng.choice([0.5, 0.9])), draw_beta2(rng)),
        "eps": float(rng.choice([1e-16, 1e-3])), "amsgrad": coin(rng), "decoupled_weight_decay": coin(rng),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ Adan


def adan_longhand(p, steps):
    """Xie et al. 2022, algorithm 1, with betas for 1 - beta and the bias corrections of the authors' code."""
    m = v = n = np.zeros_like(p)
    before = None
    for t, (g, h) in enumerate(steps, 1):
        g = -g if h["maximize"] else g
        beta1, beta2, beta3 = h["betas"]
        change = np.zeros_like(p) if before is None else g - before
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * change
        n = beta3 * n + (1 - beta3) * (g + beta2 * change) ** 2
        eta = h["lr"] / (np.sqrt(n / (1 - beta3**t)) + h["eps"])
        step = eta * (m / (1 - beta1**t) + beta2 * v / (1 - beta2**t))
        if h["no_prox"]:
            p = p * (1 - h["lr"] * h["weight_decay"]) - step
        else:
            p = (p - step) / (1 + h["lr"] * h["weight_decay"])
        before = g
    return p


def draw_adan(rng):
    return {
        **draw_common(rng), "betas": (float(rng.choice([0.5, 0.98])), draw_beta1(rng), draw_beta2(rng)),
        "eps": float(rng.choice([1e-8, 1e-2])), "no_prox": coin(rng),
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------- SignSGD and Signum


def signum_longhand(p, steps):
    """Bernstein et al. 2018, algorithms 1 (no momentum) and 2."""
    m = np.zeros_like(p)
    for g, h in steps:
        momentum = h.get("momentum", 0.0)
        m = momentum * m + (1 - momentum) * (-g if h["maximize"] else g)
        p = p - h["lr"] * (np.sign(m) + h["weight_decay"] * p)
    return p


def draw_signum(rng):
    return {**draw_common(rng), "momentum": draw_beta1(rng)}


ROWS = {
    "Lion": Row(optim.Lion, lion_longhand, draw_lion, torch_name=None),
    "Yogi": Row(optim.Yogi, yogi_longhand, draw_yogi, torch_name=None),
    "AdaBelief": Row(optim.AdaBelief, adabelief_longhand, draw_adabelief, torch_name=None),
    "Adan": Row(optim.Adan, adan_longhand, draw_adan, torch_name=None),
    "SignSGD": Row(optim.SignSGD, signum_longhand, draw_common, torch_name=None),
    "Signum": Row(optim.Signum, signum_longhand, draw_signum, torch_name=None),
}
