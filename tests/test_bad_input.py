"""Bad input, in one place: each a clear error that names what was wrong, and nothing half-changed."""

import numpy as np
import pytest

import minigrad as mg


def leaf(*shape, dtype=mg.float32):
    return mg.ones(*shape, dtype=dtype, requires_grad=True)


CASES = {
    "shapes that do not broadcast": (lambda t: t["x"] + mg.ones(4), ValueError, r"\(2, ?3\).*\(4,\)"),
    "matrices that do not fit": (lambda t: t["x"] @ t["x"], ValueError, r"matmul.*\(2, 3\) and \(2, 3\)"),
    "matrices of two dtypes": (lambda t: t["x"] @ t["x"].double().T, TypeError, "matmul.*float32 and float64"),
    "a reshape of another size": (lambda t: t["x"].reshape(4, 2), ValueError, r"reshape.*\(2, 3\).*\(4, 2\)"),
    "an index out of range": (lambda t: t["x"][5], IndexError, "5"),
    "an index of floats": (lambda t: t["x"][1.5], IndexError, "float64"),
    "too many indices": (lambda t: t["x"][0, 0, 0], IndexError, "indices"),
    "a mask of the wrong shape": (lambda t: t["x"][mg.tensor([True, False, True])], IndexError, "boolean"),
    "a dim out of range": (lambda t: t["x"].sum(2), IndexError, r"sum: dim 2 is out of range.*-2 to 1"),
    "backward on a matrix": (
        lambda t: (t["x"] * 2).backward(),
        RuntimeError,
        r"\(2, 3\) needs a gradient of that shape.*sum",
    ),
    "backward without a graph": (lambda t: mg.ones(1).backward(), RuntimeError, "no graph.*requires_grad=True"),
    "backward of a detached result": (lambda t: (t["x"] * 2).detach().sum().backward(), RuntimeError, "no graph"),
    "backward of what no_grad made": (
        lambda t: mg.no_grad()(lambda: t["x"].sum())().backward(),
        RuntimeError,
        r"no_grad\(\)",
    ),
    "backward of integers": (lambda t: t["x"].argmax().backward(), RuntimeError, "no graph"),
    "a gradient of another shape": (
        lambda t: (t["x"] * 2).backward(mg.ones(3, 2)),
        RuntimeError,
        r"shape \(3, 2\), its tensor \(2, 3\)",
    ),
    "a gradient of another dtype": (
        lambda t: (t["x"] * 2).backward(mg.ones(2, 3, dtype=mg.float64)),
        TypeError,
        "float64, its tensor float32",
    ),
    "a gradient that is no tensor": (
        lambda t: (t["x"] * 2).backward(np.ones((2, 3))),
        TypeError,
        "must be a Tensor, not ndarray",
    ),
    "a gradient that is a number": (lambda t: t["x"].sum().backward(1.0), TypeError, "must be a Tensor, not float"),
    "backward into no inputs": (lambda t: t["x"].sum().backward(inputs=[]), ValueError, "inputs is empty"),
    "backward into a constant": (
        lambda t: t["x"].sum().backward(inputs=[mg.ones(2)]),
        RuntimeError,
        r"input 0 \(shape \(2,\)\) does not require",
    ),
    "backward into an array": (
        lambda t: t["x"].sum().backward(inputs=[np.ones(2)]),
        TypeError,
        "must be a Tensor, not ndarray",
    ),
    "grad of an array": (lambda t: mg.grad(np.ones(2), t["x"]), TypeError, "must be a Tensor, not ndarray"),
    "grad of nothing": (lambda t: mg.grad([], t["x"]), ValueError, "at least one tensor"),
    "gradients of integers": (lambda t: mg.tensor([1, 2], requires_grad=True), TypeError, "int64.*float"),
    "gradients of booleans": (lambda t: (t["x"] > 0).requires_grad_(), TypeError, "bool"),
    "a leaf changed while recording": (lambda t: t["x"].mul_(2), RuntimeError, "mul_.*leaf.*no_grad"),
    "a leaf assigned to while recording": (lambda t: t["x"].__setitem__(0, 2.0), RuntimeError, "setitem.*leaf"),
    "values that do not fit": (
        lambda t: t["plain"].__setitem__(0, mg.ones(5)),
        ValueError,
        r"setitem.*\(5,\).*\(2, 3\)",
    ),
    "text as a value": (lambda t: t["plain"].__setitem__(0, "text"), TypeError, "str"),
    "nothing as a value": (lambda t: t["plain"].__setitem__(0, None), TypeError, "NoneType"),
    "a complex value": (lambda t: t["plain"].__setitem__(0, 1j), TypeError, "complex"),
    "a list too long as a value": (lambda t: t["plain"].__setitem__(0, [1, 2, 3, 4]), ValueError, r"\(4,\)"),
    "a ragged list as a value": (lambda t: t["plain"].__setitem__(0, [[1], [1, 2]]), ValueError, "equal length"),
    "assigning past the end": (lambda t: t["plain"].__setitem__(7, 1.0), IndexError, "7"),
    "floats added to integers in place": (lambda t: t["n"].add_(0.5), TypeError, "add_.*float32.*int64"),
    "a result too large in place": (
        lambda t: t["plain"].add_(mg.ones(4, 2, 3)),
        ValueError,
        r"add_.*\(4, 2, 3\).*\(2, 3\)",
    ),
    "fill_ with a vector": (lambda t: t["plain"].fill_(mg.ones(3)), ValueError, r"fill_.*\(3,\)"),
    "copy_ of another shape": (lambda t: t["plain"].copy_(mg.ones(5)), ValueError, r"\(5,\)"),
    "item of several": (lambda t: t["x"].item(), ValueError, r"\(2, 3\).*tolist"),
    "numpy of what requires gradients": (lambda t: t["x"].numpy(), RuntimeError, r"detach\(\)"),
    "the truth of several": (lambda t: bool(t["plain"]), ValueError, "ambiguous"),
    "an unknown device": (lambda t: t["x"].to("gpu"), RuntimeError, "'gpu'; known device types: cpu, cuda"),
    "an unknown dtype": (lambda t: t["x"].to(np.complex64), TypeError, "complex64.*float32"),
    "a number in place of a device": (lambda t: mg.ones(2, device=0), TypeError, "device is named by a string"),
    "a graph gone back through twice": (
        lambda t: [t["x"].exp().sum()] and [y.backward() or y.backward() for y in [t["y"]]],
        RuntimeError,
        "freed.*retain_graph",
    ),
    "a grad of another shape": (lambda t: setattr(t["x"], "grad", mg.ones(3)), ValueError, r"\(3,\).*\(2, 3\)"),
    "data that is no tensor": (lambda t: setattr(t["x"], "data", [1.0]), TypeError, "Tensor, not list"),
    "a shape that is assigned": (lambda t: setattr(t["x"], "shape", (3, 2)), AttributeError, "shape"),
    "an attribute that is not there": (lambda t: setattr(t["x"], "nonsense", 1), AttributeError, "nonsense"),
    "joining nothing": (lambda t: mg.cat([]), (TypeError, ValueError), "cat"),
    "stacking unequal shapes": (lambda t: mg.stack([t["x"], mg.ones(2)]), ValueError, r"stack.*\(2, 3\).*\(2,\)"),
    "labels out of range": (lambda t: t["x"].gather(1, mg.tensor([[3]])), IndexError, "gather.*dim 1 of size 3"),
    "a negative number of classes' worth": (lambda t: mg.one_hot(mg.tensor([-1]), 3), ValueError, r"outside \[0, 3\)"),
    "requires_grad switched off on a result": (
        lambda t: setattr(t["x"] * 2, "requires_grad", False),
        RuntimeError,
        "leaves",
    ),
    "a hook on a constant": (lambda t: mg.ones(1).register_hook(print), RuntimeError, "requires_grad_"),
    "a hook that is none": (lambda t: t["x"].register_hook(3), TypeError, "callable"),
    "no_grad with something that is no function": (lambda t: mg.no_grad(3), TypeError, "function"),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_and_changes_nothing(name):
    do, error, message = CASES[name]
    x = leaf(2, 3)
    tensors = {"x": x, "plain": mg.ones(2, 3), "n": mg.tensor([1, 2]), "y": x.exp().sum()}
    before = {k: (t.tolist(), t.shape, t.dtype, t.requires_grad) for k, t in tensors.items()}
    with pytest.raises(error, match=message):
        do(tensors)
    assert {k: (t.tolist(), t.shape, t.dtype, t.requires_grad) for k, t in tensors.items()} == before
    assert x.grad is None or "twice" in name
    assert mg.is_grad_enabled()


def test_a_failed_backward_leaves_gradients_as_they_were():
    x, w = leaf(3), leaf(3)
    (x * w).sum().backward()
    kept = x.grad.tolist(), w.grad.tolist()
    y = x * w
    with mg.no_grad():
        w.add_(1)
    with pytest.raises(RuntimeError, match="mul.*changed in place"):
        y.sum().backward()
    assert (x.grad.tolist(), w.grad.tolist()) == kept


def test_a_hook_that_fails_ends_backward_and_grad_mode_is_as_before():
    x = leaf(3)
    y = x * 2

    def fail(g):
        raise KeyError("mine")

    y.register_hook(fail)
    with pytest.raises(KeyError, match="mine"):
        y.sum().backward(create_graph=True)
    assert x.grad is None and mg.is_grad_enabled()
    again = x * 2
    again.register_hook(fail)
    total = again.sum()
    with mg.no_grad():
        with pytest.raises(KeyError):
            mg.grad(total, x, create_graph=True)
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()
