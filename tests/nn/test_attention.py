"""Attention and the transformer's encoder against PyTorch, over masks and options, with all gradients."""
import itertools
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def close(y, z, dtype, message=""):
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype],
                               err_msg=message, strict=True)


def leaves(torch, arrays):
    return ([minigrad.tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays])


def with_our_weights(ours, theirs, rng, dtype):
    """Weights that are none of the initial ones, among which there are zeros and ones."""
    ours, state = ours.to(dtype=dtype), {}
    for name, value in theirs.state_dict().items():
        state[name] = (rng.standard_normal(tuple(value.shape)) * 0.5).astype(dtype)
    import torch

    theirs = theirs.to(getattr(torch, dtype))
    theirs.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
    ours.load_state_dict(state)
    return ours, theirs


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("mask", [None, "bool", "float", "causal"])
@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_dot_product_attention(torch, rng, lead, mask, dtype):
    arrays = [rng.standard_normal((*lead, n, e)).astype(dtype) for n, e in ((4, 6), (5, 6), (5, 3))]
    ours, theirs = leaves(torch, arrays)
    options = {"is_causal": True} if mask == "causal" else {}
    masks = (None, None)
    if mask in ("bool", "float"):
        values = rng.random((4, 5)) < 0.7 if mask == "bool" else rng.standard_normal((4, 5)).astype(dtype)
        if mask == "bool":
            values[:, 0] = True
        masks = (minigrad.tensor(values), torch.tensor(values))
    y = F.scaled_dot_product_attention(*ours, masks[0], **options)
    z = torch.nn.functional.scaled_dot_product_attention(*theirs, masks[1], **options)
    close(y, z, dtype)
    upstream = rng.standard_normal(y.shape).astype(dtype)
    y.backward(minigrad.tensor(upstream)), z.backward(torch.tensor(upstream))
    for a, b in zip(ours, theirs):
        close(a.grad, b.grad, dtype)


def test_dot_product_attention_longhand(rng):
    q, k, v = (rng.standard_normal((n, e)) for n, e in ((2, 3), (4, 3), (4, 5)))
    scores = q @ k.T * 0.7
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y = F.scaled_dot_product_attention(*map(minigrad.tensor, (q, k, v)), scale=0.7)
    np.testing.assert_allclose(y.numpy(), p @ v, rtol=1e-12)


def test_a_query_that_may_look_at_nothing_gets_zeros(torch):
    mask = [[True, False], [False, False]]
    ours, theirs = leaves(torch, [np.ones((2, 2)), np.eye(2), np.eye(2)])
    y = F.scaled_dot_product_attention(*ours, minigrad.tensor(mask))
    z = torch.nn.functional.scaled_dot_product_attention(*theirs, torch.tensor(mask))
    y.sum().backward(), z.sum().backward()
    assert y.tolist() == z.tolist() == [[1, 0], [0, 0]]
    assert all(np.isfinite(a.grad.numpy()).all() for a in ours)
    close(ours[2].grad, theirs[2].grad, "float64")


def test_dropout_of_the_weights():
    minigrad.manual_seed(0)
    v = minigrad.tensor(np.eye(50, dtype="float32"))
    y = F.scaled_dot_product_attention(minigrad.zeros(200, 4), minigrad.zeros(50, 4), v, dropout_p=0.3).numpy()
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.03)
    np.testing.assert_allclose(y[y != 0], 1 / 50 / 0.7, rtol=1e-5)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", [
    {}, {"bias": False}, {"batch_first": True}, {"kdim": 3, "vdim": 5}, {"add_bias_kv": True}, {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "batch_first": True}], ids=str)
def test_multihead_attention(torch, rng, options, dtype):
    ours, theirs = nn.MultiheadAttention(8, 2, **options), torch.nn.MultiheadAttention(8, 2, **options)
    assert [k for k, _ in ours.named_parameters()] == [k for k, _ in theirs.named_parameters()]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours, theirs = with_our_weights(ours, theirs, rng, dtype)
    sizes = (8, options.get("kdim", 8), options.get("vdim", 8))
    padding, table = np.array([[False] * 5, [False, False, True, False, True]]), rng.random((4, 5)) < 0.3
    table[:, 0] = False
    for masks in ({}, {"key_padding_mask": padding}, {"attn_mask": table},
                  {"key_padding_mask": padding, "attn_mask": np.repeat(table[None], 4, 0)},
                  {"attn_mask": rng.standard_normal((4, 5)).astype(dtype)}):
        arrays = [rng.standard_normal((n, 2, e)).astype(dtype) for n, e in zip((4, 5, 5), sizes)]
        if ours.batch_first:
            arrays = [a.swapaxes(0, 1) for a in arrays]
        a, b = leaves(torch, arrays)
        average = "attn_mask" not in masks
        ours.zero_grad(), theirs.zero_grad()
        y, w = ours(*a, **{k: minigrad.tensor(v) for k, v in masks.items()}, average_attn_weights=average)
        z, u = theirs(*b, **{k: torch.tensor(v) for k, v in masks.items()}, average_attn_weights=average)
        close(y, z, dtype), close(w, u, dtype)
        upstream = rng.standard_normal(y.shape).astype(dtype)
        y.backward(minigrad.tensor(upstream)), z.backward(torch.tensor(upstream))
        for p, q in zip(a, b):
            close(p.grad, q.grad, dtype)
        for (name, p), q in zip(ours.named_parameters(), theirs.parameters()):
            close(p.grad, q.grad, dtype, name)


