"""The fixtures of the tests of minigrad.nn that these share."""
from tests.nn.conftest import cuda

__all__ = ["cuda"]
