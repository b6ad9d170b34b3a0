"""The rows of the founding rules: descent and momentum, and rates that adapt."""

import numpy as np

from minigrad import optim
from tests.optim.row import Row, coin

# ------------------------------------------------------------------------------------------------------------- SGD


def sgd_longhand(p, steps):
    """The formula in the documentation of torch.optim.SGD."""
    velocity = None
    for g, h in steps:
        if h["maximize"]:
            g = -g
        g = g + h["weight_decay"] * p
        if h["momentum"] != 0:
            if velocity is None:
                velocity = g
            else:
                velocity = h["momentum"] * velocity + (1 - h["dampening"]) * g
            g = g + h["momentum"] * velocity if h["nesterov"] else velocity
        p = p - h["lr"] * g
    return p


def draw_sgd(rng):
    momentum = float(rng.choice([0.0, 0.5, 0.9]))
    nesterov = momentum > 0 and coin(rng)
    return {
        "lr": float(rng.uniform(0.01, 0.2)), "momentum": momentum,
        "dampening": 0.0 if nesterov else float(rng.choice([0.0, 0.3])),
        "weight_decay": float(rng.choice([0.0, 0.1])), "nesterov": nesterov, "maximize": coin(rng),
    }  # fmt: skip


# --------------------------------------------------------------------- the learning rate inside the velocity, and NAG


def momentum_longhand(p, steps):
    """Sutskever et al. 2013, equations 1 and 2."""
    v = np.zeros_like(p)
    for g, h in steps:
        g = (-g if h["maximize"] else g) + h["weight_decay"] * p
        v = h["momentum"] * v - h["lr"] * g
        p = p + v
    return p


def nag_longhand(p, steps):
    """Sutskever et al. 2013, equations 3 and 4; L2 regularisation has its gradient where the loss has."""
    v = np.zeros_like(p)
    for g, h in steps:
        there = p + h["momentum"] * v
        g = (-g if h["maximize"] else g) + h["weight_decay"] * there
        v = h["momentum"] * v - h["lr"] * g
        p = p + v
    return p


def draw_momentum(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.2)), "momentum": float(rng.choice([0.0, 0.5, 0.9])),
        "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------------- Adagrad


def adagrad_longhand(p, steps):
    """Duchi, Hazan and Singer 2011, figure 1, diagonal; with the decay of lr documented for torch.optim.Adagrad."""
    total = np.full_like(p, steps[0][1]["initial_accumulator_value"]) if steps else p
    for t, (g, h) in enumerate(steps, 1):
        g = (-g if h["maximize"] else g) + h["weight_decay"] * p
        total = total + g**2
        rate = h["lr"] / (1 + (t - 1) * h["lr_decay"])
        p = p - rate * g / (np.sqrt(total) + h["eps"])
    return p


def draw_adagrad(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.5)), "lr_decay": float(rng.choice([0.0, 0.1])),
        "weight_decay": float(rng.choice([0.0, 0.1])), "initial_accumulator_value": float(rng.choice([0.0, 0.5])),
        "eps": float(rng.choice([1e-10, 1e-2])), "maximize": coin(rng),
    }  # fmt: skip


# -------------------------------------------------------------------------------------------------------- Adadelta


def adadelta_longhand(p, steps):
    """Zeiler 2012, algorithm 1, whose step is multiplied by lr."""
    mean_g2 = mean_dx2 = np.zeros_like(p)
    for g, h in steps:
        g = (-g if h["maximize"] else g) + h["weight_decay"] * p
        mean_g2 = h["rho"] * mean_g2 + (1 - h["rho"]) * g**2
        dx = -np.sqrt(mean_dx2 + h["eps"]) / np.sqrt(mean_g2 + h["eps"]) * g
        mean_dx2 = h["rho"] * mean_dx2 + (1 - h["rho"]) * dx**2
        p = p + h["lr"] * dx
    return p


def draw_adadelta(rng):
    return {
        "lr": float(rng.uniform(0.5, 2)), "rho": float(rng.choice([0.5, 0.9, 0.99])),
        "eps": float(rng.choice([1e-6, 1e-2])), "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


# --------------------------------------------------------------------------------------------------------- RMSprop


def rmsprop_longhand(p, steps):
    """Tieleman and Hinton 2012, lecture 6.5; centered and with momentum as torch.optim.RMSprop documents."""
    mean_g2 = mean_g = b = np.zeros_like(p)
    for g, h in steps:
        g = (-g if h["maximize"] else g) + h["weight_decay"] * p
        mean_g2 = h["alpha"] * mean_g2 + (1 - h["alpha"]) * g**2
        mean_g = h["alpha"] * mean_g + (1 - h["alpha"]) * g
        v = mean_g2 - mean_g**2 if h["centered"] else mean_g2
        root = np.sqrt(v + h["eps"]) if h["eps_inside_sqrt"] else np.sqrt(v) + h["eps"]
        b = h["momentum"] * b + g / root
        p = p - h["lr"] * b
    return p


def draw_rmsprop(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.1)), "alpha": float(rng.choice([0.5, 0.9, 0.99])),
        "eps": float(rng.choice([1e-8, 1e-2])), "weight_decay": float(rng.choice([0.0, 0.1])),
        "momentum": float(rng.choice([0.0, 0.5, 0.9])), "centered": coin(rng), "maximize": coin(rng),
        "eps_inside_sqrt": coin(rng),
    }  # fmt: skip


def graves_longhand(p, steps):
    """Graves 2013, equations 38 to 41."""
    n = mean_g = delta = np.zeros_like(p)
    for g, h in steps:
        g = (-g if h["maximize"] else g) + h["weight_decay"] * p
        n = h["alpha"] * n + (1 - h["alpha"]) * g**2
        mean_g = h["alpha"] * mean_g + (1 - h["alpha"]) * g
        delta = h["momentum"] * delta - h["lr"] * g / np.sqrt(n - mean_g**2 + h["eps"])
        p = p + delta
    return p


