"""Making tensors: values, shapes, dtypes against NumPy and PyTorch; random streams."""

import numpy as np
import pytest

import minigrad as mg


def agrees(ours, theirs):
    assert tuple(ours.shape) == tuple(theirs.shape) and str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
    np.testing.assert_allclose(ours.numpy(force=True), theirs.detach().numpy(), rtol=1e-6)
    assert ours.requires_grad == theirs.requires_grad


@pytest.mark.parametrize("expression", [
    "L.tensor(1)", "L.tensor(1.5)", "L.tensor(True)", "L.tensor([1, 2])", "L.tensor([1, 2.5])",
    "L.tensor([True, False])", "L.tensor([])",
    "L.tensor([[1, 2], [3, 4]])", "L.tensor([[]])", "L.tensor((1.0, 2.0))", "L.tensor([1, True])",
    "L.tensor(1, dtype=L.float64)",
    "L.tensor(0.1, dtype=L.float64)", "L.tensor([1.7, -1.7], dtype=L.int64)", "L.tensor([1.0], requires_grad=True)",
    "L.tensor(np.arange(3))",
    "L.tensor(np.arange(3.0))", "L.tensor(np.float64(2))", "L.tensor(np.int32(2))",
    "L.tensor(np.ones((2, 0), np.float16))",
    "L.tensor([np.float32(1), np.float32(2)])", "L.tensor(np.arange(6).reshape(2, 3).T)",
    "L.tensor(L.tensor(3.0).item())",
    "L.tensor(np.array(3.0))", "L.tensor([0, 2], dtype=L.uint8)", "L.tensor([0, 2], dtype=bool)",
    "L.tensor([1], dtype=float)",
    "L.as_tensor([1.0])", "L.as_tensor(np.arange(2.0))", "L.as_tensor(3)", "L.from_numpy(np.arange(3.0))",
    "L.zeros(2, 3)", "L.zeros((2, 3))", "L.zeros([2])", "L.zeros(0)", "L.zeros(())", "L.zeros(2, dtype=L.int32)",
    "L.ones(2, requires_grad=True)",
    "L.ones((2, 1), dtype=L.float64)", "L.empty(2, 3) * 0", "L.full((2, 3), 7)", "L.full((2,), 7.5)",
    "L.full((2,), True)", "L.full((), 1.5)",
    "L.full((2,), 3, dtype=L.float16)", "L.eye(3)", "L.eye(2, 3)", "L.eye(0)", "L.eye(2, dtype=L.int64)",
    "L.arange(5)", "L.arange(5.0)", "L.arange(1, 5)", "L.arange(1, 5, 2)", "L.arange(5, 1, -2)", "L.arange(0, 1, 0.25)",
    "L.arange(0, 1, 0.3)",
    "L.arange(0)", "L.arange(3, dtype=L.float64)", "L.arange(-1.5, 1.5)", "L.arange(1, 2, 0.1, dtype=L.float64)",
    "L.arange(2.5, dtype=L.int64)",
    "L.linspace(0, 1, 5)", "L.linspace(3, -3, 4, dtype=L.float64)", "L.linspace(0, 1, 1)", "L.linspace(0, 1, 0)",
    "L.zeros_like(x)", "L.ones_like(x)", "L.full_like(x, 2)", "L.ones_like(n)", "L.zeros_like(x, dtype=L.int64)",
    "L.ones_like(x, requires_grad=True)",
    "L.empty_like(x) * 0", "L.full_like(n, 3)",
])  # fmt: skip
def test_against_pytorch(torch, expression):
    made = []
    for L in (torch, mg):
        x = L.tensor([[1.5, 2.0]], dtype=L.float64, requires_grad=True)
        made.append(eval(expression, {"L": L, "np": np, "x": x, "n": L.tensor([1, 2])}))
    agrees(made[1], made[0])


