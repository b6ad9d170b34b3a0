"""The write log: which buffers were changed in place, and when.

A value that a vjp still needs must not change under it. Version counters would tax every tensor; instead each
in-place write logs the byte range it touched with a tick, and the walk asks, for a node older than the last write,
whether one of the arrays it saved has been written since. Views, `detach()` and an optimizer's flat buffers need no
extra care, as they share the memory. Nothing is paid while nobody writes.
"""

from __future__ import annotations

import weakref
from typing import Any

from .base import backend_of

_MOST_RANGES = 64  # kept apart in one buffer; beyond that they are merged into one range that covers them all


class _Buffer:
    """The writes to one buffer, forgotten when the buffer dies."""

    __slots__ = ("owner", "ranges")

    def __init__(self, owner: Any, key: int) -> None:
        self.owner = weakref.ref(owner, lambda _: _buffers.pop(key, None))
        self.ranges: dict[tuple[int, int], int] = {}


_buffers: dict[int, _Buffer] = {}
last = -1  # tick of the last write


class Span:
    """The bytes of an array that is written again and again: worked out once, logged often."""

    __slots__ = ("_buffer", "_range")

    def __init__(self, array: Any) -> None:
        owner, low, high = backend_of(array).memory(array)
        buffer = _buffers.get(id(owner))
        if buffer is None:
            buffer = _buffers[id(owner)] = _Buffer(owner, id(owner))
        self._buffer = buffer
        self._range = low, high

    def log(self, tick: int) -> None:
        """Note that the array was written at `tick`."""
        global last
        ranges = self._buffer.ranges
        ranges[self._range] = last = tick
        if len(ranges) > _MOST_RANGES:
            whole = min(a for a, _ in ranges), max(b for _, b in ranges)
            ranges.clear()
            ranges[whole] = tick


def log(array: Any, tick: int) -> None:
    """Note that `array` was written at `tick`."""
    Span(array).log(tick)


def written_since(array: Any, tick: int) -> bool:
    """Has any byte that `array` spans been written after `tick`?"""
    owner, low, high = backend_of(array).memory(array)
    buffer = _buffers.get(id(owner))
    if buffer is None:
        return False
    return any(when > tick and low < b and a < high for (a, b), when in buffer.ranges.items())
