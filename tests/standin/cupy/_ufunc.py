"""CuPy's ufuncs: NumPy's arithmetic and types, with the few methods and keywords that CuPy has."""

import numpy as np

from ._index import scatter
from ._launch import Memory, check_operand, launch
from ._names import UFUNCS

SCATTERS = ("add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor")


class ufunc:
    def __init__(self, name, numpy_ufunc):
        self.name = self.__name__ = name
        self.nin, self.nout, self.nargs = numpy_ufunc.nin, numpy_ufunc.nout, numpy_ufunc.nargs
        self._numpy = numpy_ufunc

    def __repr__(self):
        return f"<ufunc '{self.name}'>"

    def __call__(self, *args, out=None, dtype=None, casting="same_kind", **unknown):
        if unknown:
            raise TypeError(f"Wrong arguments {unknown}")
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(f"Wrong number of arguments for {self.name!r}: {self.nin} inputs, given {len(args)}")
        inputs = args[:self.nin]
        for value in inputs:
            check_operand(value)
        outputs = self._outputs(args[self.nin:], out)
        return launch(self._numpy, *inputs, out=outputs, dtype=dtype, casting=casting)

    def _outputs(self, positional, out):
        if out is not None and positional:
            raise ValueError("Cannot specify 'out' as both a positional and keyword argument")
        outputs = positional if out is None else out if isinstance(out, tuple) else (out,)
        outputs += (None,) * (self.nout - len(outputs))
        if len(outputs) != self.nout:
            raise ValueError("The 'out' tuple must have exactly one entry per ufunc output")
        if not all(output is None or isinstance(output, Memory) for output in outputs):
            raise TypeError("Output arguments type must be cupy.ndarray")
        return outputs

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        if self.name == "add":
            return array.sum(axis, dtype, out, keepdims)
        if self.name == "multiply":
            return array.prod(axis, dtype, out, keepdims)
        raise NotImplementedError(f"`{self.name}.reduce` is not supported yet")

    def accumulate(self, array, axis=0, dtype=None, out=None):
        if self.name == "add":
            return array.cumsum(axis, dtype, out)
        if self.name == "multiply":
            return array.cumprod(axis, dtype, out)
        raise NotImplementedError(f"`{self.name}.accumulate` is not supported yet")

    def reduceat(self, array, indices, axis=0, dtype=None, out=None):
        if self.name == "add":
            return launch(np.add.reduceat, array, indices, axis, dtype, out)
        raise NotImplementedError(f"`{self.name}.reduceat` is not supported yet")

    def at(self, a, indices, b=None):
        if self.name not in SCATTERS:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        scatter(self._numpy, a, indices, b)

    def outer(self, A, B, **kwargs):
        return launch(self._numpy.outer, A, B, **kwargs)


# NumPy before 2.1 lacks a few of the names.
ALL = {name: ufunc(name, getattr(np, name)) for name in UFUNCS.split() if hasattr(np, name)}
