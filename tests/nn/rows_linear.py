"""Rows of the layers of minigrad.nn.linear; see layers.py."""
from tests.nn.row import Row

ROWS: list[Row] = [
    Row("Identity"), Row("Flatten"), Row("Flatten", {"start_dim": 0}), Row("Flatten", {"start_dim": -2}),
    Row("Linear", {"in_features": 4, "out_features": 5}, ((4,), (3, 4), (2, 3, 4))),
    Row("Linear", {"in_features": 4, "out_features": 5, "bias": False}),
]  # fmt: skip
