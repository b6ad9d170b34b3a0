"""The arena's promises: no update is lost, whatever happens to the parameters between the steps."""

import copy
import gc
import pickle
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import kernels, nn, optim

LR, MOMENTUM = 0.1, 0.9


class ByHand:
    """SGD with momentum of one parameter, by its formula: v <- momentum v + g (at first g), p <- p - lr v."""

    def __init__(self, p, lr=LR):
        self.p, self.v, self.lr = np.array(p), None, lr

    def step(self, g):
        self.v = g if self.v is None else MOMENTUM * self.v + g
        self.p = self.p - self.lr * self.v


def leaf(rng, *shape, dtype=np.float64, device=None):
    return mg.Tensor(rng.normal(size=shape).astype(dtype), device=device, requires_grad=True)


def give(p, g):
    p.grad = None if g is None else mg.Tensor(g, dtype=p.dtype, device=p.device)


def close(p, expected, tolerance=1e-14):
    np.testing.assert_allclose(
        p.detach().cpu().numpy(), expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max(initial=0))
    )


def step_both(optimizer, params, hands, rng):
    """One step with the same random gradients."""
    for p, hand in zip(params, hands):
        g = rng.normal(size=p.shape)
        give(p, g)
        hand.step(g)
    optimizer.step()


def momentum(params):
    return optim.SGD(params, lr=LR, momentum=MOMENTUM)


@pytest.fixture
def trio(rng):
    """Three parameters on their optimizer, two steps after the start, and the same by hand."""
    params = [leaf(rng, 3, 4), leaf(rng), leaf(rng, 5)]
    hands = [ByHand(p.detach().numpy()) for p in params]
    optimizer = momentum(params)
    for _ in range(2):
        step_both(optimizer, params, hands, rng)
    return optimizer, params, hands


def go_on(trio, rng, steps=3):
    """Step on, and hold every parameter against its formula."""
    optimizer, params, hands = trio
    for _ in range(steps):
        step_both(optimizer, params, hands, rng)
    for p, hand in zip(params, hands):
        close(p, hand.p)


# ------------------------------------------------------------------------------------------------------ the layout


def test_parameters_lie_side_by_side_and_stay_there(rng):
    params = [leaf(rng, 3, 4), leaf(rng), leaf(rng, 0, 2), leaf(rng, 5)]
    before = [p.detach().numpy().copy() for p in params]
    optimizer = momentum(params)
    arrays = [p.array for p in params]
    addresses = [a.__array_interface__["data"][0] for a in arrays]
    assert addresses[1] - addresses[0] == 12 * 8 and addresses[3] - addresses[1] == 8
    for p, values in zip(params, before):
        assert p.shape == values.shape and p.detach().numpy().tobytes() == values.tobytes()
        give(p, np.ones(p.shape))
    optimizer.step()
    optimizer.step()
    assert all(p.array is array for p, array in zip(params, arrays))


def test_the_memory_that_parameters_leave_is_freed(rng):
    p = leaf(rng, 4)
    old = weakref.ref(p.array)
    optimizer = momentum([p])
    assert old() is None
    old = weakref.ref(p.array)
    p.data = mg.zeros(4, dtype=mg.float64)
    give(p, np.ones(4))
    optimizer.step()
    assert old() is None


def test_non_contiguous_parameters(rng):
    matrix = rng.normal(size=(6, 4))
    params = [
        mg.from_numpy(a).requires_grad_() for a in (matrix.T, matrix[::2].copy()[:, ::-2], np.asfortranarray(matrix))
    ]
    hands = [ByHand(p.detach().numpy()) for p in params]
    go_on((momentum(params), params, hands), rng)


def test_non_contiguous_gradients(rng):
    p = leaf(rng, 3, 4)
    hand = ByHand(p.detach().numpy())
    g = rng.normal(size=(4, 3))
    p.grad = mg.from_numpy(g).T
    momentum([p]).step()
    hand.step(g.T)
    close(p, hand.p)


def test_a_gradient_of_equal_elements_may_be_expanded(rng):
    p = leaf(rng, 3, 4)
    before = p.detach().numpy().copy()
    optimizer = optim.SGD([p], lr=0.5)
    p.sum().backward()
    optimizer.step()
    close(p, before - 0.5)


