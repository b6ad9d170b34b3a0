"""Sequential."""
from collections import OrderedDict

import pytest

import minigrad
from minigrad import nn


class Add(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = n

    def forward(self, x):
        return x * 10 + self.n


def digits_of(sequential):
    """Which modules were called, in order."""
    return int(sequential(minigrad.tensor([0.0])).item())


def four():
    return nn.Sequential(Add(1), Add(2), Add(3), Add(4))


def names(sequential):
    return [name for name, _ in sequential.named_children()]


def test_it_calls_in_order_and_numbers():
    sequential = four()
    assert digits_of(sequential) == 1234 and names(sequential) == ["0", "1", "2", "3"] and len(sequential) == 4
    assert [m.n for m in sequential] == [1, 2, 3, 4]
    assert getattr(sequential, "2") is sequential[2]
    x = minigrad.ones(1)
    assert nn.Sequential()(x) is x


def test_names_of_ones_own():
    sequential = nn.Sequential(OrderedDict([("low", Add(1)), ("high", Add(2))]))
    assert sequential.low is sequential[0] and names(sequential) == ["low", "high"] and digits_of(sequential) == 12
    assert names(nn.Sequential({"only": nn.Linear(1, 1)})) == ["only"]
    assert list(nn.Sequential({"only": nn.Linear(1, 1)}).state_dict()) == ["only.weight", "only.bias"]


def test_indexing_and_slicing():
    sequential = four()
    assert sequential[-1].n == 4 and sequential[True].n == 2
    part = sequential[1:3]
    assert type(part) is nn.Sequential and digits_of(part) == 23 and names(part) == ["1", "2"]
    assert part[0] is sequential[1] and digits_of(sequential[::-2]) == 42 and len(sequential[4:]) == 0


def test_changing():
    sequential = four()
    sequential[1] = Add(7)
    sequential[-1] = Add(8)
    assert digits_of(sequential) == 1738 and names(sequential) == ["0", "1", "2", "3"]
    del sequential[0]
    assert digits_of(sequential) == 738 and names(sequential) == ["0", "1", "2"]
    del sequential[1:]
    assert digits_of(sequential) == 7
    assert sequential.append(Add(5)) is sequential
    assert sequential.extend([Add(6), Add(9)]) is sequential and digits_of(sequential) == 7569
    assert sequential.insert(1, Add(2)) is sequential and digits_of(sequential) == 72569
    assert sequential.insert(-1, Add(3)) is sequential and digits_of(sequential) == 725639
    assert sequential.pop(0).n == 7 and digits_of(sequential) == 25639
    assert names(sequential) == ["0", "1", "2", "3", "4"]


def test_a_module_may_come_twice():
    add = Add(1)
    assert digits_of(nn.Sequential(add, add)) == 11
    layer = nn.Linear(1, 1)
    assert len(list(nn.Sequential(layer, layer).parameters())) == 2


@pytest.mark.parametrize("use", [
    lambda s: s[4], lambda s: s[-5], lambda s: s.__setitem__(4, Add(0)), lambda s: s.__delitem__(4),
    lambda s: s.insert(5, Add(0)), lambda s: s.pop(9)])
def test_out_of_range(use):
    sequential = four()
    with pytest.raises(IndexError, match="out of range for a Sequential of 4 modules"):
        use(sequential)
    assert digits_of(sequential) == 1234


@pytest.mark.parametrize("use", [
    lambda s: s.append(minigrad.tanh), lambda s: s.extend([Add(1), 3]), lambda s: s.insert(0, "a"),
    lambda s: s.__setitem__(0, minigrad.tanh), lambda s: nn.Sequential(Add(1), minigrad.tanh),
    lambda s: nn.Sequential({"a": 3}), lambda s: s["0"]])
def test_what_is_no_module_or_no_index(use):
    sequential = four()
    with pytest.raises(TypeError):
        use(sequential)
    assert digits_of(sequential) == 1234
