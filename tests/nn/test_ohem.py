"""Online hard example mining: each rule of the choice against a choice by brute force, one example at a time."""
import copy
import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

LOSSES = {"nll": (F.nll_loss_ohem, nn.NLLLossOHEM, F.nll_loss),
          "cross entropy": (F.cross_entropy_ohem, nn.CrossEntropyLossOHEM, F.cross_entropy)}
in_both_forms = pytest.mark.parametrize("form", LOSSES)


def log_probabilities(logits, axis=1):
    return logits - np.log(np.exp(logits).sum(axis=axis, keepdims=True))


def inputs(form, logits):
    return logits if form == "cross entropy" else log_probabilities(logits)


def own_losses(logits, labels, ignore_index=-100):
    """The loss of each example, None where it is not valid, in the order of the target's elements."""
    logp = np.moveaxis(log_probabilities(logits), 1, -1)
    return [None if label == ignore_index else -float(row[label])
            for row, label in zip(logp.reshape(-1, logp.shape[-1]), labels.reshape(-1))]


def choose_by_hand(losses, groups, keep_ratio=None, threshold=None, min_kept=0, min_negatives=0, always=None):
    """Which examples are kept, by sorting each group in Python: the hardest first, of equal ones the lower index."""
    kept = [False] * len(losses)
    always = [False] * len(losses) if always is None else always
    for group in groups:
        positives = [i for i in group if losses[i] is not None and always[i]]
        ranked = sorted((i for i in group if losses[i] is not None and not always[i]), key=lambda i: (-losses[i], i))
        least = min_kept if positives else max(min_kept, min_negatives)
        if threshold is None:
            k = max(least, math.ceil(keep_ratio * len(ranked) - 1e-9), 1)
        else:
            k = max(least, sum(math.exp(-losses[i]) < threshold for i in ranked))
        for i in positives + ranked[:k]:
            kept[i] = True
    return np.array(kept)


def groups_of(shape, scope):
    n, each = shape[0], math.prod(shape[1:])
    return [range(n * each)] if scope == "batch" else [range(i * each, (i + 1) * each) for i in range(n)]


def random_case(rng):
    shape = [(12,), (7,), (1,), (4, 3), (3, 2, 5), (2, 1)][rng.integers(6)]
    classes = int(rng.integers(2, 6))
    logits = rng.standard_normal((shape[0], classes, *shape[1:])) * 2
    labels = rng.integers(0, classes, shape)
    labels = np.where(rng.random(shape) < rng.choice([0, 0.3, 0.9]), -100, labels)
    options = {"scope": str(rng.choice(["batch", "sample"])), "min_kept": int(rng.choice([0, 0, 1, 3, 50])),
               "min_negatives": int(rng.choice([0, 0, 2, 50]))}
    if rng.random() < 0.5:
        options["keep_ratio"] = float(rng.choice([0, 0.1, 0.25, 1 / 3, 0.5, 0.99, 1]))
    else:
        options["threshold"] = float(rng.choice([0, 0.1, 0.5, 0.9, 1]))
    always = rng.random(shape) < 0.3 if rng.random() < 0.5 else None
    return shape, classes, logits, labels, options, always


def tensor_or_none(array):
    return None if array is None else minigrad.tensor(array)


