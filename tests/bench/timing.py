"""Interleaved timing: contenders take turns, so that a machine that slows down slows them all; ratios are per round."""

from __future__ import annotations

import gc
import statistics
import time
from typing import Callable

Step = Callable[[], object]


def interleaved(steps: dict[str, Step], rounds: int = 25, seconds_each: float = 0.02) -> dict[str, list[float]]:
    """Seconds per call of each contender, one figure a round, every round in the same order."""
    calls = {name: _calls_in(step, seconds_each) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(_time(step, calls[name]))
    return times


def _calls_in(step: Step, seconds: float) -> int:
    for _ in range(3):  # warm up: compilation, first allocations
        step()
    return max(1, round(seconds / _time(step, 3)))


def _time(step: Step, calls: int) -> float:
    gc.collect()
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - start) / calls


def median(values: list[float]) -> float:
    return statistics.median(values)


def ratio(times: list[float], base: list[float]) -> float:
    """The median over rounds of time over base's time in the same round."""
    return median([t / b for t, b in zip(times, base)])
