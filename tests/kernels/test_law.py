"""Laws as callables: chunks, dtypes, flags, sharing, and what they refuse."""

import copy
import math
import pickle
import sys
import threading
import tracemalloc
import warnings

import numpy as np
import pytest

from minigrad import kernels
from minigrad.kernels import law_from_text, load
from minigrad.kernels.numpy_run import CHUNK
from tests import standin

BLEND = """// Moving average.
// blend(g | m, n | c, s)
T d = g - m;
m += c * d;
bool low = m < s;
n = where(low, n, sqrt(fabs(d)));
"""


def blend_longhand(g, m, n, c, s):
    g, m, n = (array.astype(np.float64) for array in (g, m, n))
    new = m + c * (g - m)
    return new, np.array([n_i if m_i < s else math.sqrt(abs(d)) for n_i, m_i, d in zip(n, new, g - m)])


def three_arrays(size, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=size).astype(dtype) for _ in range(3)]


# ---- running


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("size", [0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_every_element_is_updated_once_whatever_the_length(size, bound):
    law = law_from_text(BLEND, "blend.cu")
    g, m, n = three_arrays(size)
    before = g.copy()
    expected_m, expected_n = blend_longhand(g, m, n, 0.25, 0.5)
    if bound:
        assert law.on(g, m, n)(c=0.25, s=0.5) is None
    else:
        assert law(g, m, n, c=0.25, s=0.5) is None
    np.testing.assert_array_equal(g, before)
    np.testing.assert_array_equal(m, expected_m)
    np.testing.assert_allclose(n, expected_n, rtol=1e-15)


def test_a_bound_law_follows_its_arrays_and_takes_new_scalars_each_time():
    law = law_from_text(BLEND, "blend.cu")
    g, m, n = three_arrays(70_000)
    step = law.on(g, m, n)
    for c in (0.25, 0.5):
        g[:] = np.random.default_rng(7).normal(size=g.size)
        expected_m, expected_n = blend_longhand(g, m, n, c, 0.0)
        step(c=c, s=0.0)
        np.testing.assert_array_equal(m, expected_m)
        np.testing.assert_allclose(n, expected_n, rtol=1e-15)


@pytest.mark.parametrize("dtype, tolerance", [(np.float16, 2e-3), (np.float32, 3e-7), (np.float64, 1e-15)])
def test_results_keep_the_dtype_and_its_accuracy(dtype, tolerance):
    law = law_from_text(BLEND, "blend.cu")
    g, m, n = three_arrays(1000, dtype)
    expected_m, _ = blend_longhand(g, m, n, 0.1, 5.0)
    law(g, m, n, c=0.1, s=5.0)
    assert m.dtype == n.dtype == dtype
    np.testing.assert_allclose(m, expected_m, rtol=0, atol=4 * tolerance)


@pytest.mark.parametrize("scalar", [np.float64(0.1), np.float32(0.1), np.array(0.1)])
def test_a_numpy_scalar_never_raises_the_precision(scalar):
    law = law_from_text("// scale(g | p | c)\np = c * g;\n", "scale.cu")
    g = np.linspace(1, 2, 1001, dtype=np.float32)
    p = np.empty_like(g)
    law(g, p, c=scalar)
    np.testing.assert_array_equal(p, g * np.float32(0.1))


def test_a_whole_number_is_a_scalar_too():
    law = law_from_text("// scale(g | p | c)\np = c * g;\n", "scale.cu")
    p = np.empty(2)
    law(np.array([1.0, 2.0]), p, c=3)
    assert p.tolist() == [3.0, 6.0]


def test_overflow_and_invalid_values_pass_without_a_warning_and_warnings_come_back():
    law = law_from_text("// f(g | p | c)\np = where(g < 0, log(g), exp(g)) / (g - g) * c;\n", "f.cu")
    g = np.array([-1.0, 0.0, 1000.0, np.inf, np.nan], np.float32)
    p = np.empty_like(g)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        law(g, p, c=1e300)  # larger than any float32
        law.on(g, p)(c=1e300)
        with pytest.raises(RuntimeWarning):
            np.divide(np.float32(1), np.zeros(1, np.float32))
    np.testing.assert_array_equal(p, np.array([np.nan, np.inf, np.inf, np.nan, np.nan], np.float32))


def test_lengths_and_dtypes_may_alternate():
    law = law_from_text(BLEND, "blend.cu")
    for size in [5, 40_000, 3, 5, *range(600), 33_000]:
        for dtype in (np.float32, np.float64):
            g, m, n = three_arrays(size, dtype)
            expected_m, _ = blend_longhand(g, m, n, 0.5, 0.0)
            law(g, m, n, c=0.5, s=0.0)
            np.testing.assert_allclose(m, expected_m, rtol=0, atol=1e-6)


def test_threads_share_a_law():
    law = law_from_text(BLEND, "blend.cu")
    samples = [three_arrays(20_000, seed=seed) for seed in range(4)]
    expected = [blend_longhand(*sample, 0.5, 0.0)[0] for sample in samples]
    barrier = threading.Barrier(4)
    results: dict[int, list] = {seed: [] for seed in range(4)}

    def work(seed):
        barrier.wait()
        for _ in range(30):
            g, m, n = (array.copy() for array in samples[seed])
            law(g, m, n, c=0.5, s=0.0)
            results[seed].append(m)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for seed in range(4):
        assert len(results[seed]) == 30
        for m in results[seed]:
            np.testing.assert_array_equal(m, expected[seed])


def test_a_law_may_be_called_while_it_is_being_called():
    law = law_from_text("// scale(g | p | c)\np = c * g + c;\n", "scale.cu")
    inner = np.empty(3)

    class Calling:
        def __float__(self):
            law(np.ones(3), inner, c=5.0)
            return 2.0

    p = np.empty(3)
    law(np.ones(3), p, c=Calling())
    assert p.tolist() == [4.0] * 3 and inner.tolist() == [10.0] * 3


def test_views_subclasses_and_scalarlike_strides_are_arrays_too(tmp_path):
    law = law_from_text("// add(g | p | )\np += g;\n", "add.cu")
    base = np.arange(6.0)
    law(base[:2], base[4:])
    assert base.tolist() == [0, 1, 2, 3, 4, 6]
    law(base[::5][:1], base[::3][1:2])  # a single element is contiguous, whatever its stride
    assert base.tolist() == [0, 1, 2, 3, 4, 6]
    mapped = np.memmap(tmp_path / "p", dtype=np.float64, mode="w+", shape=(6,))
    law(base, mapped)
    assert mapped.tolist() == base.tolist()


class Elsewhere:
    """Arrays of another library: they answer ufuncs, where and empty_like, and mix only with themselves and floats."""

    def __init__(self, array):
        self.array = array

    dtype = property(lambda self: self.array.dtype)
    shape = property(lambda self: self.array.shape)
    flags = property(lambda self: self.array.flags)

    def __len__(self):
        return len(self.array)

    def __setitem__(self, place, value):
        self.array[place] = unwrap(value)

    def __array_ufunc__(self, ufunc, method, *inputs, out):
        assert method == "__call__"
        assert len({len(value) for value in (*inputs, *out) if isinstance(value, Elsewhere)}) == 1
        ufunc(*map(unwrap, inputs), out=tuple(map(unwrap, out)))
        return out[0]

    def __array_function__(self, function, types, args, kwargs):
        assert function in (np.where, np.empty_like)
        return Elsewhere(function(*map(unwrap, args), **kwargs))


def unwrap(value):
    assert isinstance(value, (Elsewhere, float)), type(value)
    return value.array if isinstance(value, Elsewhere) else value


@pytest.mark.parametrize("bound", [False, True])
def test_arrays_of_another_library_are_worked_through_whole(bound):
    law = law_from_text(BLEND, "blend.cu")
    arrays = three_arrays(CHUNK + 5, np.float32)
    here = [array.copy() for array in arrays]
    there = [Elsewhere(array) for array in arrays]
    law(*here, c=0.1, s=0.0)
    law.on(*there)(c=0.1, s=0) if bound else law(*there, c=0.1, s=0)
    for one, other in zip(here, there):
        np.testing.assert_array_equal(one, other.array)


def test_arrays_of_another_library_raise_no_warnings_either():
    law = law_from_text("// f(g | p | c)\np = c * log(g) / (g - g);\n", "f.cu")
    p = np.empty(2, np.float32)
    law(Elsewhere(np.array([-1, 1], np.float32)), Elsewhere(p), c=0.5)
    assert np.isnan(p).all()


def test_cupy_arrays_give_what_numpy_arrays_give():
    law = law_from_text(BLEND, "blend.cu")
    arrays = three_arrays(CHUNK + 5, np.float32)
    there = [standin.cupy.asarray(array) for array in arrays]
    law(*arrays, c=0.1, s=0.0)
    law(*there, c=0.1, s=0.0)
    for one, other in zip(arrays, there):
        np.testing.assert_array_equal(one, other.get())


# ---- choosing


FLAGGED = """// pick(g, h | p, m | lr, c)
p -= lr * g;
#if average
m += c * (g - m);
#endif
#if twice
p -= lr * h;
#endif
"""


def test_the_call_takes_only_what_the_chosen_flags_use():
    plain = law_from_text(FLAGGED, "pick.cu")
    assert (plain.inputs, plain.updated, plain.scalars) == (("g",), ("p",), ("lr",))
    full = law_from_text(FLAGGED, "pick.cu", average=True, twice=True)
    assert (full.inputs, full.updated, full.scalars) == (("g", "h"), ("p", "m"), ("lr", "c"))
    assert full.flags == {"average", "twice"}
    assert repr(full) == "<law pick(g, h | p, m | lr, c) #average #twice>"
    g, h, p, m = (np.array([value]) for value in (1.0, 2.0, 10.0, 4.0))
    full(g, h, p, m, lr=0.5, c=0.25)
    assert (p[0], m[0]) == (10 - 0.5 - 1.0, 4 + 0.25 * (1 - 4))
    plain(g, p, lr=0.5)
    assert p[0] == 8.0


def test_a_law_keeps_its_name_its_text_and_its_doc():
    law = law_from_text(BLEND, "somewhere/blend.cu")
    assert (law.name, law.text, law.doc) == ("blend", BLEND, "Moving average.")


def test_the_source_is_what_runs_and_reads_in_the_laws_own_names():
    law = law_from_text(BLEND, "blend.cu")
    source = law.source("numpy")
    assert source.startswith("def blend(g, m, n, c, s, ")
    for line in BLEND.splitlines()[2:]:
        assert f"    # {line}\n" in source
    scope = dict(vars(np))
    exec(source, scope)
    arrays = three_arrays(10)
    expected_m, _ = blend_longhand(*arrays, 0.5, 0.0)
    names = source[source.index("(") + 1 : source.index(")")].split(", ")[5:]
    scratch = [np.empty(10, bool if name.startswith("_b") else float) for name in names]
    scope["blend"](*arrays, 0.5, 0.0, *scratch)
    np.testing.assert_array_equal(arrays[1], expected_m)
    with pytest.raises(ValueError, match="law blend has no lowering 'fortran'; there are 'numpy', 'cuda'"):
        law.source("fortran")


def test_load_gives_one_law_for_one_request():
    assert kernels.names() == sorted(kernels.names())
    assert {"adam", "sgd"} <= set(kernels.names())
    assert load("sgd") is load("sgd", momentum=False)
    assert load("sgd", momentum=True, nesterov=True) is load("sgd", nesterov=True, momentum=True)
    assert load("sgd", momentum=True) is not load("sgd")


def test_load_refuses_what_does_not_exist():
    with pytest.raises(ValueError, match=r"there is no law 'adamx'; there are .*adam, .*sgd"):
        load("adamx")
    with pytest.raises(ValueError, match="there is no law '../kernels/adam'"):
        load("../kernels/adam")
    known = "amsgrad, decoupled, maximize, weight_decay"
    with pytest.raises(ValueError, match=f"law adam has no flag nesterov: its flags are {known}"):
        load("adam", nesterov=False)
    with pytest.raises(TypeError, match="flag momentum of law sgd is 0.9, not True or False"):
        load("sgd", momentum=0.9)
    with pytest.raises(ValueError, match="law add has no flag one: it has none"):
        law_from_text("// add(g | p | )\np += g;\n", "add.cu", one=True)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda law: pickle.loads(pickle.dumps(law))])
