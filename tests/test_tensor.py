"""Tensor's face: describing, leaving, gradients' attributes, dtypes, copies."""

import copy
import io
import pickle
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.tensor import View


def leaf(values, dtype=None):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


# --------------------------------------------------------------------------------------------------------- describing


def test_repr():
    x = mg.tensor([[1.0, 2.5], [3.0, -4.0]])
    assert repr(x) == "tensor([[ 1. ,  2.5],\n        [ 3. , -4. ]], shape=(2, 2), dtype=float32, device=cpu)"
    assert repr(leaf(2.0)) == "tensor(2., shape=(), dtype=float32, device=cpu, requires_grad=True)"
    assert repr(leaf([2.0]).tanh()).endswith("shape=(1,), dtype=float32, device=cpu, op=tanh)")
    assert repr(mg.tensor([True])) == "tensor([ True], shape=(1,), dtype=bool, device=cpu)"
    assert repr(mg.zeros(0, 3)) == "tensor([], shape=(0, 3), dtype=float32, device=cpu)"
    assert len(repr(mg.zeros(1000, 1000))) < 1000


def test_sizes(torch):
    for shape in ((2, 3, 4), (), (0, 5)):
        ours, theirs = mg.zeros(shape), torch.zeros(shape)
        assert tuple(theirs.shape) == ours.shape == tuple(ours.size())
        assert (ours.ndim, ours.dim(), ours.numel(), ours.nelement()) == (
            theirs.ndim,
            theirs.dim(),
            theirs.numel(),
            theirs.nelement(),
        )
        assert ours.stride() == theirs.stride() or 0 in shape
        assert ours.element_size() == ours.itemsize == 4 and ours.nbytes == theirs.numel() * 4
    x = mg.zeros(2, 3)
    assert (
        x.size(0) == 2 and x.size(-1) == 3 and x.T.stride() == (1, 3) and x.is_contiguous() and not x.T.is_contiguous()
    )
    with pytest.raises(IndexError, match="size: dim 2 is out of range"):
        x.size(2)


def test_len_and_iteration():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2 and [row.tolist() for row in x] == [[1, 2], [3, 4]]
    sum(row.sum() * (i + 1) for i, row in enumerate(x)).backward()
    assert x.grad.tolist() == [[1, 1], [2, 2]]
    a, b = mg.tensor([5, 6])
    assert (a.item(), b.item()) == (5, 6)
    assert list(mg.zeros(0, 2)) == []
    with pytest.raises(TypeError, match="0-d tensor has no length"):
        len(mg.tensor(1.0))
    with pytest.raises(TypeError, match="0-d tensor cannot be iterated"):
        iter(mg.tensor(1.0))


def test_truth():
    assert mg.tensor(1.0) and not mg.tensor([0]) and mg.tensor([[True]])
    with pytest.raises(ValueError, match=r"truth of a tensor of shape \(2,\) is ambiguous.*any"):
        bool(mg.ones(2))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(mg.ones(0))


def test_numbers():
    assert float(mg.tensor(2.5)) == 2.5 and int(mg.tensor([2.9])) == 2
    assert [10, 20, 30][mg.tensor(1)] == 20 and list(range(mg.tensor([3]))) == [0, 1, 2]
    assert (
        isinstance(mg.tensor(2.0).item(), float)
        and isinstance(mg.tensor(2).item(), int)
        and mg.tensor(True).item() is True
    )
    with pytest.raises(TypeError, match="integer tensors.*float32"):
        [10, 20][mg.tensor(1.0)]
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        mg.ones(2).item()
    with pytest.raises(ValueError, match=r"shape \(0,\)"):
        mg.ones(0).item()


def test_contains():
    x = mg.tensor([1.0, 2.0, 3.0])
    assert 2 in x and 5 not in x and mg.tensor(3.0) in x


def test_format():
    x = mg.tensor(3.14159)
    assert f"{x:.2f}" == "3.14" and f"{leaf(2.0) * 2:5.1f}" == "  4.0"
    assert f"{x}" == repr(x) == str(x)
    with pytest.raises(TypeError, match=r"\(2,\) cannot be formatted as '.2f'"):
        f"{mg.ones(2):.2f}"


