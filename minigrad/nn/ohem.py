"""Online hard example mining as modules, and what they chose last, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from ..backend import backend_of
from ..ops.loss import cross_entropy_op, nll_op
from ..tensor import Tensor
from . import functional as F
from .functional.checks import check_number, check_tensor
from .functional.class_losses import classes_of
from .functional.mining import Mining
from .functional.ohem import Mined, check_normalizer, mined
from .loss import NLLLoss, _ClassLoss

__all__ = ["CrossEntropyLossOHEM", "NLLLossOHEM", "NLL_OHEM", "OHEMAudit"]

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class OHEMAudit:
    """What a loss with mining kept in its last call: printed, a table; counts are per class, losses before weights.

    loss_quantiles and kept_quantiles are those of QUANTILES (least, quartiles, largest), NaN where there is none.
    """

    valid_per_class: np.ndarray
    kept_per_class: np.ndarray
    loss_quantiles: np.ndarray
    kept_quantiles: np.ndarray

    @property
    def valid(self) -> int:
        return int(self.valid_per_class.sum())

    @property
    def kept(self) -> int:
        return int(self.kept_per_class.sum())

    def __str__(self) -> str:
        lines = [f"kept {self.kept} of {self.valid} valid examples", "", "class    valid     kept    share"]
        for label, (valid, kept) in enumerate(zip(self.valid_per_class, self.kept_per_class)):
            lines.append(f"{label:5} {valid:8} {kept:8} {f'{kept / valid:8.1%}' if valid else '       -'}")
        lines += ["", "loss" + "".join(f"{name:>10}" for name in ("least", "25%", "median", "75%", "largest"))]
        for name, quantiles in (("all ", self.loss_quantiles), ("kept", self.kept_quantiles)):
            lines.append(name + "".join(f"{q:10.4g}" for q in quantiles))
        return "\n".join(lines)


def _audit(found: Mined, classes: int) -> OHEMAudit:
    losses, labels, valid, kept = (backend_of(a).to_host(a).reshape(-1) for a in found[1:])
    return OHEMAudit(
        np.bincount(labels[valid], minlength=classes), np.bincount(labels[kept], minlength=classes),
        _quantiles(losses[valid]), _quantiles(losses[kept]),
    )


def _quantiles(losses: np.ndarray) -> np.ndarray:
    return np.quantile(losses.astype(np.float64), QUANTILES) if losses.size else np.full(len(QUANTILES), np.nan)


class _OHEM(_ClassLoss):
    """A loss of class labels in which only the hardest examples count."""

    _row: Callable
    _name: str

    def __init__(
        self, keep_ratio: float | None = None, *, threshold: float | None = None, min_kept: int = 0,
        min_negatives: int = 0, scope: str = "batch", normalizer: str | float = "kept", weight: Tensor | None = None,
        ignore_index: int = -100, reduction: str = "mean",
    ) -> None:
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction)
        mining = Mining(keep_ratio, threshold, min_kept, min_negatives, scope)
        self.keep_ratio = mining.keep_ratio
        self.threshold = mining.threshold
        self.min_kept = mining.min_kept
        self.min_negatives = mining.min_negatives
        self.scope = scope
        self.normalizer = check_normalizer(normalizer)
        self._last: tuple[Mined, int] | None = None

    def forward(
        self, input: Tensor, target: Tensor, keep_ratio: float | None = None, *, always_keep: Tensor | None = None,
        return_mask: bool = False,
    ) -> Any:
        """The loss, or (loss, kept) with return_mask. A keep_ratio given here holds for this call only."""
        of_module = (self.keep_ratio, self.threshold)
        ratio, threshold = of_module if keep_ratio is None else (keep_ratio, None)
        mining = Mining(ratio, threshold, self.min_kept, self.min_negatives, self.scope)
        found = mined(
            type(self)._row, self._name, mining, input, target, self.weight, always_keep, self.normalizer,
            self.ignore_index, self.reduction,
        )
        # Without the loss, which would keep the whole graph alive.
        self._last = (found._replace(loss=None), classes_of(input))
        return (found.loss, Tensor.of(found.kept)) if return_mask else found.loss

    def audit(self) -> OHEMAudit:
        """What the last call kept: valid and kept examples of each class, quantiles of the losses of both.

        Raises RuntimeError before the first call.
        """
        if self._last is None:
            raise RuntimeError(f"{type(self).__name__}: there is nothing to audit before the first call")
        return _audit(*self._last)

    def extra_repr(self) -> str:
        chosen = f"keep_ratio={self.keep_ratio}" if self.threshold is None else f"threshold={self.threshold}"
        return f"{chosen}, min_kept={self.min_kept}, scope={self.scope!r}, normalizer={self.normalizer!r}"

    if TYPE_CHECKING:

        def __call__(self, input: Tensor, target: Tensor, *args: Any, **kwargs: Any) -> Any: ...


class NLLLossOHEM(_OHEM):
    """NLLLoss of the hardest examples, from log-probabilities (N, C, d1, ...); see functional.nll_loss_ohem.

        criterion = nn.NLLLossOHEM(keep_ratio=0.25)
        loss = criterion(model(x).log_softmax(1), y)
        print(criterion.audit())

    Raises ValueError for options out of range, or unless either keep_ratio or threshold is given.
    """

    _row, _name = nll_op, "NLLLossOHEM"


class CrossEntropyLossOHEM(_OHEM):
    """CrossEntropyLoss of the hardest examples, from logits (N, C, d1, ...); see functional.cross_entropy_ohem.

    Raises ValueError for options out of range, or unless either keep_ratio or threshold is given.
    """

    _row, _name = cross_entropy_op, "CrossEntropyLossOHEM"


class NLL_OHEM(NLLLoss):
    """The mean loss of the floor(ratio * N) hardest examples, from log-probabilities (N, C) and labels (N,).

    ratio * N is taken in floating point, so 0.29 * 100 keeps 28; NLLLossOHEM rounds up, and forgives the last digit.
    Raises ValueError for a ratio outside (0, 1], and in forward if ratio * N is below 1 or for other shapes.
    """

    def __init__(self, ratio: float) -> None:
        super().__init__()
        self.ratio = _checked_ratio(ratio)

    def forward(self, x: Tensor, y: Tensor, ratio: float | None = None) -> Tensor:  # type: ignore[override]
        """The loss. A ratio given here takes the place of the module's from now on."""
        wanted = self.ratio if ratio is None else _checked_ratio(ratio)
        if getattr(x, "ndim", 2) != 2:
            raise ValueError(f"NLL_OHEM takes log-probabilities (N, C), not shape {x.shape}; see nn.NLLLossOHEM")
        check_tensor(y, "NLL_OHEM: the target")
        n = len(y) if y.ndim else 1
        if wanted * n < 1:
            raise ValueError(
                f"NLL_OHEM: a ratio of {wanted} of {n} examples is {wanted * n:g}, less than one; "
                f"{'the batch is empty' if n == 0 else f'take a ratio of at least {1 / n:.4g} or a larger batch'}"
            )
        loss: Tensor = F.nll_loss_ohem(x, y, keep_ratio=0.0, min_kept=int(wanted * n), ignore_index=self.ignore_index)
        self.ratio = wanted
        return loss

    def extra_repr(self) -> str:
        return f"ratio={self.ratio}"

    if TYPE_CHECKING:

        def __call__(self, x: Tensor, y: Tensor, ratio: float | None = None) -> Tensor: ...  # type: ignore[override]


def _checked_ratio(ratio: Any) -> float:
    return float(check_number("NLL_OHEM", "ratio", ratio, 0, 1, above=True))
