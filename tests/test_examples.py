"""The examples run, shortened, and show what their first lines promise."""
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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


def test_deep_sigmoid_does_what_the_command_does(tmp_path):
    same_numbers(*of_both(tmp_path, 9))  # so many that not every step is recorded


@pytest.mark.slow
def test_deep_sigmoid_does_what_the_command_does_by_default(tmp_path):
    same_numbers(*of_both(tmp_path))


def test_the_tour_in_the_readme_runs(tmp_path):
    (tour,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
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
    ("(optim.Adagrad, {}, SECOND)", "(optim.SGD, {}, SECOND)", "Adagrad's rates"),
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
