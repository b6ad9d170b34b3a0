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


# ------------------------------------------------------------------------------------------------------- the table

ROWS = {
    "SGD": Row(optim.SGD, sgd_longhand, draw_sgd, torch_name="SGD"),
}
