"""step() of every rule that PyTorch has, in minigrad with and without Numba, and in torch.optim's three forms.

    python -m tests.bench.rules [--rounds 15] [--only TEXT]

Prints medians in microseconds and, in brackets, the ratio to PyTorch's default in the same round. One thread. A layout
is the shapes of the parameters: one tensor of 1e3, 1e5 or 1e6 elements, or the 42 tensors of a deep narrow network.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import torch

import minigrad
from minigrad import kernels, optim

from .command import heading, parser_of
from .steps import table
from .timing import interleaved

Shapes = list[tuple[int, ...]]
LAYOUTS: dict[str, Shapes] = {
    "1e3": [(1000,)],
    "1e5": [(100_000,)],
    "1e6": [(1_000_000,)],
    "42 tensors": [shape for _ in range(20) for shape in ((64, 64), (64,))] + [(10, 64), (10,)],
}
MATRICES: dict[str, Shapes] = {  # for Muon
    "1e3": [(25, 40)],
    "1e5": [(250, 400)],
    "1e6": [(1000, 1000)],
    "42 tensors": [(45, 45)] * 42,
}
# Rule: the settings that are timed. One rule is timed under two names where a flag makes it another law.
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 1e-3}),
    "SGD, momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9}),
    "Adagrad": ("Adagrad", {}),
    "Adadelta": ("Adadelta", {}),
    "RMSprop": ("RMSprop", {}),
    "Rprop": ("Rprop", {}),
    "Adam": ("Adam", {}),
    "AMSGrad": ("Adam", {"amsgrad": True}),
    "AdamW": ("AdamW", {}),
    "Adamax": ("Adamax", {}),
    "NAdam": ("NAdam", {}),
    "RAdam": ("RAdam", {}),
    "ASGD": ("ASGD", {}),
    "Adafactor": ("Adafactor", {}),
    "Muon": ("Muon", {}),
}
FUSED = ("SGD", "Adam", "AdamW", "Adagrad")
DEFAULT = "PyTorch"


def arrays(shapes: Shapes, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]


def with_minigrad(rule: str, settings: dict[str, Any], shapes: Shapes, numba: bool) -> Callable[[], Any]:
    params = [minigrad.tensor(array, requires_grad=True) for array in arrays(shapes, 1)]
    for p, g in zip(params, arrays(shapes, 2)):
        p.grad = minigrad.tensor(g)
    step = getattr(optim, rule)(params, **settings).step
    return lambda: _with_numba(step, numba)


def _with_numba(step: Callable[[], Any], on: bool) -> None:
    kernels.use_numba(on)
    step()


def with_torch(rule: str, settings: dict[str, Any], shapes: Shapes, **form: bool) -> Callable[[], Any]:
    params = [torch.tensor(array, requires_grad=True) for array in arrays(shapes, 1)]
    for p, g in zip(params, arrays(shapes, 2)):
        p.grad = torch.tensor(g)
    step: Callable[[], Any] = getattr(torch.optim, rule)(params, **settings, **form).step
    return step


def contenders(rule: str, settings: dict[str, Any], shapes: Shapes) -> dict[str, Callable[[], Any]]:
    found = {"minigrad, NumPy": with_minigrad(rule, settings, shapes, numba=False)}
    if has_numba():
        found["minigrad, Numba"] = with_minigrad(rule, settings, shapes, numba=True)
    found[DEFAULT] = with_torch(rule, settings, shapes)
    if rule not in ("Muon", "Adafactor"):  # they have no foreach form on a CPU that differs from the default's choice
        found["PyTorch, foreach"] = with_torch(rule, settings, shapes, foreach=True)
    if rule in FUSED:
        found["PyTorch, fused"] = with_torch(rule, settings, shapes, fused=True)
    return found


def has_numba() -> bool:
    try:
        kernels.use_numba(True)
    except ImportError:
        return False
    return True


def main() -> None:
    parser = parser_of(__doc__, rounds=15)
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name holds TEXT")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(heading("us per step, and the ratio to PyTorch's default", "torch"))
    rows = []
    for title, (rule, settings) in RULES.items():
        for layout, shapes in (MATRICES if rule == "Muon" else LAYOUTS).items():
            name = f"{title}, {layout}"
            if options.only in name:
                rows.append((name, interleaved(contenders(rule, settings, shapes), options.rounds)))
    names = list(dict.fromkeys(name for _, times in rows for name in times))
    print(table(rows, names, DEFAULT, 1e-6, ".1f"))


if __name__ == "__main__":
    main()
