"""The rows of the other rules that torch.optim has."""

import numpy as np

from minigrad import optim
from tests.optim.row import Row, coin

# ------------------------------------------------------------------------------------------------- Adam, also AMSGrad


def adam_longhand(p, steps):
    """Kingma and Ba 2015, algorithm 1; with weight decay as L2 regularisation, d/dp of (weight_decay / 2) p^2.

    Decoupled, it is line 12 of Loshchilov and Hutter 2019, algorithm 2, multiplied by the learning rate. AMSGrad: the
    largest v so far, as in Reddi, Kale and Kumar 2018, algorithm 2, corrected for bias afterwards as PyTorch documents.
    """
    m = v = largest = np.zeros_like(p)
    for t, (g, h) in enumerate(steps, 1):
        g, p = with_decay(g, p, h)
        beta1, beta2 = h["betas"]
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = np.maximum(largest, v)
        m_hat = m / (1 - beta1**t)
        v_hat = (largest if h["amsgrad"] else v) / (1 - beta2**t)
        p = p - h["lr"] * m_hat / (np.sqrt(v_hat) + h["eps"])
    return p


def with_decay(g, p, h):
    """The gradient with L2 decay, and the parameter with decoupled decay; one of them is as it was."""
    g = -g if h["maximize"] else g
    if h.get("decoupled_weight_decay"):
        return g, p - h["lr"] * h["weight_decay"] * p
    return g + h["weight_decay"] * p, p


def draw_adamax(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.2)),
        "betas": (float(rng.choice([0.0, 0.5, 0.9])), float(rng.choice([0.9, 0.99, 0.999]))),
        "eps": float(rng.choice([1e-8, 1e-2])), "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


def draw_adam(rng):
    return {**draw_adamax(rng), "amsgrad": coin(rng), "decoupled_weight_decay": coin(rng)}


def draw_adamw(rng):
    return {**draw_adam(rng), "decoupled_weight_decay": True}


# ---------------------------------------------------------------------------------------------------------- Adamax


def adamax_longhand(p, steps):
    """Kingma and Ba 2015, algorithm 2, with eps where the documentation of torch.optim.Adamax has it."""
    m = u = np.zeros_like(p)
    for t, (g, h) in enumerate(steps, 1):
        g, p = with_decay(g, p, h)
        beta1, beta2 = h["betas"]
        m = beta1 * m + (1 - beta1) * g
        u = np.maximum(beta2 * u, np.abs(g) + h["eps"])
        p = p - h["lr"] / (1 - beta1**t) * m / u
    return p


# ----------------------------------------------------------------------------------------------------------- RAdam


def radam_longhand(p, steps):
    """Liu et al. 2020, algorithm 2, with the bound 5 and the place of eps of torch.optim.RAdam's documentation."""
    m = v = np.zeros_like(p)
    for t, (g, h) in enumerate(steps, 1):
        g, p = with_decay(g, p, h)
        beta1, beta2 = h["betas"]
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
        if rho > 5:
            adaptive = np.sqrt(1 - beta2**t) / (np.sqrt(v) + h["eps"])
            r = np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
            p = p - h["lr"] * m_hat * r * adaptive
        else:
            p = p - h["lr"] * m_hat
    return p


def draw_radam(rng):
    drawn = {**draw_adamax(rng), "decoupled_weight_decay": coin(rng)}
    beta2 = float(rng.choice([0.5, 0.9, 0.99, 0.999]))  # 0.5: the variance never becomes tractable
    return {**drawn, "betas": (drawn["betas"][0], beta2)}


# ----------------------------------------------------------------------------------------------------------- NAdam


def nadam_longhand(p, steps):
    """The algorithm in the documentation of torch.optim.NAdam, after Dozat 2016."""
    m = v = np.zeros_like(p)
    product = 1.0
    for t, (g, h) in enumerate(steps, 1):
        g, p = with_decay(g, p, h)
        beta1, beta2 = h["betas"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * h["momentum_decay"]))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * h["momentum_decay"]))
        product = product * mu
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        v_hat = v / (1 - beta2**t)
        p = p - h["lr"] * m_hat / (np.sqrt(v_hat) + h["eps"])
    return p


def draw_nadam(rng):
    decays = {"momentum_decay": float(rng.choice([0.0, 4e-3, 0.5])), "decoupled_weight_decay": coin(rng)}
    return {**draw_adamax(rng), **decays}


# ------------------------------------------------------------------------------------------------------------ ASGD


def asgd_longhand(p, steps):
    """The step of torch.optim.ASGD: gradient descent with a decay of p, at the rate settled at the step before."""
    for t, (g, h) in enumerate(steps, 1):
        g, p = with_decay(g, p, h)
        if t == 1:
            eta = h["lr"]
        p = p - eta * (g + h["lambd"] * p)
        eta = h["lr"] / (1 + h["lambd"] * h["lr"] * t) ** h["alpha"]
    return p


