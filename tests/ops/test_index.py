"""Indexing against PyTorch over many kinds of index; gather, scatter and repeated indices against loops."""
import itertools

import numpy as np
import pytest

import minigrad
from minigrad import grad

NUMBERS = np.arange(4 * 3 * 2 * 2, dtype="float64").reshape(4, 3, 2, 2)

# For each of three places in an index: what may stand there.
PARTS = [
    [0, slice(1, 3), None, [0, 2, 1], [True, False, True, False]],
    [-1, slice(None), None, [2, 0, 0], [[1], [2], [0]], Ellipsis],
    [1, slice(None, None, 2), [0, 1, 1], None],
]


def for_torch(torch, part):
    return torch.tensor(part) if isinstance(part, list) else part


def fits(parts):
    """No mask beside index arrays of another number of elements: these do not broadcast."""
    masked = any(isinstance(p, list) and isinstance(p[0], bool) for p in parts)
    arrays = [p for p in parts if isinstance(p, list)]
    return not masked or len(arrays) == 1


@pytest.mark.parametrize("parts", [p for p in itertools.product(*PARTS) if fits(p)], ids=repr)
def test_every_mix_of_numbers_slices_none_arrays_and_masks(parts, torch):
    """Values and gradient; above all where the dimensions of index arrays end up, in which NumPy and PyTorch differ."""
    x, t = minigrad.tensor(NUMBERS, requires_grad=True), torch.from_numpy(NUMBERS.copy()).requires_grad_()
    y, z = x[parts], t[tuple(for_torch(torch, p) for p in parts)]
    np.testing.assert_array_equal(y.numpy(force=True), z.detach().numpy(), strict=True)
    (y * y).sum().backward()
    (z * z).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), t.grad.numpy())


@pytest.mark.parametrize("parts", [p for p in itertools.product(*PARTS) if fits(p)][::3], ids=repr)
def test_assignment_by_every_mix(parts, torch):
    x, t = minigrad.tensor(NUMBERS), torch.from_numpy(NUMBERS.copy())
    at = tuple(for_torch(torch, p) for p in parts)
    x[parts] = -minigrad.ones(*t[at].shape)
    t[at] = -torch.ones(t[at].shape, dtype=t.dtype)
    np.testing.assert_array_equal(x.numpy(), t.numpy())


def test_repeated_indices_accumulate():
    x = minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    weights = minigrad.tensor([1.0, 10.0, 100.0, 1000.0])
    (g,) = grad((x[[0, 2, 0, 0]] * weights).sum(), x)
    assert g.tolist() == [1101, 0, 10]
    (g,) = grad((x[minigrad.tensor([[0, 0], [-1, 2]])] * weights.reshape(2, 2)).sum(), x)
    assert g.tolist() == [11, 0, 1100]


def test_second_order_through_repeated_indices():
    x = minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (g,) = grad((x[[0, 0, 2]] ** 3).sum(), x, create_graph=True)
    assert g.tolist() == [6, 0, 27]
    assert grad(g.sum(), x)[0].tolist() == [12, 0, 18]


def test_an_assignment_at_repeated_indices_gives_the_gradient_to_the_value_that_stayed():
    x, v = minigrad.zeros(3, requires_grad=True), minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y[[0, 0, 2]] = v
    gx, gv = grad((y * minigrad.tensor([5.0, 6.0, 7.0])).sum(), [x, v])
    stayed = y.tolist()[0]
    assert stayed in (1, 2) and gx.tolist() == [0, 6, 0]
    assert gv.tolist() == [5 if stayed == 1 else 0, 5 if stayed == 2 else 0, 7]


def looped_gather(x, dim, index):
    out = np.zeros(index.shape, x.dtype)
    for at in np.ndindex(*index.shape):
        source = list(at)
        source[dim] = index[at]
        out[at] = x[tuple(source)]
    return out


def looped_scatter_add(x, dim, index, src):
    out = x.copy()
    for at in np.ndindex(*index.shape):
        target = list(at)
        target[dim] = index[at]
        out[tuple(target)] += src[at]
    return out


@pytest.mark.parametrize(("shape", "index_shape"), [((5,), (7,)), ((4, 3), (2, 3)), ((4, 3), (4, 3)),
    ((3, 4, 2), (3, 2, 2)), ((3, 4, 2), (1, 1, 1))])
def test_gather_and_scatter_add_against_loops(shape, index_shape, rng):
    for dim in range(len(shape)):
        sizes = tuple(n if d == dim else min(n, shape[d]) for d, n in enumerate(index_shape))
        x, index, src = rng.standard_normal(shape), rng.integers(0, shape[dim], sizes), rng.standard_normal(sizes)
        mx, ms = minigrad.tensor(x, requires_grad=True), minigrad.tensor(src, requires_grad=True)
        mi = minigrad.tensor(index)
        gathered, added = minigrad.gather(mx, dim - len(shape), mi), minigrad.scatter_add(mx, dim, mi, ms)
        np.testing.assert_array_equal(gathered.numpy(force=True), looped_gather(x, dim, index))
        np.testing.assert_allclose(added.numpy(force=True), looped_scatter_add(x, dim, index, src), rtol=1e-14)
        g, h = rng.standard_normal(sizes), rng.standard_normal(shape)
        np.testing.assert_allclose(grad(gathered, mx, minigrad.tensor(g))[0].numpy(),
            looped_scatter_add(np.zeros(shape), dim, index, g), rtol=1e-14)
        gx, gs = grad(added, [mx, ms], minigrad.tensor(h))
        np.testing.assert_array_equal(gx.numpy(), h)
        np.testing.assert_array_equal(gs.numpy(), looped_gather(h, dim, index))


