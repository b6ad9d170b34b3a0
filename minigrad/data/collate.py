"""Making one batch out of a list of examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Sequence

import numpy as np

from ..creation import tensor
from ..ops import stack
from ..tensor import Tensor


def collate(examples: Sequence[Any]) -> Any:
    """One batch of many examples of one structure: tensors, arrays and numbers are stacked along a new first dimension.

    Tuples, lists and dictionaries keep their structure, texts become a list. As in PyTorch, Python floats give float64;
    tensors and NumPy's numbers keep their dtype. Raises ValueError for examples that differ in length or shape,
    TypeError for what cannot be put in a tensor.
    """
    if not len(examples):
        raise ValueError("a batch needs at least one example")
    first = examples[0]
    if isinstance(first, Tensor):
        return stack(list(examples))
    if isinstance(first, (np.ndarray, np.generic)):
        return tensor(np.stack([np.asarray(e) for e in examples]))
    if isinstance(first, float):
        return tensor(examples, dtype=np.float64)
    if isinstance(first, int):
        return tensor(examples)
    if isinstance(first, (str, bytes)):
        return list(examples)
    if isinstance(first, Mapping):
        return {key: collate([e[key] for e in examples]) for key in first}
    if isinstance(first, (tuple, list)):
        return _collate_each_field(first, examples)
    raise TypeError(f"examples of type {type(first).__name__} make no batch; give the DataLoader a collate_fn")


def _collate_each_field(first: Any, examples: Sequence[Any]) -> Any:
    lengths = {len(e) for e in examples}
    if len(lengths) > 1:
        raise ValueError(f"examples of one batch must have equally many fields, got {sorted(lengths)}")
    fields = [collate(field) for field in zip(*examples)]
    return type(first)(*fields) if hasattr(first, "_fields") else type(first)(fields)
