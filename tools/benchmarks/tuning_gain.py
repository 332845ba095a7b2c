"""What tuning gains: untuned and tuned code of the same models, run in turns.

`python -m bnnc.tools.benchmarks.tuning_gain NET.onnx ..` compiles each model with the cost model's
choices and with the measured ones (`bnnc compile --tune`), and prints the ratio of their times: how
much slower the cost model's choice is. The last line is the geometric mean over all models. A
model's time is the sum of its kernels' least times, which other processes disturb less than
complete calls.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError
from ...runtime.artifact import read_manifest
from ...runtime.cpu import cpu_name
from ...runtime.step_timer import StepTimer
from ..command_line.console import progress, require_compiler, show, table, time_text
from ..command_line.exits import guarded
from .timing import pinned, random_array

LEAST_CALLS = 5
HEAD = ("network", "untuned", "tuned", "ratio", "other kernels")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bnnc.tools.benchmarks.tuning_gain", description=__doc__
    )
    add = parser.add_argument
    add("files", nargs="*", type=Path, metavar="MODEL.onnx")
    add("--models", type=Path, metavar="DIR", help="also every .onnx file in a folder")
    add("--target", default="native", help="one that this machine runs (default native)")
    add("--batch", type=int, default=1, help="for networks with an open batch (default 1)")
    add("--seconds", type=float, default=2.0, help="for each model and form (default 2)")
    add("--tune-seconds", type=float, default=0.3, help="for each distinct layer (default 0.3)")
    arguments = parser.parse_args(argv)
    return guarded(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> int:
    """All measurements that the arguments ask for."""
    require_compiler("tuned")
    models: list[Path] = [*arguments.files]
    if arguments.models is not None:
        models += sorted(arguments.models.glob("*.onnx"))
    if not models:
        raise InputError("name models, or a folder of them with --models")
    rows: list[tuple[str, ...]] = [HEAD]
    ratios: list[float] = []
    with pinned() as core, progress() as say:
        for model in models:
            say(model.name)
            times, others = _compare(model, arguments)
            untuned, tuned = times
            ratios.append(untuned / tuned)
            shown = (time_text(untuned), time_text(tuned))
            rows.append((model.stem, *shown, f"{ratios[-1]:.3f}", others))
    mean = math.exp(math.fsum(map(math.log, ratios)) / len(ratios))
    rows.append(("geometric mean", "", "", f"{mean:.3f}", ""))
    show(f"{cpu_name()}, core {core}, {arguments.target}, one thread", *table(rows))
    return 0


def _compare(model: Path, arguments: argparse.Namespace) -> tuple[list[float], str]:
    """Seconds of the untuned and the tuned code, and how many of their kernels differ."""
    from ...driver import build
    from ...options import Options

    timers: list[StepTimer] = []
    kernels: list[list[str]] = []
    for tune in (False, True):
        options = Options(tune=tune, tune_seconds=arguments.tune_seconds)
        compilation = build(str(model), arguments.target, options, "tuned")
        manifest = read_manifest(compilation.data, str(model))
        batch = arguments.batch if manifest.symbolic else 1
        inputs = [random_array(t, batch, seed) for seed, t in enumerate(manifest.inputs)]
        timers.append(StepTimer(compilation.data, manifest, str(model), inputs, batch))
        kernels.append([kernel.kernel for kernel in manifest.kernels])
    end = time.perf_counter() + 2 * arguments.seconds
    while timers[0].calls < LEAST_CALLS or time.perf_counter() < end:
        for timer in timers:
            timer.run()
    return [sum(map(min, timer.seconds())) for timer in timers], _difference(*kernels)


def _difference(untuned: Sequence[str], tuned: Sequence[str]) -> str:
    """``3 of 20``: kernels of the tuned code that the untuned code does not have."""
    left = list(untuned)
    fresh = 0
    for kernel in tuned:
        if kernel in left:
            left.remove(kernel)
        else:
            fresh += 1
    return f"{fresh} of {len(tuned)}"


if __name__ == "__main__":
    raise SystemExit(main())
