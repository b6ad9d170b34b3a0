"""Clipping gradients against PyTorch's and the formula; parameters as one vector."""

import math
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import utils

SHAPES = [(3, 4), (5,), (), (0, 3), (2, 1, 3)]
ORDERS = [1, 2.0, math.inf, 3, 0.5]


def with_gradients(gradients, dtype=None, device=None):
    """Parameters of zeros that have these gradients; None for none."""
    params = []
    for g in gradients:
        shape = (2,) if g is None else np.shape(g)
        p = mg.zeros(*shape, dtype=dtype or mg.float64, device=device, requires_grad=True)
        if g is not None:
            p.grad = mg.tensor(g, dtype=p.dtype, device=device)
        params.append(p)
    return params


def values(params):
    return [None if p.grad is None else p.grad.numpy(force=True).copy() for p in params]


def drawn(rng, scale=1.0, order=2):
    """Gradients, one of them missing; without an empty one for the largest value, which PyTorch refuses."""
    shapes = [shape for shape in SHAPES if order != math.inf or math.prod(shape)]
    return [scale * rng.normal(size=shape) for shape in shapes] + [None]


def in_torch(torch, gradients, dtype):
    params = [torch.zeros((2,) if g is None else np.shape(g), dtype=dtype, requires_grad=True) for g in gradients]
    for p, g in zip(params, gradients):
        p.grad = None if g is None else torch.tensor(g, dtype=dtype)
    return params


def torchs(params):
    return [None if p.grad is None else p.grad.numpy() for p in params]


def close(ours, theirs, rtol):
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=rtol, atol=0)


# ------------------------------------------------------------------------------------------------------ against PyTorch


@pytest.mark.parametrize("max_norm", [0.0, 0.1, 1.0, 1e6, math.inf])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-13), ("float32", 1e-6)])
def test_clipping_by_norm_has_the_values_of_torch(torch, rng, dtype, rtol, order, max_norm):
    gradients = drawn(rng, order=order)
    ours, theirs = with_gradients(gradients, getattr(mg, dtype)), in_torch(torch, gradients, getattr(torch, dtype))
    norm = utils.clip_grad_norm_(ours, max_norm, order)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, order)
    assert norm.shape == () and norm.dtype == getattr(mg, dtype) and not norm.requires_grad
    np.testing.assert_allclose(norm.item(), expected.item(), rtol=rtol)
    close(values(ours), torchs(theirs), rtol)
    assert all(p.grad is None or p.grad.dtype == p.dtype for p in ours)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("order", [1, 2, math.inf])
def test_norms_that_are_not_finite_scale_as_in_torch(torch, rng, order, bad):
    gradients = drawn(rng, order=order)
    gradients[0][1, 2] = bad
    ours, theirs = with_gradients(gradients), in_torch(torch, gradients, torch.float64)
    norm = utils.clip_grad_norm_(ours, 1.0, order)
    np.testing.assert_equal(norm.item(), torch.nn.utils.clip_grad_norm_(theirs, 1.0, order).item())
    close(values(ours), torchs(theirs), 1e-13)


@pytest.mark.parametrize("limit", [0.0, 0.3, 10.0, math.inf])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_clipping_by_value_has_the_values_of_torch(torch, rng, dtype, limit):
    gradients = drawn(rng)
    gradients[0][0] = [math.nan, math.inf, -math.inf, -0.0]
    ours, theirs = with_gradients(gradients, getattr(mg, dtype)), in_torch(torch, gradients, getattr(torch, dtype))
    assert utils.clip_grad_value_(ours, limit) is None
    torch.nn.utils.clip_grad_value_(theirs, limit)
    close(values(ours), torchs(theirs), 0)


@pytest.mark.parametrize("order", ORDERS)
def test_the_total_norm_is_that_of_torch(torch, rng, order):
    arrays = drawn(rng, order=order)[:-1]
    ours = utils.get_total_norm([mg.tensor(a) for a in arrays], order)
    expected = torch.nn.utils.get_total_norm([torch.tensor(a) for a in arrays], order)
    np.testing.assert_allclose(ours.item(), expected.item(), rtol=1e-13)
    total = mg.tensor(2.5, dtype=mg.float64)
    clipped, theirs = with_gradients(arrays), in_torch(torch, arrays, torch.float64)
    utils.clip_grads_with_norm_(clipped, 0.7, total)
    torch.nn.utils.clip_grads_with_norm_(theirs, 0.7, torch.tensor(2.5, dtype=torch.float64))
    close(values(clipped), torchs(theirs), 1e-15)


