"""Measuring calls side by side: one core, warm, in turns, minimum and median.

Clocks of shared machines move by half, so only what runs in turns may be compared. NumPy alone.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..runtime.manifest import Tensor

SLICE = 0.02
"""Seconds that one contender runs before the next one's turn: long beside refilling caches."""
MAX_CALLS = 100_000


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the fastest and the median of ``calls``."""

    minimum: float
    median: float
    calls: int

    def json(self) -> dict[str, float]:
        """As the JSON outputs show it."""
        return {"min": self.minimum, "median": self.median, "calls": self.calls}


def measure(
    contenders: Mapping[str, Callable[[], object]], seconds: float, calls: int | None = None
) -> dict[str, Timing]:
    """Time each contender for about ``seconds``, in turns, or for exactly ``calls`` calls."""
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
        call()
    clock = time.perf_counter
    limit = MAX_CALLS if calls is None else calls
    unfinished = dict(contenders)
    deadline = clock() + seconds * len(contenders)
    while unfinished:
        for name, call in list(unfinished.items()):
            held, end = spent[name], clock() + SLICE
            while len(held) < limit:
                start = clock()
                call()
                stop = clock()
                held.append(stop - start)
                if stop >= end:
                    break
            if len(held) >= limit or (calls is None and clock() >= deadline):
                del unfinished[name]
    return {
        name: Timing(min(held), statistics.median(held), len(held)) for name, held in spent.items()
    }


@contextlib.contextmanager
def pinned() -> Generator[int | None]:
    """Keep this thread on one core meanwhile; yields its number, or None where that cannot be."""
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    before = os.sched_getaffinity(0)
    core = max(before)
    try:
        os.sched_setaffinity(0, {core})
    except OSError:
        yield None
        return
    try:
        yield core
    finally:
        os.sched_setaffinity(0, before)


def cpu_name() -> str:
    """What the system calls this machine's CPU."""
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        if found is not None:
            return found[1].strip()
    return platform.machine()


def random_array(tensor: Tensor, batch: int, seed: int) -> NDArray[Any]:
    """A random array for an input: normal floats, small integers."""
    random = np.random.default_rng(seed)
    dims, dtype = tensor.dims(batch), np.dtype(tensor.dtype)
    if dtype.kind == "f":
        return np.asarray(random.standard_normal(dims), dtype=dtype)
    return np.asarray(random.integers(0, 2, dims), dtype=dtype)
