"""A strict stand-in for `cupy` and `cupyx`, so that the GPU path of minigrad runs where there is no GPU.

    @pytest.fixture
    def cupy():
        yield standin.install()
        standin.uninstall()
"""

import sys

from . import cupy, cupyx

__all__ = ["cupy", "cupyx", "gpu_is_usable", "install", "uninstall"]

_displaced = None  # what the names stood for before install(); None while nothing is installed


def _belongs_to_cupy(name):
    return name.partition(".")[0] in ("cupy", "cupyx")


def _stand_in_modules():
    """The names under which the stand-in's public modules are imported."""
    prefix = __name__ + "."
    return {name.removeprefix(prefix): module for name, module in sys.modules.items()
            if name.startswith((prefix + "cupy", prefix + "cupyx")) and "._" not in name}


def gpu_is_usable():
    """Whether the real CuPy is installed and finds a GPU."""
    try:
        import cupy as real
    except ImportError:
        return False
    return real.cuda.is_available()


def install():
    """Put the stand-in in the place of `cupy` and `cupyx` and return it; refuses where a real GPU is usable."""
    global _displaced
    if _displaced is not None:
        raise RuntimeError("the stand-in for cupy is installed already: call uninstall() first")
    if gpu_is_usable():
        raise RuntimeError("a real GPU is usable here: test on it instead of on the stand-in for cupy")
    _displaced = {name: sys.modules.pop(name) for name in list(sys.modules) if _belongs_to_cupy(name)}
    sys.modules.update(_stand_in_modules())
    return cupy


def uninstall():
    """Bring back whatever `cupy` and `cupyx` were before `install()`; device 0 becomes current."""
    global _displaced
    if _displaced is None:
        raise RuntimeError("the stand-in for cupy is not installed")
    for name in [name for name in sys.modules if _belongs_to_cupy(name)]:
        del sys.modules[name]
    sys.modules.update(_displaced)
    _displaced = None
    cupy.cuda.runtime.setDevice(0)
    cupy._strict_index, cupy._silent_copies = True, 0
