"""Averages of weights: against PyTorch's, longhand, and where they lie."""

import copy
import inspect
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import swa_utils
from tests.optim import courses
from tests.optim import test_lr_scheduler as schedules

KINDS = {
    "by default": lambda utils: {},
    "swa": lambda utils: {"avg_fn": utils.get_swa_avg_fn()},
    "swa, several": lambda utils: {"multi_avg_fn": utils.get_swa_multi_avg_fn()},
    "ema": lambda utils: {"avg_fn": utils.get_ema_avg_fn(0.75)},
    "ema, several": lambda utils: {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.75)},
    "ema by default": lambda utils: {"avg_fn": utils.get_ema_avg_fn()},
    "ema by default, several": lambda utils: {"multi_avg_fn": utils.get_ema_multi_avg_fn()},
    "one's own": lambda utils: {"avg_fn": lambda average, p, n: average + 0.5 * p / (n + 2)},
}
EACH = pytest.mark.parametrize("kind", KINDS)


def longhand_swa(values):
    """Polyak and Juditsky 1992: the mean of all points."""
    return sum(values[1:], values[0]) / len(values)


def longhand_ema(decay):
    def longhand(values):
        average = values[0]
        for value in values[1:]:
            average = decay * average + (1 - decay) * value
        return average

    return longhand


def longhand_own(values):
    average = values[0]
    for n, value in enumerate(values[1:], start=1):
        average = average + 0.5 * value / (n + 2)
    return average


LONGHAND = {
    "by default": longhand_swa, "swa": longhand_swa, "swa, several": longhand_swa, "ema": longhand_ema(0.75),
    "ema, several": longhand_ema(0.75), "ema by default": longhand_ema(0.999),
    "ema by default, several": longhand_ema(0.999), "one's own": longhand_own,
}  # fmt: skip


def network(package, dtype):
    """Parameters of several shapes, one of them shared, one of another dtype; and buffers."""

    class Network(package.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = package.nn.Linear(3, 4)
            self.second = package.nn.Linear(4, 2, bias=False)
            self.tied = self.first
            self.scale = package.nn.Parameter(package.ones(()))
            self.register_buffer("mean", package.zeros(5))
            self.register_buffer("count", package.tensor(0, dtype=package.int64))

        def forward(self, x):
            return self.second(self.first(x) * self.scale)

    model = Network().to(dtype=getattr(package, dtype))
    model.extra = package.nn.Parameter(package.zeros(3, dtype=package.float64))
    return model


def random_state(model, rng):
    """Values for every parameter and buffer, that can be held in either precision."""
    state = {}
    for name, value in model.state_dict().items():
        if name == "count":
            state[name] = np.array(rng.integers(0, 50) * 12)  # so that a mean of up to 4 is whole
        else:
            state[name] = rng.normal(size=tuple(value.shape)).astype(np.float32).astype(np.float64)
    for name in list(state):
        if name.startswith("tied."):
            state[name] = state[name.replace("tied.", "first.")]
    return state


def fill(package, model, state):
    with package.no_grad():
        for name, value in model.state_dict().items():
            value.copy_(package.tensor(state[name]))


def averaged(package, kind, dtype, use_buffers, states, device=None):
    model = network(package, dtype)
    average = package.optim.swa_utils.AveragedModel(
        model, device, use_buffers=use_buffers, **KINDS[kind](package.optim.swa_utils)
    )
    for state in states:
        fill(package, model, state)
        average.update_parameters(model)
    return average


def states(seed, count=4):
    rng = np.random.default_rng(seed)
    model = network(mg, "float64")
    return [random_state(model, rng) for _ in range(count)]


# ---------------------------------------------------------------------------------------------------------- oracles


@EACH
@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-14), ("float32", 1e-6)])
def test_the_averages_are_those_of_torch(torch, kind, use_buffers, dtype, tolerance):
    given, oracle = states(1), kind
    if kind == "swa, several":  # PyTorch's refuses integers, and rounds 1 / (n + 1) to single precision
        oracle = "swa"
    elif use_buffers and kind not in ("by default", "swa"):
        given = [{**state, "count": np.array(0)} for state in given]  # others are cut off here or there by rounding
    expected = averaged(torch, oracle, dtype, use_buffers, given).state_dict()
    found = averaged(mg, kind, dtype, use_buffers, given).state_dict()
    assert list(found) == list(expected)
    for name, value in found.items():
        assert str(value.dtype) == str(expected[name].dtype).removeprefix("torch."), name
        np.testing.assert_allclose(value.numpy(), expected[name].numpy(), rtol=0, atol=tolerance, err_msg=name)


