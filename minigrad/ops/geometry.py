"""Where a kernel, or a pooling window, meets an image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import NamedTuple

Sizes = tuple[int, ...]
Cut = tuple[slice, ...]  # a part of an image, one slice a spatial dimension


class Band(NamedTuple):
    """Some of the rows of windows, all that begin at certain positions along the first dimension."""

    outs: Sizes  # how many windows there are
    rows: slice  # where they are among all
    under: slice  # the rows of the padded image under them
    windows: tuple[Cut, ...]  # for each position of the kernel, the pixels of those rows that it meets


@dataclass(frozen=True)
class Geometry:
    """Where a kernel meets an image. One entry a spatial dimension, in each.

    Make one by geometry(): it hands out the one made before, whose derived sizes are worked out already.
    """

    sizes: Sizes  # of the image
    kernel: Sizes
    stride: Sizes
    padding: tuple[tuple[int, int], ...]  # zeros before and after
    dilation: Sizes
    groups: int

    @cached_property
    def padded(self) -> Sizes:
        return tuple(n + low + high for n, (low, high) in zip(self.sizes, self.padding))

    @cached_property
    def outs(self) -> Sizes:
        return tuple(
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(self.padded, self.kernel, self.stride, self.dilation)
        )

    @cached_property
    def inner(self) -> Cut:
        """The image in what was padded."""
        return tuple(slice(low, low + n) for n, (low, _) in zip(self.sizes, self.padding))

    @cached_property
    def apart(self) -> bool:
        """Does no pixel lie in two windows?"""
        return all(s >= d * (k - 1) + 1 for k, s, d in zip(self.kernel, self.stride, self.dilation))

    @cached_property
    def pointwise(self) -> bool:
        """Does each window see one pixel, and each pixel lie in one window?"""
        return math.prod(self.kernel) == 1 and self.outs == self.padded == self.sizes

    @cached_property
    def reverse(self) -> Geometry | None:
        """Where a kernel back to front meets the outputs, so that it gathers for each pixel what windows spread to it.

        None if their stride is not 1, or the padding wider than the kernel reaches.
        """
        reach = [d * (k - 1) for k, d in zip(self.kernel, self.dilation)]
        padding = tuple((r - low, r - high) for r, (low, high) in zip(reach, self.padding))
        if max(self.stride) > 1 or min(map(min, padding)) < 0:
            return None
        return geometry(self.outs, self.kernel, self.stride, padding, self.dilation, self.groups)

    @cached_property
    def windows(self) -> tuple[Cut, ...]:
        """For each position of the kernel, the pixels of the padded image that it meets, one for each output."""
        return tuple(product(*map(self.along, range(len(self.sizes)))))

    def along(self, dim: int) -> list[slice]:
        """The same along one dimension."""
        return _cuts(self.kernel[dim], self.stride[dim], self.dilation[dim], self.outs[dim])

    def bands(self, each: int, limit: int) -> tuple[Band, ...]:
        """All windows, in bands of rows that take at most `limit` if a row takes `each`; of one row at least."""
        return _bands(self, max(1, min(limit // each if each else self.outs[0], self.outs[0])))


geometry = lru_cache(maxsize=512)(Geometry)


def _cuts(kernel: int, stride: int, dilation: int, outs: int) -> list[slice]:
    return [slice(k * dilation, k * dilation + (outs - 1) * stride + 1, stride) for k in range(kernel)]


@lru_cache(maxsize=512)
def _bands(at: Geometry, height: int) -> tuple[Band, ...]:
    bands = []
    for start in range(0, at.outs[0], height):
        rows = min(height, at.outs[0] - start)
        first = start * at.stride[0]
        last = first + (rows - 1) * at.stride[0] + at.dilation[0] * (at.kernel[0] - 1)
        along = [_cuts(at.kernel[0], at.stride[0], at.dilation[0], rows), *map(at.along, range(1, len(at.sizes)))]
        bands.append(
            Band((rows, *at.outs[1:]), slice(start, start + rows), slice(first, last + 1), tuple(product(*along)))
        )
    return tuple(bands)
