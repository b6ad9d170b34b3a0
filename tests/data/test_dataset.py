"""Datasets, subsets and splits."""
import numpy as np
import pytest

import minigrad
from minigrad.data import Dataset, Subset, TensorDataset, random_split


class Squares(Dataset):
    """0, 1, 4, ... as a tensor, with its root."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return minigrad.tensor([float(i * i)]), i


def pairs(n=6):
    return TensorDataset(minigrad.arange(2 * n).reshape(n, 2), minigrad.arange(n) * 10)


def test_tensor_dataset_gives_rows():
    data = pairs()
    x, y = data[2]
    assert len(data) == 6 and x.tolist() == [4, 5] and y.item() == 20
    assert [t.tolist() for t in data[-1]] == [[10, 11], 50]
    assert [t.tolist() for t in data[1:3]] == [[[2, 3], [4, 5]], [10, 20]]
    with pytest.raises(IndexError):
        data[6]


@pytest.mark.parametrize("indices", [[4, 0, 4], np.array([4, 0, 4]), (4, 0, 4)])
def test_a_batch_is_a_copy_in_the_order_asked_for(indices):
    data = pairs()
    x, y = data.batch(indices)
    assert x.tolist() == [[8, 9], [0, 1], [8, 9]] and y.tolist() == [40, 0, 40]
    x.zero_()
    assert data.tensors[0][4].tolist() == [8, 9]


def test_a_batch_of_nothing_has_no_rows():
    x, y = pairs().batch([])
    assert x.shape == (0, 2) and y.shape == (0,) and x.dtype == "int64"


def test_a_batch_of_tensors_that_learn_carries_gradients():
    table = minigrad.zeros(3, 2, requires_grad=True)
    x, = TensorDataset(table).batch([2, 2, 0])
    x.sum().backward()
    assert table.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]


def test_a_dataset_of_ones_own_is_collated():
    x, i = Squares(5).batch([3, 1])
    assert x.tolist() == [[9.0], [1.0]] and i.tolist() == [3, 1]


def test_subset():
    part = Subset(pairs(), [5, 1, 3])
    assert len(part) == 3 and part[0][1].item() == 50
    assert part.batch([2, 0])[1].tolist() == [30, 50]
    assert Subset(part, [1, 2]).batch([1, 0])[1].tolist() == [30, 10]
    assert Subset(Squares(9), [8, 4]).batch([0, 1])[0].tolist() == [[64.0], [16.0]]
    assert Subset([7, 8, 9], [2, 0]).batch([0, 1]).tolist() == [9, 7]


@pytest.mark.parametrize(("lengths", "expected"), [
    ([6, 4], [6, 4]), ([10], [10]), ([0, 10], [0, 10]), ([0.8, 0.2], [8, 2]), ([1 / 3, 1 / 3, 1 / 3], [4, 3, 3]),
    ([0.25, 0.75], [3, 7]), ([0.7, 0.2, 0.1], [7, 2, 1])])
def test_random_split_covers_everything_once(torch, lengths, expected):
    parts = random_split(Squares(10), lengths, generator=minigrad.Generator(1))
    assert [len(p) for p in parts] == expected
    assert [len(p) for p in torch.utils.data.random_split(range(10), lengths)] == expected
    assert sorted(i for p in parts for i in p.indices) == list(range(10))


def test_random_split_repeats_with_its_generator():
    def indices(seed):
        return [p.indices for p in random_split(range(20), [12, 8], generator=minigrad.Generator(seed))]

    assert indices(1) == indices(1) != indices(2)
    minigrad.manual_seed(1)
    assert [p.indices for p in random_split(range(20), [12, 8])] == indices(1)


@pytest.mark.parametrize(("lengths", "message"), [
    ([6, 5], "sum to 11, the dataset has 10"), ([0.5, 0.2], "fractions that sum to 1"), ([-1, 11], "negative"),
    ([], "sum to 0, the dataset has 10")])
def test_random_split_refuses(lengths, message):
    with pytest.raises(ValueError, match=message):
        random_split(Squares(10), lengths)


def test_tensor_dataset_refuses():
    for tensors, error, message in (
        ((), ValueError, "at least one"), ((minigrad.ones(2), np.ones(2)), TypeError, "argument 1 is a ndarray"),
        ((minigrad.ones(2, 3), minigrad.ones(3)), ValueError, r"\[\(2, 3\), \(3,\)\]"),
        ((minigrad.ones(()),), ValueError, r"\[\(\)\]"),
    ):
        with pytest.raises(error, match=message):
            TensorDataset(*tensors)


def test_a_dataset_must_say_what_it_holds():
    with pytest.raises(NotImplementedError, match=r"Dataset has no __getitem__\(\)"):
        Dataset()[0]
    with pytest.raises(NotImplementedError, match=r"Dataset has no __len__\(\)"):
        len(Dataset())
