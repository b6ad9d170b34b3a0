"""Texts as sequences of numbers, one for each character."""

from __future__ import annotations

import os
from typing import Any, Iterator

import numpy as np

from ..backend import dtypes
from ..tensor import Tensor


class Characters:
    """A text, its alphabet, and the text as numbers: the first part to learn from, the last to test on.

    train and test are int64 tensors of positions in the alphabet, which is sorted and covers both. held_out: the share
    of the text, at its end, that is test. Raises ValueError for a text of fewer than two characters, or a share outside
    [0, 1).
    """

    def __init__(self, text: str, held_out: float = 0.1) -> None:
        if not isinstance(text, str):
            raise TypeError(f"Characters takes a text, not {type(text).__name__}; see data.characters for files")
        if len(text) < 2:
            raise ValueError(f"Characters: a text of {len(text)} characters has nothing to predict")
        if not 0 <= held_out < 1:
            raise ValueError(f"Characters: held_out is a share, from 0 to below 1, got {held_out}")
        self.alphabet = "".join(sorted(set(text)))
        self._number = {character: i for i, character in enumerate(self.alphabet)}
        end = len(text) - round(len(text) * held_out)
        self.train, self.test = self.encode(text[:end]), self.encode(text[end:])

    def encode(self, text: str) -> Tensor:
        """The text as numbers (len(text),). Raises ValueError for a character that is not in the alphabet."""
        unknown = sorted(set(text) - self._number.keys())
        if unknown:
            raise ValueError(f"Characters: {unknown} are not among the {len(self.alphabet)} characters of the alphabet")
        return Tensor.of(np.array([self._number[character] for character in text], dtypes.int64))

    def decode(self, numbers: Any) -> str:
        """The text that a sequence of numbers stands for. Raises IndexError for a number beyond the alphabet."""
        values = numbers.tolist() if hasattr(numbers, "tolist") else list(numbers)
        beyond = [i for i in values if not 0 <= i < len(self.alphabet)]
        if beyond:
            raise IndexError(f"Characters: {beyond[0]} is out of range for an alphabet of {len(self.alphabet)}")
        return "".join(self.alphabet[i] for i in values)

    def __repr__(self) -> str:
        return f"Characters({len(self.train)} to learn from, {len(self.test)} to test on, {len(self.alphabet)} kinds)"


def streams(numbers: Tensor, count: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """A text read at `count` places at once: (characters, those that follow), each (steps, count), piece after piece.

    Each column goes on where it ended in the piece before, so that a recurrent state can be carried over. What does not
    fill a last piece is left out. Raises ValueError for a text too short for one piece.
    """
    if count < 1 or steps < 1:
        raise ValueError(f"streams: count and steps must be 1 or more, got {count} and {steps}")
    length = (len(numbers) - 1) // count
    if length < steps:
        raise ValueError(f"streams: {len(numbers)} characters are too few for {count} streams of {steps} steps")
    return _pieces(numbers, count, length, steps)


def _pieces(numbers: Tensor, count: int, length: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    values = numbers.detach().cpu().numpy()
    inputs, targets = (values[i : i + count * length].reshape(count, length).T for i in (0, 1))
    for start in range(0, length - steps + 1, steps):
        piece = slice(start, start + steps)
        yield tuple(Tensor.of(np.ascontiguousarray(part[piece])) for part in (inputs, targets))  # type: ignore[misc]


def characters(path: str | os.PathLike[str] | None = None, held_out: float = 0.1) -> Characters:
    """A text file in UTF-8, or without one the manual that comes with Python: its topics in the order of their keys.

    Nothing is downloaded. Raises OSError for a file that cannot be read, ValueError for one that is not UTF-8.
    """
    if path is not None:
        with open(path, encoding="utf-8") as file:
            return Characters(file.read(), held_out)
    from pydoc_data.topics import topics  # nearly half a million characters: only for those who ask

    return Characters("".join(topics[key] for key in sorted(topics)), held_out)
