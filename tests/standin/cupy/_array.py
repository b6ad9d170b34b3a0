"""`cupy.ndarray`: the array that nothing but its own methods and functions can look into."""

import sys
import warnings

import numpy as np

from . import _index, _names
from ._functions import ALL as FUNCTIONS
from ._functions import check_kind, parse_table, require_arrays, split_arguments
from ._launch import Memory, check_operand, launch, launch_view, new
from ._operators import Operators
from ._ufunc import SCATTERS
from .cuda import BaseMemory, Device, MemoryPointer, runtime


class Flags:
    """`x.flags`: three facts, as attributes or by their upper-case names."""

    def __init__(self, array):
        self.c_contiguous = array._host.flags.c_contiguous
        self.f_contiguous = array._host.flags.f_contiguous
        self.owndata = array.base is None

    def __getitem__(self, name):
        if name not in ("C_CONTIGUOUS", "F_CONTIGUOUS", "OWNDATA"):
            raise KeyError(f"{name} is not defined for cupy.ndarray.flags")
        return getattr(self, name.lower())


def _from_host_attribute(name):
    return property(lambda self: getattr(self._host, name))


class ndarray(Operators, Memory):
    __slots__ = ()
    __array_priority__ = 100

    def __new__(cls, shape, dtype=float, *, order="C"):
        return new(np.empty(shape, dtype, order))

    # What the array is.

    dtype, ndim, size = (_from_host_attribute(name) for name in ("dtype", "ndim", "size"))
    strides, itemsize, nbytes = (_from_host_attribute(name) for name in ("strides", "itemsize", "nbytes"))
    flags = property(Flags)
    device = property(lambda self: Device(self._device_id))

    @property
    def data(self):
        owner = self if self.base is None else self.base
        mem = BaseMemory(owner._host.ctypes.data if owner.nbytes else 0, owner.nbytes, self._device_id)
        return MemoryPointer(self._host.ctypes.data if self.nbytes else mem.ptr, mem)

    @property
    def shape(self):
        return self._host.shape

    @shape.setter
    def shape(self, shape):
        reshaped = self._host.reshape(shape)
        if not np.shares_memory(reshaped, self._host) and self.size:
            raise AttributeError("Incompatible shape for in-place modification. Use `.reshape()` instead.")
        self._host = reshaped

    @property
    def T(self):
        return self if self.ndim < 2 else self.transpose()

    @property
    def mT(self):
        if self.ndim < 2:
            raise ValueError("matrix transpose with ndim < 2 is undefined")
        return self.swapaxes(-1, -2)

    @property
    def real(self):
        return FUNCTIONS["real"](self)

    @property
    def imag(self):
        return FUNCTIONS["imag"](self)

    # The explicit ways to the host; each waits for the device.

    def get(self, stream=None, order="C", out=None, blocking=True):
        if out is None:
            return np.array(self._host, order=order)
        if not isinstance(out, np.ndarray):
            raise TypeError("Only numpy.ndarray can be obtained from cupy.ndarray")
        if (out.shape, out.dtype) != (self.shape, self.dtype):
            raise ValueError(f"Shape or dtype mismatch: {out.shape} {out.dtype} for {self.shape} {self.dtype}")
        out[...] = self._host
        return out

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if (arr.shape, arr.dtype) != (self.shape, self.dtype):
            raise ValueError(f"Shape or dtype mismatch: {arr.shape} {arr.dtype} for {self.shape} {self.dtype}")
        self._host[...] = arr

    def item(self):
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self._host.item()

    def tolist(self):
        return self._host.tolist()

    def tobytes(self, order="C"):
        return self._host.tobytes(order)

    def __bool__(self):
        if self.size == 0:
            warnings.warn("The truth value of an empty array is ambiguous.", DeprecationWarning, stacklevel=2)
            return False
        if self.size > 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous. "
                             "Use a.any() or a.all()")
        return bool(self.item())

    def __int__(self):
        return int(self._host)

    def __float__(self):
        return float(self._host)

    def __complex__(self):
        return complex(self._host)

    def __repr__(self):
        return repr(self._host)

    def __str__(self):
        return str(self._host)

    def __format__(self, format_spec):
        return format(self._host, format_spec)

    def __reduce__(self):
        return sys.modules[__package__].array, (self.get(order="A"),)

    # NumPy's protocols: everything but the silent conversion.

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. "
                        "Please use `.get()` to construct a NumPy array explicitly.")

    def __array_ufunc__(self, numpy_ufunc, method, *inputs, out=None, **kwargs):
        if out is not None:
            if len(out) != 1:
                raise ValueError("The 'out' parameter must have exactly one array value")
            kwargs["out"] = out[0]
        package = sys.modules[__package__]
        function = getattr(package, numpy_ufunc.__name__, None) or package._special.get(numpy_ufunc.__name__)
        if method != "__call__":
            function = getattr(function, method, None)
        if function is None:
            return NotImplemented
        for value in inputs + (out or ()):
            # NumPy arrays go through: the kernel's own error about them says more.
            if not isinstance(value, np.ndarray):
                try:
                    check_operand(value)
                except TypeError:
                    return NotImplemented
        if numpy_ufunc.__name__ in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"):
            inputs = tuple(value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
                           for value in inputs)
        return function(*inputs, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        found = sys.modules[__package__]
        for name in [*function.__module__.split(".")[1:], function.__name__]:
            found = getattr(found, name, None)
        if found is None or found is function:
            return NotImplemented
        if not all(issubclass(kind, (ndarray, np.ndarray)) for kind in types):
            return NotImplemented
        return found(*args, **kwargs)

    # Elements.

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, key):
        return _index.getitem(self, key)

    def __setitem__(self, key, value):
        _index.setitem(self, key, value)

    def take(self, indices, axis=None, out=None):
        return _index.take(self, indices, axis, out)

    def _scatter(self, operation, slices, value):
        warnings.warn(f"`ndarray.scatter_*` is deprecated. Please use `cupy.{operation}.at` instead.",
                      DeprecationWarning, stacklevel=3)
        assert operation in SCATTERS
        _index.scatter(getattr(np, operation), self, slices, value)

    def scatter_add(self, slices, value):
        self._scatter("add", slices, value)

    def scatter_max(self, slices, value):
        self._scatter("maximum", slices, value)

    def scatter_min(self, slices, value):
        self._scatter("minimum", slices, value)

    def fill(self, value):
        if isinstance(value, (np.ndarray, Memory)) and value.ndim:
            raise ValueError(f"non-scalar {type(value).__name__} cannot be used for fill")
        launch(np.copyto, self, value.item() if isinstance(value, np.ndarray) else value, casting="unsafe")

    # Copies and views.

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if casting is not None or subok is not None:
            raise TypeError("casting and subok are not supported yet")
        return launch(np.ndarray.astype, self, dtype, order=order or "K", copy=copy)

    def copy(self, order="C"):
        """On the current device, wherever the array was."""
        return new(np.array(self._host, order=order))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return new(np.array(self._host, order="C"), device_id=self._device_id)

    def view(self, dtype=None, type=None):
        return launch_view(np.ndarray.view, self) if dtype is None else launch_view(np.ndarray.view, self, dtype)

    def reshape(self, *shape, order="C", copy=None):
        shape = shape[0] if len(shape) == 1 else shape
        return FUNCTIONS["reshape"](self, shape, order, copy=copy)

    def transpose(self, *axes):
        axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return FUNCTIONS["transpose"](self, axes or None)

    def flatten(self, order="C"):
        return launch(np.ndarray.flatten, self, order)

    def conj(self):
        return launch(np.conjugate, self) if self.dtype.kind == "c" else self

    conjugate = conj

    def clip(self, min=None, max=None, out=None):
        return FUNCTIONS["clip"](self, min, max, out)

    def sort(self, axis=-1, kind=None):
        check_kind(kind)
        launch(np.ndarray.sort, self, axis, kind="stable")

    def argsort(self, axis=-1, kind=None):
        check_kind(kind)
        return launch(np.argsort, self, axis, kind="stable")


