"""Parameter: a tensor that a module learns."""

from __future__ import annotations

from ..tensor import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A leaf that a Module lists among its parameters as soon as it is assigned to one of its attributes.

    It shares the memory of `data`. Results of operations on it are plain Tensors.
    Raises TypeError for data that is not a Tensor, or that is not floating point while requires_grad is set.
    """

    __slots__ = ()

    def __init__(self, data: Tensor, requires_grad: bool = True) -> None:
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter takes a Tensor, not {type(data).__name__}; make one with minigrad.tensor")
        self.array = data.array
        self.node = None
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return f"Parameter containing:\n{Tensor.__repr__(self)}"
