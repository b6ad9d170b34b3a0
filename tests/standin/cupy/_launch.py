"""The one door between device memory and NumPy.

Every operation of the stand-in is a `launch`: it takes the arrays apart, refuses what CuPy's kernels refuse
(NumPy arrays, memory of another device), lets NumPy compute, and makes device arrays of all that comes back.
"""

import warnings

import numpy as np

from .cuda import runtime

SUPPORTED_DTYPES = set("?bhilqBHILQefdFD")
SCALARS = (bool, int, float, complex)
# What NumPy warns about through the warnings module, beside its floating-point state.
WARNING_FUNCTIONS = {np.mean, np.var, np.std, np.median, np.average, np.nanmean, np.nanmax, np.nanmin}


class Memory:
    """What every device array holds: a NumPy array nobody else may see, its owner, its device."""

    __slots__ = ("_host", "base", "_device_id", "__weakref__")
    _array_class = None  # the class of new arrays: ndarray sets itself here


def new(host, base=None, device_id=None):
    """A device array on `host`'s memory; without a device it is born on the current one."""
    if host.dtype.char not in SUPPORTED_DTYPES:
        raise ValueError(f"Unsupported dtype {host.dtype}")
    array = object.__new__(Memory._array_class)
    array._host = host
    array.base = base
    array._device_id = runtime.getDevice() if device_id is None else device_id
    return array


def refuse_host_array(value):
    raise TypeError(f"Unsupported type {type(value)}: NumPy and CuPy arrays do not mix; move it with cupy.asarray")


def check_operand(value):
    """What a kernel takes: a device array, or a scalar of Python's or NumPy's; 0-d NumPy arrays are no scalars."""
    if not isinstance(value, (Memory, np.generic)) and type(value) not in SCALARS:
        refuse_host_array(value)


def check_devices(arrays):
    current = runtime.getDevice()
    for array in arrays:
        if array._device_id != current:
            raise ValueError(f"The device where the array resides ({array._device_id}) is different from the current "
                             f"device ({current}). Peer access is unavailable between these devices.")


def launch(function, /, *args, **kwargs):
    """Run a NumPy function as a kernel on the current device."""
    host_args, host_kwargs, operands = to_host((args, kwargs))
    check_devices(operands)
    return from_host(_silently(function, host_args, host_kwargs), operands)


def launch_view(function, /, *args, **kwargs):
    """As `launch`; but a result that is only a view needs no kernel, and so works from any device."""
    host_args, host_kwargs, operands = to_host((args, kwargs))
    result = _silently(function, host_args, host_kwargs)
    parts = result if isinstance(result, (tuple, list)) else [result]
    if any(_owner(part, operands) is None for part in parts):
        check_devices(operands)
    return from_host(result, operands)


def to_host(call):
    """NumPy's side of a call's arguments, and the device arrays met on the way."""
    operands = []

    def host(value):
        if isinstance(value, Memory):
            operands.append(value)
            return value._host
        if isinstance(value, np.ndarray):
            refuse_host_array(value)
        if type(value) in (tuple, list):
            return type(value)(host(item) for item in value)
        return value

    args, kwargs = call
    return host(args), {name: host(value) for name, value in kwargs.items()}, operands


def from_host(result, operands):
    """Device arrays for what NumPy returned: scalars become 0-d arrays, as CuPy returns no scalars."""
    if isinstance(result, (tuple, list)):
        return type(result)(from_host(item, operands) for item in result)
    if result is None:
        return None
    for operand in operands:
        if result is operand._host:  # an out= array, or NumPy saw nothing to do
            return operand
    owner = _owner(result, operands)
    if owner is None:
        return new(np.array(result, copy=None))
    return new(result, base=owner, device_id=owner._device_id)


def _owner(host, operands):
    """The device array that owns the memory that `host` is a view of, if an operand does."""
    for operand in operands:
        if isinstance(host, np.ndarray) and _root(host) is _root(operand._host):
            return operand if operand.base is None else operand.base
    return None


def _root(host):
    while isinstance(host.base, np.ndarray):
        host = host.base
    return host


def _silently(function, args, kwargs):
    """A GPU computes inf and NaN without a word, and the mean of nothing too."""
    with np.errstate(all="ignore"):
        if function not in WARNING_FUNCTIONS:
            return function(*args, **kwargs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return function(*args, **kwargs)
