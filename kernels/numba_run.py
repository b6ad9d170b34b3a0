"""Running a law as one compiled loop, where Numba is installed and the arrays are long enough to gain from it.

The results are the NumPy lowering's, bit for bit: nothing here may fuse, reorder or approximate what the law says. So
the length of a vector, and what is installed, may decide how a law runs without anyone seeing it but by the clock.
"""

from __future__ import annotations

import functools
import os
import threading
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from .numba_lowering import Loop
from .numpy_run import NumpyRunner

# Elements. The loop is several times as fast at any length, but it has to earn the half second that loading Numba takes
# and the second that compiling may: at this length an Adam step gains some 10 microseconds, at 1000 only 5.
LONG = 8192
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))  # Numba has no float16 on the CPU
# Division by zero gives inf or NaN. No fastmath, not even contraction to fused multiply-adds: that changes bits and, as
# these loops wait for memory and divisions, gains nothing.
_OPTIONS = {"error_model": "numpy", "nogil": True}
_HERE = os.path.dirname(os.path.abspath(__file__))
_COMPILING = threading.Lock()


class _Switch:
    on = os.environ.get("MINIGRAD_NUMBA") != "0"


class use_numba:
    """Let laws run as loops compiled by Numba, or keep them from it; the results are the same, bit for bit.

    `use_numba(False)` holds from the call on, `with use_numba(False):` to the end of the block; either in all threads.
    At the start they may, unless the environment variable MINIGRAD_NUMBA is 0. A law is compiled when it first meets a
    NumPy vector of 8192 elements or more, in float32 or float64; that takes about a second, once on a machine, for
    the loop is kept on disk by Numba (see its NUMBA_CACHE_DIR). Laws that call exp, log or cbrt stay with NumPy,
    which is faster there. Raises ImportError when asked to use a Numba that cannot be imported.
    """

    def __init__(self, on: bool):
        if not isinstance(on, bool):
            raise TypeError(f"use_numba takes True or False, not {on!r}")
        if on and _numba() is None:
            raise ImportError("Numba is not installed, or not in working order: pip install 'minigrad[fast]'")
        self._before = _Switch.on
        _Switch.on = on

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        _Switch.on = self._before


def takes(arrays: tuple[Any, ...]) -> bool:
    """Whether NumbaRunner is to run on such arrays, now or when it is switched on.

    Numba's types tell arrays that are read-only or unaligned from others; NumPy takes care of those.
    """
    if not all(type(array) is ndarray and array.flags.carray for array in arrays):
        return False
    return len(arrays[0]) >= LONG and arrays[0].dtype in _DTYPES and (not _Switch.on or _numba() is not None)


class NumbaRunner:
    """The compiled loops of one law, one for each dtype; while they are switched off, `numpy` runs it instead.

    `file` is the name of the law's text: if it lies in this folder, what is compiled is kept on disk.
    """

    def __init__(self, loop: Loop, file: str, numpy: NumpyRunner):
        self.loop, self.file, self.numpy = loop, file, numpy
        self.gains = loop.gains
        self._compiled: dict[np.dtype, Callable[..., None]] = {}

    def cut(self, arrays: tuple[ndarray, ...]) -> list[tuple[ndarray, ...]]:
        """The arrays in the form that `run` takes: whole."""
        return [arrays]

    def run(self, chunks: list[tuple[ndarray, ...]], scalars: dict[str, Any]) -> None:
        """Run the law on arrays that are taken, as `cut` returned them; names of scalars have been checked."""
        arrays = chunks[0]
        if not _Switch.on or _numba() is None:
            return self.numpy.run(self.numpy.cut(arrays), scalars)
        function = self._compiled.get(arrays[0].dtype)
        if function is None:
            function = self._compile(arrays)
        as_float = self.numpy.as_float
        numbers = [(name, scalars[name]) for name in self.numpy.scalars]
        function(*arrays, *[value if type(value) is float else as_float(name, value) for name, value in numbers])

    def _compile(self, arrays: tuple[ndarray, ...]) -> Callable[..., None]:
        dtype, numba = arrays[0].dtype, _numba()
        with _COMPILING:
            if dtype not in self._compiled:
                vector = numba.types.Array(numba.from_dtype(dtype), 1, "C")
                signature = numba.void(*[vector] * len(arrays), *[numba.float64] * len(self.numpy.scalars))
                self._compiled[dtype] = compiled(self.loop, signature, self.file)
            return self._compiled[dtype]


def compiled(loop: Loop, signature: Any, file: str) -> Any:
    """Compile a loop, or load it from Numba's cache, which is on disk and lies beside the text where it can be written.

    Numba caches only what has a file, so the function claims to come from the law's text. Its name tells it from the
    loops of other flags, and from those that the text became in other versions.
    """
    path = os.path.join(_HERE, file)
    if os.path.isfile(path):
        try:
            return _dispatcher(loop, signature, path, cache=True)
        except Exception:
            pass  # no place to write, no room, a damaged cache: all the same. What is wrong with the loop shows below.
    return _dispatcher(loop, signature, f"<{loop.function_name} in Numba>", cache=False)


def _dispatcher(loop: Loop, signature: Any, path: str, cache: bool) -> Any:
    numba = _numba()
    scope: dict[str, Any] = {"__name__": __name__}
    exec(compile(loop.source, path, "exec"), scope)
    for helper in loop.helpers:
        scope[helper] = numba.njit(scope[helper], **_OPTIONS)
    function = scope[loop.function_name]
    function.__qualname__ = cache_name(loop)
    dispatcher: Any = numba.njit(function, cache=cache, **_OPTIONS)
    dispatcher.compile(signature)
    return dispatcher


def cache_name(loop: Loop) -> str:
    """What names a compiled loop in Numba's cache: another source has another name."""
    return f"{loop.function_name}_{zlib.crc32(f'{loop.source}{_OPTIONS}'.encode()):08x}"


@functools.cache
def _numba() -> Any:
    """The module Numba, or None where there is none that works with this Python and NumPy."""
    try:
        import numba
    except ImportError:
        return None
    told_not_to_compile = getattr(numba.config, "DISABLE_JIT", False)
    return None if told_not_to_compile else numba
