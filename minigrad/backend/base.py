"""What a backend must offer, and the table of those that are known.

To add one: write a class with the attributes and methods of `Backend`, make sure its arrays answer NumPy's protocols
(`__array_ufunc__`, `__array_function__`) as CuPy's do, and hand an instance to `register`:

    minigrad.backend.register(MyBackend())
    minigrad.zeros(3, device="mine")

Ops and vjps are written in what NumPy arrays and yours share, so nothing else has to change.
"""

from __future__ import annotations

from typing import Any, Callable, ContextManager, Protocol

import numpy as np

from .device import Device

Array = Any  # an array of some backend: np.ndarray, cupy.ndarray, ...


class Backend(Protocol):
    """The few things that NumPy's protocols do not dispatch: creating, moving, scattering, asking where memory is."""

    device_type: str  # the name users write: "cpu", "cuda"
    array_type: type  # every array of this backend is of exactly this class
    xp: Any  # the NumPy-like namespace: at least arange asarray eye full ones zeros

    def device_of(self, array: Array) -> Device:
        """The device that holds `array`, its index filled in."""

    def resolve(self, device: Device) -> Device:
        """`device` with its index filled in. Raises RuntimeError if there is no such device."""

    def on(self, device: Device) -> ContextManager[Any]:
        """Make `device` the current one, so that new arrays are created there."""

    def from_host(self, array: np.ndarray, device: Device) -> Array:
        """Copy a NumPy array to `device`. The CPU's own backend returns it as it is."""

    def to_host(self, array: Array) -> np.ndarray:
        """Copy to a NumPy array. The CPU's own backend returns it as it is."""

    def move(self, array: Array, device: Device) -> Array:
        """Copy an array of this backend to another device of the same type."""

    def amax(self, array: Array, axis: Any = None, keepdims: bool = False) -> Array:
        """The largest values; likewise amin, all and any, for NumPy's ufunc.reduce is not everywhere."""

    def amin(self, array: Array, axis: Any = None, keepdims: bool = False) -> Array: ...

    def all(self, array: Array, axis: Any = None, keepdims: bool = False) -> Array: ...

    def any(self, array: Array, axis: Any = None, keepdims: bool = False) -> Array: ...

    def scatter_add(self, target: Array, index: Any, values: Array) -> None:
        """target[index] += values, where repeated indices accumulate."""

    def memory(self, array: Array) -> tuple[Any, int, int]:
        """(owner, low, high): the array that owns the buffer and the byte range [low, high) that `array` spans."""

    def require(self, ok: Array, error: Callable[[], Exception]) -> None:
        """Raise error() unless every element of `ok` is true; a GPU may defer that to the next synchronisation."""

    def synchronize(self, device: Device | None = None) -> None:
        """Wait until the device is done, then raise what `require` deferred."""


_by_device_type: dict[str, Backend] = {}
_by_array_type: dict[type, Backend] = {}
_loaders: dict[str, Callable[[], Backend]] = {}


def register(backend: Backend) -> Backend:
    """Make `backend` known under its device type; later registrations replace earlier ones."""
    _by_device_type[backend.device_type] = backend
    _by_array_type[backend.array_type] = backend
    return backend


def unregister(device_type: str) -> None:
    """Forget a backend. Arrays that it made stay usable as raw arrays only."""
    backend = _by_device_type.pop(device_type, None)
    if backend is not None:
        _by_array_type.pop(backend.array_type, None)


def register_lazily(device_type: str, load: Callable[[], Backend]) -> None:
    """Have `load` called, and what it returns registered, when `device_type` is first asked for."""
    _loaders[device_type] = load


def backend_for(device: Device) -> Backend:
    """The backend of a device. Raises RuntimeError for a type that nobody registered."""
    backend = _by_device_type.get(device.type)
    if backend is None:
        if device.type not in _loaders:
            known = ", ".join(sorted({*_by_device_type, *_loaders}))
            raise RuntimeError(f"no backend for device {str(device)!r}; known device types: {known}")
        backend = register(_loaders[device.type]())
    return backend


def backend_of(array: Array) -> Backend:
    """The backend that an array belongs to. Raises TypeError for what is not an array of a known backend."""
    backend = _by_array_type.get(array.__class__)
    if backend is not None:
        return backend
    if isinstance(array, np.generic):  # ufuncs on 0-d arrays return these
        return _by_array_type[np.ndarray]
    raise TypeError(f"{type(array).__module__}.{type(array).__name__} is not an array of a registered backend")


def is_array(x: Any) -> bool:
    return x.__class__ in _by_array_type


def device_of(array: Array) -> Device:
    return backend_of(array).device_of(array)


def resolve(device: Any) -> Device:
    """A device from a name or None (the CPU), its index filled in. Raises if there is no such device."""
    device = Device("cpu") if device is None else Device(device)
    return backend_for(device).resolve(device)


def move(array: Array, device: Device) -> Array:
    """`array` on `device`: itself if it is there already, else a copy."""
    source = backend_of(array)
    if source.device_of(array) == device:
        return array
    target = backend_for(device)
    if target is source:
        return source.move(array, device)
    return target.from_host(source.to_host(array), device)


def where_lies(array: Array) -> ContextManager[Any]:
    """Make the device of `array` the current one: with where_lies(x): ..."""
    backend = backend_of(array)
    return backend.on(backend.device_of(array))


def copy_of(array: Array) -> Array:
    """A copy on the same device, whichever is the current one."""
    with where_lies(array):
        return array.copy()
