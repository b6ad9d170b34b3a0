"""When a law runs as a compiled loop, that nothing but the clock can tell, and what happens where Numba cannot help."""

import copy
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from minigrad.kernels import Law, law_from_text, load, numba_run, use_numba
from minigrad.kernels.numpy_run import CHUNK

ROOT = Path(__file__).resolve().parents[2]
LONG = numba_run.LONG
SCALARS = {"lr": 0.01, "c1": 0.1, "c2": 0.001, "eps": 1e-8}
SCALE = "// scale(g | p | c)\np = c * g;\n"


@pytest.fixture
def numba(numba_is_off, monkeypatch):
    """Numba, switched on; for laws without a file, so that nothing is kept on disk."""
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba_run._Switch, "on", True)
    monkeypatch.setattr(numba_run, "_HERE", "no folder")
    return numba


@pytest.fixture
def loops_run(numba, monkeypatch):
    """The lengths on which compiled loops ran, in order."""
    lengths = []
    compiled = numba_run.compiled

    def compiled_and_watched(*arguments):
        function = compiled(*arguments)

        def watched(*values):
            lengths.append(len(values[0]))
            function(*values)

        return watched

    monkeypatch.setattr(numba_run, "compiled", compiled_and_watched)
    return lengths


def adam():
    """Adam with nothing compiled yet."""
    law = load("adam")
    return Law(law._tree, law.flags)


