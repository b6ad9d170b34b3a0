"""`cupyx.scipy.special`: the error functions."""

from ...cupy._special import SPECIAL

erf = SPECIAL["erf"]
erfc = SPECIAL["erfc"]

__all__ = ["erf", "erfc"]
