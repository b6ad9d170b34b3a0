"""Values, gradients, shapes, dtypes and memory sharing, over all samples: as PyTorch."""
import warnings

import numpy as np
import pytest

import minigrad

from .sample import TorchNames
from .samples import ALL, FLOAT_SAMPLES

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
in_both_precisions = pytest.mark.parametrize("dtype", TOLERANCE)
has_oracle = [s for s in ALL if s.torch is not None]


def torch_outputs(sample, torch, tensors):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of too few degrees of freedom, and the like
        results = sample.torch(TorchNames(torch), *tensors)
    return list(results) if isinstance(results, (tuple, list)) else [results]


def assert_same(ours, theirs, tolerance):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours.numpy(force=True), theirs, rtol=tolerance, atol=tolerance)


@in_both_precisions
@pytest.mark.parametrize("sample", has_oracle, ids=repr)
def test_values(sample, dtype, torch):
    ours = sample.outputs(sample.tensors(dtype))
    theirs = torch_outputs(sample, torch, sample.torch_tensors(torch, dtype))
    assert len(ours) == len(theirs)
    for y, z in zip(ours, theirs):
        assert_same(y, z, TOLERANCE[dtype])


@in_both_precisions
@pytest.mark.parametrize("sample", [s for s in FLOAT_SAMPLES if s.torch is not None], ids=repr)
def test_gradients(sample, dtype, torch):
    xs, ts = sample.tensors(dtype), sample.torch_tensors(torch, dtype)
    ys, zs = sample.outputs(xs), torch_outputs(sample, torch, ts)
    assert [y.requires_grad for y in ys] == [z.requires_grad for z in zs]
    rng = np.random.default_rng(7)
    upstream = [rng.uniform(0.5, 2, y.shape).astype(y.dtype) for y in ys if y.requires_grad]
    assert upstream
    minigrad.autograd.backward([y for y in ys if y.requires_grad], [minigrad.tensor(g) for g in upstream])
    torch.autograd.backward([z for z in zs if z.requires_grad], [torch.from_numpy(g) for g in upstream])
    for x, t in zip(xs, ts):
        if x.requires_grad:  # PyTorch sometimes says None for zeros, as of norm(p=0)
            ours = minigrad.zeros_like(x) if x.grad is None else x.grad
            assert_same(ours, torch.zeros_like(t) if t.grad is None else t.grad, TOLERANCE[dtype])


def shares_torch_memory(a, b):
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr() and a.numel() > 0


@pytest.mark.parametrize("sample", [s for s in has_oracle if all(a.layout != "reversed" for a in s.args)], ids=repr)
def test_memory_is_shared_where_pytorch_shares_it(sample, torch):
    """Else an in-place change would reach too far, or not far enough."""
    xs = sample.tensors("float32", requires_grad=False)
    ts = [t.detach() for t in sample.torch_tensors(torch, "float32")]
    for y, z in zip(sample.outputs(xs), torch_outputs(sample, torch, ts)):
        for x, t in zip(xs, ts):
            if z.numel():
                assert np.shares_memory(x.array, y.array) == shares_torch_memory(t, z)