def arrays_for_adam(size, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    g, p, m, v = (rng.normal(size=size).astype(dtype) for _ in range(4))
    return [g, p, m, v * v]


def scale():
    return law_from_text(SCALE, "scale.cu")


def check_scale(law, g, p):
    law(g, p, c=0.1)
    np.testing.assert_array_equal(p, np.asarray(g) * g.dtype.type(0.1))
    assert p[-1] != 0


# ---- long enough


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_length_decides_what_runs_and_never_what_comes_out(dtype, loops_run):
    law = adam()
    for size in (0, 1, LONG - 1, LONG, LONG + 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5):
        arrays = arrays_for_adam(size, dtype)
        expected = [array.copy() for array in arrays]
        for _ in range(3):
            law(*arrays, **SCALARS)
            law.on(*arrays)(**SCALARS)
            with use_numba(False):
                law(*expected, **SCALARS)
                law.on(*expected)(**SCALARS)
        for array, other in zip(arrays, expected):
            np.testing.assert_array_equal(array, other)
    assert loops_run == [size for size in (LONG, LONG + 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5) for _ in range(6)]


def test_numpy_scalars_and_whole_numbers_are_scalars_too(loops_run):
    g = np.linspace(1, 2, LONG, dtype=np.float32)
    for c in (np.float64(0.1), np.float32(0.1), np.array(0.1), 3):
        p = np.empty_like(g)
        scale()(g, p, c=c)
        np.testing.assert_array_equal(p, g * np.float32(c))
    assert len(loops_run) == 4


def test_overflow_and_invalid_values_pass_without_a_warning(loops_run):
    law = law_from_text("// f(g | p | c)\np = sqrt(g) / (g - g) * c;\n", "f.cu")
    g = np.resize(np.array([-1.0, 0.0, 4.0, np.inf, np.nan], np.float32), LONG)
    p = np.empty_like(g)
    law(g, p, c=1e300)  # larger than any float32; warnings are errors in these tests
    np.testing.assert_array_equal(p[:5], np.array([np.nan, np.nan, np.inf, np.nan, np.nan], np.float32))
    assert loops_run == [LONG]


def test_a_wrong_scalar_is_refused_before_anything_is_written(loops_run):
    law = adam()
    arrays = arrays_for_adam(LONG)
    before = [array.copy() for array in arrays]
    for call in (law, lambda *arrays, **scalars: law.on(*arrays)(**scalars)):
        with pytest.raises(TypeError, match="law adam: eps is a str, 'small': pass a number"):
            call(*arrays, **SCALARS | {"eps": "small"})
        with pytest.raises(TypeError, match="misses the scalar eps"):
            call(*arrays, lr=0.1, c1=0.1, c2=0.1)
    for array, other in zip(arrays, before):
        np.testing.assert_array_equal(array, other)
    assert loops_run == []


# ---- what stays with NumPy


def read_only(g):
    g.flags.writeable = False
    return g


def unaligned(g):
    raw = np.empty(g.nbytes + 1, np.uint8)[1:].view(g.dtype)
    raw[:] = g
    assert not raw.flags.aligned
    return raw


class Marked(np.ndarray):
    pass


UNFIT = {
    "float16": lambda g: g.astype(np.float16),
    "long double": lambda g: g.astype(np.longdouble),
    "bytes swapped": lambda g: g.astype(g.dtype.newbyteorder()),
    "read-only": read_only,
    "unaligned": unaligned,
    "a subclass": lambda g: g.view(Marked),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_arrays_that_the_loop_is_not_made_for_stay_with_numpy(kind, loops_run):
    g = UNFIT[kind](np.linspace(1, 2, LONG, dtype=np.float64))
    p = np.zeros(LONG, g.dtype)
    check_scale(scale(), g, p)
    assert loops_run == []


def test_a_law_that_gains_nothing_stays_with_numpy(loops_run):
    law = law_from_text("// f(g | p | )\np = exp(g);\n", "f.cu")
    g = np.linspace(-1, 1, LONG)
    p = np.empty_like(g)
    law(g, p)
    law.on(g, p)()
    np.testing.assert_array_equal(p, np.exp(g))
    assert loops_run == []


# ---- the switch


def test_the_switch_holds_for_laws_bound_before(loops_run):
    g, p = np.linspace(1, 2, LONG), np.empty(LONG)
    bound = scale().on(g, p)
    bound(c=2.0)
    use_numba(False)
    bound(c=3.0)
    np.testing.assert_array_equal(p, 3 * g)
    assert len(loops_run) == 1
    late = scale().on(g, p)
    late(c=4.0)
    np.testing.assert_array_equal(p, 4 * g)
    assert len(loops_run) == 1
    use_numba(True)
    late(c=5.0)
    np.testing.assert_array_equal(p, 5 * g)
    assert len(loops_run) == 2


def test_a_block_gives_back_what_it_found(numba):
    with use_numba(False):
        with use_numba(True):
            assert numba_run._Switch.on
        assert not numba_run._Switch.on
    assert numba_run._Switch.on
    with pytest.raises(ZeroDivisionError):
        with use_numba(False):
            1 / 0
    assert numba_run._Switch.on


def test_the_switch_is_true_or_false():
    with pytest.raises(TypeError, match="takes True or False, not 'yes'"):
        use_numba("yes")
    assert not numba_run._Switch.on


# ---- threads and copies


def test_threads_compile_a_law_once(loops_run, monkeypatch):
    law, compiled, compilations = adam(), numba_run.compiled, []
    monkeypatch.setattr(numba_run, "compiled", lambda *arguments: compilations.append(1) or compiled(*arguments))
    samples = [arrays_for_adam(LONG, seed=seed) for seed in range(4)]
    expected = [[array.copy() for array in sample] for sample in samples]
    with use_numba(False):
        for sample in expected:
            for _ in range(10):
                law(*sample, **SCALARS)
    barrier = threading.Barrier(4)

    def work(sample):
        barrier.wait()
        for _ in range(10):
            law(*sample, **SCALARS)

    threads = [threading.Thread(target=work, args=(sample,)) for sample in samples]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for sample, other in zip(samples, expected):
        for one, two in zip(sample, other):
            np.testing.assert_array_equal(one, two)
    assert len(compilations) == 1 and len(loops_run) == 40


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda law: pickle.loads(pickle.dumps(law))])
def test_a_law_that_has_been_compiled_can_be_copied(copied, loops_run):
    law, g, p = scale(), np.linspace(1, 2, LONG), np.empty(LONG)
    law(g, p, c=0.1)
    check_scale(copied(law), g, p)
    assert len(loops_run) == 2


