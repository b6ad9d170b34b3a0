"""The rows of rules that are in no framework but their authors'."""

import numpy as np

from minigrad import optim
from tests.optim.row import Row, coin, draw_betas, draw_common, with_l2


# ----------------------------------------------------------------------------------------------------------- ADOPT


def adopt_longhand(p, steps):
    """Taniguchi et al. 2024, algorithm 2, with the clipping of the authors' code by the steps before."""
    m = np.zeros_like(p)
    v = None
    for t, (g, h) in enumerate(steps):
        g = -g if h["maximize"] else g
        if not h["decoupled_weight_decay"]:
            g = g + h["weight_decay"] * p
        if v is None:
            v = g**2
            continue
        if h["decoupled_weight_decay"]:
            p = p - h["lr"] * h["weight_decay"] * p
        beta1, beta2 = h["betas"]
        normed = g / np.maximum(np.sqrt(v), h["eps"])
        if h["clip_power"] is not None:
            normed = np.clip(normed, -(t ** h["clip_power"]), t ** h["clip_power"])
        m = beta1 * m + (1 - beta1) * normed
        p = p - h["lr"] * m
        v = beta2 * v + (1 - beta2) * g**2
    return p


def draw_adopt(rng):
    return {
        **draw_common(rng), "betas": draw_betas(rng), "eps": float(rng.choice([1e-6, 0.5])),
        "clip_power": (None, 0.0, 0.25)[int(rng.integers(3))], "decoupled_weight_decay": coin(rng),
    }  # fmt: skip


# -------------------------------------------------------------------------------------------------------- AdEMAMix


def ademamix_longhand(p, steps):
    """Pagliardini et al. 2024, algorithm 1, and the schedules of its section 3 for alpha and beta3."""
    fast = slow = v = np.zeros_like(p)
    for t, (g, h) in enumerate(steps, 1):
        g = -g if h["maximize"] else g
        beta1, beta2, beta3 = h["betas"]
        alpha = h["alpha"]
        if h["alpha_warmup"] is not None:
            alpha = min(t * alpha / h["alpha_warmup"], alpha)
        if h["beta3_warmup"] is not None and t < h["beta3_warmup"]:
            part = t / h["beta3_warmup"]
            a, b = np.log(beta1), np.log(beta3)
            beta3 = np.exp(a * b / ((1 - part) * b + part * a))
        fast = beta1 * fast + (1 - beta1) * g
        slow = beta3 * slow + (1 - beta3) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = fast / (1 - beta1**t), v / (1 - beta2**t)
        p = p - h["lr"] * ((m_hat + alpha * slow) / (np.sqrt(v_hat) + h["eps"]) + h["weight_decay"] * p)
    return p


