"""Losses with a margin: what is right must lead by so much; and the distances that they compare."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...backend import backend_of, dtypes
from ...tensor import Tensor
from .activations import logsigmoid, softplus
from .checks import check_float_input, check_number, check_reduction, check_tensor, first_place, same_shape
from .losses import reduced

__all__ = [
    "cosine_embedding_loss", "cosine_similarity", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "pairwise_distance", "soft_margin_loss",
    "triplet_margin_loss",
]  # fmt: skip


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """|x1 - x2 + eps|_p along the last dimension: (N, D) to (N,). eps keeps the gradient finite at distance 0."""
    check_tensor(x1, "pairwise_distance"), check_tensor(x2, "pairwise_distance")
    eps = check_number("pairwise_distance", "eps", eps)
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`, of what both are broadcast to.

    Raises ValueError for shapes that do not broadcast.
    """
    check_tensor(x1, "cosine_similarity"), check_tensor(x2, "cosine_similarity")
    eps = check_number("cosine_similarity", "eps", eps)
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise ValueError(f"cosine_similarity: shapes {x1.shape} and {x2.shape} do not broadcast") from None
    whole = [x if x.shape == shape else x.expand(*shape) for x in (x1, x2)]
    along = [x / x.norm(2, dim, keepdim=True).clamp(min=eps) for x in whole]
    return (along[0] * along[1]).sum(dim)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, *, reduction: str = "mean") -> Tensor:
    """x where the target is 1, max(0, margin - x) where it is -1: of distances x, of what is alike or not."""
    check_reduction(reduction)
    same_shape("hinge_embedding_loss", input, target)
    margin = check_number("hinge_embedding_loss", "margin", margin)
    unlike = ops.where(target != 1, (margin - input).clamp(min=0), 0.0)
    return reduced(unlike + ops.where(target != -1, input, 0.0), reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - y (x1 - x2)): x1 is to lead x2 where the target y is 1, x2 to lead x1 where it is -1."""
    check_reduction(reduction)
    same_shape("margin_ranking_loss", input1, input2)
    same_shape("margin_ranking_loss", input1, target)
    margin = check_number("margin_ranking_loss", "margin", margin)
    return reduced((margin - target * (input1 - input2)).clamp(min=0), reduction)


def soft_margin_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-y x)), for targets y of 1 or -1."""
    check_reduction(reduction)
    same_shape("soft_margin_loss", input, target)
    return reduced(softplus(-target * input, threshold=np.inf), reduction)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    Inputs (N, D) and targets (N,), or (D,) and (). Raises ValueError for shapes that do not fit.
    """
    check_reduction(reduction)
    name = "cosine_embedding_loss"
    margin = check_number(name, "margin", margin)
    same_shape(name, input1, input2)
    if input1.ndim not in (1, 2) or check_tensor(target, name).shape != input1.shape[:-1]:
        raise ValueError(
            f"{name}: inputs of shape {input1.shape} and target of shape {target.shape} are not (N, D) and (N,), or "
            "(D,) and ()"
        )
    squares = [(x * x).sum(-1) + 1e-12 for x in (input1, input2)]
    cosine = (input1 * input2).sum(-1) / (squares[0] * squares[1]).sqrt()
    alike = ops.where(target == 1, 1 - cosine, 0.0)
    return reduced(alike + ops.where(target == -1, (cosine - margin).clamp(min=0), 0.0), reduction)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6,
    swap: bool = False, *, reduction: str = "mean",
) -> Tensor:
    """max(0, d(a, p) - d(a, n) + margin), d being pairwise_distance; swap: the smaller of d(a, n) and d(p, n).

    Raises ValueError for shapes that differ, or a margin that is not above 0. Balntas et al. 2016.
    """
    check_reduction(reduction)
    same_shape("triplet_margin_loss", anchor, positive)
    same_shape("triplet_margin_loss", anchor, negative)
    margin = check_number("triplet_margin_loss", "margin", margin, 0, above=True)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = ops.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced((pairwise_distance(anchor, positive, p, eps) - far + margin).clamp(min=0), reduction)


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, *,
    reduction: str = "mean",
) -> Tensor:
    """The sum over classes i other than y of max(0, margin - x[y] + x[i])^p * weight[y] / C.

    input (N, C) and labels (N,), or (C,) and (). Raises ValueError for p other than 1 and 2 or shapes that do not fit,
    IndexError for a label out of range (on a GPU at the next synchronisation).
    """
    check_reduction(reduction)
    name = "multi_margin_loss"
    if check_number(name, "p", p) not in (1, 2):
        raise ValueError(f"{name}: p must be 1 or 2, not {p!r}")
    margin = check_number(name, "margin", margin)
    x, alone = _classes(name, input)
    classes = x.shape[1]
    if check_tensor(target, name).shape != input.shape[:-1]:
        raise ValueError(f"{name}: target of shape {target.shape} does not fit input of shape {input.shape}")
    labels = _in_range(name, target, 0, classes).reshape(-1, 1)
    lead = (margin - x.gather(1, labels) + x).clamp(min=0)
    each = lead if p == 1 else lead * lead
    if weight is not None:
        if check_tensor(weight, f"{name}: weight").shape != (classes,):
            raise ValueError(f"{name}: weight of shape {weight.shape} does not fit {classes} classes")
        each = each * weight[labels.reshape(-1)].unsqueeze(1)
    others = ops.ne(labels, x.new_tensor(np.arange(classes)))
    each = ops.where(others, each, 0.0).sum(1) * (1 / classes)
    return reduced(each.squeeze(0) if alone else each, reduction)


def multilabel_margin_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """The sum over labels y of an example, and classes i that are none of them, of max(0, 1 - x[y] + x[i]) / C.

    input (N, C) or (C,), target of the same shape: an example's labels, then -1; what follows is not read. Raises
    IndexError for a label out of range (on a GPU at the next synchronisation).
    """
    check_reduction(reduction)
    name = "multilabel_margin_loss"
    same_shape(name, input, target)
    x, alone = _classes(name, input)
    n, classes = x.shape
    labels = _in_range(name, target, -1, classes).reshape(n, classes)
    counts = (labels < 0).long().cumsum(1) == 0  # up to the first -1
    labels = labels.clamp(min=0)
    own = x.new_zeros(n, classes).scatter_add(1, labels, counts.to(x.dtype)) > 0
    pairs = (1 - x.gather(1, labels).unsqueeze(2) + x.unsqueeze(1)).clamp(min=0)  # (N, labels, classes)
    counted = counts.unsqueeze(2) & ~own.unsqueeze(1)
    each = ops.where(counted, pairs, 0.0).sum((1, 2)) * (1 / classes)
    return reduced(each.squeeze(0) if alone else each, reduction)


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """The mean over classes of -(y log s + (1 - y) log(1 - s)) * weight, s = sigmoid(x): (N, C) to (N,)."""
    check_reduction(reduction)
    same_shape("multilabel_soft_margin_loss", input, target)
    each = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        each = each * check_tensor(weight, "multilabel_soft_margin_loss: weight")
    return reduced(each.mean(-1), reduction)


def _classes(name: str, input: Any) -> tuple[Tensor, bool]:
    """The input as (N, C), and whether it came as (C,)."""
    if check_tensor(input, name).ndim not in (1, 2) or not input.shape[-1]:
        raise ValueError(f"{name} takes inputs (N, C) or (C,), not of shape {input.shape}")
    check_float_input(name, input)
    return (input.unsqueeze(0), True) if input.ndim == 1 else (input, False)


def _in_range(name: str, target: Tensor, least: int, classes: int) -> Tensor:
    """The labels as int64, all of them from `least` to classes - 1."""
    labels, backend = target.array, backend_of(target.array)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: the target holds class labels: integers, not {labels.dtype}; cast it with .long()")
    good = (labels >= least) & (labels < classes)

    def error() -> Exception:
        at = first_place(~good)
        return IndexError(
            f"{name}: label {int(backend.to_host(labels)[at])} at position {at} is out of range for {classes} classes"
        )

    backend.require(good, error)
    return target.to(dtypes.int64)
