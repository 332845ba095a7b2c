"""How long each node of a compiled model takes, inside the model as it is: NumPy alone.

The code hands each of its steps to the caller's ``parallel_for``, one after another and in the
order of the manifest's kernels. Here that runs the whole step at once and looks at the clock before
and after; what the look itself costs is subtracted.
"""

from __future__ import annotations

import ctypes
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ArtifactError
from ..runtime.library import PARALLEL_FOR, TASK, Library
from ..runtime.manifest import Kernel, Manifest
from ..runtime.tensors import new_output
from .timing import Timing, random_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

WARM = 2


@dataclass(frozen=True)
class StepTimes:
    """Measured times of a model's kernels, in the manifest's order, and of the whole call."""

    kernels: tuple[tuple[Kernel, Timing], ...]
    whole: Timing


class StepTimer:
    """An artifact on one thread, on random inputs, with a clock around each of its steps."""

    def __init__(self, data: bytes, manifest: Manifest, path: str, batch: int = 1) -> None:
        self._library = Library(data, manifest, path)
        self._manifest, self._path, self._batch = manifest, path, batch
        self._inputs: list[NDArray[Any]] = [
            random_array(tensor, batch, seed) for seed, tensor in enumerate(manifest.inputs)
        ]
        self._outputs = [new_output(tensor, batch, path) for tensor in manifest.outputs]
        self._stamps: list[int] = []
        self._look = PARALLEL_FOR(self._timed)
        self._overhead = self._measure_overhead()
        self._calls: list[list[int]] = []

    def _timed(self, pool: Any, task: Any, frame: Any, count: int) -> None:
        clock = time.perf_counter_ns
        start = clock()
        task(frame, 0, count)
        self._stamps.append(clock() - start)

    def _measure_overhead(self) -> int:
        """Nanoseconds that the clock shows around a function that does nothing."""
        nothing = TASK(ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p).value or 0)
        for _ in range(1000):
            self._timed(None, nothing, None, 0)
        least = min(self._stamps)
        self._stamps.clear()
        return least

    def run(self) -> None:
        """One call of the model; its steps' times are kept."""
        self._stamps.clear()
        self._library.run(self._batch, self._inputs, self._outputs, self._look)
        steps = sum(kernel.steps for kernel in self._manifest.kernels)
        if len(self._stamps) != steps:
            raise ArtifactError(
                f"{self._path}: the code has {len(self._stamps)} steps, its manifest {steps}; "
                "compile it again"
            )
        self._calls.append([max(0, stamp - self._overhead) for stamp in self._stamps])

    def plain(self) -> None:
        """One call of the model as others call it."""
        self._library.run(self._batch, self._inputs, self._outputs)

    @property
    def calls(self) -> int:
        """Calls of `run` so far."""
        return len(self._calls)

    def times(self) -> list[tuple[Kernel, Timing]]:
        """What each kernel took, its steps added up."""
        found: list[tuple[Kernel, Timing]] = []
        at = 0
        for kernel in self._manifest.kernels:
            spent = [sum(call[at : at + kernel.steps]) / 1e9 for call in self._calls]
            found.append((kernel, Timing(min(spent), statistics.median(spent), len(spent))))
            at += kernel.steps
        return found


def measure_steps(timer: StepTimer, seconds: float, calls: int | None = None) -> StepTimes:
    """Time the model's kernels for about ``seconds``, or in ``calls`` calls, and, in turns with
    that, whole calls without a clock inside."""
    spent: list[float] = []
    clock = time.perf_counter
    for _ in range(WARM):
        timer.plain()
    end = clock() + seconds
    while timer.calls < (calls or 1) or (calls is None and clock() < end):
        timer.run()
        start = clock()
        timer.plain()
        spent.append(clock() - start)
    whole = Timing(min(spent), statistics.median(spent), len(spent))
    return StepTimes(tuple(timer.times()), whole)