@EACH
@pytest.mark.parametrize("count", [1, 2, 3, 6])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-14), ("float32", 1e-6)])
def test_the_averages_are_those_longhand(kind, count, dtype, tolerance, device):
    given = states(2, count)
    average = averaged(mg, kind, dtype, False, given, device)
    assert int(average.n_averaged) == count and average.n_averaged.dtype == np.int64
    for name, p in average.module.named_parameters():
        assert p.device.type == device and p.dtype == (np.float64 if name == "extra" else dtype)
        expected = LONGHAND[kind]([state[name] for state in given])
        np.testing.assert_allclose(p.detach().cpu().numpy(), expected, rtol=0, atol=tolerance)
    assert average.module.mean.cpu().tolist() == given[-1]["mean"].astype(dtype).tolist()
    assert average.module.count.item() == given[-1]["count"]


@pytest.mark.parametrize("kind", ["by default", "swa", "swa, several", "ema", "ema, several"])
def test_buffers_are_averaged_if_so_asked(kind):
    given = states(3, 4)
    for state, count in zip(given, (0, 3, 8, 11)):
        state["count"] = np.array(count)
    average = averaged(mg, kind, "float64", True, given)
    expected = LONGHAND[kind]([state["mean"] for state in given])
    np.testing.assert_allclose(average.module.mean.numpy(), expected, rtol=0, atol=1e-14)
    # Cut off after each: 0, 0 + 3/2, 1 + 7/3, 3 + 8/4, or 0, 0 + 3/4, 0 + 8/4, 2 + 9/4
    assert average.module.count.item() == (4 if kind.startswith("ema") else 5)
    assert average.module.count.dtype == np.int64


def test_each_function_by_hand():
    average, p = mg.tensor([1.0, 2.0]), mg.tensor([5.0, 10.0])
    assert swa_utils.get_swa_avg_fn()(average, p, 3).tolist() == [2.0, 4.0]
    assert swa_utils.get_swa_avg_fn()(average, p, mg.tensor(1)).tolist() == [3.0, 6.0]
    assert swa_utils.get_ema_avg_fn(0.75)(average, p, 3).tolist() == [2.0, 4.0]
    assert average.tolist() == [1.0, 2.0]
    other = mg.tensor([[0.0], [4.0]], dtype=mg.float64)
    assert swa_utils.get_swa_multi_avg_fn()([average, other], [p, other + 4], 3) is None
    assert (average.tolist(), other.tolist()) == ([2.0, 4.0], [[1.0], [5.0]])
    swa_utils.get_ema_multi_avg_fn(0.5)([average, other], [p, other + 4], 3)
    assert (average.tolist(), other.tolist()) == ([3.5, 7.0], [[3.0], [7.0]])


def test_lists_of_different_lengths_are_refused_before_anything_changes():
    average = mg.ones(2)
    with pytest.raises(ValueError, match="shorter"):
        swa_utils.get_swa_multi_avg_fn()([average, average], [mg.zeros(2)], 1)
    assert average.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", swa_utils.__all__)
def test_the_signature_is_that_of_torch(torch, name):
    ours, expected = (
        [(p.name, p.default, p.kind) for p in inspect.signature(getattr(utils, name)).parameters.values()]
        for utils in (swa_utils, torch.optim.swa_utils)
    )
    assert ours == expected