def test_the_total_norm_of_nothing_is_zero(torch):
    assert torch.nn.utils.get_total_norm([]).item() == 0
    norm = utils.get_total_norm([])
    assert (norm.item(), norm.shape, norm.dtype) == (0.0, (), mg.get_default_dtype())
    assert utils.clip_grad_norm_([mg.zeros(2, requires_grad=True)], 1.0).item() == 0.0
    assert utils.get_total_norm([mg.zeros(0, 3)], math.inf).item() == 0.0


# -------------------------------------------------------------------------------------------- what PyTorch cannot hold


@pytest.mark.parametrize(
    "size, dtype", [(1e-30, "float32"), (1e30, "float32"), (1e-300, "float64"), (1e300, "float64")]
)
@pytest.mark.parametrize("order", [1, 2, 3, math.inf])
def test_tiny_and_huge_gradients_have_their_norm(rng, dtype, size, order):
    ones = rng.normal(size=20)
    expected = np.max(np.abs(ones)) if order == math.inf else (np.abs(ones) ** order).sum() ** (1 / order)
    parts = with_gradients([size * ones[:12], size * ones[12:]], getattr(mg, dtype))
    # The 1e-6 under the fraction is PyTorch's: nothing beside a huge norm, everything beside a tiny one.
    norm = utils.clip_grad_norm_(parts, 0.5 * (expected * size + 1e-6), order)
    np.testing.assert_allclose(norm.item() / size, expected, rtol=1e-6 if dtype == "float32" else 1e-13)
    np.testing.assert_allclose(np.concatenate(values(parts)) / size, 0.5 * ones, rtol=1e-6)


def test_a_factor_too_small_for_float32_scales_rightly():
    (p,) = params = with_gradients([np.full(4, 3e38)], mg.float32)
    norm = utils.clip_grad_norm_(params, 1e-5)
    assert norm.item() == math.inf  # 6e38 is beyond float32, in which the norm is told, but not in which it is used
    np.testing.assert_allclose(p.grad.numpy(), np.full(4, 0.5e-5), rtol=1e-6)


def test_the_norm_of_halves_is_told_in_float32():
    (p,) = params = with_gradients([np.full(4, 6e4)], mg.float16)
    norm = utils.clip_grad_norm_(params, 4.0)
    assert norm.dtype == mg.float32 and p.grad.dtype == mg.float16
    np.testing.assert_allclose(norm.item(), 2 * np.float64(np.float16(6e4)), rtol=1e-6)
    np.testing.assert_allclose(p.grad.numpy(), np.full(4, 2.0), rtol=1e-3)


def test_mixed_dtypes_are_one_vector():
    params = with_gradients([[3.0]], mg.float32) + with_gradients([[4.0]], mg.float64)
    norm = utils.clip_grad_norm_(params, 1.0)
    assert norm.dtype == mg.float64 and norm.item() == 5.0
    np.testing.assert_allclose(np.concatenate(values(params)), [0.6, 0.8], rtol=1e-6)


# ---------------------------------------------------------------------------------------------- once, and in its place


def test_it_works_in_place():
    (p,) = with_gradients([[3.0, 4.0]])
    kept, array = p.grad, p.grad.array
    utils.clip_grad_norm_(p, 1.0)
    assert p.grad is kept and p.grad.array is array
    np.testing.assert_allclose(array, [0.6, 0.8], rtol=1e-6)
    utils.clip_grad_value_(p, 0.7)
    np.testing.assert_allclose(array, [0.6, 0.7], rtol=1e-6)


