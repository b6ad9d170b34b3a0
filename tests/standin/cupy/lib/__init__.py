"""`cupy.lib`, as far as it is used."""

from . import stride_tricks

__all__ = ["stride_tricks"]
