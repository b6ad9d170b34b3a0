"""The table of update rules, over which the tests of this folder run. A new rule is a class, a text, and a row here."""

from tests.optim import rows_founding, rows_torch

# Texts in kernels/ that are no update rules, and so need no class in minigrad.optim.
NO_RULES: set[str] = set()

ROWS = rows_founding.ROWS | rows_torch.ROWS
