"""One run, or several under their names: what pictures and pages are drawn of."""

from __future__ import annotations

from typing import Mapping, Union

from .profile import profile
from .record import Record

Runs = Union[Record, Mapping[str, Record]]


def runs_by_name(runs: Runs) -> dict[str, Record]:
    """One record under no name, or several under theirs. Raises TypeError or ValueError for anything else."""
    named = {"": runs} if isinstance(runs, Record) else dict(runs) if isinstance(runs, Mapping) else None
    if named is None or not all(isinstance(record, Record) for record in named.values()):
        raise TypeError("the record of a watched model is needed, or a dict of records by name")
    if not named:
        raise ValueError("there is no run to show")
    for record in named.values():
        profile(record)  # says so if nothing was recorded
    return {str(name): record for name, record in named.items()}