# ---- in processes of their own


STEP = """
import sys
import numpy as np
from minigrad import kernels

def step(size):
    arrays = [np.linspace(0.5, 1.5, size, dtype=np.float32) for _ in range(4)]
    kernels.load("adam")(*arrays, lr=0.01, c1=0.1, c2=0.001, eps=1e-8)
    return float(arrays[1].sum(dtype=np.float64))
"""


def python(code, **environment):
    """What a new Python prints that can call step(size); it must write nothing to stderr."""
    environment = dict(os.environ, OMP_NUM_THREADS="1") | environment
    command = [sys.executable, "-W", "error", "-c", STEP + code]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.fixture(scope="module")
def sum_by_numpy():
    return python(f"print(step({LONG}))", MINIGRAD_NUMBA="0")


def test_numba_is_not_loaded_before_a_vector_is_long_enough(tmp_path):
    pytest.importorskip("numba")
    code = f"step({LONG - 1}); print('numba' in sys.modules); step({LONG}); print('numba' in sys.modules)"
    assert python(code, NUMBA_CACHE_DIR=str(tmp_path)) == ["False", "True"]


def test_an_environment_variable_switches_it_off(sum_by_numpy):
    code = f"print(step({LONG}), 'numba' in sys.modules)"
    assert python(code, MINIGRAD_NUMBA="0") == [*sum_by_numpy, "False"]


def test_without_numba_everything_runs_on_numpy(sum_by_numpy):
    code = f"""
sys.modules["numba"] = None  # its import fails now
print(step({LONG}))
try:
    kernels.use_numba(True)
except ImportError as error:
    print(error)
kernels.use_numba(False)
"""
    total, *message = python(code)
    assert [total] == sum_by_numpy
    assert " ".join(message).endswith("pip install 'minigrad[fast]'")


def test_numba_told_not_to_compile_leaves_everything_to_numpy(sum_by_numpy):
    pytest.importorskip("numba")
    assert python(f"print(step({LONG}))", NUMBA_DISABLE_JIT="1") == sum_by_numpy


CACHED = f"""
print(step({LONG}))
(loop,) = kernels.load("adam")._numba._compiled.values()
print(*(sum(counts.values()) for counts in (loop.stats.cache_hits, loop.stats.cache_misses)))
"""


def test_a_compiled_law_is_kept_for_the_next_process_and_a_damaged_one_does_no_harm(tmp_path, sum_by_numpy):
    pytest.importorskip("numba")
    place = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert python(CACHED, **place) == [*sum_by_numpy, "0", "1"]
    assert python(CACHED, **place) == [*sum_by_numpy, "1", "0"]
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} == {".nbi", ".nbc"}
    for path in kept:
        path.write_bytes(b"damaged")
    assert python(CACHED, **place)[:1] == sum_by_numpy


@pytest.mark.parametrize("error", [RuntimeError("no locator available"), OSError("no space left on device")])
def test_where_nothing_can_be_kept_a_law_is_compiled_all_the_same(error, loops_run, monkeypatch):
    monkeypatch.setattr(numba_run, "_HERE", os.path.dirname(numba_run.__file__))
    dispatcher, asked = numba_run._dispatcher, []

    def nothing_kept(loop, signature, path, cache):
        asked.append(cache)
        if cache:
            raise error
        return dispatcher(loop, signature, path, cache)

    monkeypatch.setattr(numba_run, "_dispatcher", nothing_kept)
    law = adam()
    arrays = arrays_for_adam(LONG)
    expected = [array.copy() for array in arrays]
    law(*arrays, **SCALARS)
    with use_numba(False):
        law(*expected, **SCALARS)
    np.testing.assert_array_equal(arrays, expected)
    assert asked == [True, False] and loops_run == [LONG]
