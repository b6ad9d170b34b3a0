"""Layers that normalise: each is its function of minigrad.nn.functional, with weight, bias and statistics kept."""

from __future__ import annotations

from typing import Any, Sequence

from .. import creation
from ..backend import dtypes
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.checks import check_count, check_number, check_writable
from .module import Layer
from .parameter import Parameter

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "LayerNorm", "RMSNorm",
]  # fmt: skip


class _Affine(Layer):
    """A scale and a shift that start as one and zero, or None."""

    weight: Parameter | None
    bias: Parameter | None

    def _register(self, shape: tuple[int, ...], weight: bool, bias: bool, place: dict[str, Any]) -> None:
        for name, wanted in (("weight", weight), ("bias", bias)):
            self.register_parameter(name, Parameter(creation.empty(*shape, **place)) if wanted else None)

    def reset_parameters(self) -> None:
        """Weight one, bias zero."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class _Channelwise(_Affine):
    """Normalisation of channels that may keep running statistics."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _takes: dict[int, str]  # numbers of dimensions that it takes, and how they are called

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool,
        device: Any, dtype: Any, bias: bool,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.num_features = num_features = check_count(name, "num_features", num_features, 1)
        self.eps = check_number(name, "eps", eps, 0)
        self.momentum = None if momentum is None else check_number(name, "momentum", momentum)
        self.affine = affine
        self.track_running_stats = track_running_stats
        place = {"device": device, "dtype": dtype}
        self._register((num_features,), affine, affine and bias, place)
        kept = track_running_stats
        self.register_buffer("running_mean", creation.zeros(num_features, **place) if kept else None)
        self.register_buffer("running_var", creation.ones(num_features, **place) if kept else None)
        count = creation.zeros((), dtype=dtypes.int64, device=device) if kept else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Mean 0 and variance 1, of no batch."""
        for buffer, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
            if buffer is not None:
                buffer.fill_(value)

    def reset_parameters(self) -> None:
        """Weight one, bias zero, and no statistics yet."""
        super().reset_parameters()
        self.reset_running_stats()

    def _check_input(self, input: Tensor) -> None:
        name, forms = type(self).__name__, " or ".join(self._takes.values())
        if not isinstance(input, Tensor):
            raise TypeError(f"{name} takes a Tensor, not {type(input).__name__}; make one with minigrad.tensor")
        if input.ndim not in self._takes:
            raise ValueError(f"{name} takes inputs {forms}, not of shape {input.shape}")
        channels = input.shape[1 if "N" in self._takes[input.ndim] else 0]
        if channels != self.num_features:
            wanted = self.num_features
            raise ValueError(f"{name}: an input of shape {input.shape} has {channels} channels, not {wanted}")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Channelwise):
    """In training the batch's own statistics are used, else, if they are kept, the running ones."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input(input)
        own = self.training or self.running_mean is None
        moves = self.training and self.running_mean is not None
        if own and input.numel() // max(input.shape[1], 1) < 2:
            raise ValueError(
                f"{type(self).__name__}: it needs more than one value a channel for their variance, got an input of "
                f"shape {input.shape}: take a larger batch, or eval() after training"
            )
        if moves and self.num_batches_tracked is not None:
            check_writable(type(self).__name__, "num_batches_tracked", self.num_batches_tracked)
        y = F.batch_norm(
            input, self.running_mean if moves or not own else None, self.running_var if moves or not own else None,
            self.weight, self.bias, own, self._factor() if moves else 0.0, self.eps,
        )
        if moves and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return y

    def _factor(self) -> float:
        """How far the running statistics move; with momentum None they are the mean over all batches."""
        if self.momentum is not None:
            return self.momentum
        return 1 / (int(self.num_batches_tracked.item()) + 1)  # type: ignore[union-attr]