# ------------------------------------------------------------------------------------ parameters without gradients


def test_a_parameter_that_took_no_step_may_change_its_shape(rng):
    params = [leaf(rng, 3), leaf(rng, 4)]
    hands = [ByHand(p.detach().numpy()) for p in params]
    optimizer = momentum(params)
    step_both(optimizer, params[:1], hands[:1], rng)
    params[1].data = mg.Tensor(fresh := rng.normal(size=(2, 3)))
    hands[1].p = fresh
    go_on((optimizer, params, hands), rng)


def test_a_parameter_without_gradient_is_left_alone_to_the_bit(trio, rng):
    optimizer, params, hands = trio
    before, state = params[1].detach().numpy().copy(), optimizer.state[params[1]]["momentum_buffer"].numpy().copy()
    for i in (0, 2):
        g = rng.normal(size=params[i].shape)
        give(params[i], g)
        hands[i].step(g)
    give(params[1], None)
    optimizer.step()
    assert params[1].detach().numpy().tobytes() == before.tobytes()
    assert optimizer.state[params[1]]["momentum_buffer"].numpy().tobytes() == state.tobytes()
    go_on(trio, rng)


def test_parameters_age_apart(rng):
    """Adam's first step moves every weight by lr against its gradient's sign, however late it comes."""
    params = [leaf(rng, 3) for _ in range(4)]
    optimizer = optim.Adam(params, lr=0.01, eps=0)
    for _ in range(5):
        for p in params[::2]:
            give(p, rng.normal(size=3))
        optimizer.step()
    assert [int(optimizer.state[p]["step"].item()) for p in params[::2]] == [5, 5]
    assert params[1] not in optimizer.state
    before = [p.detach().numpy().copy() for p in params]
    late = rng.normal(size=3)
    give(params[1], late)
    optimizer.step()
    close(params[1], before[1] - 0.01 * np.sign(late))
    assert optimizer.state[params[1]]["step"].item() == 1
    assert params[3].detach().numpy().tobytes() == before[3].tobytes()


def test_no_gradient_at_all_changes_nothing(trio):
    optimizer, params, _ = trio
    before = [p.detach().numpy().copy() for p in params]
    optimizer.zero_grad()
    optimizer.step()
    assert all(p.detach().numpy().tobytes() == b.tobytes() for p, b in zip(params, before))


def test_a_hundred_patterns_of_missing_gradients(rng):
    """More runs of neighbours than the arena remembers laws bound to."""
    params = [leaf(rng, 2) for _ in range(8)]
    hands = [ByHand(p.detach().numpy()) for p in params]
    optimizer = momentum(params)
    for _ in range(100):
        for p, hand, present in zip(params, hands, rng.random(8) < 0.5):
            g = rng.normal(size=2)
            give(p, g if present else None)
            if present:
                hand.step(g)
        optimizer.step()
    for p, hand in zip(params, hands):
        close(p, hand.p, 1e-13)


def test_requires_grad_switched_off_midway_and_on_again(trio, rng):
    optimizer, params, hands = trio
    params[1].requires_grad_(False)
    before = params[1].detach().numpy().copy()
    for i in (0, 2):
        g = rng.normal(size=params[i].shape)
        give(params[i], g)
        hands[i].step(g)
    optimizer.step()
    assert params[1].detach().numpy().tobytes() == before.tobytes()
    params[1].requires_grad_()
    go_on(trio, rng)


# --------------------------------------------------------------------------------------- parameters that were moved


def test_data_assigned(trio, rng):
    fresh = rng.normal(size=(3, 4))
    trio[1][0].data = mg.Tensor(fresh)
    trio[2][0].p = fresh
    go_on(trio, rng)


def test_array_rebound(trio, rng):
    fresh = rng.normal(size=5)
    trio[1][2].array = fresh.copy()
    trio[2][2].p = fresh
    go_on(trio, rng)


def test_the_tensor_whose_memory_was_assigned_does_not_follow(trio, rng):
    other = mg.Tensor(rng.normal(size=5))
    before = other.numpy().copy()
    trio[1][2].data = other
    trio[2][2].p = before
    go_on(trio, rng)
    assert other.numpy().tobytes() == before.tobytes()


