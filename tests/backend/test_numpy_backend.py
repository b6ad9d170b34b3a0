"""The CPU."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.backend import Device, backend_for, backend_of, move

cpu = backend_for(Device("cpu"))


def test_the_cpu_is_one_device():
    x = np.ones(3)
    assert (
        backend_of(x) is cpu
        and cpu.device_of(x) == Device("cpu") == cpu.resolve(Device("cpu:0"))
        and move(x, Device("cpu")) is x
    )
    with pytest.raises(RuntimeError, match="'cpu:1'.*one device"):
        cpu.resolve(Device("cpu:1"))
    assert mg.ones(2, device="cpu:0").device == Device("cpu")


def test_extrema_and_quantifiers(rng):
    x = rng.standard_normal((3, 4))
    for axis, keepdims in ((None, False), (0, True), ((0, 1), False)):
        assert np.array_equal(cpu.amax(x, axis=axis, keepdims=keepdims), x.max(axis=axis, keepdims=keepdims))
        assert np.array_equal(cpu.amin(x, axis=axis, keepdims=keepdims), x.min(axis=axis, keepdims=keepdims))
        assert np.array_equal(cpu.all(x > 0, axis=axis, keepdims=keepdims), (x > 0).all(axis=axis, keepdims=keepdims))
        assert np.array_equal(cpu.any(x > 0, axis=axis, keepdims=keepdims), (x > 0).any(axis=axis, keepdims=keepdims))


def test_scatter_add_accumulates():
    x = np.zeros(3)
    cpu.scatter_add(x, (np.array([0, 2, 0]),), np.array([1.0, 2.0, 4.0]))
    assert x.tolist() == [5, 0, 2]


def test_memory_is_the_owners():
    x = np.zeros((4, 5))
    owner, low, high = cpu.memory(x[1:3].T[::-1])
    base, start, _ = cpu.memory(x)
    assert owner is base is x and (low - start, high - start) == (40, 120)


def test_require_raises_at_once():
    cpu.require(np.array([True, True]), lambda: ValueError("no"))
    cpu.require(np.array([], bool), lambda: ValueError("no"))
    with pytest.raises(ValueError, match="label"):
        cpu.require(np.array([True, False]), lambda: ValueError("a label"))


def test_what_is_no_array():
    for x in ([1, 2], "text", 3.0, None):
        with pytest.raises(TypeError, match="not an array of a registered backend"):
            backend_of(x)
    assert backend_of(np.float64(1)) is cpu