@pytest.mark.parametrize("clip", [
    lambda params: utils.clip_grad_norm_(params, 1.0), lambda params: utils.clip_grads_with_norm_(params, 1.0, 5.0),
    lambda params: utils.clip_each_grad_norm_(params, 1.0),
])  # fmt: skip
def test_no_gradient_is_scaled_twice(clip):
    (p,) = with_gradients([[3.0, 4.0]])
    clip([p, p])
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-6)
    a, b = with_gradients([[0.0, 0.0], [0.0, 0.0]])
    a.grad = b.grad = mg.tensor([3.0, 4.0], dtype=mg.float64)
    clip([a, b])
    np.testing.assert_allclose(a.grad.numpy(), [0.6, 0.8], rtol=1e-6)


def test_a_gradient_listed_twice_counts_once():
    (p,) = with_gradients([[3.0, 4.0]])
    assert utils.clip_grad_norm_([p, p], 1.0).item() == 5.0


def test_gradients_of_one_addition_are_clipped_once_each():
    a, b = mg.zeros(2, requires_grad=True), mg.zeros(2, requires_grad=True)
    ((a + b) * mg.tensor([3.0, 4.0])).sum().backward()
    norm = utils.clip_grad_norm_([a, b], 1.0)
    np.testing.assert_allclose(norm.item(), math.sqrt(50), rtol=1e-6)
    np.testing.assert_allclose(a.grad.numpy(), np.array([3, 4]) / math.sqrt(50), rtol=1e-6)
    assert a.grad.tolist() == b.grad.tolist()


@pytest.mark.parametrize("clip", [utils.clip_grad_norm_, utils.clip_grad_value_, utils.clip_each_grad_norm_])
def test_a_graph_that_needs_the_gradient_notices(clip):
    w = mg.tensor([3.0, 4.0], requires_grad=True)
    (w * w).sum().backward()
    x = mg.ones(2, requires_grad=True)
    y = (x * w.grad).sum()
    clip(w, 1.0)
    with pytest.raises(RuntimeError, match="mul"):
        y.backward()


def test_views_of_one_buffer_are_fine_and_overlaps_are_refused():
    params = with_gradients([[0.0, 0.0], [0.0, 0.0]])
    buffer = mg.tensor([3.0, 0.0, 4.0, 0.0], dtype=mg.float64)
    params[0].grad, params[1].grad = buffer[::2], buffer[1::2]
    assert utils.clip_grad_norm_(params, 1.0).item() == 5.0
    np.testing.assert_allclose(buffer.numpy(), [0.6, 0.0, 0.8, 0.0], rtol=1e-6)
    before = buffer.tolist()
    params[0].grad, params[1].grad = buffer[:2], buffer[1:3]
    for clip in (utils.clip_grad_norm_, utils.clip_grad_value_, utils.clip_each_grad_norm_):
        with pytest.raises(ValueError, match=r"shapes \(2,\) and \(2,\) share a part of their memory"):
            clip(params, 0.1)
    assert buffer.tolist() == before


# ------------------------------------------------------------------------------------------------- one by one, devices


@pytest.mark.parametrize("order", [1, 2, math.inf])
def test_clipping_each_is_clipping_it_alone(torch, rng, order):
    gradients = drawn(rng, 2.0, order)
    ours, theirs = with_gradients(gradients), in_torch(torch, gradients, torch.float64)
    norms = utils.clip_each_grad_norm_(ours, 1.5, order)
    expected = [torch.nn.utils.clip_grad_norm_([p], 1.5, order).item() for p in theirs if p.grad is not None]
    np.testing.assert_allclose(norms.numpy(), expected, rtol=1e-13)
    close(values(ours), torchs(theirs), 1e-13)


def test_clipping_each_of_nothing():
    assert utils.clip_each_grad_norm_([mg.zeros(2, requires_grad=True)], 1.0).shape == (0,)


def test_on_a_gpu(cuda, rng):
    gradients = drawn(rng)
    here, there = with_gradients(gradients), with_gradients(gradients, device=cuda)
    for order in ORDERS:
        expected = utils.clip_grad_norm_(here, 0.9, order)
        norm = utils.clip_grad_norm_(there, 0.9, order)
        assert norm.is_cuda
        np.testing.assert_allclose(norm.item(), expected.item(), rtol=1e-12)
        close(values(there), values(here), 1e-12)
    for clip in (utils.clip_grad_value_, utils.clip_each_grad_norm_):
        clip(here, 0.1)
        clip(there, 0.1)
        close(values(there), values(here), 1e-12)