def draw_asgd(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.2)), "lambd": float(rng.choice([1e-4, 0.1])),
        "alpha": float(rng.choice([0.5, 0.75])), "t0": float(rng.choice([2.0, 10.0, 1e6])),
        "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------- Adafactor


def adafactor_longhand(p, steps):
    """Shazeer and Stern 2018, algorithms 4 and 5, with the two epsilons as torch.optim.Adafactor documents them."""
    factored = p.ndim > 1
    v = rows = columns = 0.0
    for t, (g, h) in enumerate(steps, 1):
        g = -g if h["maximize"] else g
        eps1 = np.finfo(np.float64).eps if h["eps"][0] is None else h["eps"][0]
        decay = 1 - t ** h["beta2_decay"]
        alpha = max(h["eps"][1], np.sqrt(np.mean(p**2))) * min(h["lr"], 1 / np.sqrt(t))
        p = p - h["lr"] * h["weight_decay"] * p
        if factored:
            rows = decay * rows + (1 - decay) * np.mean(g**2, axis=-1)
            columns = decay * columns + (1 - decay) * np.mean(g**2, axis=-2)
            products = np.einsum("...r,...c->...rc", rows, columns)
            v = products / np.maximum(np.mean(rows, axis=-1), eps1)[..., None, None]
        else:
            v = decay * v + (1 - decay) * g**2
        u = g / np.maximum(np.sqrt(v), eps1)
        p = p - alpha * u / max(1, np.sqrt(np.mean(u**2)) / h["d"])
    return p


def draw_adafactor(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.5)), "beta2_decay": float(rng.choice([-0.8, -0.5])),
        "eps": (None if coin(rng) else float(rng.choice([1e-3, 0.5])), float(rng.choice([1e-3, 1.0]))),
        "d": float(rng.choice([1.0, 2.0])), "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ Muon


def muon_longhand(p, steps):
    """Jordan et al. 2024, with the momentum, the decay and the rates that torch.optim.Muon documents."""
    buf = np.zeros_like(p)
    for g, h in steps:
        momentum = h["momentum"]
        buf = momentum * buf + (1 - momentum) * g
        x = momentum * buf + (1 - momentum) * g if h["nesterov"] else buf
        x = x / max(np.sqrt(np.sum(x**2)), h["eps"])
        if x.shape[0] > x.shape[1]:
            x = x.T
        a, b, c = h["ns_coefficients"]
        for _ in range(h["ns_steps"]):
            x = a * x + b * (x @ x.T) @ x + c * (x @ x.T) @ (x @ x.T) @ x
        if p.shape[0] > p.shape[1]:
            x = x.T
        rows, columns = p.shape
        by_shape = 0.2 * max(rows, columns) ** 0.5 if h["adjust_lr_fn"] == "match_rms_adamw" else max(
            1, rows / columns
        ) ** 0.5
        p = p - h["lr"] * h["weight_decay"] * p - h["lr"] * by_shape * x
    return p


def draw_muon(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.05)), "weight_decay": float(rng.choice([0.0, 0.1])),
        "momentum": float(rng.choice([0.5, 0.95])), "nesterov": coin(rng),
        "ns_coefficients": ((3.4445, -4.7750, 2.0315), (2.0, -1.5, 0.5))[int(coin(rng))],
        "eps": float(rng.choice([1e-7, 1e-3])), "ns_steps": int(rng.choice([3, 5])),
        "adjust_lr_fn": (None, "original", "match_rms_adamw")[int(rng.integers(3))],
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------- the table

ROWS: dict[str, Row] = {
    "Adam": Row(optim.Adam, adam_longhand, draw_adam, torch_name="Adam"),
    "AdamW": Row(
        optim.AdamW, adam_longhand, draw_adamw, torch_name="AdamW", fixed=frozenset({"decoupled_weight_decay"})
    ),
    "Adamax": Row(optim.Adamax, adamax_longhand, draw_adamax, torch_name="Adamax"),
    "NAdam": Row(optim.NAdam, nadam_longhand, draw_nadam, torch_name="NAdam"),
    "RAdam": Row(optim.RAdam, radam_longhand, draw_radam, torch_name="RAdam"),
    "ASGD": Row(optim.ASGD, asgd_longhand, draw_asgd, torch_name="ASGD"),
    "Adafactor": Row(
        optim.Adafactor, adafactor_longhand, draw_adafactor, torch_name="Adafactor",
        shapes=[(3, 4), (5,), (), (1, 3), (2, 3, 2), (7,)],  # PyTorch divides by the number of elements, so not 0
    ),
    "Muon": Row(
        optim.Muon, muon_longhand, draw_muon, torch_name="Muon", torch_tolerance=3e-2,  # it works in bfloat16
        shapes=[(3, 4), (5, 2), (1, 1), (1, 3), (2, 2), (7, 3)],
    ),
}
