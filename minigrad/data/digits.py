"""Real handwritten digits: small enough to train on in seconds, real enough to mean something."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..backend.random import Generator
from ..tensor import Tensor
from .dataset import TensorDataset

_TEST_SHARE = 0.2
_DARKEST = 16  # pixels count the inked points in a block of 4 x 4


def digits(split: str | None = None, seed: int = 0, scale: bool = True) -> TensorDataset:
    """1797 handwritten digits: pixels (N, 64), float32, images of 8 x 8 row by row; labels (N,), int64, 0 to 9.

    Pixels lie in [0, 1], or with scale=False in 0 to 16 as recorded. split: "train" for four fifths, "test" for the
    rest, with each digit's share the same in both, None for all; the seed decides which image falls where. Needs
    scikit-learn (the extra `demo`), which holds them; nothing is downloaded.
    Raises ImportError without it, ValueError for another split.
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
    """
    if split not in (None, "train", "test"):
        raise ValueError(f"digits: split must be 'train', 'test' or None, not {split!r}")
    pixels, labels = _read()
    if split is not None:
        in_test = _drawn_for_test(labels, seed)
        chosen = in_test if split == "test" else ~in_test
        pixels, labels = pixels[chosen], labels[chosen]
    return TensorDataset(Tensor.of(pixels / np.float32(_DARKEST if scale else 1)), Tensor.of(labels.copy()))


def _drawn_for_test(labels: np.ndarray, seed: int) -> np.ndarray:
    """For each image, whether it is in the test split: the same share of every digit, drawn at random."""
    rng = Generator(seed).rng
    in_test = np.zeros(len(labels), dtype=bool)
    for digit in range(10):
        of_digit = rng.permutation(np.flatnonzero(labels == digit))
        in_test[of_digit[: round(_TEST_SHARE * len(of_digit))]] = True
    return in_test


@lru_cache(maxsize=1)
def _read() -> tuple[np.ndarray, np.ndarray]:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "the handwritten digits come with scikit-learn: install the extra, pip install 'minigrad[demo]'"
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    return pixels.astype(np.float32), labels.astype(np.int64)
