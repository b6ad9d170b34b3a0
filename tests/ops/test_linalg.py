"""Products against sums written out, in all combinations of vectors, matrices and batches."""
import numpy as np
import pytest

import minigrad
from minigrad import grad


@pytest.mark.parametrize(("a", "b", "sum_"), [
    ("i", "i", "i,i->"), ("i", "ij", "i,ij->j"), ("ki", "i", "ki,i->k"), ("ki", "ij", "ki,ij->kj"),
    ("bki", "ij", "bki,ij->bkj"), ("bki", "bij", "bki,bij->bkj"),
    ("ki", "bij", "ki,bij->bkj"), ("i", "bij", "i,bij->bj"), ("bki", "i", "bki,i->bk"),
    ("bcki", "cij", "bcki,cij->bckj"),
])  # fmt: skip
def test_matmul_and_its_gradients(a, b, sum_, rng):
    sizes = {"i": 3, "j": 4, "k": 2, "b": 5, "c": 6}
    x, y = (rng.standard_normal([sizes[letter] for letter in letters]) for letters in (a, b))
    tx, ty = minigrad.tensor(x, requires_grad=True), minigrad.tensor(y, requires_grad=True)
    z = tx @ ty
    np.testing.assert_allclose(z.numpy(force=True), np.einsum(sum_, x, y), rtol=1e-13)
    g = rng.standard_normal(z.shape)
    gx, gy = grad(z, [tx, ty], minigrad.tensor(g))
    out = sum_.partition("->")[2]
    np.testing.assert_allclose(gx.numpy(), np.einsum(f"{out},{b}->{a}", g, y), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gy.numpy(), np.einsum(f"{out},{a}->{b}", g, x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2, 3), (2, 0, 3)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_linear(shape, with_bias, rng):
    x, w, b = rng.standard_normal(shape), rng.standard_normal((5, 3)), rng.standard_normal(5)
    tx, tw, tb = (minigrad.tensor(v, requires_grad=True) for v in (x, w, b))
    y = minigrad.linear(tx, tw, tb if with_bias else None)
    np.testing.assert_allclose(y.numpy(force=True), np.einsum("...i,oi->...o", x, w) + (b if with_bias else 0),
        rtol=1e-13)
    g = rng.standard_normal(y.shape)
    gx, gw = grad(y, [tx, tw], minigrad.tensor(g), retain_graph=True)
    np.testing.assert_allclose(gx.numpy(), np.einsum("...o,oi->...i", g, w), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gw.numpy(), g.reshape(-1, 5).T @ x.reshape(-1, 3), rtol=1e-12, atol=1e-13)
    if with_bias:
        np.testing.assert_allclose(grad(y, tb, minigrad.tensor(g))[0].numpy(), g.reshape(-1, 5).sum(0), rtol=1e-12,
            atol=1e-13)


def test_products_of_halves_are_summed_in_more_precision():
    """In float16, 2048 + 1 is 2048."""
    x = minigrad.ones(2, 4096, dtype="float16")
    assert (x @ x.T).tolist() == [[4096.0] * 2] * 2
    assert (x[0] @ x[0]).item() == 4096
    assert minigrad.linear(x[None], x).tolist() == [[[4096.0] * 2] * 2]


def test_integer_products():
    x = minigrad.tensor([[1, 2], [3, 4]])
    assert (x @ x).tolist() == [[7, 10], [15, 22]] and (x @ x).dtype == "int64"
