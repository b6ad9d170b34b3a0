"""Module functions, made out of the tables in `_names`: CuPy's signature, then NumPy's computation."""

import inspect

import numpy as np

from . import _names
from ._launch import Memory, check_operand, launch, launch_view

# Products that CuPy has for arrays only, where NumPy takes scalars as well.
BOTH_ARRAYS = {"dot", "vdot", "inner", "tensordot", "matmul"}


def parse_table(table):
    """Names and signatures of lines such as `sum(a, axis=None)`."""
    for line in table.strip().splitlines():
        name, _, parameters = line.partition("(")
        yield name, inspect.signature(eval(f"lambda {parameters[:-1]}: None"))


def split_arguments(signature, args, kwargs):
    """Required arguments by position, given options by name: so NumPy's other order of options does no harm."""
    bound = signature.bind(*args, **kwargs)
    positional, named = [], {}
    for name, value in bound.arguments.items():
        parameter = signature.parameters[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional.extend(value)
        elif parameter.kind is parameter.VAR_KEYWORD:
            named.update(value)
        elif parameter.default is parameter.empty:
            positional.append(value)
        elif value is not parameter.default:
            named[name] = value
    return positional, named


def require_arrays(name, values):
    """Scalars and lists are not turned into arrays: CuPy would have to copy them to the device."""
    for value in values:
        if not isinstance(value, Memory):
            raise TypeError(f"{name}() takes cupy.ndarray, not {type(value)}: move it with cupy.asarray")


def _nonzero(host):
    if host.ndim == 0:
        raise ValueError("Calling nonzero on 0d arrays is not allowed. Use cp.atleast_1d(scalar).nonzero() instead.")
    return np.nonzero(host)


def _function(name, signature, run):
    numpy_function = _nonzero if name == "nonzero" else getattr(np, name)
    takes_many = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in signature.parameters.values())

    def function(*args, **kwargs):
        positional, named = split_arguments(signature, args, kwargs)
        first = positional if takes_many else positional[:2] if name in BOTH_ARRAYS else positional[:1]
        arrays = first[0] if first and isinstance(first[0], (tuple, list)) else first
        require_arrays(name, arrays)
        return run(numpy_function, *positional, **named)

    function.__name__ = function.__qualname__ = name
    function.__signature__ = signature
    return function


def _creator(name, signature):
    def function(*args, **kwargs):
        positional, named = split_arguments(signature, args, kwargs)
        return launch(getattr(np, name), *positional, **named)

    function.__name__ = function.__qualname__ = name
    function.__signature__ = signature
    return function


ALL = {}
for _run, _table in ((launch, _names.FUNCTIONS), (launch_view, _names.VIEWS)):
    ALL.update((name, _function(name, signature, _run))
               for name, signature in parse_table(_table) if hasattr(np, name))
ALL.update((name, _creator(name, signature)) for name, signature in parse_table(_names.CREATION))


def where(condition, x=None, y=None):
    require_arrays("where", [condition])
    if (x is None) != (y is None):
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    if x is None:
        return ALL["nonzero"](condition)
    check_operand(x)
    check_operand(y)
    return launch(np.where, condition, x, y)


def matmul(x1, x2, /, out=None, dtype=None, casting="same_kind"):
    require_arrays("matmul", [x1, x2])
    return launch(np.matmul, x1, x2, out=out, dtype=dtype, casting=casting)


def einsum(*operands, dtype=None, optimize=False):
    require_arrays("einsum", operands[1:] if isinstance(operands[0], str) else operands[:1])
    return launch(np.einsum, *operands, dtype=dtype, optimize=optimize)


def norm(x, ord=None, axis=None, keepdims=False):
    require_arrays("norm", [x])
    return launch(np.linalg.norm, x, ord, axis, keepdims)


def sort(a, axis=-1, kind=None):
    check_kind(kind)
    require_arrays("sort", [a])
    return launch(np.sort, a, axis, kind="stable")


def argsort(a, axis=-1, kind=None):
    check_kind(kind)
    require_arrays("argsort", [a])
    return launch(np.argsort, a, axis, kind="stable")


def check_kind(kind):
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")


def metadata(numpy_function):
    """A function that reads shapes and types only: no kernel, and plain Python values come back."""
    def function(*args):
        return numpy_function(*(arg._host if isinstance(arg, Memory) else arg for arg in args))

    function.__name__ = function.__qualname__ = numpy_function.__name__
    return function


def result_type(*arrays_and_dtypes):
    return np.result_type(*(arg.dtype if isinstance(arg, Memory) else arg for arg in arrays_and_dtypes))


METADATA = {name: metadata(getattr(np, name)) for name in
            ("shape", "ndim", "size", "isscalar", "iscomplexobj", "isrealobj", "shares_memory", "may_share_memory")}
