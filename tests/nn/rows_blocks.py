"""Rows of the layers of minigrad.nn.blocks; see layers.py."""
from tests.nn.row import Row

ROWS: list[Row] = [
]  # fmt: skip
