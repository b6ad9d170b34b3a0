"""The rows of the other rules that torch.optim has."""

from tests.optim.row import Row

ROWS: dict[str, Row] = {}
