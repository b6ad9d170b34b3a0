"""Online hard example mining of 10,000 x 100 log-probabilities: minigrad, PyTorch's vectorised form, and the loop.

    python -m tests.bench.ohem [--rounds 25]

Prints medians in microseconds and, in brackets, the ratio to PyTorch's nll_loss(reduction="none"), topk and mean. The
loop is the one that a first implementation writes: one loss at a time, then topk and index_select. One thread.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import torch

import minigrad
from minigrad.nn import functional as F

from .command import heading, parser_of
from .steps import table
from .timing import interleaved

EXAMPLES, CLASSES, RATIO = 10_000, 100, 0.25
VECTORISED = "PyTorch, topk"


def problem() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    logp = np.log(rng.dirichlet(np.ones(CLASSES), EXAMPLES)).astype(np.float32)
    return logp, rng.integers(0, CLASSES, EXAMPLES)


def vectorised(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.nll_loss(x, y, reduction="none").topk(int(RATIO * len(y))).values.mean()


def loop(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    losses = torch.zeros(len(y))
    for i, label in enumerate(y):
        losses[i] = -x.data[i, label]
    hard = losses.topk(int(RATIO * len(y))).indices
    return torch.nn.functional.nll_loss(x.index_select(0, hard), y.index_select(0, hard))


def contenders(backward: bool) -> dict[str, Callable[[], Any]]:
    logp, labels = problem()
    x, y = minigrad.tensor(logp, requires_grad=True), minigrad.tensor(labels)
    a, b = torch.tensor(logp, requires_grad=True), torch.tensor(labels)

    def run(loss_of: Callable[[], Any], leaf: Any) -> Callable[[], Any]:
        def step() -> Any:
            loss = loss_of()
            if backward:
                leaf.grad = None
                loss.backward()
            return loss

        return step

    return {
        "minigrad": run(lambda: F.nll_loss_ohem(x, y, keep_ratio=RATIO), x),
        VECTORISED: run(lambda: vectorised(a, b), a),
        "PyTorch, loop": run(lambda: loop(a, b), a),
    }


def main() -> None:
    rounds = parser_of(__doc__).parse_args().rounds
    torch.set_num_threads(1)
    print(heading(f"us per call, and the ratio to {VECTORISED}", "torch"))
    rows = []
    for title, backward in (("forward", False), ("forward and backward", True)):
        found = contenders(backward)
        losses = [float(step().detach()) for step in found.values()]  # what computes something else is no contender
        np.testing.assert_allclose(losses, losses[0], rtol=1e-5)
        rows.append((title, interleaved(found, rounds)))
    print(table(rows, list(rows[0][1]), VECTORISED, 1e-6, ".0f"))


if __name__ == "__main__":
    main()
