"""Losses of targets that are labels of classes."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from ... import ops
from ...backend import backend_of, device_of, dtypes, is_array
from ...ops.loss import class_axis, cross_entropy_op, first_classes, nll_op, own_class
from ...tensor import Tensor
from .activations import log_softmax
from .checks import check_count, check_float_input, check_number, check_reduction, check_tensor, first_place
from .losses import one_over, reduced

__all__ = ["cross_entropy", "focal_loss", "nll_loss"]


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """-weight[target] * input[target]: the negative log-likelihood, of log-probabilities.

    input (N, C, d1, ...) and target (N, d1, ...), or (C,) and (): integer labels from 0 to C - 1, or `ignore_index`,
    which counts for nothing and gets no gradient. weight (C,): what each class counts. "mean" divides by the sum of the
    targets' weights, so it is NaN where there is nothing to average; "sum" and "none" as they say.

    Raises IndexError for a label out of range (on a GPU at the next synchronisation), ValueError for shapes that do not
    fit, TypeError for labels that are not integers or a weight of another dtype. PyTorch's deprecated arguments
    size_average and reduce do not exist.
    """
    return class_loss(nll_op, "nll_loss", input, target, weight, ignore_index, reduction)


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-weight[target] * log_softmax(input)[target]: nll_loss of logits, in one op. All else as for nll_loss.

    target: labels, or probabilities of the input's shape, of which it is -sum over c of weight[c] * target[c] *
    log_softmax(input)[c], and "mean" divides by the number of positions. label_smoothing: this share of each target is
    spread evenly over the classes (Szegedy et al. 2016, section 7); ValueError outside [0, 1].
    """
    label_smoothing = check_number("cross_entropy", "label_smoothing", label_smoothing, 0, 1)
    if isinstance(target, Tensor) and target.dtype.kind == "f" and target.shape == getattr(input, "shape", None):
        check_count("cross_entropy", "ignore_index", ignore_index)
        return _of_probabilities(input, target, weight, reduction, label_smoothing)
    if label_smoothing == 0:
        return class_loss(cross_entropy_op, "cross_entropy", input, target, weight, ignore_index, reduction)
    return _smoothed(input, target, weight, ignore_index, reduction, label_smoothing)