def test_changes_in_place_are_seen(trio, rng):
    _, params, hands = trio
    with mg.no_grad():
        params[0].mul_(2)
        params[1].fill_(3)
        params[2][1:3] = 0
    params[2].detach().numpy()[4] = 7  # past the tape
    hands[0].p = hands[0].p * 2
    hands[1].p = np.array(3.0)
    hands[2].p[1:3] = 0
    hands[2].p[4] = 7
    go_on(trio, rng)


def test_views_taken_after_the_layout_follow(trio, rng):
    views = [p.detach() for p in trio[1]]
    go_on(trio, rng)
    for view, hand in zip(views, trio[2]):
        close(view, hand.p)


@pytest.mark.parametrize("cast", ["to", "double"])
def test_a_model_made_double_after_construction(rng, cast):
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    params = list(model.parameters())
    optimizer = momentum(params)
    hands = [ByHand(p.detach().numpy()) for p in params]
    step_both(optimizer, params, hands, rng)
    for p, hand in zip(params, hands):
        close(p, hand.p, 1e-6)
    if cast == "to":
        model.to(mg.float64)
    else:
        model.double()
    for p, hand in zip(params, hands):
        assert p.dtype == np.float64
        hand.p = p.detach().numpy().copy()
        hand.v = optimizer.state[p]["momentum_buffer"].numpy().astype(np.float64)  # what single precision left of it
    go_on((optimizer, params, hands), rng)
    assert all(optimizer.state[p]["momentum_buffer"].dtype == np.float64 for p in params)


def test_only_one_of_several_made_double(trio, rng):
    """It gets a block of its own; the others' states come along."""
    trio[1][0].data = trio[1][0].data.float()
    trio[1][0].data = trio[1][0].data.double()
    trio[1][1].data = trio[1][1].data.float()
    trio[2][0].p = trio[1][0].detach().numpy().copy()
    optimizer, params, hands = trio
    for _ in range(3):
        step_both(optimizer, params, hands, rng)
    close(params[0], hands[0].p)
    close(params[1], hands[1].p, 1e-6)
    close(params[2], hands[2].p)
    assert params[1].dtype == np.float32 and optimizer.state[params[1]]["momentum_buffer"].dtype == np.float32


def test_two_optimizers_on_one_set(rng):
    """Each keeps its own velocity, and sees what the other did."""
    params = [leaf(rng, 3), leaf(rng, 2, 2)]
    optimizers = [momentum(params), optim.SGD(params, lr=0.01, momentum=MOMENTUM)]
    values = [p.detach().numpy().copy() for p in params]
    hands = [[ByHand(v) for v in values], [ByHand(v, lr=0.01) for v in values]]
    for step in range(12):
        turn = step % 2 if step < 8 else int(rng.integers(2))
        for p, hand, value in zip(params, hands[turn], values):
            hand.p = value
        step_both(optimizers[turn], params, hands[turn], rng)
        values = [hand.p for hand in hands[turn]]
        for p, value in zip(params, values):
            close(p, value)


def test_two_optimizers_on_overlapping_sets(rng):
    params = [leaf(rng, 3), leaf(rng, 2), leaf(rng, 4)]
    hands = [ByHand(p.detach().numpy()) for p in params]
    first, second = momentum(params[:2]), optim.SGD(params[1:], lr=LR)
    for _ in range(4):
        step_both(first, params[:2], hands[:2], rng)
        for p, hand in zip(params[1:], hands[1:]):
            g = rng.normal(size=p.shape)
            give(p, g)
            hand.p = hand.p - LR * g
        second.step()
    for p, hand in zip(params, hands):
        close(p, hand.p)


def test_a_group_added_midway(trio, rng):
    optimizer, params, hands = trio
    new = [leaf(rng, 2, 2), leaf(rng, 3)]
    optimizer.add_param_group({"params": new, "lr": 0.02})
    go_on((optimizer, params + new, hands + [ByHand(p.detach().numpy(), lr=0.02) for p in new]), rng)


# --------------------------------------------------------------------------------------------------------- copies


COPIES = [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]


