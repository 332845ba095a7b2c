"""``bnnc bench``: how long one call takes, alone or next to ONNX Runtime."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..arguments import add_quiet, add_threads, positive, seconds
from ..console import show, show_json, table, time_text

if TYPE_CHECKING:
    from ...benchmarks.call_times import CallTimes

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
    add_quiet(parser.add_argument)


def run(arguments: argparse.Namespace) -> int:
    from ...benchmarks.call_times import benchmark
    from ...benchmarks.layer_times import run as run_layers

    if arguments.layers:
        return run_layers(arguments)
    times = benchmark(
        arguments.artifact,
        arguments.model,
        batch=arguments.batch,
        threads=arguments.threads,
        seconds=arguments.seconds,
        runs=arguments.runs,
    )
    if arguments.json:
        show_json(times.json())
    else:
        show(*_lines(times))
    return 0


def _lines(times: CallTimes) -> Iterator[str]:
    """Where and how it was measured, a row for each runtime, and who is faster."""
    one = times.threads == 1
    where = "not pinned" if times.core is None else f"core {times.core}" if one else "pinned"
    many = "one thread" if one else f"{times.threads} threads"
    how = "the batch as compiled" if times.batch is None else f"batch {times.batch}"
    yield f"{times.cpu}, {where}, {many}, {how}"
    rows = [("time of one call", "min", "median", "calls")]
    for name, timing in times.times.items():
        title = f"{name} {times.versions[name]}"
        calls = str(timing.calls)
        rows.append((title, time_text(timing.minimum), time_text(timing.median), calls))
    yield from table(rows)
    if times.ratio is not None:
        ratio, word = times.ratio, "faster" if times.ratio >= 1 else "slower"
        yield f"bnnc is {max(ratio, 1 / ratio):.2f}x {word} than onnxruntime (ratio of medians)"
