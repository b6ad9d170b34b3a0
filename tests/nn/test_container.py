"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict."""
import copy
import pickle
from collections import OrderedDict

import numpy as np
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


# ----------------------------------------------------------------------------------------------------------- ModuleList


def numbers(modules):
    return [m.n for m in modules]


def listed():
    return nn.ModuleList([Add(1), Add(2), Add(3), Add(4)])


def test_a_module_list_is_a_list():
    modules = listed()
    assert numbers(modules) == [1, 2, 3, 4] and names(modules) == ["0", "1", "2", "3"] and len(modules) == 4
    assert modules[-1].n == 4 and modules[True].n == 2 and len(nn.ModuleList()) == 0
    part = modules[1:3]
    assert type(part) is nn.ModuleList and numbers(part) == [2, 3] and names(part) == ["0", "1"]
    assert numbers(modules[::-2]) == [4, 2] and part[0] is modules[1]
    modules[1] = Add(7)
    del modules[0]
    assert numbers(modules) == [7, 3, 4] and names(modules) == ["0", "1", "2"]
    modules.insert(1, Add(5))
    assert numbers(modules) == [7, 5, 3, 4]
    assert modules.append(Add(6)) is modules and modules.extend(m for m in [Add(8)]) is modules
    modules += [Add(9)]
    assert numbers(modules) == [7, 5, 3, 4, 6, 8, 9] and names(modules) == [str(i) for i in range(7)]
    assert modules.pop(-1).n == 9 and numbers(modules.pop(slice(0, 2))) == [7, 5] and numbers(modules) == [3, 4, 6, 8]
    joined = modules + [Add(0)]
    assert type(joined) is nn.ModuleList and numbers(joined) == [3, 4, 6, 8, 0] and len(modules) == 4
    del modules[1:]
    assert numbers(modules) == [3] and names(modules) == ["0"]


@pytest.mark.parametrize("use", [
    lambda s: s[4], lambda s: s[-5], lambda s: s.__setitem__(4, Add(0)), lambda s: s.__delitem__(4),
    lambda s: s.insert(5, Add(0)), lambda s: s.pop(9)])
def test_module_list_out_of_range(use):
    modules = listed()
    with pytest.raises(IndexError, match="out of range for a ModuleList of 4 modules"):
        use(modules)
    assert numbers(modules) == [1, 2, 3, 4]


@pytest.mark.parametrize("use", [
    lambda s: s.append(minigrad.tanh), lambda s: s.extend([Add(1), 3]), lambda s: s.insert(0, "a"), lambda s: s + [3],
    lambda s: s.__setitem__(0, minigrad.tanh), lambda s: nn.ModuleList([Add(1), 3]), lambda s: s["0"],
    lambda s: s.extend(3)])
def test_module_list_takes_modules_only(use):
    modules = listed()
    with pytest.raises(TypeError):
        use(modules)
    assert numbers(modules) == [1, 2, 3, 4]


def test_a_module_list_is_not_called():
    with pytest.raises(NotImplementedError, match="ModuleList has no forward"):
        listed()(minigrad.ones(1))


def both(torch, make):
    return make(nn, minigrad), make(torch.nn, torch)


@pytest.mark.parametrize("make", [
    lambda n, m: n.ModuleList(), lambda n, m: n.ModuleList([n.Linear(2, 3)]),
    lambda n, m: n.ModuleList([n.Linear(2, 2), n.Linear(2, 2), n.Linear(2, 2), n.ReLU(), n.Linear(2, 2)]),
    lambda n, m: n.Sequential(n.ModuleList([n.Sequential(n.Linear(2, 2), n.Tanh()) for _ in range(3)]), n.ReLU()),
    lambda n, m: n.ModuleDict(), lambda n, m: n.ModuleDict({"b": n.Linear(2, 3), "a": n.ModuleList([n.ReLU()] * 2)}),
    lambda n, m: n.ParameterList(), lambda n, m: n.ParameterList([m.ones(2, 3)]),
    lambda n, m: n.ParameterList([m.ones(2, 3), n.Parameter(m.ones(4)), "text", m.ones(())]),
    lambda n, m: n.ModuleDict({"list": n.ParameterList([m.ones(2, 3)] * 2), "dict": n.ParameterDict({"b": 3, "a": 4})}),
])
def test_they_read_and_save_like_pytorchs(torch, make):
    ours, theirs = both(torch, make)
    assert repr(ours) == repr(theirs).replace("torch.float32", "float32")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]


def test_parameter_dicts_read_almost_like_pytorchs():
    """Which says torch.FloatTensor for the dtype."""
    ours = repr(nn.ParameterDict({"a": minigrad.ones(2, 3), "b": 3}))
    assert ours == ("ParameterDict(\n    (a): Parameter containing: [float32 of size 2x3]\n"
                    "    (b): Object of type: int\n)")


def test_gpus_are_named(cuda):
    text = repr(nn.ParameterList([minigrad.ones(2, device=cuda)]))
    assert text == "ParameterList(  (0): Parameter containing: [float32 of size 2 (cuda:0)])"


