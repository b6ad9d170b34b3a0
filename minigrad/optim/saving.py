"""Nested states as flat arrays, for np.savez and back: files that hold no pickled objects."""

from __future__ import annotations

import json
from typing import Any, Mapping

import numpy as np

from ..backend import backend_of, is_array
from ..tensor import Tensor

_STRUCTURE = "structure"  # the name under which everything but the arrays is kept, as JSON


def to_arrays(state: Any) -> dict[str, np.ndarray]:
    """A state_dict as named NumPy arrays, for np.savez(file, **to_arrays(optimizer.state_dict())).

    Takes dicts, lists, tuples, tensors, arrays, numbers, strings and None, nested; the arrays are copies, on the CPU.
    Raises TypeError, naming the place, for anything else.
    """
    arrays: dict[str, np.ndarray] = {}
    structure = _taken_apart(state, "", arrays)
    arrays[_STRUCTURE] = np.array(json.dumps(structure))
    return arrays


def from_arrays(arrays: Mapping[str, Any]) -> Any:
    """What to_arrays() took apart, put together: from_arrays(np.load(file, allow_pickle=False)).

    What were tensors are NumPy arrays, as load_state_dict() takes them. Raises ValueError if something is missing.
    """
    if _STRUCTURE not in arrays:
        raise ValueError(
            f"these arrays were not made by to_arrays(): there is no {_STRUCTURE!r} among {sorted(arrays)}"
        )
    return _put_together(json.loads(str(arrays[_STRUCTURE])), arrays)


def _taken_apart(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """The JSON that stands for a value: containers by kind, as JSON has neither tuples nor keys that are numbers."""
    if isinstance(value, Tensor):
        value = value.array
    if is_array(value):
        while path in arrays or path in ("", _STRUCTURE):
            path += "_"
        arrays[path] = np.array(backend_of(value).to_host(value))
        return {"array": path}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, (str, int)):
                place, kind = path or "the state", type(key).__name__
                raise TypeError(f"{place} has the key {key!r}, a {kind}; only strings and integers can be saved")
        return {"dict": [[key, _taken_apart(part, _inside(path, key), arrays)] for key, part in value.items()]}
    if isinstance(value, (list, tuple)):
        parts = [_taken_apart(part, _inside(path, i), arrays) for i, part in enumerate(value)]
        return {"tuple" if isinstance(value, tuple) else "list": parts}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{path or 'the state'} is a {type(value).__name__}, which cannot be saved without pickling it")


def _inside(path: str, key: Any) -> str:
    return f"{path}/{key}" if path else str(key)


def _put_together(structure: Any, arrays: Mapping[str, Any]) -> Any:
    if not isinstance(structure, dict):
        return structure
    ((kind, content),) = structure.items()
    if kind == "array":
        if content not in arrays:
            raise ValueError(f"the array {content!r} is missing")
        return np.array(arrays[content])
    if kind == "dict":
        return {key: _put_together(part, arrays) for key, part in content}
    parts = [_put_together(part, arrays) for part in content]
    return tuple(parts) if kind == "tuple" else parts