@pytest.mark.parametrize("copied", COPIES, ids=["deepcopy", "pickle"])
def test_a_copied_model_and_optimizer_belong_together(rng, copied):
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).double()
    optimizer = momentum(model.parameters())
    hands = [ByHand(p.detach().numpy()) for p in model.parameters()]
    step_both(optimizer, list(model.parameters()), hands, rng)
    other_model, other = copied((model, optimizer))
    others = list(other_model.parameters())
    assert all(a is b for a, b in zip(others, other.param_groups[0]["params"], strict=True))
    kept = [p.detach().numpy().copy() for p in model.parameters()]
    go_on((other, others, copy.deepcopy(hands)), rng)
    assert all(p.detach().numpy().tobytes() == k.tobytes() for p, k in zip(model.parameters(), kept))
    go_on((optimizer, list(model.parameters()), hands), rng)


@pytest.mark.parametrize("copied", COPIES, ids=["deepcopy", "pickle"])
def test_an_optimizer_copied_alone_copies_its_parameters(trio, rng, copied):
    optimizer, params, hands = trio
    other = copied(optimizer)
    others = other.param_groups[0]["params"]
    assert not any(a is b for a, b in zip(params, others))
    assert not any(np.shares_memory(a.array, b.array) for a, b in zip(params, others))
    go_on((other, others, copy.deepcopy(hands)), rng)
    go_on(trio, rng)


def test_a_copy_of_a_copy_before_it_steps(trio, rng):
    other = copy.deepcopy(copy.deepcopy(trio[0]))
    go_on((other, other.param_groups[0]["params"], trio[2]), rng)


def test_the_state_of_a_copy_is_there_before_it_steps(trio):
    other = copy.deepcopy(trio[0])
    for p, q in zip(trio[1], other.param_groups[0]["params"]):
        found, expected = (o.state[x]["momentum_buffer"].numpy() for o, x in ((other, q), (trio[0], p)))
        assert found.shape == expected.shape and found.tobytes() == expected.tobytes()


def test_a_shallow_copy_shares_the_parameters_but_not_the_state(trio, rng):
    other = copy.copy(trio[0])
    before = trio[0].state[trio[1][0]]["momentum_buffer"].numpy().copy()
    step_both(trio[0], trio[1], trio[2], rng)
    assert other.state[trio[1][0]]["momentum_buffer"].numpy().tobytes() == before.tobytes()
    before = trio[0].state[trio[1][0]]["momentum_buffer"].numpy().copy()
    for p in trio[1]:
        give(p, np.ones(p.shape))
    other.step()
    assert trio[0].state[trio[1][0]]["momentum_buffer"].numpy().tobytes() == before.tobytes()
    for p, hand in zip(trio[1], trio[2]):
        hand.p = p.detach().numpy().copy()
    go_on(trio, rng)


# ---------------------------------------------------------------------------------------------------- shared memory


def test_shared_memory_is_refused_and_nothing_changed(rng):
    base = rng.normal(size=(6, 4))
    whole = mg.from_numpy(base).requires_grad_()
    cases = {
        "one tensor": [whole, whole],
        "two tensors on one array": [whole, mg.from_numpy(base)],
        "detached": [whole, whole.detach()],
        "a view": [whole, mg.from_numpy(base[2])],
        "a transpose": [whole, mg.from_numpy(base.T)],
        "overlapping": [mg.from_numpy(base[:4]), mg.from_numpy(base[3:])],
        "with another between": [mg.from_numpy(base[:4]), mg.from_numpy(np.ones(3)), mg.from_numpy(base[3:])],
        "no common owner": [mg.from_numpy(np.frombuffer(base.data, base.dtype)), whole],
        "expanded": [mg.from_numpy(np.broadcast_to(np.ones(3), (2, 3)))],
    }
    before = base.copy()
    for name, params in cases.items():
        arrays = [p.array for p in params]
        message = "are one tensor" if name == "one tensor" else r"parameter \d .*share memory"
        with pytest.raises(ValueError, match=f"SGD: .*{message}"):
            momentum(params)
        with pytest.raises(ValueError, match=f"SGD: .*{message}"):
            momentum([{"params": [p]} for p in params])
        assert all(p.array is array for p, array in zip(params, arrays)), name
    assert base.tobytes() == before.tobytes()


def test_memory_that_only_interleaves_is_taken(rng):
    base = rng.normal(size=8)
    params = [mg.from_numpy(base[::2]).requires_grad_(), mg.from_numpy(base[1::2]).requires_grad_()]
    hands = [ByHand(p.detach().numpy()) for p in params]
    go_on((momentum(params), params, hands), rng)


