"""See where a gradient vanishes or explodes, and be told why: watch a model while it trains, then ask.

    from minigrad import gradflow

    with gradflow.watch(model, every=10) as flow:
        ...                                              # any training loop
    print(flow.table())
    print(flow.diagnosis())
    flow.draw("flow.png")
    flow.html("flow.html")
"""

from .diagnosis import Diagnosis, Thresholds, diagnose
from .flow import Flow
from .page import page
from .picture import draw
from .probing import probe
from .profile import Profile, Row, TimeRow, profile
from .record import Layer
from .stack import deep_stack
from .sweep import Sweep, sweep
from .table import table
from .tensorboard import to_tensorboard
from .theory import MeanField, mean_field
from .through_time import TimeReading
from .watch import watch

__all__ = [
    "Diagnosis", "Flow", "Layer", "MeanField", "Profile", "Row", "Sweep", "Thresholds", "TimeReading", "TimeRow",
    "deep_stack", "diagnose", "draw", "mean_field", "page", "probe", "profile", "sweep", "table", "to_tensorboard",
    "watch",
]  # fmt: skip
