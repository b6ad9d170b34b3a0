"""The operators of an array: CuPy's own ufunc between two arrays, NumPy's protocol with anything else."""

import numpy as np

from ._launch import Memory, launch
from ._ufunc import ALL

BINARY = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
          "mod": "remainder", "divmod": "divmod", "pow": "power", "lshift": "left_shift", "rshift": "right_shift",
          "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor"}
COMPARISONS = {"lt": "less", "le": "less_equal", "eq": "equal", "ne": "not_equal", "gt": "greater",
               "ge": "greater_equal"}
UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}


def defers_to(x, y):
    """Whether `y` asked for the operation: NEP 13, and the array priority where `y` knows nothing of that."""
    if hasattr(y, "__array_ufunc__"):
        return y.__array_ufunc__ is None
    return getattr(x, "__array_priority__", 0) < getattr(y, "__array_priority__", 0)


def _forward(name):
    def operator(self, other):
        if isinstance(other, Memory):
            return ALL[name](self, other)
        return NotImplemented if defers_to(self, other) else getattr(np, name)(self, other)
    return operator


def _reflected(name):
    def operator(self, other):
        return ALL[name](other, self)
    return operator


def _in_place(name):
    def operator(self, other):
        return ALL[name](self, other, self)
    return operator


def _comparison(name):
    def operator(self, other):
        if isinstance(other, Memory):
            return ALL[name](self, other)
        if defers_to(self, other):
            return NotImplemented
        if name in ("equal", "not_equal") and (other is None or type(other).__eq__ is object.__eq__):
            return launch(np.full, self.shape, name == "not_equal")
        # The one place where CuPy takes a 0-d NumPy array for the scalar in it.
        other = other.item() if isinstance(other, np.ndarray) and other.ndim == 0 else other
        return getattr(np, name)(self, other)
    return operator


def _unary(name):
    def operator(self):
        return ALL[name](self)
    return operator


class Operators:
    __slots__ = ()

    __hash__ = None

    def __matmul__(self, other):
        return NotImplemented if not isinstance(other, Memory) and defers_to(self, other) else np.matmul(self, other)


for _name, _ufunc in BINARY.items():
    setattr(Operators, f"__{_name}__", _forward(_ufunc))
    setattr(Operators, f"__r{_name}__", _reflected(_ufunc))
    if _name != "divmod":
        setattr(Operators, f"__i{_name}__", _in_place(_ufunc))
for _name, _ufunc in COMPARISONS.items():
    setattr(Operators, f"__{_name}__", _comparison(_ufunc))
for _name, _ufunc in UNARY.items():
    setattr(Operators, f"__{_name}__", _unary(_ufunc))
