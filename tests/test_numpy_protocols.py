"""Tensors among NumPy's functions and arrays, both ways."""

import numpy as np
import pytest

import minigrad as mg


def leaf(values, dtype=mg.float64):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


UNARY = [
    np.exp, np.log, np.log1p, np.expm1, np.sqrt, np.square, np.reciprocal, np.sin, np.cos, np.tan, np.tanh, np.negative,
    np.absolute,
    np.sign, np.floor, np.ceil, np.trunc, np.rint, np.isnan, np.isinf, np.isfinite,
]  # fmt: skip
BINARY = [
    np.add, np.subtract, np.multiply, np.true_divide, np.power, np.floor_divide, np.remainder, np.maximum, np.minimum,
    np.equal,
    np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
]  # fmt: skip
LOGICAL = [np.logical_and, np.logical_or, np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor]
VALUES = np.array([[0.3, 1.7, 2.4], [0.9, 1.1, 3.2]])


@pytest.mark.parametrize("ufunc", UNARY)
def test_functions_of_one_argument(ufunc):
    x = leaf(VALUES)
    y = ufunc(x)
    assert type(y) is mg.Tensor
    np.testing.assert_allclose(y.numpy(force=True), ufunc(VALUES), rtol=1e-12)
    if y.requires_grad:
        eps = 1e-6
        (g,) = mg.grad(y.sum(), x)
        np.testing.assert_allclose(
            g.numpy(), (ufunc(VALUES + eps) - ufunc(VALUES - eps)) / (2 * eps), rtol=1e-5, atol=1e-7
        )


@pytest.mark.parametrize("ufunc", BINARY)
@pytest.mark.parametrize(
    "order", ["tensor, tensor", "tensor, array", "array, tensor", "tensor, number", "number, tensor"]
)
def test_functions_of_two_arguments(ufunc, order):
    a, b = VALUES, VALUES[::-1] + 0.25
    of = {"tensor": leaf, "array": lambda v: v, "number": lambda v: 1.75}
    kinds = order.split(", ")
    x, z = of[kinds[0]](a), of[kinds[1]](b)
    plain = [v.numpy(force=True) if isinstance(v, mg.Tensor) else v for v in (x, z)]
    y = ufunc(x, z)
    assert type(y) is mg.Tensor
    np.testing.assert_allclose(y.numpy(force=True), ufunc(*plain), rtol=1e-12)


@pytest.mark.parametrize("ufunc", LOGICAL)
def test_logic(ufunc):
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    for x, z in ((mg.tensor(a), mg.tensor(b)), (a, mg.tensor(b)), (mg.tensor(a), b)):
        y = ufunc(x, z)
        assert type(y) is mg.Tensor and y.tolist() == ufunc(a, b).tolist()
    assert np.logical_not(mg.tensor(a)).tolist() == np.invert(mg.tensor(a)).tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    "expression",
    ["a + x", "a - x", "a * x", "a / x", "a ** x", "a // x", "a % x", "a > x", "a == x", "a != x", "a <= x", "a @ x.T"],
)
def test_array_with_tensor_gives_a_tensor(expression):
    x, a = leaf(VALUES), VALUES[::-1].copy()
    y = eval(expression)
    assert type(y) is mg.Tensor
    np.testing.assert_allclose(y.numpy(force=True), eval(expression, {"a": a, "x": VALUES}), rtol=1e-12)
    if y.requires_grad:
        y.sum().backward()
        assert x.grad.shape == x.shape


def test_arrays_keep_their_dtype_in_promotion():
    x = mg.ones(2)
    assert (np.ones(2) * x).dtype == mg.float64 and (np.ones(2, np.float32) * x).dtype == mg.float32
    assert (np.arange(2) + x).dtype == mg.float32


@pytest.mark.parametrize("scalar", [np.float64(2), np.float32(2), np.int64(2), np.int8(2), np.float16(2)])
def test_numpy_scalars_never_promote(scalar):
    for dtype in (mg.float16, mg.float32, mg.float64):
        x = mg.ones(3, dtype=dtype)
        for y in (
            x * scalar,
            scalar * x,
            x + scalar,
            scalar - x,
            x / scalar,
            scalar / x,
            x**scalar,
            np.maximum(x, scalar),
        ):
            assert type(y) is mg.Tensor and y.dtype == dtype
    x = leaf([1.0, 2.0], mg.float32)
    (scalar * x).sum().backward()
    assert x.grad.dtype == mg.float32 and x.grad.tolist() == [2, 2]
    n = mg.tensor([1, 2], dtype=mg.int32)
    assert (n + scalar).dtype == (mg.int32 if scalar.dtype.kind == "i" else mg.float32)


