"""A record for TensorBoard: to any writer that takes scalars, so that nothing has to be installed for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .profile import layer_labels
from .record import Record

QUANTITIES = (
    "delta_rms", "weight_grad_rms", "gain", "predicted_gain", "weight_factor", "slope_rms", "alignment", "saturated",
    "dead", "batch_std", "update_ratio", "snr", "sigma_max", "sigma_min",
)  # fmt: skip


def to_tensorboard(record: Record, writer: Any, prefix: str = "gradflow") -> int:
    """Write every number that is known under PREFIX/QUANTITY/LAYER NAME at its training step; returns how many.

    writer: torch.utils.tensorboard's or tensorboardX's SummaryWriter, or any object with add_scalar(tag, value, step).
    Raises TypeError for one without.
    """
    add = getattr(writer, "add_scalar", None)
    if not callable(add):
        raise TypeError(f"to_tensorboard: a writer has add_scalar(tag, value, step); {type(writer).__name__} has not")
    names = [f"{label} {layer.name}" for label, layer in zip(layer_labels(record.layers), record.layers)]
    written = 0
    for quantity in QUANTITIES:
        table = getattr(record, quantity)
        for row, column in zip(*np.nonzero(np.isfinite(table))):
            add(f"{prefix}/{quantity}/{names[column]}", float(table[row, column]), record.steps[row])
            written += 1
    return written