def test_a_law_can_be_copied_and_pickled_and_a_bound_one_cannot(copied):
    law = law_from_text(FLAGGED, "pick.cu", average=True)
    p, m = np.zeros(2), np.zeros(2)
    copied(law)(np.ones(2), p, m, lr=0.5, c=0.25)
    assert p.tolist() == [-0.5] * 2 and m.tolist() == [0.25] * 2
    assert repr(copied(law)) == repr(law)
    with pytest.raises(TypeError, match="a bound law pick cannot be copied"):
        copied(law.on(np.ones(2), p, m))


# ---- refusing


def good():
    return {"g": np.ones(4), "m": np.ones(4), "n": np.ones(4)}


def read_only():
    array = np.ones(4)
    array.flags.writeable = False
    return array


BAD_ARRAYS = [
    ({"g": np.ones(3)}, ValueError, r"law blend: m has shape \(4,\) and g \(3,\)"),
    ({"n": np.ones(3)}, ValueError, r"law blend: n has shape \(3,\) and g \(4,\)"),
    ({"n": np.ones(1)}, ValueError, r"law blend: n has shape \(1,\) and g \(4,\)"),
    ({"m": np.ones((4, 1))}, ValueError, r"law blend: m has shape \(4, 1\), not one dimension"),
    ({"g": np.ones(())}, ValueError, r"law blend: g has shape \(\), not one dimension"),
    ({"m": np.ones(4, np.float32)}, TypeError, "law blend: m has dtype float32 and g float64"),
    ({"g": np.ones(4, np.int64)}, TypeError, "law blend: g has dtype int64: a law works on floats"),
    ({"g": np.ones(4, complex)}, TypeError, "law blend: g has dtype complex128: a law works on floats"),
    ({"m": np.ones(8)[::2]}, ValueError, "law blend: m is not contiguous"),
    ({"g": np.ones(8)[::2]}, ValueError, "law blend: g is not contiguous"),
    ({"n": read_only()}, ValueError, "law blend: n is read-only"),
    ({"g": [1.0] * 4}, TypeError, "law blend: g is a list, no array"),
    ({"n": None}, TypeError, "law blend: n is a NoneType, no array"),
    ({"n": Elsewhere(np.ones(4))}, TypeError, r"law blend: n is a .*Elsewhere and g a numpy.ndarray: move all"),
    ({"g": Elsewhere(np.ones(4))}, TypeError, r"law blend: m is a numpy.ndarray and g a .*Elsewhere: move all"),
]


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("bad, error, words", BAD_ARRAYS)
def test_a_bad_array_is_named_and_nothing_is_written(bad, error, words, bound):
    law = law_from_text(BLEND, "blend.cu")
    arrays = good() | bad
    with pytest.raises(error, match=words):
        law.on(*arrays.values()) if bound else law(*arrays.values(), c=0.5, s=2.0)
    for name, array in arrays.items():
        if name not in bad:
            np.testing.assert_array_equal(array, np.ones(4))


