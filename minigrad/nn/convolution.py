"""Convolutional layers: each is its function of minigrad.nn.functional, with its weight, bias and options kept."""

from __future__ import annotations

import math
from typing import Any, Sequence

from .. import creation
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.checks import check_count
from .functional.convolutions import pairs_of, transposed_sizes
from .functional.spatial import IntOrInts, batched, sizes_of
from .module import Layer
from .parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]

_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


class _Convolution(Layer):
    """Weight and bias start from the uniform distribution on (-1/sqrt(fan_in), 1/sqrt(fan_in))."""

    weight: Parameter
    bias: Parameter | None
    _dims: int

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: IntOrInts, stride: IntOrInts, padding: Any,
        dilation: IntOrInts, groups: int, bias: bool, padding_mode: str, device: Any, dtype: Any, transposed: bool,
    ) -> None:
        super().__init__()
        name, dims = type(self).__name__, self._dims
        in_channels = check_count(name, "in_channels", in_channels, 1)
        out_channels = check_count(name, "out_channels", out_channels, 1)
        groups = check_count(name, "groups", groups, 1)
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{name}: groups={groups} must divide {in_channels} and {out_channels}, the channels")
        if padding_mode not in _MODES:
            raise ValueError(f"{name}: padding_mode must be one of {list(_MODES)}, not {padding_mode!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = sizes_of(name, "kernel_size", kernel_size, dims, 1)
        self.stride = sizes_of(name, "stride", stride, dims, 1)
        self.dilation = sizes_of(name, "dilation", dilation, dims, 1)
        self.padding = padding if isinstance(padding, str) else sizes_of(name, "padding", padding, dims, 0)
        pairs_of(name, padding, self.kernel_size, self.stride, self.dilation)
        self.groups = groups
        self.padding_mode = padding_mode
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(creation.empty(first, second // groups, *self.kernel_size, **place))
        self.register_parameter("bias", Parameter(creation.empty(out_channels, **place)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # gain sqrt(1/3) makes the bound 1/sqrt(fan_in)
        if self.bias is not None:
            bound = 1 / math.sqrt(init.fan_in_and_fan_out(self.weight)[0])
            init.uniform_(self.bias, -bound, bound)

    def _check_channels(self, input: Tensor) -> None:
        x, _ = batched(type(self).__name__, input, self._dims)
        if x.shape[1] != self.in_channels:
            raise ValueError(
                f"{type(self).__name__}: an input of shape {input.shape} has {x.shape[1]} channels, but the layer "
                f"takes {self.in_channels} (its weight has shape {self.weight.shape})"
            )

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        ones, zeros = (1,) * self._dims, (0,) * self._dims
        if self.padding != zeros:
            text += f", padding={self.padding}"
        if self.dilation != ones:
            text += f", dilation={self.dilation}"
        if getattr(self, "output_padding", zeros) != zeros:
            text += f", output_padding={getattr(self, 'output_padding')}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


class _Conv(_Convolution):
    _function: Any

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: IntOrInts, stride: IntOrInts = 1,
        padding: IntOrInts | str = 0, dilation: IntOrInts = 1, groups: int = 1, bias: bool = True,
        padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device,
            dtype, transposed=False,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        self._check_channels(input)
        padding = self.padding
        if self.padding_mode != "zeros":
            pairs = pairs_of(type(self).__name__, padding, self.kernel_size, self.stride, self.dilation)
            input = F.pad(input, [n for pair in reversed(pairs) for n in pair], _MODES[self.padding_mode])
            padding = 0
        convolve = type(self)._function
        return convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Conv):
    """Convolution along one dimension, (N, C, L) or (C, L) to (N, O, L'); see functional.conv1d.

    weight (out_channels, in_channels / groups, kernel_size), bias (out_channels,). padding_mode: what stands outside,
    "zeros", or the input's own pixels by "reflect", "replicate" or "circular".
    Raises ValueError for sizes below 1 or groups that do not divide the channels, and in forward for other channels.
    """

    _dims, _function = 1, F.conv1d


class Conv2d(_Conv):
    """Convolution of images, (N, C, H, W) or (C, H, W) to (N, O, H', W'); see functional.conv2d and Conv1d.

    weight (out_channels, in_channels / groups, height, width), bias (out_channels,). Options may be (h, w).
    """

    _dims, _function = 2, F.conv2d


class _ConvTranspose(_Convolution):
    _function: Any

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: IntOrInts, stride: IntOrInts = 1,
        padding: IntOrInts = 0, output_padding: IntOrInts = 0, groups: int = 1, bias: bool = True,
        dilation: IntOrInts = 1, padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ) -> None:
        name = type(self).__name__
        if padding_mode != "zeros":
            raise ValueError(f"{name}: padding_mode must be 'zeros', not {padding_mode!r}")
        if isinstance(padding, str):
            raise ValueError(f"{name}: padding must be a number, not {padding!r}")
        extra = sizes_of(name, "output_padding", output_padding, self._dims, 0)
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device,
            dtype, transposed=True,
        )  # fmt: skip
        self.output_padding = extra

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """output_size: which of the possible sizes comes out, in place of output_padding."""
        self._check_channels(input)
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        transposed = type(self)._function
        return transposed(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        if len(output_size) not in (self._dims, input.ndim):
            raise ValueError(
                f"{type(self).__name__}: output_size {tuple(output_size)} needs {self._dims} sizes, or {input.ndim} "
                f"for an input of shape {input.shape}"
            )
        wanted = tuple(output_size)[-self._dims :]
        none = (0,) * self._dims
        least = transposed_sizes(
            input.shape[-self._dims :], self.kernel_size, self.stride, self.padding, none, self.dilation
        )
        if any(not m <= n < m + s for m, n, s in zip(least, wanted, self.stride)):
            most = tuple(m + s - 1 for m, s in zip(least, self.stride))
            raise ValueError(
                f"{type(self).__name__}: output_size {tuple(output_size)} is not possible for an input of shape "
                f"{input.shape}: from {least} to {most}"
            )
        return tuple(n - m for m, n in zip(least, wanted))


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution, (N, C, L) or (C, L) to (N, O, L'); see functional.conv_transpose1d.

    weight (in_channels, out_channels / groups, kernel_size), bias (out_channels,).
    Raises ValueError for sizes below 1 or groups that do not divide the channels, and in forward for other channels.
    """

    _dims, _function = 1, F.conv_transpose1d


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of images, (N, C, H, W) or (C, H, W); see ConvTranspose1d. Options may be (h, w)."""

    _dims, _function = 2, F.conv_transpose2d
