"""Rows of the layers of minigrad.nn.activation; see layers.py."""
from tests.nn.row import Row

ROWS: list[Row] = [
    Row("Tanh"), Row("Sigmoid"), Row("LogSigmoid"), Row("Softplus"), Row("Softplus", {"beta": 2.5, "threshold": 3.0}),
    Row("ReLU"), Row("LeakyReLU"), Row("LeakyReLU", {"negative_slope": 0.3}), Row("ELU"), Row("ELU", {"alpha": 0.4}),
    Row("GELU"), Row("GELU", {"approximate": "tanh"}), Row("SiLU"),
    Row("Softmax", {"dim": 0}), Row("Softmax", {"dim": -1}), Row("LogSoftmax", {"dim": 1}),
]  # fmt: skip
