"""The table of layers, over which test_layers.py runs. A new layer is a class in minigrad/nn, its name in nn.__all__,
and a row here: how it is made, shapes of inputs that it takes, and what to compare it with.
"""

from dataclasses import dataclass, field
from typing import Any, Callable


@dataclass
class Row:
    name: str  # in minigrad.nn
    options: dict[str, Any] = field(default_factory=dict)
    shapes: tuple[tuple[int, ...], ...] = ((3, 4), (2, 3, 4))
    # Given torch, makes the module to compare with; None for torch.nn's of the same name and options.
    other: Callable[[Any], Any] | None = None


ROWS = [
    Row("Tanh"), Row("Sigmoid"), Row("LogSigmoid"), Row("Softplus"), Row("Softplus", {"beta": 2.5, "threshold": 3.0}),
    Row("ReLU"), Row("LeakyReLU"), Row("LeakyReLU", {"negative_slope": 0.3}), Row("ELU"), Row("ELU", {"alpha": 0.4}),
    Row("GELU"), Row("GELU", {"approximate": "tanh"}), Row("SiLU"),
    Row("Softmax", {"dim": 0}), Row("Softmax", {"dim": -1}), Row("LogSoftmax", {"dim": 1}),
    Row("Identity"), Row("Flatten"), Row("Flatten", {"start_dim": 0}), Row("Flatten", {"start_dim": -2}),
    Row("Linear", {"in_features": 4, "out_features": 5}, ((4,), (3, 4), (2, 3, 4))),
    Row("Linear", {"in_features": 4, "out_features": 5, "bias": False}),
]  # fmt: skip
