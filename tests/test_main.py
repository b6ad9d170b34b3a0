"""The command line, run as people run it: in a process of its own, in some folder, with no display."""
import functools
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

from minigrad import __main__ as entry

ROOT = Path(__file__).resolve().parents[1]
SHORT = ("gradflow", "--depth", "6", "--epochs", "1")


def environment():
    left_out = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND", "PYTHONUNBUFFERED")  # output is buffered, as it is for most
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def minigrad(*arguments, folder):
    return subprocess.run([sys.executable, "-W", "error", "-m", "minigrad", *arguments], cwd=folder, env=environment(),
                          text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)


def png_size(path):
    """Width and height from the header chunk; the file is whole if it ends in the closing chunk."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n" and content[12:16] == b"IHDR"
    assert content[-8:-4] == b"IEND"
    return struct.unpack(">II", content[16:24])


def test_a_short_run_prints_the_table_and_the_verdict_and_draws(tmp_path):
    result = minigrad(*SHORT, folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == (
        "6 sigmoid layers of 64 and a linear output, xavier_normal, on the digits: "
        "one epoch of plain SGD with lr 0.1, batches of 32, seed 0"
    )
    body = [line.split() for line in lines[4:11]]
    assert [row[0] for row in body] == ["output", "6", "5", "4", "3", "2", "1"]
    deltas = [float(row[2]) for row in body[1:]]
    gains = [float(row[4]) for row in body[1:]]
    assert all(0.15 < gain < 0.4 for gain in gains)
    for above, here, gain in zip(deltas, deltas[1:], gains[1:]):
        assert here / above == pytest.approx(gain, abs=1e-3)
    assert "The gradient vanishes on its way from layer 6 down to layer 1" in result.stdout
    assert "A step moves the weights of layer 1 by" in result.stdout
    assert "Test accuracy after 45 steps: " in lines[-2] and "(guessing gives 10%)" in lines[-2]
    assert lines[-1] == "Picture: gradflow.png"
    assert os.listdir(tmp_path) == ["gradflow.png"]
    width, height = png_size(tmp_path / "gradflow.png")
    assert width >= 1000 and height >= 600
    assert result.stdout.isascii()


def test_every_option_reaches_the_run(tmp_path):
    result = minigrad("gradflow", "--depth=2", "--width=16", "--activation=tanh", "--init=normal:0.2", "--epochs=2",
                      "--lr=0.05", "--momentum=0.5", "--batch-size=100", "--seed=3", "--out=some.svg", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == (
        "2 tanh layers of 16 and a linear output, normal:0.2, on the digits: "
        "2 epochs of SGD with momentum 0.5 and lr 0.05, batches of 100, seed 3"
    )
    assert "after 30 steps" in result.stdout  # two times 15 batches of 1,437 or so
    assert (tmp_path / "some.svg").read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.slow
def test_the_default_run(tmp_path):
    start = time.perf_counter()
    result = minigrad("gradflow", folder=tmp_path)
    assert time.perf_counter() - start < 60
    assert (result.returncode, result.stderr) == (0, "")
    assert "vanishes on its way from layer 20 down to layer 1: each layer divides it by 4." in result.stdout
    accuracy = float(result.stdout.partition("steps: ")[2].partition("%")[0])
    assert accuracy == pytest.approx(10, abs=2)


def test_help_names_every_option(tmp_path):
    result = minigrad("gradflow", "--help", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    for option in ("--depth", "--width", "--activation", "--init", "--optimizer", "--lr", "--momentum", "--batch-size",
                   "--epochs", "--seed", "--out"):
        assert option in result.stdout
    assert "examples:" in result.stdout and "xavier_normal" in result.stdout
    assert "gradflow" in minigrad("--help", folder=tmp_path).stdout


@pytest.mark.parametrize("arguments, message", [
    ((), "required: COMMAND"),
    (("bogus",), "invalid choice: 'bogus'"),
    (("gradflow", "--bogus"), "unrecognized arguments: --bogus"),
    (("gradflow", "--depth", "0"), "--depth: must be a whole number from 1 up, got '0'"),
    (("gradflow", "--depth", "2.5"), "--depth: must be a whole number from 1 up, got '2.5'"),
    (("gradflow", "--width", "-3"), "--width: must be a whole number from 1 up"),
    (("gradflow", "--epochs", "0"), "--epochs: must be a whole number"),
    (("gradflow", "--batch-size", "x"), "--batch-size: must be a whole number"),
    (("gradflow", "--seed", "-1"), "--seed: must be a whole number from 0 up"),
    (("gradflow", "--lr", "-0.1"), "--lr: must be a number from 0 up"),
    (("gradflow", "--lr", "nan"), "--lr: must be a number from 0 up"),
    (("gradflow", "--lr", "inf"), "--lr: must be a number from 0 up"),
    (("gradflow", "--momentum", "1"), "--momentum: must be a number from 0 up and below 1"),
    (("gradflow", "--optimizer", "adam", "--momentum", "0.5"), "--momentum is for --optimizer sgd"),
    (("gradflow", "--activation", "step"), "invalid choice: 'step'"),
    (("gradflow", "--init", "bogus"), "unknown init 'bogus'; there are xavier_normal"),
    (("gradflow", "--init", "normal:x"), "STD must be a number from 0 up"),
    (("gradflow", "--out", "none/flow.png"), "cannot write none/flow.png: there is no folder none"),
    (("gradflow", "--out", "."), "it is a folder"),
    (("gradflow", "--out", "flow.jpg"), "the name of a picture ends in .png, .pdf, .svg"),
])
def test_bad_options_are_one_line_and_status_2(arguments, message, tmp_path, monkeypatch, capsys):
    """In this process, to be quick: nothing gets as far as training."""
    monkeypatch.chdir(tmp_path)
    try:
        status = entry.main(list(arguments))
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert message in err and err.count("\n") == 1 and err.startswith("minigrad")
    assert os.listdir(tmp_path) == []


def test_an_unwritable_path_stops_before_training(tmp_path):
    result = minigrad("gradflow", "--depth", "500", "--epochs", "100000", "--out", "none/flow.png", folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "minigrad gradflow: error: cannot write none/flow.png: there is no folder none\n"


@pytest.mark.parametrize("missing, extra", [("matplotlib", "minigrad[plot]"), ("sklearn", "minigrad[demo]")])
def test_a_missing_dependency_names_its_extra(missing, extra, tmp_path):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from minigrad.__main__ import main; sys.exit(main(['gradflow']))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), text=True, check=False,
                            capture_output=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert extra in result.stderr and "Traceback" not in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_keeps_the_part_that_was_trained(tmp_path):
    command = [sys.executable, "-m", "minigrad", "gradflow", "--depth", "3", "--epochs", "100000"]
    # A shell that runs tests in the background has them ignore SIGINT, and what they start as well.
    heeds = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, preexec_fn=heeds) as process:
        process.stdout.readline()  # it begins
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped after " in err and " of 4500000 steps" in err and "Traceback" not in err
    assert "Test accuracy" in out
    png_size(tmp_path / "gradflow.png")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
def test_on_a_terminal_there_is_a_progress_bar(tmp_path):
    """A pseudo-terminal takes stderr; stdout stays clean of the bar."""
    pytest.importorskip("tqdm")
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))  # without a width there is no bar
    with subprocess.Popen([sys.executable, "-m", "minigrad", *SHORT], cwd=tmp_path, env=environment(), text=True,
                          stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        out = process.stdout.read()
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.returncode == 0
    assert b"training" in shown and b"/45" in shown
    assert "training:" not in out


def test_ctrl_c_outside_the_steps_is_no_traceback(tmp_path, monkeypatch, capsys):
    """Before the first step there is nothing to report; the picture of an earlier run stays."""
    (tmp_path / "gradflow.png").write_text("old")

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minigrad.gradflow.command.train", interrupted)
    assert entry.main(["gradflow"]) == 130
    assert capsys.readouterr().err == "\nstopped\n"
    assert (tmp_path / "gradflow.png").read_text() == "old"


# ------------------------------------------------------------------------------------- output that goes nowhere


def run_into(stdout, *arguments, folder):
    return subprocess.run([sys.executable, "-W", "error", "-m", "minigrad", *arguments], cwd=folder, env=environment(),
                          text=True, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
@pytest.mark.parametrize("arguments", [SHORT, ("--help",)])
def test_a_reader_that_is_gone_ends_it_quietly(arguments, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    result = run_into(writing, *arguments, folder=tmp_path)
    os.close(writing)
    assert (result.returncode, result.stderr) == (141, "")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_head_gets_its_line_and_the_rest_is_quiet(tmp_path):
    command = [sys.executable, "-W", "error", "-m", "minigrad", *SHORT]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith("6 sigmoid layers")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [SHORT, ("--help",)])
def test_a_full_disk_is_one_line(arguments, tmp_path):
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = run_into(full, *arguments, folder=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "minigrad: error: cannot write to standard output: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells")
@pytest.mark.parametrize("arguments, status, out", [
    ("gradflow --depth 2 --epochs 1", 0, "Picture: gradflow.png\n"), ("gradflow --depth 0", 2, ""),
    ("gradflow --out none/a.png", 2, ""),
])
def test_without_stderr_it_runs_all_the_same(arguments, status, out, tmp_path):
    """And what belongs there does not turn up in the output."""
    command = f'exec "{sys.executable}" -m minigrad {arguments} 2>&-'
    result = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment(), text=True, stdout=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, check=False)
    assert result.returncode == status
    assert result.stdout.endswith(out) and bool(result.stdout) == bool(out)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells")
def test_without_stdout_it_still_draws(tmp_path):
    command = f'exec "{sys.executable}" -m minigrad gradflow --depth 2 --epochs 1 >&-'
    result = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment(), text=True, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    png_size(tmp_path / "gradflow.png")
