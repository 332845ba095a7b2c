"""How long each kernel of a compiled model and the complete call take. Needs only NumPy."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ...runtime.manifest import Kernel, Manifest
from ...runtime.step_timer import StepTimer
from .timing import Timing, random_array

WARM = 2


@dataclass(frozen=True)
class StepTimes:
    """Measured times of a model's kernels, in the manifest's order, and of the complete call."""

    kernels: tuple[tuple[Kernel, Timing], ...]
    call: Timing


def measure_steps(
    data: bytes,
    manifest: Manifest,
    path: str,
    batch: int = 1,
    seconds: float = 1.0,
    calls: int | None = None,
) -> StepTimes:
    """Time an artifact's kernels on random inputs for about ``seconds``, or in ``calls`` calls;
    and, in turns with that, complete calls without a clock inside."""
    inputs = [random_array(tensor, batch, seed) for seed, tensor in enumerate(manifest.inputs)]
    timer = StepTimer(data, manifest, path, inputs, batch)
    spent: list[float] = []
    clock = time.perf_counter
    for _ in range(WARM):
        timer.plain()
    end = clock() + seconds
    while len(spent) < (calls or 1) or (calls is None and clock() < end):
        timer.run()
        start = clock()
        timer.plain()
        spent.append(clock() - start)
    pairs = zip(manifest.kernels, timer.seconds(), strict=True)
    return StepTimes(tuple((kernel, _timing(times)) for kernel, times in pairs), _timing(spent))


def _timing(spent: Sequence[float]) -> Timing:
    return Timing(min(spent), statistics.median(spent), len(spent))
