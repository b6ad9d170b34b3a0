"""Parametrizations that are ready for use. PyTorch's torch.nn.utils.parametrizations by name."""

from __future__ import annotations

from ...tensor import Tensor
from ..module import Module
from .parametrize import is_parametrized, register_parametrization

__all__ = ["weight_norm"]


class _WeightNorm(Module):
    """w = g * v / |v|, with the norm taken over all dimensions but `dim`, or over all of them."""

    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def _norm(self, v: Tensor) -> Tensor:
        if self.dim == -1:
            return v.norm()
        others = [d for d in range(v.ndim) if d != self.dim]
        return v.norm(2, others, keepdim=True) if others else v.abs()

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / self._norm(weight_v))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return self._norm(weight), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the length and the direction of a weight apart: w = g * v / |v|; returns the module.

    g is parametrizations.<name>.original0, v original1. dim: each of its slices has a length of its own, by default the
    weights of one output; None, and in PyTorch's way -1, for one length of the whole weight. Both are new parameters:
    make the optimizer afterwards. Raises ValueError for a module without the parameter, or with one that has it
    already, IndexError for a dim that it lacks. Salimans and Kingma 2016, eq. 2.
    """
    if is_parametrized(module, name) and any(isinstance(p, _WeightNorm) for p in module.parametrizations[name]):
        raise ValueError(f"weight_norm: {name!r} of {type(module).__name__} has it already")
    weight = getattr(module, name, None)
    if dim is not None and isinstance(weight, Tensor) and not -weight.ndim <= dim < weight.ndim:
        raise IndexError(f"weight_norm: {name!r} has shape {weight.shape}, and no dim {dim}")
    if dim is not None and isinstance(weight, Tensor) and dim < -1:
        dim %= weight.ndim
    return register_parametrization(module, name, _WeightNorm(dim))