def test_one_hot_against_a_loop():
    labels = np.array([[2, 0], [1, 3]])
    expected = np.zeros((2, 2, 5), int)
    for at in np.ndindex(2, 2):
        expected[(*at, labels[at])] = 1
    np.testing.assert_array_equal(minigrad.one_hot(minigrad.tensor(labels), 5).numpy(), expected, strict=True)
    assert minigrad.one_hot(minigrad.tensor(labels)).shape == (2, 2, 4)


@pytest.mark.parametrize("index", [0, -1, (1, 2), slice(1, 3), (slice(None), 0), None, Ellipsis, minigrad.tensor(1),
    np.int64(1), np.array(1), (Ellipsis, slice(None, None, -1))], ids=repr)
def test_numbers_and_slices_give_views(index):
    x = minigrad.arange(12.0).reshape(4, 3)
    assert np.shares_memory(x[index].array, x.array)


@pytest.mark.parametrize("index", [[0], np.full((4, 3), True), (slice(None), [0, 1]), minigrad.tensor([1]),
    minigrad.tensor([True] * 4), (0, [1])], ids=repr)
def test_arrays_and_masks_give_copies(index):
    """In memory order, as PyTorch's."""
    x = minigrad.arange(12.0).reshape(4, 3)
    assert not np.shares_memory(x[index].array, x.array)
    assert x[index].is_contiguous()


def test_masks_of_fewer_dimensions():
    x = minigrad.arange(6.0).reshape(2, 3)
    assert x[minigrad.tensor([False, True])].tolist() == [[3, 4, 5]]
    assert x[:, minigrad.tensor([True, False, True])].tolist() == [[0, 2], [3, 5]]
    assert x[x > 10].shape == (0,)
    assert x[minigrad.tensor(True)].shape == (1, 2, 3) and x[False].shape == (0, 2, 3)


def test_halves_are_scattered_in_more_precision():
    """In float16, adding 0.1 stops at 256."""
    tenth = float(np.float16(0.1))
    src = minigrad.full((5000,), 0.1, dtype="float16", requires_grad=True)
    index = minigrad.zeros(5000, dtype="int64")
    y = minigrad.scatter_add(minigrad.zeros(2, dtype="float16"), 0, index, src)
    assert y.dtype == "float16" and y.tolist() == [np.float16(5000 * tenth), 0]
    assert grad(y[0], src)[0].tolist() == [1] * 5000
    x = minigrad.zeros(2, dtype="float16", requires_grad=True)
    for picked in (x[index], minigrad.gather(x, 0, index)):
        (g,) = grad(picked, x, minigrad.full((5000,), 0.1, dtype="float16"))
        assert g.dtype == "float16" and g.tolist() == [np.float16(5000 * tenth), 0]


@pytest.mark.parametrize("make", [
    lambda tensor: [[0, 1], [1, 0]], lambda tensor: [slice(None), 0], lambda tensor: [tensor(0), tensor(1)],
    lambda tensor: [tensor([0, 1]), tensor([1, 2])], lambda tensor: [None, 0], lambda tensor: [0, 1],
    lambda tensor: [Ellipsis, 0], lambda tensor: [[0, 1]], lambda tensor: [True, False, True, False],
    lambda tensor: [[True, False, True, False], 0], lambda tensor: [(0, 1), (1, 0)], lambda tensor: [],
    lambda tensor: [[]], lambda tensor: [range(2), 0], lambda tensor: [tensor(0), 1],
    lambda tensor: [[[0, 1], [1, 0]]], lambda tensor: [[0, 1]] * 33, lambda tensor: [tensor([3, 1])],
    lambda tensor: [tensor([3, 1]), [1, 2], [0, 0]],
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # PyTorch's, of what it still does
def test_a_list_stands_for_a_tuple_where_it_does_in_pytorch(make, torch):
    x = minigrad.tensor(NUMBERS[..., 0], requires_grad=True)
    t = torch.from_numpy(NUMBERS[..., 0].copy()).requires_grad_()
    y, z = x[make(minigrad.tensor)], t[make(torch.tensor)]
    np.testing.assert_array_equal(y.numpy(force=True), z.detach().numpy())
    y.sum().backward()
    z.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), t.grad.numpy())


def test_an_index_array_that_changes_later_changes_no_gradient():
    for key in (lambda i: i, lambda i: (slice(None), i), lambda i: [i]):
        x = minigrad.zeros(3, 3, requires_grad=True)
        index = np.array([0, 0])
        expected = np.zeros((3, 3))
        np.add.at(expected, key(index) if not isinstance(key(index), list) else index, 1)
        y = x[key(index)]
        index[:] = 2
        assert grad(y.sum(), x)[0].tolist() == expected.tolist()
    mask = np.array([True, False, False])
    y = x[mask]
    mask[:] = [False, True, True]
    assert grad(y.sum(), x)[0].tolist() == [[1] * 3, [0] * 3, [0] * 3]
