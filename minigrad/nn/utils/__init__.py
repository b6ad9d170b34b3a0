"""Clipping gradients, and parameters as one vector. PyTorch's torch.nn.utils by name."""

from . import clip, vectors
from .clip import *
from .vectors import *

__all__ = [*clip.__all__, *vectors.__all__]
