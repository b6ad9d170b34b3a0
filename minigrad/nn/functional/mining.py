"""Which examples of a batch are hard: the choice that online hard example mining makes, on raw arrays.

No Python loop runs over examples and nothing is read back from a GPU: the k-th largest of a row of losses tells which
ones are kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...backend import backend_of, dtypes
from .checks import check_count, check_number

SCOPES = ("batch", "sample")


@dataclass(frozen=True)
class Mining:
    """How many of the hardest examples are kept, and among which they are ranked; see nll_loss_ohem."""

    keep_ratio: float | None = None
    threshold: float | None = None
    min_kept: int = 0
    min_negatives: int = 0
    scope: str = "batch"

    def __post_init__(self) -> None:
        if (self.keep_ratio is None) == (self.threshold is None):
            raise ValueError(
                f"OHEM: give either keep_ratio or threshold, got keep_ratio={self.keep_ratio!r} and "
                f"threshold={self.threshold!r}"
            )
        for name in ("keep_ratio", "threshold"):
            if getattr(self, name) is not None:
                self._keep(name, check_number("OHEM", name, getattr(self, name), 0, 1))
        for name in ("min_kept", "min_negatives"):
            self._keep(name, check_count("OHEM", name, getattr(self, name), 0))
        if self.scope not in SCOPES:
            raise ValueError(f"OHEM: scope must be 'batch' or 'sample', not {self.scope!r}")

    def _keep(self, name: str, value: float) -> None:
        object.__setattr__(self, name, value)  # frozen, once it is made

    def choose(self, losses: Any, valid: Any, always: Any = None) -> Any:
        """Which examples are kept: bools of the losses' shape, from one loss for each and which of them count at all.

        `always`: those that are kept whatever their loss.
        """
        if not losses.size:
            return valid
        rows = (losses.shape[0], -1) if self.scope == "sample" and losses.ndim else (1, -1)
        if always is None:
            positives, ranked = None, valid.reshape(rows)
        else:
            positives, ranked = (valid & always).reshape(rows), (valid & ~always).reshape(rows)
        chosen = self._hardest(losses.reshape(rows), ranked, positives)
        return (chosen if positives is None else chosen | positives).reshape(losses.shape)

    def _hardest(self, losses: Any, ranked: Any, positives: Any) -> Any:
        """The same for each row of (rows, n), of those that are ranked."""
        n = ranked.sum(axis=1, keepdims=True)
        least = self._least(positives)
        if self.threshold is None:  # less 1e-9, because 0.1 * 3 * 10 is a little more than 3 in floating point
            share = np.ceil(n * self.keep_ratio - 1e-9).astype(dtypes.int64)
            wanted = np.maximum(share, max(1, least) if isinstance(least, int) else np.maximum(least, 1))
        else:
            wanted = np.maximum((ranked & self._below_threshold(losses)).sum(axis=1, keepdims=True), least)
        return hardest(losses, ranked, np.minimum(wanted, n))

    def _least(self, positives: Any) -> Any:
        """min_kept, and where there are no positives min_negatives if that is more."""
        without = max(self.min_kept, self.min_negatives)
        if positives is None or without == self.min_kept:
            return without
        return np.where(backend_of(positives).any(positives, axis=1, keepdims=True), self.min_kept, without)

    def _below_threshold(self, losses: Any) -> Any:
        """exp(-loss) < threshold, asked of the logarithm: no rounding of exp, which differs from device to device."""
        threshold: float = self.threshold  # type: ignore[assignment]
        return losses > losses.dtype.type(-math.log(threshold) if threshold else math.inf)


def hardest(losses: Any, ranked: Any, k: Any) -> Any:
    """In each row of (rows, n), the k ranked examples of the largest losses; of equal ones the first. k: (rows, 1)."""
    score = np.where(ranked, losses, -math.inf)
    kth = _from_below(score, np.minimum(score.shape[1] - k, score.shape[1] - 1))
    kept = score >= kth
    surplus = kept.sum(axis=1, keepdims=True) - k
    if isinstance(surplus, np.ndarray) and not surplus.any():  # on a GPU, asking would cost more than the next lines
        return kept
    level = score == kth
    places = level.sum(axis=1, keepdims=True) - surplus
    return kept & (~level | (np.cumsum(level, axis=1) <= places))


def _from_below(score: Any, place: Any) -> Any:
    """In each row of (rows, n), what would stand at `place`, (rows, 1), were the row sorted."""
    if isinstance(score, np.ndarray) and len(score) == 1:  # half of a sort's time; a GPU would have to tell the place
        at = int(place[0, 0])
        return np.partition(score, at, axis=1)[:, at : at + 1]
    return np.take_along_axis(np.sort(score, axis=1), place, axis=1)
