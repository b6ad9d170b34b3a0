"""Pooling layers: each is its function of minigrad.nn.functional, with its options kept."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .functional.pooling import check_divisor
from .functional.spatial import IntOrInts, plain_sizes, sizes_of
from .module import Layer, Module

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d",
    "MaxPool1d", "MaxPool2d",
]  # fmt: skip


class _Pool(Module):
    _dims: int
    _function: Any

    def _check(self, kernel_size: Any, stride: Any, padding: Any) -> None:
        name = type(self).__name__
        kernel = sizes_of(name, "kernel_size", kernel_size, self._dims, 1)
        sizes_of(name, "stride", kernel if stride is None else stride, self._dims, 1)
        paddings = sizes_of(name, "padding", padding, self._dims, 0)
        if any(2 * p > k for p, k in zip(paddings, kernel)):
            raise ValueError(f"{name}: padding {padding} is more than half of kernel_size {kernel_size}")


class _MaxPool(_Pool):
    def __init__(
        self, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0, dilation: IntOrInts = 1,
        return_indices: bool = False, ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self._check(kernel_size, stride, padding)
        sizes_of(type(self).__name__, "dilation", dilation, self._dims, 1)
        self.kernel_size = plain_sizes(kernel_size)
        self.stride = self.kernel_size if stride is None else plain_sizes(stride)
        self.padding = plain_sizes(padding)
        self.dilation = plain_sizes(dilation)
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return type(self)._function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool, Layer):
    """The largest value in each window, (N, C, L) to (N, C, L'); see functional.max_pool1d."""

    _dims, _function = 1, F.max_pool1d


class MaxPool2d(_MaxPool, Layer):
    """The largest value in each window, (N, C, H, W) to (N, C, H', W'); see functional.max_pool2d."""

    _dims, _function = 2, F.max_pool2d


class _AvgPool(_Pool):
    def __init__(
        self, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self._check(kernel_size, stride, padding)
        self.kernel_size = plain_sizes(kernel_size)
        self.stride = self.kernel_size if stride is None else plain_sizes(stride)
        self.padding = plain_sizes(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def _options(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool, Layer):
    """The mean of each window, (N, C, L) to (N, C, L'); see functional.avg_pool1d."""

    _dims = 1

    def __init__(
        self, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.kernel_size, self.stride, self.padding = (  # kept as PyTorch keeps and shows them
            sizes_of("AvgPool1d", "size", n, 1, 0) for n in (self.kernel_size, self.stride, self.padding)
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, *self._options())


class AvgPool2d(_AvgPool, Layer):
    """The mean of each window, (N, C, H, W) to (N, C, H', W'); see functional.avg_pool2d."""

    _dims = 2

    def __init__(
        self, kernel_size: IntOrInts, stride: IntOrInts | None = None, padding: IntOrInts = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = check_divisor("AvgPool2d", divisor_override)

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(input, *self._options(), self.divisor_override)


class _Adaptive(Layer):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        for n in output_size if hasattr(output_size, "__len__") else (output_size,):
            if n is not None:
                sizes_of(type(self).__name__, "output_size", n, 1, 1)
        self.output_size = plain_sizes(output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_Adaptive):
    """Means of `output_size` windows that cover L; see functional.adaptive_avg_pool1d."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_Adaptive):
    """Means of windows that cover H and W; see functional.adaptive_avg_pool2d."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class _AdaptiveMax(_Adaptive):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest values in `output_size` windows that cover L; see functional.adaptive_max_pool1d."""

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest values in windows that cover H and W; see functional.adaptive_max_pool2d."""

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)
