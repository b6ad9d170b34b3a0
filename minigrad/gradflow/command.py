"""The command line of gradflow: options, messages and exit statuses. The work is done in training.py."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from pathlib import Path
from typing import Any, Callable

from .. import data
from .diagnosis import diagnosis_of
from .numbers import percent
from .picture import check_path, draw, require_matplotlib
from .profile import profile
from .stack import ACTIVATIONS, INITS, initialiser
from .table import table
from .training import Result, Settings, train

_STARTED_WRONG = 2
_INTERRUPTED = 130  # as shells report Ctrl-C

DESCRIPTION = """\
Train a deep stack of equal layers on real handwritten digits and see what becomes of the gradient on its way down:
a table of every layer, a diagnosis in plain words, and a picture."""

EPILOG = """\
examples:
  minigrad gradflow                                                    twenty sigmoid layers: the gradient vanishes
  minigrad gradflow --depth 3                                          three of them: it arrives, and they learn
  minigrad gradflow --activation relu --init kaiming_normal --lr 0.02  ReLU with He's weights: it arrives
  minigrad gradflow --activation tanh --init normal:0.4                weights too large for tanh: it explodes"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `gradflow` to the commands of `minigrad`."""
    default = Settings()
    parser = commands.add_parser(
        "gradflow", help="watch a gradient vanish or explode in a deep stack", description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--depth", type=_whole, default=default.depth, metavar="N",
        help="layers with an activation; a linear output comes on top (%(default)s)")
    add("--width", type=_whole, default=default.width, metavar="N", help="units in each layer (%(default)s)")
    add("--activation", choices=list(ACTIVATIONS), default=default.activation, metavar="NAME",
        help=f"{', '.join(ACTIVATIONS)} (%(default)s)")
    add("--init", type=_init, default=default.init, metavar="NAME",
        help=f"initial weights: {', '.join(INITS)} (%(default)s)")
    add("--optimizer", choices=["sgd", "adam"], default=default.optimizer, help="update rule (%(default)s)")
    add("--lr", type=_not_negative, default=default.lr, metavar="X", help="learning rate (%(default)s)")
    add("--momentum", type=_fraction, default=default.momentum, metavar="X", help="momentum of sgd (%(default)s)")
    add("--batch-size", type=_whole, default=default.batch_size, metavar="N", help="examples in a step (%(default)s)")
    add("--epochs", type=_whole, default=default.epochs, metavar="N",
        help="passes through the training set (%(default)s)")
    add("--seed", type=_seed, default=default.seed, metavar="N", help="of the weights and the shuffling (%(default)s)")
    add("--out", default="gradflow.png", metavar="FILE",
        help="where the picture goes: .png, .pdf or .svg (%(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train, print and draw. Returns the exit status: 0, 2 for what keeps it from starting, 130 after Ctrl-C."""
    settings = Settings(**{name: getattr(options, name) for name in Settings.__dataclass_fields__})
    try:
        if settings.momentum and settings.optimizer != "sgd":
            raise ValueError(f"--momentum is for --optimizer sgd; {settings.optimizer} has its own")
        require_matplotlib()
        path = check_path(options.out)
        data_sets = data.digits("train"), data.digits("test")
    except (ImportError, OSError, ValueError) as error:
        complain(f"minigrad gradflow: error: {error}")
        return _STARTED_WRONG
    print(describe(settings), flush=True)
    try:
        return report(settings, train(settings, data_sets), path)
    except KeyboardInterrupt:  # before the first step, or once more while the report is made
        complain("\nstopped")
        return _INTERRUPTED


def report(settings: Settings, result: Result, path: Path) -> int:
    """Print the table and the diagnosis, and draw the picture, of what was recorded."""
    interrupted = result.steps_done < result.steps_planned
    if interrupted:
        complain(f"\nstopped after {result.steps_done} of {result.steps_planned} steps")
    if not len(result.flow):
        return _INTERRUPTED
    summary = profile(result.flow)
    print(f"\n{table(summary)}\n\n{diagnosis_of(result.flow)}\n{_accuracy(result)}")
    try:
        draw(result.flow, path, describe(settings))
    except OSError as error:
        complain(f"minigrad gradflow: error: {error}")
        return 1
    print(f"Picture: {path}")
    return _INTERRUPTED if interrupted else 0


def complain(message: str) -> None:
    """Print to stderr, if there is one that can be written; the exit status tells the rest."""
    if sys.stderr is not None:  # None if the shell closed it; print() would then write to stdout
        with contextlib.suppress(OSError):
            print(message, file=sys.stderr)


def describe(settings: Settings) -> str:
    """The settings in one line."""
    stack = f"{settings.depth} {settings.activation} layers of {settings.width} and a linear output, {settings.init}"
    rule = "Adam with" if settings.optimizer == "adam" else "plain SGD with"
    if settings.momentum:
        rule = f"SGD with momentum {settings.momentum:g} and"
    epochs = "one epoch" if settings.epochs == 1 else f"{settings.epochs} epochs"
    return (
        f"{stack}, on the digits: {epochs} of {rule} lr {settings.lr:g}, batches of {settings.batch_size}, "
        f"seed {settings.seed}"
    )


def _accuracy(result: Result) -> str:
    reached = f"{100 * result.accuracy:.1f}% (guessing gives {percent(result.chance)})"
    return f"Test accuracy after {result.steps_done} steps: {reached}."


# ------------------------------------------------------------------------------------- options, each with its own check


def _whole(text: str) -> int:
    return _checked(text, int, lambda n: n >= 1, "a whole number from 1 up")


def _seed(text: str) -> int:
    return _checked(text, int, lambda n: n >= 0, "a whole number from 0 up")


def _not_negative(text: str) -> float:
    return _checked(text, float, lambda x: 0 <= x < math.inf, "a number from 0 up")


def _fraction(text: str) -> float:
    return _checked(text, float, lambda x: 0 <= x < 1, "a number from 0 up and below 1")


def _checked(text: str, convert: Callable[[str], Any], holds: Callable[[Any], bool], what: str) -> Any:
    try:
        value = convert(text)
    except ValueError:
        value = None
    if value is None or not holds(value):
        raise argparse.ArgumentTypeError(f"must be {what}, got {text!r}")
    return value


def _init(text: str) -> str:
    try:
        initialiser(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
