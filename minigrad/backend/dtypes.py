"""Dtypes and the one rule by which they combine: PyTorch's, not NumPy's.

NumPy widens int64 with float32 to float64, and float16 with int16 to float32. PyTorch ranks by category first
(bool < integer < floating point) and widens only inside a category, and lets an operand without dimensions, or a
Python number, raise the category but never the width. Everything that needs a result dtype asks this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

float16 = np.dtype("float16")
float32 = np.dtype("float32")
float64 = np.dtype("float64")
uint8 = np.dtype("uint8")
int8 = np.dtype("int8")
int16 = np.dtype("int16")
int32 = np.dtype("int32")
int64 = np.dtype("int64")
bool_ = np.dtype("bool")

FLOATS = (float16, float32, float64)
INTEGERS = (uint8, int8, int16, int32, int64)
SUPPORTED = {dtype: dtype for dtype in (bool_, *INTEGERS, *FLOATS)}  # to NumPy's one object for each: `is` is cheap

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}
_default = float32


def get_default_dtype() -> np.dtype:
    """Dtype of a new floating-point tensor made from Python numbers; float32 unless changed."""
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype of new floating-point tensors. Raises TypeError unless it is a floating-point dtype."""
    global _default
    dtype = as_dtype(dtype)
    if dtype not in FLOATS:
        raise TypeError(f"the default dtype must be float16, float32 or float64, not {dtype}")
    _default = dtype


def as_dtype(spec: Any) -> np.dtype:
    """The supported dtype that `spec` names: a dtype, a NumPy scalar type, a string, or bool, int, float (float64)."""
    if spec is None:
        raise TypeError(
            "None is not a dtype; use minigrad.float32, 'float32' or np.float32"
        )  # NumPy reads it as float64
    try:
        dtype = np.dtype(spec)
    except TypeError:
        raise TypeError(f"{spec!r} is not a dtype; use minigrad.float32, 'float32' or np.float32") from None
    return check_supported(dtype)


def check_supported(dtype: np.dtype) -> np.dtype:
    """The dtype in the machine's byte order. Raises TypeError for what has no place here (complex, text ...)."""
    known = SUPPORTED.get(dtype if dtype.isnative else dtype.newbyteorder("="))
    if known is None:
        names = ", ".join(sorted(str(d) for d in SUPPORTED))
        raise TypeError(f"dtype {dtype} is not supported; convert it to one of {names}")
    return known


def category(dtype: np.dtype) -> int:
    return _CATEGORY[dtype.kind]


def promote_types(a: Any, b: Any) -> np.dtype:
    """Dtype of an operation on two tensors with dimensions, of dtypes `a` and `b`."""
    a, b = as_dtype(a), as_dtype(b)
    if a == b:
        return a
    if category(a) != category(b):
        return a if category(a) > category(b) else b
    return np.promote_types(a, b)


def _join(a: np.dtype | None, b: np.dtype) -> np.dtype:
    return b if a is None else promote_types(a, b)


def _raise_category(strong: np.dtype | None, weak: np.dtype | None) -> np.dtype | None:
    """`weak` wins only where it is of a higher category than `strong`."""
    if strong is None or weak is None:
        return weak if strong is None else strong
    return weak if category(weak) > category(strong) else strong


def result_type(*operands: Any) -> np.dtype:
    """Dtype that arrays and Python numbers combine to (PyTorch's torch.result_type).

    Operands with dimensions decide; 0-d ones and then Python numbers can only raise the category.
    """
    if not operands:
        raise TypeError("result_type needs at least one operand")
    with_dims: np.dtype | None = None
    without: np.dtype | None = None
    numbers: np.dtype | None = None
    for x in operands:
        if isinstance(x, bool):
            numbers = _join(numbers, bool_)
        elif isinstance(x, int):
            numbers = _join(numbers, int64)
        elif isinstance(x, float):
            numbers = _join(numbers, _default)
        elif x.ndim:
            with_dims = _join(with_dims, x.dtype)
        else:
            without = _join(without, x.dtype)
    dtype = _raise_category(_raise_category(with_dims, without), numbers)
    assert dtype is not None
    return dtype
