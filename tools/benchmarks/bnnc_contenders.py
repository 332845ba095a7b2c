"""bnnc itself as a contender: networks as users load them, layers as they run inside networks."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from ...backends.targets import check_host
from ...driver import Compilation, compile_file, resolve_target
from ...options import Options
from ...runtime import load
from ..inspection.layer_report import totals
from .inner_layers import middle_call
from .kernel_profile import shares
from .task import Contender, Task
from .timing import TimedCall

PREFIX = "bnnc"
STARTS = 5


@dataclass(frozen=True)
class Facts:
    """Figures of a compiled network besides its speed; sizes in bytes, of one image."""

    binarized: int
    layers: int
    macs: int
    onnx: int
    artifact: int
    workspace: int
    compile_seconds: float
    shares: dict[str, float]
    """Shares of the time by kind of kernel."""
    first_seconds: float
    """From the file to the first result: the median of ``STARTS`` loads, none of them used before;
    a new process's imports are not counted."""


def name(target: str) -> str:
    """The contender's name."""
    return f"{PREFIX} {target}"


def is_ours(who: str) -> bool:
    """Whether a contender is bnnc."""
    return who.startswith(f"{PREFIX} ")


def compiled(task: Task, target: str) -> tuple[Compilation, float]:
    """The task's model for a target, written into the store's folder, and the seconds it took.

    Never kept from an earlier run: the time of the compiler is measured, too. Raises BnncError, for
    a target that this machine does not run as well.
    """
    check_host(resolve_target(target), "run code", "measure it on a machine that can")
    started = time.perf_counter()
    compilation = compile_file(str(task.model), target, _library(task, target), Options())
    return compilation, time.perf_counter() - started


def network(task: Task, target: str) -> Contender:
    """A network that is already compiled, loaded for the task's threads."""
    model = load(_library(task, target), threads=task.threads)
    values = list(task.inputs.values())
    return Contender(TimedCall(lambda: model(*values)), "", None, model.close)


def layer(task: Task, target: str) -> tuple[Contender, float]:
    """The middle of a chain, bits to bits, and how many layers a call runs."""
    compilation, _ = compiled(task, target)
    call, layers, kernel = middle_call(compilation.graph, target)
    return Contender(TimedCall(call), "", kernel), layers


def facts(task: Task, compilation: Compilation, seconds: float, target: str) -> Facts:
    """The figures of a compilation, and the time to a first result."""
    values = list(task.inputs.values())
    firsts: list[float] = []
    for _ in range(STARTS):
        started = time.perf_counter()
        with load(_library(task, target)) as model:
            model(*values)
            firsts.append(time.perf_counter() - started)
    manifest = compilation.manifest
    counted = totals(manifest.layers)
    return Facts(
        binarized=counted["binarized"],
        layers=counted["total"],
        macs=counted["macs"],
        onnx=task.model.stat().st_size,
        artifact=len(compilation.data),
        workspace=manifest.workspace.nbytes(1, 1),
        compile_seconds=seconds,
        shares=shares(_library(task, target)),
        first_seconds=statistics.median(firsts),
    )


def _library(task: Task, target: str) -> Path:
    return task.store.folder / f"{task.model.stem}-{target.replace(':', '-')}.so"
