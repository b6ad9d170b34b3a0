"""What every test may use. The settings of pytest itself are in setup.cfg."""
import os

# Before NumPy is first imported, or it is too late: on tiny arrays several BLAS threads are slower, and they vary sums.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
import zlib
from pathlib import Path

import numpy as np
import pytest


def pytest_configure():
    """An editable install of another clone would lend this one its kernels, and nobody would see what is tested."""
    import minigrad
    from minigrad import kernels

    package, texts = (Path(module.__file__).resolve().parent for module in (minigrad, kernels))
    if texts not in (package / "kernels", package.parent / "kernels"):
        raise pytest.UsageError(f"minigrad is {package}, but its kernels are {texts}: install this clone with pip -e")


@pytest.fixture
def rng(request):
    """A NumPy generator seeded by the test's own name: the same in any order and in any selection of tests."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))


@pytest.fixture
def torch():
    """PyTorch, the optional oracle; the test is skipped where it is not installed."""
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def cuda():
    """minigrad's "cuda" for a module's tests: the GPU where there is one, else the strict stand-in for CuPy. Yields its name."""
    import minigrad
    from tests import standin

    if standin.gpu_is_usable():
        yield "cuda"
        return
    forget_cupy(minigrad)  # the backend binds cupy when it is imported
    standin.install()
    try:
        yield "cuda"
    finally:
        forget_cupy(minigrad)
        standin.uninstall()


def forget_cupy(minigrad):
    minigrad.backend.unregister("cuda")
    sys.modules.pop("minigrad.backend.cupy_backend", None)


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    """Each device in turn, by name."""
    return request.getfixturevalue("cuda") if request.param == "cuda" else "cpu"
