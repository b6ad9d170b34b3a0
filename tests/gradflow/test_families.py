"""The diagnosis on models of eight kinds with a known fault, on healthy ones, and on ones that were trained."""
import pytest

import minigrad
from minigrad import gradflow, nn, optim
from tests.gradflow import faults


@pytest.mark.parametrize("case", range(faults.CASES))
@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.__name__)
def test_faults_are_found_and_their_layer_named(fault, case):
    flow, directions, label = fault(faults.rng_for(fault.__name__, case))
    found = flow.diagnosis()
    assert found.direction in directions, str(found)
    assert label is None or found.layer == label, str(found)
    assert found.sentence and found.meaning and found.cure and found.headline and found.cause
    assert not found.healthy


@pytest.mark.parametrize("name", faults.HEALTHY)
def test_healthy_models_raise_no_alarm(name):
    rng = faults.rng_for(name, 0)
    model, (x, y) = faults.HEALTHY[name](rng)
    found = faults.probed(model, x, y).diagnosis()
    assert found.healthy, str(found)


TRAINED = {
    "relu": (faults.stack_of("relu", "kaiming_normal", 8), optim.Adam, 1e-3),
    "tanh": (faults.stack_of("tanh", "xavier_normal", 6), optim.Adam, 1e-3),
    "sigmoid": (faults.stack_of("sigmoid", "xavier_normal", 2), optim.Adam, 1e-2),
    "gelu": (faults.stack_of("gelu", "kaiming_normal", 5), optim.AdamW, 1e-3),
    "sgd": (faults.stack_of("relu", "kaiming_normal", 5), optim.SGD, 1e-2),
    "batch norm": (faults.normed(nn.BatchNorm1d, 8), optim.Adam, 1e-3),
    "residual": (faults.residual(12, nn.ReLU), optim.Adam, 1e-3),
    "transformer": (faults.transformer, optim.Adam, 1e-3),
    "lstm": (faults.recurrent(nn.LSTM, 20, forget_bias=3.0), optim.Adam, 3e-3),
    "gru": (faults.recurrent(nn.GRU, 20, all_states=True), optim.Adam, 3e-3),
    "convolution": (faults.convolution, optim.Adam, 1e-3),
    "lenet": (faults.lenet, optim.SGD, 3e-2),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_models_that_learn_raise_no_alarm(name):
    make, rule, lr = TRAINED[name]
    model, (x, y) = make(faults.rng_for("trained " + name, 0))
    rule = rule(model.parameters(), lr=lr)
    losses = []
    with gradflow.watch(model, every=10, optimizer=rule) as flow:
        for _ in range(150):
            rule.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            rule.step()
            losses.append(loss.item())
    assert losses[-1] < losses[0]
    found = flow.diagnosis()
    assert found.healthy, str(found)


def test_a_classifier_that_is_sure_of_itself_is_healthy():
    """Its last sigmoids are at their ends, as they should be."""
    rng = faults.rng_for("sure", 0)
    x = minigrad.tensor(rng.standard_normal((64, 8)).astype("float32"))
    y = (x[:, :1] > 0).float()
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
    rule = optim.Adam(model.parameters(), lr=3e-2)
    with gradflow.watch(model, every=20) as flow:
        for _ in range(300):
            rule.zero_grad()
            nn.functional.binary_cross_entropy(model(x), y).backward()
            rule.step()
    assert flow.saturated[-1, -1] > 0.75
    assert flow.diagnosis().healthy, str(flow.diagnosis())
