"""Data: datasets, batches of them, and the handwritten digits."""

from .collate import collate
from .dataset import Dataset, Subset, TensorDataset, random_split
from .digits import digits
from .loader import DataLoader

__all__ = ["DataLoader", "Dataset", "Subset", "TensorDataset", "collate", "digits", "random_split"]
