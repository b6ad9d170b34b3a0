"""Update rules. Each law is a text in kernels/; a class here names it and computes its scalars."""

from .adam import Adam, AdamW
from .adamax import Adamax
from .asgd import ASGD
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .saving import from_arrays, to_arrays
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "ASGD", "Optimizer", "from_arrays", "to_arrays"]
