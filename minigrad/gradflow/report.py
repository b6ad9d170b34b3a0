"""What runs found, as data for a JSON file."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, Mapping

from .diagnosis import NOW, diagnosis_of
from .profile import Row, TimeRow, profile
from .record import Record
from .wholefile import written_whole


def report_of(record: Record, **about: Any) -> dict[str, Any]:
    """The diagnosis, and the profile of the steps that it is of; numbers that are not finite are None."""
    summary = profile(record, last=NOW)
    return {
        **about, "recorded_steps": list(record.steps), "diagnosis": diagnosis_of(record).as_dict(),
        "layers": [_of_row(row) for row in summary.rows], "times": [_of_time(row) for row in summary.times],
    }  # fmt: skip


def write_json(reports: Mapping[str, Any], path: Path) -> None:
    """Whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(reports, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _of_row(row: Row) -> dict[str, Any]:
    return {key: _plain(value) for key, value in dataclasses.asdict(row).items() if key != "above"}


def _of_time(row: TimeRow) -> dict[str, Any]:
    return {
        "name": row.name, "kind": row.kind, "hidden": [_plain(float(v)) for v in row.hidden],
        "factor": _plain(row.factor), "radius": _plain(row.radius), "truncated": row.truncated,
        "gates": {gate: _plain(share) for gate, share in row.gates.items()},
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
