"""Nested states as flat arrays, and back."""

import io
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

STATE = {
    "state": {0: {"step": mg.tensor(3.0), "exp_avg": mg.tensor([[1.0, -0.0]])},
              7: {"history": [np.ones(2), np.zeros((0, 3))]}},
    "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "name": "head", "foreach": None, "maximize": True,
                      "params": [0, 7]}],
    "a/b": np.arange(3), "a": {"b": np.float64(2.5)},
    "special": [math.inf, -math.inf, 1e-323, 0.1 + 0.2, 2**70],
}  # fmt: skip


def through_a_file(state):
    file = io.BytesIO()
    np.savez(file, **optim.to_arrays(state))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return optim.from_arrays(arrays)


def test_everything_comes_back():
    back = through_a_file(STATE)
    assert list(back) == list(STATE) and list(back["state"]) == [0, 7]
    assert back["param_groups"] == STATE["param_groups"] and isinstance(back["param_groups"][0]["betas"], tuple)
    assert back["special"] == STATE["special"] and back["a"] == {"b": 2.5}
    for found, expected in [
        (back["state"][0]["step"], np.float32(3)), (back["state"][0]["exp_avg"], np.array([[1.0, -0.0]], np.float32)),
        (back["state"][7]["history"][0], np.ones(2)), (back["state"][7]["history"][1], np.zeros((0, 3))),
        (back["a/b"], np.arange(3)),
    ]:  # fmt: skip
        assert type(found) is np.ndarray and found.dtype == expected.dtype and found.shape == expected.shape
        assert found.tobytes() == expected.tobytes()


def test_nan_comes_back():
    assert math.isnan(through_a_file({"loss": float("nan")})["loss"])


def test_the_arrays_have_speaking_names_and_no_objects():
    arrays = optim.to_arrays(STATE)
    assert {"state/0/exp_avg", "state/0/step", "state/7/history/0", "a/b"} <= arrays.keys()
    assert all(type(array) is np.ndarray and array.dtype != object for array in arrays.values())


def test_names_that_meet_are_kept_apart():
    state = {
        "a/b": np.array([1.0]),
        "a": {"b": np.array([2.0])},
        "structure": np.array([3.0]),
        1: np.array([4.0]),
        "1": np.array([5.0]),
    }
    back = through_a_file(state)
    assert {key: back[key] for key in ("a/b", "structure", 1, "1")} == {"a/b": 1.0, "structure": 3.0, 1: 4.0, "1": 5.0}
    assert back["a"] == {"b": 2.0}


def test_the_arrays_are_copies():
    x = mg.ones(2)
    arrays = optim.to_arrays({"x": x})
    x.zero_()
    assert arrays["x"].tolist() == [1.0, 1.0]


def test_from_a_gpu(cuda):
    back = through_a_file({"x": mg.tensor([1.0, 2.0], device=cuda)})
    assert type(back["x"]) is np.ndarray and back["x"].tolist() == [1.0, 2.0]


def test_what_cannot_be_saved_is_named():
    with pytest.raises(TypeError, match="groups/1/schedule is a function, which cannot be saved without pickling it"):
        optim.to_arrays({"groups": [{}, {"schedule": lambda step: 1.0}]})
    with pytest.raises(TypeError, match="the state is a set"):
        optim.to_arrays({1, 2})


def test_keys_that_would_not_come_back_are_refused():
    with pytest.raises(TypeError, match="state has the key .*, a tuple"):
        optim.to_arrays({"state": {(1, 2): 3}})


def test_arrays_that_are_no_state_are_refused():
    with pytest.raises(ValueError, match=r"not made by to_arrays\(\): there is no 'structure' among \['weight'\]"):
        optim.from_arrays({"weight": np.ones(2)})
    arrays = optim.to_arrays(STATE)
    del arrays["state/0/exp_avg"]
    with pytest.raises(ValueError, match="the array 'state/0/exp_avg' is missing"):
        optim.from_arrays(arrays)
