"""What samples do not say: views follow their base, pieces that nobody used, padding longhand."""
import numpy as np
import pytest

import minigrad
from minigrad import grad


def test_views_and_copies_as_the_memory_layout_allows():
    x = minigrad.arange(6.0).reshape(2, 3)
    for view in (x.reshape(3, 2), x.view(6), x.T, x[None], x.squeeze(), x.flatten(), x.expand(4, 2, 3), x.split(1)[1],
                 x.unbind(1)[0], x.mT, x.movedim(0, 1)):
        assert np.shares_memory(view.array, x.array)
    for copy in (x.T.reshape(6), x.T.flatten(), x.flip(0), x.flip(()), x.clone(), minigrad.tril(x),
                 minigrad.pad(x, (0, 0)), minigrad.cat([x])):
        assert not np.shares_memory(copy.array, x.array)
    assert x.contiguous() is x and x.T.contiguous().is_contiguous()


def test_pieces_that_nobody_used_have_gradient_zero():
    x = minigrad.arange(6.0, requires_grad=True)
    a, b, c = x.split(2)
    assert grad((b * b).sum(), x)[0].tolist() == [0, 0, 4, 6, 0, 0]
    first, *_ = x.unbind()
    assert grad(first * 3, x)[0].tolist() == [3, 0, 0, 0, 0, 0]


def test_gradients_of_pieces_used_twice_add_up():
    x = minigrad.arange(4.0, requires_grad=True)
    a, b = x.chunk(2)
    assert grad((a * b + a).sum(), x)[0].tolist() == [2 + 1, 3 + 1, 0, 1]


@pytest.mark.parametrize(("n", "size", "lengths"), [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (2, 5, [2]), (0, 2, [0])])
def test_lengths_of_pieces(n, size, lengths):
    assert [len(p) for p in minigrad.zeros(n).split(size)] == lengths


@pytest.mark.parametrize(("n", "chunks", "lengths"), [(7, 3, [3, 3, 1]), (5, 4, [2, 2, 1]), (2, 5, [1, 1]),
    (0, 2, [0, 0])])
def test_lengths_of_chunks(n, chunks, lengths):
    assert [len(p) for p in minigrad.zeros(n).chunk(chunks)] == lengths


@pytest.mark.parametrize("pad", [(1, 2), (0, 0, 2, 1), (-1, 1), (1, -2, -1, 3), (-1, -1)])
def test_pad_longhand(pad):
    """Left and right of the last dimension first; negative cuts."""
    x = np.arange(12.0).reshape(3, 4)
    (top, bottom), (left, right) = (pad[2:] or (0, 0)), pad[:2]
    expected = np.full((3 + top + bottom, 4 + left + right), 9.0)
    for i, j in np.ndindex(3, 4):
        if 0 <= i + top < expected.shape[0] and 0 <= j + left < expected.shape[1]:
            expected[i + top, j + left] = x[i, j]
    np.testing.assert_array_equal(minigrad.pad(minigrad.tensor(x), pad, value=9).numpy(), expected)


@pytest.mark.parametrize("diagonal", range(-4, 5))
def test_triangles_longhand(diagonal):
    x = np.arange(1.0, 13).reshape(3, 4)
    below = np.array([[x[i, j] if j - i <= diagonal else 0 for j in range(4)] for i in range(3)])
    np.testing.assert_array_equal(minigrad.tril(minigrad.tensor(x), diagonal).numpy(), below)
    np.testing.assert_array_equal(minigrad.triu(minigrad.tensor(x), diagonal + 1).numpy(), x - below)


def test_a_long_unbind_and_stack_give_back_the_tensor():
    x = minigrad.tensor(np.random.default_rng(0).standard_normal((300, 2)), requires_grad=True)
    y = minigrad.stack(x.unbind())
    np.testing.assert_array_equal(y.numpy(force=True), x.numpy(force=True))
    np.testing.assert_array_equal(grad((y * y).sum(), x)[0].numpy(), 2 * x.numpy(force=True))


def test_what_is_flat_or_contiguous_is_returned_itself():
    x = minigrad.arange(6.0, requires_grad=True)
    rows = minigrad.zeros(2, 3)
    assert x.flatten() is x and x.contiguous() is x and rows.flatten(1) is rows and rows.flatten(0, 0) is rows
    assert minigrad.tensor(3.0).flatten().shape == (1,)
    with pytest.raises(IndexError, match="flatten"):
        x.flatten(1)
