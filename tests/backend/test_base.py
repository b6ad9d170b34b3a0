"""Registering a backend of one's own, as backend/base.py tells."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend
from minigrad.backend import base


class Toy(np.ndarray):
    """Arrays of another make: NumPy's, with a class of their own that also 0-d results keep."""

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return array.view(Toy)


def toy(function):
    return lambda *args, **options: function(*args, **options).view(Toy)


class ToyBackend:
    device_type = "toy"
    array_type = Toy
    xp = SimpleNamespace(zeros=toy(np.zeros), full=toy(np.full), arange=toy(np.arange), asarray=toy(np.asarray))
    amax, amin = staticmethod(np.maximum.reduce), staticmethod(np.minimum.reduce)
    all, any = staticmethod(np.logical_and.reduce), staticmethod(np.logical_or.reduce)

    def device_of(self, array):
        return mg.device("toy", 0)

    def resolve(self, device):
        if device.index not in (None, 0):
            raise RuntimeError(f"there is one toy, not {device}")
        return mg.device("toy", 0)

    def on(self, device):
        return nullcontext()

    def from_host(self, array, device):
        return np.array(array).view(Toy)

    def to_host(self, array):
        return np.array(array).view(np.ndarray)

    def move(self, array, device):
        return array.copy()

    def scatter_add(self, target, index, values):
        np.add.at(target, index, values)

    def memory(self, array):
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        return owner, *np.lib.array_utils.byte_bounds(array)

    def require(self, ok, error):
        if not ok.all():
            raise error()

    def synchronize(self, device=None):
        pass


@pytest.fixture
def toys():
    yield backend.register(ToyBackend())
    backend.unregister("toy")


def test_ops_run_and_differentiate(toys):
    values = np.random.default_rng(0).standard_normal((3, 4))
    found = []
    for device in ("cpu", "toy"):
        x = mg.tensor(values, device=device, requires_grad=True)
        w = mg.tensor(values.T.copy(), device=device, requires_grad=True)
        y = (x @ w).softmax(1)[:, [0, 2]].amax(0) * mg.ones(2, dtype=mg.float64, device=device)
        y = y + (x.reshape(4, 3)[1:] * 2).mean(0)[:2] + x.max(1).values.sum()
        total = (y * y).sum().log()
        assert all(t.device.type == device for t in (x, y, total)) and total.array.__class__ is x.array.__class__
        total.backward()
        assert x.grad.device == x.device
        found.append([total.item(), x.grad.tolist(), w.grad.tolist()])
    for a, b in zip(*found):
        np.testing.assert_allclose(b, a, rtol=1e-12)


def test_creation_moving_and_changing(toys):
    x = mg.zeros(2, 3, device="toy")
    x[0] = 5
    x[1].add_(mg.ones(3, device="toy"))
    assert x.tolist() == [[5] * 3, [1] * 3] and repr(x).endswith("device=toy:0)")
    assert mg.arange(3, device="toy").tolist() == [0, 1, 2] and mg.randn(2, device="toy").device == mg.device("toy:0")
    y = x.requires_grad_().to("cpu")
    assert y.device == mg.device("cpu") and type(y.array) is np.ndarray
    (y * 2).sum().backward()
    assert x.grad.device == mg.device("toy:0") and x.grad.tolist() == [[2] * 3] * 2
    with pytest.raises(RuntimeError, match="mul: operands are on different devices.*toy:0"):
        x * mg.ones(3)


def test_a_changed_value_is_told(toys):
    w = mg.ones(3, device="toy", requires_grad=True)
    x = mg.ones(3, device="toy")
    y = w * x
    x[0] = 2
    with pytest.raises(RuntimeError, match="gradient of mul.*changed in place"):
        y.sum().backward()


def test_unknown_and_forgotten_devices(toys):
    with pytest.raises(RuntimeError, match="no backend for device 'other'; known device types: cpu, cuda, toy"):
        mg.ones(2, device="other")
    with pytest.raises(RuntimeError, match="one toy"):
        mg.ones(2, device="toy:1")
    x = mg.ones(2, device="toy")
    backend.unregister("toy")
    backend.unregister("toy")
    with pytest.raises(RuntimeError, match="no backend for device 'toy'"):
        mg.ones(2, device="toy")
    with pytest.raises(TypeError, match="Toy is not an array of a registered backend"):
        x.device


def test_a_backend_may_be_loaded_when_first_asked_for():
    loads = []
    backend.register_lazily("toy", lambda: loads.append(1) or ToyBackend())
    try:
        assert loads == []
        mg.ones(2, device="toy"), mg.ones(2, device="toy")
        assert loads == [1]
    finally:
        backend.unregister("toy")
        base._loaders.pop("toy")
