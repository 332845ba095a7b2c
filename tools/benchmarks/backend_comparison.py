"""The backends side by side: the same networks compiled by each, in total and layer by layer."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...driver import compile_file
from ...options import Options
from ...runtime.artifact import read_manifest
from ...runtime.artifact_file import read_file
from ...runtime.step_timer import StepTimer
from ..command_line.console import Say, time_text
from .page_sections import Section
from .task import Task
from .timing import SLICE, pinned, random_array

SECTION = Section("backends")
WAYS = ("llvm", "tvm", "tvm tuned")
KINDS = {
    "binary": ("binary_conv", "binary_gemm"),
    "float product": ("conv", "gemm", "matmul"),
    "other float": (),
}
"""Operators of each kind of layer; all others belong to the last kind."""
TEXT = """\
## Backends

The same networks compiled by both backends (`--backend llvm`, `--backend tvm`, and the latter with
`--tune --tune-trials {trials}`), one thread, batch 1, in turns in one run; least times. Ratios are
times of the TVM backend over those of the LLVM backend: below 1 it is faster.

{networks}

Layer by layer, geometric means over the layers of all these networks; *least* and *most* are the
single layers at both ends, *faster* counts those that the TVM backend computes in less time:

{layers}
"""


@dataclass(frozen=True)
class BackendTimes:
    """One network on one target: seconds of a call and of each layer, by way."""

    network: str
    target: str
    calls: Mapping[str, float]
    layers: Mapping[str, Mapping[tuple[str, str], float]]
    """By way: (name, operator) of a layer to seconds."""


def compare(
    tasks: Mapping[str, Task], targets: Sequence[str], trials: int, seconds: float, say: Say
) -> list[BackendTimes]:
    """Compile and measure each network on each target, all ways."""
    return [
        _compare(name, task, target, trials, seconds, say)
        for name, task in tasks.items()
        for target in targets
    ]


def _compare(
    name: str, task: Task, target: str, trials: int, seconds: float, say: Say
) -> BackendTimes:
    timers: dict[str, StepTimer] = {}
    keys: dict[str, list[tuple[str, str]]] = {}
    for way in WAYS:
        say(f"compiling {name}, {target}, {way}")
        path = task.store.folder / f"{task.model.stem}-{target}-{way.replace(' ', '-')}.so"
        backend, *tuned = way.split()
        options = Options(backend, tune=bool(tuned), tune_trials=trials)
        compile_file(
            str(task.model), target, path, options, progress=lambda text: say(f"{name}: {text}")
        )
        data = read_file(str(path))
        manifest = read_manifest(data, str(path))
        inputs = [random_array(tensor, 1, seed) for seed, tensor in enumerate(manifest.inputs)]
        timers[way] = StepTimer(data, manifest, str(path), inputs, 1)
        keys[way] = [(kernel.name, kernel.op) for kernel in manifest.kernels]
    say(f"measuring {name}, {target}")
    with pinned():
        calls = _in_turns(timers, seconds)
    layers: dict[str, dict[tuple[str, str], float]] = {}
    for way, timer in timers.items():
        times = layers.setdefault(way, {})
        for key, spent in zip(keys[way], timer.seconds(), strict=True):
            times[key] = times.get(key, 0.0) + min(spent)
    return BackendTimes(name, target, calls, layers)


def _in_turns(timers: Mapping[str, StepTimer], seconds: float) -> dict[str, float]:
    """Least seconds of a complete call of each; calls that time the layers run in between."""
    least = dict.fromkeys(timers, math.inf)
    end = time.perf_counter() + seconds * len(timers)
    while time.perf_counter() < end:
        for way, timer in timers.items():
            turn = time.perf_counter() + SLICE
            while time.perf_counter() < turn:
                start = time.perf_counter()
                timer.plain()
                least[way] = min(least[way], time.perf_counter() - start)
                timer.run()
    return least


# --- tables -----------------------------------------------------------------------------------


def section(comparisons: Sequence[BackendTimes], trials: int) -> str:
    """The tables as Markdown."""
    networks = [
        "| network | target | llvm | tvm | tvm / llvm | tvm tuned | tuned / llvm |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in comparisons:
        llvm, tvm, tuned = (one.calls[way] for way in WAYS)
        networks.append(
            f"| {one.network} | {one.target} | {time_text(llvm)} | {time_text(tvm)} | "
            f"{tvm / llvm:.2f} | {time_text(tuned)} | {tuned / llvm:.2f} |"
        )
    for target in dict.fromkeys(one.target for one in comparisons):
        here = [one.calls for one in comparisons if one.target == target]
        means = [geomean([c[way] / c["llvm"] for c in here]) for way in WAYS[1:]]
        networks.append(
            f"| **geometric mean** | {target} | | | **{means[0]:.2f}** | | **{means[1]:.2f}** |"
        )
    layers = [
        "| layers | target | number | tvm / llvm | tuned / llvm | least | most | faster |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *_layer_rows(comparisons),
    ]
    return TEXT.format(trials=trials, networks="\n".join(networks), layers="\n".join(layers))


def _layer_rows(comparisons: Sequence[BackendTimes]) -> Iterator[str]:
    for kind in KINDS:
        for target in dict.fromkeys(one.target for one in comparisons):
            pairs = [
                pair for one in comparisons if one.target == target for pair in _ratios(one, kind)
            ]
            if not pairs:
                continue
            plain, tuned = zip(*pairs, strict=True)
            faster = sum(ratio < 1 for ratio in tuned)
            yield (
                f"| {kind} | {target} | {len(pairs)} | {geomean(plain):.2f} | "
                f"{geomean(tuned):.2f} | {min(tuned):.2f} | {max(tuned):.2f} | {faster} |"
            )


def _ratios(one: BackendTimes, kind: str) -> Iterator[tuple[float, float]]:
    """Ratios, plain and tuned, of the layers of a kind that all ways have, except those that take
    less time than the clock resolves."""
    llvm, tvm, tuned = (one.layers[way] for way in WAYS)
    for key, seconds in llvm.items():
        if kind_of(key[1]) == kind and key in tvm and key in tuned:
            times = seconds, tvm[key], tuned[key]
            if min(times) > 0:
                yield times[1] / times[0], times[2] / times[0]


def kind_of(operator: str) -> str:
    """The kind of a layer, by its operator."""
    return next((kind for kind, operators in KINDS.items() if operator in operators), [*KINDS][-1])


def geomean(ratios: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))
