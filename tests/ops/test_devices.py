"""Every sample on "cuda", by CuPy or its strict stand-in: the same values and gradients as on the CPU."""
import numpy as np
import pytest

import minigrad
from minigrad import grad

from .samples import ALL, FLOAT_SAMPLES

pytestmark = pytest.mark.usefixtures("cuda")
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


def assert_same(on_gpu, on_cpu):
    assert on_gpu.is_cuda and type(on_gpu.array).__module__.split(".")[0] != "numpy"
    assert on_gpu.dtype == on_cpu.dtype and on_gpu.shape == on_cpu.shape
    np.testing.assert_allclose(on_gpu.numpy(force=True), on_cpu.numpy(force=True), **TOLERANCE)


@pytest.mark.parametrize("sample", ALL, ids=repr)
def test_values(sample):
    on_gpu, on_cpu = sample.outputs(sample.tensors("float32", "cuda")), sample.outputs(sample.tensors("float32"))
    minigrad.cuda.synchronize()  # raises what was found out of range
    assert len(on_gpu) == len(on_cpu)
    for y, z in zip(on_gpu, on_cpu):
        assert_same(y, z)


def gradients(sample, device, create_graph):
    """First gradients for uneven upstream ones; under create_graph the second ones too."""
    xs = sample.tensors("float32", device)
    ys = [y for y in sample.outputs(xs) if y.requires_grad]
    leaves = [x for x in xs if x.requires_grad]
    rng = np.random.default_rng(7)
    upstream = [minigrad.tensor(rng.uniform(0.5, 2, y.shape), dtype=y.dtype, device=device,
        requires_grad=True) for y in ys]
    first = grad(ys, leaves, upstream, create_graph=create_graph, materialize_grads=True)
    again = [g for g in first if g.requires_grad]
    if not again:
        return list(first)
    return [*first, *grad(again, leaves + upstream, [minigrad.full_like(g, 0.75) for g in again],
                          materialize_grads=True)]


@pytest.mark.parametrize("create_graph", [False, True], ids=["raw", "recorded"])
@pytest.mark.parametrize("sample", FLOAT_SAMPLES, ids=repr)
def test_gradients(sample, create_graph):
    on_gpu, on_cpu = gradients(sample, "cuda", create_graph), gradients(sample, "cpu", create_graph)
    assert len(on_gpu) == len(on_cpu)
    for g, h in zip(on_gpu, on_cpu):
        assert_same(g, h)


def test_moving_between_devices_is_differentiable():
    x = minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = minigrad.ops.to_device(x * 2, minigrad.Device("cuda", 0))
    assert y.is_cuda and y.grad_fn.name == "to_device"
    z = minigrad.ops.to_device(y * y, minigrad.Device("cpu"))
    (g,) = grad(z.sum(), x, create_graph=True)
    assert g.device == x.device
    np.testing.assert_array_equal(g.numpy(force=True), [8, 16, 24])
    (h,) = grad(g.sum(), x)
    np.testing.assert_array_equal(h.numpy(), [8, 8, 8])


@pytest.mark.parametrize("call", [
    lambda m, a, b: a + b, lambda m, a, b: m.maximum(b, a), lambda m, a, b: a @ b, lambda m, a, b: m.cat([a, b]),
    lambda m, a, b: m.stack([a, b]),
    lambda m, a, b: m.where(a > 0, a, b), lambda m, a, b: m.linear(a, b), lambda m, a, b: a.gather(0, b.long()),
    lambda m, a, b: m.masked_fill(a, b > 0, 0),
    lambda m, a, b: a[b > 0], lambda m, a, b: m.scatter_add(a, 0, a.long(), b), lambda m, a,
    b: m.index_select(a, 0, b.long()[0]), lambda m, a, b: a**b,
    lambda m, a, b: m.masked_select(a, b > 0), lambda m, a, b: a + b.array, lambda m, a, b: a == b,
])  # fmt: skip
def test_mixed_devices_name_both_and_the_way_out(call):
    a, b = minigrad.zeros(2, 2), minigrad.zeros(2, 2, device="cuda")
    for first, second in ((a, b), (b, a)):
        with pytest.raises(RuntimeError, match=r"(?s)(cpu.*cuda:0|cuda:0.*cpu).*\.to\("):
            call(minigrad, first, second)


@pytest.mark.parametrize("call", [
    lambda m, x: x[m.tensor([0, 3], device="cuda")], lambda m, x: x[:, m.tensor([-3], device="cuda")], lambda m,
    x: m.gather(x, 0, m.tensor([[3]], device="cuda")),
    lambda m, x: m.scatter_add(x, 1, m.tensor([[2]], device="cuda"), m.ones(1, 1, device="cuda")), lambda m,
    x: m.index_select(x, 0, m.tensor([-1], device="cuda")),
])  # fmt: skip
def test_an_index_out_of_range_is_told_at_the_next_synchronisation(call):
    """CuPy wraps indices around without a word."""
    call(minigrad, minigrad.zeros(3, 2, device="cuda"))
    with pytest.raises(IndexError, match="out of range for dim"):
        minigrad.cuda.synchronize()
    minigrad.cuda.synchronize()  # told once


def test_whole_division_by_zero_is_told_at_the_next_synchronisation():
    minigrad.tensor([1, 2], device="cuda") // minigrad.tensor([1, 0], device="cuda")
    with pytest.raises(ZeroDivisionError, match="floor_divide"):
        minigrad.cuda.synchronize()


def test_results_lie_on_the_device_of_their_operands_not_on_the_current_one():
    x = minigrad.tensor([[1.0, -2.0], [0.0, 4.0]], device="cuda:0", requires_grad=True)
    y = minigrad.one_hot(minigrad.tensor([1, 0], device="cuda:0")) * x.prod(0) + minigrad.where(x > 0, 1, 0)
    assert str(y.device) == "cuda:0"
    (g,) = grad(y.sum(), x)
    assert str(g.device) == "cuda:0"
