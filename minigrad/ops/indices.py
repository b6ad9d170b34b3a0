"""Reading what stands between the brackets of x[...].

NumPy does the indexing, but where it and PyTorch mean different things by one index, PyTorch's meaning holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import numpy as np

from ..backend import backend_of, device_of, dtypes, is_array, where_lies


def is_basic(index: tuple) -> bool:
    """Numbers, slices, None and ... only: what NumPy answers with a view."""
    return not any(is_array(i) for i in index)


def read_index(index: Any, x: Any) -> tuple:
    """An index as a tuple of numbers, slices, None, ... and index arrays on x's device, for NumPy to read.

    Raises IndexError for what cannot index, RuntimeError for an index tensor on another device.
    """
    raw = getattr(x, "array", x) if hasattr(x, "face") else x
    if isinstance(index, list) and _stands_for_a_tuple(index):
        index = tuple(index)
    parts = tuple(_read_part(part, raw) for part in (index if isinstance(index, tuple) else (index,)))
    if len(parts) == raw.ndim and all(part.__class__ is int for part in parts):
        return (*parts, Ellipsis)  # or NumPy answers with a number of its own instead of a view of the element
    return parts if is_basic(parts) else _read_arrays(parts, raw)


def _stands_for_a_tuple(index: list) -> bool:
    """PyTorch's rule: a short list is one index of numbers, unless something in it is more than a number."""
    return len(index) < 32 and any(
        part is None or part is Ellipsis or isinstance(part, (slice, Sequence)) or hasattr(part, "face")
        or is_array(part)
        for part in index
    )


def _read_part(part: Any, x: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, (int, slice)) and not isinstance(part, bool):
        return part
    if hasattr(part, "face"):
        part = part.array
        if part.ndim == 0 and part.dtype.kind == "i":
            return int(part)  # a view, as by a number; a GPU has to wait for it
        if device_of(part) != device_of(x):
            raise RuntimeError(
                f"getitem: the index is on {device_of(part)} and the tensor on {device_of(x)}; "
                f"move the index with .to('{device_of(x)}')"
            )
    elif is_array(part):
        part = part.copy()  # the caller's own, which may change before the gradient is taken
    else:
        part = np.asarray(part)
        if part.size == 0 and part.dtype.kind == "f":
            part = part.astype(dtypes.int64)  # x[[]]
    if part.dtype.kind == "i" and part.ndim == 0:
        return int(part)
    if part.dtype.kind not in "ib":
        hint = "; say which is meant with .bool() or .long()" if part.dtype == dtypes.uint8 else ""
        raise IndexError(f"getitem: an index must be made of integers or booleans, not of {part.dtype}{hint}")
    backend = backend_of(x)
    return part if backend_of(part) is backend else backend.from_host(part, backend.device_of(x))


def _read_arrays(parts: tuple, x: Any) -> tuple:
    """An index with arrays in it: ... spelt out, the arrays checked, numbers kept from moving dimensions."""
    free = x.ndim - sum(_dims_taken(part) for part in parts)
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    if free < 0 or len(dots) > 1:
        return parts  # NumPy's error says it well
    at = dots[0] if dots else len(parts)
    parts = (*parts[:at], *(slice(None),) * free, *parts[at + 1 :])
    if x.__class__ is not np.ndarray:
        _require_in_range(parts, x)
    return _written_out(parts, x) if _a_number_moves_dimensions(parts) else parts


def _dims_taken(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if is_array(part) and part.dtype.kind == "b" else 1


def _require_in_range(parts: tuple, x: Any) -> None:
    """NumPy checks index arrays by itself, but CuPy takes them modulo the size."""
    d = 0
    for part in parts:
        if is_array(part) and part.dtype.kind == "i":
            n = x.shape[d]
            message = f"getitem: an index is out of range for dim {d} of a tensor of shape {tuple(x.shape)}"
            with where_lies(x):
                backend_of(x).require((part >= -n) & (part < n), lambda message=message: IndexError(message))
        d += _dims_taken(part)


def _a_number_moves_dimensions(parts: tuple) -> bool:
    """Does NumPy put the dimensions of the index arrays elsewhere than PyTorch, because a number is among the parts?

    Both put them where the arrays stand, if these stand together, else in front. NumPy counts numbers as arrays;
    PyTorch takes the numbers first.
    """
    theirs = [part for part in parts if part.__class__ is not int]
    return _place(parts, lambda part: is_array(part) or part.__class__ is int) != _place(theirs, is_array)


def _place(parts: Sequence[Any], is_index: Callable[[Any], bool]) -> int:
    at = [i for i, part in enumerate(parts) if is_index(part)]
    together = at[-1] - at[0] + 1 == len(at)
    return at[0] if together else 0


def _written_out(parts: tuple, x: Any) -> tuple:
    """The same index by arrays in every dimension, which NumPy leaves in the order that PyTorch gives."""
    axes = _as_numbers(parts, x)
    kept = [part for part in axes if part.__class__ is not int]
    first = next(i for i, part in enumerate(kept) if is_array(part))
    after = sum(not is_array(part) for part in kept[first:])
    ndim = first + max(part.ndim for part in kept if is_array(part)) + after
    left = ndim  # dimensions of the result that are still to come
    written: list[Any] = []
    for part in axes:
        if part.__class__ is int:
            written.append(part)
        elif is_array(part):
            left = after
            written.append(part.reshape((*(1,) * (ndim - after - part.ndim), *part.shape, *(1,) * after)))
        else:
            left -= 1
            if part is not None:
                written.append(_counted(part, x).reshape((-1, *(1,) * left)))
    return tuple(written)


def _as_numbers(parts: tuple, x: Any) -> list:
    """Masks as the numbers of their true elements, slices as ranges."""
    axes: list[Any] = []
    d = 0
    for part in parts:
        if is_array(part) and part.dtype.kind == "b":
            axes.extend(part.nonzero())
        else:
            axes.append(range(*part.indices(x.shape[d])) if isinstance(part, slice) else part)
        d += _dims_taken(part)
    return axes


def _counted(numbers: range, x: Any) -> Any:
    backend = backend_of(x)
    with backend.on(backend.device_of(x)):
        return backend.xp.arange(numbers.start, numbers.stop, numbers.step)
