"""Clipping gradients by norm or by value."""

from __future__ import annotations

import math
import warnings
from numbers import Real
from typing import Any, Iterable, Iterator

import numpy as np

from ...autograd import next_tick
from ...backend import backend_of, device_of, dtypes, move, where_lies, writelog
from ...tensor import Tensor
from .checks import Tensors, check_writeable, list_of

__all__ = [
    "clip_each_grad_norm_", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm",
]  # fmt: skip

# --------------------------------------------------------------------------------------------------------------- norms


def get_total_norm(tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    """The norm of all tensors taken as one vector: (sum |x|^p)^(1/p), or max |x| for norm_type inf. A 0-d tensor.

    Sums are taken in float64, of values over the largest one where squares could leave its range: gradients of 1e-30 do
    not vanish and those of 1e30 do not overflow, as they do in PyTorch. The result is of the widest dtype among the
    tensors, for halves of float32. No tensors: 0. Raises ValueError for a norm_type that is not above 0, RuntimeError
    for a norm that is not finite if asked to.
    """
    given = list_of("get_total_norm", tensors)
    for x in given:
        if x.dtype.kind != "f":
            raise TypeError(f"get_total_norm: a tensor of shape {x.shape} has dtype {x.dtype}; norms are of floats")
    return _as_result(given, _total_norm([x.array for x in given], _order(norm_type), error_if_nonfinite))


def _total_norm(arrays: list[Any], p: float, error_if_nonfinite: bool) -> Any:
    """0-d and float64, on the first array's device."""
    if not arrays:
        return np.zeros((), dtypes.float64)
    place = device_of(arrays[0])
    with np.errstate(all="ignore"):
        norms = [move(_norm(array, p), place) for array in arrays]
    with where_lies(norms[0]), np.errstate(all="ignore"):
        total = norms[0] if len(norms) == 1 else _norm(backend_of(norms[0]).xp.stack(norms), p)
        if error_if_nonfinite and not math.isfinite(total):
            raise RuntimeError(
                f"the gradients' norm of order {p:g} is {float(total)}, so they cannot be clipped, and are unchanged; "
                "minigrad.debug() finds where a NaN was born, error_if_nonfinite=False scales all the same"
            )
    return total


def _norm(array: Any, p: float) -> Any:
    """0-d and float64, on the array's device."""
    with where_lies(array):
        backend = backend_of(array)
        x = array.reshape(-1).astype(dtypes.float64)
        if not x.size:
            norm = x.sum()
        elif p == 2 and array.dtype != dtypes.float64:  # no square of a float32 leaves the range of float64
            norm = backend.xp.sqrt(x.dot(x))
        else:
            norm = _norm_of_magnitudes(backend, abs(x), p)
        return backend.xp.asarray(norm)


def _norm_of_magnitudes(backend: Any, x: Any, p: float) -> Any:
    if p == math.inf:
        return backend.amax(x)
    if p == 1:
        return x.sum()
    top = backend.amax(x)
    scale = backend.xp.where((top > 0) & backend.xp.isfinite(top), top, 1.0)
    return ((x / scale) ** p).sum() ** (1 / p) * scale


def _order(norm_type: Any) -> float:
    p = float(norm_type)
    if not p > 0:
        raise ValueError(f"norm_type must be above 0 (2, 1, inf ...), got {norm_type!r}")
    return p


def _as_result(tensors: list[Tensor], norm: Any) -> Tensor:
    dtype = dtypes.float32 if tensors else dtypes.get_default_dtype()
    if any(x.dtype == dtypes.float64 for x in tensors):
        dtype = dtypes.float64
    with where_lies(norm), np.errstate(all="ignore"):
        return Tensor.of(norm.astype(dtype))


# ------------------------------------------------------------------------------------------------------------ clipping


def clip_grad_norm_(
    parameters: Tensors, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients, in place, by min(1, max_norm / (norm + 1e-6)); return the norm they had, all taken together.

    The norm is get_total_norm()'s. Parameters without a gradient are passed over; a parameter listed twice, or a
    gradient that two of them share, counts and is scaled once (in PyTorch twice). A norm that is not finite makes
    gradients 0 or NaN, or raises RuntimeError if asked to. Raises ValueError for a max_norm below 0 and for gradients
    that cannot be written to; after an error all gradients are as they were. Pascanu et al. 2013, algorithm 1.
    """
    max_norm = _not_negative("clip_grad_norm_", "max_norm", max_norm)
    p = _order(norm_type)
    grads = _gradients("clip_grad_norm_", parameters)
    norm = _total_norm([g.array for g in grads], p, error_if_nonfinite)
    _scale(grads, max_norm, [norm] * len(grads))
    return _as_result(grads, norm)


def clip_grads_with_norm_(parameters: Tensors, max_norm: float, total_norm: Tensor | float) -> None:
    """Scale all gradients, in place, by min(1, max_norm / (total_norm + 1e-6)).

    Raises what clip_grad_norm_() raises.
    """
    max_norm = _not_negative("clip_grads_with_norm_", "max_norm", max_norm)
    grads = _gradients("clip_grads_with_norm_", parameters)
    norm = total_norm.array if isinstance(total_norm, Tensor) else np.asarray(float(total_norm))
    if norm.shape:
        raise ValueError(f"clip_grads_with_norm_: total_norm must be a number or 0-d, not of shape {norm.shape}")
    _scale(grads, max_norm, [norm] * len(grads))


def clip_each_grad_norm_(
    parameters: Tensors, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale each gradient by itself, in place, by min(1, max_norm / (its norm + 1e-6)); return the norms that they had.

    (P,) for P gradients, in the order of the parameters. Unlike clip_grad_norm_() this changes the direction of the
    step, and one parameter's outburst leaves the others alone. Raises what clip_grad_norm_() raises. Not in PyTorch.
    """
    max_norm = _not_negative("clip_each_grad_norm_", "max_norm", max_norm)
    p = _order(norm_type)
    grads = _gradients("clip_each_grad_norm_", parameters)
    norms = [_total_norm([g.array], p, error_if_nonfinite) for g in grads]
    _scale(grads, max_norm, norms)
    if not grads:
        return Tensor.of(np.zeros(0, dtypes.get_default_dtype()))
    place = device_of(norms[0])
    with where_lies(norms[0]):
        return _as_result(grads, backend_of(norms[0]).xp.stack([move(norm, place) for norm in norms]))


def clip_grad_value_(parameters: Tensors, clip_value: float) -> None:
    """Put every element of every gradient, in place, into [-clip_value, clip_value]; NaN stays NaN.

    Raises ValueError for a clip_value below 0 and for gradients that cannot be written to, and changes nothing then.
    """
    limit = _not_negative("clip_grad_value_", "clip_value", clip_value)
    for g in _gradients("clip_grad_value_", parameters):
        array, xp = g.array, backend_of(g.array).xp
        with where_lies(array), np.errstate(all="ignore"):
            writelog.log(array, next_tick())
            xp.maximum(array, -limit, out=array)
            xp.minimum(array, limit, out=array)


def _scale(grads: list[Tensor], max_norm: float, norms: list[Any]) -> None:
    """In float64: a factor that float32 holds coarsely, or not at all, scales rightly."""
    factors: dict[Any, Any] = {}  # by the norm and where it is needed; most often there is one
    with np.errstate(all="ignore"):
        for g, norm in zip(grads, norms):
            array, xp = g.array, backend_of(g.array).xp
            with where_lies(array):
                key = id(norm), device_of(array)
                if key not in factors:
                    factors[key] = xp.minimum(max_norm / (move(norm, key[1]).astype(dtypes.float64) + 1e-6), 1.0)
                writelog.log(array, next_tick())
                xp.multiply(array, factors[key], out=array, casting="same_kind")


def _gradients(title: str, parameters: Tensors) -> list[Tensor]:
    """The gradients there are, each once. Raises TypeError or ValueError for what could not be changed in place."""
    listed = list_of(title, parameters)
    if not listed and isinstance(parameters, Iterator):
        warnings.warn(f"{title}: the iterator of parameters is empty (used up?); nothing is clipped", stacklevel=3)
    grads = {id(g.array): g for g in (p.grad for p in listed) if g is not None}
    for g in grads.values():
        check_writeable(title, "a gradient", g.array)
    if any(g.array.base is not None for g in grads.values()):  # two arrays that own their memory never meet
        return _without_twins(title, grads.values())
    return list(grads.values())


def _without_twins(title: str, grads: Iterable[Tensor]) -> list[Tensor]:
    """Of gradients on the same elements only one. Raises ValueError for those that share some of them."""
    found: dict[Any, Tensor] = {}
    for g in grads:
        array = g.array
        found.setdefault((g.device, *backend_of(array).memory(array)[1:], array.shape, array.strides), g)
    for (_, _, _, a, _), (_, _, _, b, _) in _overlapping(found):
        raise ValueError(
            f"{title}: gradients of shapes {a} and {b} share a part of their memory, which would be changed twice; "
            "clone() one of them"
        )
    return list(found.values())


def _overlapping(found: dict[Any, Tensor]) -> Iterator[tuple[Any, Any]]:
    """The places of different arrays that have an element in common."""
    places = sorted((place for place in found if found[place].numel()), key=lambda place: (str(place[0]), place[1]))
    for i, first in enumerate(places):
        for second in places[i + 1 :]:
            if second[0] != first[0] or second[1] >= first[2]:
                break
            a, b = found[first].array, found[second].array
            if not isinstance(a, np.ndarray) or np.shares_memory(a, b):
                yield first, second


def _not_negative(title: str, name: str, value: Any) -> float:
    if not isinstance(value, (Real, Tensor)) or isinstance(value, bool):
        raise TypeError(f"{title}: {name} must be a number, got {value!r}")
    number = float(value)
    if not number >= 0:
        raise ValueError(f"{title}: {name} must be 0 or above, got {number}")
    return number
