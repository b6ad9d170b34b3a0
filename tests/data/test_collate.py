"""One batch of many examples."""
from collections import namedtuple

import numpy as np
import pytest

import minigrad
from minigrad import Tensor
from minigrad.data import collate

Point = namedtuple("Point", "x label")


@pytest.mark.parametrize(("examples", "dtype", "values"), [
    ([minigrad.tensor([1.0]), minigrad.tensor([2.0])], "float32", [[1.0], [2.0]]),
    ([np.float32(1), np.float32(2)], "float32", [1.0, 2.0]),
    ([np.array([1, 2], np.int32), np.array([3, 4], np.int32)], "int32", [[1, 2], [3, 4]]),
    ([1, 2], "int64", [1, 2]), ([True, False], "bool", [True, False]), ([1.5, 2.5], "float64", [1.5, 2.5]),
])
def test_leaves_become_tensors(torch, examples, dtype, values):
    batch = collate(examples)
    assert type(batch) is Tensor and batch.dtype == dtype and batch.tolist() == values
    examples = [torch.tensor(e.numpy()) if isinstance(e, Tensor) else e for e in examples]
    theirs = torch.utils.data.default_collate(examples)
    assert str(theirs.dtype) == f"torch.{dtype}" and theirs.tolist() == values


def test_structure_is_kept():
    batch = collate([({"a": 1, "b": [2.0, "x"]}, Point(1, 2)), ({"a": 3, "b": [4.0, "y"]}, Point(3, 4))])
    assert type(batch) is tuple and type(batch[0]) is dict and type(batch[0]["b"]) is list
    assert batch[0]["a"].tolist() == [1, 3]
    assert batch[0]["b"][0].tolist() == [2.0, 4.0] and batch[0]["b"][1] == ["x", "y"]
    assert type(batch[1]) is Point and batch[1].label.tolist() == [2, 4]


@pytest.mark.parametrize(("examples", "error", "message"), [
    ([], ValueError, "at least one example"), ([(1, 2), (1,)], ValueError, r"equally many fields, got \[1, 2\]"),
    ([minigrad.ones(1), minigrad.ones(2)], ValueError, r"stack.*\(1,\).*\(2,\)"),
    ([np.ones(1), np.ones(2)], ValueError, "same shape"),
    ([None, None], TypeError, "NoneType make no batch; give the DataLoader a collate_fn"),
])
def test_what_makes_no_batch(examples, error, message):
    with pytest.raises(error, match=message):
        collate(examples)
