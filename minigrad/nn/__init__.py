"""Neural networks: modules, layers, losses, initial values. PyTorch's torch.nn by name."""

from . import functional, init, utils
from . import (
    activation, attention, blocks, container, convolution, dropout, embedding, linear, loss, module, normalization,
    ohem, parameter, pooling, recurrent, recurrent_cells, summaries, transformer, upsampling,
)  # fmt: skip
from .activation import *
from .attention import *
from .blocks import *
from .container import *
from .convolution import *
from .dropout import *
from .embedding import *
from .linear import *
from .loss import *
from .module import *
from .normalization import *
from .ohem import *
from .parameter import *
from .pooling import *
from .recurrent import *
from .recurrent_cells import *
from .summaries import *
from .transformer import *
from .upsampling import *

__all__ = [
    "functional", "init", "utils",
    *activation.__all__,
    *attention.__all__,
    *blocks.__all__,
    *container.__all__,
    *convolution.__all__,
    *dropout.__all__,
    *embedding.__all__,
    *linear.__all__,
    *loss.__all__,
    *module.__all__,
    *normalization.__all__,
    *ohem.__all__,
    *parameter.__all__,
    *pooling.__all__,
    *recurrent.__all__,
    *recurrent_cells.__all__,
    *summaries.__all__,
    *transformer.__all__,
    *upsampling.__all__,
]
