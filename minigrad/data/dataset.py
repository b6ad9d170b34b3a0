"""Datasets: examples by index, and whole batches of them at once where that is quicker."""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from ..backend import backend_of
from ..backend.random import Generator, rng_of
from ..tensor import Tensor
from .collate import collate


class Dataset:
    """Examples by index: define __getitem__ and __len__.

    A subclass that can fetch many examples at once faster than one by one also defines batch().
    """

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__(); define one")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__(); define one")

    def batch(self, indices: Any) -> Any:
        """The examples at `indices`, an array or a list of integers, put together by collate()."""
        return collate([self[int(i)] for i in indices])


class TensorDataset(Dataset):
    """Tensors that have the examples along their first dimension; an example is a tuple of one row of each.

    Raises ValueError for tensors of different lengths, or without dimensions.
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset needs at least one tensor")
        for i, t in enumerate(tensors):
            if not isinstance(t, Tensor):
                raise TypeError(f"TensorDataset: argument {i} is a {type(t).__name__}; use minigrad.tensor")
        shapes = [t.shape for t in tensors]
        if not all(shapes) or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(f"TensorDataset: the tensors' first dimensions must be of one length, got shapes {shapes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def batch(self, indices: Any) -> tuple[Tensor, ...]:
        """The rows at `indices` of each tensor, copied: one take() a tensor, however many examples."""
        indices = np.asarray(indices, dtype=np.int64)
        return tuple(_rows(t, indices) for t in self.tensors)


def _rows(t: Tensor, indices: np.ndarray) -> Tensor:
    if t.requires_grad:
        return t[Tensor.of(_beside(t.array, indices))]
    return Tensor.of(t.array.take(_beside(t.array, indices), axis=0))


def _beside(array: Any, indices: np.ndarray) -> Any:
    """`indices` on the device of `array`."""
    backend = backend_of(array)
    return backend.from_host(indices, backend.device_of(array))


class Subset(Dataset):
    """The examples of a dataset at the given indices, in that order."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)

    def batch(self, indices: Any) -> Any:
        """The examples at `indices` of this subset, as the dataset under it fetches batches."""
        return fetch(self.dataset, [self.indices[int(i)] for i in indices])


def fetch(dataset: Any, indices: Any) -> Any:
    """A batch of any dataset, also of one that is no Dataset: a list, or a class with __getitem__ and __len__."""
    if isinstance(dataset, Dataset):
        return dataset.batch(indices)
    return collate([dataset[int(i)] for i in indices])


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Split at random into subsets of the given lengths, or fractions that sum to 1; what rounding leaves goes round.

    Raises ValueError for lengths that do not sum to the dataset's, or fractions outside 0 to 1.
    """
    counts = _counts(len(dataset), list(lengths))
    order = rng_of(generator).permutation(len(dataset)).tolist()
    ends = np.cumsum(counts).tolist()
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts)]


def _counts(total: int, lengths: list[Any]) -> list[int]:
    if min(lengths, default=0) < 0:
        raise ValueError(f"random_split: lengths must not be negative, got {lengths}")
    if lengths and math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        counts = [math.floor(total * fraction) for fraction in lengths]
        for i in range(total - sum(counts)):
            counts[i % len(counts)] += 1
        return counts
    if sum(lengths) != total:
        raise ValueError(
            f"random_split: lengths {lengths} sum to {sum(lengths)}, the dataset has {total} examples; "
            "give lengths that sum to that, or fractions that sum to 1"
        )
    return [int(n) for n in lengths]
