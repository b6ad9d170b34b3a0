"""Every op can be had where PyTorch and NumPy have it: as a method, and under NumPy's ufunc of that name."""
import numpy as np
import pytest

import minigrad
from minigrad import ops
from minigrad.numpy_forms import UFUNCS

# As in PyTorch: of several tensors, of torch.nn.functional, or spelt otherwise, as x[...] and x.to(device).
NO_METHODS = {"cat", "concatenate", "stack", "linear", "one_hot", "pad", "getitem", "to_device"}


@pytest.mark.parametrize("name", sorted(set(ops.__all__) - NO_METHODS))
def test_every_op_is_a_method(name):
    assert callable(getattr(minigrad.Tensor, name))


def test_the_exceptions_are_no_methods():
    assert {name for name in ops.__all__ if not hasattr(minigrad.Tensor, name)} == NO_METHODS


@pytest.mark.parametrize("name", [name for name in ops.__all__ if isinstance(getattr(np, name, None), np.ufunc)])
def test_every_ufunc_of_an_ops_name_means_that_op(name):
    assert UFUNCS[getattr(np, name)] is getattr(ops, name)


def test_there_are_many_such_ufuncs():
    assert sum(isinstance(getattr(np, name, None), np.ufunc) for name in ops.__all__) > 30
