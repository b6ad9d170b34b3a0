"""CUDA devices: moving, mixing, what only the device knows. On a GPU, or on the strict stand-in for CuPy."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.backend import backend_for, backend_of

OPS = {
    "add": lambda x, y: x + y, "matmul": lambda x, y: x @ y, "cat": lambda x, y: mg.cat([x, y]),
    "where": lambda x, y: mg.where(x > 0, x, y),
    "maximum": lambda x, y: x.maximum(y), "setitem": lambda x, y: x.__setitem__(0, y[0]), "mul": lambda x, y: x.mul_(y),
    "sub": lambda x, y: y - x,
    "eq": lambda x, y: x == y,
}  # fmt: skip


@pytest.fixture
def two(cuda):
    if mg.cuda.device_count() < 2:
        pytest.skip("needs two CUDA devices")
    return f"{cuda}:0", f"{cuda}:1"


def test_what_is_there(cuda):
    assert mg.cuda.is_available() is True and mg.cuda.device_count() >= 1 and mg.cuda.current_device() == 0
    mg.cuda.synchronize()
    mg.cuda.synchronize("cuda:0")
    with pytest.raises(RuntimeError, match=r"no device 'cuda:99': CuPy sees \d CUDA device"):
        mg.ones(2, device="cuda:99")


def test_there_and_back(cuda):
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for there in (
        x.cuda(),
        x.to(cuda),
        x.to("cuda:0"),
        x.cuda(0),
        x.to(mg.device("cuda")),
        x.to(mg.ones(1, device=cuda)),
    ):
        assert (
            there.is_cuda and str(there.device) == "cuda:0" and there.tolist() == x.tolist() and there.cuda() is there
        )
        assert there.array.__class__.__module__ != "numpy"
        back = there.cpu()
        assert not back.is_cuda and back.tolist() == x.tolist()
    y = (x.cuda() * 3).cpu() * 2
    y.sum().backward()
    assert x.grad.tolist() == [[6, 6], [6, 6]] and not x.grad.is_cuda


def test_a_leaf_on_the_gpu_has_its_gradient_there(cuda):
    x = mg.ones(3, device=cuda, requires_grad=True)
    y = mg.tensor([1.0, 2.0, 3.0])
    ((x.cpu() * y).to(cuda) + x).sum().backward()
    assert x.grad.is_cuda and x.grad.tolist() == [2, 3, 4]
    (x.double().cpu() ** 2).sum().backward(create_graph=True)
    assert x.grad.dtype == mg.float32 and x.grad.is_cuda


def test_training_moves_only_what_it_is_told_to(cuda):
    rng = np.random.default_rng(0)
    values, targets, w0 = rng.standard_normal((8, 3)), rng.standard_normal((8, 1)), rng.standard_normal((3, 1))
    found = []
    for device in ("cpu", cuda):
        w = mg.tensor(w0, device=device, requires_grad=True)
        x, t = mg.tensor(values, device=device), mg.tensor(targets, device=device)
        for _ in range(5):
            loss = ((x @ w - t).tanh() ** 2).mean()
            w.grad = None
            loss.backward()
            with mg.no_grad():
                w -= 0.5 * w.grad
        found.append(w.tolist())
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


@pytest.mark.parametrize("name", OPS)
def test_the_cpu_and_the_gpu_do_not_mix(name, cuda):
    x, y = mg.ones(2, 2), mg.ones(2, 2, device=cuda)
    for a, b in ((x, y), (y, x)):
        with pytest.raises(RuntimeError, match=r"(?=.*cpu)(?=.*cuda:0)(?=.*\.to\()"):
            OPS[name](a, b)
    assert x.tolist() == y.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("name", OPS)
def test_two_gpus_do_not_mix(name, two):
    x, y = (mg.ones(2, 2, device=device) for device in two)
    for a, b in ((x, y), (y, x)):
        with pytest.raises(RuntimeError, match=r"(?=.*cuda:0)(?=.*cuda:1)(?=.*\.to\()"):
            OPS[name](a, b)
    assert x.tolist() == y.tolist() == [[1, 1], [1, 1]]


def test_arrays_of_numpy_do_not_slip_in(cuda):
    x = mg.ones(3, device=cuda)
    for use in (
        lambda: x + np.ones(3),
        lambda: np.ones(3) * x,
        lambda: x.__setitem__(0, np.ones(())),
        lambda: x.__setitem__(slice(None), np.ones(3)),
        lambda: mg.cat([x, np.ones(3)]),
    ):
        with pytest.raises(RuntimeError, match="cpu.*cuda:0|cuda:0.*cpu"):
            use()
    assert (x * np.float64(2)).tolist() == [2, 2, 2] and x.tolist() == [1, 1, 1]
    x[0], x[1:] = 5, [6.0, 7.0]  # numbers have no device
    assert x.tolist() == [5, 6, 7]
    with pytest.raises(RuntimeError, match=r"cuda:0; move it first with \.cpu"):
        np.asarray(x)
    with pytest.raises(RuntimeError, match=r"\.cpu\(\)"):
        x.numpy()
    assert x.numpy(force=True).tolist() == [5, 6, 7]


def test_index_tensors_must_be_there_too(cuda):
    x, here = mg.arange(4.0, device=cuda), mg.tensor([0, 2])
    with pytest.raises(RuntimeError, match="index is on cpu and the tensor on cuda:0"):
        x[here]
    assert x[here.to(cuda)].tolist() == x[[0, 2]].tolist() == x[np.array([0, 2])].tolist() == [0, 2]


def test_the_second_gpu_works_while_the_first_is_current(two):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((4, 3))

    def use(x):
        x = x.detach().requires_grad_()
        y = (
            (x @ x.T).softmax(1)[:, 1:].sum() * 2
            + x[[0, 2]].exp().mean()
            + x.max(1).values.sum()
            + x.gather(1, index.to(x.device)).sum()
            + x.std()
        )
        y = y + mg.cat([x, x * 2]).reshape(-1)[::3].sum() + x.clamp(-1, 1).prod() + x.T.contiguous()[0].norm()
        z = x * 1
        z[0] *= 2
        z.T[1].add_(x[:, 0])
        (y + z.logsumexp(0).sum()).backward()
        (g,) = mg.grad((x**3).sum(), x, create_graph=True)
        (gg,) = mg.grad(g.sum(), x)
        assert x.grad.device == gg.device == x.device
        return y.item(), x.grad.tolist(), gg.tolist()

    index = mg.tensor([[0], [2], [1], [1]])
    x = mg.tensor(values)
    expected = use(x)
    for device in two:
        for a, b in zip(expected, use(x.to(device))):
            np.testing.assert_allclose(b, a, rtol=1e-10)
    on_one = x.to(two[0]).to(two[1])
    assert str(on_one.device) == two[1] and on_one.tolist() == x.tolist()
    on_one.normal_(), on_one.zero_(), on_one.uniform_()
    assert (
        str(mg.rand_like(on_one).device) == two[1]
        and str(on_one.new_zeros(2).device) == two[1]
        and repr(on_one).endswith("device=cuda:1)")
    )
    assert str(copy.deepcopy(on_one).device) == two[1]


def test_gradients_must_be_where_their_tensors_are(cuda):
    x = mg.ones(2, device=cuda, requires_grad=True)
    with pytest.raises(RuntimeError, match="gradient given is on cpu, its tensor on cuda:0"):
        (x * 2).backward(mg.ones(2))
    with pytest.raises(ValueError, match="device cpu.*device cuda:0"):
        x.grad = mg.ones(2)
    assert x.grad is None


def test_an_index_out_of_range_is_told_at_the_next_synchronisation(cuda):
    x = mg.arange(3.0, device=cuda)
    bad = mg.tensor([0, 7], device=cuda)
    for meet in (lambda: mg.cuda.synchronize(), lambda: x.sum().item(), lambda: x.tolist(), lambda: bool(x[0] > 0)):
        x.gather(0, bad)  # no error yet: only the device knows
        with pytest.raises(IndexError, match="gather: .*out of range for dim 0 of size 3"):
            meet()
        meet()  # told once
    mg.one_hot(bad, 3)
    with pytest.raises(ValueError, match=r"label is outside \[0, 3\)"):
        mg.cuda.synchronize()
    with pytest.raises(IndexError, match="out of range"):
        mg.arange(3.0).gather(0, mg.tensor([0, 7]))  # the CPU tells at once


def test_checks_that_nobody_waits_for_do_not_pile_up(cuda):
    x, good = mg.arange(3.0, device=cuda), mg.tensor([0, 2], device=cuda)
    for _ in range(600):
        x.gather(0, good)
    assert len(backend_of(x.array)._deferred) <= 256
    mg.cuda.synchronize()


def test_debug_tells_at_once(cuda):
    x, bad = mg.arange(3.0, device=cuda), mg.tensor([0, 7], device=cuda)
    with mg.debug(), pytest.raises(IndexError, match="out of range"):
        x.gather(0, bad)


def test_a_changed_value_is_told_there_too(cuda):
    w, x = mg.ones(2, 3, device=cuda, requires_grad=True), mg.ones(2, 3, device=cuda)
    for change in (
        lambda: x.mul_(2),
        lambda: x[0].zero_(),
        lambda: x.detach().T[1].add_(1),
        lambda: x.__setitem__((0, 0), 3.0),
    ):
        y = w * x
        change()
        with pytest.raises(RuntimeError, match="gradient of mul.*changed in place"):
            y.sum().backward()
    buffer = mg.zeros(4, 3, device=cuda)
    y = w[0] * buffer[1]
    buffer[0] = 1
    y.sum().backward()


def test_an_expanded_tensor_is_not_written_to(cuda):
    x = mg.ones(3, device=cuda)
    wide = x.expand(2, 3)
    for change in (lambda: wide.add_(1), lambda: wide.__setitem__(0, 2.0), lambda: wide.T.zero_()):
        with pytest.raises(ValueError, match="expanded.*clone"):
            change()
    assert x.tolist() == [1, 1, 1]


def test_views_there(cuda):
    w = mg.ones(2, 3, device=cuda, requires_grad=True)
    x = w * 1
    row, apart, one = x[0], x.T.reshape(-1), x[1, 2]
    x.mul_(3)
    one.mul_(5)
    assert apart.tolist() == [1] * 6
    (row.sum() + x.sum() + apart.sum()).backward()
    assert w.grad.tolist() == [[7, 7, 7], [4, 4, 16]]


def test_files_and_copies(cuda):
    x = mg.tensor([1.0, 2.0], device=cuda, requires_grad=True)
    for y in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert y.is_cuda and y.requires_grad and y.tolist() == [1, 2]
    assert repr(x) == "tensor([1., 2.], shape=(2,), dtype=float32, device=cuda:0, requires_grad=True)"


def test_memory(cuda):
    backend = backend_for(mg.device(cuda))
    x = mg.zeros(4, 5, dtype=mg.float64, device=cuda).array
    owner, start, end = backend.memory(x)
    part, low, high = backend.memory(x[1:3].T[::-1])
    assert part is owner and (low - start, high - start, end - start) == (40, 120, 160)


def test_creation_there(cuda):
    made = [
        mg.zeros(2, device=cuda), mg.full((2,), 3, device=cuda), mg.eye(2, device=cuda), mg.arange(3, device=cuda),
        mg.tensor([1.0], device=cuda),
        mg.linspace(0, 1, 3, device=cuda), mg.zeros_like(mg.ones(1, device=cuda)),
        mg.as_tensor(np.ones(2), device=cuda), mg.randperm(3, device=cuda),
        mg.Tensor([1.0], device=cuda), mg.tensor(mg.ones(2), device=cuda), mg.ones(2, device=cuda).new_tensor([1, 2]),
        mg.rand(2, device=cuda),
    ]  # fmt: skip
    assert all(t.is_cuda for t in made)
    assert (
        mg.as_tensor(made[0]) is made[0] and not mg.tensor(made[0], device="cpu").is_cuda and mg.tensor(made[0]).is_cuda
    )