@in_both_forms
def test_random_cases_against_brute_force(rng, form):
    """Mask, loss and gradient, over ratios, thresholds, masks, scopes, weights, reductions and normalizers."""
    loss_of = LOSSES[form][0]
    for _ in range(300):
        shape, classes, logits, labels, options, always = random_case(rng)
        losses = own_losses(logits, labels)
        choice = {k: v for k, v in options.items() if k != "scope"}
        flat = None if always is None else list(always.reshape(-1))
        kept = choose_by_hand(losses, groups_of(shape, options["scope"]), always=flat, **choice)
        weight = rng.random(classes) + 0.1 if rng.random() < 0.5 else None
        reduction = str(rng.choice(["mean", "sum", "none"]))
        normalizer = [("kept"), ("valid"), 7.0, 3][rng.integers(4)]
        x = minigrad.tensor(inputs(form, logits), requires_grad=True)
        loss, mask = loss_of(x, minigrad.tensor(labels), tensor_or_none(weight), always_keep=tensor_or_none(always),
                             reduction=reduction, normalizer=normalizer, return_mask=True, **options)
        assert mask.dtype == "bool" and mask.shape == shape
        np.testing.assert_array_equal(mask.numpy().reshape(-1), kept, err_msg=str(options))
        own_weight = [0.0 if label == -100 else 1.0 if weight is None else weight[label] for label in labels.flat]
        terms = [w * v if k else 0.0 for k, w, v in zip(kept, own_weight, losses)]
        if reduction == "none":
            expected = np.reshape(terms, shape)
        else:
            counted = sum(w for k, w in zip(kept, own_weight) if k) if normalizer == "kept" else (
                sum(own_weight) if normalizer == "valid" else normalizer)
            expected = sum(terms) / (counted if reduction == "mean" and counted else 1)
        np.testing.assert_allclose(loss.detach().numpy(), expected, rtol=1e-10, atol=1e-12)
        loss.sum().backward()
        off = np.moveaxis(x.grad.numpy(), 1, -1).reshape(-1, classes)[~kept]
        assert (off == 0).all()


@in_both_forms
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_those_of_the_plain_loss_of_the_kept_ones(torch, rng, form, dtype):
    loss_of, _, _ = LOSSES[form]
    theirs = torch.nn.functional.nll_loss if form == "nll" else torch.nn.functional.cross_entropy
    x = inputs(form, rng.standard_normal((20, 4)) * 2).astype(dtype)
    labels, weight = rng.integers(0, 4, 20), (rng.random(4) + 0.1).astype(dtype)
    a, b = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    loss = loss_of(a, minigrad.tensor(labels), minigrad.tensor(weight), keep_ratio=0.3)
    each = theirs(b, torch.tensor(labels), reduction="none")
    hard = each.topk(6).indices
    expected = theirs(b[hard], torch.tensor(labels)[hard], torch.tensor(weight))
    loss.backward(), expected.backward()
    close = {"rtol": 1e-5 if dtype == "float32" else 1e-10, "atol": 1e-7}
    np.testing.assert_allclose(loss.item(), expected.item(), **close)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)


@in_both_forms
def test_passes_gradcheck_to_second_order(rng, form):
    labels = minigrad.tensor([[0, 2, -100], [1, 1, 0]])
    x = minigrad.tensor(rng.standard_normal((2, 3, 3)), requires_grad=True)
    for options in ({"keep_ratio": 0.5}, {"threshold": 0.3, "reduction": "none"}, {"keep_ratio": 1}):
        assert minigrad.gradcheck(lambda x: LOSSES[form][0](x, labels, **options), (x,))
        assert minigrad.gradgradcheck(lambda x: LOSSES[form][0](x, labels, **options), (x,))


# ------------------------------------------------------------------------------------------------- how many are kept


def kept_of(losses, **options):
    """The mask for given losses, of examples whose label is 0."""
    logp = np.stack([-np.asarray(losses, float), np.full(len(losses), -9.0)], axis=1)
    labels = options.pop("labels", np.zeros(len(losses), int))
    return F.nll_loss_ohem(minigrad.tensor(logp), minigrad.tensor(labels), return_mask=True, **options)[1].tolist()


@pytest.mark.parametrize(("ratio", "n", "k"), [
    (0.25, 8, 2), (0.25, 9, 3), (0.3, 10, 3), (0.1 * 3, 10, 3), (0.7, 10, 7), (1e-3, 10, 1), (0, 10, 1), (1, 10, 10),
    (0.55, 100, 55), (0.57, 100, 57), (0.29, 100, 29), (1, 1, 1)])
def test_k_is_the_share_rounded_up(ratio, n, k):
    """0.1 * 3 is 0.30000000000000004 in floating point: of ten that is three, not four."""
    assert sum(kept_of(range(1, n + 1), keep_ratio=ratio)) == k


def test_min_kept_is_a_floor_and_the_valid_ones_a_ceiling():
    assert sum(kept_of([1, 2, 3, 4], keep_ratio=0.25, min_kept=3)) == 3
    assert sum(kept_of([1, 2, 3, 4], keep_ratio=1, min_kept=2)) == 4
    assert kept_of([1, 2, 3, 4], keep_ratio=0.25, min_kept=9, labels=np.array([0, -100, 0, -100])) == [
        True, False, True, False]


