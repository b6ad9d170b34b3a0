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


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.options}")
def test_agrees_with_its_oracle(torch, rng, row, dtype):
    """Outputs, gradients of the input, gradients of the parameters."""
    ours = getattr(nn, row.name)(**row.options).to(dtype=dtype)
    theirs = getattr(torch.nn, row.name)(**row.options) if row.other is None else row.other(torch)
    theirs = theirs.to(getattr(torch, dtype))
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype], "strict": True}
    for shape in row.shapes:
        x = (rng.standard_normal(shape) * 3).astype(dtype)
        a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        ours.zero_grad()
        theirs.zero_grad()
        y, z = ours(a), theirs(b)
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
        upstream = rng.standard_normal(y.shape).astype(dtype)
        y.backward(minigrad.tensor(upstream))
        z.backward(torch.tensor(upstream))
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)
        for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), err_msg=name, **close)
