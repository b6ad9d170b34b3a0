"""The command's further choices: runs side by side, pages, data, checks, and models of one's own."""
import contextlib
import io
import json
import math
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("sklearn")

pytest.importorskip("matplotlib")

from minigrad.__main__ import main

QUICK = ("gradflow", "--epochs=1", "--width=16")
HEALTHY = ("--activation=relu", "--init=kaiming_normal", "--lr=0.02", "--depth=4")


def run(*arguments, folder):
    """The command, in this process: what it returned, and wrote to both streams."""
    out, err = io.StringIO(), io.StringIO()
    path, before = list(sys.path), os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(list(arguments))
            except SystemExit as stopped:
                status = stopped.code
    finally:
        os.chdir(before)
        sys.path[:] = path
        sys.modules.pop("own", None)
    return SimpleNamespace(returncode=status, stdout=out.getvalue(), stderr=err.getvalue())


def test_runs_side_by_side(tmp_path):
    pytest.importorskip("plotly")
    result = run(*QUICK, "--depth=6", "--compare=relu,sigmoid", "--html=a.html", "--png=a.png", "--json=a.json", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("Test accuracy after 45 steps") == 2
    assert sorted(os.listdir(tmp_path)) == ["a.html", "a.json", "a.png"]
    data = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert list(data) == ["relu", "sigmoid"]
    one = data["sigmoid"]
    assert one["settings"]["activation"] == "sigmoid" and one["settings"]["depth"] == 6
    assert one["diagnosis"]["direction"] == "vanishing" and 0 <= one["accuracy"] <= 1
    layers = one["layers"]
    assert len(layers) == 7 and layers[-1]["label"] == "output" and layers[-1]["gain"] is None
    for layer in layers[:-1]:
        product = layer["weight_factor"] * layer["slope"] * layer["alignment"]
        assert product == pytest.approx(layer["gain"], rel=0.1)  # the means over the last steps
        assert layer["update_ratio"] > 0


@pytest.mark.parametrize("compare, names", [
    ("norm=none,batch", ["norm none", "norm batch"]), ("scale=1,2", ["scale 1", "scale 2"]),
    ("residual=yes,no", ["residual yes", "residual no"]), ("batch-size=32,64", ["batch_size 32", "batch_size 64"]),
])
def test_any_option_can_be_compared(compare, names, tmp_path):
    result = run(*QUICK, "--depth=2", f"--compare={compare}", "--json=a.json", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert list(json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))) == names


def test_a_check_gates(tmp_path):
    sick = run(*QUICK, "--depth=12", "--check", folder=tmp_path)
    assert sick.returncode == 3 and sick.stdout.splitlines()[-1] == "Check: not healthy (sigmoid)"
    well = run(*QUICK, *HEALTHY, "--check", folder=tmp_path)
    assert (well.returncode, well.stdout.splitlines()[-1]) == (0, "Check: healthy")


