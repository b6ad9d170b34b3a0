"""Data: datasets, batches of them, the handwritten digits, and texts as characters."""

from .characters import Characters, characters, streams
from .collate import collate
from .dataset import Dataset, Subset, TensorDataset, random_split
from .digits import digits
from .loader import DataLoader

__all__ = [
    "Characters", "DataLoader", "Dataset", "Subset", "TensorDataset", "characters", "collate", "digits", "random_split",
    "streams",
]  # fmt: skip
