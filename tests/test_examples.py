"""The examples run, shortened, and show what their first lines promise."""
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import gradflow

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

ROOT = Path(__file__).resolve().parents[1]


def example(name, *arguments, folder, source=None):
    path = ROOT / "examples" / name
    if source is not None:
        path = folder / name
        path.write_text(source, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", str(path), *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False,
                            stdin=subprocess.DEVNULL)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_every_example_has_a_test():
    names = {path.name for path in (ROOT / "examples").glob("*.py")}
    here = Path(__file__).read_text(encoding="utf-8")
    assert names and all(f'"{name}"' in here for name in names)


def test_deep_sigmoid_vanishes_and_stays_at_chance(tmp_path):
    lines = example("deep_sigmoid.py", "4", folder=tmp_path).splitlines()
    rows = [line.split() for line in lines[2:23]]
    assert [row[0] for row in rows] == ["output", *(str(i) for i in range(20, 0, -1))]
    assert all(0.15 < float(row[4]) < 0.35 for row in rows[1:])
    assert "The gradient vanishes on its way from layer 20 down to layer 1: each layer divides it by 4" in lines[24]
    assert float(lines[25].partition(": ")[2].rstrip("%")) == pytest.approx(10, abs=3)
    assert os.listdir(tmp_path) == ["deep_sigmoid.png"]
    assert (tmp_path / "deep_sigmoid.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def of_both(folder, *epochs):
    """What the example prints, and what the command does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    options = [f"--epochs={n}" for n in epochs]
    command = subprocess.run([sys.executable, "-m", "minigrad", "gradflow", *options], cwd=folder, text=True,
                             env=environment, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout
    return example("deep_sigmoid.py", *(str(n) for n in epochs), folder=folder), command


def same_numbers(by_example, by_command):
    """The table, the verdict, and the accuracy; the command adds a line above, and more words about the accuracy."""
    *report, accuracy = by_example.splitlines()
    lines = by_command.splitlines()
    assert report == lines[2:-2] and len(report) == 25
    assert accuracy.removeprefix("Test accuracy: ") in lines[-2].split()


@pytest.mark.slow
def test_deep_sigmoid_does_what_the_command_does(tmp_path):
    same_numbers(*of_both(tmp_path, 9))  # so many that not every step is recorded


@pytest.mark.slow
def test_deep_sigmoid_does_what_the_command_does_by_default(tmp_path):
    same_numbers(*of_both(tmp_path))


def blocks_of_the_readme():
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


def block_with(text):
    (block,) = [block for block in blocks_of_the_readme() if text in block]
    return block


def test_gradient_flow_as_the_readme_has_it(tmp_path, monkeypatch, capsys):
    pytest.importorskip("plotly")
    minigrad.manual_seed(0)
    monkeypatch.chdir(tmp_path)
    model = minigrad.nn.Sequential(*(m for _ in range(4) for m in (minigrad.nn.Linear(3, 3), minigrad.nn.Sigmoid())))
    images, labels = minigrad.randn(8, 3), minigrad.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    names = {"gradflow": gradflow, "model": model, "images": images, "labels": labels, "train": lambda *_: None,
             "optimizer": minigrad.optim.SGD(model.parameters(), lr=0.1),
             "loss_function": minigrad.nn.CrossEntropyLoss()}  # fmt: skip
    exec(block_with("gradflow.probe"), names)
    printed = capsys.readouterr().out
    assert "gradient RMS" in printed and "vanishes" in printed
    assert sorted(os.listdir(tmp_path)) == ["flow.html", "flow.png"]


def test_mining_as_the_readme_has_it():
    minigrad.manual_seed(0)
    names = {"nn": minigrad.nn, "logits": minigrad.randn(8, 3), "labels": minigrad.tensor([0, 1, 2, 0, 1, 2, 0, 1])}
    exec(block_with("CrossEntropyLossOHEM"), names)
    assert names["kept"].sum().item() == 2 and names["loss"].item() > 0


def test_the_tour_in_the_readme_runs(tmp_path):
    tour = block_with("import numpy as np")
    printed = example("tour.py", folder=tmp_path, source=tour)
    x = np.array([1.0, 2.0, 3.0])
    t = np.tanh(x)
    second = 2 * (1 - t**2) ** 2 - 4 * t**2 * (1 - t**2)  # of tanh(x)^2
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d*", printed)]
    assert numbers[:4] == pytest.approx([(t**2).sum(), *second], abs=1e-6)
    assert "True tensor([ 1.,  8., 27.]" in printed
    assert "The gradient vanishes on its way from layer 8 down to layer 1" in printed


def test_deep_sigmoid_is_short():
    assert len((ROOT / "examples" / "deep_sigmoid.py").read_text(encoding="utf-8").splitlines()) < 60


# What its first lines tell a student to try.
@pytest.mark.slow
@pytest.mark.parametrize("changes", [
    [("nn.Sigmoid()]", "nn.Tanh()]")],
    [("nn.Sigmoid()]", "nn.ReLU()]"), ("init.xavier_normal_(", "init.kaiming_normal_("), ("LR = 0.1", "LR = 0.03")],
])
def test_the_changes_it_suggests_let_the_gradient_through(changes, tmp_path):
    source = (ROOT / "examples" / "deep_sigmoid.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert source.count(old) == 1
        source = source.replace(old, new)
    lines = example("deep_sigmoid.py", "30", folder=tmp_path, source=source).splitlines()
    assert any(line.startswith("Healthy: ") for line in lines)
    assert float(lines[-1].partition(": ")[2].rstrip("%")) > 85


def picture(folder, name):
    """The example left this picture and nothing else."""
    assert os.listdir(folder) == [name]
    assert (folder / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def numbers(line):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", line)]


@pytest.mark.slow
def test_the_founding_claims_hold(tmp_path):
    lines = example("founding_claims.py", folder=tmp_path).splitlines()
    assert lines[-1] == "All 12 claims hold." and len(lines) == 26
    measured = [numbers(line) for line in lines[1:24:2]]
    assert measured[0][:2] == [1, 1438]  # four fifths of 1797 images, by digit
    assert measured[0][2] == pytest.approx(np.log(10), abs=0.05)  # as good as guessing
    assert measured[2] == [10, 10]
    assert measured[3] == [round(1 / 1.9, 2)]
    assert measured[6] == [1.05, 0.95, 10, 0.1]
    assert measured[7] == [1e6, 1, 1]
    assert measured[8][0] == 1000 and measured[8][3] == 0
    assert measured[9] == [1000, 10000, round(10**-0.5, 2), 1]
    assert measured[10][0] == 10
    # Plain descent: along the axes both coordinates shrink by themselves, 1 - 0.018 * (1 or 100) a step.
    steps = np.arange(1000)
    assert measured[11][2] == np.argmax(np.hypot(0.982**steps, (-0.8) ** steps) < 0.05)
    picture(tmp_path, "founding_claims.png")


# A rule that is spoilt must be noticed: the asserts of the example are what it promises.
@pytest.mark.parametrize(("old", "new", "said"), [
    ("lr=lr, momentum=0.9)[:, 0]) / lr", "lr=lr, momentum=0.8)[:, 0]) / lr", "the terminal velocity of SGD is 5.000"),
    ("in (0, SECOND), (0.9, FIRST)", "in (0, SECOND), (0.1, FIRST)", "updates until the saddle is left"),
])  # fmt: skip
def test_a_founding_claim_that_does_not_hold_is_told(old, new, said, tmp_path):
    source = (ROOT / "examples" / "founding_claims.py").read_text(encoding="utf-8")
    assert source.count(old) == 1
    path = tmp_path / "spoilt.py"
    path.write_text(source.replace(old, new), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    result = subprocess.run([sys.executable, str(path)], cwd=tmp_path, env=environment, text=True,
                            capture_output=True, check=False, stdin=subprocess.DEVNULL)
    assert result.returncode == 1 and f"AssertionError: {said}" in result.stderr


def descents(lines):
    """The two tables of three_descents.py: by name, the numbers of a row."""
    rows = [line for line in lines if line.split(" ")[0] in ("batch", "mini-batch", "stochastic")]
    assert len(rows) == 6
    return [{row.split()[0]: numbers(row.partition(" ")[2]) for row in half} for half in (rows[:3], rows[3:])]


def test_three_descents_count_their_updates(tmp_path):
    after, pointing = descents(example("three_descents.py", "2", folder=tmp_path).splitlines())
    assert {name: row[0] for name, row in after.items()} == {"batch": 1438, "mini-batch": 32, "stochastic": 1}
    assert {name: row[2] for name, row in after.items()} == {"batch": 2, "mini-batch": 2 * 45, "stochastic": 2 * 1438}
    assert after["batch"][4] > 1.5 > 0.5 > after["mini-batch"][4]  # the loss
    cosines = {name: row[-2] for name, row in pointing.items()}
    assert cosines["batch"] == 1 and cosines["mini-batch"] > 2 * cosines["stochastic"] > 0
    assert pointing["batch"][-1] == 0 and pointing["mini-batch"][-1] < 15 < 35 < pointing["stochastic"][-1]
    picture(tmp_path, "three_descents.png")


@pytest.mark.slow
def test_stochastic_descent_needs_the_fewest_passes_and_batch_descent_the_most(tmp_path):
    after, until = descents(example("three_descents.py", folder=tmp_path).splitlines())
    assert until["stochastic"][0] <= until["mini-batch"][0] < until["batch"][0]  # passes
    assert all(row[5] > 88 for row in after.values())


def race(lines):
    """The table of optimizer_race.py: by rule, (rate, test accuracy in %, steps to the minimum of each surface)."""
    found = {}
    for line in lines[1:]:
        name, rate, accuracy, *steps = line.partition(" (the whole")[0].split()
        found[name] = float(rate), float(accuracy.rstrip("%")), [None if n == "-" else int(n) for n in steps]
    return found


def test_the_race_has_a_line_for_every_rule(monkeypatch):
    import runpy

    from minigrad import optim

    monkeypatch.setattr(sys, "argv", ["optimizer_race.py"])
    raced = runpy.run_path(str(ROOT / "examples" / "optimizer_race.py"))
    classes = [getattr(optim, name) for name in optim.__all__ if isinstance(getattr(optim, name), type)]
    rules = {c.__name__ for c in classes if issubclass(c, optim.Optimizer) and c is not optim.Optimizer}
    assert set(raced["SETTINGS"]) == rules
    assert set(raced["FULL_BATCH"]) <= rules


RACERS = ("SGD", "NAG", "Muon", "AdamWScheduleFree", "SAM", "LBFGS")


@pytest.mark.slow
def test_the_race_shortened(tmp_path):
    lines = example("optimizer_race.py", "1", *RACERS, folder=tmp_path).splitlines()
    found = race(lines)
    assert list(found) == list(RACERS)
    # Plain descent by hand: each coordinate of the ravine shrinks by itself, at the rate that gets there first.
    arrivals = []
    for rate in [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]:
        steps = np.arange(301)
        with np.errstate(over="ignore"):
            near = np.hypot(4 * (1 - rate) ** steps, (1 - 50 * rate) ** steps) < 0.1
        arrivals.append(np.argmax(near) if near[-5:].all() else np.inf)
    assert found["SGD"][2][0] == min(arrivals)
    assert all(accuracy > 30 for _, accuracy, _ in found.values())
    picture(tmp_path, "optimizer_race.png")


@pytest.mark.slow
def test_every_rule_learns_the_digits_and_most_arrive(tmp_path):
    found = race(example("optimizer_race.py", folder=tmp_path).splitlines())
    assert len(found) > 45
    assert {name: accuracy for name, (_, accuracy, _) in found.items() if accuracy < 85} == {}
    assert sum(None not in steps for _, _, steps in found.values()) > 40


def mining(lines):
    """The table of ohem_imbalanced.py: by method, (recall of each seed in %, mean recall in %, false alarms, precision)."""
    rows = {}
    for line in lines[3:9]:
        *recalls, mean, alarms, precision = numbers(line[22:])
        rows[line[:22].strip()] = (recalls, mean, alarms, precision)
    return rows


def test_mining_shortened(tmp_path):
    lines = example("ohem_imbalanced.py", "1", folder=tmp_path).splitlines()
    assert numbers(lines[0]) == [992, 19, 720, 70]
    rows = mining(lines)
    assert len(rows) == 6 and all(recalls == [mean] for recalls, mean, _, _ in rows.values())
    assert rows["OHEM 10%"][1] > rows["plain NLL"][1]
    picture(tmp_path, "ohem_imbalanced.png")


@pytest.mark.slow
def test_what_mining_does_where_one_class_is_rare(tmp_path):
    lines = example("ohem_imbalanced.py", folder=tmp_path).splitlines()
    rows = mining(lines)
    plain, weights = rows["plain NLL"], rows["class weights"]
    for name in ("OHEM 25%", "OHEM 10%"):
        assert all(mined > without for mined, without in zip(rows[name][0], plain[0], strict=True))
        assert weights[1] > rows[name][1] and weights[2] > rows[name][2]
    hardest, random = rows["3x hardest negatives"], rows["3x random negatives"]
    assert hardest[2] <= random[2] / 4 and hardest[3] > random[3]
    said = " ".join(lines[10:15])
    assert "more of the eights than the plain loss in 5 of 5 seeds, OHEM 10% in 5" in said
    assert f"the hardest make {hardest[2]:.1f} false alarms, random ones {random[2]:.1f}" in said
    assert f"Class weights find {weights[1]:.0f}% of the eights" in said


def writer(lines):
    """The last line of char_rnn.py: bits a character of the network, and of the trigram."""
    return numbers(lines[-1])


def test_the_writer_shortened(tmp_path):
    book = tmp_path / "book"
    book.write_text("the cat sat on the mat, and the dog lay by the log. " * 200, encoding="utf-8")
    lines = example("char_rnn.py", "4", str(book), folder=tmp_path).splitlines()
    assert lines[0].startswith("Characters(9360 to learn from, 1040 to test on")
    assert "--- before" in lines and "--- after" in lines
    found, trigram = writer(lines)
    assert found < 3 and 0 < trigram < 3


@pytest.mark.slow
def test_a_network_writes_better_than_a_trigram(tmp_path):
    pytest.importorskip("tqdm")
    found, trigram = writer(example("char_rnn.py", "100", folder=tmp_path).splitlines())
    assert found <= 2.0 and found <= trigram - 0.4


def remembered(lines):
    """The table of copy_memory.py: by network, how often it is right at each lag, in %."""
    return {line[:26].strip(): numbers(line[26:]) for line in lines[1:5]}


def test_memory_shortened(tmp_path):
    rows = remembered(example("copy_memory.py", "5", "1", folder=tmp_path).splitlines())
    assert list(rows) == ["RNN", "RNN, orthogonal", "LSTM", "LSTM, forget bias 4"]
    assert all(len(row) == 5 and max(row) < 60 for row in rows.values())
    picture(tmp_path, "copy_memory.png")


@pytest.mark.slow
def test_what_remembers_and_what_does_not(tmp_path):
    rows = remembered(example("copy_memory.py", folder=tmp_path).splitlines())
    plain, orthogonal, usual, open_gate = rows.values()
    assert min(open_gate) >= 99
    assert plain[0] >= 99 and max(plain[3:]) <= 20 and max(usual[3:]) <= 20
    assert sum(orthogonal) > sum(plain)


def test_the_loss_explodes_and_clipping_tames_it(tmp_path):
    lines = example("exploding_rnn.py", "60", folder=tmp_path).splitlines()
    calm, wild, clipped = (line[24:].split() for line in lines[1:4])
    assert float(wild[0]) > 1e4 * float(calm[0]) and wild[0] == clipped[0]
    assert int(wild[1]) < 10 and wild[3] == "nan"
    assert int(clipped[1]) == 60 and float(clipped[3]) < float(clipped[2]) / 5
    picture(tmp_path, "exploding_rnn.png")


@pytest.mark.slow
def test_exploding_depth_shows_the_edge(tmp_path):
    lines = example("exploding_depth.py", folder=tmp_path).splitlines()
    found = {}
    for line in lines[1:8]:
        name, _, rest = line.partition(" s = ")
        scale, gain, theory, received, spread, direction = rest.split()
        found[name, scale] = float(gain), float(theory), float(received), direction
    for (name, scale), (gain, theory, received, direction) in found.items():
        assert gain == pytest.approx(theory, rel=0.05)
        if name == "relu":
            assert gain == pytest.approx(float(scale) / 2**0.5, rel=0.03)
        assert received == pytest.approx(gain**29, rel=1.0)
        assert direction == ("vanishing" if received < 0.05 else "exploding" if received > 100 else "healthy")
    assert {d for *_, d in found.values()} == {"vanishing", "exploding", "healthy"}
    picture(tmp_path, "exploding_depth.png")


def cures(lines):
    """The table of cures.py: by stack, (mean accuracy in %, what the diagnosis says)."""
    rows = {line[:22].strip(): line[22:] for line in lines[1:9]}
    return {name: (float(rest.split("%")[0]), rest.split(")", 1)[1].strip()) for name, rest in rows.items()}


@pytest.mark.slow
def test_cures_in_short(tmp_path):
    found = cures(example("cures.py", "3", "1", folder=tmp_path).splitlines())
    assert len(found) == 8 and found["uncured"][0] <= 12
    assert "vanishes" in found["uncured"][1]
    assert all(found[name][0] > 25 for name in ("batch norm", "ReLU, He", "residual", "orthogonal, centred"))
    picture(tmp_path, "cures.png")


@pytest.mark.slow
def test_every_cure_cures_and_the_last_does_not(tmp_path):
    text = example("cures.py", folder=tmp_path)
    found = cures(text.splitlines())
    assert found.pop("uncured")[0] <= 12
    failed, why = found.pop("ReLU, He, large steps")
    assert failed <= 12 and "stopped being finite" in why
    assert found.pop("large weights, s = 8")[0] > 88
    assert len(found) == 5 and all(accuracy >= 93 for accuracy, _ in found.values())
    assert all("reaches the input" in why for _, why in found.values())
    assert "in the weights of layer" in text and "Lower the learning rate" in text


@pytest.mark.slow
def test_vanishing_sigmoid_shows_where_the_gain_is_one(tmp_path):
    pytest.importorskip("plotly")
    text = example("vanishing_sigmoid.py", folder=tmp_path)
    rows = [line.split() for line in text.splitlines()[1:17]]
    gains = {(row[0], float(row[1])): float(row[2]) for row in rows}
    for (name, scale), expected in {("sigmoid", 1): 0.235, ("sigmoid", 4): 0.62, ("sigmoid", 8): 0.88, ("sigmoid", 16): 1.22,
                                    ("tanh", 1): 0.94, ("tanh", 2): 1.16}.items():  # fmt: skip
        assert gains[name, scale] == pytest.approx(expected, abs=0.03)
    sigmoid, tanh = (line for line in text.splitlines() if "gain 1)" in line)
    at, share = (float(n) for n in re.search(r"scale = ([\d.]+), where (\d+)%", sigmoid).groups())
    assert at == pytest.approx(10.4, abs=0.5) and share == pytest.approx(67, abs=3)
    assert 1 < float(re.search(r"scale = ([\d.]+)", tanh)[1]) < 1.5
    assert sorted(os.listdir(tmp_path)) == ["vanishing_sigmoid.html", "vanishing_sigmoid.png"]
