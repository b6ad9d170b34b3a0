"""Where raw values come from: what users hand in, and random draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from .backend import backend_of, device_of, dtypes, is_array, move, resolve
from .backend.random import Generator, rng_of


def array_from(data: Any, dtype: Any = None, device: Any = None, copy: bool = True) -> Any:
    """A raw array of `data`: a Tensor, an array, a number or nested sequences. Python floats become the default dtype.

    Raises TypeError for a dtype that is not supported, ValueError for ragged lists and numbers that do not fit it.
    """
    raw = _raw(data)
    wanted = _dtype_for(raw, data, dtype)
    if wanted.kind in "iu" and raw.dtype != wanted and not _has_dtype(data):
        _check_fits(raw, wanted)
    here = device_of(raw)
    place = here if device is None else resolve(device)
    with np.errstate(all="ignore"), backend_of(raw).on(here):
        cast = raw if raw.dtype == wanted else raw.astype(wanted)
        if place != here:
            return move(cast, place)
        return cast.copy() if copy and cast is raw and _keeps_own_memory(data) else cast


def _check_fits(raw: np.ndarray, wanted: np.dtype) -> None:
    """Refuse numbers that an integer dtype cannot hold; fractions are cut off, as in PyTorch."""
    limits = np.iinfo(wanted)
    fits = np.isfinite(raw) & (raw >= limits.min) & (raw <= limits.max)
    if not fits.all():
        raise ValueError(f"{raw[~fits].flat[0]} does not fit dtype {wanted}, which holds {limits.min} to {limits.max}")


def _dtype_for(raw: Any, data: Any, dtype: Any) -> np.dtype:
    if dtype is None:
        floats = raw.dtype == dtypes.float64 and not _has_dtype(data)
        return dtypes.get_default_dtype() if floats else dtypes.check_supported(raw.dtype)
    if raw.dtype.kind not in "biuf":
        dtypes.check_supported(raw.dtype)  # raises: complex numbers or text are not to be cast in silence
    return dtypes.as_dtype(dtype)


def _keeps_own_memory(data: Any) -> bool:
    return is_array(data) or isinstance(data, np.ndarray) or hasattr(data, "face") or hasattr(data, "__array__")


def _raw(data: Any) -> Any:
    if hasattr(data, "face"):
        return data.array
    if is_array(data):
        return data
    if isinstance(data, np.ndarray):
        return data.view(np.ndarray)
    if isinstance(data, np.generic):
        return np.asarray(data)
    if isinstance(data, (list, tuple, range)):
        data = _without_tensors(data)
    elif not isinstance(data, (int, float)) and not hasattr(data, "__array__"):
        try:
            return backend_of(data) and data
        except TypeError:
            raise TypeError(
                f"a tensor cannot be made from {type(data).__name__}; give numbers, nested lists or an array"
            ) from None
    try:
        raw = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"a tensor needs lists of equal length at each level: {error}") from None
    return raw


def _without_tensors(data: Any) -> Any:
    if hasattr(data, "face"):
        return data.detach().numpy()  # on a GPU an error: it says to move the tensor first
    return [_without_tensors(d) for d in data] if isinstance(data, (list, tuple)) else data


def _has_dtype(data: Any) -> bool:
    """Does the data (the first element of a list) bring a dtype of its own, so that float64 was meant?"""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return hasattr(data, "dtype") or hasattr(data, "__array__")


def draw_normal(size: tuple, dtype: np.dtype, mean: Any, std: Any, generator: Generator | None) -> np.ndarray:
    """Normal draws on the host; in single precision unless the dtype is float64."""
    wide = dtypes.float64 if dtype == dtypes.float64 else dtypes.float32
    draws = rng_of(generator).standard_normal(size, dtype=wide)
    return np.asarray(draws * wide.type(std) + wide.type(mean), dtype=dtype)


def draw_uniform(size: tuple, dtype: np.dtype, a: Any, b: Any, generator: Generator | None) -> np.ndarray:
    """Uniform draws from [a, b) on the host; in single precision unless the dtype is float64."""
    wide = dtypes.float64 if dtype == dtypes.float64 else dtypes.float32
    draws = rng_of(generator).random(size, dtype=wide)
    drawn = np.asarray(draws * wide.type(b - a) + wide.type(a), dtype=dtype)
    below = np.nextafter(dtype.type(b), dtype.type(a))
    return np.minimum(drawn, below, out=drawn)  # rounding may have reached b
