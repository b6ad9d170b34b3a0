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
    return ([minigrad.tensor(a, requires_grad=True) for a in arrays],
            [torch.tensor(a, requires_grad=True) for a in arrays])


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


@pytest.mark.parametrize("heads", [1, 2])
def test_heads_of_the_keys_serve_several_of_the_query(torch, rng, heads):
    ours, theirs = leaves(torch, [rng.standard_normal((2, h, n, 3)) for h, n in ((4, 3), (heads, 5), (heads, 5))])
    y = F.scaled_dot_product_attention(*ours, enable_gqa=True)
    z = torch.nn.functional.scaled_dot_product_attention(*theirs, enable_gqa=True)
    close(y, z, "float64")
    upstream = rng.standard_normal(y.shape)
    y.backward(minigrad.tensor(upstream)), z.backward(torch.tensor(upstream))
    for a, b in zip(ours, theirs):
        close(a.grad, b.grad, "float64")


def test_a_mask_that_is_learned(torch, rng):
    """As a bias that depends on the distance is: a gradient flows to it, summed over what it is broadcast to."""
    ours, theirs = leaves(torch, [rng.standard_normal(s) for s in ((2, 3, 4), (2, 5, 4), (2, 5, 4), (3, 5))])
    y = F.scaled_dot_product_attention(*ours)
    z = torch.nn.functional.scaled_dot_product_attention(*theirs)
    (y * y).sum().backward(), (z * z).sum().backward()
    for a, b in zip(ours, theirs):
        close(a.grad, b.grad, "float64")


def test_halves_are_computed_with_in_single_precision(rng):
    """Scores of 100 in halves would be off by 0.03, and the weights by as much."""
    arrays = [(rng.standard_normal((2, 16, 64)) * 3).astype("float16") for _ in range(3)]
    exact = F.scaled_dot_product_attention(*(minigrad.tensor(a.astype("float64")) for a in arrays)).numpy()
    found = F.scaled_dot_product_attention(*map(minigrad.tensor, arrays))
    assert found.dtype == "float16"
    np.testing.assert_allclose(found.numpy(), exact, rtol=2**-11, atol=1e-5)
    layer = nn.MultiheadAttention(64, 2).half()
    y, w = layer(*map(minigrad.tensor, arrays))
    assert y.dtype == w.dtype == "float16"


@pytest.mark.parametrize("shapes", [
    ((2, 0), (3, 0), (3, 2)), ((2, 3), (0, 3), (0, 2)), ((0, 2, 3), (0, 4, 3), (0, 4, 2))])
def test_without_features_keys_or_batch(torch, rng, shapes):
    arrays = [rng.standard_normal(s) for s in shapes]
    close(F.scaled_dot_product_attention(*map(minigrad.tensor, arrays)),
          torch.nn.functional.scaled_dot_product_attention(*map(torch.tensor, arrays)), "float64")


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
    tables = rng.random((4, 4, 5)) < 0.3  # one for each head of each sequence
    table[:, 0] = tables[..., 0] = False
    for masks in ({}, {"key_padding_mask": padding}, {"attn_mask": table},
                  {"key_padding_mask": padding, "attn_mask": tables},
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


def test_a_sequence_that_is_all_padding_gets_the_bias(torch, rng):
    """As in PyTorch where it does not compute the weights; where it does, it has NaN."""
    ours, theirs = with_our_weights(nn.MultiheadAttention(8, 2), torch.nn.MultiheadAttention(8, 2), rng, "float64")
    padding = np.array([[True] * 4, [False, False, True, True]])
    (a,), (b,) = leaves(torch, [rng.standard_normal((4, 2, 8))])
    y, w = ours(a, a, a, minigrad.tensor(padding))
    z, _ = theirs(b, b, b, torch.tensor(padding), need_weights=False)
    close(y, z, "float64")
    assert (y[:, 0] == ours.out_proj.bias).all() and (w[0] == 0).all()
    y.sum().backward(), z.sum().backward()
    close(a.grad, b.grad, "float64")


def test_masks_of_numbers_and_of_one_head_each_without_a_batch(torch, rng):
    ours, theirs = with_our_weights(nn.MultiheadAttention(8, 2), torch.nn.MultiheadAttention(8, 2), rng, "float64")
    x, padding, table = rng.standard_normal((4, 8)), rng.standard_normal(4), rng.standard_normal((2, 4, 4))
    a, b = minigrad.tensor(x), torch.tensor(x)
    y, w = ours(a, a, a, minigrad.tensor(padding), attn_mask=minigrad.tensor(table), average_attn_weights=False)
    z, u = theirs(b, b, b, torch.tensor(padding), attn_mask=torch.tensor(table), average_attn_weights=False)
    close(y, z, "float64"), close(w, u, "float64")


def test_weights_are_shown_after_dropout():
    minigrad.manual_seed(0)
    layer, x = nn.MultiheadAttention(4, 1, dropout=0.5), minigrad.zeros(40, 1, 4)
    y, w = layer(x, x, x)
    values = w.detach().numpy()
    assert (values == 0).mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose(values[values != 0], 2 / 40, rtol=1e-5)


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
    (False, False, "relu", True), (True, False, "gelu", True), (False, True, "gelu", False),
    (True, True, "relu", True)])
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


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True", "ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("masked", ["", "padding", "causal", "padding causal"])
def test_encoder_agrees_with_pytorchs_fast_path(torch, rng, masked, batch_first, norm_first):
    """Taken in eval mode without gradients. At hidden positions it may have zeros, so those are passed over."""
    make = {"dim_feedforward": 6, "dropout": 0.3, "norm_first": norm_first, "batch_first": batch_first}
    ours = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, **make), 2)
    theirs = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2, **make), 2)
    ours, theirs = with_our_weights(ours, theirs, rng, "float64")
    ours.eval(), theirs.eval()
    x = rng.standard_normal((3, 5, 4) if batch_first else (5, 3, 4))
    padding = np.arange(5) >= np.array([[5], [3], [4]])
    masks = {"src_key_padding_mask": padding} if "padding" in masked else {}
    if "causal" in masked:
        masks["mask"] = ~np.tri(5, dtype=bool)
    y = ours(minigrad.tensor(x), **{k: minigrad.tensor(v) for k, v in masks.items()}).detach().numpy()
    with torch.no_grad():
        z = theirs(torch.tensor(x), **{k: torch.tensor(v) for k, v in masks.items()}).numpy()
    shown = ~padding if batch_first else ~padding.T
    shown = shown if "padding" in masked else slice(None)
    np.testing.assert_allclose(y[shown], z[shown], rtol=1e-10, atol=1e-10)