Memory._array_class = ndarray


def _method(name, signature):
    def method(*args, **kwargs):
        positional, named = split_arguments(signature, args, kwargs)
        return FUNCTIONS[name](*positional, **named)

    method.__name__, method.__qualname__, method.__signature__ = name, f"ndarray.{name}", signature
    return method


for _name, _signature in parse_table(_names.METHODS):
    setattr(ndarray, _name, _method(_name, _signature))


# Ways between host and device, and from device to device.

def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if subok:
        raise NotImplementedError("subok")
    if isinstance(obj, ndarray):
        return _from_device(obj, dtype, copy, order or "K", ndmin)
    if isinstance(obj, (list, tuple)) and any(isinstance(item, ndarray) for item in obj):
        return launch(np.array, obj, dtype=dtype, ndmin=ndmin)
    # Always a copy: the host may write to its own array afterwards.
    return new(np.array(obj, dtype=dtype, order=order or "K", ndmin=ndmin, copy=True))


def _from_device(source, dtype, copy, order, ndmin):
    here = source if source._device_id == runtime.getDevice() else source.copy(order)
    result = here.astype(dtype or here.dtype, order, copy=bool(copy) and here is source)
    return result if result.ndim >= ndmin else result.reshape((1,) * (ndmin - result.ndim) + result.shape)


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return array(a, dtype, copy, order)


asanyarray = asarray


def ascontiguousarray(a, dtype=None):
    require_arrays("ascontiguousarray", [a])
    return launch(np.ascontiguousarray, a, dtype)


def asfortranarray(a, dtype=None):
    require_arrays("asfortranarray", [a])
    return launch(np.asfortranarray, a, dtype)


def copy(a, order="K"):
    return a.copy(order)


def astype(x, dtype, /, *, copy=True):
    return x.astype(dtype, copy=copy)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    if isinstance(a, ndarray):
        return a.get(stream, order, out)
    if out is None:
        return np.asarray(a, order=order)
    out[...] = np.asarray(a)
    return out


def get_array_module(*args):
    return sys.modules[__package__] if any(isinstance(arg, ndarray) for arg in args) else np