def test_tolist_and_numpy_share():
    x = mg.tensor([[1, 2], [3, 4]])
    assert x.tolist() == [[1, 2], [3, 4]] and mg.tensor(1.5).tolist() == 1.5
    array = x.numpy()
    array[0, 0] = 9
    assert x[0, 0].item() == 9
    with pytest.raises(RuntimeError, match=r"detach\(\).numpy\(\)"):
        leaf([1.0]).numpy()
    assert leaf([1.0]).numpy(force=True).tolist() == [1]


def test_identity_is_what_hashes():
    x, y = mg.ones(2), mg.ones(2)
    assert {x: 1}[x] == 1 and len({x, y}) == 2
    assert (x == y).tolist() == [True, True] and (x != 1).tolist() == [False, False]
    assert (x == "text") is False and (x != "text") is True and (x == None) is False  # noqa: E711


# ----------------------------------------------------------------------------------------------------------- gradients


def test_requires_grad():
    x = mg.ones(2)
    assert not x.requires_grad and x.requires_grad_() is x and x.requires_grad and x.is_leaf
    (x * 2).sum().backward()
    x.requires_grad = False
    assert not x.requires_grad and x.grad is None
    y = leaf([1.0]) * 2
    y.requires_grad_()  # nothing to do
    with pytest.raises(RuntimeError, match=r"only be switched off on leaves.*detach"):
        y.requires_grad_(False)
    with pytest.raises(TypeError, match="floating-point.*int64.*float"):
        mg.tensor([1, 2]).requires_grad_()
    with pytest.raises(TypeError, match="floating-point.*bool"):
        mg.tensor([True], requires_grad=True)


def test_grad_can_be_set_and_is_checked():
    x = leaf([1.0, 2.0])
    x.grad = mg.tensor([5.0, 6.0])
    (x * 2).sum().backward()
    assert x.grad.tolist() == [7, 8]
    x.grad = None
    assert x.grad is None
    for wrong, error in (
        (mg.ones(3), ValueError),
        (mg.ones(2, dtype=mg.float64), ValueError),
        (np.ones(2), TypeError),
        (1.0, TypeError),
    ):
        with pytest.raises(error, match="grad"):
            x.grad = wrong
    with pytest.raises(RuntimeError, match="requires_grad=True"):
        mg.ones(2).grad = mg.ones(2)
    plain = mg.ones(2)
    plain.grad = None


def test_data_shares_memory_and_can_be_replaced():
    x = leaf([1.0, 2.0])
    x.data.mul_(3)
    assert x.tolist() == [3, 6] and not x.data.requires_grad
    x.data = mg.tensor([[7.0]], dtype=mg.float64)
    assert x.shape == (1, 1) and x.requires_grad
    (x * 2).sum().backward()
    assert x.grad.tolist() == [[2]] and x.grad.dtype == mg.float64
    with pytest.raises(TypeError, match="data takes a Tensor, not ndarray"):
        x.data = np.ones(2)
    with pytest.raises(TypeError, match="int64"):
        x.data = mg.tensor([1])
    with pytest.raises(RuntimeError, match="computed tensor"):
        (x * 2).data = mg.ones(1)
    assert x.tolist() == [[7]]


def test_a_graph_that_saw_memory_of_another_shape_raises():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    x.data = mg.ones(3)
    with pytest.raises(RuntimeError, match=r"shape \(2,\) .* changed to shape \(3,\)"):
        y.backward()
    assert x.grad is None
    (x * 4).sum().backward()
    assert x.grad.tolist() == [4, 4, 4]


def test_detach_in_place():
    x = leaf([1.0]) * 2
    assert x.detach_() is x and not x.requires_grad


# ------------------------------------------------------------------------------------------------- dtypes and devices


@pytest.mark.parametrize("name, dtype", [
    ("half", "float16"), ("float", "float32"), ("double", "float64"), ("int", "int32"), ("long", "int64"),
    ("bool", "bool"),
])  # fmt: skip
def test_casts_by_name(torch, name, dtype):
    values = [0.0, 1.7, -2.3]
    ours, theirs = getattr(mg.tensor(values), name)(), getattr(torch.tensor(values), name)()
    assert str(ours.dtype) == dtype and ours.tolist() == theirs.tolist()
    same = getattr(ours, name)()
    assert same is ours


