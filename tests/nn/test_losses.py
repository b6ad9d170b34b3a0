"""Every loss against PyTorch, as a function and as a module, over reductions, shapes and options, with all gradients."""
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
REDUCTIONS = ["mean", "sum", "none"]


def real(*shape):
    return lambda rng: rng.standard_normal(shape) * 2


def within(low, high, *shape):
    return lambda rng: rng.uniform(low, high, shape)


def signs(*shape):
    return lambda rng: rng.choice([-1.0, 1.0], shape)


def bits(*shape):
    return lambda rng: rng.integers(0, 2, shape).astype(float)


def labels(n, *shape):
    return lambda rng: rng.integers(0, n, shape)


def given(values):
    return lambda rng: np.array(values)


# (function, module, options of both, inputs; those that are floating point get a gradient where PyTorch gives one)
CASES = [
    ("l1_loss", "L1Loss", {}, [real(3, 4), real(3, 4)]), ("mse_loss", "MSELoss", {}, [real(3, 4), real(3, 4)]),
    ("smooth_l1_loss", "SmoothL1Loss", {}, [real(3, 4), real(3, 4)]),
    ("smooth_l1_loss", "SmoothL1Loss", {"beta": 0.3}, [real(2, 3, 4), real(2, 3, 4)]),
    ("smooth_l1_loss", "SmoothL1Loss", {"beta": 0.0}, [real(5), real(5)]),
    ("huber_loss", "HuberLoss", {}, [real(3, 4), real(3, 4)]),
    ("huber_loss", "HuberLoss", {"delta": 0.4}, [real(5), real(5)]),
    ("binary_cross_entropy", "BCELoss", {}, [within(0.01, 0.99, 3, 4), within(0, 1, 3, 4)]),
    ("binary_cross_entropy_with_logits", "BCEWithLogitsLoss", {}, [real(3, 4), within(0, 1, 3, 4)]),
    ("kl_div", "KLDivLoss", {}, [real(3, 4), within(0.1, 1, 3, 4)]),
    ("kl_div", "KLDivLoss", {"log_target": True}, [real(3, 4), real(3, 4)]),
    ("poisson_nll_loss", "PoissonNLLLoss", {}, [real(3, 4), within(0, 5, 3, 4)]),
    ("poisson_nll_loss", "PoissonNLLLoss", {"full": True}, [real(3, 4), within(0.5, 5, 3, 4)]),
    ("poisson_nll_loss", "PoissonNLLLoss", {"log_input": False, "eps": 0.1}, [within(0.1, 3, 6), within(0, 5, 6)]),
    ("gaussian_nll_loss", "GaussianNLLLoss", {}, [real(3, 4), real(3, 4), within(0.2, 2, 3, 4)]),
    ("gaussian_nll_loss", "GaussianNLLLoss", {"full": True}, [real(3, 4), real(3, 4), within(0.2, 2, 3, 1)]),
    ("gaussian_nll_loss", "GaussianNLLLoss", {"eps": 0.5}, [real(3, 4), real(3, 4), within(0, 1, 3)]),
    ("hinge_embedding_loss", "HingeEmbeddingLoss", {}, [real(3, 4), signs(3, 4)]),
    ("hinge_embedding_loss", "HingeEmbeddingLoss", {"margin": 0.3}, [real(5), given([1.0, -1, 0, 2, -1])]),
    ("margin_ranking_loss", "MarginRankingLoss", {"margin": 0.5}, [real(4), real(4), signs(4)]),
    ("soft_margin_loss", "SoftMarginLoss", {}, [real(3, 4), signs(3, 4)]),
    ("cosine_embedding_loss", "CosineEmbeddingLoss", {"margin": 0.1}, [real(6, 3), real(6, 3), signs(6)]),
    ("cosine_embedding_loss", "CosineEmbeddingLoss", {}, [real(3), real(3), given(-1.0)]),
    ("triplet_margin_loss", "TripletMarginLoss", {}, [real(6, 3), real(6, 3), real(6, 3)]),
    ("triplet_margin_loss", "TripletMarginLoss", {"margin": 2.0, "p": 1.0, "swap": True}, [real(6, 3)] * 3),
    ("triplet_margin_loss", "TripletMarginLoss", {"swap": True, "eps": 0.1}, [real(2, 6, 3)] * 3),
    ("multi_margin_loss", "MultiMarginLoss", {}, [real(4, 5), labels(5, 4)]),
    ("multi_margin_loss", "MultiMarginLoss", {"p": 2, "margin": 0.4}, [real(4, 5), labels(5, 4)]),
    ("multi_margin_loss", "MultiMarginLoss", {}, [real(5), labels(5)]),
    ("multilabel_margin_loss", "MultiLabelMarginLoss", {},
     [real(3, 4), given([[3, 0, -1, 1], [1, -1, 2, -1], [0, 1, 2, 3]])]),
    ("multilabel_margin_loss", "MultiLabelMarginLoss", {}, [real(4), given([2, -1, 0, 1])]),
    ("multilabel_margin_loss", "MultiLabelMarginLoss", {}, [real(2, 3), given([[-1, 0, 1], [2, 2, -1]])]),
    ("multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss", {}, [real(3, 4), bits(3, 4)]),
]


