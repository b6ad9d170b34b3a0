"""A user's own model, named on the command line as package.module:function."""

from __future__ import annotations

import importlib
import sys
import traceback
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..nn import Module
from .flow import Flow
from .probing import probe
from .sweep import normal_input, random_loss
from .watch import watch

STEPS = 50  # of a loader, at most


def watched(name: str, seed: int = 0) -> Flow:
    """The record of what package.module:function returns.

    A Module is probed with standard normal input as wide as its first layer takes; (model, x, y, loss_fn) with that
    batch; of (model, batches, loss_fn) the first 50 batches (x, y) are gone through, without a step of learning.
    Raises ValueError, in words for the command line, for whatever is wrong with the name or in the function.
    """
    given = _called(_function(name), name)
    parts = given if isinstance(given, tuple) else (given,)
    if not isinstance(parts[0], Module) or len(parts) not in (1, 3, 4):
        what = f"a tuple of {len(parts)}" if isinstance(given, tuple) else type(given).__name__
        raise ValueError(
            f"{name} must return a Module, (model, x, y, loss_fn) or (model, batches, loss_fn), not {what}"
        )
    try:
        with np.errstate(all="ignore"):  # what is not finite is told of by the diagnosis
            return _record(parts, seed)
    except Exception as error:
        raise ValueError(f"the model of {name} cannot be run: {_in_words(error)}") from error


def _record(parts: tuple[Any, ...], seed: int) -> Flow:
    model = parts[0]
    if len(parts) == 1:
        return probe(model, normal_input(model, seed), None, random_loss(seed))
    if len(parts) == 4:
        return probe(*parts)
    _, batches, loss_fn = parts
    with watch(model) as flow:
        for x, y in islice(batches, STEPS):
            model.zero_grad()
            loss_fn(model(x), y).backward()
    if not len(flow):
        raise ValueError("no gradient reached the model: there must be batches, and the loss must depend on its output")
    return flow


def _function(name: str) -> Any:
    module_name, colon, function_name = name.partition(":")
    if not (module_name and colon and function_name):
        raise ValueError(f"--model takes package.module:function, not {name!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` has it
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise ValueError(f"cannot import {module_name}: {_in_words(error)}") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        found = "is no function" if hasattr(module, function_name) else "is not there"
        raise ValueError(f"{function_name} {found} in {module_name} ({getattr(module, '__file__', 'no file')})")
    return function


def _called(function: Any, name: str) -> Any:
    try:
        return function()
    except Exception as error:
        raise ValueError(f"{name} failed: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    """What went wrong, and the innermost place outside of this package."""
    here = str(Path(__file__).resolve().parents[1])
    ours = (here, "<frozen", str(Path(importlib.__file__).parent))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(ours)]
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