def test_to():
    x = mg.tensor([1.5, 2.5])
    assert x.to(mg.float32) is x and x.to("cpu") is x and x.to(device="cpu", dtype=mg.float32) is x
    assert x.to(mg.float32, copy=True) is not x and x.to("cpu", copy=True).tolist() == [1.5, 2.5]
    assert (
        x.to("float64").dtype
        == x.to(np.float64).dtype
        == x.to(float).dtype
        == x.to("cpu", mg.float64).dtype
        == mg.float64
    )
    assert x.to(mg.tensor([1])).dtype == x.to(int).dtype == mg.int64 and x.type_as(mg.tensor([True])).dtype == bool
    assert x.to(mg.device("cpu")) is x and x.astype(np.int32).tolist() == [1, 2]
    assert x.cpu() is x and not x.is_cuda and x.is_floating_point() and not x.long().is_floating_point()
    for wrong in ("float99", "complex64"):
        with pytest.raises((RuntimeError, TypeError), match=wrong):
            x.to(wrong)


def test_casts_carry_gradients():
    x = leaf([1.0, 2.0])
    (x.double() * 3).half().float().sum().backward()
    assert x.grad.tolist() == [3, 3] and x.grad.dtype == mg.float32


def test_new_tensors_of_a_kind():
    x = mg.ones(2, dtype=mg.float64)
    assert (
        x.new_tensor([1, 2]).dtype == mg.float64
        and x.new_zeros(2, 3).shape == (2, 3)
        and x.new_ones((2,)).tolist() == [1, 1]
    )
    assert x.new_full((2,), 7).tolist() == [7, 7] and x.new_full((1,), 7, dtype=mg.int64).dtype == mg.int64


# --------------------------------------------------------------------------------------------------- operators' shapes


def test_every_operator_both_ways(torch):
    expressions = [
        "x + y", "x - y", "x * y", "x / y", "x // y", "x % y", "x ** y", "-x", "+x", "abs(x)", "2 + x", "2 - x",
        "2 * x", "2 / y",
        "2 // y", "2 % y", "2 ** x", "x ** 2", "x > y", "x >= y", "x < y", "x <= y", "x == y", "x != y", "2 > x",
        "2 <= x",
        "x @ y", "x.add(y, alpha=2)", "x.sub(y, alpha=2)", "x.where(x > y, y)", "x.t()", "x.T", "x.mm(y)",
        "x.expand_as(y)",
        "x.view_as(y)", "x.reshape_as(y)", "(x > 1) & (y > 1)", "(x > 1) | (y > 1)", "(x > 1) ^ (y > 1)", "~(x > 1)",
        "x.swapaxes(0, 1)", "x.mT", "x[0] @ y", "x.clip(0, 1)", "x.logical_and(y)", "x.true_divide(y)",
    ]  # fmt: skip
    values = {"x": [[1.5, -2.0], [3.0, 0.5]], "y": [[2.0, 2.0], [1.0, 3.0]]}
    for expression in expressions:
        theirs, ours = (eval(expression, {k: L.tensor(v) for k, v in values.items()}) for L in (torch, mg))
        assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch."), expression
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, err_msg=expression)


def test_t_is_for_matrices():
    with pytest.raises(ValueError, match=r"\(1, 2, 3\).*mT"):
        mg.zeros(1, 2, 3).t()
    assert mg.ones(3).t().shape == (3,)


def test_indexing_against_numpy(rng):
    values = rng.standard_normal((3, 4, 2))
    x = mg.tensor(values)
    mask = values[:, :, 0] > 0
    keys = [
        0, -1, (0, 1), (0, 1, 1), slice(1, None), (slice(None), 2), (..., 1), None, (None, 0, ..., None),
        (slice(None, None, 2),), ...,
        [2, 0], ([0, 1], [3, 2]), (slice(None), [0, 3]), np.array([1, 1]), mask, (slice(0, 2), np.int64(3)), (), [],
        (slice(2, 0),), ([[0, 1], [2, 0]],), (np.array(1), 2), values > 0.5,
    ]  # fmt: skip
    for key in keys:
        expected = values[key]
        found = x[key]
        assert isinstance(found, mg.Tensor) and found.shape == expected.shape, key
        np.testing.assert_array_equal(found.numpy(), expected)
    np.testing.assert_array_equal(x[mg.tensor([2, 0])].numpy(), values[[2, 0]])
    np.testing.assert_array_equal(x[mg.tensor(mask)].numpy(), values[mask])
    np.testing.assert_array_equal(x[mg.tensor(1)].numpy(), values[1])


