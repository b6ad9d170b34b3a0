"""summary: a model's layers as a table, with the shapes that come out of them and the parameters that are in them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Iterator

from .. import creation
from ..backend import dtypes
from ..backend.random import default_generator
from ..gradmode import no_grad
from ..tensor import Tensor
from .module import Module

__all__ = ["LayerSummary", "Summary", "summary"]


@dataclass
class LayerSummary:
    """One layer: a module without children, or one that has parameters of its own besides."""

    path: str  # "" for the model itself
    kind: str  # the name of its class
    trainable: int  # numbers in its own parameters, those that a layer above has listed already left out
    frozen: int  # the same, of parameters without requires_grad
    calls: int = 0
    output_shapes: list[tuple[int, ...]] = field(default_factory=list)  # of the last call: one for each tensor


class Summary:
    """What summary() returns: `rows` holds the data, and str() is the table."""

    def __init__(self, kind: str, rows: list[LayerSummary]) -> None:
        self.kind = kind  # the name of the model's class
        self.rows = rows

    @property
    def trainable(self) -> int:
        """How many numbers are learned; what is shared counts once."""
        return sum(row.trainable for row in self.rows)

    @property
    def frozen(self) -> int:
        """How many numbers are in parameters that are not learned."""
        return sum(row.frozen for row in self.rows)

    @property
    def total(self) -> int:
        """How many numbers are in all parameters together."""
        return self.trainable + self.frozen

    def __str__(self) -> str:
        head = ("layer", "class", "output shape", "trainable", "frozen")
        lines = [head, *(_cells(row) for row in self.rows)]
        lines.append((f"total: {self.total:,}", "", "", f"{self.trainable:,}", f"{self.frozen:,}"))
        widths = [max(map(len, column)) for column in zip(*lines)]
        texts = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
        rule = "-" * (sum(widths) + 2 * len(widths) - 2)
        return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1]])

    __repr__ = __str__


def _cells(row: LayerSummary) -> tuple[str, ...]:
    shapes = ", ".join(map(str, row.output_shapes)) or ("-" if row.calls else "not called")
    calls = f" x{row.calls}" if row.calls > 1 else ""
    return row.path or row.kind, row.kind, shapes + calls, f"{row.trainable:,}", f"{row.frozen:,}"


def _aligned(cells: tuple[str, ...], widths: list[int]) -> list[str]:
    """Texts to the left, the last two columns, of numbers, to the right."""
    return [cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths))]


def summary(model: Module, input_shape: Any, dtype: Any = None) -> Summary:
    """The layers of `model`, in the order in which they are defined, their output shapes and numbers of parameters.

        print(nn.summary(model, (32, 784)))

    input_shape: the shape of the input, with the batch; a list of shapes for a forward of several inputs. dtype: of the
    inputs, or a list of one for each; by default that of the first parameter. The inputs are zeros, on the device of
    the first parameter. The model is called once, in evaluation mode and without gradients, with hooks that are off
    again afterwards, also after an error; modes, gradients and the default generator are left as they were. (Hooks that
    were there before run as well.) A module that is used in several places is listed once, as is a shared parameter.
    Raises TypeError for what is not a Module or not a shape, ValueError for negative sizes.
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary takes a Module, not {type(model).__name__}")
    inputs = _inputs(model, _shapes(input_shape), dtype)
    modules = list(_layers(model))
    rows = [row for row, _ in modules]
    with _undisturbed(model), _recording(modules):
        model(*inputs)
    return Summary(type(model).__name__, rows)


def _shapes(given: Any) -> list[tuple[int, ...]]:
    """One shape, or several in a list, as a list of shapes."""
    one = isinstance(given, tuple) or isinstance(given, list) and bool(given) and all(isinstance(n, int) for n in given)
    shapes = [given] if one else given
    if not isinstance(shapes, list) or not shapes or not all(isinstance(shape, (tuple, list)) for shape in shapes):
        raise TypeError(f"summary: input_shape must be a shape, such as (32, 784), or a list of shapes, not {given!r}")
    for shape in shapes:
        if not all(isinstance(n, int) for n in shape):
            raise TypeError(f"summary: a shape is made of integers, not {tuple(shape)}; put several shapes in a list")
        if min(shape, default=0) < 0:
            raise ValueError(f"summary: sizes must not be negative, got {tuple(shape)}")
    return [tuple(shape) for shape in shapes]


def _inputs(model: Module, shapes: list[tuple[int, ...]], dtype: Any) -> list[Tensor]:
    first = next(model.parameters(), None)
    wanted = dtype if isinstance(dtype, (list, tuple)) else [dtype] * len(shapes)
    if len(wanted) != len(shapes):
        raise ValueError(f"summary: {len(wanted)} dtypes were given for {len(shapes)} inputs")
    usual = dtypes.get_default_dtype() if first is None else first.dtype
    device = None if first is None else first.device
    return [creation.zeros(shape, dtype=usual if d is None else d, device=device) for shape, d in zip(shapes, wanted)]


def _layers(model: Module) -> Iterator[tuple[LayerSummary, Module]]:
    """A row for each layer, and the layer itself."""
    counted: set[int] = set()
    for path, module in model.named_modules():
        own = list(module.parameters(recurse=False))
        if own or next(module.children(), None) is None:
            new = [p for p in own if id(p) not in counted]
            counted.update(map(id, own))
            trainable = sum(p.numel() for p in new if p.requires_grad)
            yield LayerSummary(path, type(module).__name__, trainable, sum(p.numel() for p in new) - trainable), module


@contextmanager
def _undisturbed(model: Module) -> Iterator[None]:
    """Evaluation mode without gradients inside; afterwards modes and the default generator are what they were."""
    modes = [(module, module.training) for module in model.modules()]
    state = default_generator.get_state()
    try:
        model.eval()
        with no_grad():
            yield
    finally:
        default_generator.set_state(state)
        for module, training in modes:
            module.training = training


@contextmanager
def _recording(modules: list[tuple[LayerSummary, Module]]) -> Iterator[None]:
    """Hooks inside that write each call into its row."""
    handles = []
    try:
        for row, module in modules:
            handles.append(module.register_forward_hook(_writes_to(row)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _writes_to(row: LayerSummary) -> Any:
    def hook(_module: Module, _args: tuple, output: Any) -> None:
        row.calls += 1
        row.output_shapes = [t.shape for t in _tensors_in(output)]

    return hook


def _tensors_in(output: Any) -> Iterator[Tensor]:
    """The Tensors in what a module returned: one, or any nest of tuples, lists and dicts."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (tuple, list)):
        for part in output:
            yield from _tensors_in(part)
    elif isinstance(output, dict):
        yield from _tensors_in(list(output.values()))
