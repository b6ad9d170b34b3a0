"""The only place that knows NumPy from CuPy: devices, dtypes, creating and moving arrays, random numbers, writes."""

from .base import (
    Array as Array,
    Backend as Backend,
    backend_for as backend_for,
    backend_of as backend_of,
    copy_of as copy_of,
    device_of as device_of,
    is_array as is_array,
    move as move,
    register as register,
    register_lazily,
    resolve as resolve,
    unregister as unregister,
    where_lies as where_lies,
)
from .device import Device as Device
from .numpy_backend import CPU as CPU, NumpyBackend


def _load_cupy() -> Backend:
    from .cupy_backend import CupyBackend  # an optional dependency, imported when first asked for

    return CupyBackend()


register(NumpyBackend())
register_lazily("cuda", _load_cupy)
