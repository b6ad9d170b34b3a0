"""Rows of the layers of minigrad.nn.linear and minigrad.nn.embedding; see layers.py."""
from tests.nn.row import Row, below

SOME = ((5,), (2, 3), (), (0, 3))

ROWS: list[Row] = [
    Row("Identity"), Row("Flatten"), Row("Flatten", {"start_dim": 0}), Row("Flatten", {"start_dim": -2}),
    Row("Linear", {"in_features": 4, "out_features": 5}, ((4,), (3, 4), (2, 3, 4))),
    Row("Linear", {"in_features": 4, "out_features": 5, "bias": False}),
    Row("Unflatten", {"dim": 1, "unflattened_size": (2, 3)}, ((4, 6), (2, 6, 3), (0, 6))),
    Row("Unflatten", {"dim": -1, "unflattened_size": [2, -1, 2]}, ((12,), (3, 4))),
    Row("Embedding", {"num_embeddings": 7, "embedding_dim": 3}, SOME, draw=below(7)),
    Row("Embedding", {"num_embeddings": 4, "embedding_dim": 2, "padding_idx": 1}, SOME, draw=below(4)),
    Row("Embedding", {"num_embeddings": 3, "embedding_dim": 2, "padding_idx": -3}, SOME, draw=below(3)),
]  # fmt: skip