def test_everything_in_torch_is_here(torch):
    assert set(swa_utils.__all__) == set(torch.optim.swa_utils.__all__)


# --------------------------------------------------------------------------------------------- models and their places


def small(values=(1.0, 2.0), dtype=mg.float32):
    model = nn.Module()
    model.p = nn.Parameter(mg.tensor(values, dtype=dtype))
    return model


def put(model, values):
    with mg.no_grad():
        model.p.copy_(mg.tensor(values))


def test_it_is_a_copy_and_computes_with_the_average():
    model = nn.Linear(2, 1, bias=False)
    average = swa_utils.AveragedModel(model)
    for row in ([1.0, 2.0], [3.0, 6.0]):
        with mg.no_grad():
            model.weight.copy_(mg.tensor([row]))
        average.update_parameters(model)
    assert average(mg.tensor([1.0, 10.0])).tolist() == [42.0]
    assert model.weight.tolist() == [[3.0, 6.0]]


def test_before_the_first_update_it_is_the_model_as_it_was():
    model = small()
    average = swa_utils.AveragedModel(model)
    put(model, [5.0, 6.0])
    assert average.module.p.tolist() == [1.0, 2.0] and average.n_averaged.item() == 0
    average.update_parameters(model)
    assert average.module.p.tolist() == [5.0, 6.0] and average.n_averaged.item() == 1


def test_parameters_in_an_optimizers_memory_are_averaged():
    model = small(dtype=mg.float64)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    average = swa_utils.AveragedModel(model)
    places = []
    for _ in range(5):
        model.p.grad = mg.ones(2, dtype=mg.float64)
        optimizer.step()
        places.append(model.p.detach().numpy().copy())
        average.update_parameters(model)
    np.testing.assert_allclose(average.module.p.detach().numpy(), np.mean(places, axis=0), rtol=1e-15)


def test_the_average_may_lie_elsewhere(cuda):
    model = small()
    average = swa_utils.AveragedModel(model, device=cuda)
    average.update_parameters(model)
    put(model, [3.0, 4.0])
    average.update_parameters(model)
    assert model.p.device.type == "cpu" and average.module.p.device.type == average.n_averaged.device.type == "cuda"
    assert average.module.p.tolist() == [2.0, 3.0]


def test_halves_are_averaged_in_single_precision(rng):
    first, second = rng.normal(size=(2, 500)).astype(np.float16)
    model = small(first.tolist(), mg.float16)
    average = swa_utils.AveragedModel(model, avg_fn=swa_utils.get_ema_avg_fn(0.9))
    average.update_parameters(model)
    put(model, second.tolist())
    average.update_parameters(model)
    exact = 0.9 * first.astype(np.float64) + 0.1 * second.astype(np.float64)
    assert average.module.p.dtype == np.float16
    assert average.module.p.tolist() == exact.astype(np.float32).astype(np.float16).tolist()


def test_an_average_that_is_not_contiguous():
    model = nn.Module()
    model.p = nn.Parameter(mg.zeros(2, 3))
    average = swa_utils.AveragedModel(model)
    average.update_parameters(model)
    average.module.p.data = mg.zeros(3, 2).T
    with mg.no_grad():
        model.p.copy_(mg.arange(6.0).reshape(2, 3))
    average.update_parameters(model)
    assert average.module.p.tolist() == [[0.0, 0.5, 1.0], [1.5, 2.0, 2.5]]


def test_a_graph_that_needs_the_old_average_notices():
    model = small()
    average = swa_utils.AveragedModel(model)
    average.update_parameters(model)
    x = mg.tensor([1.0, 1.0], requires_grad=True)
    loss = (average.module.p * x).sum()
    average.update_parameters(model)
    with pytest.raises(RuntimeError, match="mul"):
        loss.backward()


def test_infinite_weights_warn_of_nothing():
    model = small([np.inf, np.nan])
    average = swa_utils.AveragedModel(model)
    for _ in range(2):
        average.update_parameters(model)
    assert np.isnan(average.module.p.detach().numpy()).all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "one's own"])
