"""Update rules. Each law is a text in kernels/; a class here names it and computes its scalars."""

from .adam import Adam
from .optimizer import Optimizer
from .saving import from_arrays, to_arrays
from .sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "from_arrays", "to_arrays"]
