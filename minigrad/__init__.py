"""minigrad: reverse-mode autograd to read in an afternoon, and to see gradients vanish and explode with."""

from typing import TYPE_CHECKING

from . import autograd, backend, cuda, kernels, ops
from .autograd import grad
from .backend import Device
from .backend.dtypes import (
    bool_, float16, float32, float64, get_default_dtype, int8, int16, int32, int64, promote_types, result_type,
    set_default_dtype, uint8,
)
from .backend.random import Generator, default_generator, manual_seed
from .creation import (
    arange, as_tensor, empty, empty_like, eye, from_numpy, full, full_like, linspace, ones, ones_like, rand, rand_like,
    randint, randn, randn_like, randperm, tensor, zeros, zeros_like,
)
from .dispatch import op
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .gradmode import debug, enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .ops import *  # noqa: F403
from .tensor import Tensor

if TYPE_CHECKING:
    from . import data, nn, optim

__version__ = "0.1.0"

device = Device
half, double, short, long = float16, float64, int16, int64
float, int, bool = float32, int32, bool_  # PyTorch's names

__all__ = [
    "Device", "Function", "Generator", "Tensor", "arange", "as_tensor", "autograd", "backend", "bool_", "cuda",
    "data", "debug", "default_generator", "device", "double", "empty", "empty_like", "enable_grad", "eye", "float16",
    "float32", "float64", "from_numpy", "full", "full_like", "get_default_dtype", "grad", "gradcheck", "gradgradcheck",
    "half", "int8", "int16", "int32", "int64", "is_grad_enabled", "kernels", "linspace", "long", "manual_seed", "nn",
    "no_grad", "ones", "ones_like", "op", "ops", "optim", "promote_types", "rand", "rand_like", "randint", "randn",
    "randn_like", "randperm", "result_type", "set_default_dtype", "set_grad_enabled", "short", "tensor", "uint8",
    "zeros", "zeros_like",
]
__all__ += ops.__all__

_WHEN_ASKED_FOR = ("data", "nn", "optim")  # they are a third of the time that an import would take


def __getattr__(name: str) -> object:
    if name not in _WHEN_ASKED_FOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    from importlib import import_module

    return import_module(f".{name}", __name__)


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHEN_ASKED_FOR})
