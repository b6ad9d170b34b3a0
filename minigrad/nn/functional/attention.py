"""Attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import ops
from ...backend import dtypes
from ...ops.reduce import back_to, wide
from ...tensor import Tensor
from .activations import softmax
from .checks import broadcasts_to, check_floating, check_number
from .dropouts import check_probability, dropout

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:
    """softmax(q k^T * scale + mask) v, scale being 1 / sqrt(E) by default. Vaswani et al. 2017, eq. 1.

    query (..., L, E), key (..., S, E), value (..., S, V), result (..., L, V). attn_mask broadcasts to (..., L, S):
    bools, true where a key is looked at, or numbers that are added. is_causal: query i looks at keys 0 to i. dropout_p:
    of the weights, whenever it is above 0. enable_gqa: the heads, dimension -3, of key and value each serve as many
    heads of the query in a row (Ainslie et al. 2023). A query that may look at nothing gets zeros, as in PyTorch.
    Halves are computed with in single precision.
    Raises ValueError for shapes that do not fit, or both a mask and is_causal, TypeError for dtypes that differ.
    """
    name = "scaled_dot_product_attention"
    _check_inputs(name, query, key, value)
    dropout_p = check_probability(name, dropout_p, "dropout_p")
    scale = None if scale is None else check_number(name, "scale", scale)
    if enable_gqa:
        key, value = (_for_heads_of(name, query, x) for x in (key, value))
    _check_batches(name, query, key, value)
    if is_causal:
        if attn_mask is not None:
            raise ValueError(f"{name}: give either attn_mask or is_causal")
        attn_mask = query.new_tensor(np.tri(query.shape[-2], key.shape[-2], dtype=bool), dtype="bool")
    weights = attention_weights(name, query, key, attn_mask, scale)
    return attended(dropout(weights, dropout_p), value)


def attended(weights: Tensor, value: Tensor) -> Tensor:
    """The values' mean under the weights, in the values' dtype."""
    y: Tensor = back_to(value.dtype, ops.matmul(weights, wide(value)))
    return y


def attention_weights(
    name: str, query: Tensor, key: Tensor, attn_mask: Tensor | None, scale: float | None = None
) -> Tensor:
    """softmax(q k^T * scale + mask), (..., L, S); zeros for a query that may look at nothing. Of halves in float32."""
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    scores = ops.matmul(wide(query) * scale, wide(key).mT)
    if attn_mask is None:
        return softmax(scores, -1)
    added = _as_added(name, attn_mask, query, scores)
    blind = ops.eq(added, -math.inf).all(-1, keepdim=True)
    if not blind.any().item():
        return softmax(scores + added, -1)
    return ops.where(blind, 0.0, softmax(ops.where(blind, 0.0, scores + added), -1))


def _check_inputs(name: str, query: Any, key: Any, value: Any) -> None:
    for what, x in (("query", query), ("key", key), ("value", value)):
        check_floating(x, f"{name}: {what}")
    if not query.dtype == key.dtype == value.dtype:
        raise TypeError(
            f"{name}: query, key and value have dtypes {query.dtype}, {key.dtype} and {value.dtype}; cast them to one"
        )
    shapes = f"query, key and value have shapes {query.shape}, {key.shape} and {value.shape}"
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ValueError(f"{name}: {shapes}; each needs two dimensions or more, (..., positions, features)")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"{name}: {shapes}; query and key must have as many features, the last dimension")
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"{name}: {shapes}; key and value must have as many positions, the last dimension but one")


def _check_batches(name: str, query: Tensor, key: Tensor, value: Tensor) -> None:
    if query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        return
    try:
        np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    except ValueError:
        raise ValueError(
            f"{name}: query, key and value have shapes {query.shape}, {key.shape} and {value.shape}, whose batches, "
            "all but the last two dimensions, do not broadcast together"
        ) from None


def _for_heads_of(name: str, query: Tensor, x: Any) -> Tensor:
    """Each head of x, dimension -3, as often in a row as it takes to have one for each head of the query."""
    if min(query.ndim, x.ndim) < 3 or not x.shape[-3] or query.shape[-3] % x.shape[-3]:
        raise ValueError(
            f"{name}: with enable_gqa the heads, dimension -3, of key and value must divide the query's; "
            f"got shapes {x.shape} and {query.shape}"
        )
    *batch, heads, positions, features = x.shape
    times = query.shape[-3] // heads
    repeated = x.unsqueeze(-3).expand(*batch, heads, times, positions, features)
    return repeated.reshape(*batch, heads * times, positions, features)


def _as_added(name: str, mask: Any, query: Tensor, scores: Tensor) -> Tensor:
    """A mask as numbers to add to the scores: 0 where a bool one is true, -inf elsewhere."""
    if not isinstance(mask, Tensor) or mask.dtype not in (dtypes.bool_, dtypes.float32, query.dtype):
        what = str(mask.dtype) if isinstance(mask, Tensor) else type(mask).__name__
        raise TypeError(f"{name}: a mask is a tensor of bools, or of {query.dtype} to be added, not {what}")
    if not broadcasts_to(mask.shape, scores.shape):
        raise ValueError(f"{name}: a mask of shape {mask.shape} does not broadcast to scores of shape {scores.shape}")
    return added_where(mask, scores) if mask.dtype.kind == "b" else mask.astype(scores.dtype)


def added_where(seen: Tensor, like: Tensor) -> Tensor:
    """0 where true, -inf elsewhere, in the dtype of `like`."""
    return ops.where(seen, like.new_zeros(), -math.inf)