def test_self_attention_without_a_batch(torch, rng):
    ours, theirs = with_our_weights(nn.MultiheadAttention(8, 2), torch.nn.MultiheadAttention(8, 2), rng, "float64")
    x, padding = rng.standard_normal((5, 8)), np.array([False, False, True, False, False])
    a, b = minigrad.tensor(x), torch.tensor(x)
    y, w = ours(a, a, a, minigrad.tensor(padding))
    z, u = theirs(b, b, b, torch.tensor(padding))
    close(y, z, "float64"), close(w, u, "float64")
    assert ours(a, a, a, need_weights=False)[1] is None


def test_causal_attention_does_not_see_the_future(rng):
    layer = nn.MultiheadAttention(8, 2, batch_first=True).double()
    x = minigrad.tensor(rng.standard_normal((1, 5, 8)), requires_grad=True)
    y, w = layer(x, x, x, is_causal=True)
    y[0, 2].sum().backward()
    assert (x.grad[0, 3:] == 0).all() and (x.grad[0, :3] != 0).all()
    assert (w.detach().numpy()[0][~np.tri(5, dtype=bool)] == 0).all()


def test_dropout_is_at_work_in_training_only(rng):
    layer = nn.MultiheadAttention(4, 1, dropout=1.0).double()
    x = minigrad.tensor(rng.standard_normal((3, 2, 4)))
    assert (layer(x, x, x)[0] == layer.out_proj.bias).all()
    assert (layer.eval()(x, x, x)[0] != layer.out_proj.bias).any()


def test_initial_distribution():
    """in_proj_weight Xavier uniform as a whole, out_proj as a linear layer, biases zero."""
    minigrad.manual_seed(0)
    drawn = [nn.MultiheadAttention(4, 2, add_bias_kv=True) for _ in range(200)]

    def values(path):
        return np.concatenate([dict(layer.named_parameters())[path].detach().numpy().ravel() for layer in drawn])

    for path, bound in (("in_proj_weight", math.sqrt(6 / 16)), ("out_proj.weight", 0.5)):
        found = values(path)
        error = 5 / math.sqrt(len(found))
        assert 0.98 * bound < abs(found).max() <= bound and abs(found.mean()) < error * bound
        assert found.var() == pytest.approx(bound**2 / 3, rel=error)
    assert not values("in_proj_bias").any() and not values("out_proj.bias").any()
    assert values("bias_k").std() == pytest.approx(math.sqrt(2 / 8), rel=0.2)  # fans of (1, 1, 4): 4 and 4


# ------------------------------------------------------------------------------------------------------- transformer


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("norm_first", "batch_first", "activation", "bias"), [
    (False, False, "relu", True), (True, False, "gelu", True), (False, True, "gelu", False), (True, True, "relu", True)])
def test_encoder_layer(torch, rng, norm_first, batch_first, activation, bias, dtype):
    options = {"dim_feedforward": 16, "dropout": 0.0, "activation": activation, "norm_first": norm_first,
               "batch_first": batch_first, "bias": bias, "layer_norm_eps": 1e-3}
    ours, theirs = nn.TransformerEncoderLayer(8, 2, **options), torch.nn.TransformerEncoderLayer(8, 2, **options)
    assert repr(ours) == repr(theirs).replace("NonDynamicallyQuantizableLinear", "Linear")
    ours, theirs = with_our_weights(ours, theirs, rng, dtype)
    padding = np.array([[False] * 4, [False, False, False, True]])
    causal = ~np.tri(4, dtype=bool)
    for train, masks in itertools.product((True, False), ({}, {"src_key_padding_mask": padding}, {"src_mask": causal})):
        ours.train(train), theirs.train(train)
        x = rng.standard_normal((2, 4, 8) if batch_first else (4, 2, 8)).astype(dtype)
        (a,), (b,) = leaves(torch, [x])
        ours.zero_grad(), theirs.zero_grad()
        y = ours(a, **{k: minigrad.tensor(v) for k, v in masks.items()})
        z = theirs(b, **{k: torch.tensor(v) for k, v in masks.items()})
        close(y, z, dtype)
        upstream = rng.standard_normal(y.shape).astype(dtype)
        y.backward(minigrad.tensor(upstream)), z.backward(torch.tensor(upstream))
        close(a.grad, b.grad, dtype)
        for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            close(p.grad, q.grad, dtype, name)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
