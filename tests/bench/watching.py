"""What it costs to watch a training loop: time of a step that is recorded, and of a loop with every tenth recorded.

    python -m tests.bench.watching [--rounds N]

The aims: a recorded step takes at most 3 times as long, a loop with every=10 at most 20% longer.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Callable

import numpy as np

import minigrad
from minigrad import gradflow, nn, optim
from tests.bench.command import heading, parser_of
from tests.bench.timing import interleaved, median, ratio

STACKS = {  # name: (depth, width, batch, activation, init)
    "20 sigmoids of 64, batch 32": (20, 64, 32, "sigmoid", "xavier_normal"),
    "20 ReLUs of 64, batch 32": (20, 64, 32, "relu", "kaiming_normal"),
    "4 sigmoids of 64, batch 32": (4, 64, 32, "sigmoid", "xavier_normal"),
    "10 tanhs of 256, batch 128": (10, 256, 128, "tanh", "xavier_normal"),
}


def ten_steps(depth: int, width: int, batch: int, activation: str, init: str) -> tuple[nn.Module, Callable[[], Any]]:
    minigrad.manual_seed(0)
    model = gradflow.deep_stack(depth, width, activation, init)
    rule = optim.SGD(model.parameters(), lr=1e-3)
    x, y = minigrad.randn(batch, 64), minigrad.tensor(np.arange(batch) % 10)

    def steps() -> None:
        for _ in range(10):
            rule.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            rule.step()

    return model, steps


def main() -> None:
    rounds = parser_of(__doc__ or "").parse_args().rounds
    print(heading("us a step, and the ratio to the loop that is not watched"))
    print(f"{'':30}{'plain':>9}{'recorded':>18}{'every=10':>18}")
    for name, sizes in STACKS.items():
        with ExitStack() as watches:
            contenders = {}
            for kind, every in (("plain", 0), ("recorded", 1), ("every=10", 10)):
                model, steps = ten_steps(*sizes)
                if every:
                    watches.enter_context(gradflow.watch(model, every))
                contenders[kind] = steps
            times = interleaved(contenders, rounds, 0.1)
        cells = [f"{median(times['plain']) * 1e5:9.0f}"]
        cells += [f"{median(times[k]) * 1e5:9.0f} ({ratio(times[k], times['plain']):4.2f}x)" for k in list(times)[1:]]
        print(f"{name:30}" + " ".join(cells))


if __name__ == "__main__":
    main()