def test_ignored_examples_are_neither_counted_nor_kept():
    labels = np.array([-100, 0, 0, 0, 0, -100, -100, -100])
    assert kept_of([99, 1, 2, 3, 4, 99, 99, 99], keep_ratio=0.5, labels=labels) == [
        False, False, False, True, True, False, False, False]


def test_an_ignored_example_may_have_any_loss():
    for value in (math.inf, -math.inf, math.nan):
        assert kept_of([value, 1, 2], keep_ratio=0.5, labels=np.array([-100, 0, 0])) == [False, False, True]


@pytest.mark.parametrize("scope", ["batch", "sample"])
def test_the_lower_index_wins_a_tie(device, scope):
    logp = minigrad.tensor(np.full((1, 2, 9), -0.5), device=device)
    target = minigrad.zeros(1, 9, dtype="int64", device=device)
    for k in range(1, 10):
        mask = F.nll_loss_ohem(logp, target, keep_ratio=k / 9, scope=scope, return_mask=True)[1]
        assert mask.tolist() == [[True] * k + [False] * (9 - k)]
    assert kept_of([1, 3, 2, 3, 2, 2], keep_ratio=0.5) == [False, True, True, True, False, False]


def test_threshold_is_strict():
    """A probability of exactly a half is not below a half, in either precision."""
    for dtype in ("float32", "float64"):
        logp = minigrad.tensor(np.log([[0.5, 0.5], [0.4999, 0.5001], [0.5001, 0.4999]]), dtype=dtype)
        target = minigrad.tensor([0, 0, 0])
        assert F.nll_loss_ohem(logp, target, threshold=0.5, return_mask=True)[1].tolist() == [False, True, False]
        logits = minigrad.zeros(2, 2, dtype=dtype)
        mask = F.cross_entropy_ohem(logits, minigrad.tensor([0, 1]), threshold=0.5, return_mask=True)[1]
        assert mask.tolist() == [False, False]


def test_threshold_keeps_at_least_min_kept():
    easy = -np.log([0.99, 0.95, 0.97, 0.98])
    assert kept_of(easy, threshold=0.5) == [False] * 4
    assert kept_of(easy, threshold=0.5, min_kept=2) == [False, True, True, False]
    assert kept_of(easy, threshold=0.975, min_kept=1) == [False, True, True, False]
    assert kept_of(easy, threshold=0.5, min_kept=99) == [True] * 4


def always(*values):
    return minigrad.tensor(list(values))


def test_always_keep_leaves_the_ranking_and_is_kept_besides():
    losses = [9, 1, 2, 3, 4]
    assert kept_of(losses, keep_ratio=0.5, always_keep=always(True, False, False, False, False)) == [
        True, False, False, True, True]
    assert kept_of(losses, keep_ratio=0.5, always_keep=always(False, True, False, False, False)) == [
        True, True, False, False, True]
    assert kept_of(losses, keep_ratio=0.5, always_keep=always(*[True] * 5)) == [True] * 5


def test_always_keep_does_not_keep_what_is_ignored():
    labels, mask = np.array([-100, 0, 0]), always(True, False, False)
    assert kept_of([1, 2, 3], keep_ratio=0.5, labels=labels, always_keep=mask) == [False, False, True]


def test_min_negatives_applies_where_there_are_no_positives():
    options = {"keep_ratio": 0.2, "min_negatives": 3}
    assert sum(kept_of([1, 2, 3, 4, 5], always_keep=always(*[False] * 5), **options)) == 3
    assert sum(kept_of([1, 2, 3, 4, 5], always_keep=always(True, *[False] * 4), **options)) == 2
    ignored = np.array([-100, 0, 0, 0, 0])  # the only positive is not valid
    assert sum(kept_of([1, 2, 3, 4, 5], labels=ignored, always_keep=always(True, *[False] * 4), **options)) == 3


