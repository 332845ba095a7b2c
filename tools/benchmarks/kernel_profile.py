"""Where a network's time goes: its kernels, timed one by one inside the artifact."""

from __future__ import annotations

from pathlib import Path

from ...runtime.artifact import read_manifest
from ...runtime.artifact_file import read_file
from .kernel_times import measure_steps
from .timing import pinned

SECONDS = 0.3
SHOWN = 0.02
"""Kernels below this share of the time are added up as the rest."""
REST = "rest"


def shares(library: Path) -> dict[str, float]:
    """The share of each kind of kernel in the time of a call, the largest first; one thread, one
    image. The names of the kernels say which strategies run."""
    data = read_file(str(library))
    manifest = read_manifest(data, str(library))
    with pinned():
        measured = measure_steps(data, manifest, str(library), 1, SECONDS)
    spent: dict[str, float] = {}
    for kernel, timing in measured.kernels:
        kind = kernel.kernel.split()[0]
        spent[kind] = spent.get(kind, 0.0) + timing.median
    total = sum(spent.values())
    parts = {kind: seconds / total for kind, seconds in spent.items()}
    kept = {kind: share for kind, share in parts.items() if share >= SHOWN}
    ordered = dict(sorted(kept.items(), key=lambda item: -item[1]))
    return {**ordered, REST: 1.0 - sum(kept.values())}
