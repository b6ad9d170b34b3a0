"""Multi-head attention. Vaswani et al. 2017, section 3.2.2."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import creation, ops
from ..ops.reduce import back_to
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.attention import added_where, attended, attention_weights
from .functional.checks import check_count
from .functional.dropouts import check_probability
from .linear import Linear
from .module import Module
from .parameter import Parameter

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """W_o [head_1, ..., head_h]: each attends, with W_q query, W_k key, W_v value, in embed_dim / num_heads features.

    forward takes query (L, N, E), key (S, N, kdim), value (S, N, vdim), with batch_first the batch in front, or one
    sequence without it, and returns (output like the query, weights (N, L, S)): averaged over heads, with
    average_attn_weights=False for each, (N, heads, L, S); None with need_weights=False. Masks are bools, true where a
    key is *not* looked at, or numbers that are added: key_padding_mask (N, S), attn_mask (L, S) or (N * heads, L, S).
    is_causal is a hint in PyTorch, and here has the mask made if attn_mask is missing. The weights returned are those
    after dropout. A query that may look at nothing gets weights of 0, and the output's bias: as in PyTorch without
    need_weights, which with them, and in eval mode without gradients, gives NaN.

    State: in_proj_weight (3 E, E), or q_proj_weight, k_proj_weight and v_proj_weight where kdim or vdim differ from E;
    in_proj_bias, bias_k and bias_v (a position added to all sequences), out_proj.
    Raises ValueError for sizes that do not fit, in the constructor and in forward.
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        embed_dim = check_count("MultiheadAttention", "embed_dim", embed_dim, 1)
        num_heads = check_count("MultiheadAttention", "num_heads", num_heads, 1)
        if embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention: num_heads must divide embed_dim, both above 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads}"
            )
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else check_count("MultiheadAttention", "kdim", kdim, 0)
        self.vdim = embed_dim if vdim is None else check_count("MultiheadAttention", "vdim", vdim, 0)
        self.num_heads = num_heads
        self.dropout = check_probability("MultiheadAttention", dropout, "dropout")
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn
        place = {"device": device, "dtype": dtype}
        shapes = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        alike = self.kdim == self.vdim == embed_dim
        for name, inputs in shapes.items():
            self.register_parameter(name, None if alike else Parameter(creation.empty(embed_dim, inputs, **place)))
        joint = Parameter(creation.empty(3 * embed_dim, embed_dim, **place)) if alike else None
        self.register_parameter("in_proj_weight", joint)
        self.register_parameter("in_proj_bias", Parameter(creation.empty(3 * embed_dim, **place)) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias, **place)
        for name in ("bias_k", "bias_v"):
            added = Parameter(creation.empty(1, 1, embed_dim, **place)) if add_bias_kv else None
            self.register_parameter(name, added)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Projections Xavier uniform, biases zero, bias_k and bias_v Xavier normal."""
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if (weight := getattr(self, name)) is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)  # type: ignore[arg-type]
        for added in (self.bias_k, self.bias_v):
            if added is not None:
                init.xavier_normal_(added)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
        need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        alone = self._check(query, key, value)
        if alone:
            query, key, value = (x.unsqueeze(0) for x in (query, key, value))
        elif not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        n, length, _ = query.shape
        q, k, v = self._projected(query, key, value)
        added = self._extra_keys(n, k)
        if added:
            k, v = ops.cat([k, *(pair[0] for pair in added)], 1), ops.cat([v, *(pair[1] for pair in added)], 1)
        q, k, v = (self._by_head(x) for x in (q, k, v))
        padding: Any = [(key.shape[1],)] if alone else [(n, key.shape[1])]
        mask = self._mask(q, key.shape[1], len(added), key_padding_mask, padding, attn_mask, is_causal)
        weights = F.dropout(attention_weights("MultiheadAttention", q, k, mask), self.dropout, self.training)
        output = self.out_proj(attended(weights, v).transpose(1, 2).reshape(n, length, self.embed_dim))
        shown = None
        if need_weights:
            shown = back_to(q.dtype, weights.mean(1) if average_attn_weights else weights)
            shown = shown.squeeze(0) if alone else shown
        if alone:
            return output.squeeze(0), shown
        return output if self.batch_first else output.transpose(0, 1), shown

    def _check(self, query: Any, key: Any, value: Any) -> bool:
        """Whether the inputs come without a batch. Raises for shapes that do not fit."""
        shapes = [getattr(x, "shape", None) for x in (query, key, value)]
        for name, x, size in (("query", query, self.embed_dim), ("key", key, self.kdim), ("value", value, self.vdim)):
            if not isinstance(x, Tensor):
                raise TypeError(f"MultiheadAttention: the {name} is a {type(x).__name__}, not a Tensor")
            if x.ndim not in (2, 3) or x.ndim != query.ndim or x.shape[-1] != size:
                raise ValueError(
                    f"MultiheadAttention: query, key and value have shapes {shapes[0]}, {shapes[1]} and {shapes[2]}; "
                    f"they must end in {self.embed_dim}, {self.kdim} and {self.vdim} features"
                )
        time, batch = (-2, 0) if self.batch_first else (0, 1)
        same_batch = query.ndim == 2 or query.shape[batch] == key.shape[batch] == value.shape[batch]
        if not same_batch or key.shape[time] != value.shape[time]:
            raise ValueError(
                f"MultiheadAttention: query, key and value have shapes {shapes[0]}, {shapes[1]} and {shapes[2]}; their "
                "batches, and the positions of key and value, must be as many"
            )
        return bool(query.ndim == 2)

    def _projected(self, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        biases = [None] * 3 if self.in_proj_bias is None else ops.chunk(self.in_proj_bias, 3)
        if self.in_proj_weight is None:
            weights = [getattr(self, name) for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight")]
        elif query is key is value:  # one product for all three
            return list(ops.chunk(F.linear(query, self.in_proj_weight, self.in_proj_bias), 3, -1))
        else:
            weights = list(ops.chunk(self.in_proj_weight, 3))
        return [F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases)]

    def _extra_keys(self, n: int, like: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(key, value) at positions that every sequence has: learned ones, zeros."""
        extra: list[tuple[Tensor, Tensor]] = []
        if self.bias_k is not None and self.bias_v is not None:
            extra.append((self.bias_k.expand(n, 1, -1), self.bias_v.expand(n, 1, -1)))
        if self.add_zero_attn:
            zeros = like.new_zeros(n, 1, self.embed_dim)
            extra.append((zeros, zeros))
        return extra

    def _by_head(self, x: Tensor) -> Tensor:
        """(N, L, E) as (N, heads, L, E / heads)."""
        return x.reshape(x.shape[0], x.shape[1], self.num_heads, self.head_dim).transpose(1, 2)

    def _mask(
        self, q: Tensor, keys: int, extra: int, key_padding_mask: Tensor | None, padding_shapes: list[tuple[int, ...]],
        attn_mask: Tensor | None, is_causal: bool,
    ) -> Tensor | None:
        """All masks as numbers to add, broadcasting to (N, heads, L, S + extra)."""
        n, heads, length, _ = q.shape
        if is_causal and attn_mask is None:
            attn_mask = q.new_tensor(~np.tri(length, keys, dtype=bool), dtype="bool")
        parts = []
        if key_padding_mask is not None:
            mask = self._read("key_padding_mask", key_padding_mask, padding_shapes, q)
            parts.append(mask.reshape(n, 1, 1, keys))
        if attn_mask is not None:
            mask = self._read("attn_mask", attn_mask, [(length, keys), (n * heads, length, keys)], q)
            parts.append(mask if mask.ndim == 2 else mask.reshape(n, heads, length, keys))
        if not parts:
            return None
        mask = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return F.pad(mask, (0, extra)) if extra else mask

    def _read(self, what: str, mask: Any, shapes: list[tuple[int, ...]], q: Tensor) -> Tensor:
        """The mask as numbers to add. Raises for what is none, and for a shape other than these."""
        if not isinstance(mask, Tensor) or mask.dtype.kind not in "bf":
            found = str(mask.dtype) if isinstance(mask, Tensor) else type(mask).__name__
            raise TypeError(f"MultiheadAttention: {what} is a tensor of bools, or of numbers to add, not {found}")
        if mask.shape not in shapes:
            raise ValueError(
                f"MultiheadAttention: {what} has shape {mask.shape}, expected {' or '.join(map(str, shapes))}"
            )
        return added_where(~mask, q) if mask.dtype.kind == "b" else mask.to(q.dtype)
