"""Losses of targets that are numbers: distances, probabilities, counts."""

from __future__ import annotations

import math
from typing import Any


from ... import ops
from ...backend import backend_of
from ...ops.loss import binary_cross_entropy_op, mse_op, x_log_x_op
from ...tensor import Tensor
from .activations import logsigmoid
from .checks import broadcasts_to, check_number, check_reduction, check_tensor, same_shape

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "gaussian_nll_loss", "huber_loss", "kl_div", "l1_loss",
    "mse_loss", "poisson_nll_loss", "smooth_l1_loss",
]  # fmt: skip


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """(input - target)^2, and its mean over all elements or its sum unless reduction="none".

    Unlike PyTorch, which broadcasts with a warning, shapes that differ are an error (ValueError). Raises TypeError if
    neither is floating point. The mean of nothing is NaN.
    """
    check_reduction(reduction)
    same_shape("mse_loss", input, target)
    weight = one_over(input.numel()) if reduction == "mean" else 1.0
    return mse_op(input, target, total=reduction != "none", weight=weight)


def one_over(n: int) -> float:
    return 1 / n if n else math.nan


def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """|input - target|; reductions and errors as for mse_loss."""
    check_reduction(reduction)
    same_shape("l1_loss", input, target)
    return reduced((input - target).abs(), reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """d^2 / (2 beta) where d = |input - target| < beta, else d - beta / 2. Girshick 2015, eq. 3.

    Raises ValueError for a negative beta; otherwise as for mse_loss.
    """
    check_reduction(reduction)
    same_shape("smooth_l1_loss", input, target)
    beta = check_number("smooth_l1_loss", "beta", beta, 0)
    d = (input - target).abs()
    return reduced(d if beta == 0 else ops.where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta), reduction)


def huber_loss(input: Tensor, target: Tensor, *, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """d^2 / 2 where d = |input - target| <= delta, else delta (d - delta / 2). Huber 1964.

    Raises ValueError unless delta is above 0; otherwise as for mse_loss.
    """
    check_reduction(reduction)
    same_shape("huber_loss", input, target)
    delta = check_number("huber_loss", "delta", delta, 0, above=True)
    d = (input - target).abs()
    return reduced(ops.where(d <= delta, d * d * 0.5, (d - 0.5 * delta) * delta), reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """-(y log x + (1 - y) log(1 - x)) * weight, of probabilities x and targets y; logarithms are at least -100.

    weight broadcasts to the target's shape. "mean" divides by the number of elements. Raises ValueError for x outside
    [0, 1] (on a GPU at the next synchronisation); binary_cross_entropy_with_logits takes numbers of any size.
    """
    check_reduction(reduction)
    same_shape("binary_cross_entropy", input, target)
    x, backend = input.array, backend_of(input.array)
    inside = (x >= 0) & (x <= 1)

    def error() -> Exception:
        worst = backend.to_host(x)[~backend.to_host(inside)].reshape(-1)[0]
        return ValueError(
            f"binary_cross_entropy: inputs are probabilities, from 0 to 1, but one is {float(worst)}; for logits take "
            "binary_cross_entropy_with_logits (nn.BCEWithLogitsLoss)"
        )

    backend.require(inside, error)
    return reduced(_weighted("binary_cross_entropy", binary_cross_entropy_op(input, target), weight), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """-(pos_weight y log s + (1 - y) log(1 - s)) * weight with s = sigmoid(input), without overflow.

    weight and pos_weight broadcast to the target's shape: what each element, and what each positive, counts.
    """
    check_reduction(reduction)
    name = "binary_cross_entropy_with_logits"
    same_shape(name, input, target)
    log_s = logsigmoid(input)
    if pos_weight is not None:
        log_s = log_s * ((_broadcast(name, "pos_weight", pos_weight, target.shape) - 1) * target + 1)
    return reduced(_weighted(name, (1 - target) * input - log_s, weight), reduction)


def kl_div(input: Tensor, target: Tensor, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """y (log y - input), y a distribution and input the logarithm of another: pointwise Kullback-Leibler divergence.

    target: y, or log y with log_target. reduction "batchmean" divides the sum by input.shape[0], which is the
    divergence itself; "mean", by the number of elements, is not.
    """
    if reduction != "batchmean":
        check_reduction(reduction)
    same_shape("kl_div", input, target)
    each = target.exp() * (target - input) if log_target else x_log_x_op(target) - target * input
    if reduction == "batchmean":
        return each.sum() * one_over(input.shape[0] if input.ndim else 1)
    return reduced(each, reduction)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, *, eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """rate - y log(rate) for counts y; the input is log(rate), or with log_input=False the rate, logged plus eps.

    full: with Stirling's approximation y log y - y + log(2 pi y) / 2 of log y! where y > 1, left out otherwise.
    """
    check_reduction(reduction)
    eps = check_number("poisson_nll_loss", "eps", eps)
    same_shape("poisson_nll_loss", input, target)
    each = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        y = ops.where(target > 1, target, 1.0)  # without the logarithm of 0 where it is not taken
        stirling = y * y.log() - y + 0.5 * (2 * math.pi * y).log()
        each = each + ops.where(target > 1, stirling, 0.0)
    return reduced(each, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """(log var + (input - target)^2 / var) / 2, var being at least eps; full: plus log(2 pi) / 2.

    var: of the input's shape, of one size smaller or 1 in the last dimension, or a number. Its gradient is as if it had
    not been held at eps. Raises ValueError for a negative var (on a GPU at the next synchronisation). Nix and Weigend
    1994.
    """
    check_reduction(reduction)
    eps = check_number("gaussian_nll_loss", "eps", eps, 0)
    same_shape("gaussian_nll_loss", input, target)
    if not isinstance(var, Tensor):
        var = input.new_full(input.shape, float(var))
    elif var.shape == input.shape[:-1] and var.shape != input.shape:
        var = var.unsqueeze(-1)
    elif var.shape != input.shape and var.shape != (*input.shape[:-1], 1):
        raise ValueError(f"gaussian_nll_loss: var of shape {var.shape} does not fit an input of shape {input.shape}")
    backend_of(var.array).require(
        ~(var.array < 0), lambda: ValueError("gaussian_nll_loss: var has negative elements; variances are 0 or above")
    )
    var = var + (var.detach().clamp(min=eps) - var.detach())
    d = input - target
    each = 0.5 * (var.log() + d * d / var)
    return reduced(each + 0.5 * math.log(2 * math.pi) if full else each, reduction)


# ---------------------------------------------------------------------------------------------------------- helpers


def reduced(each: Tensor, reduction: str) -> Tensor:
    """The losses, their sum, or their mean, which is NaN of nothing."""
    if reduction == "none":
        return each
    return each.sum() if reduction == "sum" else each.mean()


def _broadcast(name: str, what: str, part: Any, shape: tuple[int, ...]) -> Tensor:
    check_tensor(part, f"{name}: {what}")
    if not broadcasts_to(part.shape, shape):
        raise ValueError(f"{name}: {what} of shape {part.shape} does not broadcast to the target's shape {shape}")
    return part


def _weighted(name: str, each: Tensor, weight: Tensor | None) -> Tensor:
    return each if weight is None else each * _broadcast(name, "weight", weight, each.shape)