def test_memory_that_came_to_be_shared_is_refused_at_the_step(trio, rng):
    optimizer, params, hands = trio
    optimizer.add_param_group({"params": [extra := leaf(rng, 5)]})
    own = extra.data.clone()
    before = [p.detach().numpy().copy() for p in params]
    for p in [*params, extra]:
        give(p, np.ones(p.shape))
    extra.data = params[2].data
    with pytest.raises(ValueError, match=r"SGD: parameter 2 .* and parameter 3 .* share memory"):
        optimizer.step()
    assert all(p.detach().numpy().tobytes() == b.tobytes() for p, b in zip(params, before))
    extra.data = own
    go_on((optimizer, [*params, extra], [*hands, ByHand(own.numpy())]), rng)


def test_a_group_that_shares_memory_with_an_earlier_one_is_not_added(trio, rng):
    optimizer, params, _ = trio
    with pytest.raises(ValueError, match="share memory"):
        optimizer.add_param_group({"params": [mg.zeros(3), params[0].detach()]})
    assert len(optimizer.param_groups) == 1
    go_on(trio, rng)


# ------------------------------------------------------------------------------------------- dtypes and devices


def test_mixed_dtypes_lie_apart(rng):
    params = [leaf(rng, 3, dtype=d) for d in (np.float32, np.float64, np.float32, np.float64)]
    hands = [ByHand(p.detach().numpy().astype(np.float64)) for p in params]
    optimizer = momentum(params)
    for _ in range(4):
        step_both(optimizer, params, hands, rng)
    for p, hand in zip(params, hands):
        close(p, hand.p, 1e-14 if p.dtype == np.float64 else 1e-6)
    assert [p.dtype.name for p in params] == ["float32", "float64"] * 2


def test_halves_have_states_in_single_precision(rng):
    """A running mean of squares far below what a half can hold: kept in halves it would be 0, and the step infinite."""
    p = mg.ones(4, dtype=mg.float16).requires_grad_()
    optimizer = optim.Adam([p], lr=0.25)
    q, m, v = np.ones(4), 0.0, 0.0
    for t in range(1, 4):
        g = np.array([1e-4, -2e-4, 1.0, 0.0]).astype(np.float16)
        give(p, g)
        optimizer.step()
        m = 0.9 * m + 0.1 * g.astype(np.float64)
        v = 0.999 * v + 0.001 * g.astype(np.float64) ** 2
        q = q - 0.25 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    assert p.dtype == np.float16
    close(p, q, 2e-3)
    for name in ("exp_avg", "exp_avg_sq"):
        assert optimizer.state[p][name].dtype == np.float32
    np.testing.assert_allclose(optimizer.state[p]["exp_avg_sq"].numpy(), v, rtol=1e-4)


def test_halves_without_gradients_keep_their_bits(rng):
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    every = every[~np.isnan(every)]
    params = [mg.from_numpy(every.copy()).requires_grad_(), mg.ones(2, dtype=mg.float16).requires_grad_()]
    optimizer = momentum(params)
    give(params[1], np.ones(2))
    optimizer.step()
    assert params[0].detach().numpy().tobytes() == every.tobytes()
    close(params[1], np.full(2, 0.9), 1e-3)


def test_a_half_that_overflows_becomes_infinite_without_a_warning():
    p = mg.full((2,), 6e4, dtype=mg.float16).requires_grad_()
    optimizer = optim.SGD([p], lr=1.0)
    give(p, np.array([-6e4, 6e4]))
    optimizer.step()
    assert p.tolist() == [float("inf"), 0.0]


def test_parameters_on_two_devices(rng, cuda):
    places = ["cpu", cuda, "cpu", cuda]
    params = [leaf(rng, 2, 3, device=place) for place in places]
    hands = [ByHand(p.detach().cpu().numpy()) for p in params]
    optimizer = momentum(params)
    go_on((optimizer, params, hands), rng)
    assert [p.device.type for p in params] == ["cpu", "cuda"] * 2
    assert [optimizer.state[p]["momentum_buffer"].device.type for p in params] == ["cpu", "cuda"] * 2


