"""The table of layers, over which test_layers.py runs. A new layer is a class in a file of minigrad/nn, its name in
that file's __all__, and a row in the file of rows of its family here.
"""

from tests.nn import (
    rows_activation, rows_attention, rows_blocks, rows_convolution, rows_dropout, rows_linear, rows_normalization,
    rows_pooling,
)  # fmt: skip

ROWS = [
    *rows_activation.ROWS,
    *rows_attention.ROWS,
    *rows_blocks.ROWS,
    *rows_convolution.ROWS,
    *rows_dropout.ROWS,
    *rows_linear.ROWS,
    *rows_normalization.ROWS,
    *rows_pooling.ROWS,
]
