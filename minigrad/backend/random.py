"""Random numbers, always drawn on the host: one seed gives one stream of numbers on every device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.random

_SEED = 67280421310721  # the default generator's seed until manual_seed is called; fixed, so that runs repeat


class Generator:
    """A stream of random numbers (NumPy's PCG64). `manual_seed(s)` restarts it; streams differ from PyTorch's."""

    def __init__(self, seed: int = _SEED) -> None:
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream from `seed`, an integer (negative ones count from 2**64, as in PyTorch)."""
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise TypeError(f"a seed must be an integer, not {seed!r}")
        self._seed = int(seed)
        self._rng: np.random.Generator | None = None
        return self

    @property
    def rng(self) -> np.random.Generator:
        if self._rng is None:  # NumPy loads numpy.random when first asked; importing minigrad should not pay for it
            self._rng = np.random.Generator(np.random.PCG64(self._seed % 2**64))
        return self._rng

    def seed(self) -> int:
        """Restart from a seed taken from the operating system, and return it."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
        return self._seed

    def initial_seed(self) -> int:
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """The stream's position, as plain numbers: give it to set_state to continue from there."""
        return dict(self.rng.bit_generator.state)

    def set_state(self, state: dict[str, Any]) -> None:
        self.rng.bit_generator.state = state


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Restart the default stream, from which weights and shuffles are drawn on every device."""
    return default_generator.manual_seed(seed)


def rng_of(generator: Generator | None) -> np.random.Generator:
    if generator is None:
        return default_generator.rng
    if not isinstance(generator, Generator):
        raise TypeError(f"generator must be a minigrad.Generator, not {type(generator).__name__}")
    return generator.rng
