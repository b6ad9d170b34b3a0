"""The CUDA runtime of the stand-in: two pretended devices, one of them current in each thread."""

import threading

DEVICES = 2
_state = threading.local()


class CUDARuntimeError(RuntimeError):
    def __init__(self, status):
        self.status = status
        super().__init__(f"cudaErrorInvalidDevice: invalid device ordinal ({status})")


def getDeviceCount():
    return DEVICES


def getDevice():
    return getattr(_state, "device", 0)


def setDevice(device):
    if not 0 <= device < DEVICES:
        raise CUDARuntimeError(101)
    _state.device = device


def deviceCanAccessPeer(device, peer):
    """No device sees another's memory, so that every mixture is an error."""
    return 0


def deviceSynchronize():
    """Nothing to wait for: the stand-in finishes each operation before it returns."""
