"""One training step and the cost of an op, in minigrad, by hand in NumPy, in PyTorch and in JAX where installed.

    python -m tests.bench.steps [--rounds 25] [--only TEXT]

Prints medians and, in brackets, the ratio to the hand-written step of the same round. BLAS threads are fixed at 1.
"""

from __future__ import annotations

import importlib
from typing import Any, Callable

import numpy as np

from . import by_hand, with_minigrad
from .command import heading, parser_of
from .problem import PROBLEMS, Problem
from .timing import interleaved, median, ratio

HAND = "by hand"
CHAIN = 1000


def optional(name: str) -> Any:
    try:
        return importlib.import_module(f".with_{name}", __package__)
    except ModuleNotFoundError:
        return None


def contenders(problem: Problem) -> dict[str, Callable[[], Any]]:
    found = {HAND: by_hand.build(problem), "minigrad": with_minigrad.build(problem)}
    if torch := optional("torch"):
        found["PyTorch"] = torch.build(problem)
        found["PyTorch, fused"] = torch.build(problem, fused=True)
    if jax := optional("jax"):
        found["jax.jit"] = jax.build(problem)
    return found


def check_agreement(problem: Problem, steps: dict[str, Callable[[], Any]]) -> None:
    """A contender that computes something else has no place in the table: the losses of five steps must agree."""
    losses = {name: [_number(step()) for _ in range(5)] for name, step in steps.items()}
    for name, values in losses.items():
        np.testing.assert_allclose(values, losses[HAND], rtol=1e-4, err_msg=f"{name}, {problem.name}")


def _number(loss: Any) -> float:
    return float(loss.detach() if hasattr(loss, "detach") else loss)


def table(rows: list[tuple[str, dict[str, list[float]]]], names: list[str], base: str, unit: float, form: str) -> str:
    lines = ["| " + " | ".join(["step", *names]) + " |", "|" + "---|" * (len(names) + 1)]
    for title, times in rows:
        cells = [_cell(times[n], times[base], unit, form) if n in times else "-" for n in names]
        lines.append("| " + " | ".join([title, *cells]) + " |")
    return "\n".join(lines)


def _cell(times: list[float], base: list[float], unit: float, form: str) -> str:
    return f"{median(times) / unit:{form}} ({ratio(times, base):.2f})"


def training_steps(rounds: int, only: str) -> str:
    rows = []
    for problem in PROBLEMS:
        if only in problem.name:
            check_agreement(problem, contenders(problem))
            rows.append((problem.name, interleaved(contenders(problem), rounds)))
    names = list(dict.fromkeys(name for _, times in rows for name in times))
    return "us per step, and the ratio to the step by hand\n\n" + table(rows, names, HAND, 1e-6, ".0f")


def chain_of_ops(rounds: int) -> str:
    rows = []
    for title, backward in (("forward", False), ("forward and backward", True)):
        hand = by_hand.build_chain(CHAIN) if backward else by_hand.build_chain_forward(CHAIN)
        steps: dict[str, Callable[[], Any]] = {HAND: hand, "minigrad": with_minigrad.build_chain(CHAIN, backward)}
        if torch := optional("torch"):
            steps["PyTorch"] = torch.build_chain(CHAIN, backward)
        rows.append((title, interleaved(steps, rounds)))
    names = list(rows[0][1])
    return f"us per op, in a chain of {CHAIN} ops on 8 elements\n\n" + table(rows, names, HAND, 1e-6 * CHAIN, ".2f")


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name holds TEXT, or 'chain'")
    options = parser.parse_args()
    print(heading("medians, and the ratio to the hand-written step"))
    if options.only != "chain":
        print(training_steps(options.rounds, options.only), end="\n\n")
    if options.only in ("", "chain"):
        print(chain_of_ops(options.rounds))


if __name__ == "__main__":
    main()