def test_adam_on_a_gpu_with_ages_halves_and_empty_parameters(rng, cuda):
    def run(device):
        rng = np.random.default_rng(5)
        params = [
            leaf(rng, 3, device=device),
            leaf(rng, 0, 2, device=device),
            leaf(rng, 2, dtype=np.float16, device=device),
        ]
        optimizer = optim.Adam(params, lr=0.01)
        for step in range(6):
            for p in params:
                give(p, rng.normal(size=p.shape))
            if step in (1, 4):
                params[0].grad = None
            optimizer.step()
        return params

    for p, q in zip(run(cuda), run("cpu")):
        close(p, q.detach().numpy(), 1e-14 if p.dtype == np.float64 else 1e-3)


def test_a_parameter_that_moves_to_a_gpu_takes_its_state_along(trio, rng, cuda):
    optimizer, params, hands = trio
    params[0].data = mg.Tensor(params[0].detach().numpy(), device=cuda)
    go_on(trio, rng)
    assert optimizer.state[params[0]]["momentum_buffer"].device.type == "cuda"
    params[0].data = params[0].data.cpu()
    go_on(trio, rng)


def test_shared_memory_on_a_gpu_is_refused(rng, cuda):
    whole = leaf(rng, 6, device=cuda)
    with pytest.raises(ValueError, match="share memory"):
        momentum([whole, whole.detach()[2:4]])


def test_copies_of_an_optimizer_on_a_gpu(rng, cuda):
    params = [leaf(rng, 3, device=cuda), leaf(rng, 2)]
    hands = [ByHand(p.detach().cpu().numpy()) for p in params]
    optimizer = momentum(params)
    step_both(optimizer, params, hands, rng)
    for copied in COPIES:
        other = copied(optimizer)
        go_on((other, other.param_groups[0]["params"], copy.deepcopy(hands)), rng)


# ----------------------------------------------------------------------------------------------- gradients and graphs


def test_gradients_that_users_keep_are_not_overwritten(trio, rng):
    optimizer, params, _ = trio
    kept = []
    for p in params:
        give(p, rng.normal(size=p.shape))
        kept.append((p.grad, p.grad.numpy().copy()))
    for step in range(2):
        optimizer.step()
        assert step or all(p.grad is g for p, (g, _) in zip(params, kept))
        optimizer.zero_grad(set_to_none=step == 0)
        for p in params:
            give(p, rng.normal(size=p.shape))
    assert all(g.numpy().tobytes() == before.tobytes() for g, before in kept)


def product(w, x):
    return (w * x).sum()


MOVES = {
    "nothing": lambda w, other: None,
    "data assigned": lambda w, other: setattr(w, "data", w.data.clone()),
    "a neighbour moved": lambda w, other: setattr(other, "data", other.data.clone()),
    "another optimizer": lambda w, other: momentum([w]),
}


@pytest.mark.parametrize("graph_first", [False, True])
@pytest.mark.parametrize("steps_before", [0, 1, 3])
@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_a_graph_from_before_the_step_is_refused(rng, move, steps_before, graph_first):
    """The step changed a value that the vjp of mul needs: the gradient would be that of another function."""
    w, other = leaf(rng, 3), leaf(rng, 2)
    x = leaf(rng, 3)
    optimizer = momentum([other, w])
    for _ in range(steps_before):
        give(w, np.ones(3))
        optimizer.step()
    if graph_first:
        y = product(w, x)
        move(w, other)
    else:
        move(w, other)
        y = product(w, x)
    give(w, np.ones(3))
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"gradient of mul needs .* changed in place"):
        y.backward()
    assert x.grad is None


def test_a_graph_from_before_the_optimizer_is_refused_after_its_first_step(rng):
    w, x = leaf(rng, 3), leaf(rng, 3)
    kept, used = product(w, x), product(w, x)
    optimizer = momentum([w])
    used.backward()  # nothing has changed yet
    np.testing.assert_array_equal(w.grad.numpy(), x.detach().numpy())
    optimizer.step()
    with pytest.raises(RuntimeError, match="mul"):
        kept.backward()


def test_a_graph_on_the_copied_parameters_is_refused(rng):
    w, optimizer = copy.deepcopy((w := leaf(rng, 3), momentum([w])))
    x = leaf(rng, 3)
    y = product(w, x)
    give(w, np.ones(3))
    optimizer.step()
    with pytest.raises(RuntimeError, match="mul"):
        y.backward()


