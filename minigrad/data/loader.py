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

    Raises, when it is made, ValueError for a batch size below 1, a negative num_workers and options that exclude each
    other, and TypeError for options of another kind; IndexError in the loop, for an index that the dataset lacks.
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
        if batch_size is not None and _whole("batch_size", batch_size, "a positive integer or None") < 1:
            raise ValueError(f"DataLoader: batch_size must be a positive integer or None, not {batch_size!r}")
        if _whole("num_workers", num_workers, "0 or a positive integer") < 0:
            raise ValueError(f"DataLoader: num_workers must be 0 or a positive integer, not {num_workers}")
        if collate_fn is not None and not callable(collate_fn):
            raise TypeError(f"DataLoader: collate_fn must be a function of a list of examples, not {collate_fn!r}")
        _check_iterable("sampler", sampler, "of indices")
        _check_iterable("batch_sampler", batch_sampler, "of lists of indices")
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
            return (self._batch(self._checked("batch_sampler", indices)) for indices in self.batch_sampler)
        order = self._order()
        if self.batch_size is None:
            return (self._single(int(i)) for i in order)
        stop = len(order) - len(order) % self.batch_size if self.drop_last else len(order)
        return (self._batch(order[i : i + self.batch_size]) for i in range(0, stop, self.batch_size or 1))

    def _order(self) -> Any:
        if self.sampler is not None:
            return self._checked("sampler", self.sampler)
        n = len(self.dataset)
        return rng_of(self.generator).permutation(n) if self.shuffle else np.arange(n)

    def _checked(self, source: str, indices: Iterable[int]) -> list[int]:
        """`indices` as a list, each from -n up to n - 1 as in any sequence of n, if the dataset tells its n."""
        listed = [operator.index(i) for i in indices]
        try:
            n = len(self.dataset)
        except (TypeError, NotImplementedError):
            return listed
        wrong = next((i for i in listed if not -n <= i < n), None)
        if wrong is not None:
            raise IndexError(f"DataLoader: {source} gave index {wrong}, but the dataset has {n} examples")
        return listed

    def _single(self, index: int) -> Any:
        example = self.dataset[index]
        return example if self.collate_fn is None else self.collate_fn(example)

    def _batch(self, indices: Any) -> Any:
        if self.collate_fn is None:
            return fetch(self.dataset, indices)
        return self.collate_fn([self.dataset[int(i)] for i in indices])


def _whole(name: str, value: Any, what: str) -> int:
    try:
        if isinstance(value, bool):
            raise ValueError(f"DataLoader: {name} must be {what}, not {value}")
        return operator.index(value)
    except TypeError:
        raise TypeError(f"DataLoader: {name} must be {what}, not {value!r}") from None


def _check_iterable(name: str, value: Any, what: str) -> None:
    if value is not None and not hasattr(value, "__iter__") and not hasattr(value, "__getitem__"):
        raise TypeError(f"DataLoader: {name} must be an iterable {what}, not {value!r}")