def test_a_copy_goes_on_alone(copied, kind):
    model = small()
    average = swa_utils.AveragedModel(model, **KINDS[kind](swa_utils))
    average.update_parameters(model)
    other = copied(average)
    put(model, [5.0, 6.0])
    other.update_parameters(model)
    assert average.module.p.tolist() == [1.0, 2.0] and average.n_averaged.item() == 1
    average.update_parameters(model)
    assert average.module.p.tolist() == other.module.p.tolist() != [1.0, 2.0] and other.n_averaged.item() == 2


def test_its_state_goes_to_torch_and_back(torch):
    given = states(4)
    expected = averaged(mg, "ema", "float64", False, given)
    theirs = averaged(torch, "ema", "float64", False, given[:2])
    theirs.load_state_dict({name: torch.tensor(value.numpy()) for name, value in expected.state_dict().items()})
    mine = averaged(mg, "ema", "float64", False, given[:1])
    mine.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    for name, value in mine.state_dict().items():
        assert value.numpy().tobytes() == expected.state_dict()[name].numpy().tobytes(), name


RESUMED = ["by default", "swa", "swa, several", "ema", "ema, several"]


def test_in_a_new_process_it_goes_on_bit_for_bit(tmp_path):
    given = states(5, 8)
    for kind in RESUMED:
        half = averaged(mg, kind, "float32", True, given[:4])
        np.savez(tmp_path / f"{kind}.npz", **optim.to_arrays(dict(half.state_dict())))
    command = [sys.executable, "-c", f"from tests.optim import test_swa_utils as t; t.go_on({str(tmp_path)!r})"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    for kind in RESUMED:
        expected = averaged(mg, kind, "float32", True, given).state_dict()
        with np.load(tmp_path / f"{kind} at the end.npz", allow_pickle=False) as arrays:
            found = optim.from_arrays(arrays)
        assert courses.same_bits(found.values(), [value.numpy() for value in expected.values()]), kind


def go_on(folder):
    """The second half of what the test above began, from what it saved."""
    for kind in RESUMED:
        average = averaged(mg, kind, "float32", True, [])
        with np.load(Path(folder, f"{kind}.npz"), allow_pickle=False) as arrays:
            average.load_state_dict(optim.from_arrays(arrays))
        model = network(mg, "float32")
        for state in states(5, 8)[4:]:
            fill(mg, model, state)
            average.update_parameters(model)
        np.savez(Path(folder, f"{kind} at the end.npz"), **optim.to_arrays(dict(average.state_dict())))


# ---------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("decay, error", [(1.5, ValueError), (-0.1, ValueError), (float("nan"), ValueError),
                                          ("a", TypeError)])  # fmt: skip
def test_wrong_decays_are_refused(decay, error):
    for make in (swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn):
        with pytest.raises(error, match="an exponential moving average: decay"):
            make(decay)


def test_two_functions_and_no_module_are_refused():
    with pytest.raises(ValueError, match="pass avg_fn or multi_avg_fn, not both"):
        swa_utils.AveragedModel(small(), avg_fn=max, multi_avg_fn=max)
    with pytest.raises(TypeError, match="model must be a Module, not a list"):
        swa_utils.AveragedModel([])