@pytest.mark.parametrize("moved", [False, True])
def test_a_graph_on_parameters_that_were_skipped_still_works(rng, moved):
    """Two networks on one optimizer: a step of one leaves the other's graph alone."""
    mine, before, after, x = leaf(rng, 3), leaf(rng, 3), leaf(rng, 3), leaf(rng, 3)
    optimizer = momentum([before, mine, after])
    y = product(before, x) + product(after, x)
    if moved:
        after.data = after.data.clone()
    expected = before.detach().numpy() + after.detach().numpy()
    give(mine, np.ones(3))
    optimizer.step()
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-15)
    give(before, None)
    give(mine, None)
    z = product(after, x)
    give(after, np.ones(3))
    optimizer.step()
    with pytest.raises(RuntimeError, match="mul"):
        z.backward()


def test_a_graph_from_after_the_step_works(rng):
    w, x = leaf(rng, 3), leaf(rng, 3)
    optimizer = momentum([w])
    give(w, np.ones(3))
    optimizer.step()
    product(w, x).backward()
    np.testing.assert_array_equal(x.grad.numpy(), w.detach().numpy())


# --------------------------------------------------------------------------------------------------------- memory


def growth(steps, warm_up, more):
    """(objects, bytes of arrays) that more steps left behind, with the garbage collector off."""

    def held():
        arrays = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
        return len(gc.get_objects()), sum(trace.size for trace in arrays.traces)

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        steps(warm_up)
        held()
        before = held()
        steps(more)
        after = held()
    finally:
        tracemalloc.stop()
        gc.enable()
    return after[0] - before[0], after[1] - before[1]


def test_a_thousand_steps_leave_memory_where_it_was(rng):
    params = [leaf(rng, 6, 5), leaf(rng, 5), leaf(rng, 5, 2)]
    optimizer = optim.Adam(params)
    x = mg.Tensor(rng.normal(size=(8, 6)))

    def steps(count):
        for _ in range(count):
            optimizer.zero_grad()
            (((x @ params[0] + params[1]).tanh() @ params[2]) ** 2).mean().backward()
            optimizer.step()

    objects, array_bytes = growth(steps, 100, 900)
    assert objects < 50 and array_bytes < 1000  # one object or array a step would be 900 or more


def test_new_layouts_leave_memory_where_it_was(rng):
    """Two optimizers that take turns lay out at every step; none of the old buffers stays."""
    params = [leaf(rng, 1000), leaf(rng, 10)]
    optimizers = [momentum(params), momentum(params)]

    def steps(count):
        for i in range(count):
            give(params[0], np.ones(1000))
            optimizers[i % 2].step()

    objects, array_bytes = growth(steps, 20, 100)
    assert objects < 20 and array_bytes < 4000


def test_a_state_that_no_law_uses_takes_no_memory(rng):
    p, other = leaf(rng, 100_000, dtype=np.float32), leaf(rng, 100_000, dtype=np.float32)
    give(p, np.ones(100_000))
    give(other, np.ones(100_000))
    optim.SGD([other], lr=0.1).step()  # where Numba is installed, it compiles the law now
    plain = optim.SGD([p], lr=0.1)
    tracemalloc.start()
    try:
        plain.step()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 300_000  # bytes: scratch for a chunk, no velocity
    assert plain.state == {}


# ---------------------------------------------------------------------------- long gradients are used where they lie

LONG = 1 << 14


def long_course(optimizer_of, lengths, give, steps=3):
    """Values after some steps; give(p, array) puts a gradient in place."""
    rng = np.random.default_rng(0)
    params = [mg.tensor(rng.normal(size=n), dtype=mg.float64, requires_grad=True) for n in lengths]
    optimizer = optimizer_of(params)
    for _ in range(steps):
        for p in params:
            give(p, rng.normal(size=p.shape))
        optimizer.step()
    return [p.array.copy() for p in params], optimizer


def plainly(p, array):
    p.grad = mg.tensor(array)


def strided(p, array):
    wide = np.empty(2 * array.size)
    wide[::2] = array
    p.grad = mg.Tensor.of(wide[::2])