def test_an_activation_of_ones_own():
    layer = nn.TransformerEncoderLayer(4, 2, 6, activation=nn.SiLU())
    assert [name for name, _ in layer.named_children()][-1] == "activation"
    minigrad.manual_seed(0)
    same = nn.TransformerEncoderLayer(4, 2, 6, activation=F.silu)
    same.load_state_dict(layer.state_dict())
    x = minigrad.randn(3, 2, 4)
    assert layer.eval()(x).tolist() == same.eval()(x).tolist()


@pytest.mark.parametrize("place", ["self_attn", "dropout", "dropout1", "dropout2"])
def test_dropout_in_an_encoder_layer_is_at_work_in_each_of_four_places(place):
    """Dropping all there leaves out what follows but for biases, and only in training."""
    whole = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.25)
    assert whole.self_attn.dropout == whole.dropout.p == whole.dropout1.p == whole.dropout2.p == 0.25
    minigrad.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, norm_first=True)
    setattr(getattr(layer, place), "dropout" if place == "self_attn" else "p", 1.0)
    x, attends = minigrad.randn(3, 2, 4), place in ("self_attn", "dropout1")
    after = x if attends else x + layer.self_attn(*[layer.norm1(x)] * 3)[0]  # the attention's bias begins at 0
    if attends:
        after = x + layer.linear2(layer.activation(layer.linear1(layer.norm2(x))))
    elif place == "dropout":
        after = after + layer.linear2.bias
    np.testing.assert_allclose(layer(x).detach().numpy(), after.detach().numpy(), rtol=1e-5, atol=1e-6)
    assert abs(layer.eval()(x) - after).max().item() > 1e-3


def test_second_derivatives(rng):
    layer = nn.TransformerEncoderLayer(4, 2, 6, 0.0, activation="gelu").double()
    x = minigrad.tensor(rng.standard_normal((3, 1, 4)), requires_grad=True)
    assert minigrad.gradcheck(layer, (x,)) and minigrad.gradgradcheck(layer, (x,))


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"enable_gqa": True}, {"mask": True}], ids=str)
def test_dot_products_on_every_device(rng, device, options):
    arrays = [rng.standard_normal((2, h, 4, 3)) for h in ((2, 1, 1) if "enable_gqa" in options else (2, 2, 2))]
    mask = rng.random((4, 4)) < 0.4
    mask[1] = False

    def found(place):
        given = {"attn_mask": minigrad.tensor(mask, device=place)} if "mask" in options else options
        tensors = [minigrad.tensor(a, device=place, requires_grad=True) for a in arrays]
        y = F.scaled_dot_product_attention(*tensors, **given)
        (y * y).sum().backward()
        return [t.detach().cpu().numpy() for t in (y, *(t.grad for t in tensors))]

    for there, here in zip(found(device), found("cpu")):
        np.testing.assert_allclose(there, here, rtol=1e-12, atol=1e-14)


