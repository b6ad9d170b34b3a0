"""Devices by name: "cpu", "cuda", "cuda:1"."""

from __future__ import annotations

from typing import Any


class Device:
    """Where an array lives: a type ("cpu", "cuda", ...) and, for types with several, an index.

    `Device("cuda")` has no index and means the current one; a tensor's own device always has its index.
    Raises ValueError for a name that is not of the form "type" or "type:index".
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, spec: Any, index: int | None = None) -> None:
        if isinstance(spec, Device):
            name, index = spec.type, spec.index if index is None else index
        elif isinstance(spec, str):
            name, index = _parse(spec, index)
        else:
            raise TypeError(f"a device is named by a string such as 'cpu' or 'cuda:0', not by {spec!r}")
        object.__setattr__(self, "type", name)
        object.__setattr__(self, "index", index)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a device cannot be changed; make another")

    def __reduce__(self) -> tuple:
        return Device, (str(self),)

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Device):
            return NotImplemented
        return self.type == other.type and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.type, self.index))


def _parse(spec: str, index: int | None) -> tuple[str, int | None]:
    name, colon, number = spec.partition(":")
    if not name.isidentifier() or (colon and not number.isdecimal()):
        raise ValueError(f"{spec!r} is not a device; use 'cpu', 'cuda' or 'cuda:0'")
    if colon and index is not None:
        raise ValueError(f"device {spec!r} already has an index; do not give index={index} besides")
    return name, int(number) if colon else index
