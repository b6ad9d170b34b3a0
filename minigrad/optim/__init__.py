"""Update rules. Each law is a text in kernels/; a class here names it and computes its scalars.

Lookahead and SAM go around another rule; swa_utils averages weights. Of torch.optim only SparseAdam is missing: there
are no sparse gradients here.
"""

from . import lr_scheduler, swa_utils
from .adabelief import AdaBelief
from .adabound import AdaBound, AMSBound
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .adan import Adan
from .ademamix import AdEMAMix
from .adopt import ADOPT
from .aggmo import AggMo
from .asgd import ASGD
from .delta_bar_delta import DeltaBarDelta
from .individual_gains import IndividualGains
from .lamb import LAMB
from .lars import LARS
from .lbfgs import LBFGS
from .lion import Lion
from .lookahead import Lookahead
from .madgrad import MADGRAD
from .momentum_sgd import NAG, MomentumSGD
from .msvag import MSVAG
from .muon import Muon
from .nadam import NAdam
from .novograd import NovoGrad
from .optimizer import Optimizer
from .prodigy import Prodigy
from .quasi_hyperbolic import QHM, QHAdam
from .radam import RAdam
from .rmsprop import RMSprop, RMSpropGraves
from .rprop import IRpropPlus, Rprop, RpropMinus, RpropPlus
from .sam import SAM
from .saving import from_arrays, to_arrays
from .schedule_free import AdamWScheduleFree, SGDScheduleFree
from .sgd import SGD, CorrectedMomentumSGD
from .sgld import SGLD
from .signum import SignSGD, Signum
from .sm3 import SM3
from .smorms3 import SMORMS3
from .yogi import Yogi

__all__ = [
    # Founding.
    "SGD", "MomentumSGD", "NAG", "Adagrad", "Adadelta", "RMSprop", "RMSpropGraves", "Rprop", "RpropMinus",
    "RpropPlus", "IRpropPlus", "IndividualGains", "DeltaBarDelta", "Adam",
    # The rest of PyTorch's.
    "AdamW", "Adamax", "NAdam", "RAdam", "ASGD", "Adafactor", "Muon", "LBFGS",
    # Best known from Chainer.
    "AdaBound", "AMSBound", "SMORMS3", "MSVAG", "CorrectedMomentumSGD",
    # Best known from optax.
    "Lion", "Yogi", "AdaBelief", "Adan", "LAMB", "LARS", "NovoGrad", "SM3", "SignSGD", "Signum", "SGLD",
    # Their authors' own.
    "ADOPT", "AdEMAMix", "Prodigy", "MADGRAD", "QHM", "QHAdam", "AggMo", "SGDScheduleFree", "AdamWScheduleFree",
    # Around another rule.
    "Lookahead", "SAM",
    "Optimizer", "from_arrays", "lr_scheduler", "swa_utils", "to_arrays",
]  # fmt: skip
