"""The main job: train a deep stack on the handwritten digits while watching its gradient flow."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Iterable, Iterator

import numpy as np

from .. import data, nn, optim
from ..gradmode import no_grad
from ..backend.random import manual_seed
from .flow import Flow
from .stack import deep_stack
from .watch import watch

PICTURE_STEPS = 200  # about as many steps are recorded as the picture can show


@dataclass(frozen=True)
class Settings:
    """What to train, and how. Plain SGD unless momentum or another optimizer is asked for."""

    depth: int = 20
    width: int = 64
    activation: str = "sigmoid"
    init: str = "xavier_normal"
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.0
    batch_size: int = 32
    epochs: int = 40
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """The record, how well the stack does on digits it has not seen, and what guessing would do."""

    flow: Flow
    accuracy: float
    chance: float
    steps_done: int
    steps_planned: int


def train(settings: Settings, data_sets: tuple[Any, Any]) -> Result:
    """Train a stack on the first data set and test it on the second. Ctrl-C ends the training and keeps the record."""
    manual_seed(settings.seed)
    train_set, test_set = data_sets
    inputs, classes = train_set.tensors[0].shape[1], int(train_set.tensors[1].max()) + 1
    model = deep_stack(settings.depth, settings.width, settings.activation, settings.init, inputs, classes)
    rule = optimizer(settings, model)
    loader = data.DataLoader(train_set, settings.batch_size, shuffle=True)
    planned = settings.epochs * len(loader)
    loss_of = nn.CrossEntropyLoss()
    done = 0
    # A run that diverges is told of by the diagnosis, not by NumPy's warnings.
    with np.errstate(all="ignore"), watch(model, every=max(1, planned // PICTURE_STEPS)) as flow:
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


def optimizer(settings: Settings, model: nn.Module) -> optim.Optimizer:
    if settings.optimizer == "adam":
        return optim.Adam(model.parameters(), lr=settings.lr)
    return optim.SGD(model.parameters(), lr=settings.lr, momentum=settings.momentum)


def accuracy(model: nn.Module, data_set: Any) -> float:
    """The share of examples whose largest logit is that of their label."""
    x, y = data_set.tensors
    with no_grad():
        return float((model(x).argmax(1) == y).float().mean())


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
