"""Indexing, and what CuPy does differently there: no NumPy arrays (or silently), no out-of-bounds errors."""

import sys

import numpy as np

from ._launch import Memory, check_devices, launch, new

# CUDA has no atomic operation for the other types; a boolean mask needs none.
SCATTER_DTYPES = {"add": "iIlLqQefd", "subtract": "iI", "maximum": "iIlLqQfd", "minimum": "iIlLqQfd",
                  "bitwise_and": "iIlLqQ", "bitwise_or": "iIlLqQ", "bitwise_xor": "iIlLqQ"}


def copy_silently(array, what):
    """What CuPy copies to the device without a word is an error here, unless `cupy._strict_index` is turned off."""
    package = sys.modules[__package__]
    if package._strict_index:
        raise TypeError(f"NumPy {what} arrays are copied to the device silently: move it with cupy.asarray")
    package._silent_copies += 1
    return array


def wrap_around(indices, size):
    """CuPy takes indices modulo the length of the axis where NumPy raises IndexError."""
    return indices % size if size else indices


def getitem(array, key):
    host_key, arrays = _host_key(array, key)
    if not arrays:
        view = array._host[_with_ellipsis(host_key)]
        return new(view, base=array if array.base is None else array.base, device_id=array._device_id)
    check_devices([array, *arrays])
    return new(np.array(array._host[host_key], order="C"))


def setitem(array, key, value):
    host_key, arrays = _host_key(array, key)
    check_devices([array, *arrays, *([value] if isinstance(value, Memory) else [])])
    if isinstance(value, Memory):
        value = value._host
    elif not arrays and np.ndim(value):
        raise ValueError(f"non-scalar {type(value).__name__} cannot be used for fill: move it with cupy.asarray")
    elif isinstance(value, np.ndarray) and value.ndim:
        value = copy_silently(value, "value")
    with np.errstate(all="ignore"):
        array._host[host_key] = value


def scatter(numpy_ufunc, array, key, value):
    """`ufunc.at`: in place, repeated indices accumulate."""
    host_key, arrays = _host_key(array, key)
    check_devices([array, *arrays, *([value] if isinstance(value, Memory) else [])])
    by_integers = any(index.dtype.kind != "b" for index in arrays)
    if by_integers and array.dtype.char not in SCATTER_DTYPES[numpy_ufunc.__name__]:
        raise TypeError(f"cupy.{numpy_ufunc.__name__}.at does not support {array.dtype}")
    if isinstance(value, np.ndarray):
        value = copy_silently(value, "value")
    host = value._host if isinstance(value, Memory) else np.asarray(value)
    with np.errstate(all="ignore"):
        numpy_ufunc.at(array._host, host_key, host.astype(array.dtype))


def take(a, indices, axis=None, out=None):
    if isinstance(indices, np.ndarray):
        indices = new(copy_silently(indices, "index"))
    return launch(np.take, a, indices, axis, out, mode="wrap")


def take_along_axis(a, indices, axis):
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    size = a.size if axis is None else a.shape[axis]
    return launch(lambda host, where: np.take_along_axis(host, wrap_around(where, size), axis), a, indices)


def put_along_axis(arr, indices, values, axis):
    size = arr.size if axis is None else arr.shape[axis]
    launch(lambda host, where, new_values: np.put_along_axis(host, wrap_around(where, size), new_values, axis),
           arr, indices, values)


def _host_key(array, key):
    """NumPy's key for CuPy's, and the index arrays in it."""
    items = [_item(item) for item in (key if isinstance(key, tuple) else (key,))]
    arrays = [item for item in items if isinstance(item, Memory)]
    axis, host_items = 0, []
    for item in items:
        if item is Ellipsis:
            axis = array.ndim - sum(_axes_taken(other) for other in items[len(host_items):])
        host = item._host if isinstance(item, Memory) else item
        if isinstance(item, Memory) and host.dtype.kind != "b" and axis < array.ndim:
            host = wrap_around(host, array.shape[axis])
        axis += _axes_taken(item)
        host_items.append(host)
    return tuple(host_items), arrays


def _item(item):
    """One index: arrays and what CuPy makes arrays of come out as device arrays, the rest as it is."""
    if isinstance(item, np.ndarray):
        item = new(copy_silently(item, "index"))
    elif isinstance(item, (list, tuple)):
        item = new(np.asarray(item) if len(item) else np.zeros(0, np.int32))
    elif isinstance(item, (bool, np.bool_)):
        item = new(np.asarray(item))
    if isinstance(item, Memory) and item.dtype.kind not in "biu":
        raise IndexError(f"arrays used as indices must be of integer or boolean type (actual: {item.dtype})")
    return item


def _axes_taken(item):
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if isinstance(item, Memory) and item.dtype.kind == "b" else 1


def _with_ellipsis(key):
    """With it NumPy returns a view of no dimensions where it would return a scalar."""
    return key if any(item is Ellipsis for item in key) else (*key, Ellipsis)
