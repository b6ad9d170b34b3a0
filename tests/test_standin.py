"""The stand-in for CuPy computes as NumPy does, refuses what CuPy refuses, and has no name that CuPy lacks."""

import copy
import inspect
import itertools
import math
import pickle
import sys
import threading
import warnings

import numpy as np
import pytest

from tests import standin
from tests.standin import cupy as cp
from tests.standin import cupyx

SPECIAL = cupyx.scipy.special


@pytest.fixture(scope="module")
def real():
    """The real CuPy: it imports without a GPU."""
    return pytest.importorskip("cupy")


@pytest.fixture
def a():
    return cp.array(np.array([[3.0, -1.5, 2.0], [0.5, -4.0, 1.0]], np.float32))


def data(xp):
    """A small array of every kind, made in `xp`."""
    return {
        "x": xp.asarray(np.array([[3.0, -1.5, 2.0], [0.5, -4.0, 1.0]], np.float32)),
        "y": xp.asarray(np.array([[1.0, 0.25, -2.0]], np.float64)),
        "z": xp.asarray(np.arange(24, dtype=np.float64).reshape(2, 3, 4)),
        "i": xp.asarray(np.array([2, 0, 1, 0])),
        "m": xp.asarray(np.array([True, False, True])),
    }


# name -> f(xp, x, y, z, i, m): the same text for NumPy, the stand-in and, on a GPU, CuPy.
CASES = {
    "arithmetic": lambda xp, x, y, z, i, m: [x + y, x - 1, 2 / x, x ** 2, -x, abs(x), x % 2, x // 2, 3 - x, i << 1],
    "divmod": lambda xp, x, y, z, i, m: list(divmod(x, 2.0)),
    "comparison": lambda xp, x, y, z, i, m: [x > 0, x == y, x != 3, x <= y, m & ~m, m | True, m ^ m],
    "ufuncs": lambda xp, x, y, z, i, m: [np.exp(x), np.maximum(x, y), np.log1p(abs(x)), np.tanh(x), np.sign(x),
                                         np.copysign(x, y), np.isnan(x), np.isfinite(x), np.logaddexp(x, y)],
    "integers": lambda xp, x, y, z, i, m: [np.exp(i), i / 2, i * 1.5, i[:3] + m, np.sqrt(i.astype(np.int8)), i.mean()],
    "scalars": lambda xp, x, y, z, i, m: [x * np.float64(2), np.float64(2) * x, x * 2.0, np.float32(1) + y, x * True],
    "reductions": lambda xp, x, y, z, i, m: [x.sum(), x.mean(0), x.max(axis=1, keepdims=True), x.var(), x.std(1),
                                             x.prod(), x.argmax(1), x.argmin(), m.any(), m.all(), m.sum(),
                                             i.astype(np.int8).sum(), np.sum(x, axis=(0, 1)), np.amin(x, 0)],
    "scans": lambda xp, x, y, z, i, m: [x.cumsum(1), np.cumsum(x), np.cumprod(x, axis=0), np.add.accumulate(i),
                                        np.add.reduce(x, axis=1, keepdims=True), np.multiply.reduce(x, axis=0)],
    "shape": lambda xp, x, y, z, i, m: [x.reshape(3, 2), x.reshape((-1,)), x.T, z.mT, z.swapaxes(0, 2), x[None],
                                        z.transpose(2, 0, 1), z.transpose((1, 0, 2)), x.ravel(), y.squeeze(0),
                                        np.expand_dims(x, 1), np.broadcast_to(y, (2, 3)), np.moveaxis(z, 0, -1)],
    "joining": lambda xp, x, y, z, i, m: [np.concatenate([x, x], axis=1), np.stack((x, x), axis=-1),
                                          np.concatenate((x, y)), *np.split(x, 3, axis=1), np.tile(x, (1, 2)),
                                          np.repeat(x, 2, axis=0), np.pad(x, ((0, 1), (2, 0)), constant_values=7)],
    "order": lambda xp, x, y, z, i, m: [np.flip(x, 1), np.roll(x, 1, axis=1), np.tril(x), np.triu(x, 1), np.sort(x, 0),
                                        np.argsort(x, axis=1), np.searchsorted(y[0, :2][::-1], x), np.diff(x)],
    "choice": lambda xp, x, y, z, i, m: [np.where(x > 0, x, 0.0), np.where(x > 0, x, y), np.clip(x, -1, 1),
                                         x.clip(None, 0.5), *np.nonzero(x > 0), np.argwhere(m), np.count_nonzero(m),
                                         *np.unravel_index(x.argmax(), (2, 3))],
    "indexing": lambda xp, x, y, z, i, m: [x[0], x[0, 1], x[-1, ::-1], x[..., 1], x[:, i], x[:, m], x[x > 0],
                                           z[:, 1, i], x[[1, 0, 1]], x[[]], z[i % 2, i], z[m[:2]], x[m[:2], i[:1]],
                                           z[..., None, 0]],
    "taking": lambda xp, x, y, z, i, m: [x.take(i, axis=1), np.take(x, i), np.take_along_axis(x, np.argsort(x, 1), 1)],
    "linear": lambda xp, x, y, z, i, m: [x @ x.T, np.dot(x, y[0]), z @ z.mT, np.tensordot(z, x, ((1,), (1,))),
                                         np.einsum("ij,kj->ik", x, x), np.outer(y, y), np.linalg.norm(x, axis=1)],
    "creation": lambda xp, x, y, z, i, m: [xp.zeros((2, 3)), xp.full((2,), 7, np.float32), xp.eye(3, k=1),
                                           xp.arange(5), xp.arange(1, 2, 0.25), xp.linspace(0, 1, 5),
                                           np.zeros_like(x), xp.ones(3, "i4"), np.ones_like(i), np.full_like(x, 2),
                                           xp.arange(3, dtype=np.float32)],
    "conversion": lambda xp, x, y, z, i, m: [x.astype(np.float64), x.astype(np.int32), x.copy(), x.view(np.int32),
                                             xp.asarray([1.0, 2.0]), xp.array([[1, 2]], np.float32), i.astype(bool)],
    "statistics": lambda xp, x, y, z, i, m: [np.median(x), np.average(x, axis=0), np.quantile(x, 0.25), np.ptp(x),
                                             np.bincount(i), np.unique(i), np.allclose(x, x), np.array_equal(x, x)],
}


def as_host(result):
    return result if isinstance(result, (np.ndarray, np.generic, bool, int)) else result.get()


@pytest.mark.parametrize("name", CASES)
def test_results_equal_numpys(name):
    with np.errstate(all="ignore"):
        expected = CASES[name](np, **data(np))
    results = CASES[name](cp, **data(cp))
    assert len(results) == len(expected)
    for result, value in zip(results, expected):
        assert type(result) is cp.ndarray
        value = np.asarray(value)
        assert (result.shape, result.dtype) == (value.shape, value.dtype)
        np.testing.assert_array_equal(result.get(), value)


@pytest.mark.gpu
@pytest.mark.parametrize("name", CASES)
def test_results_equal_cupys(name, real):
    if not real.cuda.is_available():
        pytest.skip("needs a GPU")
    for result, value in zip(CASES[name](cp, **data(cp)), CASES[name](real, **data(real)), strict=True):
        assert (result.shape, result.dtype) == (value.shape, value.dtype)
        np.testing.assert_allclose(result.get(), value.get(), rtol=1e-5, atol=1e-6)


# Refusals.

HOST = np.ones((2, 3), np.float32)
# what -> (error, a part of its message, the attempt on a float32 array of shape (2, 3))
REFUSED = {
    "array + host": (TypeError, "Unsupported type", lambda a: a + HOST),
    "host + array": (TypeError, "Unsupported type", lambda a: HOST + a),
    "array @ host": (TypeError, "ndarray", lambda a: a @ HOST.T),
    "0-d host": (TypeError, "Unsupported type", lambda a: a * np.array(2.0)),
    "in place with host": (TypeError, "Unsupported type", lambda a: a.__iadd__(HOST)),
    "into host": (TypeError, "Output arguments|Unsupported", lambda a: np.add(a, a, out=HOST.copy())),
    "host in place": (TypeError, "Unsupported type", lambda a: HOST.copy().__iadd__(a)),
    "list": (TypeError, "returned NotImplemented", lambda a: a + [1, 2, 3]),
    "None": (TypeError, "returned NotImplemented", lambda a: a + None),
    "ufunc of a list": (TypeError, "Unsupported type", lambda a: cp.exp([1.0])),
    "asarray": (TypeError, "Implicit conversion", lambda a: np.asarray(a)),
    "array": (TypeError, "Implicit conversion", lambda a: np.array(a, dtype=np.float64)),
    "assigned into host": (TypeError, "Implicit conversion", lambda a: HOST.copy().__setitem__(slice(None), a)),
    "concatenate with host": (TypeError, "cupy.asarray", lambda a: np.concatenate([a, HOST])),
    "stack with host": (TypeError, "cupy.asarray", lambda a: np.stack([a, HOST])),
    "where with host": (TypeError, "Unsupported type", lambda a: np.where(a > 0, a, HOST)),
    "where on host": (TypeError, "cupy.asarray", lambda a: np.where(HOST > 0, a, 0.0)),
    "dot with host": (TypeError, "cupy.asarray", lambda a: np.dot(a, HOST.T)),
    "sum of a list": (TypeError, "cupy.asarray", lambda a: cp.sum([1.0, 2.0])),
    "where= in a ufunc": (TypeError, "where", lambda a: np.exp(a, where=a > 0)),
    "order= in a ufunc": (TypeError, "order", lambda a: np.exp(a, order="F")),
    "initial= in add.reduce": (TypeError, "initial", lambda a: np.add.reduce(a, initial=0.0)),
    "initial= in sum": (TypeError, "initial", lambda a: np.sum(a, initial=0.0)),
    "where= in sum": (TypeError, "where", lambda a: np.sum(a, where=a > 0)),
    "max with initial=": (TypeError, "initial", lambda a: a.max(initial=0.0)),
    "maximum.reduce": (NotImplementedError, "maximum", lambda a: np.maximum.reduce(a)),
    "logaddexp.reduce": (NotImplementedError, "logaddexp", lambda a: np.logaddexp.reduce(a)),
    "logical_or.reduce": (NotImplementedError, "logical_or", lambda a: np.logical_or.reduce(a > 0)),
    "maximum.accumulate": (NotImplementedError, "maximum", lambda a: np.maximum.accumulate(a)),
    "multiply.at": (NotImplementedError, "multiply", lambda a: np.multiply.at(a, cp.array([0]), 2.0)),
    "add.at by a tuple through NumPy": (TypeError, "returned NotImplemented",
                                        lambda a: np.add.at(a, (cp.array([0]), 0), 2.0)),
    "add.at on int16": (TypeError, "int16", lambda a: cp.add.at(cp.zeros(3, np.int16), cp.array([0]), 1)),
    "argsort(stable=)": (TypeError, "stable", lambda a: np.argsort(a, stable=True)),
    "sort(kind=)": (ValueError, "stable", lambda a: a.sort(kind="quicksort")),
    "missing ufunc": (TypeError, "spacing", lambda a: np.spacing(a)),
    "missing function": (TypeError, "insert", lambda a: np.insert(a, 0, 1.0)),
    "missing name": (AttributeError, "geomspace", lambda a: cp.geomspace(1, 2)),
    "missing method": (AttributeError, "itemset", lambda a: a.itemset(0)),
    "astype(casting=)": (TypeError, "casting", lambda a: a.astype(np.int32, casting="unsafe")),
    "clip(min=)": (TypeError, "a_min|min", lambda a: np.clip(a, min=0.0, max=1.0)),
    "item(index)": (TypeError, "positional", lambda a: a[:1].item(0)),
    "object dtype": (ValueError, "Unsupported dtype object", lambda a: cp.array([None])),
    "string dtype": (ValueError, "Unsupported dtype", lambda a: cp.asarray(np.array(["a"]))),
    "longdouble": (ValueError, "Unsupported dtype", lambda a: cp.zeros(2, np.longdouble)),
    "host index": (TypeError, "copied to the device silently", lambda a: a[np.array([1, 0])]),
    "host mask": (TypeError, "copied to the device silently", lambda a: a[HOST > 0]),
    "host index in a tuple": (TypeError, "copied to the device silently", lambda a: a[:, np.array([1, 0])]),
    "host index to assign": (TypeError, "copied to the device silently", lambda a: a.__setitem__(np.array([1]), 0.0)),
    "host index to take": (TypeError, "copied to the device silently", lambda a: a.take(np.array([1]), axis=0)),
    "host value by index": (TypeError, "copied to the device silently",
                            lambda a: a.__setitem__(cp.array([1]), HOST[0])),
    "host value": (ValueError, "non-scalar", lambda a: a.__setitem__(slice(None), HOST)),
    "list value": (ValueError, "non-scalar", lambda a: a.__setitem__(0, [1.0, 2.0, 3.0])),
    "fill with an array": (ValueError, "non-scalar", lambda a: a.fill(HOST)),
    "float index": (IndexError, "integer or boolean", lambda a: a[cp.array([0.0])]),
    "integer out of bounds": (IndexError, "out of bounds", lambda a: a[5]),
    "out of another shape": (ValueError, "broadcast", lambda a: np.add(a, a, out=cp.zeros(3, np.float32))),
    "out of another kind": (TypeError, "[Cc]annot cast", lambda a: np.add(a, a, out=cp.zeros((2, 3), np.int64))),
    "in place to a lower kind": (TypeError, "[Cc]annot cast", lambda a: cp.arange(3).__iadd__(0.5)),
    "truth of many": (ValueError, "ambiguous", bool),
    "item of many": (ValueError, "size 1", lambda a: a.item()),
    "as an index": (TypeError, "integer", lambda a: [1, 2, 3][a[0, 0].astype(int)]),
    "as a range": (TypeError, "integer", lambda a: range(cp.array(3))),
    "as a key": (TypeError, "unhashable", hash),
    "length of a 0-d array": (TypeError, "unsized", lambda a: len(a.sum())),
    "iteration over a 0-d array": (TypeError, "0-d", lambda a: iter(a.sum())),
    "mT of a vector": (ValueError, "ndim < 2", lambda a: a[0].mT),
    "nonzero of 0-d": (ValueError, "0d", lambda a: a.sum().nonzero()),
    "unequal shapes": (ValueError, "broadcast", lambda a: a + cp.zeros(2)),
    "subok": (TypeError, "subok", lambda a: np.zeros_like(a, subok=True)),
    "host ascontiguousarray": (TypeError, "cupy.asarray", lambda a: cp.ascontiguousarray(HOST)),
    "repeats on the host": (TypeError, "Unsupported", lambda a: a.repeat(np.array([1, 2]), axis=0)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(name, a):
    error, message, attempt = REFUSED[name]
    before = a.get()
    with pytest.raises(error, match=message):
        attempt(a)
    np.testing.assert_array_equal(a.get(), before)


def test_lenient_index_flag_counts_the_copies(a, monkeypatch):
    monkeypatch.setattr(cp, "_strict_index", False)
    monkeypatch.setattr(cp, "_silent_copies", 0)
    assert a[np.array([1])].tolist() == [[0.5, -4.0, 1.0]]
    a[np.array([True, False])] = np.zeros(3)
    assert a.take(np.array([1]), axis=1).tolist() == [[0.0], [-4.0]]
    assert cp._silent_copies == 4


def test_foreign_types_answer_for_themselves(a):
    class Foreign:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return ufunc.__name__, method

        def __array_function__(self, function, types, args, kwargs):
            return function.__name__

    class Aloof:
        __array_ufunc__ = None

        def __radd__(self, other):
            return "radd"

    assert a * Foreign() == ("multiply", "__call__")
    assert Foreign().__array_ufunc__(np.add, "__call__") == ("add", "__call__")
    assert (a > Foreign()) == ("greater", "__call__")
    assert np.concatenate([a, Foreign()]) == "concatenate"
    assert a + Aloof() == "radd"


def test_comparison_with_what_is_no_number(a):
    assert (a == None).tolist() == [[False] * 3] * 2
    assert (a != object()).tolist() == [[True] * 3] * 2
    assert (a == np.array(3.0)).tolist() == [[True, False, False], [False] * 3]


# Memory.

def test_views_share_memory_and_name_their_owner():
    x = cp.arange(12, dtype=np.float32)
    view = x.reshape(3, 4)[1:].T
    assert x.base is None and view.base is x
    assert x.flags.owndata and not view.flags.owndata
    assert view.flags["F_CONTIGUOUS"] and not view.flags["C_CONTIGUOUS"] and not view.flags.c_contiguous
    assert view.data.ptr == x.data.ptr + 16
    assert view.data.mem.ptr == x.data.ptr and view.data.mem.size == 48
    view[0, 0] = 100
    assert x[4].item() == 100
    for part in np.split(x, 2):
        assert part.base is x
    assert x[0].base is x and x[0].shape == ()
    assert (x + 1).base is None and x[cp.array([0])].base is None and x.copy().base is None
    assert cp.shares_memory(x, view) is True and cp.shares_memory(x, x.copy()) is False


def test_what_returns_the_same_object(a):
    out = cp.empty((2, 3), np.float32)
    assert np.add(a, 1, out=out) is out and out[0, 0].item() == 4
    assert cp.asarray(a) is a and a.astype(np.float32, copy=False) is a and cp.ascontiguousarray(a) is a
    assert a[0].T.shape == (3,) and cp.array(a) is not a
    b = a
    b += 1
    assert b is a and a[0, 0].item() == 4
    out = cp.empty(3, np.float32)
    assert a.sum(axis=0, out=out) is out and out.tolist() == [5.5, -3.5, 5.0]


def test_an_element_is_a_view_that_can_be_written(a):
    element = a[0, 0]
    element[...] = 9
    assert a[0, 0].item() == 9
    picked = a[cp.array(0)]
    picked[...] = 0
    assert a[0, 0].item() == 9  # an index array, though 0-d, copies


def test_host_arrays_are_copied_in_and_out():
    host = np.zeros(3)
    x = cp.asarray(host)
    host[0] = 1
    assert x.tolist() == [0, 0, 0]
    x.get()[1] = 1
    cp.asnumpy(x)[1] = 1
    assert x.tolist() == [0, 0, 0]
    x.set(host)
    assert x.tolist() == [1, 0, 0]
    back = np.empty(3)
    assert x.get(out=back) is back and back.tolist() == [1, 0, 0]


def test_explicit_scalars(a):
    x = a.sum()
    assert (float(x), int(x), bool(x), x.item(), complex(x)) == (1.0, 1, True, 1.0, 1 + 0j)
    assert type(x.item()) is float and f"{x:.1f}" == "1.0" and str(x) == "1.0"
    assert a.tolist() == [[3.0, -1.5, 2.0], [0.5, -4.0, 1.0]] and [row.shape for row in a] == [(3,), (3,)]
    with pytest.warns(DeprecationWarning, match="empty"):
        assert not cp.zeros(0)


def test_copies_and_pickles(a):
    for twin in (copy.copy(a), copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        twin[0] = 0
        assert type(twin) is cp.ndarray and a[0, 0].item() == 3


def test_shape_is_assigned_without_copy(a):
    a.shape = (3, 2)
    assert a.tolist() == [[3.0, -1.5], [2.0, 0.5], [-4.0, 1.0]]
    turned = a.T
    with pytest.raises(AttributeError, match="reshape"):
        turned.shape = (6,)


def test_sorts_in_place():
    x = cp.array([3.0, 1.0, 2.0])
    x.sort()
    assert x.tolist() == [1.0, 2.0, 3.0]
    ties = cp.array([1, 0] * 50)  # long enough for NumPy's default kind to shuffle equals
    stable = [*range(1, 100, 2), *range(0, 100, 2)]
    assert ties.argsort().tolist() == cp.argsort(ties).tolist() == stable


def test_what_a_gpu_computes_silently():
    x = cp.array([1.0, 0.0, -1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan((x / 0).get()).tolist() == [False, True, False]
        assert np.isnan(np.log(x).get()).tolist() == [False, False, True]
        assert math.isnan(cp.zeros(0).mean().item()) and math.isnan(cp.zeros(1).var(ddof=1).item())
        assert math.isinf(cp.full(2, 1e30, np.float32).prod().item())
        assert cp.array([np.nan]).astype(np.int32).shape == (1,)
        assert (cp.array([3]) // cp.array([0])).shape == (1,)


# Indexing where CuPy is not NumPy.

def test_index_arrays_wrap_around():
    x = cp.arange(3)
    assert x[cp.array([0, 3, -4, 7])].tolist() == [0, 0, 2, 1]
    assert x[[1, 3]].tolist() == [1, 0]
    assert cp.arange(6).reshape(2, 3)[..., cp.array([4])].tolist() == [[1], [4]]
    assert x.take(cp.array([5])).tolist() == [2]
    assert np.take_along_axis(x, cp.array([4]), 0).tolist() == [1]
    x[cp.array([3])] = 9
    assert x.tolist() == [9, 1, 2]
    cp.put_along_axis(x, cp.array([4]), cp.array([7]), 0)
    assert x.tolist() == [9, 7, 2]


def test_assignment():
    x = cp.zeros((3, 3), np.float32)
    x[0] = 1
    x[:, 1] = cp.array([2, 3, 4])
    x[x > 3] = -1
    x[cp.array([2, 2]), cp.array([0, 2])] = cp.array([5.0, 6.0])
    x[1, ...] = np.float64(8)
    assert x.tolist() == [[1, 2, 1], [8, 8, 8], [5, -1, 6]]


@pytest.mark.parametrize("operation, expected", [("add", [11, 0, 5]), ("maximum", [7, 0, 5]), ("minimum", [0, 0, 0])])
def test_scatter_accumulates_repeated_indices(operation, expected):
    indices, values = cp.array([0, 0, 2]), cp.array([4.0, 7.0, 5.0])
    x = cp.zeros(3, np.float32)
    getattr(cp, operation).at(x, indices, values)
    assert x.tolist() == expected
    y = cp.zeros(3)
    getattr(np, operation).at(y, indices, values)
    assert y.tolist() == expected
    z = cp.zeros(3)
    with pytest.warns(DeprecationWarning, match="deprecated"):
        getattr(cupyx, {"add": "scatter_add", "maximum": "scatter_max", "minimum": "scatter_min"}[operation])(
            z, indices, values)
    assert z.tolist() == expected


def test_scatter_by_several_arrays_and_by_mask():
    x = cp.zeros((2, 2), np.int64)
    cp.add.at(x, (cp.array([0, 0, 1]), cp.array([1, 1, 0])), 1)
    assert x.tolist() == [[0, 2], [1, 0]]
    flags = cp.zeros(2, np.int16)
    cp.add.at(flags, cp.array([True, False]), 3)  # a mask needs no atomics: any type
    assert flags.tolist() == [3, 0]


# Devices.

def test_arrays_live_on_the_current_device():
    assert cp.cuda.runtime.getDeviceCount() == 2 and cp.cuda.is_available()
    x = cp.zeros(3)
    with cp.cuda.Device(1) as device:
        y = cp.ones(3)
        assert cp.cuda.get_device_id() == 1 and cp.cuda.Device() == device
    assert cp.cuda.get_device_id() == 0
    assert (x.device.id, y.device.id, int(y.device), y.data.device_id) == (0, 1, 1, 1)
    assert y.device == cp.cuda.Device(1) and y[1:].device.id == 1 and y.get().tolist() == [1, 1, 1]
    cp.cuda.Stream.null.synchronize()
    cp.cuda.Device(1).synchronize()


@pytest.mark.parametrize("operation", [
    lambda x, y: x + y, lambda x, y: y + x, lambda x, y: y + 1, lambda x, y: x.__iadd__(y), lambda x, y: y.__iadd__(x),
    lambda x, y: np.concatenate([x, y]), lambda x, y: np.where(x > 0, x, y), lambda x, y: y.sum(), lambda x, y: x @ y,
    lambda x, y: x.__setitem__(slice(None), y), lambda x, y: y[cp.array([0])], lambda x, y: x[y > 0],
    lambda x, y: cp.add.at(x, cp.array([0]), y), lambda x, y: y[::2].reshape(1, 2).T.reshape(1, 2) + x[:2],
    lambda x, y: y.astype(np.float32), lambda x, y: np.exp(x, out=y), lambda x, y: y.fill(1.0)])
def test_devices_do_not_mix(operation):
    x = cp.zeros(3)
    with cp.cuda.Device(1):
        y = cp.ones(3)
    with pytest.raises(ValueError, match=r"resides \(1\) is different from the current device \(0\)"):
        operation(x, y)
    assert x.tolist() == [0, 0, 0] and y.tolist() == [1, 1, 1]


def test_what_works_from_another_device():
    with cp.cuda.Device(1):
        y = cp.arange(6.0)
    assert [v.device.id for v in (y[1:], y.reshape(2, 3).T, y.view(np.int64), np.expand_dims(y, 0))] == [1] * 4
    assert (y.copy().device.id, cp.array(y).device.id, cp.asarray(y).device.id) == (0, 0, 0)
    assert copy.deepcopy(y).device.id == 1
    with pytest.raises(ValueError, match="different from the current device"):
        y.reshape(2, 3).T.reshape(6)  # no view, but a kernel that copies


def test_missing_device():
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="invalid device ordinal"):
        cp.cuda.Device(2).use()
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError), cp.cuda.Device(-1):
        pass
    assert cp.cuda.get_device_id() == 0


def test_the_current_device_is_a_threads_own():
    seen = []
    with cp.cuda.Device(1):
        thread = threading.Thread(target=lambda: seen.append(cp.cuda.get_device_id()))
        thread.start()
        thread.join()
    assert seen == [0]


# Special functions, against values of Abramowitz & Stegun, table 7.1.

def test_erf():
    x = cp.array([0.0, 0.5, 1.0, -2.0, np.inf, np.nan])
    np.testing.assert_allclose(SPECIAL.erf(x).get(), [0, 0.5204998778, 0.8427007929, -0.9953222650, 1, np.nan],
                               atol=1e-10)
    np.testing.assert_allclose(SPECIAL.erfc(x[:3]).get(), [1, 0.4795001222, 0.1572992071], atol=1e-10)
    assert SPECIAL.erf(x.astype(np.float32)).dtype == np.float32
    assert SPECIAL.erf(x.astype(np.float16)).dtype == np.float64
    with pytest.raises(TypeError, match="Unsupported type"):
        SPECIAL.erf(np.zeros(3))


# The stand-in against the real CuPy: names, signatures, types.

def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.mark.parametrize("path", ["", "cuda", "cuda.runtime", "cuda.Device", "cuda.MemoryPointer", "cuda.Stream",
                                  "linalg", "ufunc"])
def test_has_no_name_that_cupy_lacks(path, real):
    mine, theirs = cp, real
    for name in filter(None, path.split(".")):
        mine, theirs = getattr(mine, name), getattr(theirs, name)
    assert public(mine) - public(theirs) - {"DEVICES", "threading"} == set()


def test_has_no_attribute_that_cupys_array_lacks(real):
    own = {name for kind in cp.ndarray.__mro__[:-1] for name in vars(kind)
           if name.startswith("__") or not name.startswith("_")}
    assert own - set(dir(real.ndarray)) - {"face", "__weakref__", "__static_attributes__", "__firstlineno__"} == set()
    assert public(cp.zeros(1).flags) == {"c_contiguous", "f_contiguous", "owndata"} <= public(real._core.flags.Flags)
    assert cp.ndarray.__hash__ is None is real.ndarray.__hash__


def test_has_no_cupyx_name_that_cupyx_lacks(real):
    theirs = pytest.importorskip("cupyx")
    import cupyx.scipy.special
    assert public(cupyx_standin()) - public(theirs) == set()
    assert set(SPECIAL.__all__) - public(cupyx.scipy.special) == set()


def cupyx_standin():
    return sys.modules["tests.standin.cupyx"]


def test_ufuncs_are_cupys(real):
    for name, mine in cp._ufunc.ALL.items():
        theirs = getattr(real, name)
        assert isinstance(theirs, real.ufunc) and (mine.nin, mine.nout) == (theirs.nin, theirs.nout), name


def test_scatters_are_cupys(real):
    scatters = {name for name in cp._ufunc.ALL if getattr(real, name)._scatter_op}
    assert scatters == set(cp._ufunc.SCATTERS)


def test_functions_take_no_parameter_that_cupys_do_not(real):
    functions = {**cp._functions.ALL, **{name: getattr(cp, name) for name in (
        "argsort", "array", "asarray", "ascontiguousarray", "asfortranarray", "asnumpy", "astype", "copy", "sort",
        "take", "take_along_axis", "put_along_axis", "where", "einsum", "matmul")}}
    for name, mine in functions.items():
        parameters = inspect.signature(getattr(real, name)).parameters
        kinds = {parameter.kind for parameter in parameters.values()}
        for parameter in inspect.signature(mine).parameters.values():
            free = parameter.VAR_POSITIONAL in kinds and parameter.kind is parameter.POSITIONAL_ONLY
            free = free or parameter.VAR_KEYWORD in kinds
            assert free or parameter.name in parameters, (name, parameter.name)
            if parameter.default is not parameter.empty and parameter.name in parameters:
                assert parameter.default == parameters[parameter.name].default, (name, parameter.name)


# Where NumPy, and so the stand-in, refuses booleans and CuPy computes something.
STRICTER = {("gcd", "??"), ("lcm", "??"), ("negative", "?"), ("positive", "?"), ("sign", "?"), ("subtract", "??")}


def test_types_of_results_are_cupys(real):
    """CuPy runs the first loop of `ufunc.types` that takes all operands safely."""
    def loop(types, codes):
        for inputs, outputs in (line.split("->") for line in types):
            if "E" not in inputs and all(np.can_cast(np.dtype(c), np.dtype(i)) for c, i in zip(codes, inputs)):
                return [np.dtype(code) for code in outputs]
        return None

    for name, mine in cp._ufunc.ALL.items():
        for codes in itertools.product("?bhilBHILefd", repeat=mine.nin):
            expected = None if (name, "".join(codes)) in STRICTER else loop(getattr(real, name).types, codes)
            arrays = [cp.ones(1, code) for code in codes]
            if expected is None:
                with pytest.raises(TypeError):
                    mine(*arrays)
            else:
                results = mine(*arrays)
                results = results if isinstance(results, tuple) else (results,)
                assert [result.dtype for result in results] == expected, (name, codes)


# Kernels.

def kernel(in_params="T g, T lr", out_params="T p, T m", operation="m += g; p -= lr * m;", **settings):
    return cp.ElementwiseKernel(in_params, out_params, operation, "step", **settings)


@pytest.mark.parametrize("dtype", ["f", "d"])
def test_a_kernel_does_what_its_body_says(dtype):
    g, p, m = (cp.asarray(np.array(values, dtype)) for values in ([1, 2, 3], [10, 10, 10], [0, 1, np.nan]))
    step = kernel()
    results = step(g, 0.1, p, m)
    assert results == (p, m) and step.launches == 1
    assert m.tolist()[:2] == [1, 3] and math.isnan(m.tolist()[2])
    tenth = np.dtype(dtype).type(0.1)  # a number is taken in the arrays' type
    np.testing.assert_array_equal(p.get()[:2], 10 - tenth * m.get()[:2])
    assert kernel(no_return=True)(g, np.float32(0), p, m) is None
    assert kernel("T g", "T p", "p = T(0.1) * g;")(g, p) is p
    np.testing.assert_array_equal(p.get(), tenth * g.get())


def test_a_kernel_computes_in_the_arrays_type():
    """A CUDA function is of the type that it is given; in C it would be double."""
    x, y = cp.asarray(np.array([2, 3, 0.1], np.float32)), cp.empty(3, np.float32)
    for name in ("sqrt", "cbrt", "exp", "log", "fabs"):
        kernel("T x", "T y", f"y = sizeof({name}(x)) == sizeof(T) ? {name}(x) : T(-1);")(x, y)
        np.testing.assert_allclose(y.get(), getattr(np, name)(x.get()), rtol=3e-7)
    kernel("T x", "T y", "y = T(sizeof(copysign(T(1), x)) + 10 * sizeof(x * T(0.1)));")(x, y)
    assert y.tolist() == [44.0] * 3


def test_a_kernels_inputs_are_constant():
    x, y = cp.ones(3), cp.zeros(3)
    for wrong in ("x = y;", "y = unknown;"):
        with pytest.raises(RuntimeError, match="the C compiler refused"):
            kernel("T x", "T y", wrong)(x, y)
    assert x.tolist() == [1.0] * 3 and y.tolist() == [0.0] * 3
    kernel("T x", "T y", "y = x")(x, y)  # CuPy writes a semicolon after the body
    assert y.tolist() == [1.0] * 3


ONES, FLOATS = np.ones(3), np.ones(3, np.float32)
REFUSED_BY_KERNELS = {
    "host array": (TypeError, "Unsupported type", lambda g, p, m: (ONES, 0.1, p, m)),
    "host output": (TypeError, "Unsupported type", lambda g, p, m: (g, 0.1, ONES, m)),
    "0-d host array": (TypeError, "Unsupported type", lambda g, p, m: (g, np.array(0.1), p, m)),
    "text": (TypeError, "Unsupported type", lambda g, p, m: (g, "0.1", p, m)),
    "number for an output": (TypeError, "Output arguments", lambda g, p, m: (g, 0.1, p, 1.0)),
    "two types": (TypeError, "Type is mismatched. g float32 float64", lambda g, p, m: (cp.asarray(FLOATS), 0.1, p, m)),
    "too few": (TypeError, "Wrong number of arguments", lambda g, p, m: (g, 0.1, p)),
    "too many": (TypeError, "Wrong number of arguments", lambda g, p, m: (g, 0.1, p, m, m)),
    "two shapes": (NotImplementedError, "one shape", lambda g, p, m: (g[:2], 0.1, p, m)),
    "strided": (NotImplementedError, "contiguous", lambda g, p, m: (g[::2], 0.1, p[::2], m[::2])),
    "integers": (NotImplementedError, "not int64", lambda g, p, m: (*[cp.arange(3)] * 2, *[cp.arange(3)] * 2)),
}


@pytest.mark.parametrize("what", REFUSED_BY_KERNELS)
def test_a_kernel_refuses(what):
    error, message, change = REFUSED_BY_KERNELS[what]
    g, p, m = cp.ones(3), cp.ones(3), cp.ones(3)
    with pytest.raises(error, match=message):
        kernel()(*change(g, p, m))
    assert p.tolist() == m.tolist() == [1.0] * 3


def test_a_kernel_refuses_another_device():
    g, p = cp.ones(3), cp.ones(3)
    with cp.cuda.Device(1):
        m = cp.ones(3)
        everywhere_else = cp.ones(3)
    for arrays in ((g, 0.1, p, m), (m, 0.1, everywhere_else, m)):
        with pytest.raises(ValueError, match="different from the current device"):
            kernel()(*arrays)
    assert p.tolist() == m.tolist() == [1.0] * 3


def test_no_elements_are_no_launch():
    step = kernel(no_return=True)
    step(cp.empty(0), 0.1, cp.empty(0), cp.empty(0))
    assert step.launches == 0


def test_kernels_are_made_as_cupys_are(real):
    """The same parameters; where one refuses to be made, the other does, too."""
    signature = real.ElementwiseKernel.__doc__.splitlines()[0]
    mine = inspect.signature(cp.ElementwiseKernel)
    assert signature == "ElementwiseKernel" + str(mine)
    for package in (cp, real):
        with pytest.raises(ValueError, match="Can not use 'i'"):
            package.ElementwiseKernel("T i", "T p", "p = 1;")
    theirs = real.ElementwiseKernel("T g, T lr", "T p, T m", "", "step")
    assert (kernel().nin, kernel().nout, kernel().name) == (theirs.nin, theirs.nout, theirs.name)


# Putting it in place.

@pytest.fixture
def no_gpu():
    if standin.gpu_is_usable():
        pytest.skip("a real GPU is usable here")


def test_install_and_uninstall(no_gpu):
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ("cupy", "cupyx")}
    assert standin.install() is cp
    try:
        import cupy
        import cupy.cuda.runtime
        import cupyx.scipy.special
        assert cupy is cp and cupyx.scipy.special is SPECIAL and cupy.cuda.runtime is cp.cuda.runtime
        with pytest.raises(RuntimeError, match="installed already"):
            standin.install()
        cp.cuda.Device(1).use()
    finally:
        standin.uninstall()
    after = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ("cupy", "cupyx")}
    assert after.keys() >= before.keys() and all(after[name] is module for name, module in before.items())
    assert cp not in after.values() and cp.cuda.get_device_id() == 0
    with pytest.raises(RuntimeError, match="not installed"):
        standin.uninstall()


def test_install_refuses_beside_a_real_gpu(monkeypatch):
    monkeypatch.setattr(standin, "gpu_is_usable", lambda: True)
    with pytest.raises(RuntimeError, match="real GPU"):
        standin.install()


def test_the_absence_of_cupy_is_no_obstacle(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # makes `import cupy` raise ImportError
    assert standin.gpu_is_usable() is False