REDUCTIONS = [
    (np.sum, {}), (np.sum, {"axis": 0}), (np.sum, {"axis": (0, 1)}), (np.sum, {"axis": -1, "keepdims": True}),
    (np.mean, {}), (np.mean, {"axis": 1}),
    (np.prod, {}), (np.prod, {"axis": 0}), (np.max, {}), (np.max, {"axis": 1}), (np.min, {"axis": 0, "keepdims": True}),
    (np.var, {}),
    (np.var, {"axis": 1, "ddof": 1}), (np.std, {"axis": 0}), (np.argmax, {}), (np.argmax, {"axis": 1}),
    (np.argmin, {"axis": 0}),
    (np.cumsum, {}), (np.cumsum, {"axis": 1}), (np.all, {}), (np.any, {"axis": 0}), (np.amax, {}), (np.amin, {}),
    (np.linalg.norm, {}),
    (np.linalg.norm, {"axis": 1}), (np.add.reduce, {}), (np.add.reduce, {"axis": 1}), (np.add.reduce, {"axis": None}),
    (np.multiply.reduce, {"axis": 0}),
    (np.maximum.reduce, {"axis": 0}), (np.minimum.reduce, {"axis": 1}),
]  # fmt: skip


@pytest.mark.parametrize("function, options", REDUCTIONS)
def test_reductions(function, options):
    x = leaf(VALUES)
    y = function(x, **options)
    expected = function(VALUES, **options)
    assert type(y) is mg.Tensor and y.shape == np.shape(expected)
    np.testing.assert_allclose(y.numpy(force=True), expected, rtol=1e-12)
    if y.requires_grad:
        assert mg.gradcheck(lambda x: function(x, **options), x)


REARRANGING = [
    lambda np, x, z: np.concatenate([x, z]), lambda np, x, z: np.concatenate([x, z], axis=1),
    lambda np, x, z: np.stack([x, z]),
    lambda np, x, z: np.stack([x, z], axis=-1), lambda np, x, z: np.where(z > 1, x, z),
    lambda np, x, z: np.where(z > 1, x, 0.0),
    lambda np, x, z: np.reshape(x, (3, 2)), lambda np, x, z: np.transpose(x), lambda np, x, z: np.transpose(x, (1, 0)),
    lambda np, x, z: np.swapaxes(x, 0, 1), lambda np, x, z: np.moveaxis(x, 0, 1), lambda np, x, z: np.squeeze(x[None]),
    lambda np, x, z: np.squeeze(x[None], 0), lambda np, x, z: np.expand_dims(x, 1), lambda np, x, z: np.flip(x),
    lambda np, x, z: np.flip(x, 1),
    lambda np, x, z: np.tril(x), lambda np, x, z: np.triu(x, 1), lambda np, x, z: np.clip(x, 0.5, 2.0),
    lambda np, x, z: np.broadcast_to(x, (2, 2, 3)),
    lambda np, x, z: np.dot(x, z.T), lambda np, x, z: np.matmul(x, z.T), lambda np, x, z: np.copy(x),
    lambda np, x, z: np.zeros_like(x),
    lambda np, x, z: np.ones_like(x), lambda np, x, z: np.full_like(x, 3.0), lambda np, x, z: np.round(x),
    lambda np, x, z: np.squeeze(x[None], axis=(0,)),
    lambda np, x, z: np.clip(x, None, 1.0), lambda np, x, z: np.reshape(x, -1),
]  # fmt: skip


@pytest.mark.parametrize("use", REARRANGING)
def test_rearranging(use):
    x, z = leaf(VALUES), leaf(VALUES[::-1].copy())
    y = use(np, x, z)
    assert isinstance(y, mg.Tensor)
    np.testing.assert_allclose(y.numpy(force=True), use(np, VALUES, VALUES[::-1]))
    if y.requires_grad:
        assert mg.gradcheck(lambda x: use(np, x, z), x)


