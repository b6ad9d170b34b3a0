"""The functions of `cupyx.scipy.special` that NumPy lacks, element by element from Python's `math`."""

import math

import numpy as np

from ._launch import check_operand, launch


def _special(name, python_function):
    def on_host(x):
        x = np.asarray(x)
        values = [python_function(value) for value in x.ravel().tolist()]
        return np.array(values, _result_dtype(x.dtype)).reshape(x.shape)

    def function(x, out=None):
        check_operand(x)
        result = launch(on_host, x)
        if out is None:
            return result
        out[...] = result
        return out

    function.__name__ = function.__qualname__ = name
    return function


def _result_dtype(dtype):
    """CuPy's loops are e->d, f->f and d->d, and the first one that takes the type safely is run."""
    takes_half = np.can_cast(dtype, np.float16)
    return np.float32 if np.can_cast(dtype, np.float32) and not takes_half else np.float64


SPECIAL = {name: _special(name, getattr(math, name)) for name in ("erf", "erfc")}
