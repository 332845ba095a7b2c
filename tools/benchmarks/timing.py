"""Measuring calls side by side: one core, warm, in turns, minimum and median.

Clocks of shared machines move by half, so only what runs in turns may be compared.
Needs only NumPy.
"""

from __future__ import annotations

import contextlib
import math
import os
import statistics
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...runtime.manifest import Tensor

SLICE = 0.02
"""Seconds that one contender runs before the next one's turn: long compared to refilling caches."""
MAX_CALLS = 100_000
LEAST_CALLS = 3
"""Calls of each contender at least, however long they take."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the fastest and the median of ``calls``."""

    minimum: float
    median: float
    calls: int

    def json(self) -> dict[str, float]:
        """Its form in the JSON outputs."""
        return {"min": self.minimum, "median": self.median, "calls": self.calls}


class Turns(Protocol):
    """A contender that keeps its own time, in another process or by a library's counters."""

    def turn(self, seconds: float, calls: int) -> list[float]:
        """Run for about ``seconds``, at least once and at most ``calls`` times; the seconds of each
        call."""
        ...


@dataclass(frozen=True)
class TimedCall:
    """A call timed by the clock of this process."""

    call: Callable[[], object]

    def turn(self, seconds: float, calls: int) -> list[float]:
        clock, times = time.perf_counter, list[float]()
        end = clock() + seconds
        while len(times) < calls:
            start = clock()
            self.call()
            stop = clock()
            times.append(stop - start)
            if stop >= end:
                break
        return times


def measure(
    contenders: Mapping[str, Callable[[], object] | Turns],
    seconds: float,
    calls: int | None = None,
    rest: float = 0.0,
) -> dict[str, Timing]:
    """Time each contender for about ``seconds``, in turns, or for exactly ``calls`` calls.

    ``rest`` seconds pass before each turn: meanwhile threads of the previous one stop spinning.
    """
    turns = {
        name: TimedCall(given) if callable(given) else given for name, given in contenders.items()
    }
    spent: dict[str, list[float]] = {name: [] for name in turns}
    for contender in turns.values():
        contender.turn(math.inf, 2)
    limit = MAX_CALLS if calls is None else calls
    unfinished = dict(turns)
    deadline = time.perf_counter() + (seconds + rest * seconds / SLICE) * len(turns)
    while unfinished:
        for name, contender in list(unfinished.items()):
            times = spent[name]
            if rest:
                time.sleep(rest)
                contender.turn(0, 1)
            times += contender.turn(SLICE, limit - len(times))
            late = calls is None and time.perf_counter() >= deadline
            if len(times) >= (LEAST_CALLS if late else limit):
                del unfinished[name]
    return {
        name: Timing(min(times), statistics.median(times), len(times))
        for name, times in spent.items()
    }


def waited() -> float | None:
    """Seconds that this thread has waited, since it began, for a core that others used; None where
    the system does not say."""
    try:
        text = Path("/proc/thread-self/schedstat").read_text(encoding="ascii")
        return int(text.split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None


@contextlib.contextmanager
def pinned(cores: int = 1) -> Generator[int | None]:
    """Keep this thread, and those that it starts, on so many cores meanwhile; yields the highest of
    their numbers, or None where that is not possible."""
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    try:
        before = os.sched_getaffinity(0)
        kept = sorted(before)[-cores:]
        os.sched_setaffinity(0, kept)
    except OSError:
        yield None
        return
    try:
        yield kept[-1]
    finally:
        os.sched_setaffinity(0, before)


def random_array(tensor: Tensor, batch: int, seed: int) -> NDArray[Any]:
    """A random array for an input: normal floats, small integers."""
    random = np.random.default_rng(seed)
    dims, dtype = tensor.dims(batch), np.dtype(tensor.dtype)
    if dtype.kind == "f":
        return np.asarray(random.standard_normal(dims), dtype=dtype)
    return np.asarray(random.integers(0, 2, dims), dtype=dtype)
