"""Normalisation of layers' inputs: over the batch, over features, over groups of channels."""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from ...backend import dtypes
from ...gradmode import no_grad
from ...ops.normalization import by_rms_op, scale_op, standardize_op
from ...tensor import Tensor
from .checks import check_count, check_float_input, check_number, check_tensor, check_writable

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "normalize", "rms_norm"]


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias for each channel of (N, C) or (N, C, ...). Ioffe and Szegedy 2015.

    training: mean and variance are the batch's, and running statistics, where given, move towards them in place by
    `momentum`: r <- (1 - momentum) r + momentum * batch's, with the variance over n - 1. Otherwise the running ones are
    used. weight, bias and running statistics (C,).
    Raises ValueError for shapes that do not fit, or in training for one value a channel; then nothing has changed.
    """
    x = _channels("batch_norm", input, 2)
    momentum, eps = check_number("batch_norm", "momentum", momentum), check_number("batch_norm", "eps", eps, 0)
    _check_running("batch_norm", running_mean, running_var, x.shape[1], input, moves=training)
    _check_affine("batch_norm", weight, bias, (x.shape[1],), input)
    x = _as_wide_as(x, weight, bias)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: outside of training it needs running_mean and running_var")
        return _like(input, _by_running(x, running_mean, running_var, weight, bias, eps))
    count = x.shape[0] * x.shape[2]
    if count < 2:
        raise ValueError(
            f"batch_norm: in training it needs more than one value a channel, got an input of shape {input.shape}: "
            "take a larger batch, or eval()"
        )
    y, mean, var = standardize_op(x, across=True, eps=eps)
    if running_mean is not None and running_var is not None:
        _move(running_mean, mean, momentum)
        _move(running_var, var * (count / (count - 1)), momentum)
    return _like(input, _scaled(y, weight, bias))


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias over the last dimensions. Ba, Kiros and Hinton 2016.

    normalized_shape: these dimensions, and the shape of weight and bias. Raises ValueError where they do not fit.
    """
    shape = _normalized("layer_norm", input, normalized_shape)
    _check_affine("layer_norm", weight, bias, shape, input)
    eps = check_number("layer_norm", "eps", eps, 0)
    x = _rows(_as_wide_as(input, weight, bias), shape)
    y, _, _ = standardize_op(x, across=False, eps=eps, nan_past_range=True)
    return _like(input, _features_scaled(y, weight, bias, shape))


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight over the last dimensions. Zhang and Sennrich 2019.

    eps: by default the smallest step at 1 of the dtype computed in, float32 for halves. Raises ValueError for shapes
    that do not fit.
    """
    shape = _normalized("rms_norm", input, normalized_shape)
    _check_affine("rms_norm", weight, None, shape, input)
    computed_in = np.float32 if input.dtype == np.float16 else input.dtype
    eps = float(np.finfo(computed_in).eps) if eps is None else check_number("rms_norm", "eps", eps, 0)
    y = by_rms_op(_rows(_as_wide_as(input, weight, None), shape), eps=eps)
    return _like(input, _features_scaled(y, weight, None, shape))


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """(x - mean) / sqrt(var + eps) over each of `num_groups` groups of channels of each example, then weight and bias.

    input (N, C, ...), weight and bias (C,). Raises ValueError unless num_groups divides C. Wu and He 2018.
    """
    x = _channels("group_norm", input, 2)
    n, c, length = x.shape
    num_groups = check_count("group_norm", "num_groups", num_groups, 1)
    if c % num_groups:
        raise ValueError(f"group_norm: num_groups={num_groups} does not divide the {c} channels of {input.shape}")
    _check_affine("group_norm", weight, bias, (c,), input)
    eps = check_number("group_norm", "eps", eps, 0)
    x = _as_wide_as(x, weight, bias)
    groups = x.reshape(n, num_groups, c // num_groups * length)
    y, _, _ = standardize_op(groups, across=False, eps=eps, nan_past_range=True)
    return _like(input, _scaled(y.reshape(x.shape), weight, bias))


def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None,
    bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) over each channel of each example of (N, C, ...), then weight and bias (C,).

    use_input_stats: whether these are the example's own; running statistics, where given, then move towards the mean
    over the batch. Raises ValueError for one value a channel. Ulyanov, Vedaldi and Lempitsky 2016.
    """
    x = _channels("instance_norm", input, 3)
    momentum, eps = check_number("instance_norm", "momentum", momentum), check_number("instance_norm", "eps", eps, 0)
    _check_running("instance_norm", running_mean, running_var, x.shape[1], input, moves=use_input_stats)
    _check_affine("instance_norm", weight, bias, (x.shape[1],), input)
    x = _as_wide_as(x, weight, bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ValueError("instance_norm: without the input's statistics it needs running_mean and running_var")
        return _like(input, _by_running(x, running_mean, running_var, weight, bias, eps))
    length = x.shape[2]
    if length < 2:
        raise ValueError(f"instance_norm: it needs more than one value a channel, got an input of shape {input.shape}")
    y, mean, var = standardize_op(x, across=False, eps=eps)
    if running_mean is not None and running_var is not None and x.shape[0]:
        _move(running_mean, mean.mean(0), momentum)
        _move(running_var, var.mean(0) * (length / (length - 1)), momentum)
    return _like(input, _scaled(y, weight, bias))


def normalize(input: Tensor, p: float = 2.0, dim: int | Sequence[int] = 1, eps: float = 1e-12) -> Tensor:
    """x / max(|x|_p, eps), with the norm taken along `dim`."""
    eps = check_number("normalize", "eps", eps)
    norm = check_tensor(input, "normalize").norm(p, dim, keepdim=True)
    return input / norm.clamp(min=eps)


# ---------------------------------------------------------------------------------------------------------- helpers


def _channels(name: str, input: Any, least: int) -> Tensor:
    """The input as (N, C, L)."""
    check_tensor(input, name)
    if input.ndim < least:
        raise ValueError(f"{name}: the input needs {least} dimensions or more, (N, C, ...), got shape {input.shape}")
    check_float_input(name, input)
    return input.reshape(*input.shape[:2], math.prod(input.shape[2:]))


def _normalized(name: str, input: Any, normalized_shape: Any) -> tuple[int, ...]:
    check_tensor(input, name)
    sizes = normalized_shape if hasattr(normalized_shape, "__len__") else (normalized_shape,)
    shape = tuple([check_count(name, "normalized_shape", n) for n in sizes])
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(f"{name}: an input of shape {input.shape} does not end in normalized_shape {shape}")
    check_float_input(name, input)
    return shape


def _rows(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(rows, 1, features)."""
    lead = input.shape[: input.ndim - len(shape)]
    return input.reshape(math.prod(lead), 1, math.prod(shape))


def _features_scaled(y: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """(rows, 1, features) times weight plus bias, features in place of channels."""
    features = math.prod(shape)
    flat = (None if part is None else part.reshape(features) for part in (weight, bias))
    return _scaled(y.reshape(y.shape[0], features, 1), *flat)


def _as_wide_as(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """Halves go through single precision where weight or bias are in it, and are rounded once, at the end."""
    part = weight if weight is not None else bias
    return x if part is None or part.dtype == x.dtype else x.to(part.dtype)


def _like(input: Tensor, y: Tensor) -> Tensor:
    y = y.reshape(input.shape)
    return y if y.dtype == input.dtype else y.to(input.dtype)


def _scaled(y: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    if weight is None and bias is None:
        return y
    if weight is None:
        return y + bias.reshape(-1, 1)  # type: ignore[union-attr]
    result: Tensor = scale_op(y, weight, bias)
    return result


def _by_running(x: Tensor, mean: Tensor, var: Tensor, weight: Any, bias: Any, eps: float) -> Tensor:
    mean = mean.detach().clone()  # of its own: a later training step moves the running one under this graph
    slope = (var + eps).rsqrt() if weight is None else weight * (var + eps).rsqrt()
    shift = -mean * slope if bias is None else bias - mean * slope
    result: Tensor = scale_op(x, slope.to(x.dtype), shift.to(x.dtype))
    return result


def _move(running: Tensor, new: Tensor, momentum: float) -> None:
    """In place, so that whoever holds the buffer sees it and the write log knows; in one write: writing costs most."""
    moved = running.array * (1 - momentum) + new.array.reshape(running.shape) * momentum
    with no_grad():
        running.copy_(Tensor.of(moved.astype(running.dtype)))


def _check_part(name: str, what: str, part: Any, shape: tuple[int, ...], input: Tensor) -> None:
    if part is None:
        return
    check_tensor(part, f"{name}: {what}")
    if part.shape != shape:
        raise ValueError(f"{name}: {what} has shape {part.shape}, but an input of shape {input.shape} needs {shape}")
    if part.device != input.device:
        raise RuntimeError(
            f"{name}: the input is on {input.device}, {what} on {part.device}; move one with .to('{part.device}')"
        )


def _check_running(name: str, mean: Any, var: Any, channels: int, input: Tensor, moves: bool) -> None:
    """All of it before any of it moves."""
    for what, part in (("running_mean", mean), ("running_var", var)):
        _check_part(name, what, part, (channels,), input)
        if part is not None and part.dtype.kind != "f":
            raise TypeError(f"{name}: {what} must be floating point, not {part.dtype}; cast it with .float()")
        if part is not None and moves:
            check_writable(name, what, part)


def _check_affine(name: str, weight: Any, bias: Any, shape: tuple[int, ...], input: Tensor) -> None:
    for what, part in (("weight", weight), ("bias", bias)):
        _check_part(name, what, part, shape, input)
        if part is not None and part.dtype != input.dtype and input.dtype != dtypes.float16:
            raise TypeError(
                f"{name}: dtypes differ, input {input.dtype} and {what} {part.dtype}; cast the input with "
                f".to({part.dtype})"
            )
