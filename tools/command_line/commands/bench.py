"""``bnnc bench``: how long one call takes, alone or next to ONNX Runtime."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ....files import open_regular
from ..arguments import add_threads, positive, seconds
from ..console import show, show_json, table, time_text

if TYPE_CHECKING:
    from ....runtime import Model
    from ...benchmarks.timing import Timing

NAME = "bench"
HELP = "time a compiled model, next to ONNX Runtime if wanted"
DESCRIPTION = """\
Time one call of a compiled model on random inputs: warm, minimum and median, pinned to as many
cores as there are threads. With --model, ONNX Runtime (float32, as many threads) runs in turns with
it in the same process. With --layers, the time of each kernel inside the model next to the cycles
that the compiler predicted; a MODEL.onnx is compiled for this machine first."""
EXAMPLES = """\
  bnnc bench mnist.so
  bnnc bench mnist.so --model mnist.onnx --batch 8 --json
  bnnc bench resnet.so --threads 2
  bnnc bench mnist.so --layers
"""
REST = 0.05
"""Seconds before a turn, in which threads of the previous one stop spinning."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("artifact", metavar="ARTIFACT", help="what bnnc compile wrote: load only what you trust")
    add("--layers", action="store_true", help="each kernel's time, predicted and measured")
    add("--model", metavar="MODEL.onnx", help="compare with ONNX Runtime on the source model")
    add("--batch", type=positive, default=1, metavar="N", help="batch size (default 1)")
    add_threads(parser)
    add("--seconds", type=seconds, default=1.0, metavar="S", help="time for each (default 1)")
    add("--runs", type=positive, metavar="N", help="number of calls, instead of a time")
    add("--json", action="store_true", help="print JSON; times are in seconds")


def run(arguments: argparse.Namespace) -> int:
    from ....errors import InputError
    from ....runtime import load
    from ....runtime.artifact import read_manifest
    from ....runtime.artifact_file import read_file
    from ....runtime.thread_pool import thread_count
    from ...benchmarks.layer_times import run as run_layers
    from ...benchmarks.timing import measure, pinned, random_array

    if arguments.layers:
        return run_layers(arguments)
    path = arguments.artifact
    manifest = read_manifest(read_file(path), path)
    if arguments.batch != 1 and not manifest.symbolic:
        raise InputError(f"{path}: was compiled for a fixed batch; --batch does not apply")
    threads = thread_count(arguments.threads, path)
    # Threads stay on the cores on which they start.
    with pinned(threads) as core, load(path, threads) as model:
        inputs = {
            tensor.name: random_array(tensor, arguments.batch, seed)
            for seed, tensor in enumerate(manifest.inputs)
        }
        contenders: dict[str, Any] = {"bnnc": lambda: model(*inputs.values())}
        versions = {"bnnc": manifest.bnnc}
        if arguments.model is not None:
            from ...benchmarks.onnx_engines import ONNXRUNTIME

            contenders[ONNXRUNTIME.name] = ONNXRUNTIME.load(
                _existing(arguments.model), inputs, threads
            )
            versions[ONNXRUNTIME.name] = ONNXRUNTIME.version or ""
        rest = REST if threads > 1 and len(contenders) > 1 else 0.0
        timed = measure(contenders, arguments.seconds, arguments.runs, rest)
        _print(arguments, model, timed, versions, threads, core)
    return 0


def _existing(path: str) -> str:
    """The path of a file that can be read; OSError otherwise."""
    with open_regular(path):
        return path


def _print(
    arguments: argparse.Namespace,
    model: Model,
    timed: dict[str, Timing],
    versions: dict[str, str],
    threads: int,
    core: int | None,
) -> None:

    from ....runtime.cpu import cpu_name

    fixed = all(None not in tensor.shape for tensor in model.inputs)
    batch = None if fixed else arguments.batch
    peer = timed.get("onnxruntime")
    ratio = None if peer is None else peer.median / timed["bnnc"].median
    if arguments.json:
        known: dict[str, object] = {
            "artifact": arguments.artifact,
            "name": model.metadata["name"],
            "target": model.metadata["target"],
            "cpu": cpu_name(),
            "core": core,
            "threads": threads,
            "batch": batch,
            "versions": versions,
            "onnxruntime": None,
            "ratio": ratio,
        }
        show_json({**known, **{name: timing.json() for name, timing in timed.items()}})
        return
    where = "not pinned" if core is None else f"core {core}" if threads == 1 else "pinned"
    many = "one thread" if threads == 1 else f"{threads} threads"
    how = "the batch as compiled" if batch is None else f"batch {batch}"
    show(f"{cpu_name()}, {where}, {many}, {how}")
    rows = [("", "min", "median", "calls")]
    for name, timing in timed.items():
        title = f"{name} {versions[name]}"
        calls = str(timing.calls)
        rows.append((title, time_text(timing.minimum), time_text(timing.median), calls))
    show(*table(rows))
    if ratio is not None:
        word = "faster" if ratio >= 1 else "slower"
        show(f"bnnc is {max(ratio, 1 / ratio):.2f}x {word} than onnxruntime (ratio of medians)")
