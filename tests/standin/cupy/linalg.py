"""`cupy.linalg`, as far as it is used: the norms."""

from ._functions import norm

__all__ = ["norm"]
