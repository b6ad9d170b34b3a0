"""Running a law's NumPy lowering on given arrays: chunks, scratch, scalars, and quiet arithmetic."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from .numpy_lowering import Lowered
from .tree import NUMBER

CHUNK = 1 << 17  # elements: what a law touches at a time stays in the cache, if not in the innermost one
_LENGTHS_KEPT = 256  # for so many lengths, scratch cut to size is remembered


class NumpyRunner:
    """The lowering of one law, and the workspaces that its calls share."""

    def __init__(self, lowered: Lowered, scalars: tuple[str, ...], as_float: Callable[[str, Any], float]):
        self.function, self.scratch_kinds = lowered.function, lowered.scratch_kinds
        self.scalars, self.as_float = scalars, as_float
        self._idle: dict[np.dtype, list[Workspace]] = {}

    def cut(self, arrays: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The arrays in pieces that `run` takes: chunks of NumPy arrays, whole arrays of any other library."""
        size = len(arrays[0])
        if size <= CHUNK or not isinstance(arrays[0], ndarray):
            return [arrays]
        return [tuple(array[start : start + CHUNK] for array in arrays) for start in range(0, size, CHUNK)]

    def run(self, chunks: list[tuple[Any, ...]], scalars: dict[str, Any]) -> None:
        """Run the law on arrays as `cut` returned them; arrays and names of scalars have been checked."""
        first = chunks[0][0]
        if not isinstance(first, ndarray):
            return self._run_elsewhere(chunks[0], scalars)
        dtype = first.dtype
        idle = self._idle.get(dtype)
        if idle is None:
            idle = self._idle.setdefault(dtype, [])
        # Taken off the list while in use, so that neither another thread nor a call within this call can meet it.
        try:
            workspace = idle.pop()
        except IndexError:
            workspace = Workspace(self.scalars, self.scratch_kinds, dtype)
        try:
            workspace.quietly(self._calculate, chunks, scalars, workspace)
        finally:
            idle.append(workspace)

    def _calculate(self, chunks: list[tuple[ndarray, ...]], scalars: dict[str, Any], workspace: Workspace) -> None:
        for name, number in workspace.named_numbers:
            value = scalars[name]
            number[()] = value if type(value) is float else self.as_float(name, value)
        function = self.function
        for chunk in chunks:
            function(*chunk, *workspace.numbers, *workspace.scratch(len(chunk[0])))

    def _run_elsewhere(self, arrays: tuple[Any, ...], scalars: dict[str, Any]) -> None:
        numbers = [self.as_float(name, scalars[name]) for name in self.scalars]
        like = arrays[0]
        scratch = [np.empty_like(like, dtype=_dtype(kind, like.dtype)) for kind in self.scratch_kinds]
        with np.errstate(all="ignore"):
            self.function(*arrays, *numbers, *scratch)


class Workspace:
    """What a call needs besides its arrays, for one dtype: scratch, the scalars, and a context in which nothing warns.

    Each scalar lies in a 0-d array of the arrays' dtype: a ufunc takes half as long with that as with a Python float.
    Entering the context takes a tenth as long as np.errstate.
    """

    def __init__(self, scalars: tuple[str, ...], scratch_kinds: tuple[str, ...], dtype: np.dtype):
        self.numbers = [np.empty((), dtype) for _ in scalars]
        self.named_numbers = list(zip(scalars, self.numbers))
        self._dtypes = [_dtype(kind, dtype) for kind in scratch_kinds]
        self._largest = -1
        self._cut: dict[int, list[ndarray]] = {}
        context = contextvars.Context()
        context.run(np.seterr, all="ignore")
        self.quietly = context.run

    def scratch(self, size: int) -> list[ndarray]:
        """Scratch arrays of a size; their contents are arbitrary."""
        cut = self._cut.get(size)
        return self._cut_to(size) if cut is None else cut

    def _cut_to(self, size: int) -> list[ndarray]:
        if size > self._largest or len(self._cut) >= _LENGTHS_KEPT:
            self._cut.clear()  # the old views would keep the old scratch alive
            self._largest = max(size, self._largest)
            self._whole = [np.empty(self._largest, dtype) for dtype in self._dtypes]
        cut = self._cut[size] = [whole[:size] for whole in self._whole]
        return cut


def _dtype(kind: str, dtype: Any) -> Any:
    return dtype if kind == NUMBER else np.dtype(bool)
