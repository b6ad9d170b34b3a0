"""Questions about CUDA devices, answered without a GPU too."""

from __future__ import annotations

from typing import Any

from .backend import Device, backend_for, resolve

__all__ = ["current_device", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """Is CuPy installed, and does it find a CUDA device?"""
    return device_count() > 0


def device_count() -> int:
    """How many CUDA devices CuPy finds; 0 without CuPy."""
    try:
        backend: Any = backend_for(Device("cuda"))
    except ImportError:
        return 0
    return backend.count()


def current_device() -> int:
    """The index of the device that "cuda" stands for. Raises RuntimeError if there is none."""
    index = resolve("cuda").index
    assert index is not None
    return index


def synchronize(device: Any = None) -> None:
    """Wait until a CUDA device is done. Errors that it found meanwhile, as a label out of range, are raised here."""
    place = resolve("cuda" if device is None else device)
    backend_for(place).synchronize(place)
