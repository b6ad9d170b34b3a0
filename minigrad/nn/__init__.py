"""Neural networks: modules, layers, losses, initial values. PyTorch's torch.nn by name."""

from . import functional, init, utils
from .activation import (
    ELU, GELU, LeakyReLU, LogSigmoid, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh,
)
from .container import Sequential
from .linear import Flatten, Identity, Linear
from .loss import CrossEntropyLoss, MSELoss, NLLLoss
from .module import Activation, Layer, Module
from .parameter import Parameter

__all__ = [
    "Activation", "CrossEntropyLoss", "ELU", "Flatten", "GELU", "Identity", "Layer", "LeakyReLU", "Linear",
    "LogSigmoid", "LogSoftmax", "MSELoss", "Module", "NLLLoss", "Parameter", "ReLU", "Sequential", "SiLU",
    "Sigmoid", "Softmax", "Softplus", "Tanh", "functional", "init", "utils",
]  # fmt: skip