def draw_ademamix(rng):
    return {
        **draw_common(rng),
        "betas": (float(rng.choice([0.5, 0.9])), float(rng.choice([0.9, 0.999])), float(rng.choice([0.99, 0.9999]))),
        "alpha": float(rng.choice([0.0, 2.0, 5.0])), "alpha_warmup": (None, 20, 100)[int(rng.integers(3))],
        "beta3_warmup": (None, 20, 100)[int(rng.integers(3))], "eps": float(rng.choice([1e-8, 1e-2])),
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------------- MADGRAD


def madgrad_longhand(x, steps):
    """Defazio and Jelassi 2021, algorithm 1."""
    x0, s, v = x, np.zeros_like(x), np.zeros_like(x)
    for k, (g, h) in enumerate(steps):
        g = with_l2(g, x, h)
        lamb = h["lr"] * np.sqrt(k + 1)
        s = s + lamb * g
        v = v + lamb * g**2
        z = x0 - s / (np.cbrt(v) + h["eps"])
        c = 1 - h["momentum"]
        x = (1 - c) * x + c * z
    return x


def draw_madgrad(rng):
    return {
        **draw_common(rng), "momentum": float(rng.choice([0.0, 0.5, 0.9])), "eps": float(rng.choice([1e-6, 1e-2])),
    }  # fmt: skip


# -------------------------------------------------------------------------------------------------- QHM and QHAdam


def qhm_longhand(p, steps):
    """Ma and Yarats 2019, equations 3 and 4."""
    m = np.zeros_like(p)
    for g, h in steps:
        g = with_l2(g, p, h)
        m = h["momentum"] * m + (1 - h["momentum"]) * g
        p = p - h["lr"] * ((1 - h["nu"]) * g + h["nu"] * m)
    return p


def draw_qhm(rng):
    return {
        **draw_common(rng), "momentum": float(rng.choice([0.0, 0.9, 0.999])), "nu": float(rng.choice([0.0, 0.7, 1.0])),
    }  # fmt: skip


def qhadam_longhand(p, steps):
    """Ma and Yarats 2019, section 4.2."""
    m = v = np.zeros_like(p)
    for t, (g, h) in enumerate(steps, 1):
        g = -g if h["maximize"] else g
        if h["decoupled_weight_decay"]:
            p = p - h["lr"] * h["weight_decay"] * p
        else:
            g = g + h["weight_decay"] * p
        (beta1, beta2), (nu1, nu2) = h["betas"], h["nus"]
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        top = (1 - nu1) * g + nu1 * m / (1 - beta1**t)
        p = p - h["lr"] * top / (np.sqrt((1 - nu2) * g**2 + nu2 * v / (1 - beta2**t)) + h["eps"])
    return p


def draw_qhadam(rng):
    return {
        **draw_common(rng), "betas": draw_betas(rng), "eps": float(rng.choice([1e-8, 1e-2])),
        "nus": (float(rng.choice([0.0, 0.7, 1.0])), float(rng.choice([0.5, 1.0]))), "decoupled_weight_decay": coin(rng),
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------- schedule-free


def schedule_free_longhand(y, steps, direction, beta_of):
    """Defazio et al. 2024, with all three of x, y and z; the weights are those of the authors' code."""
    x = z = y
    total, largest, memory = 0.0, 0.0, {}
    for t, (g, h) in enumerate(steps, 1):
        lr = h["lr"] * (min(1, t / h["warmup_steps"]) if h["warmup_steps"] else 1)
        largest = max(largest, lr)
        weight = t ** h["r"] * largest ** h["weight_lr_power"]
        total += weight
        z = z - lr * direction(-g if h["maximize"] else g, y, t, h, memory)
        x = (1 - weight / total) * x + weight / total * z
        y = (1 - beta_of(h)) * z + beta_of(h) * x
    return x, y


def descent(g, y, t, h, memory):
    return g + h["weight_decay"] * y


def adams(g, y, t, h, memory):
    beta2 = h["betas"][1]
    memory["v"] = beta2 * memory.get("v", 0.0) + (1 - beta2) * g**2
    return g / (np.sqrt(memory["v"] / (1 - beta2**t)) + h["eps"]) + h["weight_decay"] * y


def sgd_schedule_free_longhand(p, steps):
    return schedule_free_longhand(p, steps, descent, lambda h: h["momentum"])[1]


def adamw_schedule_free_longhand(p, steps):
    return schedule_free_longhand(p, steps, adams, lambda h: h["betas"][0])[1]


def draw_schedule_free(rng):
    return {
        **draw_common(rng), "warmup_steps": int(rng.choice([0, 10])), "r": float(rng.choice([0.0, 1.0])),
        "weight_lr_power": float(rng.choice([0.0, 2.0])),
    }  # fmt: skip


def draw_sgd_schedule_free(rng):
    return {**draw_schedule_free(rng), "momentum": float(rng.choice([0.5, 0.9]))}


def draw_adamw_schedule_free(rng):
    betas = float(rng.choice([0.5, 0.9])), float(rng.choice([0.9, 0.999]))
    return {**draw_schedule_free(rng), "betas": betas, "eps": float(rng.choice([1e-8, 1e-2]))}


ROWS = {
    "ADOPT": Row(optim.ADOPT, adopt_longhand, draw_adopt, torch_name=None),
    "AdEMAMix": Row(optim.AdEMAMix, ademamix_longhand, draw_ademamix, torch_name=None),
    "MADGRAD": Row(optim.MADGRAD, madgrad_longhand, draw_madgrad, torch_name=None),
    "QHM": Row(optim.QHM, qhm_longhand, draw_qhm, torch_name=None),
    "QHAdam": Row(optim.QHAdam, qhadam_longhand, draw_qhadam, torch_name=None),
    "SGDScheduleFree": Row(optim.SGDScheduleFree, sgd_schedule_free_longhand, draw_sgd_schedule_free, torch_name=None),
    "AdamWScheduleFree": Row(
        optim.AdamWScheduleFree, adamw_schedule_free_longhand, draw_adamw_schedule_free, torch_name=None
    ),
}
