"""Rows of the layers of minigrad.nn.dropout, outside of training; see layers.py, and test_dropout.py for training."""
from tests.nn.row import Row

ROWS: list[Row] = [
    Row("Dropout", modes=("eval",)), Row("Dropout", {"p": 0.0}), Row("Dropout", {"p": 1.0}),
    Row("Dropout", {"p": 0.2, "inplace": True}, modes=("eval",)), Row("Dropout1d", modes=("eval",)),
    Row("Dropout1d", {"p": 0.0}), Row("Dropout2d", {"p": 0.3}, ((2, 3, 4, 5),), modes=("eval",)),
    Row("Dropout2d", {"p": 1.0}, ((2, 3, 4, 5),)), Row("AlphaDropout", modes=("eval",)),
    Row("AlphaDropout", {"p": 0.0}), Row("FeatureAlphaDropout", {"p": 0.3}, modes=("eval",)),
]  # fmt: skip