def test_over_two_devices(cuda):
    params = with_gradients([[3.0]]) + with_gradients([[4.0]], device=cuda)
    norm = utils.clip_grad_norm_(params, 1.0)
    assert norm.item() == 5.0 and not norm.is_cuda
    np.testing.assert_allclose(np.concatenate(values(params)), [0.6, 0.8], rtol=1e-6)
    assert utils.clip_each_grad_norm_(params, 1.0).shape == (2,)


def test_in_training_it_bounds_the_step():
    layer = nn.Linear(3, 2)
    optimizer = mg.optim.SGD(layer.parameters(), lr=0.5)
    for size in (1.0, 1e6):
        optimizer.zero_grad()
        (layer(mg.ones(4, 3)) * size).sum().backward()
        before = utils.parameters_to_vector(layer.parameters()).detach().numpy()
        utils.clip_grad_norm_(layer.parameters(), 0.1)
        optimizer.step()
        moved = utils.parameters_to_vector(layer.parameters()).detach().numpy() - before
        np.testing.assert_allclose(np.linalg.norm(moved), 0.05, rtol=1e-4)


# ----------------------------------------------------------------------------------------------------------- bad input


def untouched(params, function, error, match):
    before = [None if g is None else g.tobytes() for g in values(params)]
    with pytest.raises(error, match=match):
        function(params)
    assert [None if g is None else g.tobytes() for g in values(params)] == before


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_norms_that_are_not_finite_are_refused_if_asked(bad):
    params = with_gradients([[3.0], [bad]])
    match = f"norm of order 2 is {bad}, so they cannot be clipped"
    untouched(params, lambda p: utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True), RuntimeError, match)
    untouched(params, lambda p: utils.clip_each_grad_norm_(p, 1.0, error_if_nonfinite=True), RuntimeError, match)
    with pytest.raises(RuntimeError, match=match):
        utils.get_total_norm([p.grad for p in params], error_if_nonfinite=True)
    fine = with_gradients([[3.0], [4.0]])
    assert utils.clip_grad_norm_(fine, 1.0, error_if_nonfinite=True).item() == 5.0


@pytest.mark.parametrize("clip, match", [
    (lambda p: utils.clip_grad_norm_(p, -1.0), "max_norm must be 0 or above, got -1.0"),
    (lambda p: utils.clip_grad_norm_(p, math.nan), "max_norm must be 0 or above, got nan"),
    (lambda p: utils.clip_grad_norm_(p, 1.0, 0), "norm_type must be above 0 .* got 0"),
    (lambda p: utils.clip_grad_norm_(p, 1.0, -math.inf), "norm_type must be above 0 .* got -inf"),
    (lambda p: utils.clip_grad_value_(p, -0.5), "clip_value must be 0 or above, got -0.5"),
    (lambda p: utils.clip_each_grad_norm_(p, -1.0), "max_norm must be 0 or above, got -1.0"),
    (lambda p: utils.clip_grads_with_norm_(p, 1.0, mg.ones(2)), r"total_norm must be a number .* shape \(2,\)"),
])  # fmt: skip
def test_bad_numbers_are_refused(clip, match):
    untouched(with_gradients([[3.0], [4.0]]), clip, ValueError, match)


def test_what_is_no_number_or_no_tensor_is_refused():
    params = with_gradients([[3.0]])
    untouched(params, lambda p: utils.clip_grad_norm_(p, "1"), TypeError, "max_norm must be a number, got '1'")
    untouched(params, lambda p: utils.clip_grad_norm_([*p, 3], 1.0), TypeError, "takes tensors, not int")
    with pytest.raises(TypeError, match=r"a tensor of shape \(3,\) has dtype int64; norms are of floats"):
        utils.get_total_norm(mg.arange(3))


@pytest.mark.parametrize("clip", [utils.clip_grad_norm_, utils.clip_grad_value_, utils.clip_each_grad_norm_])
def test_gradients_that_cannot_be_written_to_are_refused(clip):
    params = with_gradients([[3.0, 4.0], [3.0, 4.0]])
    params[1].grad = mg.tensor([3.0], dtype=mg.float64).expand(2)
    untouched(params, lambda p: clip(p, 0.1), ValueError, r"a gradient of shape \(2,\) is expanded")
    frozen = np.array([3.0, 4.0])
    frozen.flags.writeable = False
    params[1].grad = mg.Tensor.of(frozen)
    untouched(params, lambda p: clip(p, 0.1), ValueError, r"a gradient of shape \(2,\) is read-only")