def test_on_every_device(rng, device):
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True).double()
    x, padding = rng.standard_normal((2, 4, 8)), np.array([[False] * 4, [False, False, True, True]])
    expected = layer(minigrad.tensor(x), src_key_padding_mask=minigrad.tensor(padding))
    there = minigrad.tensor(padding, device=device)
    found = layer.to(device)(minigrad.tensor(x, device=device), src_key_padding_mask=there)
    np.testing.assert_allclose(found.detach().cpu().numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12)


# ------------------------------------------------------------------------------------------------------------ bad input


dot = F.scaled_dot_product_attention


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda m, x: nn.MultiheadAttention(8, 3), ValueError, "num_heads must divide embed_dim"),
    (lambda m, x: nn.MultiheadAttention(8, 2, dropout=2.0), ValueError, "MultiheadAttention: dropout is a probability"),
    (lambda m, x: m(x, x, x[..., :3]), ValueError,
     r"shapes \(4, 2, 8\), \(4, 2, 8\) and \(4, 2, 3\); they must end in 8, 8 and 8"),
    (lambda m, x: m(x, x, x[:3]), ValueError, "positions of key and value"),
    (lambda m, x: m(x, x[:, :1], x[:, :1]), ValueError, "their batches"),
    (lambda m, x: m(x.numpy(), x, x), TypeError, "the query is a ndarray, not a Tensor"),
    (lambda m, x: m(x, x, x, minigrad.zeros(4, 2, dtype="bool")), ValueError,
     r"key_padding_mask has shape \(4, 2\), expected \(2, 4\)"),
    (lambda m, x: m(x, x, x, attn_mask=minigrad.zeros(3, 4)), ValueError,
     r"attn_mask has shape \(3, 4\), expected \(4, 4\) or \(4, 4, 4\)"),
    (lambda m, x: m(x, x, x, attn_mask=minigrad.zeros(4, 4, dtype="int64")), TypeError,
     "bools, or of numbers to add, not int64"),
    (lambda m, x: nn.TransformerEncoderLayer(8, 2, activation="selu"), ValueError, "'selu'"),
    (lambda m, x: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 4), 0), ValueError, "num_layers"),
    (lambda m, x: dot(x, x[..., :3], x), ValueError,
     r"\(4, 2, 8\), \(4, 2, 3\) and \(4, 2, 8\); query and key must have as many features"),
    (lambda m, x: dot(x, x, x[:, :1]), ValueError, r"and \(4, 1, 8\); key and value must have as many positions"),
    (lambda m, x: dot(x, x, x, minigrad.zeros(2, 2), is_causal=True), ValueError, "either attn_mask"),
    (lambda m, x: dot(x, x, x, minigrad.zeros(3, 3)), ValueError, "does not broadcast to scores"),
    (lambda m, x: dot(x, x, x[0, 0]), ValueError, r"and \(8,\); each needs two dimensions"),
    (lambda m, x: dot(x, x[:3], x), ValueError, r"\(3, 2, 8\) and \(4, 2, 8\), whose batches"),
    (lambda m, x: dot(x, x, x.double()), TypeError, "dtypes float32, float32 and float64"),
    (lambda m, x: dot(x, x.long(), x), TypeError, "attention: key: needs floating-point"),
    (lambda m, x: dot(x, x, x, minigrad.zeros(2, 2).double()), TypeError, "bools, or of float32"),
    (lambda m, x: dot(x, x, x, dropout_p=2.0), ValueError, "attention: dropout_p is a prob"),
    (lambda m, x: dot(x, x[:3], x[:3], enable_gqa=True), ValueError, "must divide the query's"),
    (lambda m, x: nn.MultiheadAttention(8, 2, kdim=-1), ValueError, "MultiheadAttention: kdim must be 0 or more"),
    (lambda m, x: m(x[0], x[0], x[0], np.zeros(2, bool)), TypeError,
     "key_padding_mask is a tensor of bools.* not ndarray"),
    (lambda m, x: m(x[0], x[0], x[0], minigrad.zeros(1, 2)), ValueError, r"has shape \(1, 2\), expected \(2,\)"),
    (lambda m, x: m(x[0], x, x), ValueError, "query, key and value have shapes"),
    (lambda m, x: nn.TransformerEncoderLayer(8, 2, activation=3), TypeError, "a name or a function, not int"),
    (lambda m, x: nn.TransformerEncoder(F.relu, 2), TypeError, "TransformerEncoder: encoder_layer is a function"),
])
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(nn.MultiheadAttention(8, 2), minigrad.ones(4, 2, 8))
