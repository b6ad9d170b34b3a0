"""minigrad: reverse-mode autograd to read in an afternoon, and to see gradients vanish and explode with."""

from . import autograd, backend, cuda, nn, optim
from .autograd import enable_grad, grad, is_grad_enabled, no_grad, op, set_grad_enabled
from .backend import Device, writelog
from .backend.dtypes import (
    bool_, float16, float32, float64, get_default_dtype, int8, int16, int32, int64, promote_types, result_type,
    set_default_dtype, uint8,
)
from .backend.random import Generator, default_generator, manual_seed
from .creation import (
    arange, as_tensor, empty, empty_like, eye, from_numpy, full, full_like, linspace, ones, ones_like, rand, rand_like,
    randint, randn, randn_like, randperm, tensor, zeros, zeros_like,
)
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .ops import *  # noqa: F403
from .ops import __all__ as _ops
from .tensor import Tensor

__version__ = "0.1.0"

device = Device
double, half, long = float64, float16, int64
