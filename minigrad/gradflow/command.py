"""The command line of gradflow: options, messages and exit statuses. The work is done in training.py."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from . import own_model
from .diagnosis import Diagnosis
from .flow import Flow
from .numbers import percent
from .page import check_page, page, require_plotly
from .picture import check_path, draw, require_matplotlib
from .report import report_of, write_json
from .stack import ACTIVATIONS, INITS, NORMS, initialiser
from .training import DATA, OPTIMIZERS, Result, Settings, data_sets, train
from .wholefile import check_writable

CANNOT_WRITE, STARTED_WRONG, UNHEALTHY, INTERRUPTED = 1, 2, 3, 130  # the last as shells report Ctrl-C

DESCRIPTION = """\
Train a deep stack of equal layers on real handwritten digits and see what becomes of the gradient on its way down:
a table of every layer, a diagnosis in plain words, and a picture. Or watch a model of your own, with --model."""

EPILOG = """\
examples:
  minigrad gradflow                                                    twenty sigmoid layers: the gradient vanishes
  minigrad gradflow --depth 3                                          three of them: it arrives, and they learn
  minigrad gradflow --activation relu --init kaiming_normal --lr 0.02  ReLU with He's weights: it arrives
  minigrad gradflow --activation tanh --scale 4                        weights too large for tanh: it explodes
  minigrad gradflow --norm batch --optimizer adam --lr 1e-3            a cure
  minigrad gradflow --compare relu,tanh,sigmoid --html flow.html       three runs side by side
  minigrad gradflow --compare norm=none,batch,layer                    of any option
  minigrad gradflow --model mypackage.models:build --check             is my model's flow healthy?

--model package.module:function calls the function, from the current folder, without arguments. It returns a model,
which is then probed with normal noise, or (model, x, y, loss_fn) for one batch, or (model, batches, loss_fn) for a
loader of (x, y). Training options do not apply to it, and nothing is learnt.