def draw_graves(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.1)), "alpha": float(rng.choice([0.5, 0.9, 0.99])),
        "momentum": float(rng.choice([0.0, 0.5, 0.9])), "eps": float(rng.choice([1e-4, 1e-2])),
        "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- Rprop


def each_weight(of_one):
    """A longhand over arrays, from one over a single weight."""

    def longhand(p, steps):
        p = p.copy()
        for place in np.ndindex(p.shape):
            p[place] = of_one(p[place], [(g[place], h) for g, h in steps])
        return p

    return longhand


def rprop_longhand(variant):
    """Igel and Huesken 2000, algorithms 1 to 4, case by case; delta is the step size, dw the change of the weight."""

    def of_one(w, steps):
        g_before = dw = 0.0
        loss_before = None
        delta = steps[0][1]["lr"] if steps else 0.0
        for g, h in steps:
            g, loss = (-g, -h["loss"]) if h["maximize"] else (g, h["loss"])
            (shrink, grow), (delta_min, delta_max) = h["etas"], h["step_sizes"]
            if g_before * g > 0:
                delta = min(delta * grow, delta_max)
                dw = -np.sign(g) * delta
            elif g_before * g < 0:
                delta = max(delta * shrink, delta_min)
                if variant == "Rprop+" or (variant == "iRprop+" and loss > loss_before):
                    dw = -dw
                elif variant in ("iRprop+", "iRprop-"):
                    dw = 0.0
                else:
                    dw = -np.sign(g) * delta
                if variant != "Rprop-":
                    g = 0.0
            else:
                dw = -np.sign(g) * delta
            w = w + dw
            g_before, loss_before = g, loss
        return w

    return each_weight(of_one)


def draw_rprop(rng):
    return {
        "lr": float(rng.uniform(0.05, 0.2)), "etas": (float(rng.uniform(0.3, 0.9)), float(rng.uniform(1.1, 1.5))),
        "step_sizes": (float(rng.choice([1e-6, 0.02])), float(rng.choice([0.4, 50.0]))), "maximize": coin(rng),
    }  # fmt: skip


# ------------------------------------------------------------------------------------ individual gains, delta-bar-delta


@each_weight
def gains_longhand(w, steps):
    """Hinton's lecture 6d, case by case."""
    gain, g_before, v = 1.0, None, 0.0
    for g, h in steps:
        g = (-g if h["maximize"] else g) + h["weight_decay"] * w
        if g_before is not None:
            agreement = -g * v if h["momentum"] != 0 else g * g_before
            if agreement > 0:
                gain = gain + h["delta"]
            elif agreement < 0:
                gain = gain * (1 - h["delta"])
            gain = min(max(gain, h["gains"][0]), h["gains"][1])
        v = h["momentum"] * v - h["lr"] * gain * g
        w = w + v
        g_before = g
    return w


def draw_gains(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.2)), "momentum": float(rng.choice([0.0, 0.5, 0.9])),
        "delta": float(rng.choice([0.05, 0.2])), "gains": (float(rng.choice([0.1, 0.8])), float(rng.choice([1.3, 10]))),
        "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


@each_weight
def delta_bar_delta_longhand(w, steps):
    """Jacobs 1988, section 4, case by case."""
    rate, mean = steps[0][1]["lr"] if steps else 0.0, 0.0
    for g, h in steps:
        g = (-g if h["maximize"] else g) + h["weight_decay"] * w
        if mean * g > 0:
            rate = rate + h["kappa"]
        elif mean * g < 0:
            rate = rate - h["phi"] * rate
        w = w - rate * g
        mean = (1 - h["theta"]) * g + h["theta"] * mean
    return w


def draw_delta_bar_delta(rng):
    return {
        "lr": float(rng.uniform(0.01, 0.2)), "kappa": float(rng.choice([0.001, 0.02])),
        "phi": float(rng.choice([0.1, 0.5])), "theta": float(rng.choice([0.0, 0.7])),
        "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------- the table

ROWS = {
    "SGD": Row(optim.SGD, sgd_longhand, draw_sgd, torch_name="SGD"),
    "MomentumSGD": Row(optim.MomentumSGD, momentum_longhand, draw_momentum, torch_name=None),
    "NAG": Row(optim.NAG, nag_longhand, draw_momentum, torch_name=None),
    "Adagrad": Row(optim.Adagrad, adagrad_longhand, draw_adagrad, torch_name="Adagrad"),
    "Adadelta": Row(optim.Adadelta, adadelta_longhand, draw_adadelta, torch_name="Adadelta"),
    "RMSprop": Row(optim.RMSprop, rmsprop_longhand, draw_rmsprop, torch_name="RMSprop"),
    "RMSpropGraves": Row(optim.RMSpropGraves, graves_longhand, draw_graves, torch_name=None),
    "Rprop": Row(optim.Rprop, rprop_longhand("iRprop-"), draw_rprop, torch_name="Rprop"),
    "RpropMinus": Row(optim.RpropMinus, rprop_longhand("Rprop-"), draw_rprop, torch_name=None),
    "RpropPlus": Row(optim.RpropPlus, rprop_longhand("Rprop+"), draw_rprop, torch_name=None),
    "IRpropPlus": Row(optim.IRpropPlus, rprop_longhand("iRprop+"), draw_rprop, torch_name=None),
    "IndividualGains": Row(optim.IndividualGains, gains_longhand, draw_gains, torch_name=None),
    "DeltaBarDelta": Row(optim.DeltaBarDelta, delta_bar_delta_longhand, draw_delta_bar_delta, torch_name=None),
}
