"""Devices by name."""

import copy
import pickle

import pytest

import minigrad as mg
from minigrad.backend import Device


@pytest.mark.parametrize(
    "spec, kind, index", [("cpu", "cpu", None), ("cuda", "cuda", None), ("cuda:1", "cuda", 1), ("mine:12", "mine", 12)]
)
def test_names(spec, kind, index):
    device = Device(spec)
    assert (device.type, device.index) == (kind, index) and str(device) == spec and repr(device) == f"device('{spec}')"
    assert Device(device) == device and eval(repr(device), {"device": mg.device}) == device
    assert pickle.loads(pickle.dumps(device)) == copy.deepcopy(device) == device


def test_type_and_index_apart():
    assert Device("cuda", 1) == Device("cuda:1") and Device(Device("cuda"), 2) == Device("cuda:2")
    assert len({Device("cuda:0"), Device("cuda:0"), Device("cuda")}) == 2 and Device("cpu") != "cpu"


@pytest.mark.parametrize(
    "spec, error",
    [
        ("", ValueError),
        ("cuda:", ValueError),
        ("cuda:-1", ValueError),
        ("cuda:x", ValueError),
        ("a b", ValueError),
        (0, TypeError),
        (None, TypeError),
    ],
)
def test_what_is_no_name(spec, error):
    with pytest.raises(error, match="device"):
        Device(spec)


def test_an_index_twice_is_refused():
    with pytest.raises(ValueError, match="already has an index"):
        Device("cuda:0", 1)


def test_devices_do_not_change():
    with pytest.raises(AttributeError, match="cannot be changed"):
        Device("cpu").index = 3
