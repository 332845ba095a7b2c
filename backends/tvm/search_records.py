"""What searches measured, kept in a file: one line of JSON for each schedule of a layer.

Lines are only ever appended, each in one go: two processes may write at once, and a search that was
broken off leaves at most one line that is no record, which is skipped like any other damage.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

Decisions = dict[str, int]
"""What was decided, by the names of a plan's questions."""
Asked = Sequence[tuple[str, tuple[int, ...]]]
"""Questions of a plan and the possible answers."""


@dataclass(frozen=True)
class Record:
    """Seconds of one schedule of a layer, measured once or more."""

    layer: str
    decisions: Decisions
    seconds: list[float]

    def answers(self, asked: Asked) -> bool:
        """Whether these are decisions of a plan that asks so."""
        return self.decisions.keys() == {name for name, _ in asked} and all(
            self.decisions[name] in values for name, values in asked
        )


def layer_of(text: str) -> str:
    """The key of a layer, by the text of its blocks."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Records:
    """All records of a folder's file, or only of this process where there is no folder or it
    cannot be written."""

    def __init__(self, folder: Path | None) -> None:
        self.path = folder and folder / "measured.jsonl"
        self.by_layer: dict[str, list[Record]] = {}
        for record in _read(self.path):
            self.by_layer.setdefault(record.layer, []).append(record)

    def of(self, layer: str, asked: Asked) -> list[Record]:
        """The records of a layer that answer what its plan asks, each schedule once."""
        fitting = [record for record in self.by_layer.get(layer, []) if record.answers(asked)]
        return list({tuple(sorted(r.decisions.items())): r for r in fitting}.values())

    def add(self, record: Record) -> None:
        """Keep one more."""
        self.by_layer.setdefault(record.layer, []).append(record)
        if self.path is None:
            return
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                os.write(file, f"\n{json.dumps(asdict(record), sort_keys=True)}".encode())
            finally:
                os.close(file)


def _read(path: Path | None) -> list[Record]:
    try:
        lines = path.read_bytes().splitlines() if path is not None else []
    except OSError:
        return []
    return [record for record in map(_decoded, lines) if record is not None]


def _decoded(line: bytes) -> Record | None:
    """The record of a line, None where it is something else."""
    try:
        decoded: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(decoded, dict):
        return None
    given = cast("dict[str, object]", decoded)
    layer, decisions, seconds = (given.get(k) for k in ("layer", "decisions", "seconds"))
    if not (isinstance(layer, str) and isinstance(decisions, dict) and isinstance(seconds, list)):
        return None
    if any(type(value) is not int for value in cast("dict[str, object]", decisions).values()):
        return None
    times = cast("list[object]", seconds)
    if not times or not all(isinstance(t, float) and 0 < t < float("inf") for t in times):
        return None
    return Record(layer, cast("Decisions", decisions), cast("list[float]", times))
