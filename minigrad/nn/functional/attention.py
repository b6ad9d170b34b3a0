"""Attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import ops
from ...tensor import Tensor
from .activations import softmax
from .checks import check_floating
from .dropouts import dropout

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None,
) -> Tensor:
    """softmax(q k^T * scale + mask) v, scale being 1 / sqrt(E) by default. Vaswani et al. 2017, eq. 1.

    query (..., L, E), key (..., S, E), value (..., S, V), result (..., L, V). attn_mask broadcasts to (..., L, S):
    bools, true where a key is looked at, or numbers that are added. is_causal: query i looks at keys 0 to i. dropout_p:
    of the weights, whenever it is above 0. A query that may look at nothing gets zeros, as in PyTorch. Raises
    ValueError for shapes that do not fit, or both a mask and is_causal.
    """
    weights = attention_weights("scaled_dot_product_attention", query, key, attn_mask, is_causal, scale)
    if check_floating(value, "scaled_dot_product_attention: value").shape[-2] != key.shape[-2]:
        raise ValueError(
            f"scaled_dot_product_attention: a key of shape {key.shape} and a value of shape {value.shape} differ in "
            "their number of positions"
        )
    return ops.matmul(dropout(weights, dropout_p), value)


def attention_weights(
    name: str, query: Tensor, key: Tensor, attn_mask: Tensor | None, is_causal: bool, scale: float | None = None
) -> Tensor:
    """softmax(q k^T * scale + mask), (..., L, S); zeros for a query that may look at nothing."""
    check_floating(query, f"{name}: query"), check_floating(key, f"{name}: key")
    if query.ndim < 2 or key.ndim < 2 or query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"{name}: a query of shape {query.shape} and a key of shape {key.shape} are not (..., L or S, E)"
        )
    length, keys = query.shape[-2], key.shape[-2]
    if is_causal:
        if attn_mask is not None:
            raise ValueError(f"{name}: give either attn_mask or is_causal")
        attn_mask = query.new_tensor(np.tri(length, keys, dtype=bool), dtype="bool")
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = ops.matmul(query * scale, key.mT)
    if attn_mask is None:
        return softmax(scores, -1)
    added = as_added(name, attn_mask, scores)
    blind = ops.eq(added, -math.inf).all(-1, keepdim=True)
    if not blind.any().item():
        return softmax(scores + added, -1)
    return ops.where(blind, 0.0, softmax(ops.where(blind, 0.0, scores + added), -1))


def as_added(name: str, mask: Any, scores: Tensor) -> Tensor:
    """A mask as numbers to add: 0 where a bool one is true, -inf elsewhere."""
    if not isinstance(mask, Tensor) or mask.dtype.kind not in "bf":
        what = str(mask.dtype) if isinstance(mask, Tensor) else type(mask).__name__
        raise TypeError(f"{name}: a mask is a tensor of bools, or of numbers to add, not {what}")
    try:
        fits = np.broadcast_shapes(mask.shape, scores.shape) == scores.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name}: a mask of shape {mask.shape} does not broadcast to scores of shape {scores.shape}")
    if mask.dtype.kind == "f":
        return mask
    return ops.where(mask, scores.new_zeros(), -math.inf)
