"""bnnc itself as a contender: a network as users load it, a layer as it runs inside one."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from ...driver import Compilation, Options, compile_file
from ...runtime import load
from ..inspection.layer_report import totals
from .inner_layers import middle_call
from .kernel_profile import shares
from .task import Started, Task
from .timing import Clocked

PREFIX = "bnnc"
STARTS = 5


@dataclass(frozen=True)
class Facts:
    """What is known of a compiled network besides its speed; sizes in bytes, of one image."""

    binarized: int
    layers: int
    macs: int
    onnx: int
    artifact: int
    workspace: int
    compile_seconds: float
    shares: dict[str, float]
    """Of the time, by kind of kernel."""
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

    Never kept from an earlier run: the compiler is what is measured. Raises BnncError.
    """
    started = time.perf_counter()
    made = compile_file(str(task.model), target, _library(task, target), Options())
    return made, time.perf_counter() - started


def network(task: Task, target: str) -> Started:
    """A network compiled before, loaded for the task's threads."""
    model = load(_library(task, target), threads=task.threads)
    values = list(task.inputs.values())
    return Started(Clocked(lambda: model(*values)), "", None, model.close)


def layer(task: Task, target: str) -> tuple[Started, float]:
    """The middle of a chain, bits to bits, and how many layers a call runs."""
    made, _ = compiled(task, target)
    call, layers, kernel = middle_call(made.graph, target)
    return Started(Clocked(call), "", kernel), layers


def facts(task: Task, made: Compilation, seconds: float, target: str) -> Facts:
    """What the compilation says, and the time to a first result."""
    values = list(task.inputs.values())
    firsts: list[float] = []
    for _ in range(STARTS):
        started = time.perf_counter()
        with load(_library(task, target)) as model:
            model(*values)
            firsts.append(time.perf_counter() - started)
    held = made.manifest
    counted = totals(held.layers)
    return Facts(
        binarized=counted["binarized"],
        layers=counted["total"],
        macs=counted["macs"],
        onnx=task.model.stat().st_size,
        artifact=len(made.data),
        workspace=held.workspace.per_batch + held.workspace.fixed,
        compile_seconds=seconds,
        shares=shares(_library(task, target)),
        first_seconds=statistics.median(firsts),
    )


def _library(task: Task, target: str) -> Path:
    return task.store.folder / f"{task.model.stem}-{target.replace(':', '-')}.so"