# ----------------------------------------------------------------------------------------------------------- ModuleDict


def test_a_module_dict_is_a_dictionary():
    modules = nn.ModuleDict({"b": Add(1), "a": Add(2)})
    assert list(modules) == list(modules.keys()) == names(modules) == ["b", "a"] and len(modules) == 2
    assert numbers(modules.values()) == [1, 2] and [(k, m.n) for k, m in modules.items()] == [("b", 1), ("a", 2)]
    assert modules["a"].n == 2 and modules.a is modules["a"] and "a" in modules and "c" not in modules
    modules["b"] = Add(5)
    modules["c"] = Add(6)
    assert list(modules) == ["b", "a", "c"] and modules["b"].n == 5
    modules.update([("d", Add(7)), ["a", Add(8)]])
    modules.update(nn.ModuleDict({"e": Add(9)}))
    modules.update(OrderedDict(f=Add(0)))
    assert [(k, m.n) for k, m in modules.items()] == [("b", 5), ("a", 8), ("c", 6), ("d", 7), ("e", 9), ("f", 0)]
    assert modules.pop("a").n == 8 and "a" not in modules and not hasattr(modules, "a")
    del modules["c"]
    assert list(modules) == ["b", "d", "e", "f"] and list(nn.ModuleDict([("x", Add(1))])) == ["x"]
    modules.clear()
    assert len(modules) == 0 and not names(modules)


@pytest.mark.parametrize(("use", "error", "message"), [
    (lambda d: d["z"], KeyError, "z"), (lambda d: d.pop("z"), KeyError, "z"),
    (lambda d: d.__delitem__("z"), KeyError, "z"), (lambda d: d["training"], KeyError, "training"),
    (lambda d: d.__delitem__("training"), KeyError, "training"),
    (lambda d: d.__setitem__("c", 3), TypeError, "ModuleDict takes Modules, not int"),
    (lambda d: d.__setitem__("c.d", Add(1)), KeyError, "dot"), (lambda d: d.__setitem__("", Add(1)), KeyError, "empty"),
    (lambda d: d.__setitem__(3, Add(1)), TypeError, "must be a string, not 3"),
    (lambda d: d.__setitem__("keys", Add(1)), KeyError, "'keys' already"),
    (lambda d: d.update({"a": Add(9), "c": 3}), TypeError, "under 'c'"), (lambda d: d.update(3), TypeError, "not int"),
    (lambda d: d.update([("a", Add(9)), 3]), TypeError, "element 1 is a int"),
    (lambda d: d.update([("a", Add(9)), ("c",)]), ValueError, "element 1 has length 1"),
])
def test_module_dict_refuses_and_keeps_what_it_has(use, error, message):
    modules = nn.ModuleDict({"a": Add(1)})
    with pytest.raises(error, match=message):
        use(modules)
    assert [(k, m.n) for k, m in modules.items()] == [("a", 1)] and modules.training is True


# ---------------------------------------------------------------------------------------- ParameterList, ParameterDict


def test_a_parameter_list_is_a_list():
    first, second = minigrad.ones(2), nn.Parameter(minigrad.zeros(3))
    values = nn.ParameterList([first, second])
    assert type(values[0]) is nn.Parameter and values[0].array is first.array and values[1] is second
    assert list(values.state_dict()) == ["0", "1"] and [p.shape for p in values] == [(2,), (3,)]
    assert values.append("text") is values and values.extend([minigrad.ones(4)]) is values
    values += (minigrad.ones(5),)
    assert len(values) == 5 and values[2] == "text" and values[-1].shape == (5,)
    assert [name for name, _ in values.named_parameters()] == ["0", "1", "3", "4"]
    values[-1] = minigrad.zeros(6)
    assert type(values[4]) is nn.Parameter and values[4].shape == (6,)
    part = values[1::2]
    assert type(part) is nn.ParameterList and part[0] is second and part[1] is values[3] and len(part) == 2
    assert len(nn.ParameterList()) == 0


@pytest.mark.parametrize(("use", "error", "message"), [
    (lambda v: v[2], IndexError, "out of range for a ParameterList of 2"), (lambda v: v[-3], IndexError, "index -3"),
    (lambda v: v.__setitem__(2, minigrad.ones(1)), IndexError, "index 2"), (lambda v: v["0"], TypeError, "str"),
    (lambda v: v.append(minigrad.tensor([1])), TypeError, "int64"), (lambda v: v.extend(3), TypeError, "int"),
    (lambda v: v.extend(minigrad.ones(2, 2)), TypeError, "Tensor"),
    (lambda v: v.extend([minigrad.ones(1), minigrad.tensor([1])]), TypeError, "int64"),
    (lambda v: v.__setitem__(0, "text"), TypeError, "Parameter"),
    (lambda v: v(minigrad.ones(1)), RuntimeError, "a ParameterList cannot be called"),
])
def test_parameter_list_refuses_and_keeps_what_it_has(use, error, message):
    values = nn.ParameterList([minigrad.ones(2), minigrad.ones(3)])
    with pytest.raises(error, match=message):
        use(values)
    assert [p.shape for p in values] == [(2,), (3,)] and list(values.state_dict()) == ["0", "1"]


