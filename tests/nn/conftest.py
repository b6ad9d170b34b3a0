"""A GPU for the tests: the real one where there is one, otherwise the strict stand-in."""
import sys

import pytest

from minigrad import backend
from tests import standin


def forget_cuda():
    """Have the backend import cupy again when it is next asked for."""
    backend.unregister("cuda")
    sys.modules.pop("minigrad.backend.cupy_backend", None)


@pytest.fixture
def cuda():
    """The name of a CUDA device that works."""
    if standin.gpu_is_usable():
        yield "cuda"
        return
    forget_cuda()
    standin.install()
    yield "cuda"
    forget_cuda()
    standin.uninstall()
