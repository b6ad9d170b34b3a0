"""The gradient on its way back through time in a recurrent layer, and how far its gates are open.

The layers of minigrad.nn run all of time as one op, so that no hook sees the gradient of a single state. It is found
here by the recurrences that backpropagation through time follows (Werbos 1990), from what the op kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Iterable, Iterator

import numpy as np

from ..backend import backend_of, dtypes
from .statistics import norm, saturated_fraction


@dataclass
class TimeReading:
    """One layer and direction of a recurrent network at one recorded step.

    hidden: RMS of dL/dh_t over batch and units, t in the order of the sequence. (T,) cell: of dL/dc_t, in an LSTM.
    gates: by name, the share of a sigmoid gate's values within 0.05 of 0 or 1, and of tanh's within 0.05 of -1 or 1.
    truncated: whether the first state came from earlier steps without their graph, so that no gradient goes there.
    """

    hidden: np.ndarray
    cell: np.ndarray | None = None
    gates: dict[str, float] = field(default_factory=dict)
    truncated: bool = False
    reverse: bool = False  # time runs backwards, from the last step to the first
    recurrent: np.ndarray | None = None  # W_hh; in LSTM and GRU the rows of the candidate, which tanh bends

    @cached_property
    def radius(self) -> float:
        """The spectral radius of the recurrent weight, max |eigenvalue|; NaN with a projection or of a cell."""
        w = self.recurrent
        if w is None or w.shape[0] != w.shape[1] or not np.isfinite(w).all():
            return math.nan
        return float(abs(np.linalg.eigvals(w.astype(np.float64))).max())

    @property
    def carried(self) -> np.ndarray:
        """What is carried from step to step: dL/dc_t in an LSTM, else dL/dh_t; in the order in which time runs."""
        along = self.hidden if self.cell is None else self.cell
        return along[::-1] if self.reverse else along


def fused_nodes(outputs: Iterable[Any], inputs: Iterable[Any]) -> list[tuple[Any, list[Any]]]:
    """The nodes of fused recurrent ops between the inputs and the outputs of a module, as they were run.

    With each, the nodes of its results: there its upstream gradients arrive.
    """
    ends = {id(x.node) for x in inputs if x.node is not None}
    pending = [y.node for y in outputs if y.node is not None]
    seen: set[int] = set()
    found: dict[int, tuple[Any, list[Any]]] = {}
    while pending:
        node = pending.pop()
        if node is None or node.op is None or id(node) in seen or id(node) in ends:
            continue
        seen.add(id(node))
        for parent in node.parents or ():
            if parent is not None and getattr(parent.op, "name", "") in _KINDS and isinstance(parent.y, tuple):
                found.setdefault(parent.birth, (parent, []))[1].append(node)
            pending.append(parent)
    return [found[birth] for birth in sorted(found)]


class Capture:
    """A fused op of one recorded step: what it kept, and the gradients that arrive at its results."""

    def __init__(self, name: str, node: Any) -> None:
        self.name = name
        self.kind = node.op.name
        self.arrays = [_wide(a) if hasattr(a, "shape") and not hasattr(a, "op") else None for a in node.args]
        self.kept = [_wide(y) for y in node.y]
        self.reverse = bool(node.kw["reverse"])
        self.nonlinearity = node.kw.get("nonlinearity", "tanh")
        self.state_has_graph = node.parents[1] is not None
        self.upstream: dict[int, Any] = {}

    def take(self, index: int, g: Any) -> None:
        self.upstream[index] = _wide(g.array)

    def reading(self) -> TimeReading:
        """The gradient of every state, by the recurrences; called once all upstream gradients have arrived."""
        hidden, cell = _BACK[self.kind](self)
        weight = self.arrays[_WEIGHT_AT[self.kind]]
        gates = weight.shape[0] // self._width
        block = {1: 0, 3: 2, 4: 2}[gates] * self._width
        first = self.arrays[1]
        return TimeReading(
            _norms(hidden), None if cell is None else _norms(cell), self._gates(), reverse=self.reverse,
            truncated=not self.state_has_graph and bool((first != 0).any()),
            recurrent=backend_of(weight).to_host(weight[block : block + self._width]).copy(),
        )

    @property
    def _width(self) -> int:
        return int(self.kept[-1].shape[-1])

    def _gates(self) -> dict[str, float]:
        if self.kind == "rnn":
            ended = "Tanh" if self.nonlinearity == "tanh" else "ReLU"
            return {"state": saturated_fraction(self.kept[2][1:], ended)}
        names, gates = _GATES[self.kind], self.kept[_GATES_AT[self.kind]]
        return {
            name: saturated_fraction(gates[:, k], "Tanh" if name == "candidate" else "Sigmoid")
            for k, name in enumerate(names)
        }

    # ------------------------------------------------------------------------------------------ steps, back in time

    def steps(self) -> Iterator[int]:
        """The steps in the order in which the gradient meets them."""
        count = self.arrays[0].shape[0]
        return iter(range(count) if self.reverse else reversed(range(count)))

    def before(self, states: Any) -> Any:
        return states[1:] if self.reverse else states[:-1]

    def after(self, states: Any) -> Any:
        return states[:-1] if self.reverse else states[1:]

    def arriving(self, t: int, carried: Any, pad: Any) -> Any:
        """dL/dh_t: what later steps send back, and what the output at t receives; padding has no output."""
        of_output = self.upstream.get(0)
        if of_output is None:
            return carried
        return carried + (of_output[t] if pad is None else np.where(pad[t], 0, of_output[t]))

    def last(self, index: int, like: Any) -> Any:
        """The gradient of the last state, result `index`."""
        g = self.upstream.get(index)
        return np.zeros_like(like) if g is None else g


def _back_rnn(c: Capture) -> tuple[Any, None]:
    w_hh, pad, states = c.arrays[3], c.arrays[6], c.after(c.kept[2])
    slopes = 1 - states * states if c.nonlinearity == "tanh" else (states > 0).astype(states.dtype)
    found = np.empty_like(states)
    carried = c.last(1, states[0])
    for t in c.steps():
        found[t] = total = c.arriving(t, carried, pad)
        carried = _held(pad, t, total, (total * slopes[t]).dot(w_hh))
    return found, None


def _back_lstm(c: Capture) -> tuple[Any, Any]:
    w_hh, w_hr, pad = c.arrays[4], c.arrays[7], c.arrays[8]
    states, cells, gates, bent = c.kept[3:]
    old = c.before(cells)
    found, of_cells = np.empty_like(c.after(states)), np.empty_like(bent)
    carried, of_cell = c.last(1, found[0]), c.last(2, bent[0])
    for t in c.steps():
        g, i, f, o = gates[t]
        found[t] = total = c.arriving(t, carried, pad)
        of_product = total if w_hr is None else total.dot(w_hr)
        arrived = of_cell + of_product * o * (1 - bent[t] ** 2)
        of_cells[t] = arrived = _held(pad, t, of_cell, arrived)
        of_gates = (arrived * g * i * (1 - i), arrived * old[t] * f * (1 - f), arrived * i * (1 - g * g),
                    of_product * bent[t] * o * (1 - o))  # fmt: skip
        carried = _held(pad, t, total, np.concatenate(of_gates, axis=1).dot(w_hh))
        of_cell = _held(pad, t, arrived, arrived * f)
    return found, of_cells


def _back_gru(c: Capture) -> tuple[Any, None]:
    w_hh, pad = c.arrays[3], c.arrays[6]
    states, gates, inner = c.kept[2:]
    old, found = c.before(states), np.empty_like(c.after(states))
    carried = c.last(1, found[0])
    for t in c.steps():
        r, z, n = gates[t]
        found[t] = total = c.arriving(t, carried, pad)
        of_n = total * (1 - z) * (1 - n * n)
        of_gates = (of_n * inner[t] * r * (1 - r), total * (old[t] - n) * z * (1 - z), of_n * r)
        carried = _held(pad, t, total, total * z + np.concatenate(of_gates, axis=1).dot(w_hh))
    return found, None


def _held(pad: Any, t: int, held: Any, moved: Any) -> Any:
    """Where a sequence has ended the state is held, and its gradient goes on as it is."""
    return moved if pad is None else np.where(pad[t], held, moved)


def _wide(a: Any) -> Any:
    return a.astype(dtypes.float32) if a is not None and a.dtype == dtypes.float16 else a


def _norms(gradients: Any) -> np.ndarray:
    """RMS of each step's gradient, (T, N, F) to (T,)."""
    size = max(1, math.prod(gradients.shape[1:]))
    return np.array([norm(g) for g in gradients]) / math.sqrt(size)


_BACK = {"rnn": _back_rnn, "lstm": _back_lstm, "gru": _back_gru}
_KINDS = tuple(_BACK)
_WEIGHT_AT = {"rnn": 3, "lstm": 4, "gru": 3}
_GATES_AT = {"lstm": 5, "gru": 3}
_GATES = {"lstm": ("candidate", "input", "forget", "output"), "gru": ("reset", "update", "candidate")}
