"""The main job: train a deep stack, on the handwritten digits or on noise, while watching its gradient flow."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator

import numpy as np

from .. import data, nn, optim
from ..backend.random import manual_seed
from ..creation import randint, randn
from ..gradmode import no_grad
from .diagnosis import Diagnosis
from .flow import Flow
from .stack import deep_stack
from .watch import watch

PICTURE_STEPS = 200  # about as many steps are recorded as the picture can show

DATA = ("digits", "random")
_SIZES = 1438, 359  # of the random data sets: those of the digits

# Those that a plain training loop can run: the others are told the loss again, go around a rule, take matrices only, or
# have one set of weights to train and another to test.
_OUT = {"NAG", "IRpropPlus", "LBFGS", "Lookahead", "SAM", "Muon", "SGDScheduleFree", "AdamWScheduleFree", "Optimizer"}
_RULES = (getattr(optim, name) for name in optim.__all__ if name not in _OUT)
OPTIMIZERS: dict[str, type[optim.Optimizer]] = {
    rule.__name__.lower(): rule for rule in _RULES if isinstance(rule, type) and issubclass(rule, optim.Optimizer)
}
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "cross_entropy": nn.functional.cross_entropy,
    "mse": lambda logits, labels: nn.functional.mse_loss(logits, nn.functional.one_hot(labels, logits.shape[1]).float()),
}


@dataclass(frozen=True)
class Settings:
    """What to train, and how. Plain SGD unless momentum or another optimizer is asked for.

    data: "digits", or "random" for standard normal inputs with random labels. every: which steps are recorded, 1 for
    all; None for about as many as a picture can show.
    """

    depth: int = 20
    width: int = 64
    activation: str = "sigmoid"
    init: str = "xavier_normal"
    norm: str | None = None
    residual: bool = False
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.0
    loss: str = "cross_entropy"
    data: str = "digits"
    batch_size: int = 32
    epochs: int = 40
    seed: int = 0
    device: str = "cpu"
    every: int | None = None


@dataclass(frozen=True)
class Result:
    """The record, how well the stack does on examples it has not seen, and what guessing would do."""

    flow: Flow
    accuracy: float
    chance: float
    steps_done: int
    steps_planned: int

    @property
    def interrupted(self) -> bool:
        return self.steps_done < self.steps_planned

    def diagnosis(self) -> Diagnosis:
        return self.flow.diagnosis()


def data_sets(settings: Settings) -> tuple[Any, Any]:
    """(to train on, to test on), on the settings' device.

    Raises ImportError where the digits are not installed, ValueError for other data, RuntimeError without that device.
    """
    if settings.data == "digits":
        both = data.digits("train"), data.digits("test")
    elif settings.data == "random":
        manual_seed(settings.seed)
        both = _random_set(_SIZES[0]), _random_set(_SIZES[1])
    else:
        raise ValueError(f"unknown data {settings.data!r}; there are {', '.join(DATA)}")
    train_set, test_set = (data.TensorDataset(*(t.to(settings.device) for t in part.tensors)) for part in both)
    return train_set, test_set


def _random_set(count: int, inputs: int = 64, classes: int = 10) -> Any:
    return data.TensorDataset(randn(count, inputs), randint(0, classes, (count,)))


def train(settings: Settings, data_sets: tuple[Any, Any]) -> Result:
    """Train a stack on the first data set and test it on the second. Ctrl-C ends the training and keeps the record.

    Raises ValueError for settings that are not among the choices.
    """
    manual_seed(settings.seed)
    train_set, test_set = data_sets
    inputs, classes = train_set.tensors[0].shape[1], int(train_set.tensors[1].max()) + 1
    model = stack_of(settings, inputs, classes)
    rule, loss_of = optimizer(settings, model), LOSSES[_chosen("loss", settings.loss, LOSSES)]
    loader = data.DataLoader(train_set, settings.batch_size, shuffle=True)
    planned = settings.epochs * len(loader)
    every = settings.every or max(1, planned // PICTURE_STEPS)
    done = 0
    # A run that diverges is told of by the diagnosis, not by NumPy's warnings.
    with np.errstate(all="ignore"), watch(model, every, rule) as flow:
        try:
            for x, y in progress(_batches(loader, settings.epochs), planned):
                rule.zero_grad()
                loss_of(model(x), y).backward()
                rule.step()
                done += 1
        except KeyboardInterrupt:
            pass
        reached = accuracy(model, test_set)
    return Result(flow, reached, 1 / classes, done, planned)


def stack_of(settings: Settings, inputs: int, classes: int) -> nn.Sequential:
    """The stack that is trained, on its device."""
    stack: nn.Sequential = deep_stack(
        settings.depth, settings.width, settings.activation, settings.init, inputs, classes, settings.norm,
        settings.residual,
    ).to(settings.device)
    return stack


def optimizer(settings: Settings, model: nn.Module) -> optim.Optimizer:
    """Raises ValueError for an unknown one, and for a momentum where the rule is not SGD."""
    rule = OPTIMIZERS[_chosen("optimizer", settings.optimizer, OPTIMIZERS)]
    if settings.optimizer == "sgd":
        return optim.SGD(model.parameters(), lr=settings.lr, momentum=settings.momentum)
    if settings.momentum:
        raise ValueError(f"momentum is for sgd; {settings.optimizer} has its own")
    return rule(model.parameters(), lr=settings.lr)  # type: ignore[call-arg]


def _chosen(what: str, name: str, choices: dict[str, Any]) -> str:
    if name not in choices:
        raise ValueError(f"unknown {what} {name!r}; there are {', '.join(choices)}")
    return name


def accuracy(model: nn.Module, data_set: Any) -> float:
    """The share of examples whose largest logit is that of their label, the model in eval mode."""
    x, y = data_set.tensors
    was_training = model.training
    model.eval()
    try:
        with no_grad():
            return float((model(x).argmax(1) == y).float().mean())
    finally:
        model.train(was_training)


def progress(steps: Iterable[Any], total: int) -> Iterable[Any]:
    """`steps` with a progress bar on stderr, if that is a terminal and tqdm is installed; a bar is no use in a log."""
    if sys.stderr is None or not sys.stderr.isatty():
        return steps
    try:
        from tqdm import tqdm
    except ImportError:
        return steps
    bar: Iterable[Any] = tqdm(steps, total=total, desc="training", unit="step", leave=False)
    return bar


def _batches(loader: Any, epochs: int) -> Iterator[Any]:
    for _ in range(epochs):
        yield from loader
