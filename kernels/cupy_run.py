"""Running a law on CuPy arrays: one kernel, one launch, however long the arrays are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .cuda_lowering import CudaLowered


def takes(array: Any) -> bool:
    """Whether an array is one that CupyRunner runs on. CuPy is not imported for that: who has its array has done so."""
    cupy = sys.modules.get("cupy")
    return cupy is not None and isinstance(array, cupy.ndarray) and array.dtype.char in "fd"


class CupyRunner:
    """One law's kernel. CuPy compiles it at its first launch on each type and device, and keeps the result on disk."""

    def __init__(self, lowered: CudaLowered, as_float: Callable[[str, Any], float]):
        self.lowered, self.as_float = lowered, as_float
        self.names, self.inputs = lowered.inputs + lowered.updated, len(lowered.inputs)
        self._kernel: Any = None

    @property
    def kernel(self) -> Any:
        if self._kernel is None:
            import cupy

            made_of = self.lowered
            self._kernel = cupy.ElementwiseKernel(
                made_of.in_params, made_of.out_params, made_of.body, made_of.name, no_return=True
            )
        return self._kernel

    def cut(self, arrays: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The arrays as `run` takes them. Raises ValueError where they are not on one device."""
        first = arrays[0]
        for name, array in zip(self.names, arrays):
            if array.device.id != first.device.id:  # where devices see each other's memory, CuPy would let it pass
                raise ValueError(
                    f"law {self.lowered.law}: {name} is on GPU {array.device.id} and {self.names[0]} on GPU "
                    f"{first.device.id}: move all arrays to one device first"
                )
        return [arrays]

    def run(self, pieces: list[tuple[Any, ...]], scalars: dict[str, Any]) -> None:
        """Run the law on arrays as `cut` returned them; arrays and names of scalars have been checked."""
        (arrays,) = pieces
        numbers = [self.as_float(name, scalars[name]) for name in self.lowered.scalars]
        with arrays[0].device:  # CuPy launches on the current one
            # CuPy turns each number, a double, into the arrays' type before the launch.
            self.kernel(*arrays[: self.inputs], *numbers, *arrays[self.inputs :])
