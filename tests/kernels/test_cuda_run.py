"""Laws on CuPy arrays: on a GPU where there is one, else the emitted body compiled by the C compiler."""

import itertools
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import kernels
from minigrad.kernels import law_from_text
from tests import standin
from tests.kernels.choices import choices, special_arguments, special_values, ulps_apart, worst_ulps

DTYPES = [np.float32, np.float64]
BLEND = """// blend(g | m, n | c, s)
T d = g - m;
m += c * d;
bool low = m < s;
n = where(low, n, sqrt(fabs(d)));
"""


@pytest.fixture(scope="module")
def cp(cuda):
    """CuPy, or the stand-in."""
    import cupy

    return cupy


@pytest.fixture
def launches(cp):
    """How often a law's kernel was launched; the stand-in counts, a GPU does not."""
    if cp is not standin.cupy:
        pytest.skip("only the stand-in counts launches")
    return lambda law: law._cupy_runner().kernel.launches


def compile_at_once(cp, laws, dtype):
    """Spare the stand-in a run of the C compiler for each law."""
    if cp is standin.cupy:
        cp._kernel.compile_kernels([(law._cupy_runner().kernel, dtype) for law in laws])


def require_exact_arithmetic(cp):
    if cp is not standin.cupy:
        pytest.skip("a GPU flushes denormals and fuses multiplications with additions")


def arrays_for_blend(rng, size=1000, dtype=np.float32):
    return [rng.normal(size=size).astype(dtype) for _ in range(3)]


# ---- agreement with the NumPy lowering


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", kernels.names())
def test_every_program_agrees_with_numpys_to_8_ulp(name, dtype, cp, rng):
    require_exact_arithmetic(cp)
    laws = choices(name)
    compile_at_once(cp, laws.values(), dtype)
    for called, law in laws.items():
        for _ in range(3):
            arrays, scalars = special_arguments(law, dtype, rng)
            there = [cp.asarray(array) for array in arrays]
            starts = [array.copy() for array in arrays]
            law(*arrays, **scalars)
            law(*there, **scalars)
            for parameter, here, other in zip(law.inputs + law.updated, arrays, there):
                apart = worst_ulps(law, starts, scalars, parameter, here, other.get())
                assert apart <= 8, f"{called} {scalars}: {parameter} is {apart} ulp apart"


@pytest.mark.parametrize("name", kernels.names())
def test_every_program_does_to_ordinary_numbers_what_numpys_does(name, cp, rng):
    laws = choices(name)
    compile_at_once(cp, laws.values(), np.float64)
    for called, law in laws.items():
        arrays = [rng.uniform(0.1, 1.0, 1000) * rng.choice([-1, 1], 1000) for _ in law.inputs]
        arrays += [rng.uniform(0.1, 1.0, 1000) for _ in law.updated]  # among them what a root is taken of
        scalars = {scalar: rng.uniform(0.05, 0.95) for scalar in law.scalars}
        before = [array.copy() for array in arrays]
        there = [cp.asarray(array) for array in arrays]
        law(*arrays, **scalars)
        law.on(*there)(**scalars)
        for parameter, here, other in zip(law.inputs + law.updated, arrays, there):
            np.testing.assert_allclose(other.get(), here, rtol=1e-9, atol=1e-12, err_msg=f"{called}: {parameter}")
        changed = [not np.array_equal(old, new) for old, new in zip(before, arrays)]
        assert not any(changed[: len(law.inputs)]) and any(changed[len(law.inputs) :])


