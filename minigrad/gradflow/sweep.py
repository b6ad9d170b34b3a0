"""sweep: the same probe of many models that differ in their settings, side by side."""

from __future__ import annotations

import itertools
import math
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

import numpy as np

from ..backend.random import Generator, manual_seed, rng_of
from ..nn import Module
from ..tensor import Tensor
from . import sweep_page, sweep_picture
from .curves import Crossing, Curve, Run, crossings, curves, is_number, words
from .numbers import percent
from .probing import probe

BATCH = 64

LossFunction = Callable[[Any, Any], Any]


class Sweep:
    """What sweep() found: runs, a list of (setting, flow), and settings, the values that each option went through."""

    def __init__(self, settings: dict[str, list[Any]], runs: list[Run]) -> None:
        self.settings = settings
        self.runs = runs

    def __len__(self) -> int:
        return len(self.runs)

    def curves(self) -> list[Curve]:
        """The runs over the first option with several numbers, one curve for each combination of the others."""
        return curves(self.runs, self.settings)

    def crossings(self) -> list[Crossing]:
        """Where a curve's gain goes through 1, between two values that were run."""
        return [crossing for curve in self.curves() for crossing in crossings(curve)]

    def table(self) -> str:
        """One line a run: setting, mean gain of a layer, what theory says, saturated share, spread, diagnosis."""
        head = [*self.settings, "gain a layer", "theory", "saturated", "spread at the last", "diagnosis"]
        rows = [[*map(_cell, run.setting.values()), *_findings(run)] for run in self.runs]
        widths = [max(map(len, column)) for column in zip(head, *rows)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in (head, *rows)]
        return "\n".join(lines)

    def draw(self, path: str | Path, title: str = "") -> None:
        """The curves as a .png, .pdf or .svg file: mean gain a layer, theory dashed, and the saturated share below.

        Raises ImportError without matplotlib, ValueError for another format, OSError if it cannot be written there.
        """
        sweep_picture.draw(self.curves(), path, title, [str(crossing) for crossing in self.crossings()])

    def html(self, path: str | Path, title: str = "") -> None:
        """The curves as one HTML file, with a slider over the option that shows every layer at its value.

        Raises ImportError without Plotly, ValueError for a name without .html, OSError if it cannot be written there.
        """
        sweep_page.write(self.curves(), path, title, [str(crossing) for crossing in self.crossings()])


def sweep(
    build: Callable[..., Module], settings: dict[str, Sequence[Any]], x: Any = None, y: Any = None,
    loss_fn: LossFunction | None = None, seed: int = 0,
) -> Sweep:
    """Probe build(**setting) for every combination of the settings, on the same batch and from the same seed.

        deep = functools.partial(gradflow.deep_stack, depth=30, width=256)
        found = gradflow.sweep(deep, {"activation": ["sigmoid", "tanh"], "scale": [0.5, 1, 2, 4, 8, 16]})
        print(found.table())

    settings: for each option the values to go through. x: a batch, 64 standard normal examples of the model's input
    width if left out. loss_fn: of what the model returns and y; if left out, a sum with random weights. The stream of
    random numbers goes on afterwards as if nothing had been drawn.
    Raises TypeError for a build that cannot be called or makes no Module, ValueError for settings without values or a
    model whose input cannot be guessed, and RuntimeError, which names the setting, for what goes wrong in a run.
    """
    grid = _grid(build, settings)
    if y is not None and loss_fn is None:
        raise ValueError("sweep: y is for loss_fn; give both or neither")
    runs = [Run(setting, _probe(build, setting, x, y, loss_fn, seed)) for setting in grid]
    return Sweep({option: list(values) for option, values in settings.items()}, runs)


def _grid(build: Any, settings: Any) -> list[dict[str, Any]]:
    if not callable(build):
        raise TypeError(f"sweep: build must be a function that makes a model, not {type(build).__name__}")
    if not isinstance(settings, dict):
        raise TypeError(f"sweep: settings must be a dict of option and values, not {type(settings).__name__}")
    for option, values in settings.items():
        if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
            raise TypeError(f"sweep: the values of {option!r} must be a list, not {values!r}")
    if not settings or not all(len(values) for values in settings.values()):
        empty = next((option for option, values in settings.items() if not len(values)), None)
        raise ValueError("sweep: settings are empty" if empty is None else f"sweep: option {empty!r} has no values")
    return [dict(zip(settings, values)) for values in itertools.product(*settings.values())]


def _probe(build: Any, setting: dict[str, Any], x: Any, y: Any, loss_fn: LossFunction | None, seed: int) -> Any:
    call = f"build({words(setting)})"
    with _from_seed(seed), np.errstate(all="ignore"):  # what is not finite is told of by the diagnosis
        try:
            model = build(**setting)
        except Exception as error:
            raise RuntimeError(f"sweep: {call} failed: {type(error).__name__}: {error}") from error
        if not isinstance(model, Module):
            raise TypeError(f"sweep: {call} must return a Module, not {type(model).__name__}")
        batch = normal_input(model, seed) if x is None else x
        try:
            return probe(model, batch, y, loss_fn or random_loss(seed))
        except Exception as error:
            raise RuntimeError(f"sweep: the run of {call} failed: {type(error).__name__}: {error}") from error


@contextmanager
def _from_seed(seed: int) -> Iterator[None]:
    """Random numbers from `seed` inside; afterwards the stream is where it was."""
    generator = rng_of(None).bit_generator
    state = generator.state
    manual_seed(seed)
    try:
        yield
    finally:
        rng_of(None).bit_generator.state = state


def normal_input(model: Module, seed: int, batch: int = BATCH) -> Tensor:
    """Standard normal examples, as wide as the model's first weight takes them. Raises ValueError if it is no matrix."""
    weight = next(model.parameters(), None)
    if weight is None or weight.ndim != 2:
        what = "it has no parameters" if weight is None else f"its first parameter has shape {tuple(weight.shape)}"
        raise ValueError(f"cannot guess an input for {type(model).__name__}, for {what}; give one")
    drawn = Generator(seed).rng.standard_normal((batch, weight.shape[1]))
    return Tensor.of(drawn).to(weight.dtype).to(weight.device)


def random_loss(seed: int) -> LossFunction:
    """A sum with standard normal weights: every output has the same share in it, whatever its value."""

    def loss(output: Any, _y: Any) -> Any:
        drawn = Generator(seed + 1).rng.standard_normal(output.shape)
        return (output * Tensor.of(drawn).to(output.dtype).to(output.device)).sum()

    return loss


def _cell(value: Any) -> str:
    return f"{value:g}" if is_number(value) else str(value)


def _findings(run: Run) -> list[str]:
    shares = "-" if math.isnan(run.saturated) else percent(run.saturated)
    return [_number(run.gain), _number(run.theory), shares, _number(run.spread), run.direction]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}" if value == 0 or 1e-3 <= value < 1e4 else f"{value:.1e}"
