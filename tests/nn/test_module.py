"""Module: what it registers, lists, saves, loads, converts, copies and prints."""
import copy
import gc
import io
import pickle
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn


class Block(nn.Module):
    """Everything a module can hold."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(minigrad.ones(3))
        self.register_buffer("count", minigrad.zeros(2))
        self.register_buffer("scratch", minigrad.ones(1), persistent=False)
        self.register_parameter("absent", None)
        self.inner = nn.Linear(3, 2)
        self.note = "plain"

    def forward(self, x):
        return self.inner(x * self.scale)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Block()
        self.last = nn.Sequential(nn.Linear(2, 2), nn.Tanh())

    def forward(self, x):
        return self.last(self.first(x))


NET_KEYS = ["first.scale", "first.count", "first.inner.weight", "first.inner.bias", "last.0.weight", "last.0.bias"]


def values_of(module):
    return {key: value.numpy().copy() for key, value in module.state_dict().items()}


def assert_same_values(module, expected):
    found = values_of(module)
    assert list(found) == list(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)


# --------------------------------------------------------------------------------------------------- registration


def test_assigning_registers():
    block = Block()
    assert [name for name, _ in block.named_parameters()] == ["scale", "inner.weight", "inner.bias"]
    assert [name for name, _ in block.named_buffers()] == ["count", "scratch"]
    assert list(block.named_children()) == [("inner", block.inner)]
    assert block.absent is None and block.note == "plain"


def test_parameters_are_found_where_attributes_are():
    block = Block()
    assert block.__dict__["scale"] is block.scale
    assert {"scale", "count", "inner"} <= set(dir(block))


def test_a_parameter_takes_the_place_of_anything():
    block = Block()
    for name in ("note", "count", "inner", "absent"):
        setattr(block, name, nn.Parameter(minigrad.zeros(1)))
    assert [name for name, _ in block.named_parameters()] == ["scale", "absent", "note", "count", "inner"]
    assert list(block.children()) == [] and [name for name, _ in block.named_buffers()] == ["scratch"]


def test_none_keeps_the_place():
    block = Block()
    block.inner = None
    block.scale = None
    block.count = None
    assert list(block.parameters()) == [] and list(block.children()) == []
    assert list(block.state_dict()) == []
    block.inner = nn.Linear(1, 1)
    block.scale = nn.Parameter(minigrad.ones(2))
    assert list(block.state_dict()) == ["scale", "inner.weight", "inner.bias"]


def test_a_tensor_assigned_to_a_buffer_stays_a_buffer():
    block = Block()
    block.count = minigrad.ones(2)
    assert dict(block.named_buffers())["count"].tolist() == [1.0, 1.0]
    block.another = minigrad.ones(2)
    assert "another" not in dict(block.named_buffers())


def test_deleting_unregisters():
    block = Block()
    del block.scale, block.count, block.inner, block.note
    assert list(block.state_dict()) == []
    for name in ("scale", "count", "inner", "note"):
        assert not hasattr(block, name)
    with pytest.raises(AttributeError, match="scale"):
        del block.scale


@pytest.mark.parametrize(("name", "value", "message"), [
    ("scale", minigrad.ones(3), "parameter 'scale' takes a Parameter or None, not Tensor"),
    ("scale", 1.0, "parameter 'scale' takes a Parameter or None, not float"),
    ("inner", 1.0, "module 'inner' takes a Module or None, not float"),
    ("count", 1.0, "buffer 'count' takes a Tensor or None, not float"),
])
def test_a_registered_name_takes_only_its_kind(name, value, message):
    block = Block()
    before = getattr(block, name)
    with pytest.raises(TypeError, match=message):
        setattr(block, name, value)
    assert getattr(block, name) is before


@pytest.mark.parametrize(("register", "value", "what"), [
    ("register_parameter", nn.Parameter(minigrad.zeros(1)), "parameter"),
    ("register_buffer", minigrad.zeros(1), "buffer"),
    ("add_module", nn.Tanh(), "module"),
])
def test_names_that_cannot_be(register, value, what):
    block = Block()
    for name in ("", "a.b"):
        with pytest.raises(KeyError, match=f"cannot name a {what}"):
            getattr(block, register)(name, value)
    for name in ("note", "forward", "training"):
        with pytest.raises(KeyError, match=f"attribute '{name}' already"):
            getattr(block, register)(name, value)
    with pytest.raises(TypeError, match="string"):
        getattr(block, register)(3, value)
    with pytest.raises(TypeError, match="not str"):
        getattr(block, register)("fresh", "text")
    assert list(block.state_dict()) == ["scale", "count", "inner.weight", "inner.bias"] and block.note == "plain"


def test_a_parameter_cannot_hide_a_method():
    block = Block()
    block.__dict__["forward"] = "mine"
    with pytest.raises(KeyError, match="defines 'forward' itself"):
        block.forward = nn.Parameter(minigrad.zeros(1))
    assert block.__dict__["forward"] == "mine"


class Forgetful(nn.Module):
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize("make", [lambda: nn.Parameter(minigrad.zeros(1)), nn.Tanh])
def test_forgetting_super_init_is_told(make):
    with pytest.raises(AttributeError, match=r"Forgetful.__init__\(\) must call super\(\).__init__\(\)"):
        Forgetful(make())
    with pytest.raises(AttributeError, match="did not call super"):
        Forgetful(3).other  # noqa: B018


def test_unknown_attributes_and_missing_forward_are_told():
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'wieght'"):
        nn.Linear(1, 1).wieght  # noqa: B018
    with pytest.raises(NotImplementedError, match=r"Module has no forward\(\)"):
        nn.Module()(1)


# -------------------------------------------------------------------------------------------------------- listing


def test_walks_over_modules():
    net = Net()
    assert [path for path, _ in net.named_modules()] == ["", "first", "first.inner", "last", "last.0", "last.1"]
    assert [path for path, _ in net.named_modules(prefix="net")][:2] == ["net", "net.first"]
    assert list(net.modules()) == [net, net.first, net.first.inner, net.last, net.last[0], net.last[1]]
    assert [name for name, _ in net.named_parameters(recurse=False)] == []
    assert [name for name, _ in net.first.named_parameters(prefix="b", recurse=False)] == ["b.scale"]
    assert [b.shape for b in net.buffers()] == [(2,), (1,)]


def test_what_is_shared_is_listed_once():
    net = Net()
    net.again = net.last
    net.first.inner.weight = net.last[0].weight
    names = [name for name, _ in net.named_parameters()]
    assert names == ["first.scale", "first.inner.weight", "first.inner.bias", "last.0.bias"]
    every = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert every == [*names[:3], "last.0.weight", "last.0.bias", "again.0.weight", "again.0.bias"]
    assert list(net.children()) == [net.first, net.last]
    assert "again.0.weight" in net.state_dict()


def test_by_path():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("last.1") is net.last[1]
    assert net.get_parameter("first.inner.bias") is net.first.inner.bias
    assert net.get_buffer("first.count") is net.first.count
    for get, path in ((net.get_submodule, "first.nowhere"), (net.get_submodule, "first.scale"),
                      (net.get_parameter, "first.count"), (net.get_buffer, "first.scale")):
        with pytest.raises(AttributeError, match=path):
            get(path)
    with pytest.raises(AttributeError, match="Net has no module 'a'"):
        net.get_parameter("a.b")


def test_apply_goes_from_the_inside_out():
    net, seen = Net(), []
    assert net.apply(seen.append) is net
    assert seen == [net.first.inner, net.first, net.last[0], net.last[1], net.last, net]


# ---------------------------------------------------------------------------------------------- saving and loading


def test_state_dict_is_ordered_detached_and_on_the_same_memory():
    net = Net()
    state = net.state_dict()
    assert list(state) == NET_KEYS and isinstance(state, OrderedDict)
    assert all(type(v) is Tensor and not v.requires_grad for v in state.values())
    state["first.scale"].fill_(7.0)
    assert net.first.scale.tolist() == [7.0] * 3
    assert net.state_dict(keep_vars=True)["first.scale"] is net.first.scale
    assert list(net.first.state_dict(prefix="p."))[0] == "p.scale"
    into = {}
    assert net.state_dict(destination=into) is into and list(into) == NET_KEYS


def test_loading_writes_into_the_same_memory():
    source, net = Net(), Net()
    for v in source.state_dict().values():
        v.copy_(minigrad.randn(*v.shape))
    arrays = {key: v.array for key, v in net.state_dict(keep_vars=True).items()}
    result = net.load_state_dict(source.state_dict())
    assert result == ([], []) and repr(result) == "<All keys matched successfully>"
    for key, v in net.state_dict(keep_vars=True).items():
        assert v.array is arrays[key]
        np.testing.assert_array_equal(v.array, source.state_dict()[key].array)
        assert not np.shares_memory(v.array, source.state_dict()[key].array)
    assert net.first.scale.requires_grad and net.first.scale.is_leaf


def test_through_a_file_of_numpy():
    source, net, file = Net(), Net(), io.BytesIO()
    np.savez(file, **{key: value.numpy() for key, value in source.state_dict().items()})
    file.seek(0)
    with np.load(file, allow_pickle=False) as saved:
        net.load_state_dict(dict(saved))
    assert_same_values(net, values_of(source))


def test_loading_casts_to_the_dtype_at_hand():
    net = nn.Linear(2, 1)
    net.load_state_dict({"weight": np.array([[1.5, 2.5]]), "bias": minigrad.tensor([3])})
    assert net.weight.dtype == minigrad.float32 and net.weight.tolist() == [[1.5, 2.5]] and net.bias.tolist() == [3.0]


def test_every_fault_is_listed_and_nothing_loaded():
    net = Net()
    before = values_of(net)
    state = dict(Net().state_dict())
    del state["first.scale"], state["last.0.bias"]
    state |= {"first.inner.weight": minigrad.ones(3, 2), "stray": minigrad.ones(1), "other": 3,
              "last.0.weight": [[1.0]], "first.count": np.ones(2, dtype=complex)}
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    assert "load_state_dict for Net, nothing was loaded" in text
    for fault in ("missing: 'first.scale', 'last.0.bias'", "unexpected: 'stray', 'other'",
                  "'first.inner.weight' has shape (3, 2), expected (2, 3)",
                  "'last.0.weight' is a list, not a tensor or an array",
                  "'first.count' has dtype complex128, which is not supported"):
        assert fault in text
    assert_same_values(net, before)


def test_not_strict_loads_what_fits_and_reports_the_rest():
    net = Net()
    before = values_of(net)
    result = net.load_state_dict({"first.scale": minigrad.full((3,), 9.0), "stray": minigrad.ones(1)}, strict=False)
    assert result.missing_keys == NET_KEYS[1:] and result.unexpected_keys == ["stray"]
    assert "stray" in repr(result)
    assert_same_values(net, before | {"first.scale": np.full(3, 9.0, np.float32)})
    with pytest.raises(RuntimeError, match=r"'first.scale' has shape \(2,\), expected \(3,\)"):
        net.load_state_dict({"first.scale": minigrad.ones(2), "first.count": minigrad.ones(2)}, strict=False)
    assert net.first.count.tolist() == [0.0, 0.0]


def test_loading_refuses_what_is_no_mapping_and_read_only_places():
    net = nn.Linear(1, 1)
    with pytest.raises(TypeError, match="takes a mapping of names to tensors, not list"):
        net.load_state_dict([1])
    fixed = np.ones((1,), np.float32)
    fixed.flags.writeable = False
    net.bias.set_array(fixed)
    weight = net.weight.tolist()
    with pytest.raises(RuntimeError, match="'bias' cannot be written"):
        net.load_state_dict({"weight": minigrad.full((1, 1), 3.0), "bias": minigrad.zeros(1)})
    assert net.weight.tolist() == weight


def test_a_graph_notices_that_loading_overwrote_what_it_needs():
    net = nn.Linear(2, 2)
    x = minigrad.ones(1, 2, requires_grad=True)
    y = net(x).sum()
    net.load_state_dict(nn.Linear(2, 2).state_dict())
    with pytest.raises(RuntimeError, match="linear"):
        y.backward()


# ---------------------------------------------------------------------------------------- modes, gradients, dtypes


def test_train_and_eval_reach_everything():
    net = Net()
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())
    with pytest.raises(ValueError, match="'yes'"):
        net.train("yes")


def test_requires_grad_and_zero_grad():
    net = Net()
    net(minigrad.ones(1, 3)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(p.grad.tolist() == minigrad.zeros(*p.shape).tolist() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(False) is net and not net(minigrad.ones(1, 3)).requires_grad
    net.requires_grad_()
    assert all(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize(("convert", "dtype"), [
    (lambda m: m.double(), "float64"), (lambda m: m.half(), "float16"), (lambda m: m.to("float64"), "float64"),
    (lambda m: m.to(minigrad.float64), "float64"), (lambda m: m.to(dtype=float), "float64"),
    (lambda m: m.to(minigrad.ones(1, dtype="float64")), "float64"), (lambda m: m.double().float(), "float32"),
    (lambda m: m.to("cpu", minigrad.float64), "float64"), (lambda m: m.to(device="cpu"), "float32"),
    (lambda m: m.cpu(), "float32"),
])
def test_conversion_keeps_parameters_and_takes_gradients_along(convert, dtype):
    minigrad.manual_seed(0)  # of some weights halves lose more in a difference than what is forgiven below
    net = Net()
    net.register_buffer("steps", minigrad.tensor(3))
    net(minigrad.ones(1, 3)).sum().backward()
    parameters, gradient = list(net.parameters()), net.first.scale.grad.numpy().copy()
    assert convert(net) is net
    assert [id(p) for p in net.parameters()] == [id(p) for p in parameters]
    assert all(p.dtype == dtype and p.grad.dtype == dtype and p.requires_grad for p in parameters)
    np.testing.assert_allclose(net.first.scale.grad.numpy(), gradient, rtol=1e-3)
    assert net.first.count.dtype == dtype and net.first.scratch.dtype == dtype
    assert net.steps.dtype == "int64"
    net(minigrad.ones(1, 3, dtype=dtype)).sum().backward()
    np.testing.assert_allclose(net.first.scale.grad.numpy(), 2 * gradient, rtol=1e-2)


def test_to_a_gpu_and_back(cuda):
    net, x = Net(), minigrad.ones(2, 3)
    net(x).sum().backward()
    before, y = values_of(net), net(x).tolist()
    parameters, gradient = list(net.parameters()), net.first.scale.grad.tolist()
    assert net.cuda() is net
    assert [id(p) for p in net.parameters()] == [id(p) for p in parameters]
    assert all(t.device.type == "cuda" for p in parameters for t in (p, p.grad)) and net.first.count.is_cuda
    np.testing.assert_allclose(net(x.to(cuda)).tolist(), y, rtol=1e-6)
    with pytest.raises(RuntimeError, match="different devices"):
        net(x)
    net.load_state_dict({key: value * 2 for key, value in before.items()})
    np.testing.assert_array_equal(net.first.inner.weight.detach().cpu().numpy(), 2 * before["first.inner.weight"])
    assert net.cpu().first.scale.grad.tolist() == gradient
    assert all(t.device.type == "cpu" for t in (*net.parameters(), *net.buffers()))
    net(x).sum().backward()


def test_one_seed_gives_the_same_weights_on_every_device(cuda):
    minigrad.manual_seed(5)
    here = nn.Linear(3, 2)
    minigrad.manual_seed(5)
    there = nn.Linear(3, 2, device=cuda)
    assert there.weight.is_cuda and there.weight.tolist() == here.weight.tolist()
    assert there.bias.tolist() == here.bias.tolist()


def test_conversion_keeps_sharing():
    net = Net()
    net.tied = net.first.scale
    net.register_buffer("same", net.first.count)
    net.double()
    assert net.tied is net.first.scale and net.same is net.first.count and net.same.dtype == "float64"


def test_conversion_refuses_and_changes_nothing():
    net = Net()
    with pytest.raises(TypeError, match="floating-point dtype only, not to int64"):
        net.to(minigrad.int64)
    with pytest.raises(RuntimeError, match="no backend for device 'tpu'"):
        net.to("tpu")
    with pytest.raises(RuntimeError, match="tpu"):
        net.to("tpu", minigrad.float64)
    assert {p.dtype for p in net.parameters()} == {minigrad.float32}


# ------------------------------------------------------------------------------------------------- copies, memory


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_apart_and_shared_stays_shared(copied):
    net = Net()
    net.tied = net.first.scale
    net(minigrad.ones(1, 3)).sum().backward()
    before = values_of(net)
    twin = copied(net)
    assert_same_values(twin, before)
    assert twin.tied is twin.first.scale and twin.tied is not net.tied
    assert twin.first.inner is not net.first.inner and type(twin.last) is nn.Sequential
    with minigrad.no_grad():
        for p in twin.parameters():
            p.zero_()
    assert_same_values(net, before)
    twin.extra = nn.Linear(1, 1)
    assert "extra" not in dict(net.named_children())
    assert (twin(minigrad.ones(1, 3)) == 0).all()


def test_deepcopy_takes_gradients_along():
    net = nn.Linear(2, 1)
    net(minigrad.ones(1, 2)).sum().backward()
    assert copy.deepcopy(net).weight.grad.tolist() == [[1.0, 1.0]]


def test_a_module_dies_without_the_garbage_collector():
    gc.disable()
    try:
        net = Net()
        net(minigrad.ones(1, 3)).sum().backward()
        alive = weakref.ref(net)
        del net
        assert alive() is None
    finally:
        gc.enable()


# ----------------------------------------------------------------------------------------------------------- repr


STACK = """
lib.Sequential(
    lib.Linear(4, 3), lib.Tanh(), lib.Sigmoid(), lib.LogSigmoid(), lib.Softplus(), lib.Softplus(2.0, 10.0), lib.ReLU(),
    lib.ReLU(inplace=True), lib.LeakyReLU(), lib.LeakyReLU(0.2, inplace=True), lib.ELU(), lib.ELU(0.5, inplace=True),
    lib.GELU(), lib.GELU("tanh"), lib.SiLU(), lib.SiLU(inplace=True), lib.Softmax(dim=1), lib.LogSoftmax(dim=-1),
    lib.Flatten(), lib.Flatten(0, 2), lib.Identity(3), lib.Linear(3, 2, bias=False), lib.Sequential(),
    lib.Sequential(lib.Sequential(lib.Tanh())), lib.NLLLoss(), lib.CrossEntropyLoss(), lib.MSELoss())
"""


def test_repr_reads_like_pytorchs(torch):
    assert repr(eval(STACK, {"lib": nn})) == repr(eval(STACK, {"lib": torch.nn}))


def test_repr_of_ones_own():
    class Odd(nn.Module):
        def extra_repr(self):
            return "a=1\nb=2"

    odd = Odd()
    odd.child = nn.Tanh()
    odd.gone = nn.Tanh()
    odd.gone = None
    assert repr(odd) == "Odd(\n  a=1\n  b=2\n  (child): Tanh()\n  (gone): None\n)"
