"""What the modules compute, as functions: PyTorch's torch.nn.functional by name. Checks come first, then an op.

Arguments called `inplace` are taken so that code carries over, and change nothing but the memory used in PyTorch: here
the result is always a new tensor.
"""

from . import (
    activations, attention, class_losses, convolutions, dropouts, linear_maps, losses, margin_losses, normalizations,
    ohem, pooling, resizing, shapes,
)  # fmt: skip
from .activations import *
from .attention import *
from .class_losses import *
from .convolutions import *
from .dropouts import *
from .linear_maps import *
from .losses import *
from .margin_losses import *
from .normalizations import *
from .ohem import *
from .pooling import *
from .resizing import *
from .shapes import *

__all__ = [
    *activations.__all__,
    *attention.__all__,
    *class_losses.__all__,
    *convolutions.__all__,
    *dropouts.__all__,
    *linear_maps.__all__,
    *losses.__all__,
    *margin_losses.__all__,
    *normalizations.__all__,
    *ohem.__all__,
    *pooling.__all__,
    *resizing.__all__,
    *shapes.__all__,
]