def test_positives_and_three_times_as_many_negatives():
    """The usual recipe of detectors (Liu et al. 2016, SSD, section 2.2): keep_ratio 0, and min_kept given per call."""
    losses, positive = [5, 1, 2, 3, 4, 6, 7, 8], always(True, *[False] * 7)
    assert kept_of(losses, keep_ratio=0, min_kept=3, always_keep=positive) == [
        True, False, False, False, False, True, True, True]


def test_scope_sample_ranks_each_by_itself():
    logp = minigrad.tensor([[[-1.0, -2.0, -3.0], [0, 0, 0]], [[-7.0, -9.0, -8.0], [0, 0, 0]]])
    target = minigrad.zeros(2, 3, dtype="int64")
    batch = F.nll_loss_ohem(logp, target, keep_ratio=1 / 3, return_mask=True)[1]
    sample = F.nll_loss_ohem(logp, target, keep_ratio=1 / 3, scope="sample", return_mask=True)[1]
    assert batch.tolist() == [[False] * 3, [False, True, True]]
    assert sample.tolist() == [[False, False, True], [False, True, False]]


# ------------------------------------------------------------------------------------------------- what they count


def test_class_weights_apply_after_the_choice():
    """By weighted loss the second would be the harder one."""
    logp, weight = minigrad.tensor([[-3.0, 0.0], [0.0, -2.0]]), minigrad.tensor([1.0, 10.0])
    loss, mask = F.nll_loss_ohem(logp, minigrad.tensor([0, 1]), weight, keep_ratio=0.5, return_mask=True)
    assert mask.tolist() == [True, False] and loss.item() == 3.0


def test_normalizers():
    logp = minigrad.tensor([[-4.0, 0], [-2.0, 0], [-1.0, 0], [-1.0, 0], [0, 0]])
    target = minigrad.tensor([0, 0, 0, 0, -100])
    weight = minigrad.tensor([2.0, 1.0])
    for normalizer, expected in (("kept", 6 / 2), ("valid", 6 / 4), (10, 0.6), (0.5, 12.0)):
        assert F.nll_loss_ohem(logp, target, keep_ratio=0.5, normalizer=normalizer).item() == pytest.approx(expected)
    for normalizer, expected in (("kept", 12 / 4), ("valid", 12 / 8), (10, 1.2)):
        loss = F.nll_loss_ohem(logp, target, weight, keep_ratio=0.5, normalizer=normalizer)
        assert loss.item() == pytest.approx(expected)
    assert F.nll_loss_ohem(logp, target, keep_ratio=0.5, reduction="sum", normalizer=10).item() == 6
    none = F.nll_loss_ohem(logp, target, keep_ratio=0.5, reduction="none")
    assert none.tolist() == [4, 2, 0, 0, 0]


@in_both_forms
@pytest.mark.parametrize("options", [{"keep_ratio": 0.5}, {"keep_ratio": 1}, {"threshold": 0.5, "min_kept": 2}])
@pytest.mark.parametrize("shape", [(2,), (0,), (2, 0), (0, 3)])
def test_no_valid_example_is_a_zero_in_the_graph(form, options, shape):
    for scope in ("batch", "sample"):
        for reduction in ("mean", "sum"):
            x = minigrad.zeros(shape[0], 3, *shape[1:], requires_grad=True)
            target = minigrad.full(shape, -100, dtype="int64")
            loss = LOSSES[form][0](x, target, scope=scope, reduction=reduction, **options)
            loss.backward()
            assert loss.item() == 0 and loss.requires_grad and not x.grad.numpy().any()


@in_both_forms
def test_nothing_below_the_threshold_is_a_zero_in_the_graph(form):
    x = minigrad.tensor(inputs(form, np.array([[9.0, 0.0], [9.0, 0.0]])), requires_grad=True)
    loss = LOSSES[form][0](x, minigrad.tensor([0, 0]), threshold=0.5)
    loss.backward()
    assert loss.item() == 0 and x.grad.tolist() == [[0, 0], [0, 0]]


@in_both_forms
def test_one_example_without_a_batch(form):
    x = minigrad.tensor([0.5, -0.5, 1.0], requires_grad=True)
    loss, mask = LOSSES[form][0](x, minigrad.tensor(1), keep_ratio=0.5, return_mask=True)
    loss.backward()
    assert mask.shape == () and mask.item() is True
    assert loss.item() == pytest.approx(LOSSES[form][2](x, minigrad.tensor(1)).item())


