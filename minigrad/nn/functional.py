"""What the modules compute, as functions: PyTorch's torch.nn.functional by name. Checks come first, then an op.

Arguments called `inplace` are taken so that code carries over, and change nothing but the memory used in PyTorch: here
the result is always a new tensor.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Sequence

import numpy as np

from .. import ops
from ..backend import backend_of, device_of, dtypes, is_array
from ..ops.linalg import linear
from ..ops.loss import cross_entropy_op, first_classes, mse_op, nll_op, own_class
from ..tensor import Tensor

__all__ = [
    "cross_entropy", "elu", "gelu", "leaky_relu", "linear", "log_softmax", "logsigmoid", "mse_loss", "nll_loss",
    "one_hot", "pad", "relu", "sigmoid", "silu", "softmax", "softplus", "tanh",
]  # fmt: skip


def _tensor(input: Any, name: str) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name} takes a Tensor, not {type(input).__name__}; make one with minigrad.tensor")
    return input


# ---------------------------------------------------------------------------------------------------- activations


def tanh(input: Tensor) -> Tensor:
    """tanh(x)."""
    return ops.tanh(_tensor(input, "tanh"))


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x))."""
    return ops.sigmoid(_tensor(input, "sigmoid"))


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return ops.logsigmoid(_tensor(input, "logsigmoid"))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x > threshold."""
    return ops.softplus(_tensor(input, "softplus"), beta, threshold)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return ops.relu(_tensor(input, "relu"))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope * x. Maas, Hannun and Ng 2013."""
    return ops.leaky_relu(_tensor(input, "leaky_relu"), negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha * (exp(x) - 1). Clevert, Unterthiner and Hochreiter 2016, eq. 15."""
    return ops.elu(_tensor(input, "elu"), alpha)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x * Phi(x), Phi the normal distribution function, or its tanh approximation. Hendrycks and Gimpel 2016."""
    return ops.gelu(_tensor(input, "gelu"), approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x). Elfwing, Uchibe and Doya 2018; also known as swish."""
    return ops.silu(_tensor(input, "silu"))


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along `dim`: by default the classes of (C,), (N, C) or (N, C, d1, d2), but 0 for three.

    That default is PyTorch's, which warns of it; name `dim`.
    """
    return ops.softmax(_tensor(input, "softmax"), _class_dim(input) if dim is None else dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """x - log(sum(exp(x))) along `dim`, without overflow; the default dim as for softmax."""
    return ops.log_softmax(_tensor(input, "log_softmax"), _class_dim(input) if dim is None else dim, dtype)


def _class_dim(input: Tensor) -> int:
    return 0 if input.ndim in (0, 1, 3) else 1


# ------------------------------------------------------------------------------------------------- shapes and labels


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Borders of `value` (0 by default): pad = (left, right) of the last dimension, then of the one before it, ...

    Negative widths cut away. Raises NotImplementedError for a mode other than "constant".
    """
    return ops.pad(_tensor(input, "pad"), pad, mode, 0 if value is None else value)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 of shape (*tensor.shape, num_classes): 1 at each label, 0 elsewhere; -1 stands for the largest label + 1.

    Raises ValueError for a label outside [0, num_classes).
    """
    return ops.one_hot(_tensor(tensor, "one_hot"), num_classes)


# --------------------------------------------------------------------------------------------------------- losses


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """(input - target)^2, and its mean over all elements or its sum unless reduction="none".

    Unlike PyTorch, which broadcasts with a warning, shapes that differ are an error (ValueError). Raises TypeError if
    neither is floating point. The mean of nothing is NaN.
    """
    check_reduction(reduction)
    _tensor(input, "mse_loss"), _tensor(target, "mse_loss")
    if input.shape != target.shape:
        raise ValueError(
            f"mse_loss: input of shape {input.shape} and target of shape {target.shape} must be of one shape; "
            "broadcasting them would pair up what does not belong together: reshape or expand one"
        )
    if input.dtype.kind != "f" and target.dtype.kind != "f":
        raise TypeError(f"mse_loss: input and target are {input.dtype} and {target.dtype}; cast one with .float()")
    weight = _one_over(input.numel()) if reduction == "mean" else 1.0
    return mse_op(input, target, total=reduction != "none", weight=weight)


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
    return _class_loss(nll_op, "nll_loss", input, target, weight, ignore_index, reduction)


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """-weight[target] * log_softmax(input)[target]: nll_loss of logits, in one op. All else as for nll_loss."""
    return _class_loss(cross_entropy_op, "cross_entropy", input, target, weight, ignore_index, reduction)


def _class_loss(
    row: Callable, name: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    if weight is None and reduction == "mean":
        own = _own_if_plain(input, target, ignore_index)
        if own is not None:
            return row(input, own, 1 / len(own), total=True)
    check_reduction(reduction)
    labels = _labels(name, input, target)
    classes = input.shape[1 if input.ndim > 1 else 0]
    valid, labels = _valid_labels(name, labels, classes, ignore_index)
    own = own_class(labels, input.shape)
    counts = _counts(name, input, labels, valid, weight)
    if reduction != "mean":
        return row(input, own, counts, total=reduction == "sum")
    # Divided by the total here, so that an ignored target has weight 0 and gradient 0 even where the mean is 0 / 0.
    total = counts.sum(dtype=np.float64)
    with np.errstate(all="ignore"):
        shares = np.where(valid, (counts / total).astype(counts.dtype), 0)
        undefined = (total / total - 1).astype(counts.dtype)  # 0, or NaN where there is nothing to average
    return row(input, own, shares, total=True) + Tensor.of(backend_of(labels).xp.asarray(undefined))


def _own_if_plain(input: Any, target: Any, ignore_index: int) -> Any:
    """Where each label is, in the common case, checked in one go: (N, C), int64, on the CPU, in range; else None."""
    x, labels = getattr(input, "array", None), getattr(target, "array", None)
    if not (x.__class__ is labels.__class__ is np.ndarray) or x.ndim != 2 or labels.shape != x.shape[:1]:
        return None
    n, classes = x.shape
    if labels.dtype is not dtypes.int64 or x.dtype.kind != "f" or not n or 0 <= ignore_index < classes:
        return None
    # Read as unsigned, negative labels are the largest of all: one pass tells.
    return first_classes((n,), classes) + labels if np.maximum.reduce(labels.view(np.uint64)) < classes else None


def check_reduction(reduction: str) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")


def _one_over(n: int) -> float:
    return 1 / n if n else math.nan


def _labels(name: str, input: Tensor, target: Any) -> Any:
    """The raw labels, of the right shape and kind for `input`."""
    _tensor(input, name)
    labels = target.array if isinstance(target, Tensor) else target
    if not is_array(labels):
        raise TypeError(f"{name}: the target is a {type(target).__name__}; make it a Tensor with minigrad.tensor")
    shape = input.shape
    if not shape:
        raise ValueError(f"{name}: the input needs a dimension of classes, got a 0-d tensor")
    without_classes = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if labels.shape != without_classes:
        raise ValueError(
            f"{name}: target of shape {tuple(labels.shape)} does not fit input of shape {shape}: labels go without the "
            f"dimension of classes, so the shape must be {without_classes}"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: the target holds class labels: integers, not {labels.dtype}; cast it with .long()")
    if input.dtype.kind != "f":
        raise TypeError(f"{name}: the input must be floating point, not {input.dtype}; cast it with .float()")
    if labels.__class__ is not input.array.__class__ or (
        labels.__class__ is not np.ndarray and device_of(labels) != input.device
    ):
        raise RuntimeError(
            f"{name}: the input is on {input.device}, the target on {device_of(labels)}; "
            f"move it with .to('{input.device}')"
        )
    return labels


def _valid_labels(name: str, labels: Any, classes: int, ignore_index: int) -> tuple[Any, Any]:
    """(which labels are not ignored, the labels with some class in place of those that are)."""
    valid = labels != ignore_index
    in_range = (labels >= 0) & (labels < classes)
    backend = backend_of(labels)

    def error() -> Exception:
        at = tuple(int(i) for i in np.argwhere(backend.to_host(valid & ~in_range))[0])
        return IndexError(
            f"{name}: label {int(backend.to_host(labels)[at])} at position {at} is out of range for {classes} classes; "
            f"labels go from 0 to {classes - 1}, and {ignore_index} (ignore_index) is ignored"
        )

    backend.require(in_range | ~valid, error)
    return valid, np.where(in_range, labels, 0).astype(dtypes.int64)  # in a narrow dtype, indices would overflow


def _counts(name: str, input: Tensor, labels: Any, valid: Any, weight: Tensor | None) -> Any:
    """What each target counts: the weight of its class, 0 if it is ignored."""
    if weight is None:
        return valid.astype(input.dtype)
    _tensor(weight, f"{name}: weight")
    classes = input.shape[1 if input.ndim > 1 else 0]
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
    return np.where(valid, weight.array[labels], 0)
