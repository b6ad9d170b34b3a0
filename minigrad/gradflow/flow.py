"""Flow: a record with all that can be asked of it."""

from __future__ import annotations

from pathlib import Path

from . import picture
from .diagnosis import NOW, Diagnosis, Thresholds, diagnosis_of
from .page import fragment, page
from .profile import Profile, profile
from .record import Record
from .table import table


class Flow(Record):
    """The record of a watched model: arrays of shape (recorded steps, layers), layers in the order they were called.

    layers: what each column is. steps: the number of each recorded step, counted from 1. times: of recurrent layers, by
    name, what was seen at each recorded step. What follows raises ValueError if nothing was recorded.
    """

    def profile(self, step: int | None = None) -> Profile:
        """A row for each layer, over all recorded steps or one of them; see gradflow.profile."""
        return profile(self, step)

    def diagnosis(self, step: int | None = None, thresholds: Thresholds = Thresholds()) -> Diagnosis:
        """Where the gradient is lost or blows up, why, what that means and what would cure it; see gradflow.diagnose.

        Of one recorded step, or of the last fifth of them: how it flows now.
        """
        return diagnosis_of(self, step, thresholds)

    def table(self, step: int | None = None) -> str:
        """The profile for the terminal, of one recorded step or of the last fifth of them; see gradflow.table."""
        return table(profile(self, step, last=1.0 if step is not None else NOW))

    def draw(self, path: str | Path, subtitle: str = "") -> None:
        """The picture, as a .png, .pdf or .svg file; see gradflow.draw."""
        picture.draw(self, path, subtitle)

    def html(self, path: str | Path, title: str = "") -> None:
        """The picture to look around in, as one HTML file; see gradflow.page."""
        page(self, path, title)

    def _repr_html_(self) -> str:
        return fragment(self)