# Every function and operator, on every pair of special values.
EVERY = [
    "a + b * 0.1 - b / a", "-a * s", "sqrt(a)", "cbrt(a)", "exp(a)", "log(a)", "fabs(a) - fabs(-b)", "sign(a)",
    "sign(a - b) * 2", "copysign(a, b)", "copysign(s, a * b)", "maximum(a, b)", "minimum(a, b)", "maximum(s, a)",
    "minimum(a + b, a * b)", "maximum(0.5, a)", "minimum(b, 0.5)", "where(a < b, a, b)", "where(a <= b, s, b)",
    "where(a > b, 1, a) - where(a >= b, b, 2)", "where(a == b, a, -a)", "where(a != s, a, b)",
    "where(both(a < 2, b != 0), where(a < b, a, s), b)", "a - (b - (a - 1e-8))", "a / (b / 3) / a",
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_expression_agrees_with_numpys_to_8_ulp(dtype, cp):
    require_exact_arithmetic(cp)
    pairs = np.array(list(itertools.product(special_values(dtype), repeat=2)), dtype)
    a, b = (np.ascontiguousarray(column) for column in pairs.T)
    laws = [law_from_text(f"// f(a, b | p, q | s)\np = {e};\nq = a + b + s;\n", "f.cu") for e in EVERY]
    compile_at_once(cp, laws, dtype)
    for expression, law in zip(EVERY, laws):
        here, there = np.empty_like(a), cp.empty(a.size, dtype)
        law(a, b, here, np.empty_like(a), s=0.7)
        law(cp.asarray(a), cp.asarray(b), there, cp.empty(a.size, dtype), s=0.7)
        apart = ulps_apart(here, there.get())
        assert apart.max() <= 8, f"{expression} of {a[apart.argmax()]}, {b[apart.argmax()]}: {apart.max()} ulp"


def test_a_scalar_is_rounded_once_from_the_hosts_double(cp):
    law = law_from_text("// scale(g | p | c)\np = c * g;\n", "scale.cu")
    g = cp.asarray(np.linspace(1, 2, 101, dtype=np.float32))
    p = cp.empty(101, np.float32)
    for scalar in (0.1, np.float64(0.1), np.array(0.1), 3):
        law(g, p, c=scalar)
        np.testing.assert_array_equal(p.get(), g.get() * np.float32(scalar))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        law(g, p, c=1e300)  # larger than any float32
    assert np.isinf(p.get()).all()


def test_names_that_cupy_has_a_use_for(cp):
    law = law_from_text("// f(i, n | T_, data | size)\nT_ += i * n * size;\ndata = i;\n", "f.cu")
    i, n, total, data = (cp.asarray(np.array(values)) for values in ([2.0, 3.0], [5.0, 7.0], [1.0, 1.0], [0.0, 0.0]))
    law(i, n, total, data, size=10.0)
    assert total.tolist() == [101.0, 211.0] and data.tolist() == [2.0, 3.0]


# ---- launches


def test_a_call_is_one_launch_however_long_the_arrays_are(cp, launches, rng):
    law = law_from_text(BLEND, "blend.cu")
    for count, size in enumerate([1, 5, 100_001], start=1):
        arrays = arrays_for_blend(rng, size)
        there = [cp.asarray(array) for array in arrays]
        law(*there, c=0.1, s=0.0)
        law(*arrays, c=0.1, s=0.0)
        assert launches(law) == count
        for here, other in zip(arrays, there):
            np.testing.assert_array_equal(here, other.get())


def test_a_bound_law_launches_the_same_kernel(cp, launches, rng):
    law = law_from_text(BLEND, "blend.cu")
    arrays = arrays_for_blend(rng)
    there = [cp.asarray(array) for array in arrays]
    here_bound, bound = law.on(*arrays), law.on(*there)
    for count, c in enumerate([0.1, 0.5, 0.9], start=1):
        here_bound(c=c, s=0.0)
        bound(c=c, s=0.0)
        assert launches(law) == count
    for here, other in zip(arrays, there):
        np.testing.assert_array_equal(here, other.get())
    kernel = law._cupy_runner().kernel
    law.on(*there)
    assert law._cupy_runner().kernel is kernel


def test_an_optimizers_step_is_one_launch_for_each_run_of_neighbours_of_one_age(cp, launches, rng):
    law = kernels.load("adam")
    shapes = [(3,), (2, 2), (1,)]
    gradients = [[rng.normal(size=shape) for shape in shapes] for _ in range(4)]
    gradients[2][1] = None  # left out of the third step, so that it is of another age from then on
    results, counted = [], []
    for device in ("cpu", "cuda"):
        tensors = [mg.tensor(np.full(shape, 0.5), device=device, requires_grad=True) for shape in shapes]
        optimizer = mg.optim.Adam(tensors, lr=0.1)
        for arrays in gradients:
            for tensor, array in zip(tensors, arrays):
                tensor.grad = None if array is None else mg.tensor(array, device=device)
            before = launches(law)
            optimizer.step()
            counted.append(launches(law) - before)
        results.append([tensor.detach().cpu().numpy() for tensor in tensors])
    assert counted == [0, 0, 0, 0, 1, 1, 2, 3]
    for here, there in zip(*results):
        np.testing.assert_allclose(there, here, rtol=1e-14)


def test_no_elements_are_no_launch(cp, launches):
    law = law_from_text(BLEND, "blend.cu")
    law(*(cp.empty(0) for _ in range(3)), c=0.1, s=0.0)
    assert launches(law) == 0


def test_the_arrays_device_need_not_be_the_current_one(cp):
    if cp.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("needs two devices")
    law = law_from_text("// scale(g | p | c)\np = c * g;\n", "scale.cu")
    with cp.cuda.Device(1):
        g, p = cp.ones(3), cp.zeros(3)
    law(g, p, c=2.0)
    law.on(g, p)(c=2.0)
    assert p.tolist() == [2.0, 2.0, 2.0] and cp.cuda.runtime.getDevice() == 0


def test_halves_run_too_as_single_operations(cp, rng):
    law = law_from_text(BLEND, "blend.cu")
    arrays = arrays_for_blend(rng, dtype=np.float16)
    there = [cp.asarray(array) for array in arrays]
    law(*arrays, c=0.1, s=0.0)
    law(*there, c=0.1, s=0.0)
    for here, other in zip(arrays, there):
        np.testing.assert_allclose(other.get(), here, rtol=4e-3, atol=1e-6)


# ---- refusing

REFUSED = {
    "a NumPy array": (TypeError, "law blend: m is a numpy.ndarray and g a ", lambda cp, a: (a[0], a[1].get(), a[2])),
    "the first a NumPy array": (TypeError, "m is a .* and g a numpy", lambda cp, a: (a[0].get(), a[1], a[2])),
    "two dtypes": (TypeError, "law blend: n has dtype float64", lambda cp, a: (a[0], a[1], a[2].astype(np.float64))),
    "integers": (TypeError, "law blend: g has dtype int64", lambda cp, a: tuple(x.astype(np.int64) for x in a)),
    "two lengths": (ValueError, "law blend: n has shape", lambda cp, a: (a[0], a[1], a[2][1:])),
    "two dimensions": (ValueError, "law blend: g has shape", lambda cp, a: tuple(x.reshape(2, -1) for x in a)),
    "a strided view": (ValueError, "law blend: g is not contiguous", lambda cp, a: tuple(x[::2] for x in a)),
    "one array twice": (ValueError, "law blend: n is the same array as m", lambda cp, a: (a[0], a[1], a[1])),
}


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("what", REFUSED)
def test_refuses(what, bound, cp, rng):
    error, message, change = REFUSED[what]
    law = law_from_text(BLEND, "blend.cu")
    arrays = arrays_for_blend(rng)
    there = [cp.asarray(array) for array in arrays]
    given = change(cp, there)
    with pytest.raises(error, match=message):
        law.on(*given) if bound else law(*given, c=0.1, s=0.0)
    for here, other in zip(arrays, there):
        np.testing.assert_array_equal(here, other.get())


def test_refuses_two_devices(cp):
    if cp.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("needs two devices")
    law = law_from_text("// scale(g | p | c)\np = c * g;\n", "scale.cu")
    g = cp.ones(3)
    with cp.cuda.Device(1):
        p = cp.zeros(3)
    for call in (lambda: law(g, p, c=2.0), lambda: law.on(g, p)):
        with pytest.raises(ValueError, match="law scale: p is on GPU 1 and g on GPU 0: move all arrays to one device"):
            call()
    assert p.tolist() == [0.0, 0.0, 0.0]


def test_refuses_a_scalar_that_is_no_number(cp):
    law = law_from_text("// scale(g | p | c)\np = c * g;\n", "scale.cu")
    g, p = cp.ones(3), cp.zeros(3)
    with pytest.raises(TypeError, match="law scale: c is a str"):
        law(g, p, c="0.1")
    assert p.tolist() == [0.0, 0.0, 0.0]
