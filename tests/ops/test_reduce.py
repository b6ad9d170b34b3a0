"""What samples do not say: stability, zeros in products, equal values, halves, ties, norms at 0."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import grad, gradcheck, gradgradcheck
from minigrad.nn import functional as F


@pytest.mark.parametrize("shift", [0.0, 4096.0, -4096.0, 2.0**40])
def test_softmax_is_the_same_however_far_its_input_is_shifted(shift):
    x = np.array([0.0, 1.0, 3.0])
    e = np.exp(x)
    shifted = minigrad.tensor(x + shift)
    np.testing.assert_allclose(minigrad.softmax(shifted, 0).numpy(), e / e.sum(), rtol=1e-14)
    np.testing.assert_allclose(minigrad.log_softmax(shifted, 0).numpy(), x - np.log(e.sum()), rtol=1e-14)
    np.testing.assert_allclose(minigrad.logsumexp(shifted, 0).item(), shift + np.log(e.sum()), rtol=1e-15)


def test_log_softmax_where_the_softmax_is_zero():
    y = minigrad.log_softmax(minigrad.tensor([0.0, -1000.0], dtype="float64"), 0)
    assert y.tolist() == [0, -1000]


def test_a_masked_row_of_softmax():
    """-inf hides an element: probability 0, gradient 0."""
    x = minigrad.tensor([1.0, -math.inf, 2.0], dtype="float64", requires_grad=True)
    y = minigrad.softmax(x, 0)
    assert y.tolist()[1] == 0
    (g,) = grad(y[2], x)
    p = 1 / (1 + math.e)
    np.testing.assert_allclose(g.tolist(), [-p * (1 - p), 0, p * (1 - p)], rtol=1e-14)


def test_logsumexp_of_nothing_is_minus_infinity():
    assert minigrad.logsumexp(minigrad.zeros(2, 0), 1).tolist() == [-math.inf] * 2
    assert minigrad.logsumexp(minigrad.tensor([-math.inf, -math.inf]), 0).item() == -math.inf
    assert minigrad.logsumexp(minigrad.tensor([math.inf, 1.0]), 0).item() == math.inf


def derivatives_of_product(x):
    """Gradient and Hessian of the product of a vector, multiplied out."""
    n = len(x)
    first = [math.prod(x[k] for k in range(n) if k != i) for i in range(n)]
    second = [[0 if i == j else math.prod(x[k] for k in range(n) if k not in (i,
        j)) for j in range(n)] for i in range(n)]
    return first, second


@pytest.mark.parametrize("values", [[2.0, 3, 5], [0.0, 3, 5], [0.0, 0, 5], [0.0, 0, 0], [2.0, 0, 5, 7], [0.0, 0, 5, 7],
    [4.0], [0.0]])
def test_products_with_zeros_at_first_and_second_order(values):
    first, second = derivatives_of_product(values)
    x = minigrad.tensor(values, dtype="float64", requires_grad=True)
    (g,) = grad(x.prod(), x, create_graph=True)
    assert g.tolist() == first
    for i, row in enumerate(second):
        (h,) = grad(g[i], x, retain_graph=True, materialize_grads=True, allow_unused=True)
        np.testing.assert_allclose(h.numpy(), row, atol=1e-14)


def test_products_with_zeros_at_third_order():
    x = minigrad.tensor([0.0, 0, 0, 7], dtype="float64", requires_grad=True)
    (g,) = grad(x.prod(), x, create_graph=True)
    (h,) = grad(g[0], x, create_graph=True)
    (t,) = grad(h[1], x)
    assert t.tolist() == [0, 0, 7, 0]


@pytest.mark.parametrize("correction", [0, 1])
def test_std_and_var_of_equal_values_have_gradient_zero(correction):
    x = minigrad.full((4,), 2.5, requires_grad=True)
    for name in ("std", "var"):
        y = getattr(minigrad, name)(x, correction=correction)
        assert y.item() == 0 and grad(y, x)[0].tolist() == [0] * 4


def test_std_of_equal_values_in_one_row_leaves_the_others_alone():
    x = minigrad.tensor([[1.0, 1, 1], [1, 2, 3]], dtype="float64", requires_grad=True)
    (g,) = grad(minigrad.std(x, 1).sum(), x)
    np.testing.assert_allclose(g.tolist(), [[0, 0, 0], [-0.5, 0, 0.5]], atol=1e-15)


def test_variance_does_not_cancel():
    """A large mean beside a small spread: the mean of squares less the squared mean would be 0 or negative."""
    x = minigrad.tensor([10000.0, 10000.5, 10001.0], dtype="float32")
    assert minigrad.var(x).item() == 0.25


@pytest.mark.parametrize("p", [2, 1, 3, 1.5, math.inf, "fro"])
@pytest.mark.parametrize("dim", [None, 1])
def test_norm_at_zero_has_gradient_zero(p, dim):
    x = minigrad.zeros(2, 3, dtype="float64", requires_grad=True)
    assert grad(minigrad.norm(x, p, dim).sum(), x)[0].tolist() == [[0] * 3] * 2


@pytest.mark.parametrize("p", [3, 1.5, 4, -1])
def test_norm_with_some_zero_elements(p):
    x = minigrad.tensor([3.0, -2.0, 1.0] if p == -1 else [3.0, 0.0, -4.0], dtype="float64", requires_grad=True)
    values = np.abs(x.numpy(force=True))
    total = (values**p).sum()
    assert minigrad.norm(x, p).item() == pytest.approx(total ** (1 / p), rel=1e-14)
    expected = np.sign(x.numpy(force=True)) * values ** (p - 1) * total ** (1 / p - 1)
    np.testing.assert_allclose(grad(minigrad.norm(x, p), x)[0].numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["amax", "amin"])
def test_equal_extrema_share_the_gradient(name):
    x = minigrad.tensor([[1.0, 1, 1], [2, 5, 5]] if name == "amax" else [[1.0, 1, 1], [5, 2, 2]], requires_grad=True)
    (g,) = grad(getattr(minigrad, name)(x, 1).sum(), x)
    np.testing.assert_allclose(g.numpy(), [[1 / 3] * 3, [0, 0.5, 0.5]], rtol=1e-6)


def test_max_along_a_dimension_gives_the_gradient_to_the_index_it_names():
    x = minigrad.tensor([[1.0, 3, 3], [2, 2, 1]], requires_grad=True)
    values, indices = minigrad.max(x, 1)
    assert indices.tolist() == [1, 0] and indices.dtype == "int64" and not indices.requires_grad
    assert grad(values.sum(), x)[0].tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(("name", "expected"), [("sum", 4096.0), ("mean", 1.0), ("cumsum", 4096.0)])
def test_halves_are_summed_in_more_precision(name, expected):
    """In float16, 2048 + 1 is 2048."""
    x = minigrad.ones(4096, dtype="float16")
    y = minigrad.cumsum(x, 0)[-1] if name == "cumsum" else getattr(minigrad, name)(x)
    assert y.dtype == "float16" and y.item() == expected


def test_the_gradient_of_a_broadcast_half_is_summed_in_more_precision():
    x = minigrad.tensor(1.0, dtype="float16", requires_grad=True)
    (g,) = grad((x * minigrad.ones(4096, dtype="float16")).sum() / 4, x)
    assert g.item() == 1024 and g.dtype == "float16"


def test_small_integers_are_summed_as_int64():
    x = minigrad.full((1000,), 100, dtype="int8")
    assert x.sum().item() == 100_000 and minigrad.cumsum(x, 0)[-1].item() == 100_000
    assert minigrad.tensor([True] * 300).sum().item() == 300
    assert minigrad.prod(minigrad.full((4,), 100, dtype="int8")).item() == 10**8


def test_statistics_of_nothing():
    empty = minigrad.zeros(0, 3, requires_grad=True)
    assert empty.sum().item() == 0 and minigrad.prod(empty).item() == 1 and minigrad.norm(empty).item() == 0
    assert all(math.isnan(v) for v in minigrad.mean(empty, 0).tolist())
    assert minigrad.all(empty > 0).item() is True and minigrad.any(empty > 0).item() is False
    (g,) = grad(empty.sum() + minigrad.prod(empty), empty)
    assert g.shape == (0, 3)


@pytest.mark.parametrize("dim", [(0, 2), (2, 0), (-1, 0), (1,), (0, 1, 2)])
def test_several_dimensions_in_any_order(dim):
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    axis = tuple(dim)
    for name, oracle in (("sum", np.sum), ("mean", np.mean), ("amax", np.amax), ("amin", np.amin)):
        for keep in (False, True):
            np.testing.assert_allclose(getattr(minigrad, name)(minigrad.tensor(x), dim, keep).numpy(),
                oracle(x, axis=axis, keepdims=keep), rtol=1e-13)
    np.testing.assert_allclose(minigrad.var(minigrad.tensor(x), dim).numpy(), np.var(x, axis=axis, ddof=1), rtol=1e-13)


@pytest.mark.parametrize("function", [
    lambda x: minigrad.softmax(x, 0) ** 2, lambda x: minigrad.log_softmax(x * x, 1),
    lambda x: minigrad.logsumexp(x, (0, 1)) ** 3, lambda x: minigrad.cumsum(x, 1) ** 2,
    lambda x: minigrad.norm(x, 3) ** 2, lambda x: minigrad.std(x, 0) * minigrad.var(x, 0),
])  # fmt: skip
def test_compositions(function):
    x = minigrad.tensor(np.random.default_rng(3).uniform(0.5, 2, (3, 3)), requires_grad=True)
    assert gradcheck(function, x, atol=1e-7, rtol=1e-6) and gradgradcheck(function, x, atol=1e-6, rtol=1e-5)


MANY = 70_000  # more than the largest half


def test_more_halves_than_the_largest_half_can_be_averaged():
    x = minigrad.ones(MANY, dtype="float16", requires_grad=True)
    y = minigrad.mean(x)
    assert y.item() == 1 and y.dtype == "float16"
    (g,) = grad(y * 1024, x)
    np.testing.assert_array_equal(g.numpy(), np.full(MANY, 1024 / MANY).astype("float16"))


def test_softmax_of_more_halves_than_the_largest_half():
    x = minigrad.zeros(MANY, dtype="float16", requires_grad=True)
    share = np.float16(1 / MANY)
    y, logged = minigrad.softmax(x, 0), minigrad.log_softmax(x, 0)
    np.testing.assert_array_equal(y.numpy(force=True), np.full(MANY, share))
    np.testing.assert_array_equal(logged.numpy(force=True), np.full(MANY, np.float16(-math.log(MANY))))
    assert minigrad.logsumexp(x, 0).item() == np.float16(math.log(MANY))
    np.testing.assert_array_equal(grad(minigrad.logsumexp(x, 0), x)[0].numpy(),
        np.full(MANY, np.exp(-float(np.float16(math.log(MANY))))).astype("float16"))
    # g - exp(y) * sum(g), where sum(g) is no half
    (g,) = grad(logged, x, minigrad.ones_like(logged))
    np.testing.assert_allclose(g.numpy(), 1 - MANY * np.exp(-float(np.float16(math.log(MANY)))), atol=1e-3)
    assert abs(grad(y, x, minigrad.ones_like(y))[0].numpy()).max() < 1e-6


def test_the_spread_of_more_halves_than_the_largest_half():
    values = np.tile([1.0, 3.0], MANY // 2)
    x = minigrad.tensor(values, dtype="float16", requires_grad=True)
    assert minigrad.var(x).item() == 1 and minigrad.std(x).item() == 1
    expected = ((values - 2) * 1024 / (MANY - 1)).astype("float16")
    np.testing.assert_array_equal(grad(minigrad.std(x) * 1024, x)[0].numpy(), expected)
    np.testing.assert_array_equal(grad(minigrad.var(x) * 512, x)[0].numpy(), expected)


def test_losses_of_more_halves_than_the_largest_half():
    x = minigrad.full((MANY,), 2.0, dtype="float16", requires_grad=True)
    zero = minigrad.zeros(MANY, dtype="float16")
    loss = F.mse_loss(x, zero)
    assert loss.item() == 4
    np.testing.assert_array_equal(grad(loss * 1024, x)[0].numpy(), np.full(MANY, 4096 / MANY).astype("float16"))
    assert F.mse_loss(minigrad.full((2,), 300.0, dtype="float16"), minigrad.zeros(2, dtype="float16"),
        reduction="sum").item() == math.inf  # 180000 is itself no half
    rows = minigrad.zeros(MANY, 2, dtype="float16", requires_grad=True)
    labels = minigrad.zeros(MANY, dtype="int64")
    log2 = np.float16(math.log(2))
    assert F.cross_entropy(rows, labels).item() == log2
    (g,) = grad(F.cross_entropy(rows, labels) * 1024, rows)
    np.testing.assert_allclose(g.numpy()[:3], [[-512 / MANY, 512 / MANY]] * 3, rtol=2e-3)
    one = minigrad.zeros(1, MANY, dtype="float16", requires_grad=True)
    assert F.cross_entropy(one, minigrad.zeros(1, dtype="int64")).item() == np.float16(math.log(MANY))
    assert F.nll_loss(minigrad.full((MANY, 2), -1.0, dtype="float16"), labels).item() == 1


SIZES = [("float32", 1e20), ("float32", 1e-30), ("float64", 1e200), ("float64", 1e-200), ("float64", 5e-324),
         ("float64", 1.0)]


@pytest.mark.parametrize(("dtype", "size"), SIZES)
@pytest.mark.parametrize("p", [2, 3, 1.5])
def test_norms_of_what_cannot_be_squared(p, dtype, size):
    rtol = 1e-6 if dtype == "float32" else 1e-14
    x = minigrad.tensor([size], dtype=dtype, requires_grad=True)
    y = minigrad.norm(x, p)
    assert y.dtype == dtype and y.item() == pytest.approx(x.item(), rel=rtol, abs=0)
    assert grad(y, x)[0].tolist() == [1]
    rows = [[3 * size, 4 * size, 0], [0, 0, 0], [1, 2, 2]]
    x = minigrad.tensor(rows, dtype=dtype, requires_grad=True)
    for keepdim in (False, True):
        y = minigrad.norm(x, p, 1, keepdim)
        first, last = (3**p + 4**p) ** (1 / p), (1 + 2 * 2**p) ** (1 / p)
        if size > 5e-324:  # of which there are but whole multiples
            np.testing.assert_allclose(y.numpy(force=True).reshape(-1), [first * size, 0, last], rtol=rtol)
            slopes = [[(3 / first) ** (p - 1), (4 / first) ** (p - 1), 0], [0] * 3,
                [v / last ** (p - 1) for v in (1, 2 ** (p - 1), 2 ** (p - 1))]]
            np.testing.assert_allclose(grad(y.sum(), x)[0].numpy(), slopes, rtol=rtol)


@pytest.mark.parametrize("p", [2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norms_of_infinities_and_nan(p, dtype):
    rows = minigrad.tensor([[math.inf, 1], [-math.inf, 1e30], [math.nan, 1], [math.inf, math.nan]], dtype=dtype)
    y = minigrad.norm(rows, p, 1).tolist()
    assert y[:2] == [math.inf] * 2 and math.isnan(y[2]) and math.isnan(y[3])


@pytest.mark.parametrize("size", [1.0, 1e150])
def test_the_second_derivative_of_the_norm(size):
    """(I - u u^T) / |x|, with u = x / |x|."""
    x = minigrad.tensor([3 * size, 4 * size], dtype="float64", requires_grad=True)
    (g,) = grad(minigrad.norm(x), x, create_graph=True)
    rows = [grad(g[i], x, retain_graph=True)[0].numpy() * size for i in range(2)]
    np.testing.assert_allclose(rows, [[0.128, -0.096], [-0.096, 0.072]], rtol=1e-13)


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin"])
def test_a_nan_is_the_extremum_and_has_the_gradient(name, torch):
    x = minigrad.tensor([1.0, math.nan, 2.0], requires_grad=True)
    t = torch.tensor([1.0, math.nan, 2.0], requires_grad=True)
    y = getattr(minigrad, name)(x)
    y.backward()
    getattr(torch, name.removeprefix("a"))(t).backward()
    assert math.isnan(y.item()) and x.grad.tolist() == t.grad.tolist() == [0, 1, 0]
    rows = minigrad.tensor([[math.nan, 1, math.nan], [4, 4, 4]], requires_grad=True)
    (g,) = grad(getattr(minigrad, "a" + name.removeprefix("a"))(rows, 1).sum(), rows)
    np.testing.assert_allclose(g.tolist(), [[0.5, 0, 0.5], [1 / 3] * 3], rtol=1e-6)


def test_more_equal_halves_than_the_largest_half_share_the_gradient():
    x = minigrad.zeros(MANY, dtype="float16", requires_grad=True)
    (g,) = grad(minigrad.amax(x) * 1024, x)
    np.testing.assert_array_equal(g.numpy(), np.full(MANY, 1024 / MANY).astype("float16"))