def test_a_read_only_input_is_fine():
    p = np.ones(4)
    law_from_text("// add(g | p | )\np += g;\n", "add.cu")(read_only(), p)
    assert p.tolist() == [2.0] * 4


def test_one_array_for_two_arguments_is_refused():
    law = law_from_text(BLEND, "blend.cu")
    g, m = np.ones(4), np.ones(4)
    with pytest.raises(ValueError, match="law blend: n is the same array as m"):
        law(g, m, m, c=0.5, s=2.0)
    with pytest.raises(ValueError, match="law blend: m is the same array as g"):
        law.on(g, g, m)
    assert g.tolist() == m.tolist() == [1.0] * 4


BAD_SCALARS = [
    ({"c": 0.5}, "law blend misses the scalar s: call it (g, m, n, c=..., s=...)"),
    ({"c": 0.5, "s": 1.0, "lr": 1.0}, "law blend knows no scalar lr: call it (g, m, n, c=..., s=...)"),
    ({"c": 0.5, "lr": 1.0}, "law blend misses the scalar s and knows no scalar lr"),
    ({"c": 0.5, "s": None}, "law blend: s is a NoneType, None: pass a number"),
    ({"c": 0.5, "s": "1"}, "law blend: s is a str, '1': pass a number"),
    ({"c": 0.5, "s": 1j}, "law blend: s is a complex, 1j: pass a number"),
    ({"c": 0.5, "s": np.ones(2)}, "law blend: s is a numpy.ndarray, array([1., 1.]): pass a number"),
]


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("scalars, words", BAD_SCALARS)
def test_a_bad_scalar_is_named_and_nothing_is_written(scalars, words, elsewhere, bound):
    law = law_from_text(BLEND, "blend.cu")
    arrays = list(good().values())
    passed = [Elsewhere(array) for array in arrays] if elsewhere else arrays
    with pytest.raises(TypeError) as caught:
        law.on(*passed)(**scalars) if bound else law(*passed, **scalars)
    assert words in str(caught.value)
    for array in arrays:
        np.testing.assert_array_equal(array, np.ones(4))
    law(*arrays, c=0.5, s=2.0)  # the failed call has left nothing behind
    np.testing.assert_array_equal(arrays[1], np.ones(4))


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_a_wrong_number_of_arrays_is_refused(count):
    law = law_from_text(BLEND, "blend.cu")
    arrays = [np.ones(4) for _ in range(count)]
    with pytest.raises(TypeError, match=f"law blend takes 3 arrays, g, m, n, not {count}: call it"):
        law(*arrays, c=0.5, s=2.0)
    with pytest.raises(TypeError, match=f"law blend takes 3 arrays, g, m, n, not {count}: call it"):
        law.on(*arrays)
    assert all(array.tolist() == [1.0] * 4 for array in arrays)


