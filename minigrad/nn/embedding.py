"""Embedding: a learned vector for each of so many things."""

from __future__ import annotations

from typing import Any

from .. import creation
from ..gradmode import no_grad
from ..tensor import Tensor
from . import init
from .functional.checks import check_count
from .functional.linear_maps import padding_index, rows_of
from .module import Layer
from .parameter import Parameter

__all__ = ["Embedding"]


class Embedding(Layer):
    """The vectors that integers name, in shapes (...) to (..., embedding_dim); weight is (num_embeddings, that).

    The vectors start from N(0, 1), that of padding_idx at 0, where it stays: no gradient reaches it. A negative
    padding_idx counts from the end. Unlike PyTorch's it has no max_norm, scale_grad_by_freq or sparse.
    Raises ValueError for negative sizes and a padding_idx out of range; in forward TypeError for an input that does not
    hold integers, and IndexError for one that is negative or too large, on a GPU at the next synchronisation.
    """

    weight: Parameter

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, *, _weight: Tensor | None = None,
        _freeze: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings = check_count("Embedding", "num_embeddings", num_embeddings, 0)
        self.embedding_dim = embedding_dim = check_count("Embedding", "embedding_dim", embedding_dim, 0)
        self.padding_idx = None if padding_idx is None else padding_index(padding_idx, num_embeddings, "Embedding")
        if _weight is None:
            _weight = creation.empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
            self.weight = Parameter(_weight, requires_grad=not _freeze)
            self.reset_parameters()
        else:
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """An Embedding on the memory of a matrix of vectors, its padding included; it does not learn if `freeze`.

        Raises ValueError for other than two dimensions, TypeError for what is not a floating-point Tensor.
        """
        if not isinstance(embeddings, Tensor) or embeddings.dtype.kind != "f":
            what = f"a tensor of {embeddings.dtype}" if isinstance(embeddings, Tensor) else type(embeddings).__name__
            raise TypeError(f"Embedding.from_pretrained takes a floating-point Tensor, not {what}")
        if embeddings.ndim != 2:
            raise ValueError(f"Embedding.from_pretrained takes a matrix of vectors, got shape {embeddings.shape}")
        return cls(*embeddings.shape, padding_idx, _weight=embeddings, _freeze=freeze)

    def reset_parameters(self) -> None:
        """Draw all vectors anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def forward(self, input: Tensor) -> Tensor:
        return rows_of(input, self.weight, self.padding_idx, "Embedding")

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
