"""How long each kernel of an artifact takes, measured inside the unchanged artifact.

The code hands each of its steps to the caller's ``parallel_for``, one after another and in the
order of the manifest's kernels, the first ones again for each round of the batch. The
``parallel_for`` given here runs the entire step at once and reads the clock before and after; the
cost of reading it is subtracted.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ..errors import ArtifactError
from .array_checks import new_output
from .library import PARALLEL_FOR, TASK, Library
from .manifest import Manifest
from .verified_bytes import VerifiedBytes

if TYPE_CHECKING:
    from numpy.typing import NDArray


class StepTimer:
    """An artifact on one thread and fixed inputs, with a clock around each of its steps.

    ``inputs`` are contiguous arrays of the manifest's shapes and types.
    """

    def __init__(
        self,
        data: bytes,
        manifest: Manifest,
        path: str,
        inputs: Sequence[NDArray[Any]],
        batch: int = 1,
    ) -> None:
        with closing(VerifiedBytes(data)) as verified:
            self._library = Library(verified, manifest, path)
        self._manifest, self._path, self._batch = manifest, path, batch
        self._inputs = inputs
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
        rounds = self._manifest.workspace.rounds
        again = rounds.steps * (rounds.count(self._batch, 1) - 1)
        steps = sum(kernel.steps for kernel in self._manifest.kernels)
        if len(self._stamps) != steps + again:
            raise ArtifactError(
                f"{self._path}: the code has {len(self._stamps)} steps, its manifest "
                f"{steps + again}; compile it again"
            )
        times = [max(0, stamp - self._overhead) for stamp in self._stamps]
        inside, after = times[: again + rounds.steps], times[again + rounds.steps :]
        added = [sum(inside[step :: rounds.steps]) for step in range(rounds.steps)]
        self._calls.append([*added, *after])

    def plain(self) -> None:
        """One call of the model as others call it."""
        self._library.run(self._batch, self._inputs, self._outputs)

    @property
    def calls(self) -> int:
        """Calls of `run` so far."""
        return len(self._calls)

    def seconds(self) -> list[list[float]]:
        """For each kernel of the manifest, the time of each call of `run`: its steps added up."""
        times: list[list[float]] = []
        at = 0
        for kernel in self._manifest.kernels:
            times.append([sum(call[at : at + kernel.steps]) / 1e9 for call in self._calls])
            at += kernel.steps
        return times
