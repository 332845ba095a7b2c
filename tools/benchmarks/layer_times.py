"""``bnnc bench --layers``: the predicted and the measured time of each kernel of a model."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from ...errors import InputError
from ...runtime.artifact import read_manifest
from ...runtime.artifact_file import read_file
from ...runtime.cpu import cpu_name
from ...runtime.manifest import Kernel, Manifest
from ..command_line.console import (
    CYCLES,
    count_text,
    progress,
    require_compiler,
    shape_text,
    show,
    show_json,
    show_text,
    table,
    time_text,
)
from .kernel_times import StepTimes, measure_steps
from .timing import Timing, pinned

HEAD = (
    "layer",
    "kernel",
    "output",
    f"predicted {CYCLES}",
    "measured",
    "cycles/ns",
    "share",
    "GMAC/s",
)
NOTE = """\
predicted cycles: by the cost model; measured: the fastest of the calls; cycles/ns: the first over
the second, the same for all kernels where the model is right"""


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    if arguments.model is not None:
        raise InputError("--layers measures only the model; --model does not apply")
    if arguments.threads not in (None, 1):
        raise InputError("--layers measures one thread; --threads does not apply")
    path = arguments.artifact
    data = _library(path, arguments.quiet)
    manifest = read_manifest(data, path)
    if arguments.batch != 1 and not manifest.symbolic:
        raise InputError(f"{path}: was compiled for a fixed batch; --batch does not apply")
    with pinned() as core:
        times = measure_steps(
            data, manifest, path, arguments.batch, arguments.seconds, arguments.runs
        )
    if arguments.json:
        show_json(_json(path, manifest, times, arguments.batch, core))
        return 0
    where = "not pinned" if core is None else f"core {core}"
    batch = f", batch {arguments.batch}" if manifest.symbolic else ""
    show(f"{cpu_name()}, {where}, one thread{batch}", *_lines(times, arguments.batch))
    if not arguments.quiet:
        show_text(NOTE)
    return 0


def _library(path: str, quiet: bool) -> bytes:
    """An artifact's bytes; a model is compiled for this machine first."""
    if not path.endswith(".onnx"):
        return read_file(path)
    require_compiler("bench --layers of a model")
    from ...driver import build
    from ...options import Options

    with progress(quiet) as say:
        return build(path, "native", Options(), Path(path).stem, progress=say).data


def _lines(times: StepTimes, batch: int) -> list[str]:
    total = sum(timing.minimum for _, timing in times.kernels)
    rows: list[tuple[str, ...]] = [HEAD]
    for kernel, timing in times.kernels:
        name = kernel.name if len(kernel.name) <= 32 else f"..{kernel.name[-30:]}"
        rows.append(
            (name, kernel.kernel, shape_text(kernel.output), *_cells(kernel, timing, batch, total))
        )
    everything = Kernel("total", "", "", (), *_sums(times), 0)
    spent = Timing(total, total, times.call.calls)
    rows.append(("total", "", "", *_cells(everything, spent, batch, total)))
    summary = f"whole calls: {time_text(times.call.minimum)}, median {time_text(times.call.median)}"
    return [*table(rows, (0, 1)), f"{summary}, {times.call.calls} calls"]


def _sums(times: StepTimes) -> tuple[int, int]:
    kernels = [kernel for kernel, _ in times.kernels]
    return sum(kernel.macs for kernel in kernels), sum(kernel.cycles for kernel in kernels)


def _cells(kernel: Kernel, timing: Timing, batch: int, total: float) -> tuple[str, ...]:
    nanoseconds = max(timing.minimum * 1e9, 1e-3)
    return (
        count_text(kernel.cycles * batch),
        time_text(timing.minimum),
        f"{kernel.cycles * batch / nanoseconds:.2f}",
        f"{100 * timing.minimum / max(total, 1e-12):.1f} %",
        f"{kernel.macs * batch / nanoseconds:.1f}" if kernel.macs else "",
    )


def _json(
    path: str, manifest: Manifest, times: StepTimes, batch: int, core: int | None
) -> dict[str, object]:
    return {
        "artifact": path,
        "name": manifest.name,
        "target": asdict(manifest.target),
        "cpu": cpu_name(),
        "core": core,
        "batch": batch if manifest.symbolic else None,
        "bnnc": times.call.json(),
        "kernels": [{**asdict(kernel), **timing.json()} for kernel, timing in times.kernels],
    }
