"""Reading the tensors that a utility is given."""

from __future__ import annotations

from typing import Any, Iterable

import numpy as np

from ...tensor import Tensor

Tensors = Iterable[Tensor] | Tensor  # one tensor stands for itself alone


def list_of(title: str, tensors: Tensors) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        return [tensors]
    given = list(tensors)
    for x in given:
        if not isinstance(x, Tensor):
            raise TypeError(f"{title} takes tensors, not {type(x).__name__}")
    return given


def check_writeable(title: str, what: str, array: Any) -> None:
    expanded = 0 in array.strides and array.size and any(n > 1 and s == 0 for n, s in zip(array.shape, array.strides))
    if expanded or (isinstance(array, np.ndarray) and not array.flags.writeable):
        raise ValueError(
            f"{title}: {what} of shape {array.shape} is {'expanded' if expanded else 'read-only'}, so it cannot be "
            "changed in place; clone() it"
        )