@pytest.mark.parametrize("first", [True, False])
def test_another_model_is_refused_and_changes_nothing(first):
    model = small()
    average = swa_utils.AveragedModel(model)
    if not first:
        average.update_parameters(model)
    before = average.n_averaged.item()
    other = small([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"parameters have the shapes \[\(3,\)\], the average's \[\(2,\)\]"):
        average.update_parameters(other)
    put(model, [5.0, 6.0])
    model.register_buffer("b", mg.zeros(1))
    with pytest.raises(ValueError, match=r"the model's buffers have the shapes \[\(1,\)\], the average's \[\]"):
        average.update_parameters(model)
    assert average.module.p.tolist() == [1.0, 2.0] and average.n_averaged.item() == before


def test_a_function_that_fails_changes_nothing():
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    calls = []

    def fails(average, p, n):
        calls.append(1)
        return p + 1 if len(calls) < 4 else 1 / 0

    average = swa_utils.AveragedModel(model, avg_fn=fails)
    average.update_parameters(model)
    before = [p.item() for p in average.module.parameters()]
    with pytest.raises(ZeroDivisionError):
        average.update_parameters(model)
    assert [p.item() for p in average.module.parameters()] == before and average.n_averaged.item() == 1


# ---------------------------------------------------------------------------------------------- running statistics


class Statistics(nn.Module):
    """The mean of each feature, as batch normalization keeps it."""

    def __init__(self, features, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("running_mean", mg.zeros(features))
        self.register_buffer("num_batches_tracked", mg.tensor(0))

    def reset_running_stats(self):
        self.running_mean.zero_()
        self.num_batches_tracked.zero_()

    def forward(self, x):
        if self.training:
            self.num_batches_tracked += 1
            share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
            self.running_mean += share * (x.detach().mean(0) - self.running_mean)
        return x - self.running_mean


BATCHES = [[[1.0, 10.0], [3.0, 30.0]], [[5.0, 50.0], [7.0, 70.0]], [[0.0, 0.0], [2.0, 8.0]]]
MEANS = np.array([[2.0, 20.0], [6.0, 60.0], [1.0, 4.0]])


def normalized():
    model = nn.Sequential(Statistics(2), nn.Linear(2, 2), Statistics(2, momentum=0.25))
    with mg.no_grad():
        model[1].weight.copy_(mg.tensor([[2.0, 0.0], [0.0, 2.0]]))
        model[1].bias.copy_(mg.tensor([1.0, 1.0]))
        for module in (model[0], model[2]):
            module.running_mean.fill_(99.0)
            module.num_batches_tracked.fill_(7)
    return model


@pytest.mark.parametrize("form", [lambda x: x, lambda x: [x, 1], lambda x: (x,)], ids=["tensor", "list", "tuple"])
def test_running_statistics_are_computed_anew(form):
    model = normalized()
    model.eval()
    model[2].train()
    swa_utils.update_bn((form(mg.tensor(batch)) for batch in BATCHES), model)
    np.testing.assert_allclose(model[0].running_mean.numpy(), MEANS.mean(axis=0), rtol=1e-6)
    shifts = [batch - MEANS[: i + 1].mean(axis=0) for i, batch in enumerate(MEANS)]
    np.testing.assert_allclose(model[2].running_mean.numpy(), 2 * np.mean(shifts, axis=0) + 1, rtol=1e-6)
    assert [m.num_batches_tracked.item() for m in (model[0], model[2])] == [3, 3]
    assert [m.momentum for m in (model[0], model[2])] == [0.1, 0.25]
    assert [m.training for m in model.modules()] == [False, False, False, True]


def test_batch_normalization_in_torch_gets_the_same(torch):
    theirs = torch.nn.Sequential(torch.nn.BatchNorm1d(2))
    torch.optim.swa_utils.update_bn([torch.tensor(batch) for batch in BATCHES], theirs)
    model = nn.Sequential(Statistics(2))
    swa_utils.update_bn([mg.tensor(batch) for batch in BATCHES], model)
    np.testing.assert_allclose(model[0].running_mean.numpy(), theirs[0].running_mean.numpy(), rtol=1e-6)
    assert model[0].num_batches_tracked.item() == theirs[0].num_batches_tracked.item() == 3


def test_of_an_averaged_model():
    model = normalized()
    average = swa_utils.AveragedModel(model)
    average.update_parameters(model)
    swa_utils.update_bn([mg.tensor(batch) for batch in BATCHES], average)
    np.testing.assert_allclose(average.module[0].running_mean.numpy(), MEANS.mean(axis=0), rtol=1e-6)
    assert model[0].running_mean.tolist() == [99.0, 99.0]


def test_batches_are_moved_and_no_graph_is_built(cuda):
    model = nn.Sequential(Statistics(2).to(cuda))
    seen = []
    model.register_forward_hook(lambda module, args, output: seen.append((args[0].device.type, output.requires_grad)))
    swa_utils.update_bn([mg.tensor(batch, requires_grad=True) for batch in BATCHES], model, cuda)
    assert seen == [("cuda", False)] * 3
    np.testing.assert_allclose(model[0].running_mean.cpu().numpy(), MEANS.mean(axis=0), rtol=1e-6)


def test_a_model_without_such_modules_sees_no_batch():
    swa_utils.update_bn(iter(lambda: 1 / 0, None), nn.Linear(2, 2))


def test_after_a_failure_momenta_and_modes_are_back():
    model = normalized()
    model.eval()
    with pytest.raises(AttributeError, match="detach"):
        swa_utils.update_bn([mg.tensor(BATCHES[0]), None], model)
    assert [m.momentum for m in (model[0], model[2])] == [0.1, 0.25]
    assert not any(m.training for m in model.modules())


# ------------------------------------------------------------------------------------------------------------- SWALR


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_the_rate_is_annealed_and_stays(strategy):
    optimizer = optim.SGD([mg.zeros(1)], lr=1.0)
    scheduler = swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=4, anneal_strategy=strategy)
    rates = [values[1][0] for values in schedules.course(optimizer, scheduler, 6)]
    shares = np.minimum(np.arange(7) / 4, 1)
    shares = shares if strategy == "linear" else (1 - np.cos(np.pi * shares)) / 2
    np.testing.assert_allclose(rates, 1 - 0.5 * shares, rtol=1e-14)
    assert optimizer.param_groups[0]["swa_lr"] == 0.5


@pytest.mark.parametrize("tinker", [False, True])
def test_with_no_epochs_to_anneal_it_is_there_at_once(torch, tinker):
    ours, theirs = (
        schedules.course(optimizer, side.schedule("SWALR")(optimizer, [0.1, 0.2, 0.3], 0), 12, tinker)
        for side in (schedules.OURS, schedules.Side(torch))
        for optimizer in [side.optimizer(1)]
    )
    assert ours == theirs and ours[0][1] == ours[-1][1] == [0.1, 0.2, 0.3]


def test_after_another_schedule(torch):
    """As its users have it: first one schedule, then, in the middle of the training, this one."""
    courses = []
    for side in (schedules.OURS, schedules.Side(torch)):
        optimizer = side.optimizer(1)
        first = side.schedules.CosineAnnealingLR(optimizer, 20)
        second = side.schedule("SWALR")(optimizer, 0.05, 5)
        rates = []
        for t in range(25):
            optimizer.step()
            (second if t > 10 else first).step()
            rates.append([group["lr"] for group in optimizer.param_groups])
        courses.append(rates)
    assert courses[0] == courses[1]


def test_a_group_without_a_rate_to_go_to_is_refused():
    optimizer = optim.SGD([mg.zeros(1)], lr=1.0)
    scheduler = swa_utils.SWALR(optimizer, 0.5)
    optimizer.add_param_group({"params": [mg.zeros(2)]})
    optimizer.step()
    with pytest.raises(KeyError, match=r"SWALR: param_groups\[1\] has no 'swa_lr'; make a new scheduler"):
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 1.0 and scheduler.last_epoch == 0


def test_its_state_goes_through_a_file():
    def make(lr):
        optimizer = optim.SGD([mg.zeros(1)], lr=lr)
        return optimizer, swa_utils.SWALR(optimizer, lr / 2, 8)

    whole = schedules.course(*make(1.0), 12)
    optimizer, scheduler = make(1.0)
    schedules.course(optimizer, scheduler, 5)
    file = io.BytesIO()
    np.savez(file, **optim.to_arrays([optimizer.state_dict(), scheduler.state_dict()]))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        states = optim.from_arrays(arrays)
    optimizer, scheduler = make(4.0)
    optimizer.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    assert schedules.course(optimizer, scheduler, 7) == whole[5:]