def both(torch, arrays, dtype):
    """The same inputs for ours and theirs, with gradients for floating-point ones."""
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in map(np.asarray, arrays)]
    ours = [minigrad.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    theirs = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    return ours, theirs


def compare(torch, rng, ours_of, theirs_of, arrays, dtype):
    a, b = both(torch, arrays, dtype)
    try:
        y, z = ours_of(*a), theirs_of(*b)
        upstream = np.asarray(rng.standard_normal(y.shape)).astype(dtype)
        z.backward(torch.tensor(upstream))
    except RuntimeError as error:  # PyTorch has no derivative of some targets
        assert "derivative" in str(error) or "differentiable" in str(error)
        a, b = [t if i == 0 else t.detach() for i, t in enumerate(a)], [t if i == 0 else t.detach() for i, t in enumerate(b)]
        y, z = ours_of(*a), theirs_of(*b)
        upstream = np.asarray(rng.standard_normal(y.shape)).astype(dtype)
        z.backward(torch.tensor(upstream))
    y.backward(minigrad.tensor(upstream))
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype], "strict": True}
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
    for i, (p, q) in enumerate(zip(a, b)):
        if p.grad is not None or (q.grad is not None and q.grad.any()):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), err_msg=f"input {i}", **close)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("function", "module", "options", "draws"), CASES)
def test_agrees_with_pytorch(torch, rng, function, module, options, draws, reduction, dtype):
    arrays = [draw(rng) for draw in draws]
    options = {**options, "reduction": reduction}
    ours, theirs = getattr(nn, module)(**options), getattr(torch.nn, module)(**options)
    assert repr(ours) == repr(theirs)
    compare(torch, rng, ours, theirs, arrays, dtype)
    theirs = getattr(torch.nn.functional, function)
    compare(torch, rng, lambda *a: getattr(F, function)(*a, **options), lambda *b: theirs(*b, **options), arrays, dtype)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("module", "draws", "weights"), [
    ("BCELoss", [within(0.01, 0.99, 3, 4), bits(3, 4)], {"weight": within(0.1, 2, 3, 4)}),
    ("BCELoss", [within(0.01, 0.99, 3, 4), bits(3, 4)], {"weight": within(0.1, 2, 4)}),
    ("BCEWithLogitsLoss", [real(3, 4), bits(3, 4)], {"weight": within(0.1, 2, 3, 1), "pos_weight": within(0.1, 5, 4)}),
    ("BCEWithLogitsLoss", [real(3, 4), within(0, 1, 3, 4)], {"pos_weight": within(0.1, 5)}),
    ("MultiMarginLoss", [real(4, 5), labels(5, 4)], {"weight": within(0.1, 2, 5)}),
    ("MultiLabelSoftMarginLoss", [real(3, 4), bits(3, 4)], {"weight": within(0.1, 2, 4)}),
])
def test_weights_agree_with_pytorch(torch, rng, module, draws, weights, reduction, dtype):
    drawn = {name: np.asarray(draw(rng)).astype(dtype) for name, draw in weights.items()}
    ours = getattr(nn, module)(**{k: minigrad.tensor(v) for k, v in drawn.items()}, reduction=reduction)
    theirs = getattr(torch.nn, module)(**{k: torch.tensor(v) for k, v in drawn.items()}, reduction=reduction)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    compare(torch, rng, ours, theirs, [draw(rng) for draw in draws], dtype)