def test_a_parameter_dict_is_a_dictionary(torch):
    ours, theirs = both(torch, lambda n, m: n.ParameterDict({"b": m.ones(2), "a": n.Parameter(m.ones(3))}))
    assert list(ours) == list(theirs) == ["a", "b"]  # a plain dict's keys are sorted
    for values, m, n in ((ours, minigrad, nn), (theirs, torch, torch.nn)):
        assert type(values["b"]) is n.Parameter and values.b is values["b"] and "b" in values and "c" not in values
        values["d"] = m.ones(4)
        values.update([("c", m.ones(5)), ("b", m.ones(6))])
        values.update(OrderedDict(z=m.ones(7), y="text"))
        assert list(values) == list(values.keys()) == ["a", "b", "d", "c", "z", "y"] == list(reversed(list(
            reversed(values))))
        assert [k for k, _ in values.items()] == list(values) and list(values.values())[-1] == "text"
        assert list(values.state_dict()) == ["a", "b", "d", "c", "z"] and len(values) == 6
        assert values.get("q") is None and values.get("q", 3) == 3 and values.get("y") == "text"
        assert values.setdefault("y", 4) == "text" and values.setdefault("x", m.ones(8)).shape == (8,)
        assert values.popitem()[1].shape == (8,) and values.pop("y") == "text" and not hasattr(values, "y")
        del values["z"]
        other = values.copy()
        assert type(other) is n.ParameterDict and other["a"] is values["a"] and list(other) == ["a", "b", "d", "c"]
        joined = values | n.ParameterDict({"a": m.ones(9), "e": m.ones(1)})
        assert list(joined) == ["a", "b", "d", "c", "e"] and joined["a"].shape == (9,) and values["a"].shape == (3,)
        values |= {"f": m.ones(1)}
        assert list(values)[-1] == "f" and list({"g": 1} | values)[0] == "g"
        made = values.fromkeys(["q", "p"], m.ones(2))
        assert list(made) == ["q", "p"] and made["q"].shape == (2,)
        values.clear()
        assert len(values) == 0 and list(values.state_dict()) == []


@pytest.mark.parametrize(("use", "error", "message"), [
    (lambda v: v["z"], KeyError, "z"), (lambda v: v.pop("z"), KeyError, "z"), (lambda v: v["training"], KeyError, "tr"),
    (lambda v: v.__delitem__("z"), KeyError, "z"), (lambda v: nn.ParameterDict().popitem(), KeyError, "empty"),
    (lambda v: v.__setitem__("b", minigrad.tensor([1])), TypeError, "int64"),
    (lambda v: v.update(OrderedDict(a=minigrad.ones(9), c=minigrad.tensor([1]))), TypeError, "int64"),
    (lambda v: v.__setitem__("b.c", minigrad.ones(1)), KeyError, "dot"),
    (lambda v: v.__setitem__(3, minigrad.ones(1)), TypeError, "string, not 3"),
    (lambda v: v.__setitem__("items", minigrad.ones(1)), KeyError, "'items' already"),
    (lambda v: v.update(3), TypeError, "not int"), (lambda v: v.update([3]), TypeError, "element 0 is a int"),
    (lambda v: v.update([("a", 1, 2)]), ValueError, "length 3"),
    (lambda v: v(1), RuntimeError, "a ParameterDict cannot be called"),
])
def test_parameter_dict_refuses_and_keeps_what_it_has(use, error, message):
    values = nn.ParameterDict({"a": minigrad.ones(2)})
    with pytest.raises(error, match=message):
        use(values)
    assert [(k, p.shape) for k, p in values.items()] == [("a", (2,))] and list(values.state_dict()) == ["a"]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_hold_copies(copied):
    made = nn.Sequential()
    made.add_module("list", nn.ModuleList([nn.Linear(2, 2), nn.PReLU()]))
    made.add_module("dict", nn.ModuleDict({"a": nn.Linear(1, 1)}))
    made.add_module("values", nn.ParameterList([minigrad.ones(2)]))
    made.add_module("named", nn.ParameterDict({"x": minigrad.ones(1), "y": 3}))
    other = copied(made)
    assert repr(other) == repr(made) and list(other.state_dict()) == list(made.state_dict())
    for p, q in zip(made.parameters(), other.parameters(), strict=True):
        assert p is not q and not np.shares_memory(p.array, q.array) and p.tolist() == q.tolist()
    assert other.named["y"] == 3 and other.values[0].requires_grad


def test_parameters_in_them_are_learned():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(2)])
            self.scales = nn.ParameterDict({"a": minigrad.ones(2)})

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x * self.scales["a"]

    net = Net().double()
    net(minigrad.ones(3, 2, dtype="float64")).sum().backward()
    assert all(p.grad is not None and p.dtype == "float64" for p in net.parameters())
    assert list(net.state_dict()) == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "scales.a"]
