"""Every layer of minigrad.nn, row by row of layers.py, against PyTorch; and that no layer is without a row or a name."""
import importlib
import pkgutil

import numpy as np
import pytest

import minigrad
from minigrad import nn
from tests.nn.layers import ROWS

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
BASES = {nn.Module, nn.Layer, nn.Activation}


def classes():
    """Every class of modules that a file of minigrad.nn defines for others to use."""
    files = [importlib.import_module(f"minigrad.nn.{file.name}") for file in pkgutil.iter_modules(nn.__path__)]
    for file in files:
        for name, value in vars(file).items():
            if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == file.__name__:
                if not name.startswith("_"):
                    yield value


def test_every_layer_is_exported():
    found = list(classes())
    assert {nn.Linear, nn.ReLU, nn.Sequential, nn.MSELoss} <= set(found)
    assert [c.__name__ for c in found if c.__name__ not in nn.__all__ or getattr(nn, c.__name__, None) is not c] == []


def test_every_layer_has_a_row():
    layers = {c.__name__ for c in classes() if issubclass(c, nn.Layer)} - {c.__name__ for c in BASES}
    assert layers == {row.name for row in ROWS}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.options}")
def test_agrees_with_its_oracle(torch, rng, row, dtype):
    """Outputs, gradients of the input, gradients of the parameters, and the buffers afterwards."""
    ours = getattr(nn, row.name)(**row.options).to(dtype=dtype)
    theirs = getattr(torch.nn, row.name)(**row.options) if row.other is None else row.other(torch)
    theirs = theirs.to(getattr(torch, dtype))
    state = {key: rng.uniform(0.5, 1.5, value.shape).astype(dtype) if value.ndim else value.numpy()
             for key, value in theirs.state_dict().items()}  # what starts as ones or zeros would hide mistakes
    theirs.load_state_dict({key: torch.tensor(value) for key, value in state.items()})
    ours.load_state_dict(state)
    for mode in row.modes:
        getattr(ours, mode)(), getattr(theirs, mode)()
        for shape in row.shapes:
            compare(torch, rng, ours, theirs, row.draw(rng, shape, dtype), TOLERANCE[dtype])


def compare(torch, rng, ours, theirs, x, tolerance):
    close = {"rtol": tolerance, "atol": tolerance, "strict": True}
    has_gradient = x.dtype.kind == "f"
    a, b = minigrad.tensor(x, requires_grad=has_gradient), torch.tensor(x, requires_grad=has_gradient)
    ours.zero_grad(), theirs.zero_grad()
    y, z = ours(a), theirs(b)
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
    if y.requires_grad:
        upstream = rng.standard_normal(y.shape).astype(y.dtype)
        y.backward(minigrad.tensor(upstream))
        z.backward(torch.tensor(upstream))
    if has_gradient:
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)
    pairs = list(zip(ours.named_parameters(), theirs.named_parameters(), strict=True))
    for (name, p), (their_name, q) in pairs:
        assert name == their_name
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), err_msg=name, **close)
    for (name, p), (their_name, q) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
        assert name == their_name
        np.testing.assert_allclose(p.numpy(), q.numpy(), err_msg=name, **close)


@pytest.mark.parametrize("row", [row for row in ROWS if row.other is None], ids=lambda r: f"{r.name}-{r.options}")
def test_reads_like_pytorchs(torch, row):
    assert repr(getattr(nn, row.name)(**row.options)) == repr(getattr(torch.nn, row.name)(**row.options))
