"""Parameter: a leaf that modules list."""
import copy
import pickle

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn


def test_it_is_a_leaf_on_the_same_memory():
    data = minigrad.tensor([1.0, 2.0])
    p = nn.Parameter(data)
    assert isinstance(p, Tensor) and p.requires_grad and p.is_leaf
    data[0] = 5.0
    assert p.tolist() == [5.0, 2.0]


def test_without_gradients():
    p = nn.Parameter(minigrad.tensor([1, 2]), requires_grad=False)
    assert not p.requires_grad and p.dtype == minigrad.int64


def test_of_a_computed_tensor_it_forgets_the_history():
    x = minigrad.ones(2, requires_grad=True)
    p = nn.Parameter(x * 3)
    assert p.is_leaf and p.tolist() == [3.0, 3.0]


def test_results_are_plain_tensors():
    p = nn.Parameter(minigrad.ones(2))
    for result in (p * 2, p.detach(), p.data, p[0], minigrad.exp(p)):
        assert type(result) is not nn.Parameter and isinstance(result, Tensor)
    (p * p).sum().backward()
    assert p.grad.tolist() == [2.0, 2.0] and type(p.grad) is Tensor


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_are_parameters_on_memory_of_their_own(copied):
    p = nn.Parameter(minigrad.tensor([1.0, 2.0]))
    twin = copied(p)
    assert type(twin) is nn.Parameter and twin.requires_grad
    with minigrad.no_grad():
        twin.zero_()
    assert p.tolist() == [1.0, 2.0]


def test_repr_names_it():
    assert repr(nn.Parameter(minigrad.zeros(1))).startswith("Parameter containing:\ntensor([0.]")


@pytest.mark.parametrize("data", [[1.0], np.ones(2), 3.0, None])
def test_only_tensors_are_taken(data):
    with pytest.raises(TypeError, match="Parameter takes a Tensor, not " + type(data).__name__):
        nn.Parameter(data)


def test_integers_cannot_learn():
    with pytest.raises(TypeError, match="int64"):
        nn.Parameter(minigrad.tensor([1, 2]))
