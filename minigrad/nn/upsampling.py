"""Layers that make images larger."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .functional.resizing import factors_of
from .functional.spatial import plain_sizes, sizes_of
from .module import Layer

__all__ = ["Upsample"]


class Upsample(Layer):
    """(N, C, L) or (N, C, H, W) at another size, by "nearest", "linear" or "bilinear"; see functional.interpolate."""

    def __init__(
        self, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
    ) -> None:
        super().__init__()
        if (size is None) == (scale_factor is None):
            raise ValueError(f"Upsample: give either size or scale_factor, got {size!r} and {scale_factor!r}")
        if size is not None:
            sizes_of("Upsample", "size", size, len(size) if hasattr(size, "__len__") else 1, 1)
        else:
            factors = factors_of("Upsample", scale_factor, len(scale_factor) if hasattr(scale_factor, "__len__") else 1)
            scale_factor = tuple(map(float, factors)) if hasattr(scale_factor, "__len__") else float(factors[0])
        self.size = plain_sizes(size)
        self.scale_factor = scale_factor
        self.mode = mode
        self.align_corners = align_corners

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self) -> str:
        chosen = f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={self.scale_factor!r}"
        return f"{chosen}, mode={self.mode!r}"
