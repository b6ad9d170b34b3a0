"""NVIDIA GPUs: CuPy. Imported only when a CUDA device is asked for."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from . import checks
from .device import Device

try:
    import cupy
except ImportError as error:
    raise ImportError(
        "device 'cuda' needs CuPy: install the extra for your CUDA version, "
        "pip install 'minigrad[cuda13]' or 'minigrad[cuda12]'"
    ) from error


class CupyBackend:
    device_type = "cuda"
    array_type = cupy.ndarray
    xp = cupy
    amax = staticmethod(cupy.amax)
    amin = staticmethod(cupy.amin)
    all = staticmethod(cupy.all)
    any = staticmethod(cupy.any)

    def __init__(self) -> None:
        # Failures that only the device knows of: (flag on the device, what to raise). Read at the next synchronisation.
        self._deferred: list[tuple[Any, Callable[[], Exception]]] = []

    def count(self) -> int:
        """How many CUDA devices there are; 0 also where the driver is missing."""
        try:
            return cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError:
            return 0

    def device_of(self, array: Any) -> Device:
        return Device("cuda", array.device.id)

    def resolve(self, device: Device) -> Device:
        count = self.count()
        if not count:
            raise RuntimeError(f"device {str(device)!r} was asked for, but CuPy finds no usable CUDA device; use 'cpu'")
        index = cupy.cuda.Device().id if device.index is None else device.index
        if index >= count:
            raise RuntimeError(f"there is no device 'cuda:{index}': CuPy sees {count} CUDA device(s), numbered from 0")
        return Device("cuda", index)

    def on(self, device: Device) -> Any:
        return cupy.cuda.Device(device.index)

    def from_host(self, array: np.ndarray, device: Device) -> Any:
        with self.on(device):
            return cupy.asarray(array)

    def to_host(self, array: Any) -> np.ndarray:
        return cupy.asnumpy(array)

    def move(self, array: Any, device: Device) -> Any:
        with self.on(device):
            return cupy.array(array)

    def scatter_add(self, target: Any, index: Any, values: Any) -> None:
        cupy.add.at(target, index, values)

    def memory(self, array: Any) -> tuple[Any, int, int]:
        owner = array
        while owner.base is not None:
            owner = owner.base
        low = high = array.data.ptr
        if array.size:
            for n, stride in zip(array.shape, array.strides):
                if stride > 0:
                    high += (n - 1) * stride
                else:
                    low += (n - 1) * stride
            high += array.itemsize
        return owner, low, high

    def require(self, ok: Any, error: Callable[[], Exception]) -> None:
        with self.on(self.device_of(ok)):
            self._deferred.append((ok.all(), error))
        if (
            checks.at_once.value or len(self._deferred) > 256
        ):  # a loop that never synchronises must not grow without bound
            self.synchronize()

    def synchronize(self, device: Device | None = None) -> None:
        if device is None:
            cupy.cuda.Stream.null.synchronize()
        else:
            with self.on(device):
                cupy.cuda.Stream.null.synchronize()
        deferred, self._deferred = self._deferred, []
        for ok, error in deferred:
            if not bool(ok):
                raise error()