def test_tensor_copies_and_as_tensor_shares():
    array = np.arange(3.0)
    assert not np.shares_memory(mg.tensor(array).array, array)
    assert np.shares_memory(mg.as_tensor(array).array, array) and np.shares_memory(mg.from_numpy(array).array, array)
    x = mg.ones(3, requires_grad=True)
    assert (
        mg.as_tensor(x) is x
        and mg.as_tensor(x, dtype=mg.float64).requires_grad
        and mg.as_tensor(array, dtype=mg.float32).dtype == mg.float32
    )
    y = mg.tensor(x)
    assert not y.requires_grad and not np.shares_memory(x.array, y.array)
    z = mg.Tensor([1.0, 2.0], requires_grad=True)
    assert z.is_leaf and z.requires_grad and z.tolist() == [1, 2]


def test_tensors_in_lists():
    parts = [mg.tensor(1.0), mg.tensor(2.5)]
    assert mg.tensor(parts).tolist() == [1, 2.5] and mg.tensor(parts).dtype == mg.float32
    assert mg.tensor([[mg.tensor([1, 2])], [mg.tensor([3, 4])]]).tolist() == [[[1, 2]], [[3, 4]]]


def test_objects_that_numpy_can_read():
    class Wrapped:
        def __array__(self, dtype=None, copy=None):
            return np.arange(3.0)

    assert mg.tensor(Wrapped()).dtype == mg.float64 and mg.tensor(range(3)).tolist() == [0, 1, 2]
    matrix = np.arange(4.0).view(type("Sub", (np.ndarray,), {}))
    assert type(mg.from_numpy(matrix).array) is type(mg.tensor(matrix).array) is np.ndarray
    swapped = np.arange(3, dtype=">f4")
    assert mg.tensor(swapped).dtype == mg.float32 and mg.tensor(swapped).tolist() == [0, 1, 2]


@pytest.mark.parametrize("make, error, message", [
    (lambda: mg.tensor([[1, 2], [3]]), ValueError, "equal length"), (lambda: mg.tensor("text"), TypeError, "str"),
    (lambda: mg.tensor(["a"]), TypeError, "not supported"), (lambda: mg.tensor(None), TypeError, "NoneType"),
    (lambda: mg.tensor({}), TypeError, "dict"),
    (lambda: mg.tensor([None]), TypeError, "object"), (lambda: mg.tensor(1j), TypeError, "complex"),
    (lambda: mg.tensor([1j], dtype=mg.float32), TypeError, "complex"),
    (lambda: mg.tensor([1], dtype="nonsense"), TypeError, "nonsense"),
    (lambda: mg.tensor([1], dtype=np.complex64), TypeError, "complex64.*float32"),
    (lambda: mg.tensor(np.arange(2, dtype=np.uint32)), TypeError, "uint32"),
    (lambda: mg.tensor([1], requires_grad=True), TypeError, "floating-point.*int64"),
    (lambda: mg.zeros(2, dtype=mg.int64, requires_grad=True), TypeError, "int64"),
    (lambda: mg.zeros(-1), ValueError, "negative.*-1"),
    (lambda: mg.zeros(2.5), TypeError, "sizes must be integers"), (lambda: mg.ones("a"), TypeError, "sizes"),
    (lambda: mg.full((-2,), 1), ValueError, "negative"),
    (lambda: mg.eye(-1), ValueError, "negative"), (lambda: mg.arange(0, 5, 0), ValueError, "step 0"),
    (lambda: mg.arange(0, 5, -1), ValueError, "from 0 to 5"),
    (lambda: mg.arange(5, 0), ValueError, "from 5 to 0"), (lambda: mg.linspace(0, 1, -1), ValueError, "negative"),
    (lambda: mg.from_numpy([1, 2]), TypeError, "NumPy array, not list"),
    (lambda: mg.from_numpy(np.arange(2, dtype=">f8")), TypeError, "byte-swapped"),
    (lambda: mg.from_numpy(np.array(["a"])), TypeError, "not supported"),
    (lambda: mg.tensor([1.0], device="tpu"), RuntimeError, "tpu.*known device types.*cpu"),
    (lambda: mg.tensor([1.0], device="cpu:1"), RuntimeError, "cpu:1"),
    (lambda: mg.tensor([1.0], device="not a name"), ValueError, "not a device"),
    (lambda: mg.tensor([1.0], device=3), TypeError, "named by a string"),
    (lambda: mg.rand(2, dtype=mg.int64), TypeError, "rand draws floating"),
    (lambda: mg.randn(2, dtype=mg.int64), TypeError, "randint"),
    (lambda: mg.randint(5, 5, (2,)), ValueError, "low < high"),
    (lambda: mg.randint(5), ValueError, "low < high and a size"), (lambda: mg.randperm(-1), ValueError, "negative"),
    (lambda: mg.rand(-1), ValueError, "negative"),
    (lambda: mg.rand(2, generator=np.random.default_rng(0)), TypeError, "minigrad.Generator"),
    (lambda: mg.manual_seed(1.5), TypeError, "integer"),
    (lambda: mg.manual_seed(True), TypeError, "integer"),
    (lambda: mg.set_default_dtype(mg.int64), TypeError, "default dtype"),
    (lambda: mg.randint(0, 300, (2,), dtype=mg.uint8), ValueError, "uint8"),
    (lambda: mg.randint(0, 2, (2,), requires_grad=True), TypeError, "int64"),
])  # fmt: skip
def test_what_cannot_be_made(make, error, message):
    before = mg.default_generator.get_state()
    with pytest.raises(error, match=message):
        make()
    assert mg.default_generator.get_state() == before