@in_both_forms
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_ratio_of_one_is_the_plain_loss_bit_for_bit(rng, form, dtype):
    mined, _, plain = LOSSES[form]
    for ignored in (False, True):
        for weight in (None, minigrad.tensor([0.3, 1.7, 0.9], dtype=dtype)):
            for reduction in ("mean", "sum", "none"):
                labels = rng.integers(0, 3, 50)
                labels[::7] = -100 if ignored else labels[::7]
                a = minigrad.tensor(inputs(form, rng.standard_normal((50, 3))), dtype=dtype, requires_grad=True)
                b = a.detach().clone().requires_grad_()
                target = minigrad.tensor(labels)
                x, y = mined(a, target, weight, keep_ratio=1, reduction=reduction), plain(b, target, weight,
                    reduction=reduction)
                x.sum().backward(), y.sum().backward()
                assert (x.numpy(force=True) == y.numpy(force=True)).all() and (a.grad.numpy() == b.grad.numpy()).all()


@in_both_forms
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_an_error(form, value):
    x = minigrad.zeros(3, 2)
    x[1, 0] = -value if form == "nll" or math.isinf(value) else value
    if form == "cross entropy" and value == -math.inf:
        x[1, 0] = math.inf  # log-softmax of which is NaN
    with pytest.raises(ValueError, match=r"position \(1,\) is (nan|-?inf); only finite"):
        LOSSES[form][0](x, minigrad.tensor([0, 0, 1]), keep_ratio=0.5)


def test_the_choice_is_the_same_on_every_device(rng, device):
    for _ in range(20):
        _, _, logits, labels, options, mask = random_case(rng)
        at = [None if a is None else minigrad.tensor(a, device=device) for a in (logits, labels, mask)]
        loss, kept = F.cross_entropy_ohem(at[0], at[1], always_keep=at[2], return_mask=True, **options)
        here = None if mask is None else minigrad.tensor(mask)
        expected = F.cross_entropy_ohem(minigrad.tensor(logits), minigrad.tensor(labels), always_keep=here,
                                        return_mask=True, **options)
        assert str(loss.device).startswith(device) and kept.tolist() == expected[1].tolist()
        assert loss.item() == pytest.approx(expected[0].item(), rel=1e-12)


# ----------------------------------------------------------------------------------------------------- as modules


@in_both_forms
def test_modules_are_their_functions(rng, form):
    function, module, _ = LOSSES[form]
    options = {"keep_ratio": 0.4, "min_kept": 2, "scope": "sample", "normalizer": "valid", "ignore_index": 1,
               "reduction": "sum"}
    weight = minigrad.tensor(rng.random(3))
    criterion = module(weight=weight, **options)
    x, target = minigrad.tensor(rng.standard_normal((2, 3, 8))), minigrad.tensor(rng.integers(0, 3, (2, 8)))
    mask = minigrad.tensor(rng.random((2, 8)) < 0.2)
    loss, kept = criterion(x, target, always_keep=mask, return_mask=True)
    expected, expected_kept = function(x, target, weight, always_keep=mask, return_mask=True, **options)
    assert loss.item() == expected.item() and kept.tolist() == expected_kept.tolist()
    assert list(criterion.state_dict()) == ["weight"]


@in_both_forms
def test_a_ratio_per_call_holds_for_that_call_only(rng, form):
    x, target = minigrad.tensor(rng.standard_normal((8, 3))), minigrad.tensor(rng.integers(0, 3, 8))
    for criterion in (LOSSES[form][1](0.25), LOSSES[form][1](threshold=1e-9, min_kept=2)):
        counts = [criterion(x, target, *ratio, return_mask=True)[1].sum().item() for ratio in ((), (0.5,), ())]
        assert counts == [2, 4, 2]


