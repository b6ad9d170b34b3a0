"""A strict stand-in for CuPy 14, backed by NumPy, for machines without a GPU.

It computes what CuPy computes, with CuPy's result types, and refuses what CuPy refuses. Where CuPy helps silently
at a price (NumPy index arrays), it refuses too, unless `_strict_index` is set to False; `_silent_copies` counts then.
Put in place by `tests.standin.install()`, never imported under its own name by what is tested.
"""

import numpy as _np

from . import _functions, _names, _ufunc, cuda, linalg
from ._array import (array, asanyarray, asarray, ascontiguousarray, asfortranarray, asnumpy, astype, copy,
                     get_array_module, ndarray)
from ._functions import argsort, einsum, matmul, result_type, sort, where
from ._index import put_along_axis, take, take_along_axis
from ._kernel import ElementwiseKernel
from ._special import SPECIAL as _special  # noqa: F401 - the protocol for scipy's ufuncs looks here
from ._ufunc import ufunc

__version__ = "14.2.0"
_strict_index = True
_silent_copies = 0

globals().update(_ufunc.ALL)
globals().update(_functions.ALL)
globals().update(_functions.METADATA)
globals().update((_name, getattr(_np, _name)) for _name in _names.FROM_NUMPY.split())

__all__ = [
    *_ufunc.ALL, *_functions.ALL, *_functions.METADATA, *_names.FROM_NUMPY.split(), "ElementwiseKernel",
    "argsort", "array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray", "asnumpy", "astype", "copy",
    "cuda", "einsum", "get_array_module", "linalg", "matmul", "ndarray", "put_along_axis", "result_type", "sort",
    "take", "take_along_axis", "ufunc", "where",
]
