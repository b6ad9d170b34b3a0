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
