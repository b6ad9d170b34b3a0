"""Rules on a GPU: the memory bandwidth that a step reaches, and its time against torch.optim's fused and foreach forms.

    python -m tests.bench.rules_on_gpu [--size 100000000] [--rounds 15] [--steps 10]

Prints medians. "of a copy" is the bytes that the law must load and store, over the step's time, as a part of what a
plain copy of an array of the same size reaches in the same round. PyTorch's columns need a PyTorch built for CUDA.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Callable

import cupy
import numpy as np

import minigrad
from minigrad import optim

from .timing import median

RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 1e-3}),
    "SGD, momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9}),
    "Adagrad": ("Adagrad", {}),
    "RMSprop": ("RMSprop", {}),
    "Adam": ("Adam", {}),
    "AdamW": ("AdamW", {}),
}
FUSED = ("SGD", "Adagrad", "Adam", "AdamW")
COPY = "plain copy"
COLUMNS = (COPY, "minigrad", "PyTorch, foreach", "PyTorch, fused")


class Contender:
    """Something to time: a call, how to wait until the GPU has done it, and the bytes that it must move."""

    def __init__(self, call: Callable[[], Any], wait: Callable[[], Any], moved: int = 0) -> None:
        self.call, self.wait, self.moved = call, wait, moved

    def seconds(self, calls: int) -> float:
        self.wait()
        start = time.perf_counter()
        for _ in range(calls):
            self.call()
        self.wait()
        return (time.perf_counter() - start) / calls


def wait() -> None:
    cupy.cuda.Device().synchronize()


def a_copy(size: int) -> Contender:
    source, target = cupy.zeros(size, np.float32), cupy.zeros(size, np.float32)
    return Contender(lambda: cupy.copyto(target, source), wait, 2 * source.nbytes)


def with_minigrad(rule: str, settings: dict[str, Any], size: int) -> Contender:
    p = minigrad.zeros(size, device="cuda", requires_grad=True)
    p.grad = minigrad.ones(size, device="cuda")
    optimizer = getattr(optim, rule)([p], **settings)
    for _ in range(10):  # past the first steps, which may have laws of their own
        optimizer.step()
    law = optimizer.explanation(p, 0).laws[0].law
    return Contender(optimizer.step, wait, (len(law.inputs) + 2 * len(law.updated)) * p.array.nbytes)


def with_torch(rule: str, settings: dict[str, Any], size: int, **form: bool) -> Contender:
    import torch

    p = torch.zeros(size, device="cuda", requires_grad=True)
    p.grad = torch.ones(size, device="cuda")
    return Contender(getattr(torch.optim, rule)([p], **settings, **form).step, torch.cuda.synchronize)


def contenders(rule: str, settings: dict[str, Any], size: int) -> dict[str, Contender]:
    found = {COPY: a_copy(size), "minigrad": with_minigrad(rule, settings, size)}
    if _has_torch():
        found["PyTorch, foreach"] = with_torch(rule, settings, size, foreach=True)
        if rule in FUSED:
            found["PyTorch, fused"] = with_torch(rule, settings, size, fused=True)
    return found


def _has_torch() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


def row(title: str, found: dict[str, Contender], rounds: int, calls: int) -> str:
    for contender in found.values():
        contender.seconds(3)  # compilation, first allocations
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, contender in found.items():
            times[name].append(contender.seconds(calls))
    ours, copy = found["minigrad"], found[COPY]
    part = median([ours.moved / t / (copy.moved / c) for t, c in zip(times["minigrad"], times[COPY])])
    cells = [f"{median(times[name]) * 1e6:.0f}" if name in times else "-" for name in COLUMNS]
    speed = ours.moved / median(times["minigrad"]) / 1e9
    return "| " + " | ".join([title, *cells, f"{speed:.0f}", f"{part:.0%}"]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000_000, help="parameters, in one tensor (default 1e8)")
    parser.add_argument("--rounds", type=int, default=15, help="turns that each contender takes (default 15)")
    parser.add_argument("--steps", type=int, default=10, help="steps timed in a turn (default 10)")
    options = parser.parse_args()
    print(f"CuPy {cupy.__version__}, {options.size} parameters in float32; us per step\n")
    print("| " + " | ".join(["rule", *COLUMNS, "GB/s", "of a copy"]) + " |\n|" + "---|" * (len(COLUMNS) + 3))
    for title, (rule, settings) in RULES.items():
        print(row(title, contenders(rule, settings, options.size), options.rounds, options.steps), flush=True)


if __name__ == "__main__":
    main()