def test_audit(rng):
    criterion = nn.NLLLossOHEM(keep_ratio=0.5)
    with pytest.raises(RuntimeError, match="NLLLossOHEM.*before the first call"):
        criterion.audit()
    logp = minigrad.tensor([[-1.0, 0, 0], [-2.0, 0, 0], [0, -3.0, 0], [0, -4.0, 0], [0, 0, -9.0]], requires_grad=True)
    criterion(logp, minigrad.tensor([0, 0, 1, 1, -100]))
    audit = criterion.audit()
    assert audit.valid_per_class.tolist() == [2, 2, 0] and audit.kept_per_class.tolist() == [0, 2, 0]
    assert audit.loss_quantiles.tolist() == [1, 1.75, 2.5, 3.25, 4] and audit.kept_quantiles.tolist() == [
        3, 3.25, 3.5, 3.75, 4]
    assert (audit.kept, audit.valid) == (2, 4)
    lines = str(audit).splitlines()
    assert lines[0] == "kept 2 of 4 valid examples"
    assert lines[3].split() == ["0", "2", "0", "0.0%"] and lines[5].split() == ["2", "0", "0", "-"]
    assert lines[-1].split() == ["kept", "3", "3.25", "3.5", "3.75", "4"]
    copy.deepcopy(criterion)


def test_audit_of_nothing():
    criterion = nn.CrossEntropyLossOHEM(0.5)
    criterion(minigrad.zeros(2, 3), minigrad.tensor([-100, -100]))
    assert criterion.audit().kept == 0 and np.isnan(criterion.audit().loss_quantiles).all()
    assert "kept 0 of 0" in str(criterion.audit())


def test_repr():
    assert repr(nn.NLLLossOHEM(0.25)) == "NLLLossOHEM(keep_ratio=0.25, min_kept=0, scope='batch', normalizer='kept')"
    assert "threshold=0.7" in repr(nn.CrossEntropyLossOHEM(threshold=0.7))
    assert repr(nn.NLL_OHEM(0.5)) == "NLL_OHEM(ratio=0.5)"


def test_the_audit_does_not_keep_the_graph_alive():
    import gc
    import weakref

    criterion = nn.NLLLossOHEM(0.5)
    x = minigrad.zeros(4, 2, requires_grad=True)
    gc.disable()
    try:
        logp = x.log_softmax(1)
        array = weakref.ref(logp.array)
        criterion(logp, minigrad.tensor([0, 1, 0, 1]))
        del logp
        assert array() is None
    finally:
        gc.enable()


# --------------------------------------------------------------------------------------------- the founding text's


def founding_oracle(torch, x, y, ratio):
    """As the study text computes it: one loss after the other, topk, index_select."""
    losses = torch.tensor([-float(x.detach()[i, label]) for i, label in enumerate(y)])
    hard = losses.topk(int(ratio * len(y))).indices
    return torch.nn.functional.nll_loss(x.index_select(0, hard), y.index_select(0, hard))


@pytest.mark.parametrize("ratio", [0.1, 0.25, 0.5, 0.75, 1.0])
def test_nll_ohem_is_the_founding_texts(torch, rng, ratio):
    logp, labels = log_probabilities(rng.standard_normal((20, 5)) * 2), rng.integers(0, 5, 20)
    a, b = minigrad.tensor(logp, requires_grad=True), torch.tensor(logp, requires_grad=True)
    loss = nn.NLL_OHEM(ratio)(a, minigrad.tensor(labels))
    expected = founding_oracle(torch, b, torch.tensor(labels), ratio)
    loss.backward(), expected.backward()
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-12)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12)


def test_nll_ohem_rounds_down_and_a_given_ratio_persists(rng):
    logp = minigrad.tensor(-rng.permutation(10)[:, None] * np.ones((10, 2)) - 1)
    labels = minigrad.zeros(10, dtype="int64")
    criterion = nn.NLL_OHEM(0.19)
    assert isinstance(criterion, nn.NLLLoss)
    assert criterion(logp, labels).item() == 10
    assert criterion(logp, labels, ratio=0.39).item() == (10 + 9 + 8) / 3
    assert criterion.ratio == 0.39 and criterion(logp, labels).item() == (10 + 9 + 8) / 3