# ---- cost


def test_the_lowered_function_runs_once_a_chunk():
    law = law_from_text("// ema(g | m | c)\nm += c * (g - m);\n", "ema.cu")
    calls = []

    def profile(frame, event, argument):
        if event == "call" and frame.f_code.co_name == "ema":
            calls.append(frame.f_code.co_argcount)

    for size in (CHUNK, CHUNK + 1, 2 * CHUNK + 1):
        g, m = np.ones(size), np.ones(size)
        sys.setprofile(profile)
        try:
            law(g, m, c=0.5)
        finally:
            sys.setprofile(None)
    assert calls == [4] * (1 + 2 + 3)  # each with g, m, c and one scratch array


def test_scratch_is_kept_between_calls():
    law = load("adam")
    arrays = [np.ones(20_000) for _ in range(4)]
    scalars = {"lr": 0.1, "c1": 0.1, "c2": 0.1, "eps": 1e-8}
    law(*arrays, **scalars)
    tracemalloc.start()
    try:
        law(*arrays, **scalars)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000  # one scratch array would be 160 kB


def test_what_is_kept_for_each_length_is_bounded():
    law = law_from_text("// ema(g | m | c)\nm += c * (g - m);\n", "ema.cu")
    g, m = np.ones(5000), np.ones(5000)
    law(g, m, c=0.5)
    tracemalloc.start()
    try:
        for size in range(5000):
            law(g[:size], m[:size], c=0.5)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 200_000  # a list and a view for each of 5000 lengths would be 1 MB
