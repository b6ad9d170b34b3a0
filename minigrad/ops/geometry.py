"""Where a kernel, or a pooling window, meets an image."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple

Sizes = tuple[int, ...]


class Geometry(NamedTuple):
    """Where a kernel meets an image. One entry a spatial dimension, in each."""

    sizes: Sizes  # of the image
    kernel: Sizes
    stride: Sizes
    padding: tuple[tuple[int, int], ...]  # zeros before and after
    dilation: Sizes
    groups: int

    @property
    def padded(self) -> Sizes:
        return tuple(n + low + high for n, (low, high) in zip(self.sizes, self.padding))

    @property
    def outs(self) -> Sizes:
        return tuple(
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(self.padded, self.kernel, self.stride, self.dilation)
        )

    @property
    def inner(self) -> tuple[slice, ...]:
        """The image in what was padded."""
        return tuple(slice(low, low + n) for n, (low, _) in zip(self.sizes, self.padding))

    @property
    def apart(self) -> bool:
        """Does no pixel lie in two windows?"""
        return all(s >= d * (k - 1) + 1 for k, s, d in zip(self.kernel, self.stride, self.dilation))

    def windows(self) -> list[tuple[slice, ...]]:
        """For each position of the kernel, the pixels of the padded image that it meets, one for each output."""
        return _windows(self)


@lru_cache(maxsize=256)
def _windows(at: Geometry) -> list[tuple[slice, ...]]:
    return [
        tuple(slice(k * d, k * d + (n - 1) * s + 1, s) for k, d, n, s in zip(position, at.dilation, at.outs, at.stride))
        for position in product(*map(range, at.kernel))
    ]
