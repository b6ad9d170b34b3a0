"""DataLoader: a dataset in batches, in order or shuffled."""

from __future__ import annotations

import math
import operator
from typing import Any, Callable, Iterable, Iterator

import numpy as np

from ..backend.random import Generator, rng_of
from .dataset import fetch


class DataLoader:
    """Batches of a dataset, anew at each `for batch in loader`.

    batch_size chooses among the three descents: 1 is stochastic gradient descent, k mini-batch, and len(dataset) batch
    gradient descent, one step for each pass over the data. None gives single examples, not collated.
    shuffle: a new random order for each pass, from `generator` or else the stream that minigrad.manual_seed restarts.
    sampler: an iterable of indices in place of an order; batch_sampler: an iterable of lists of indices, one a batch.
    collate_fn: makes a batch of a list of examples; without it, data.collate, and for a TensorDataset (or a Subset of
    one) a batch is one take() a tensor. drop_last: leave out a last batch that is not full.
    num_workers and pin_memory are accepted so that code carries over; examples are fetched here and now.

    Raises ValueError for a batch size below 1 and for options that exclude each other.
    """

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Iterable[int] | None = None, batch_sampler: Iterable[Any] | None = None, num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False, drop_last: bool = False,
        *, generator: Generator | None = None,
    ) -> None:
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last")
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: a sampler sets the order; leave out shuffle")
        if batch_size is None and drop_last:
            raise ValueError("DataLoader: batch_size=None makes no batches, so drop_last has no meaning")
        if batch_size is not None and (isinstance(batch_size, bool) or operator.index(batch_size) < 1):
            raise ValueError(f"DataLoader: batch_size must be a positive integer or None, not {batch_size!r}")
        rng_of(generator)  # raises for what is no Generator, now rather than in the loop
        self.dataset = dataset
        self.batch_size = batch_size if batch_sampler is None else None
        self.shuffle = bool(shuffle)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.generator = generator

    def __len__(self) -> int:
        """How many batches a pass has (examples, with batch_size=None)."""
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        n = len(self.dataset if self.sampler is None else self.sampler)  # type: ignore[arg-type]
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else math.ceil(n / self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if self.batch_sampler is not None:
            return (self._batch(indices) for indices in self.batch_sampler)
        order = self._order()
        if self.batch_size is None:
            return (self._single(int(i)) for i in order)
        stop = len(order) - len(order) % self.batch_size if self.drop_last else len(order)
        return (self._batch(order[i : i + self.batch_size]) for i in range(0, stop, self.batch_size or 1))

    def _order(self) -> Any:
        if self.sampler is not None:
            return list(self.sampler)
        n = len(self.dataset)
        return rng_of(self.generator).permutation(n) if self.shuffle else np.arange(n)

    def _single(self, index: int) -> Any:
        example = self.dataset[index]
        return example if self.collate_fn is None else self.collate_fn(example)

    def _batch(self, indices: Any) -> Any:
        if self.collate_fn is None:
            return fetch(self.dataset, indices)
        return self.collate_fn([self.dataset[int(i)] for i in indices])