def test_default_dtype():
    assert mg.get_default_dtype() == mg.float32
    mg.set_default_dtype(mg.float64)
    try:
        for x in (
            mg.tensor(0.1),
            mg.tensor([0.1]),
            mg.zeros(1),
            mg.rand(1),
            mg.randn(1),
            mg.eye(1),
            mg.arange(1.0),
            mg.linspace(0, 1, 2),
            mg.full((1,), 0.5),
        ):
            assert x.dtype == mg.float64
        assert (
            mg.tensor(0.1).item() == 0.1
            and mg.tensor([1]).exp().dtype == mg.float64
            and mg.tensor([1]).dtype == mg.int64
        )
        assert (mg.tensor([1]) * 0.5).dtype == mg.float64 and (mg.ones(1, dtype=mg.float32) * 0.5).dtype == mg.float32
    finally:
        mg.set_default_dtype(mg.float32)


# ------------------------------------------------------------------------------------------------------------- random


@pytest.mark.parametrize("draw", [
    lambda **k: mg.rand(3, 2, **k), lambda **k: mg.randn((3, 2), **k), lambda **k: mg.randint(10, (6,), **k),
    lambda **k: mg.randperm(10, **k),
    lambda **k: mg.zeros(5).normal_(**k), lambda **k: mg.zeros(5).uniform_(**k),
    lambda **k: mg.rand(4, dtype=mg.float64, **k),
    lambda **k: mg.randn(4, dtype=mg.float16, **k), lambda **k: mg.randint(-5, 5, (3, 3), dtype=mg.int32, **k),
])  # fmt: skip
def test_one_seed_one_stream(draw):
    mg.manual_seed(7)
    first, second = draw().tolist(), draw().tolist()
    mg.manual_seed(7)
    assert draw().tolist() == first and draw().tolist() == second != first
    own = mg.Generator(7)
    before = mg.default_generator.get_state()
    assert draw(generator=own).tolist() == first
    assert mg.default_generator.get_state() == before


def test_streams_without_a_seed_repeat_from_run_to_run():
    a, b = mg.Generator(), mg.Generator()
    assert mg.rand(3, generator=a).tolist() == mg.rand(3, generator=b).tolist()