def focal_loss(
    input: Tensor, target: Tensor, gamma: float = 2.0, weight: Tensor | None = None, *, ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """-weight[target] * (1 - p)^gamma * log p, p = softmax(input)[target]: cross_entropy with less of what is learned.

    weight is the paper's alpha, one for each class. "mean" divides as in cross_entropy, so gamma=0 is cross_entropy.
    Raises ValueError for a negative gamma; otherwise as cross_entropy. Lin et al. 2017, equations 4 and 5.
    """
    check_reduction(reduction)
    gamma = check_number("focal_loss", "gamma", gamma, 0)
    labels = labels_of("focal_loss", input, target)
    valid, labels = valid_labels("focal_loss", labels, classes_of(input), ignore_index)
    counts = counts_of("focal_loss", input, labels, valid, weight)
    loss = cross_entropy_op(input, own_class(labels, input.shape), valid.astype(input.dtype), total=False)
    tiny = float(np.finfo(input.dtype).tiny)  # at p = 1 a power below 1 has an infinite slope
    each = loss * (-(-loss).expm1()).clamp(min=tiny) ** gamma if gamma else loss
    each = each * Tensor.of(counts)
    return averaged(each, counts) if reduction == "mean" else reduced(each, reduction)


def classes_of(input: Tensor) -> int:
    return input.shape[class_axis(input.ndim)]


def _some_classes(name: str, input: Tensor) -> int:
    classes = classes_of(input)
    if not classes:
        raise ValueError(f"{name}: there are no classes in an input of shape {input.shape}")
    return classes


def _of_probabilities(input: Any, target: Tensor, weight: Any, reduction: str, smoothing: float) -> Tensor:
    """cross_entropy of targets that are distributions over the classes."""
    check_reduction(reduction)
    if not input.ndim:
        raise ValueError("cross_entropy: the input needs a dimension of classes, got a 0-d tensor")
    dim = class_axis(input.ndim)
    classes = _some_classes("cross_entropy", input)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    logp = log_softmax(input, dim)
    if weight is not None:
        target = target * _for_each_class("cross_entropy", weight, input)
    each = -(target * logp).sum(dim)
    if reduction == "none":
        return each
    return each.sum() if reduction == "sum" else each.sum() * one_over(each.numel())


def _smoothed(
    input: Tensor, target: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float
) -> Tensor:
    """cross_entropy of labels of which a share is spread over all classes: two losses of one log-softmax."""
    check_reduction(reduction)
    labels = labels_of("cross_entropy", input, target)
    valid, labels = valid_labels("cross_entropy", labels, classes_of(input), ignore_index)
    counts = counts_of("cross_entropy", input, labels, valid, weight)
    dim = class_axis(input.ndim)
    logp = log_softmax(input, dim)
    own = nll_op(logp, own_class(labels, input.shape), counts, total=False)
    if weight is not None:
        logp = logp * _for_each_class("cross_entropy", weight, input)
    spread = ops.where(Tensor.of(valid), -logp.sum(dim), 0.0)
    each = own * (1 - smoothing) + spread * (smoothing / classes_of(input))
    return averaged(each, counts) if reduction == "mean" else reduced(each, reduction)


def averaged(each: Tensor, counts: Any) -> Tensor:
    """The sum over the sum of counts, a raw array; NaN where that is 0, with a gradient of 0."""
    return each.sum() * Tensor.of(one_over_total(counts)) + undefined_mean(counts)


def one_over_total(counts: Any) -> Any:
    """One over the sum of counts, 0-d and of their dtype; 0 where there is nothing to divide."""
    total = counts.sum(dtype=np.float64)
    with np.errstate(all="ignore"):
        return backend_of(counts).xp.asarray(np.where(total == 0, 0, 1 / total)).astype(counts.dtype)


def undefined_mean(counts: Any) -> Tensor:
    """What to add to a mean: 0, or NaN where there is nothing to average."""
    total = counts.sum(dtype=np.float64)
    with np.errstate(all="ignore"):
        return Tensor.of(backend_of(counts).xp.asarray((total / total - 1).astype(counts.dtype)))


def _for_each_class(name: str, weight: Any, input: Tensor) -> Tensor:
    check_weight(name, weight, input)
    return weight.reshape(-1, *(1,) * (input.ndim - 2)) if input.ndim > 1 else weight


def class_loss(
    row: Callable, name: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str,
    of_nothing: float = math.nan,
) -> Tensor:
    if weight is None and reduction == "mean":
        own = own_if_plain(input, getattr(target, "array", None), ignore_index)
        if own is not None:
            return row(input, own, 1 / len(own), total=True)
    check_reduction(reduction)
    labels = labels_of(name, input, target)
    valid, labels = valid_labels(name, labels, classes_of(input), ignore_index)
    own = own_class(labels, input.shape)
    counts = counts_of(name, input, labels, valid, weight)
    if reduction != "mean":
        return row(input, own, counts, total=reduction == "sum")
    # Divided by the total here, so that an ignored target has weight 0 and gradient 0 even where the mean is 0 / 0.
    total = counts.sum(dtype=np.float64)
    with np.errstate(all="ignore"):
        shares = np.where(valid, (counts / total).astype(counts.dtype), 0)
    if of_nothing == 0:  # of weights that sum to 0 there is nothing to average either
        shares = np.where(total == 0, 0, shares).astype(counts.dtype)
    mean = row(input, own, shares, total=True)
    return mean if of_nothing == 0 else mean + undefined_mean(counts)


def own_if_plain(input: Any, labels: Any, ignore_index: int) -> Any:
    """Where each label is, in the common case, checked in one go: (N, C), int64, on the CPU, in range; else None."""
    x = getattr(input, "array", None)
    if not (x.__class__ is labels.__class__ is np.ndarray) or x.ndim != 2 or labels.shape != x.shape[:1]:
        return None
    n, classes = x.shape
    if labels.dtype is not dtypes.int64 or x.dtype.kind != "f" or not n:
        return None
    if ignore_index.__class__ is not int or 0 <= ignore_index < classes:
        return None
    # Read as unsigned, negative labels are the largest of all: one pass tells.
    return first_classes((n,), classes) + labels if np.maximum.reduce(labels.view(np.uint64)) < classes else None


def labels_of(name: str, input: Tensor, target: Any) -> Any:
    """The raw labels, of the right shape and kind for `input`."""
    check_tensor(input, name)
    labels = target.array if isinstance(target, Tensor) else target
    if not is_array(labels):
        raise TypeError(f"{name}: the target is a {type(target).__name__}; make it a Tensor with minigrad.tensor")
    shape = input.shape
    if not shape:
        raise ValueError(f"{name}: the input needs a dimension of classes, got a 0-d tensor")
    _some_classes(name, input)
    without_classes = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if labels.shape != without_classes:
        raise ValueError(
            f"{name}: target of shape {tuple(labels.shape)} does not fit input of shape {shape}: labels go without the "
            f"dimension of classes, so the shape must be {without_classes}"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: the target holds class labels: integers, not {labels.dtype}; cast it with .long()")
    check_float_input(name, input)
    if labels.__class__ is not input.array.__class__ or (
        labels.__class__ is not np.ndarray and device_of(labels) != input.device
    ):
        raise RuntimeError(
            f"{name}: the input is on {input.device}, the target on {device_of(labels)}; "
            f"move it with .to('{input.device}')"
        )
    return labels


def valid_labels(name: str, labels: Any, classes: int, ignore_index: int) -> tuple[Any, Any]:
    """(which labels are not ignored, the labels with some class in place of those that are)."""
    ignore_index = check_count(name, "ignore_index", ignore_index)
    valid = labels != ignore_index
    in_range = (labels >= 0) & (labels < classes)
    backend = backend_of(labels)

    def error() -> Exception:
        at = first_place(valid & ~in_range)
        return IndexError(
            f"{name}: label {int(backend.to_host(labels)[at])} at position {at} is out of range for {classes} classes; "
            f"labels go from 0 to {classes - 1}, and {ignore_index} (ignore_index) is ignored"
        )

    backend.require(in_range | ~valid, error)
    return valid, np.where(in_range, labels, 0).astype(dtypes.int64)  # in a narrow dtype, indices would overflow


def counts_of(name: str, input: Tensor, labels: Any, valid: Any, weight: Tensor | None) -> Any:
    """What each target counts: the weight of its class, 0 if it is ignored."""
    if weight is None:
        return valid.astype(input.dtype)
    check_weight(name, weight, input)
    return np.where(valid, weight.array[labels], 0)


def check_weight(name: str, weight: Any, input: Tensor) -> None:
    check_tensor(weight, f"{name}: weight")
    classes = classes_of(input)
    if weight.shape != (classes,):
        raise ValueError(f"{name}: weight of shape {weight.shape} does not fit {classes} classes; give it ({classes},)")
    if weight.dtype != input.dtype:
        raise TypeError(f"{name}: weight has dtype {weight.dtype}, the input {input.dtype}; cast it with .to()")
    if weight.device != input.device:
        raise RuntimeError(
            f"{name}: the input is on {input.device}, the weight on {weight.device}; move it with .to('{input.device}')"
        )
    if weight.requires_grad:
        raise RuntimeError(f"{name}: no gradient flows to the class weights; pass weight.detach()")
