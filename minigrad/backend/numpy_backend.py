"""The CPU: NumPy."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Callable

import numpy as np

from .device import Device

CPU = Device("cpu")
_NOTHING = nullcontext()


class NumpyBackend:
    device_type = "cpu"
    array_type = np.ndarray
    xp = np
    amax = np.maximum.reduce  # the ufuncs' own methods: np.amax costs twice as much on small arrays
    amin = np.minimum.reduce
    all = np.logical_and.reduce
    any = np.logical_or.reduce

    def device_of(self, array: np.ndarray) -> Device:
        return CPU

    def resolve(self, device: Device) -> Device:
        if device.index not in (None, 0):
            raise RuntimeError(f"there is no device {str(device)!r}: the CPU is one device, 'cpu'")
        return CPU

    def on(self, device: Device) -> Any:
        return _NOTHING

    def from_host(self, array: np.ndarray, device: Device) -> np.ndarray:
        return array

    def to_host(self, array: np.ndarray) -> np.ndarray:
        return array

    def move(self, array: np.ndarray, device: Device) -> np.ndarray:
        return array

    def scatter_add(self, target: np.ndarray, index: Any, values: np.ndarray) -> None:
        np.add.at(target, index, values)

    def memory(self, array: np.ndarray) -> tuple[np.ndarray, int, int]:
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        return owner, *np.lib.array_utils.byte_bounds(array)

    def require(self, ok: np.ndarray, error: Callable[[], Exception]) -> None:
        if not ok.all():
            raise error()

    def synchronize(self, device: Device | None = None) -> None:
        pass
