"""A law made callable: its flags chosen, its arguments checked."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from . import cuda_lowering, cupy_run, lint, numba_lowering, numba_run
from .follow import Line, follow
from .numpy_lowering import lower
from .numpy_run import NumpyRunner
from .tree import LawText

Runner = NumpyRunner | numba_run.NumbaRunner | cupy_run.CupyRunner


class Law:
    """One choice of flags of a law: `law(*inputs, *updated, **scalars)` updates the arrays in place.

    `inputs`, `updated` and `scalars` name the parameters in the order of the header. A parameter that the chosen flags
    leave unused is not among them, and the call does not take it. `flags` holds the flags that are on, `doc` the
    comments above the law, `text` the whole file.

    The arrays are one-dimensional, contiguous, of one length and one float dtype, and share no memory; scalars are
    Python numbers and never change the dtype. NumPy arrays are worked through in cache-sized chunks, or by a compiled
    loop (see use_numba), CuPy's float32 and float64 arrays by one kernel launch; arrays of another kind or library are
    worked through whole, if they answer NumPy's ufuncs, `np.where` and `np.empty_like`. Overflow and invalid values
    pass as in C, without a warning. Raises TypeError or ValueError, naming the law and the argument, before anything is
    written. (Of shared memory only one array given twice is noticed.)
    """

    def __init__(self, tree: LawText, flags: frozenset[str] = frozenset()):
        lint.check_text(tree)
        lint.check_choice(tree, flags)
        self.name, self.doc, self.text, self.flags = tree.name, tree.doc, tree.text, flags
        used = tree.names_used(flags)
        self.inputs = tuple(name.name for name in tree.inputs if name.name in used)
        self.updated = tuple(name.name for name in tree.updated if name.name in used)
        self.scalars = tuple(name.name for name in tree.scalars if name.name in used)
        self._tree = tree
        self._arrays = self.inputs + self.updated
        self._scalar_names = frozenset(self.scalars)
        self._fits = _compile_fits(self.inputs, self.updated)
        self._numpy = lower(tree, flags, list(self._arrays), list(self.scalars))
        self._runner = NumpyRunner(self._numpy, self.scalars, self._as_float)
        self._numba: numba_run.NumbaRunner | None = None  # made when it is first asked for, and so is this:
        self._cupy: cupy_run.CupyRunner | None = None

    def __call__(self, *arrays: Any, **scalars: Any) -> None:
        if len(arrays) != len(self._arrays) or scalars.keys() != self._scalar_names:
            raise self._wrong_call(len(arrays), scalars)
        runner: Runner = self._runner
        if not self._fits(*arrays):
            self._check(arrays)
            runner = self._runner_for(arrays)
        elif len(arrays[0]) >= numba_run.LONG:
            runner = self._runner_for(arrays)
        runner.run(runner.cut(arrays), scalars)

    def on(self, *arrays: Any) -> BoundLaw:
        """The law bound to its arrays: `law.on(g, p)(lr=0.1)` is `law(g, p, lr=0.1)`, and raises what that raises.

        The arrays are checked and cut here, once, which saves a microsecond for who calls a law on the same ones again
        and again. They must stay writeable.
        """
        if len(arrays) != len(self._arrays):
            raise self._wrong_call(len(arrays), dict.fromkeys(self.scalars))
        self._check(arrays)
        runner = self._runner_for(arrays)
        return BoundLaw(self, runner, runner.cut(arrays))

    def source(self, lowering: str = "numpy") -> str:
        """The program that the law becomes. Raises ValueError for a lowering that does not exist."""
        if lowering == "cuda":
            return self._cupy_runner().lowered.source
        if lowering == "numba":
            return self._numba_runner().loop.source
        if lowering != "numpy":
            raise ValueError(f"law {self.name} has no lowering {lowering!r}; there are 'numpy', 'cuda' and 'numba'")
        return self._numpy.source

    def follow(self, values: Mapping[str, float], dtype: Any = np.float64) -> list[Line]:
        """What the law does to one element, line by line and operation by operation, in numbers of that dtype.

        `values` holds a number for each array and scalar, by name; nothing is written. Raises TypeError for a name that
        is missing or unknown, or a dtype that is no float.
        """
        names = [*self._arrays, *self.scalars]
        if values.keys() != set(names):
            missing, unknown = [n for n in names if n not in values], sorted(values.keys() - set(names))
            raise TypeError(f"law {self.name} takes a number for each of {names}; missing {missing}, unknown {unknown}")
        if np.dtype(dtype).kind != "f":
            raise TypeError(f"law {self.name} is followed in floating point, not in {np.dtype(dtype)}")
        numbers = {name: self._as_float(name, values[name]) for name in names}
        return follow(self._tree, self.flags, np.dtype(dtype), numbers)

    def __repr__(self) -> str:
        sections = (self.inputs, self.updated, self.scalars)
        flags = "".join(f" #{flag}" for flag in sorted(self.flags))
        return f"<law {self.name}({' | '.join(', '.join(names) for names in sections)}){flags}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Law, (self._tree, self.flags)  # compiled functions and scratch are made anew

    # ---- choosing what runs it

    def _runner_for(self, arrays: tuple[Any, ...]) -> Runner:
        if cupy_run.takes(arrays[0]):
            return self._cupy_runner()
        return self._numba_runner() if numba_run.takes(arrays) and self._numba_runner().gains else self._runner

    def _numba_runner(self) -> numba_run.NumbaRunner:
        if self._numba is None:
            loop = numba_lowering.lower(self._tree, self.flags, self._arrays, self.scalars)
            self._numba = numba_run.NumbaRunner(loop, self._tree.file, self._runner)
        return self._numba

    def _cupy_runner(self) -> cupy_run.CupyRunner:
        if self._cupy is None:
            lowered = cuda_lowering.lower(self._tree, self.flags, self.inputs, self.updated, self.scalars)
            self._cupy = cupy_run.CupyRunner(lowered, self._as_float)
        return self._cupy

    # ---- refusing

    def _check(self, arrays: tuple[Any, ...]) -> None:
        """Raise for the first array that is wrong, saying what is wrong with it."""
        first, first_name = arrays[0], self._arrays[0]
        family = np.ndarray if isinstance(first, np.ndarray) else type(first)
        seen: dict[int, str] = {}
        for name, array in zip(self._arrays, arrays):
            say = f"law {self.name}: {name}"
            if not hasattr(array, "flags") or not hasattr(array, "dtype"):
                raise TypeError(f"{say} is a {_kind_of(array)}, no array: pass one-dimensional float arrays")
            if not isinstance(array, family):
                kinds = f"{_kind_of(array)} and {first_name} a {_kind_of(first)}"
                raise TypeError(f"{say} is a {kinds}: move all arrays to one device first")
            if array.dtype.kind != "f":
                raise TypeError(f"{say} has dtype {array.dtype}: a law works on floats, convert it first")
            if array.dtype != first.dtype:
                raise TypeError(f"{say} has dtype {array.dtype} and {first_name} {first.dtype}: convert to one dtype")
            if len(array.shape) != 1:
                raise ValueError(f"{say} has shape {array.shape}, not one dimension: pass array.reshape(-1)")
            if array.shape != first.shape:
                raise ValueError(f"{say} has shape {array.shape} and {first_name} {first.shape}: pass equal lengths")
            if not array.flags.c_contiguous:
                raise ValueError(f"{say} is not contiguous: pass a contiguous array, not a strided view")
            if family is np.ndarray and name in self.updated and not array.flags.writeable:
                raise ValueError(f"{say} is read-only, and the law updates it in place: pass a writeable array")
            if id(array) in seen:
                raise ValueError(f"{say} is the same array as {seen[id(array)]}: each needs memory of its own")
            seen[id(array)] = name

    def _wrong_call(self, count: int, scalars: dict[str, Any]) -> TypeError:
        missing = [name for name in self.scalars if name not in scalars]
        unknown = [name for name in scalars if name not in self._scalar_names]
        problems = []
        if count != len(self._arrays):
            problems.append(f"takes {len(self._arrays)} arrays, {', '.join(self._arrays)}, not {count}")
        if missing:
            problems.append(f"misses the scalar {', '.join(missing)}")
        if unknown:
            problems.append(f"knows no scalar {', '.join(unknown)}")
        keywords = "".join(f", {name}=..." for name in self.scalars)
        return TypeError(f"law {self.name} {' and '.join(problems)}: call it ({', '.join(self._arrays)}{keywords})")

    def _as_float(self, name: str, value: Any) -> float:
        try:
            if isinstance(value, (str, bytes)):
                raise TypeError
            return float(value)
        except (TypeError, ValueError):
            raise TypeError(f"law {self.name}: {name} is a {_kind_of(value)}, {value!r}: pass a number") from None


class BoundLaw:
    """A law on given arrays: call it with the scalars. It keeps the arrays alive, and it cannot be copied."""

    __slots__ = ("law", "_runner", "_chunks")

    def __init__(self, law: Law, runner: Runner, chunks: list[tuple[Any, ...]]):
        self.law, self._runner, self._chunks = law, runner, chunks

    def __call__(self, **scalars: Any) -> None:
        if scalars.keys() != self.law._scalar_names:
            raise self.law._wrong_call(len(self._chunks[0]), scalars)
        self._runner.run(self._chunks, scalars)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a bound law {self.law.name} cannot be copied: bind the law to the copy's own arrays")


def _compile_fits(inputs: tuple[str, ...], updated: tuple[str, ...]) -> Callable[..., bool]:
    """A function of the arrays that is true if they are plain NumPy arrays as the law wants them.

    It may be false for arrays that are right; Law._check decides those. Written out argument by argument because a loop
    took as long as a tenth of a small network's Adam step.
    """
    arrays = inputs + updated
    first = arrays[0]
    conditions = [f"type({name}) is ndarray" for name in arrays]
    conditions += [f"{first}.dtype.kind == 'f'", " is ".join(f"{name}.dtype" for name in arrays)]
    conditions += [" == ".join([*(f"{name}.ndim" for name in arrays), "1"])]
    conditions += [" == ".join(f"len({name})" for name in arrays)]
    conditions += [f"{name}.flags.c_contiguous" for name in inputs]
    conditions += [f"{name}.flags.carray" for name in updated]  # contiguous, aligned and writeable at once
    conditions += [f"{one} is not {other}" for one, other in itertools.combinations(arrays, 2)]
    scope: dict[str, Any] = {"ndarray": np.ndarray}
    exec(f"def fits({', '.join(arrays)}): return " + " and ".join(conditions), scope)
    fits: Callable[..., bool] = scope["fits"]
    return fits


def _kind_of(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
