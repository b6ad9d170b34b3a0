"""Clipping gradients, parameters as one vector, and parameters that are computed. PyTorch's torch.nn.utils by name."""

from . import clip, parametrizations, parametrize, vectors
from .clip import *
from .vectors import *

__all__ = ["parametrizations", "parametrize", *clip.__all__, *vectors.__all__]