# ------------------------------------------------------------------------------------------------------------- copies


def test_deepcopy():
    x = leaf([1.0, 2.0])
    (x * 3).sum().backward()
    y, again = copy.deepcopy([x, x])
    assert y is again and y.requires_grad and y.is_leaf and y.grad.tolist() == [3, 3]
    y.data.zero_()
    y.grad.zero_()
    assert x.tolist() == [1, 2] and x.grad.tolist() == [3, 3]
    with pytest.raises(RuntimeError, match=r"only leaves.*detach\(\)\.clone\(\)"):
        copy.deepcopy(x * 2)


def test_deepcopy_of_a_view_is_a_plain_tensor():
    x = mg.ones(2, 3)
    row = copy.deepcopy(x[0])
    assert type(row) is mg.Tensor
    row.zero_()
    assert x.sum().item() == 6


def test_pickle_of_leaves():
    for x in (leaf([1.0, 2.0], mg.float64), mg.tensor([[1, 2]]), mg.tensor(True), mg.ones(4, 3)[1:].T):
        y = pickle.loads(pickle.dumps(x))
        assert (
            type(y) is mg.Tensor
            and y.tolist() == x.tolist()
            and y.dtype == x.dtype
            and y.requires_grad == x.requires_grad
        )
    with pytest.raises(RuntimeError, match="only leaves"):
        pickle.dumps(leaf([1.0]) * 2)
    part = io.BytesIO()
    pickle.dump(mg.ones(1000, 1000)[0], part)
    assert len(part.getvalue()) < 10_000  # not the whole base


def test_a_shallow_copy_of_a_leaf_is_a_leaf():
    x = leaf([1.0, 2.0])
    y = copy.copy(x)
    assert y.tolist() == [1, 2] and y.requires_grad


def test_clone_and_contiguous():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = x.T.contiguous()
    assert y.is_contiguous() and y.tolist() == [[1, 3], [2, 4]] and x.contiguous() is x
    z = x.clone()
    assert not np.shares_memory(z.array, x.array)
    (y * z).sum().backward()
    assert x.grad.tolist() == [[2, 6], [4, 8]]


def test_views_share_memory_with_their_base(torch):
    expressions = [
        "x[0]", "x[1:, ::2]", "x[..., None]", "x[1, 2]", "x.T", "x.mT", "x.view(6)", "x.reshape(3, 2)",
        "x.transpose(0, 1)", "x.permute(1, 0)",
        "x.unsqueeze(1)", "x.squeeze()", "x.flatten()", "x.expand(4, 2, 3)", "x.split(1)[0]", "x.chunk(2)[1]",
        "x.unbind()[1]",
        "x.movedim(0, 1)", "x.T.reshape(6)", "x[[0, 1]]", "x.clone()", "x.T.contiguous()", "x.flip(0)", "x[x > 0]",
        "x + 0",
        "x.detach()", "x.contiguous()", "x.reshape(2, 3)", "x.data", "x.swapaxes(0, 1)",
    ]  # fmt: skip
    for expression in expressions:
        theirs, ours = torch.ones(2, 3), mg.ones(2, 3)
        apart = eval(expression, {"x": theirs})
        mine = eval(expression, {"x": ours})
        shares = apart.untyped_storage().data_ptr() == theirs.untyped_storage().data_ptr()
        assert np.shares_memory(mine.array, ours.array) == shares, expression


def test_results_of_a_view_are_no_views():
    x = mg.ones(2, 3)[0]
    assert type(x) is View and type(x * 2) is mg.Tensor and type(x.sum()) is mg.Tensor


def test_nothing_here_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = leaf([0.0, np.inf, -1.0, np.nan])
        y = mg.tensor([0.0, 0.0, 1.0, 1.0])
        (x / y + x.log() + x * x + y.sqrt()).sum().backward()
        x.detach().long(), x.detach().half(), (x.detach() // y), mg.tensor([1, 2]) // mg.tensor([1, 2])
        x.detach().div_(0), mg.tensor([1e300], dtype=mg.float64).float()