def test_nll_ohem_of_less_than_one_example_is_an_error():
    criterion = nn.NLL_OHEM(0.5)
    logp, labels = minigrad.zeros(4, 2), minigrad.zeros(4, dtype="int64")
    with pytest.raises(ValueError, match=r"0\.2 of 4 examples is 0\.8, less than one.*at least 0\.25"):
        criterion(logp, labels, ratio=0.2)
    assert criterion.ratio == 0.5
    with pytest.raises(ValueError, match="empty"):
        criterion(minigrad.zeros(0, 2), minigrad.zeros(0, dtype="int64"))
    for ratio in (0, -0.5, 1.5, math.nan):
        with pytest.raises(ValueError, match="NLL_OHEM: ratio must be a number above 0 to 1"):
            nn.NLL_OHEM(ratio)
    with pytest.raises(TypeError, match="'half'"):
        criterion(logp, labels, ratio="half")
    with pytest.raises(ValueError, match=r"\(N, C\), not shape \(2, 3, 4\)"):
        criterion(minigrad.zeros(2, 3, 4), minigrad.zeros(2, 4, dtype="int64"))
    assert criterion.ratio == 0.5


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(("options", "error", "message"), [
    ({}, ValueError, "either keep_ratio or threshold"),
    ({"keep_ratio": 0.5, "threshold": 0.5}, ValueError, "either keep_ratio or threshold"),
    ({"keep_ratio": 1.01}, ValueError, "keep_ratio must be a number from 0 to 1, got 1.01"),
    ({"keep_ratio": -0.1}, ValueError, "keep_ratio"), ({"keep_ratio": math.nan}, ValueError, "keep_ratio"),
    ({"keep_ratio": "0.5"}, TypeError, "'0.5'"), ({"keep_ratio": True}, TypeError, "True"),
    ({"threshold": 2}, ValueError, "threshold"), ({"keep_ratio": 0.5, "min_kept": -1}, ValueError, "min_kept"),
    ({"keep_ratio": 0.5, "min_kept": 0.5}, TypeError, "min_kept"),
    ({"keep_ratio": 0.5, "min_negatives": -1}, ValueError, "min_negatives"),
    ({"keep_ratio": 0.5, "scope": "image"}, ValueError, "'image'"),
    ({"keep_ratio": 0.5, "normalizer": "all"}, ValueError, "'all'"),
    ({"keep_ratio": 0.5, "normalizer": 0}, ValueError, "normalizer"),
    ({"keep_ratio": 0.5, "normalizer": math.nan}, ValueError, "normalizer"),
    ({"keep_ratio": 0.5, "normalizer": None}, TypeError, "normalizer"),
    ({"keep_ratio": 0.5, "reduction": "max"}, ValueError, "'max'"),
])
@in_both_forms
def test_bad_options_are_refused_at_once(form, options, error, message):
    with pytest.raises(error, match=message):
        LOSSES[form][1](**options)
    with pytest.raises(error, match=message):
        LOSSES[form][0](minigrad.zeros(2, 3), minigrad.tensor([0, 1]), **options)


@in_both_forms
def test_bad_input_is_refused(form):
    function, module, _ = LOSSES[form]
    name = module.__name__
    criterion, x, target = module(0.5), minigrad.zeros(2, 3), minigrad.tensor([0, 1])
    with pytest.raises(ValueError, match=rf"{name}: target of shape \(3,\) does not fit input of shape \(2, 3\)"):
        criterion(x, minigrad.tensor([0, 1, 2]))
    with pytest.raises(IndexError, match=f"{name}: label 3 at position"):
        criterion(x, minigrad.tensor([0, 3]))
    with pytest.raises(TypeError, match=f"{name}: the target holds class labels"):
        criterion(x, minigrad.tensor([0.0, 1.0]))
    with pytest.raises(ValueError, match=r"always_keep of shape \(3,\) does not fit a target of shape \(2,\)"):
        criterion(x, target, always_keep=minigrad.tensor([True, False, True]))
    with pytest.raises(TypeError, match="always_keep has dtype int64"):
        criterion(x, target, always_keep=target)
    with pytest.raises(TypeError, match="always_keep takes a Tensor, not list"):
        criterion(x, target, always_keep=[True, False])
    with pytest.raises(ValueError, match="keep_ratio must be a number from 0 to 1, got 7"):
        criterion(x, target, 7)
    with pytest.raises(ValueError, match=r"weight of shape \(2,\) does not fit 3 classes"):
        function(x, target, minigrad.ones(2), keep_ratio=0.5)
