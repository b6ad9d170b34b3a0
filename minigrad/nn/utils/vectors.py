"""All parameters as one vector, and back."""

from __future__ import annotations

from typing import Iterable

from ... import ops
from ...backend import Device
from ...gradmode import no_grad
from ...tensor import Tensor
from .checks import check_writeable, list_of

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened and one after the other: a tensor of shape (number of elements,); gradients flow back.

    Raises ValueError for no parameters.
    """
    listed = list_of("parameters_to_vector", parameters)
    if not listed:
        raise ValueError("parameters_to_vector: there are no parameters")
    _one_device("parameters_to_vector", listed)
    return ops.cat([p.reshape(-1) for p in listed])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write a vector, piece by piece, into the parameters.

    They keep their memory and dtype, where PyTorch makes them views of the vector. Raises TypeError if vec is no
    tensor, ValueError if its shape is not (number of elements,), and changes nothing then.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: vec must be a tensor, not {type(vec).__name__}")
    listed = list_of("vector_to_parameters", parameters)
    count = sum(p.numel() for p in listed)
    if vec.shape != (count,):
        raise ValueError(f"vector_to_parameters: vec has shape {vec.shape}, but the parameters have {count} elements")
    _one_device("vector_to_parameters", [vec, *listed])
    for p in listed:
        check_writeable("vector_to_parameters", "a parameter", p.array)
    values = vec.detach().clone()  # the vector may lie on the parameters' own memory
    start = 0
    with no_grad():
        for p in listed:
            p.copy_(values[start : start + p.numel()].reshape(p.shape))
            start += p.numel()


def _one_device(title: str, tensors: list[Tensor]) -> None:
    devices: list[Device] = sorted({x.device for x in tensors}, key=str)
    if len(devices) > 1:
        places = ", ".join(map(str, devices))
        raise TypeError(f"{title}: the tensors lie on different devices ({places}); move them to one")
