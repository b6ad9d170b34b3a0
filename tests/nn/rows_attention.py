"""Rows of the layers of minigrad.nn.attention; see layers.py."""
from tests.nn.row import Row

ROWS: list[Row] = [
]  # fmt: skip