class BatchNorm1d(_BatchNorm):
    """Each channel of (N, C) or (N, C, L) normalised over the batch; see functional.batch_norm.

    State: weight and bias (C,), running_mean and running_var (C,), num_batches_tracked. momentum: how far the running
    statistics move at each batch, None for their mean over all batches.
    Raises ValueError for other shapes, and in training for one value a channel; then no statistics have changed.
    Ioffe and Szegedy 2015, algorithms 1 and 2.
    """

    _takes = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(_BatchNorm):
    """Each channel of (N, C, H, W) normalised over the batch and its pixels; see BatchNorm1d."""

    _takes = {4: "(N, C, H, W)"}


class _InstanceNorm(_Channelwise):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input(input)
        alone = "N" not in self._takes[input.ndim]
        own = self.training or not self.track_running_stats
        x = input.unsqueeze(0) if alone else input
        y = F.instance_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, own, self.momentum or 0.0, self.eps
        )
        return y.squeeze(0) if alone else y


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each example of (N, C, L) or (C, L) normalised by itself; see functional.instance_norm.

    Raises ValueError for other shapes, or for L = 1. Ulyanov, Vedaldi and Lempitsky 2016.
    """

    _takes = {2: "(C, L)", 3: "(N, C, L)"}


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each image of (N, C, H, W) or (C, H, W) normalised by itself; see InstanceNorm1d."""

    _takes = {3: "(C, H, W)", 4: "(N, C, H, W)"}


def _shape_of(name: str, normalized_shape: Any) -> tuple[int, ...]:
    sizes = normalized_shape if hasattr(normalized_shape, "__len__") and normalized_shape != "" else (normalized_shape,)
    shape = tuple(check_count(name, "normalized_shape", n, 1) for n in sizes)
    if not shape:
        raise ValueError(f"{name}: normalized_shape must hold sizes from 1, not {normalized_shape!r}")
    return shape


class LayerNorm(_Affine):
    """The last dimensions of each example normalised together; see functional.layer_norm. Ba, Kiros and Hinton 2016.

    weight and bias have shape normalized_shape. Raises ValueError for an input that does not end in it.
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape_of("LayerNorm", normalized_shape)
        self.eps = check_number("LayerNorm", "eps", eps, 0)
        self.elementwise_affine = elementwise_affine
        place = {"device": device, "dtype": dtype}
        self._register(self.normalized_shape, elementwise_affine, elementwise_affine and bias, place)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        text = f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        return f"{text}, bias={self.bias is not None}"


class RMSNorm(_Affine):
    """The last dimensions of each example over their root mean square; see functional.rms_norm.

    weight has shape normalized_shape. Raises ValueError for an input that does not end in it. Zhang and Sennrich 2019.
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape_of("RMSNorm", normalized_shape)
        self.eps = None if eps is None else check_number("RMSNorm", "eps", eps, 0)
        self.elementwise_affine = elementwise_affine
        shape = self.normalized_shape if elementwise_affine else None
        place = {"device": device, "dtype": dtype}
        self.register_parameter("weight", None if shape is None else Parameter(creation.empty(*shape, **place)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight one."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """Groups of channels of each example of (N, C, ...) normalised together; see functional.group_norm. Wu and He 2018.

    weight and bias (num_channels,). Raises ValueError unless num_groups divides num_channels, and for other channels.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_groups = num_groups = check_count("GroupNorm", "num_groups", num_groups, 1)
        self.num_channels = num_channels = check_count("GroupNorm", "num_channels", num_channels, 1)
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_groups={num_groups} does not divide num_channels={num_channels}")
        self.eps = check_number("GroupNorm", "eps", eps, 0)
        self.affine = affine
        self._register((num_channels,), affine, affine and bias, {"device": device, "dtype": dtype})
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        if isinstance(input, Tensor) and (input.ndim < 2 or input.shape[1] != self.num_channels):
            raise ValueError(f"GroupNorm: an input of shape {input.shape} is not (N, {self.num_channels}, ...)")
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        text = f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
        return f"{text}, bias={self.bias is not None}"