exit status: 0 done (with --check: and healthy), 1 something cannot be written, 2 wrong options or a model that cannot
be run, 3 with --check: the flow is not healthy, 130 stopped by Ctrl-C."""


@dataclass(frozen=True)
class Outcome:
    """One run as the command shows it."""

    name: str
    flow: Flow
    settings: Settings | None = None
    result: Result | None = None

    @property
    def diagnosis(self) -> Diagnosis:
        return self.flow.diagnosis()


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add `gradflow` to the commands of `minigrad`."""
    default = Settings()
    parser = commands.add_parser(
        "gradflow", help="watch a gradient vanish or explode in a deep stack", description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_model_options(parser.add_argument_group("the stack"), default)
    _add_training_options(parser.add_argument_group("the training"), default)
    add = parser.add_argument_group("what to do, and where the results go").add_argument
    add("--compare", metavar="[OPTION=]V1,V2,...", help="runs side by side: activations, or values of an option")
    add("--model", metavar="MODULE:FUNCTION", help="watch a model of your own instead of a stack; see below")
    add("--check", action="store_true", help="exit with status 3 if the flow is not healthy, to gate a CI with")
    add("--png", "--out", dest="png", metavar="FILE",
        help="where the picture goes: .png, .pdf or .svg (gradflow.png, if no other file is asked for)")
    add("--html", metavar="FILE", help="a page to look around in; it needs no network")
    add("--json", metavar="FILE", help="settings, diagnosis and profile as data")
    parser.set_defaults(run=run)


def _add_model_options(group: Any, default: Settings) -> None:
    add = group.add_argument
    add("--depth", type=_whole, default=default.depth, metavar="N",
        help="layers with an activation; a linear output comes on top (%(default)s)")
    add("--width", type=_whole, default=default.width, metavar="N", help="units in each layer (%(default)s)")
    add("--activation", choices=list(ACTIVATIONS), default=default.activation, metavar="NAME",
        help=f"{', '.join(ACTIVATIONS)} (%(default)s)")
    add("--init", type=_init, default=default.init, metavar="NAME",
        help=f"initial weights: {', '.join(INITS)} (%(default)s)")
    add("--scale", type=_not_negative, metavar="S", help="short for --init scaled:S: weights N(0, S^2 / fan-in)")
    add("--norm", choices=["none", *NORMS], default="none", help="before each activation (%(default)s)")
    add("--residual", action="store_true", help="a shortcut around each layer")


def _add_training_options(group: Any, default: Settings) -> None:
    add = group.add_argument
    add("--optimizer", choices=list(OPTIMIZERS), default=default.optimizer, metavar="NAME",
        help=f"update rule: {', '.join(OPTIMIZERS)} (%(default)s)")
    add("--lr", type=_not_negative, default=default.lr, metavar="X", help="learning rate (%(default)s)")
    add("--momentum", type=_fraction, default=default.momentum, metavar="X", help="momentum of sgd (%(default)s)")
    add("--data", choices=DATA, default=default.data, help="digits, or noise with random labels (%(default)s)")
    add("--batch-size", type=_whole, default=default.batch_size, metavar="N", help="examples in a step (%(default)s)")
    add("--epochs", type=_whole, default=default.epochs, metavar="N",
        help="passes through the training set (%(default)s)")
    add("--every", type=_whole, metavar="N", help="record every Nth step (about 200 of all)")
    add("--seed", type=_seed, default=default.seed, metavar="N", help="of the weights and the shuffling (%(default)s)")
    add("--device", choices=["cpu", "cuda"], default=default.device, help="where to train (%(default)s)")


# ------------------------------------------------------------------------------------------------------------ the run


def run(options: argparse.Namespace) -> int:
    """Train or probe, print and draw. Returns the exit status; see the epilog."""
    try:
        variants = variants_of(options)
        files = _files(options)
        sets = {name: data_sets(settings) for name, settings in variants.items() if settings is not None}
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        complain(f"minigrad gradflow: error: {error}")
        return STARTED_WRONG
    outcomes: list[Outcome] = []
    interrupted = False
    try:
        for name, settings in variants.items():
            outcome = _one(name, settings, sets.get(name), options, alone=len(variants) == 1)
            if outcome is not None:
                outcomes.append(outcome)
            interrupted = outcome is None or outcome.result is not None and outcome.result.interrupted
            if interrupted:
                break
        return _finish(outcomes, files, options, interrupted)
    except ValueError as error:
        complain(f"minigrad gradflow: error: {error}")
        return STARTED_WRONG
    except KeyboardInterrupt:  # before the first step, or once more while the report is made
        complain("\nstopped")
        return INTERRUPTED


def variants_of(options: argparse.Namespace) -> dict[str, Settings | None]:
    """By name the settings of each run; None for a model of the user's own. Raises ValueError for what does not fit."""
    if options.model:
        if options.compare:
            raise ValueError("--compare is for stacks, not for --model")
        return {options.model: None}
    base = {name: getattr(options, name) for name in Settings.__dataclass_fields__ if hasattr(options, name)}
    base["norm"] = None if options.norm == "none" else options.norm
    if options.scale is not None:
        base["init"] = f"scaled:{options.scale:g}"
    settings = Settings(**base)
    variants = _compared(settings, options.compare) if options.compare else {settings.activation: settings}
    for name, variant in variants.items():
        if variant.momentum and variant.optimizer != "sgd":
            raise ValueError(f"--momentum is for --optimizer sgd; {variant.optimizer} has its own")
    return variants


def _compared(settings: Settings, text: str) -> dict[str, Settings]:
    option, equals, values = text.rpartition("=")
    option = option.replace("-", "_") if equals else "activation"
    converters = _converters()
    if option not in converters:
        raise ValueError(f"--compare: unknown option {option!r}; there are {', '.join(sorted(converters))}")
    found = {}
    for value in values.split(","):
        try:
            field, converted = converters[option](value.strip())
        except (argparse.ArgumentTypeError, ValueError) as error:
            raise ValueError(f"--compare {option}: {error}") from None
        name = value.strip() if option == "activation" else f"{option} {value.strip()}"
        found[name] = dataclasses.replace(settings, **{field: converted})
    if len(found) < 2:
        raise ValueError(f"--compare needs two values or more, separated by commas, got {text!r}")
    return found


def _converters() -> dict[str, Callable[[str], tuple[str, Any]]]:
    """For each option that runs can differ in: from the text of a value to a field of Settings and its value."""

    def one_of(field: str, choices: Any) -> Callable[[str], tuple[str, Any]]:
        def convert(text: str) -> tuple[str, Any]:
            if text not in choices:
                raise ValueError(f"unknown {field} {text!r}; there are {', '.join(choices)}")
            return field, None if text == "none" else text

        return convert

    def number(field: str, convert: Callable[[str], Any]) -> Callable[[str], tuple[str, Any]]:
        return lambda text: (field, convert(text))

    return {
        "activation": one_of("activation", ACTIVATIONS), "norm": one_of("norm", ["none", *NORMS]),
        "optimizer": one_of("optimizer", OPTIMIZERS), "data": one_of("data", DATA),
        "residual": lambda text: ("residual", one_of("residual", ["yes", "no"])(text)[1] == "yes"),
        "init": number("init", _init), "scale": lambda text: ("init", f"scaled:{_not_negative(text):g}"),
        "depth": number("depth", _whole), "width": number("width", _whole), "epochs": number("epochs", _whole),
        "batch_size": number("batch_size", _whole), "lr": number("lr", _not_negative),
        "momentum": number("momentum", _fraction), "seed": number("seed", _seed),
    }  # fmt: skip


def _files(options: argparse.Namespace) -> dict[str, Path]:
    """Where each kind of result goes, and that it can be written there."""
    files: dict[str, Path] = {}
    if options.png or not (options.html or options.json or options.model):
        require_matplotlib()
        files["Picture"] = check_path(options.png or "gradflow.png")
    if options.html:
        require_plotly()
        files["Page"] = check_page(options.html)
    if options.json:
        files["Data"] = Path(options.json)
        check_writable(files["Data"])
    return files


def _one(name: str, settings: Settings | None, sets: Any, options: Any, alone: bool) -> Outcome | None:
    """One run, told of; None if it was stopped before its first step."""
    if settings is None:
        flow = own_model.watched(name, options.seed)
        print(f"{name}: {len(flow)} {'batch' if len(flow) == 1 else 'batches'}\n\n{flow.table()}\n\n{flow.diagnosis()}")
        return Outcome(name, flow)
    print(describe(settings), flush=True)
    result = train(settings, sets)
    if result.interrupted:
        complain(f"\nstopped after {result.steps_done} of {result.steps_planned} steps")
    if not len(result.flow):
        return None
    found = result.flow.diagnosis()
    report = f"\n{result.flow.table()}\n\n{found}" if alone else f"{found.headline}."
    print(f"{report}\n{_accuracy(result)}" + ("" if alone else "\n"), flush=True)
    return Outcome(name, result.flow, settings, result)


def _finish(outcomes: list[Outcome], files: dict[str, Path], options: argparse.Namespace, interrupted: bool) -> int:
    if not outcomes:
        return INTERRUPTED
    status = 0
    for kind, path in files.items():
        try:
            _write(kind, path, outcomes)
            print(f"{kind}: {path}")
        except OSError as error:
            complain(f"minigrad gradflow: error: {error}")
            status = CANNOT_WRITE
    if interrupted:
        return INTERRUPTED
    if not status and options.check:
        sick = [outcome.name for outcome in outcomes if not outcome.diagnosis.healthy]
        print("Check: healthy" if not sick else f"Check: not healthy ({', '.join(sick)})")
        return UNHEALTHY if sick else 0
    return status


def _write(kind: str, path: Path, outcomes: list[Outcome]) -> None:
    runs: Any = {outcome.name: outcome.flow for outcome in outcomes} if len(outcomes) > 1 else outcomes[0].flow
    alone = outcomes[0] if len(outcomes) == 1 else None
    title = "" if alone is None else describe(alone.settings) if alone.settings else alone.name
    if kind == "Picture":
        draw(runs, path, title)
    elif kind == "Page":
        page(runs, path, title[:1].upper() + title[1:])
    else:
        write_json({outcome.name: _data(outcome) for outcome in outcomes}, path)


def _data(outcome: Outcome) -> dict[str, Any]:
    about: dict[str, Any] = {}
    if outcome.settings is not None and outcome.result is not None:
        about = {
            "settings": dataclasses.asdict(outcome.settings), "accuracy": outcome.result.accuracy,
            "chance": outcome.result.chance, "steps_done": outcome.result.steps_done,
        }  # fmt: skip
    return report_of(outcome.flow, **about)


def complain(message: str) -> None:
    """Print to stderr, if there is one that can be written; the exit status tells the rest."""
    if sys.stderr is not None:  # None if the shell closed it; print() would then write to stdout
        with contextlib.suppress(OSError):
            print(message, file=sys.stderr)


def describe(settings: Settings) -> str:
    """The settings in one line."""
    extras = (f", {settings.norm} norm" if settings.norm else "") + (", residual" if settings.residual else "")
    layers = f"{settings.depth} {settings.activation} layers of {settings.width} and a linear output"
    stack = f"{layers}, {settings.init}{extras}"
    name = OPTIMIZERS[settings.optimizer].__name__
    rule = f"{'plain ' if settings.optimizer == 'sgd' else ''}{name} with"
    if settings.momentum:
        rule = f"SGD with momentum {settings.momentum:g} and"
    epochs = "one epoch" if settings.epochs == 1 else f"{settings.epochs} epochs"
    data = "the digits" if settings.data == "digits" else "noise"
    return (
        f"{stack}, on {data}: {epochs} of {rule} lr {settings.lr:g}, batches of {settings.batch_size}, "
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
