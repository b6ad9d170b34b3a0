"""See where a gradient vanishes or explodes: watch a model while it trains, then read its profile, verdict and picture.

    from minigrad import gradflow

    with gradflow.watch(model, every=10) as flow:
        ...                                              # any training loop
    summary = gradflow.profile(flow)
    print(gradflow.table(summary))
    print(gradflow.verdict(summary))
    gradflow.draw(flow, "flow.png")
"""

from .picture import draw
from .probing import probe
from .profile import Profile, Row, profile
from .record import Flow, Layer
from .stack import deep_stack
from .table import table
from .theory import MeanField, mean_field
from .verdict import Verdict, verdict
from .watch import watch

__all__ = [
    "Flow", "Layer", "MeanField", "Profile", "Row", "Verdict", "deep_stack", "draw", "mean_field", "probe", "profile",
    "table", "verdict", "watch",
]  # fmt: skip
