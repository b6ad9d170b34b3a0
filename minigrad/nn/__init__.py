"""Neural networks: modules, layers, losses, initial values. PyTorch's torch.nn by name."""

from . import functional, init, utils
from . import activation, blocks, container, embedding, linear, loss, module, parameter
from .activation import *
from .blocks import *
from .container import *
from .embedding import *
from .linear import *
from .loss import *
from .module import *
from .parameter import *
from .summary import LayerSummary, Summary, summary  # by name: the function takes the place of its file

__all__ = [
    "LayerSummary", "Summary", "functional", "init", "summary", "utils",
    *activation.__all__,
    *blocks.__all__,
    *container.__all__,
    *embedding.__all__,
    *linear.__all__,
    *loss.__all__,
    *module.__all__,
    *parameter.__all__,
]