def test_an_iterator_that_is_used_up_warns():
    layer = nn.Linear(2, 2)
    parameters = iter(list(layer.parameters()))
    list(parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert utils.clip_grad_norm_(parameters, 1.0).item() == 0
        utils.clip_grad_norm_([], 1.0)
    ((category, message, filename),) = [(w.category, str(w.message), w.filename) for w in caught]
    assert category is UserWarning and "nothing is clipped" in message and filename == __file__


# ------------------------------------------------------------------------------------------------------- as one vector


def test_parameters_as_a_vector_and_back(torch, rng):
    arrays = [rng.normal(size=shape) for shape in SHAPES]
    params = [mg.tensor(a, requires_grad=True) for a in arrays]
    vector = utils.parameters_to_vector(params)
    assert vector.tolist() == torch.nn.utils.parameters_to_vector([torch.tensor(a) for a in arrays]).tolist()
    others = [mg.zeros(*a.shape, dtype=mg.float64, requires_grad=True) for a in arrays]
    kept = [p.array for p in others]
    utils.vector_to_parameters(vector, others)
    for p, array, a in zip(others, kept, arrays):
        assert p.array is array and p.requires_grad and p.is_leaf
        np.testing.assert_array_equal(array, a)


def test_gradients_flow_through_the_vector():
    a, b = mg.zeros(2, 2, requires_grad=True), mg.zeros(3, requires_grad=True)
    (utils.parameters_to_vector([a, b]) * mg.arange(7)).sum().backward()
    assert a.grad.tolist() == [[0.0, 1.0], [2.0, 3.0]] and b.grad.tolist() == [4.0, 5.0, 6.0]


def test_the_parameters_keep_their_dtype_and_do_not_follow_the_vector():
    p = mg.zeros(2, requires_grad=True)
    vector = mg.tensor([1.0, 2.0], dtype=mg.float64)
    utils.vector_to_parameters(vector, [p])
    vector.zero_()
    assert p.dtype == mg.float32 and p.tolist() == [1.0, 2.0]


def test_a_vector_on_the_parameters_own_memory():
    memory = mg.arange(4.0)
    params = [mg.Tensor.of(memory.array[2:]), mg.Tensor.of(memory.array[:2])]
    utils.vector_to_parameters(memory, params)
    assert [p.tolist() for p in params] == [[0.0, 1.0], [2.0, 3.0]]


def test_an_optimizer_keeps_working_on_them():
    p = mg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = mg.optim.SGD([p], lr=1.0)
    p.grad = mg.ones(2)
    optimizer.step()
    utils.vector_to_parameters(mg.tensor([5.0, 6.0]), [p])
    optimizer.step()
    assert p.tolist() == [4.0, 5.0]


def test_vectors_that_do_not_fit_are_refused(cuda):
    params = [mg.zeros(2, requires_grad=True), mg.zeros(3, requires_grad=True)]
    for vec, error, match in [
        (np.ones(5), TypeError, "vec must be a tensor, not ndarray"),
        (mg.ones(4), ValueError, r"vec has shape \(4,\), but the parameters have 5 elements"),
        (mg.ones(6), ValueError, r"vec has shape \(6,\), but the parameters have 5 elements"),
        (mg.ones(5, 1), ValueError, r"vec has shape \(5, 1\)"),
        (mg.ones(5, device=cuda), TypeError, r"different devices \(cpu, cuda:0\)"),
    ]:
        with pytest.raises(error, match=match):
            utils.vector_to_parameters(vec, params)
    with pytest.raises(ValueError, match=r"a parameter of shape \(3,\) is expanded"):
        utils.vector_to_parameters(mg.ones(5), [params[0], mg.zeros(1).expand(3)])
    assert params[0].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="there are no parameters"):
        utils.parameters_to_vector([])
    with pytest.raises(TypeError, match="different devices"):
        utils.parameters_to_vector([mg.ones(1), mg.ones(1, device=cuda)])
