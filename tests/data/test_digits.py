"""The handwritten digits: what is in them, how they are split, and that they can be learned."""
import sys

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.data import DataLoader, TensorDataset, digits
from minigrad.nn import functional as F

datasets = pytest.importorskip("sklearn.datasets")


def test_all_of_them():
    data = digits()
    pixels, labels = data.tensors
    theirs = datasets.load_digits()
    assert isinstance(data, TensorDataset) and len(data) == 1797
    assert pixels.shape == (1797, 64) and pixels.dtype == "float32"
    assert labels.shape == (1797,) and labels.dtype == "int64"
    np.testing.assert_array_equal(pixels.numpy() * 16, theirs.data)
    np.testing.assert_array_equal(labels.numpy(), theirs.target)
    assert (pixels.min().item(), pixels.max().item()) == (0.0, 1.0)
    np.testing.assert_array_equal(digits(scale=False).tensors[0].numpy(), theirs.data)


def test_the_split_is_stratified_and_leaves_none_out():
    train, test = digits("train"), digits("test")
    assert len(train) + len(test) == 1797
    everything = np.bincount(digits().tensors[1].numpy())
    in_test = np.bincount(test.tensors[1].numpy())
    assert in_test.tolist() == [round(0.2 * n) for n in everything]
    rows = [np.column_stack([t.numpy() for t in d.tensors]) for d in (train, test, digits())]
    both = np.concatenate(rows[:2])
    np.testing.assert_array_equal(both[np.lexsort(both.T)], rows[2][np.lexsort(rows[2].T)])


def test_the_seed_decides_the_split_and_nothing_else():
    minigrad.manual_seed(0)
    state = minigrad.default_generator.get_state()
    first = digits("test", seed=1).tensors[0].numpy()
    np.testing.assert_array_equal(digits("test", seed=1).tensors[0].numpy(), first)
    assert not np.array_equal(digits("test", seed=2).tensors[0].numpy(), first)
    assert minigrad.default_generator.get_state() == state


def test_what_users_change_is_theirs():
    data = digits()
    data.tensors[0].zero_(), data.tensors[1].zero_()
    assert digits().tensors[0].max().item() == 1.0 and digits().tensors[1].max().item() == 9


def test_bad_split_and_missing_scikit_learn(monkeypatch):
    with pytest.raises(ValueError, match="'validation'"):
        digits("validation")
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    digits.__globals__["_read"].cache_clear()
    with pytest.raises(ImportError, match=r"minigrad\[demo\]"):
        digits()


@pytest.mark.parametrize("batch_size", [16, 64])
def test_plain_sgd_learns_them(batch_size):
    """A hidden layer of 32, twelve passes (twenty for the larger batch), no optimizer but p -= lr * p.grad."""
    minigrad.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    loader = DataLoader(digits("train"), batch_size=batch_size, shuffle=True)
    for _ in range(12 if batch_size == 16 else 20):
        for pixels, labels in loader:
            model.zero_grad()
            F.cross_entropy(model(pixels), labels).backward()
            with minigrad.no_grad():
                for p in model.parameters():
                    p -= 0.3 * p.grad
    pixels, labels = digits("test").tensors
    with minigrad.no_grad():
        right = (model(pixels).argmax(dim=1) == labels).sum().item()
    assert right / len(labels) >= 0.93