@pytest.mark.parametrize("lengths", [[LONG], [3, LONG, 4], [LONG, LONG + 1, 5, 6, LONG], [LONG - 1, LONG]])
def test_long_gradients_are_not_copied_and_the_step_is_the_same(lengths):
    def adam(params):
        return optim.Adam(params, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)

    found, optimizer = long_course(adam, lengths, plainly)
    for place, n in enumerate(lengths):  # each alone has the formula, element by element
        rng = np.random.default_rng(0)
        starts = [rng.normal(size=m) for m in lengths]
        p, m, v = starts[place], 0.0, 0.0
        for t in range(1, 4):
            g = [rng.normal(size=k) for k in lengths][place]
            p = p - 0.1 * 0.1 * p
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            p = p - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(found[place], p, rtol=0, atol=1e-14, err_msg=str(n))
    (block,) = optimizer._arenas[0].blocks
    for slot in block.slots:  # the copies that were not made
        assert bool(slot.gradient.any()) == (slot.param.array.size < LONG)
        assert slot.borrowed is None  # nothing keeps the gradient alive


def test_a_long_gradient_that_is_no_plain_array_is_copied():
    found, _ = long_course(lambda params: optim.Adam(params, lr=0.1), [LONG, 5], strided)
    expected, _ = long_course(lambda params: optim.Adam(params, lr=0.1), [LONG, 5], plainly)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected))


@pytest.fixture
def no_numba():
    """A compiled loop reads each element before it writes any."""
    with kernels.use_numba(False):
        yield


def test_a_long_gradient_on_the_parameters_own_memory_is_not_overwritten_as_it_is_read(no_numba):
    p = mg.ones(LONG, dtype=mg.float64, requires_grad=True)
    optimizer = optim.Adam([p], lr=0.5, weight_decay=0.5, decoupled_weight_decay=True)
    optimizer.zero_grad(set_to_none=False)
    p.grad = p.detach() * 1
    optimizer.step()
    before = p.array.copy()
    p.grad = p.detach()  # 0.75 less 0.5 everywhere
    told = optimizer.explanation(p, 0)
    optimizer.step()
    m = 0.9 * 0.1 * 1 + 0.1 * before
    v = 0.999 * 0.001 * 1 + 0.001 * before**2
    step = 0.5 * (m / (1 - 0.9**2)) / (np.sqrt(v / (1 - 0.999**2)) + 1e-8)
    np.testing.assert_allclose(p.array, before - 0.25 * before - step, rtol=1e-12)
    assert told.after["p"] == pytest.approx(p.array[0], rel=1e-12)


def test_a_state_as_a_long_gradient_is_not_overwritten_as_it_is_read(no_numba):
    p = mg.ones(LONG, dtype=mg.float64, requires_grad=True)
    optimizer = optim.Adam([p], lr=0.5)
    p.grad = mg.ones(LONG, dtype=mg.float64) * 2
    optimizer.step()
    before, m = p.array.copy(), np.full(LONG, 0.2)
    p.grad = optimizer.state[p]["exp_avg"]
    optimizer.step()
    m, v = 0.9 * m + 0.1 * m, 0.999 * 0.004 + 0.001 * m**2
    step = 0.5 * (m / (1 - 0.9**2)) / (np.sqrt(v / (1 - 0.999**2)) + 1e-8)
    np.testing.assert_allclose(p.array, before - step, rtol=1e-12)


def test_a_long_gradient_that_is_not_finite_stops_the_step():
    p = mg.ones(LONG, dtype=mg.float64, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.5)
    optimizer.error_if_nonfinite = True
    p.grad = mg.ones(LONG, dtype=mg.float64)
    p.grad.array[7] = np.nan
    with pytest.raises(FloatingPointError, match=r"shape \(16384,\)\) is NaN or infinite in 1 of 16384 places"):
        optimizer.step()
    assert (p.array == 1).all()
    p.grad = mg.ones(LONG, dtype=mg.float64)
    optimizer.step()
    assert (p.array == 0.5).all()


def test_read_only_long_gradients_are_taken_too():
    p = mg.ones(LONG, dtype=mg.float64, requires_grad=True)
    array = np.ones(LONG)
    array.flags.writeable = False
    p.grad = mg.Tensor.of(array)
    optim.SGD([p], lr=0.5).step()
    assert (p.array == 0.5).all()
