"""Making tensors: from data, filled, counted, drawn at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .backend import Device, backend_for, dtypes, resolve
from .backend.random import Generator, rng_of
from .ops import dims
from .tensor import Tensor
from .values import array_from, draw_normal, draw_uniform

Size = Any  # 2, 3 or (2, 3)


def _finish(array: Any, requires_grad: bool) -> Tensor:
    t: Tensor = Tensor.of(array)
    return t.requires_grad_() if requires_grad else t


def _on(device: Any) -> tuple[Any, Device]:
    device = resolve(device)
    return backend_for(device), device


def _from_host(values: np.ndarray, device: Any, requires_grad: bool) -> Tensor:
    backend, place = _on(device)
    return _finish(backend.from_host(values, place), requires_grad)


def _sizes(size: tuple, name: str) -> tuple[int, ...]:
    shape = dims.shape_of(size, name)
    if min(shape, default=0) < 0:
        raise ValueError(f"{name}: sizes must not be negative, got {shape}")
    return shape


# ------------------------------------------------------------------------------------------------------- from data


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor on a copy of `data`: a number, nested lists, or an array. Python floats become the default dtype.

    Raises TypeError for data or a dtype that is not numeric, ValueError for lists of unequal length.
    """
    return _finish(array_from(data, dtype, device, copy=True), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` itself if it is such a tensor, else one that shares an array's memory where dtype and device allow."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    return Tensor.of(array_from(data, dtype, device, copy=False))


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor on the memory of a NumPy array: a change of one is seen in the other."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy takes a NumPy array, not {type(array).__name__}; use minigrad.tensor")
    dtypes.check_supported(array.dtype)
    if not array.dtype.isnative:
        raise TypeError(f"from_numpy cannot share byte-swapped memory ({array.dtype.str}); use minigrad.tensor")
    return Tensor.of(array.view(np.ndarray))


# ---------------------------------------------------------------------------------------------------------- filled


def full(size: Size, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of one value; its dtype by default is that of the value."""
    backend, place = _on(device)
    dtype = dtypes.result_type(fill_value) if dtype is None else dtypes.as_dtype(dtype)
    value = fill_value.item() if hasattr(fill_value, "item") else fill_value
    with backend.on(place):
        return _finish(backend.xp.full(_sizes((size,), "full"), value, dtype=dtype), requires_grad)


def _filled(size: tuple, value: int, dtype: Any, device: Any, requires_grad: bool, name: str) -> Tensor:
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    return full(_sizes(size, name), value, dtype=dtype, device=device, requires_grad=requires_grad)


def zeros(*size: Size, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """zeros(2, 3) or zeros((2, 3))."""
    return _filled(size, 0, dtype, device, requires_grad, "zeros")


def ones(*size: Size, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """ones(2, 3) or ones((2, 3))."""
    return _filled(size, 1, dtype, device, requires_grad, "ones")


def empty(*size: Size, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor to be overwritten; unlike PyTorch's its values are defined: zeros."""
    return _filled(size, 0, dtype, device, requires_grad, "empty")


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The n x m matrix with ones on the diagonal (m = n by default)."""
    values = np.eye(*_sizes((n, n if m is None else m), "eye"), dtype=_float_or(dtype))
    return _from_host(values, device, requires_grad)


def _float_or(dtype: Any) -> np.dtype:
    return dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """start, start + step, ... below end; arange(n) counts from 0. int64 for integers, else the default dtype."""
    if end is None:
        start, end = 0, start
    start, end, step = (x.item() if hasattr(x, "item") else x for x in (start, end, step))
    if dtype is not None and dtypes.as_dtype(dtype).kind != "f":
        start, end, step = int(start), int(end), int(step)
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange: step {step} does not lead from {start} to {end}")
    dtype = dtypes.result_type(start, end, step) if dtype is None else dtypes.as_dtype(dtype)
    count = max(0, math.ceil((end - start) / step))
    whole = all(isinstance(x, int) for x in (start, end, step))
    counted = np.arange(count, dtype=dtypes.int64 if whole else dtypes.float64) * step + start
    return _from_host(counted.astype(dtype), device, requires_grad)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` values from start to end, both included, equally far apart."""
    if steps < 0:
        raise ValueError(f"linspace: the number of steps must not be negative, got {steps}")
    start, end = (x.item() if hasattr(x, "item") else x for x in (start, end))
    return _from_host(np.linspace(start, end, steps).astype(_float_or(dtype)), device, requires_grad)


# ---------------------------------------------------------------------------------------------- like another tensor


def _like(input: Tensor, dtype: Any, device: Any) -> dict[str, Any]:
    return {"dtype": input.dtype if dtype is None else dtype, "device": input.device if device is None else device}


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape, dtype and device of another tensor."""
    return full(input.shape, 0, requires_grad=requires_grad, **_like(input, dtype, device))


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape, dtype and device of another tensor."""
    return full(input.shape, 1, requires_grad=requires_grad, **_like(input, dtype, device))


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """As empty(), in the shape, dtype and device of another tensor."""
    return zeros_like(input, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One value in the shape, dtype and device of another tensor."""
    return full(input.shape, fill_value, requires_grad=requires_grad, **_like(input, dtype, device))


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """As rand(), in the shape, dtype and device of another tensor."""
    return rand(input.shape, requires_grad=requires_grad, **_like(input, dtype, device))


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """As randn(), in the shape, dtype and device of another tensor."""
    return randn(input.shape, requires_grad=requires_grad, **_like(input, dtype, device))


# ---------------------------------------------------------------------------------------------------------- random


def rand(
    *size: Size, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Draws from the uniform distribution on [0, 1); the same numbers on every device for one seed."""
    dtype = _random_dtype(dtype, "rand")
    values = draw_uniform(_sizes(size, "rand"), dtype, 0.0, 1.0, generator)
    return _from_host(values, device, requires_grad)


def randn(
    *size: Size, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Draws from the standard normal distribution; the same numbers on every device for one seed."""
    dtype = _random_dtype(dtype, "randn")
    values = draw_normal(_sizes(size, "randn"), dtype, 0.0, 1.0, generator)
    return _from_host(values, device, requires_grad)


def _random_dtype(dtype: Any, name: str) -> np.dtype:
    dtype = _float_or(dtype)
    if dtype.kind != "f":
        raise TypeError(f"{name} draws floating-point numbers, not {dtype}; use randint")
    return dtype


def randint(
    low: int,
    high: Any = None,
    size: Size = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers drawn uniformly from [low, high): randint(low, high, size) or randint(high, size)."""
    if size is None:
        low, high, size = 0, low, high
    if high is None or size is None or low >= high:
        raise ValueError(f"randint: needs low < high and a size, got low={low}, high={high}, size={size}")
    dtype = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    if dtype.kind != "f":
        if requires_grad:
            raise TypeError(f"randint: only floating-point tensors can require gradients, not {dtype}")
        if dtype.kind != "b" and not np.iinfo(dtype).min <= low < high <= np.iinfo(dtype).max + 1:
            raise ValueError(f"randint: {dtype} does not hold every integer from {low} to {high - 1}")
    draws = rng_of(generator).integers(low, high, _sizes((size,) if not isinstance(size, tuple) else size, "randint"))
    return _from_host(np.asarray(draws, dtype), device, requires_grad)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The integers 0 to n - 1 in random order."""
    draws = rng_of(generator).permutation(_sizes((n,), "randperm")[0])
    return _from_host(draws.astype(dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)), device, False)