# ----------------------------------------------------------------------------------------------------- cross-entropy


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("shape", [(4, 5), (5,), (2, 3, 4), (2, 3, 2, 2)])
def test_probabilities_and_smoothing(torch, rng, shape, smoothing, weighted, reduction, dtype):
    classes = shape[1 if len(shape) > 1 else 0]
    weight = (rng.random(classes) + 0.1).astype(dtype) if weighted else None
    options = {"reduction": reduction, "label_smoothing": smoothing}

    def pair_of(target_options):
        ours = nn.CrossEntropyLoss(None if weight is None else minigrad.tensor(weight), **options, **target_options)
        theirs = torch.nn.CrossEntropyLoss(None if weight is None else torch.tensor(weight), **options, **target_options)
        return ours, theirs

    x, soft = rng.standard_normal(shape) * 3, rng.random(shape)
    compare(torch, rng, *pair_of({}), [x, soft], dtype)
    own = np.asarray(rng.integers(0, classes, shape[:1] + shape[2:] if len(shape) > 1 else ()))
    compare(torch, rng, *pair_of({}), [x, own], dtype)
    if own.ndim:
        own.flat[0] = 1
        compare(torch, rng, *pair_of({"ignore_index": 1}), [x, own], dtype)


def test_smoothing_of_nothing_valid_is_nan_with_gradient_zero():
    x = minigrad.zeros(2, 3, requires_grad=True)
    loss = F.cross_entropy(x, minigrad.tensor([-100, -100]), label_smoothing=0.1)
    loss.backward()
    assert math.isnan(loss.item()) and x.grad.tolist() == [[0] * 3] * 2


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, math.nan])
def test_bad_smoothing(smoothing):
    with pytest.raises(ValueError, match="label_smoothing must be"):
        F.cross_entropy(minigrad.zeros(2, 3), minigrad.tensor([0, 1]), label_smoothing=smoothing)
    with pytest.raises(ValueError, match="CrossEntropyLoss: label_smoothing must be"):
        nn.CrossEntropyLoss(label_smoothing=smoothing)


# -------------------------------------------------------------------------------------------------------------- focal


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("gamma", [0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_focal_longhand(torch, rng, gamma, weighted, reduction):
    """Lin et al. 2017, equation 5, in PyTorch's elementary operations."""
    x, own = rng.standard_normal((6, 4)) * 2, rng.integers(0, 4, 6)
    own[2] = -100
    weight = rng.random(4) + 0.1 if weighted else np.ones(4)
    b = torch.tensor(x, requires_grad=True)
    p = torch.softmax(b, 1)[torch.arange(6), torch.tensor(np.maximum(own, 0))]
    alpha = torch.tensor(np.where(own < 0, 0, weight[np.maximum(own, 0)]))
    each = -alpha * (1 - p) ** gamma * p.log()
    expected = each if reduction == "none" else each.sum() / (alpha.sum() if reduction == "mean" else 1)
    a = minigrad.tensor(x, requires_grad=True)
    criterion = nn.FocalLoss(gamma, minigrad.tensor(weight) if weighted else None, reduction=reduction)
    loss = criterion(a, minigrad.tensor(own))
    loss.sum().backward(), expected.sum().backward()
    np.testing.assert_allclose(loss.detach().numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-8, atol=1e-12)


def test_focal_without_focus_is_cross_entropy(rng):
    x, target = minigrad.tensor(rng.standard_normal((2, 3, 5))), minigrad.tensor(rng.integers(0, 3, (2, 5)))
    assert F.focal_loss(x, target, 0).item() == pytest.approx(F.cross_entropy(x, target).item(), rel=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("lead", [0.0, 20.0, 200.0, 1e4, -200.0])
def test_focal_is_stable_when_all_is_clear(gamma, lead):
    """1 - p is 0 in single precision from a lead of 17 on; its power below 1 has an infinite slope there."""
    x = minigrad.tensor([[lead, 0.0]], requires_grad=True)
    loss = F.focal_loss(x, minigrad.tensor([0]), gamma)
    loss.backward()
    assert math.isfinite(loss.item()) and np.isfinite(x.grad.numpy()).all()
    if lead == 20:
        q = math.exp(-20) / (1 + math.exp(-20))
        assert loss.item() == pytest.approx(q**gamma * -math.log1p(-q), rel=1e-3)


# ---------------------------------------------------------------------------------------- distances, and what is special


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_distances(torch, rng, dtype):
    for options in ({}, {"p": 1.0, "eps": 0.1, "keepdim": True}):
        compare(torch, rng, nn.PairwiseDistance(**options), torch.nn.PairwiseDistance(**options),
                [rng.standard_normal((4, 3)), rng.standard_normal((4, 3))], dtype)
    for dim in (1, -1, 0):
        compare(torch, rng, nn.CosineSimilarity(dim), torch.nn.CosineSimilarity(dim),
                [rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 4, 3))], dtype)


def test_batchmean(torch, rng):
    x, y = rng.standard_normal((3, 4)), rng.random((3, 4)) + 0.1
    compare(torch, rng, nn.KLDivLoss(reduction="batchmean"), torch.nn.KLDivLoss(reduction="batchmean"), [x, y], "float64")


def test_divergence_of_what_has_no_probability():
    """0 log 0 is 0."""
    assert F.kl_div(minigrad.tensor([-1.0, -2.0]), minigrad.tensor([0.0, 1.0]), reduction="none").tolist() == [0, 2]


def test_probabilities_of_0_and_1(torch):
    """Logarithms are at least -100, and the gradient is finite."""
    a = minigrad.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    b = torch.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    target = [0.0, 1.0, 1.0, 0.0]
    y = F.binary_cross_entropy(a, minigrad.tensor(target), reduction="none")
    z = torch.nn.functional.binary_cross_entropy(b, torch.tensor(target), reduction="none")
    y.sum().backward(), z.sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy())
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-5)


