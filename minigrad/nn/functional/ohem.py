"""Online hard example mining: losses of class labels in which only the hardest examples of a batch count.

Shrivastava, Gupta and Girshick 2016, "Training Region-based Object Detectors with Online Hard Example Mining", sec. 4.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, Callable, NamedTuple

import numpy as np

from ...backend import backend_of, device_of, dtypes
from ...ops.loss import cross_entropy_op, nll_op, own_class
from ...tensor import Tensor
from .checks import check_number, check_reduction, check_tensor, first_place
from .class_losses import class_loss, classes_of, counts_of, labels_of, one_over_total, own_if_plain, valid_labels
from .mining import Mining

__all__ = ["cross_entropy_ohem", "nll_loss_ohem"]


class Mined(NamedTuple):
    """What one call found: its loss, and for each example its own loss before weights, its label, and two answers."""

    loss: Tensor
    losses: Any
    labels: Any
    valid: Any
    kept: Any


def nll_loss_ohem(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, keep_ratio: float | None = None,
    threshold: float | None = None, min_kept: int = 0, min_negatives: int = 0, always_keep: Tensor | None = None,
    scope: str = "batch", normalizer: str | float = "kept", ignore_index: int = -100, reduction: str = "mean",
    return_mask: bool = False,
) -> Any:
    """nll_loss of the hardest examples only, from log-probabilities (N, C, d1, ...) and labels (N, d1, ...).

    Each position of the target is an example; those labelled `ignore_index` are not valid, and the others are ranked by
    their unweighted loss. Of n valid ones the k = clip(max(min_kept, ceil(keep_ratio * n - 1e-9)), 1, n) hardest are
    kept; of equal losses the lower index comes first. With `threshold` in place of keep_ratio: those whose own class
    has a probability strictly below it, and at least the min_kept hardest.

    always_keep: a bool tensor of the target's shape, such as the positives of a detector. These are kept besides, and
    leave the ranking: n counts the others. Where none of them is valid, at least min_negatives others are kept.
    scope: "batch" ranks all examples together, "sample" those of each target[i] among themselves.
    weight (C,): applied to what was kept. "mean" divides by the weights kept, or with normalizer="valid" by the weights
    of all valid examples, or by a number given as normalizer; "sum" and "none" (0 for what is not kept) as they say.

    The choice is a constant: what is not kept has a gradient of exactly 0. With nothing to keep, or only what its
    weights count for nothing (the total that "mean" divides by is 0), the loss is 0, and part of the graph, at every
    keep_ratio. Wherever nll_loss has a mean, keep_ratio=1 is nll_loss, bit for bit. return_mask: (loss, kept), a bool
    tensor of the target's shape.

    Raises ValueError for a loss that is not finite (on a GPU at the next synchronisation), for options out of range or
    a mask of another shape, and whatever nll_loss raises. Shrivastava et al. 2016, section 4.
    """
    mining = Mining(keep_ratio, threshold, min_kept, min_negatives, scope)
    name = "nll_loss_ohem"
    found = mined(nll_op, name, mining, input, target, weight, always_keep, normalizer, ignore_index, reduction)
    return (found.loss, Tensor.of(found.kept)) if return_mask else found.loss


def cross_entropy_ohem(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, keep_ratio: float | None = None,
    threshold: float | None = None, min_kept: int = 0, min_negatives: int = 0, always_keep: Tensor | None = None,
    scope: str = "batch", normalizer: str | float = "kept", ignore_index: int = -100, reduction: str = "mean",
    return_mask: bool = False,
) -> Any:
    """cross_entropy of the hardest examples only, from logits (N, C, d1, ...). All else as for nll_loss_ohem."""
    mining = Mining(keep_ratio, threshold, min_kept, min_negatives, scope)
    row, name = cross_entropy_op, "cross_entropy_ohem"
    found = mined(row, name, mining, input, target, weight, always_keep, normalizer, ignore_index, reduction)
    return (found.loss, Tensor.of(found.kept)) if return_mask else found.loss


def mined(
    row: Callable, name: str, mining: Mining, input: Tensor, target: Tensor, weight: Tensor | None, always_keep: Any,
    normalizer: str | float, ignore_index: int, reduction: str,
) -> Mined:
    """The loss of the examples that `mining` keeps, `row` being the op that makes the loss of each."""
    check_reduction(reduction)
    normalizer = check_normalizer(normalizer)
    labels = labels_of(name, input, target)
    always = _mask(name, always_keep, labels)
    each, labels, valid = _loss_of_each(row, name, input, labels, ignore_index)
    counts = counts_of(name, input, labels, valid, weight)
    _refuse_nonfinite(name, each.array)
    kept = mining.choose(each.array, valid, always)
    if mining.keep_ratio == 1 and isinstance(normalizer, str):
        loss = class_loss(row, name, input, target, weight, ignore_index, reduction, of_nothing=0.0)
    else:
        counted = kept.astype(counts.dtype) if weight is None else np.where(kept, counts, 0)
        loss = _reduced(each, counted, counts, reduction, normalizer)
    return Mined(loss, each.array, labels, valid, kept)


def _loss_of_each(row: Callable, name: str, input: Tensor, labels: Any, ignore_index: int) -> tuple[Tensor, Any, Any]:
    """(the unweighted losses, the labels with some class in place of the ignored ones, which are not ignored)."""
    own = own_if_plain(input, labels, ignore_index)
    if own is not None:
        return row(input, own, 1.0, total=False), labels, np.ones(labels.shape, dtypes.bool_)
    valid, labels = valid_labels(name, labels, classes_of(input), ignore_index)
    return row(input, own_class(labels, input.shape), valid.astype(input.dtype), total=False), labels, valid


def _reduced(each: Tensor, kept: Any, valid: Any, reduction: str, normalizer: str | float) -> Tensor:
    """The losses weighted by what each one counts, and their sum or their mean, unless it is "none"."""
    if reduction == "mean":
        kept = _shares(kept, valid, normalizer)
    weighted = each * Tensor.of(kept)
    return weighted if reduction == "none" else weighted.sum()


def _shares(kept: Any, valid: Any, normalizer: str | float) -> Any:
    """What each example counts, over the total that the mean divides by; 0 where there is nothing to divide."""
    if not isinstance(normalizer, str):
        return kept * (1 / normalizer)
    return kept * one_over_total(kept if normalizer == "kept" else valid)


def _refuse_nonfinite(name: str, losses: Any) -> None:
    """Ranked among others, a NaN or an infinity would be kept, or lost, without a word."""
    backend = backend_of(losses)
    finite = np.isfinite(losses)

    def error() -> Exception:
        at = first_place(~finite)
        return ValueError(
            f"{name}: the loss of the example at position {at} is {float(backend.to_host(losses)[at])}; only finite "
            "losses can be ranked: minigrad.debug() finds where a NaN is born"
        )

    backend.require(finite, error)


def _mask(name: str, always_keep: Any, labels: Any) -> Any:
    """The raw mask of what is kept whatever its loss, of the labels' shape; or None."""
    if always_keep is None:
        return None
    mask = check_tensor(always_keep, f"{name}: always_keep").array
    if mask.dtype != dtypes.bool_:
        raise TypeError(f"{name}: always_keep has dtype {mask.dtype}; make it bool, for instance with target == 1")
    if mask.shape != labels.shape:
        raise ValueError(
            f"{name}: always_keep of shape {tuple(mask.shape)} does not fit a target of shape {tuple(labels.shape)}"
        )
    if device_of(mask) != device_of(labels):
        raise RuntimeError(
            f"{name}: the target is on {device_of(labels)}, always_keep on {device_of(mask)}; "
            f"move it with .to('{device_of(labels)}')"
        )
    return mask


def check_normalizer(normalizer: Any) -> str | float:
    """The normalizer, a number as one of Python's."""
    if isinstance(normalizer, str):
        if normalizer not in ("kept", "valid"):
            raise ValueError(f"OHEM: normalizer must be 'kept', 'valid' or a number above 0, not {normalizer!r}")
        return normalizer
    if isinstance(normalizer, (bool, np.bool_)) or not isinstance(normalizer, Real):
        raise TypeError(f"OHEM: normalizer must be 'kept', 'valid' or a number above 0, not {normalizer!r}")
    number = check_number("OHEM", "normalizer", normalizer)
    if not 0 < number < math.inf:
        raise ValueError(f"OHEM: normalizer must be 'kept', 'valid' or a number above 0, not {normalizer}")
    return number