def test_every_choice_of_a_stack_and_its_training(tmp_path):
    result = run(*QUICK, "--depth=3", "--activation=gelu", "--scale=1.4", "--norm=layer", "--residual", "--optimizer=adamw",
                 "--lr=0.001", "--data=random", "--every=9", "--seed=5", "--device=cpu", "--json=a.json", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == (
        "3 gelu layers of 16 and a linear output, scaled:1.4, layer norm, residual, on noise: one epoch of AdamW with "
        "lr 0.001, batches of 32, seed 5"
    )
    (data,) = json.loads((tmp_path / "a.json").read_text(encoding="utf-8")).values()
    assert data["recorded_steps"] == [1, 10, 19, 28, 37]
    assert {layer["kind"] for layer in data["layers"]} == {"Linear", "LayerNorm"}


@pytest.mark.parametrize("options, message", [
    (["--compare=foo,relu"], "unknown activation 'foo'; there are sigmoid, tanh"),
    (["--compare=relu"], "--compare needs two values or more"), (["--compare=colour=red,blue"], "unknown option 'colour'"),
    (["--compare=depth=1,x"], "must be a whole number from 1 up, got 'x'"),
    (["--model=a:b", "--compare=relu,tanh"], "--compare is for stacks"), (["--model=ab"], "takes package.module:function"),
    (["--html=a.txt"], "ends in .html"), (["--json=none/a.json"], "there is no folder none"),
    (["--optimizer=adam", "--momentum=0.5"], "--momentum is for --optimizer sgd"),
])
def test_what_is_refused_before_anything_runs(options, message, tmp_path):
    pytest.importorskip("plotly")
    result = run(*QUICK, *options, folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    assert message in result.stderr and len(result.stderr.splitlines()) == 1
    assert os.listdir(tmp_path) == []


OWN = """
import minigrad
from minigrad import nn

def stack(bend=nn.ReLU, depth=5):
    layers = [m for _ in range(depth) for m in (nn.Linear(8, 8), bend())]
    for layer in layers[::2]:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(*layers, nn.Linear(8, 3))

def healthy():
    minigrad.manual_seed(0)
    return stack()

def lost():
    return stack(nn.Sigmoid, 15), minigrad.randn(6, 8), minigrad.tensor([0, 1, 2, 0, 1, 2]), nn.CrossEntropyLoss()

def loader():
    batches = [(minigrad.randn(6, 8), minigrad.tensor([0, 1, 2, 0, 1, 2])) for _ in range(3)]
    return stack(), batches, nn.CrossEntropyLoss()

def broken():
    return 1 / 0

def wrong():
    return 3

def misfit():
    return stack(), minigrad.randn(6, 9), None, lambda out, _: out.sum()

number = 3
"""


@pytest.mark.parametrize("name, status, words", [
    ("healthy", 0, "own:healthy: 1 batch"), ("lost", 3, "The gradient vanishes"), ("loader", 0, "own:loader: 3 batches"),
])
def test_a_model_of_ones_own_is_watched(name, status, words, tmp_path):
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    result = run("gradflow", f"--model=own:{name}", "--check", "--json=a.json", folder=tmp_path)
    assert (result.returncode, result.stderr) == (status, "")
    assert words in result.stdout and "layer" in result.stdout
    (data,) = json.loads((tmp_path / "a.json").read_text(encoding="utf-8")).values()
    assert data["layers"][0]["kind"] == "Linear" and data["diagnosis"]["direction"] in ("healthy", "vanishing")


@pytest.mark.parametrize("name, message", [
    ("own:broken", r"own:broken failed: ZeroDivisionError: division by zero (own.py, line 23)"),
    ("own:wrong", "own:wrong must return a Module, (model, x, y, loss_fn) or (model, batches, loss_fn), not int"),
    ("own:misfit", "the model of own:misfit cannot be run: ValueError: linear"), ("own:nothing", "nothing is not there in own"),
    ("own:number", "number is no function in own"), ("nowhere:f", "cannot import nowhere: ModuleNotFoundError"),
])
def test_what_is_wrong_with_a_model_of_ones_own_is_told_in_a_line(name, message, tmp_path):
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    result = run("gradflow", f"--model={name}", folder=tmp_path)
    assert result.returncode == 2 and result.stdout == ""
    assert message in result.stderr and len(result.stderr.splitlines()) == 1


def test_help_names_every_choice(tmp_path):
    text = run("gradflow", "--help", folder=tmp_path).stdout
    for word in ("--compare", "--check", "--model", "--html", "--json", "--png", "--device", "--residual", "exit status", "scaled:S"):
        assert word in text
    assert max(len(line) for line in text.splitlines()) <= 130


def test_data_hold_no_nan(tmp_path):
    run(*QUICK, "--depth=3", "--activation=relu", "--init=normal:1", "--lr=100", "--json=a.json", folder=tmp_path)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text
    (data,) = json.loads(text).values()
    assert data["diagnosis"]["direction"] == "not finite"
    assert all(v is None or isinstance(v, (str, int, float)) and v == v and not math.isinf(v) for v in
               (x for layer in data["layers"] for x in layer.values() if not isinstance(x, str)))  # fmt: skip


def test_it_runs_as_a_module(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-m", "minigrad", "gradflow", "--help"], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert "usage: minigrad gradflow" in done.stdout