def test_logits_of_any_size():
    x = minigrad.tensor([1e4, -1e4], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, minigrad.tensor([0.0, 1.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [1e4, 1e4] and x.grad.tolist() == [1, -1]
    assert F.soft_margin_loss(minigrad.tensor([-1e4]), minigrad.tensor([1.0])).item() == 1e4


@pytest.mark.parametrize(("function", "draws"), [
    (F.l1_loss, [real(3), real(3)]), (F.smooth_l1_loss, [real(3), real(3)]), (F.huber_loss, [real(3), real(3)]),
    (F.binary_cross_entropy, [within(0.1, 0.9, 3), within(0.1, 0.9, 3)]),
    (F.binary_cross_entropy_with_logits, [real(3), within(0, 1, 3)]), (F.kl_div, [real(3), within(0.2, 1, 3)]),
    (F.gaussian_nll_loss, [real(3), real(3), within(0.5, 2, 3)]), (F.poisson_nll_loss, [real(3), within(1, 5, 3)]),
    (F.soft_margin_loss, [real(3), real(3)]), (F.triplet_margin_loss, [real(2, 3)] * 3),
    (lambda a: F.focal_loss(a, minigrad.tensor([1, 0])), [real(2, 3)]),
    (lambda a: F.cross_entropy(a, minigrad.tensor([1, 0]), label_smoothing=0.3), [real(2, 3)]),
    (lambda a: F.multi_margin_loss(a, minigrad.tensor([1, 0]), 2), [real(2, 3)]),
])
def test_passes_gradcheck_to_second_order(rng, function, draws):
    inputs = tuple(minigrad.tensor(draw(rng), requires_grad=True) for draw in draws)
    assert minigrad.gradcheck(function, inputs) and minigrad.gradgradcheck(function, inputs)


def test_on_every_device(rng, device):
    for function, _, options, draws in CASES:
        arrays = [np.asarray(draw(rng)) for draw in draws]
        there = getattr(F, function)(*(minigrad.tensor(a, device=device) for a in arrays), **options)
        here = getattr(F, function)(*map(minigrad.tensor, arrays), **options)
        assert str(there.device).startswith(device) and there.item() == pytest.approx(here.item(), rel=1e-9)


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(("function", "module", "options", "draws"), CASES)
def test_shapes_that_differ_are_refused(rng, function, module, options, draws):
    inputs = [minigrad.tensor(draw(rng)) for draw in draws]
    wrong = [inputs[0], minigrad.ones(7, 2, dtype=inputs[1].dtype), *inputs[2:]]
    with pytest.raises(ValueError, match=rf"{function}: .*\(7, 2\)"):
        getattr(F, function)(*wrong, **options)
    with pytest.raises(ValueError, match="reduction must be"):
        getattr(F, function)(*inputs, **options, reduction="most")
    with pytest.raises(ValueError, match="reduction must be"):
        getattr(nn, module)(**options, reduction="most")
    with pytest.raises(TypeError, match=f"{function}.* takes a Tensor, not ndarray"):
        getattr(F, function)(inputs[0].numpy(), *inputs[1:], **options)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda x: F.binary_cross_entropy(x + 1.5, x), ValueError, "from 0 to 1, but one is 1.5; for logits take"),
    (lambda x: F.binary_cross_entropy(x, x, minigrad.ones(3)), ValueError, r"weight of shape \(3,\) does not broadcast"),
    (lambda x: F.binary_cross_entropy_with_logits(x, x, pos_weight=minigrad.ones(3)), ValueError, "pos_weight of shape"),
    (lambda x: F.smooth_l1_loss(x, x, beta=-1), ValueError, "beta"), (lambda x: nn.SmoothL1Loss(beta=-1), ValueError, "beta"),
    (lambda x: F.huber_loss(x, x, delta=0), ValueError, "delta"), (lambda x: nn.HuberLoss(delta=0), ValueError, "delta"),
    (lambda x: F.gaussian_nll_loss(x, x, x - 1), ValueError, "var has negative elements"),
    (lambda x: F.gaussian_nll_loss(x, x, minigrad.ones(3)), ValueError, r"var of shape \(3,\) does not fit"),
    (lambda x: F.triplet_margin_loss(x, x, x, 0.0), ValueError, "margin must be a number above 0"),
    (lambda x: nn.TripletMarginLoss(0.0), ValueError, "margin must be a number above 0"),
    (lambda x: F.multi_margin_loss(x, minigrad.tensor([0, 1]), p=3), ValueError, "p must be 1 or 2"),
    (lambda x: nn.MultiMarginLoss(3), ValueError, "p must be 1 or 2"),
    (lambda x: F.multi_margin_loss(x, minigrad.tensor([0, 2])), IndexError, r"label 2 at position \(1,\).*2 classes"),
    (lambda x: F.multi_margin_loss(x, x[0]), TypeError, "integers, not float32"),
    (lambda x: F.multi_margin_loss(x, minigrad.tensor([0, 1]), weight=minigrad.ones(3)), ValueError, "2 classes"),
    (lambda x: F.multilabel_margin_loss(x, minigrad.tensor([[0, -2], [1, -1]])), IndexError, "label -2"),
    (lambda x: F.focal_loss(x, minigrad.tensor([0, 2])), IndexError, "focal_loss: label 2"),
    (lambda x: F.focal_loss(x, minigrad.tensor([0, 1]), -1), ValueError, "gamma"),
    (lambda x: nn.FocalLoss(-1), ValueError, "gamma"),
    (lambda x: F.l1_loss(x.long(), x.long()), TypeError, "cast one with"),
])
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(minigrad.zeros(2, 2))


def test_cosine_similarity_is_of_what_both_are_broadcast_to(torch, rng):
    for shapes, dim in ((((3,), (1,)), 0), (((3, 1, 3), (1, 1, 3)), -1), (((2, 1), (2, 4)), 1)):
        a, b = (rng.standard_normal(shape) for shape in shapes)
        ours = [minigrad.tensor(v, requires_grad=True) for v in (a, b)]
        theirs = [torch.tensor(v, requires_grad=True) for v in (a, b)]
        y, z = F.cosine_similarity(*ours, dim=dim), torch.nn.functional.cosine_similarity(*theirs, dim=dim)
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-10)
        (y * y).sum().backward(), (z * z).sum().backward()
        for p, q in zip(ours, theirs):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-14)
    with pytest.raises(ValueError, match=r"cosine_similarity: shapes \(2, 3\) and \(2, 4\) do not broadcast"):
        F.cosine_similarity(minigrad.ones(2, 3), minigrad.ones(2, 4))