def test_tensors_and_arrays_join():
    x = leaf([1.0, 2.0])
    y = np.concatenate([x, np.array([3.0])])
    assert type(y) is mg.Tensor and y.tolist() == [1, 2, 3]
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]
    assert np.stack([np.array([3.0, 4.0]), x.detach()]).tolist() == [[3, 4], [1, 2]]


def test_questions_that_numpy_answers():
    x = mg.tensor([[1.0, 2.0]])
    assert np.shape(x) == (1, 2) and np.ndim(x) == 2 and np.size(x) == 2
    assert (
        np.allclose(x, [[1, 2]])
        and np.allclose(np.array([[1, 2]]), x)
        and np.allclose(x, x + 1e-4, atol=1e-3)
        and not np.allclose(x, x + 1)
    )
    assert np.array_equal(x, x) and not np.array_equal(x, x.T)
    np.testing.assert_array_equal(x, [[1, 2]])
    np.testing.assert_allclose(x, [[1, 2]])


def test_asarray():
    x = mg.tensor([1.0, 2.0])
    assert np.shares_memory(np.asarray(x), x.array) and type(np.asarray(x)) is np.ndarray
    assert not np.shares_memory(np.array(x), x.array) and np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.array([mg.tensor(1.0), mg.tensor(2.0)]).tolist() == [1, 2]
    with pytest.raises(RuntimeError, match=r"requires gradients.*detach\(\).numpy\(\)"):
        np.asarray(leaf([1.0]))
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype=np.float64, copy=False)


@pytest.mark.parametrize("use, name", [
    (lambda x: np.linalg.inv(x), "inv"), (lambda x: np.arctan2(x, x), "arctan2"),
    (lambda x: np.add.accumulate(x), r"add\.accumulate"),
    (lambda x: np.subtract.reduce(x), r"subtract\.reduce"), (lambda x: np.add.outer(x, x), r"add\.outer"),
    (lambda x: np.einsum("ij->i", x), "einsum"),
    (lambda x: np.add(x, x, out=np.zeros((2, 2))), "add with out="),
    (lambda x: np.add(x, x, where=np.array(True)), "add with where="),
    (lambda x: np.median(x), "median"), (lambda x: np.sort(x), "sort"), (lambda x: np.add.at(x, 0, 1), r"add\.at"),
])  # fmt: skip
def test_what_is_missing_says_so(use, name):
    with pytest.raises(TypeError, match=rf"np\.{name}.* not available for Tensors.*detach\(\)"):
        use(leaf([[1.0, 2.0], [3.0, 4.0]]))


def test_an_array_cannot_take_a_tensor_in_place():
    a, x = np.ones(2), leaf([1.0, 2.0])
    with pytest.raises(TypeError, match="add with out="):
        a += x
    assert a.tolist() == [1, 1]


@pytest.mark.parametrize("use", [
    lambda x: np.sum(x, out=np.zeros(())), lambda x: np.exp(x, dtype=np.float32), lambda x: np.sum(x, initial=3),
    lambda x: np.mean(x, where=x > 0),
    lambda x: np.concatenate([x], dtype=np.float32), lambda x: np.clip(x, 0, 1, out=x),
    lambda x: np.zeros_like(x, subok=False),
    lambda x: np.add.reduce(x, initial=1), lambda x: np.transpose(x, axes=(5, 6)),
])  # fmt: skip
def test_options_that_are_not_ours_are_refused(use):
    with pytest.raises((TypeError, IndexError)):
        use(leaf([[1.0, 2.0]]))


def test_sum_by_numpy_in_another_dtype():
    x = leaf([1.0, 2.0], mg.float32)
    y = np.add.reduce(x, dtype=np.float64)
    assert y.dtype == mg.float64
    y.backward()
    assert x.grad.dtype == mg.float32 and x.grad.tolist() == [1, 1]


@pytest.mark.parametrize(
    "operation",
    [lambda x: x + "text", lambda x: [1, 2] + x, lambda x: x * None, lambda x: x - {}, lambda x: x + (1, 2)],
)
def test_operands_that_are_none(operation):
    with pytest.raises(TypeError):
        operation(mg.ones(2))


def test_dot_is_for_at_most_two_dimensions():
    x = mg.ones(2, 3, 4)
    with pytest.raises(TypeError, match="np.dot of more than two dimensions.*use @"):
        np.dot(x, mg.ones(4))
    assert np.dot(mg.ones(3), mg.ones(3)).item() == 3
