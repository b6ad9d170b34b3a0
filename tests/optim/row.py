"""What the tests know of an update rule: one row of the table in rules.py."""

from dataclasses import dataclass
from typing import Any, Callable, Sequence

import numpy as np

from tests.optim import courses


@dataclass
class Row:
    """A rule and its oracles.

    `longhand` is the paper's formula (or the reference framework's documented one) for one parameter, in float64, line
    by line and without any shared code: longhand(p, steps) takes the start and (gradient, hyper-parameters) for each
    step that the parameter takes, and returns where it ends.
    """

    rule: type
    longhand: Callable[[np.ndarray, list[tuple[np.ndarray, dict[str, Any]]]], np.ndarray]
    draw: Callable[[np.random.Generator], dict[str, Any]]  # random hyper-parameters, every one of them
    torch_name: str | None  # its name in torch.optim, if it is there
    shapes: Sequence[tuple[int, ...]] = tuple(courses.SHAPES)  # of the parameters, for rules that do not take them all
    fixed: frozenset[str] = frozenset()  # hyper-parameters that can have one value only
    torch_tolerance: float = 1e-12  # of whole trajectories, over their largest value

    def draw_for_torch(self, rng):
        """Hyper-parameters that PyTorch's rule has too; ours alone have the defaults that make the rules the same."""
        return {name: value for name, value in self.draw(rng).items() if name not in self.rule.beyond_torch}

    def longhand_for_torch(self, p, steps):
        """The formula for such hyper-parameters."""
        return self.longhand(p, [(g, {**self.rule.beyond_torch, **settings}) for g, settings in steps])


def coin(rng):
    return bool(rng.random() < 0.5)


def with_l2(g, p, h):
    """The gradient, turned to maximize, with L2 regularisation's."""
    return (-g if h["maximize"] else g) + h["weight_decay"] * p


def draw_common(rng):
    return {"lr": float(rng.uniform(0.01, 0.2)), "weight_decay": float(rng.choice([0.0, 0.1])), "maximize": coin(rng)}


def draw_betas(rng):
    return float(rng.choice([0.0, 0.5, 0.9])), float(rng.choice([0.9, 0.99, 0.999]))
