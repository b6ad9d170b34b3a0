"""The table of update rules, over which the tests of this folder run. A new rule is a class, a text, and a row here."""

from tests.optim import rows_chainer, rows_founding, rows_optax, rows_recent, rows_torch, rows_whole

# Texts in kernels/ that are no update rules, and so need no class in minigrad.optim.
NO_RULES = {"average"}

# Rules that no row fits, because they look at all parameters together or go around another rule, and the files with
# their oracles.
ON_THEIR_OWN = {
    "LBFGS": "test_lbfgs.py", "Lookahead": "test_lookahead.py", "Prodigy": "test_prodigy.py", "SAM": "test_sam.py",
}  # fmt: skip

ROWS = rows_founding.ROWS | rows_torch.ROWS | rows_chainer.ROWS | rows_optax.ROWS | rows_recent.ROWS | rows_whole.ROWS
