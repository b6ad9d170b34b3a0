"""`cupy.cuda`: devices, streams and pointers, as far as a framework on top of CuPy touches them."""

from . import runtime

__all__ = ["BaseMemory", "Device", "MemoryPointer", "Stream", "get_current_stream", "get_device_id", "is_available",
           "runtime"]


def is_available():
    return runtime.getDeviceCount() > 0


def get_device_id():
    return runtime.getDevice()


class Device:
    """A device by its ordinal; `with Device(1):` makes it current for the block."""

    def __init__(self, device=None):
        self.id = runtime.getDevice() if device is None else int(device)
        self._outer = []

    def __enter__(self):
        outer = runtime.getDevice()
        runtime.setDevice(self.id)
        self._outer.append(outer)
        return self

    def __exit__(self, *_error):
        runtime.setDevice(self._outer.pop())

    def use(self):
        runtime.setDevice(self.id)
        return self

    def synchronize(self):
        runtime.deviceSynchronize()

    def __int__(self):
        return self.id

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    __hash__ = None  # as in CuPy: a device cannot be a dictionary's key, its id can

    def __repr__(self):
        return f"<CUDA Device {self.id}>"


class BaseMemory:
    """One allocation: where it begins, how many bytes it has."""

    def __init__(self, ptr, size, device_id):
        self.ptr = ptr
        self.size = size
        self.device_id = device_id

    @property
    def device(self):
        return Device(self.device_id)


class MemoryPointer:
    """Where an array begins, and in which allocation."""

    def __init__(self, ptr, mem):
        self.ptr = ptr
        self.mem = mem
        self.device_id = mem.device_id
        self.device = mem.device


class Stream:
    """A stream on which everything has already happened."""

    def synchronize(self):
        runtime.deviceSynchronize()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass


Stream.null = Stream()


def get_current_stream():
    return Stream.null
