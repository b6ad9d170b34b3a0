"""The main job on the real digits: what is recorded, how well it does, and that it can be stopped."""
import io

import numpy as np
import pytest

pytest.importorskip("sklearn")

import minigrad
from minigrad import data, gradflow, nn
from minigrad.gradflow import training
from minigrad.gradflow.training import Settings, train


@pytest.fixture(scope="module")
def digits():
    return data.digits("train"), data.digits("test")


def test_twenty_sigmoid_layers_stay_at_chance_with_a_gain_near_a_quarter(digits):
    result = train(Settings(epochs=6), digits)
    gains = np.array([row.gain for row in gradflow.profile(result.flow).rows[:19]])
    assert np.exp(np.log(gains).mean()) == pytest.approx(0.24, abs=0.01)
    assert result.accuracy == pytest.approx(0.10, abs=0.02)
    assert result.chance == 0.1
    found = result.flow.diagnosis()
    assert found.direction == "vanishing" and not found.alone
    assert found.slower > 1e9


@pytest.mark.parametrize("settings", [
    Settings(activation="relu", init="kaiming_normal", lr=0.02, epochs=40),
    Settings(depth=2, lr=0.05, optimizer="adam", epochs=4),
    Settings(depth=3, activation="tanh", momentum=0.9, lr=0.02, epochs=5),
])
def test_stacks_that_the_gradient_passes_learn(settings, digits):
    result = train(settings, digits)
    assert result.accuracy > 0.9
    assert result.flow.diagnosis().direction == "healthy"


def test_about_as_many_steps_are_recorded_as_the_picture_shows(digits):
    result = train(Settings(depth=1, width=4, epochs=12, batch_size=32), digits)
    assert result.steps_done == result.steps_planned == 12 * 45
    assert training.PICTURE_STEPS <= len(result.flow) <= 2 * training.PICTURE_STEPS
    assert len(train(Settings(depth=1, width=4, epochs=1), digits).flow) == 45


def test_a_seed_repeats_the_run(digits):
    first, again, other = (train(Settings(depth=3, epochs=1, seed=seed), digits) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.flow.delta_rms, again.flow.delta_rms)
    assert (first.flow.delta_rms != other.flow.delta_rms).all()


def test_plain_sgd_is_the_default():
    rule = training.optimizer(Settings(), nn.Linear(2, 2))
    assert type(rule).__name__ == "SGD"
    assert (rule.param_groups[0]["lr"], rule.param_groups[0]["momentum"]) == (0.1, 0)


def test_ctrl_c_keeps_what_was_recorded(digits, monkeypatch):
    def interrupted(steps, total):
        for i, step in enumerate(steps):
            if i == 7:
                raise KeyboardInterrupt
            yield step

    monkeypatch.setattr(training, "progress", interrupted)
    result = train(Settings(depth=2, epochs=2), digits)
    assert (result.steps_done, result.steps_planned) == (7, 90)
    assert result.flow.steps == [1, 2, 3, 4, 5, 6, 7]


def test_a_run_that_diverges_warns_of_nothing_and_says_so(digits):
    result = train(Settings(depth=6, activation="relu", init="normal:1", lr=10.0, epochs=1), digits)
    assert result.flow.diagnosis().direction == "not finite"


def test_accuracy_counts_the_largest_logit():
    x = minigrad.tensor([[3.0, 1.0], [0.0, 2.0], [5.0, 4.0], [1.0, 0.0]])
    y = minigrad.tensor([0, 1, 1, 0])
    assert training.accuracy(nn.Identity(), data.TensorDataset(x, y)) == 0.75


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_on_a_terminal_and_none_elsewhere(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr("sys.stderr", log := io.StringIO())
    assert list(training.progress(range(3), 3)) == [0, 1, 2]
    assert log.getvalue() == ""
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert list(training.progress(range(3), 3)) == [0, 1, 2]
    assert "training" in terminal.getvalue() and "/3" in terminal.getvalue()


def test_without_tqdm_there_is_no_bar(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert list(training.progress(range(3), 3)) == [0, 1, 2]
    assert terminal.getvalue() == ""
