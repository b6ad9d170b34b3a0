"""`cupyx`: the deprecated scatters (write `cupy.add.at`), and scipy's special functions."""

from . import scipy

__all__ = ["scatter_add", "scatter_max", "scatter_min", "scipy"]


def scatter_add(a, slices, value):
    a.scatter_add(slices, value)


def scatter_max(a, slices, value):
    a.scatter_max(slices, value)


def scatter_min(a, slices, value):
    a.scatter_min(slices, value)