def test_generators():
    g = mg.Generator().manual_seed(-3)
    assert g.initial_seed() == -3
    state = g.get_state()
    first = mg.randn(4, generator=g).tolist()
    g.set_state(state)
    assert mg.randn(4, generator=g).tolist() == first
    assert mg.randn(4, generator=mg.Generator(2**64 - 3)).tolist() == first  # negative seeds count from 2**64
    assert g.seed() == g.initial_seed() and g.seed() != g.seed()
    assert mg.manual_seed(np.int64(5)) is mg.default_generator


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
def test_distributions(dtype):
    g = mg.Generator(1)
    n, u = (
        mg.randn(100_000, generator=g, dtype=dtype).double().numpy(),
        mg.rand(100_000, generator=g, dtype=dtype).double().numpy(),
    )
    assert (
        abs(n.mean()) < 0.015 and abs(n.var() - 1) < 0.02 and abs((n**3).mean()) < 0.05 and abs((n**4).mean() - 3) < 0.1
    )
    assert u.min() >= 0 and u.max() < 1 and abs(u.mean() - 0.5) < 0.005 and abs(u.var() - 1 / 12) < 0.002
    counts, _ = np.histogram(u, 10, (0, 1))
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 35  # chi-squared with 9 degrees of freedom: p = 6e-5


def test_integers_and_permutations():
    g = mg.Generator(1)
    draws = mg.randint(-2, 3, (10_000,), generator=g)
    assert (
        draws.dtype == mg.int64
        and set(draws.tolist()) == {-2, -1, 0, 1, 2}
        and np.bincount(draws.numpy() + 2).min() > 1800
    )
    assert (
        mg.randint(3, (2, 2), generator=g).shape == (2, 2)
        and mg.randint(0, 2, size=(4,), generator=g, dtype=mg.uint8).dtype == mg.uint8
    )
    p = mg.randperm(100, generator=g)
    assert sorted(p.tolist()) == list(range(100)) != p.tolist() and p.dtype == mg.int64 and mg.randperm(0).shape == (0,)


def test_like_another(torch):
    x = mg.ones(2, 3, dtype=mg.float64, requires_grad=True)
    for like in (mg.rand_like, mg.randn_like):
        y = like(x)
        assert (
            y.shape == (2, 3) and y.dtype == mg.float64 and not y.requires_grad and len(set(y.flatten().tolist())) == 6
        )
        assert like(x, dtype=mg.float32, requires_grad=True).dtype == mg.float32
    mg.manual_seed(3)
    a = mg.randn_like(x).tolist()
    mg.manual_seed(3)
    assert mg.randn(2, 3, dtype=mg.float64).tolist() == a


@pytest.mark.parametrize("draw", [
    lambda d: mg.rand(5, device=d), lambda d: mg.randn(2, 3, device=d), lambda d: mg.randint(9, (5,), device=d),
    lambda d: mg.randperm(5, device=d),
    lambda d: mg.zeros(4, device=d).normal_(1, 2), lambda d: mg.zeros(4, device=d).uniform_(-1, 1),
    lambda d: mg.randn_like(mg.ones(3, device=d)),
])  # fmt: skip
def test_one_stream_on_every_device(draw, cuda):
    mg.manual_seed(11)
    on_cpu = draw("cpu")
    mg.manual_seed(11)
    on_gpu = draw(cuda)
    assert on_gpu.is_cuda and on_gpu.tolist() == on_cpu.tolist()


@pytest.mark.parametrize(("data", "dtype"), [(300, "uint8"), ([1, -1], "uint8"), (float("nan"), "int64"), ([1e30], "int32")])
def test_numbers_that_do_not_fit_an_integer_dtype_are_refused(data, dtype):
    with pytest.raises(ValueError, match=f"does not fit dtype {dtype}"):
        mg.tensor(data, dtype=dtype)
