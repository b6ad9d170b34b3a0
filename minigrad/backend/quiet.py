"""Arithmetic without NumPy's floating-point warnings, for where inf and NaN are met by right (1/0, log 0)."""

from __future__ import annotations

import contextvars
from functools import wraps
from typing import Any, Callable, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

# NumPy keeps its error state in a context variable. Entering a context in which that is set costs 0.15 us, np.errstate
# 0.8 us, and a small op no more than that. A context can be entered once at a time, so each lies here while it is idle.
_idle: list[contextvars.Context] = []


def _quiet_context() -> contextvars.Context:
    context = contextvars.Context()
    context.run(np.seterr, all="ignore")
    return context


def quiet(function: F) -> F:
    """The function, run with all of NumPy's floating-point warnings off. It sees no other context variable: raw arrays only."""

    @wraps(function, updated=())
    def quietly(*args: Any, **kwargs: Any) -> Any:
        try:
            context = _idle.pop()
        except IndexError:
            context = _quiet_context()
        try:
            return context.run(function, *args, **kwargs)
        finally:
            _idle.append(context)

    return quietly  # type: ignore[return-value]
