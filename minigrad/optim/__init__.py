"""Update rules. Each law is a text in kernels/; a class here names it and computes its scalars.

Lookahead and SAM go around another rule; swa_utils averages weights. Of torch.optim only SparseAdam is missing: there
are no sparse gradients here.
"""

from . import lr_scheduler, swa_utils
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .asgd import ASGD
from .delta_bar_delta import DeltaBarDelta
from .individual_gains import IndividualGains
from .lbfgs import LBFGS
from .lookahead import Lookahead
from .momentum_sgd import NAG, MomentumSGD
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop, RMSpropGraves
from .rprop import IRpropPlus, Rprop, RpropMinus, RpropPlus
from .sam import SAM
from .saving import from_arrays, to_arrays
from .sgd import SGD

__all__ = [
    "SGD", "MomentumSGD", "NAG", "Adagrad", "Adadelta", "RMSprop", "RMSpropGraves", "Rprop", "RpropMinus",
    "RpropPlus", "IRpropPlus", "IndividualGains", "DeltaBarDelta", "Adam", "AdamW", "Adamax", "NAdam", "RAdam",
    "ASGD", "Adafactor", "Muon", "LBFGS", "Lookahead", "SAM", "Optimizer", "from_arrays", "lr_scheduler", "swa_utils",
    "to_arrays",
]  # fmt: skip
