"""Where there is no GPU, or no CuPy: clear answers. (With one: tests/backend/test_cupy_backend.py.)"""

import subprocess
import sys

import pytest

import minigrad as mg
from minigrad import backend


@pytest.fixture
def no_cupy(monkeypatch):
    backend.unregister("cuda")
    monkeypatch.setitem(sys.modules, "cupy", None)  # makes `import cupy` raise ImportError
    monkeypatch.delitem(sys.modules, "minigrad.backend.cupy_backend", raising=False)
    yield
    backend.unregister("cuda")
    sys.modules.pop("minigrad.backend.cupy_backend", None)


def test_without_cupy(no_cupy):
    assert mg.cuda.is_available() is False and mg.cuda.device_count() == 0
    for ask in (
        lambda: mg.ones(2, device="cuda"),
        lambda: mg.ones(2).cuda(),
        lambda: mg.ones(2).to("cuda:0"),
        mg.cuda.synchronize,
        mg.cuda.current_device,
    ):
        with pytest.raises(ImportError, match=r"needs CuPy.*minigrad\[cuda1"):
            ask()
    assert mg.ones(2).sum().item() == 2


@pytest.fixture
def no_device(monkeypatch):
    cupy = pytest.importorskip("cupy")
    backend.unregister("cuda")
    monkeypatch.delitem(sys.modules, "minigrad.backend.cupy_backend", raising=False)
    monkeypatch.setattr(cupy.cuda.runtime, "getDeviceCount", lambda: 0)
    yield
    backend.unregister("cuda")
    sys.modules.pop("minigrad.backend.cupy_backend", None)


def test_without_a_device(no_device):
    assert mg.cuda.is_available() is False and mg.cuda.device_count() == 0
    for ask in (
        lambda: mg.ones(2, device="cuda"),
        lambda: mg.ones(2).cuda(),
        lambda: mg.tensor([1.0], device="cuda:1"),
    ):
        with pytest.raises(RuntimeError, match="'cuda.*finds no usable CUDA device.*'cpu'"):
            ask()


def test_asking_whether_there_is_one_prints_nothing():
    script = "import minigrad; print(minigrad.cuda.is_available() in (True, False))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_cupy_is_not_imported_until_asked_for():
    script = "import sys, minigrad; minigrad.ones(2).sum().item(); print('cupy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