def test_encoder(torch, rng):
    make = {"dim_feedforward": 8, "dropout": 0.0, "norm_first": True}
    ours = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, **make), 3, nn.LayerNorm(4))
    theirs = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2, **make), 3, torch.nn.LayerNorm(4))
    first, second = (ours.layers[i].linear1.weight for i in (0, 1))
    assert first is not second and first.tolist() == second.tolist()
    ours, theirs = with_our_weights(ours, theirs, rng, "float64")
    x, mask = rng.standard_normal((5, 2, 4)), ~np.tri(5, dtype=bool)
    y, z = ours(minigrad.tensor(x), minigrad.tensor(mask)), theirs(torch.tensor(x), torch.tensor(mask))
    close(y, z, "float64")
    close(ours(minigrad.tensor(x), is_causal=True), z, "float64")


def test_second_derivatives(rng):
    layer = nn.TransformerEncoderLayer(4, 2, 6, 0.0, activation="gelu").double()
    x = minigrad.tensor(rng.standard_normal((3, 1, 4)), requires_grad=True)
    assert minigrad.gradcheck(layer, (x,)) and minigrad.gradgradcheck(layer, (x,))


def test_on_every_device(rng, device):
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True).double()
    x, padding = rng.standard_normal((2, 4, 8)), np.array([[False] * 4, [False, False, True, True]])
    expected = layer(minigrad.tensor(x), src_key_padding_mask=minigrad.tensor(padding))
    found = layer.to(device)(minigrad.tensor(x, device=device), src_key_padding_mask=minigrad.tensor(padding, device=device))
    np.testing.assert_allclose(found.detach().cpu().numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12)


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda m, x: nn.MultiheadAttention(8, 3), ValueError, "num_heads must divide embed_dim"),
    (lambda m, x: nn.MultiheadAttention(8, 2, dropout=2.0), ValueError, "MultiheadAttention: p is a probability"),
    (lambda m, x: m(x, x, x[..., :3]), ValueError, r"shapes \(4, 2, 8\), \(4, 2, 8\) and \(4, 2, 3\); they must end in 8, 8 and 8"),
    (lambda m, x: m(x, x, x[:3]), ValueError, "positions of key and value"),
    (lambda m, x: m(x, x[:, :1], x[:, :1]), ValueError, "their batches"),
    (lambda m, x: m(x.numpy(), x, x), TypeError, "the query is a ndarray, not a Tensor"),
    (lambda m, x: m(x, x, x, minigrad.zeros(4, 2, dtype="bool")), ValueError, r"key_padding_mask is of shape \(4, 2\)"),
    (lambda m, x: m(x, x, x, attn_mask=minigrad.zeros(3, 4)), ValueError, r"attn_mask is of shape \(3, 4\)"),
    (lambda m, x: m(x, x, x, attn_mask=minigrad.zeros(4, 4, dtype="int64")), TypeError, "bools, or of numbers to add, not int64"),
    (lambda m, x: nn.TransformerEncoderLayer(8, 2, activation="selu"), ValueError, "'selu'"),
    (lambda m, x: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 4), 0), ValueError, "num_layers"),
    (lambda m, x: F.scaled_dot_product_attention(x, x[..., :3], x), ValueError, r"\(4, 2, 8\) and a key of shape \(4, 2, 3\)"),
    (lambda m, x: F.scaled_dot_product_attention(x, x, x[:, :1]), ValueError, "number of positions"),
    (lambda m, x: F.scaled_dot_product_attention(x, x, x, minigrad.zeros(2, 2), is_causal=True), ValueError, "either attn_mask"),
    (lambda m, x: F.scaled_dot_product_attention(x, x, x, minigrad.zeros(3, 3)), ValueError, "does not broadcast to scores"),
])
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.MultiheadAttention(8, 2), minigrad.ones(4, 2, 8))
