"""What tuning gains: untuned and tuned code of the same models, run in turns.

`python -m bnnc.tools.tuned NET.onnx ..` compiles each model with the cost model's choices and with
the measured ones (`bnnc compile --tune`), and prints the ratio of their times: how much slower the
cost model's choice is. The last line is the geometric mean over all models.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError
from .console import progress, require_compiler, show, table, time_text
from .exits import guarded
from .timing import Timing, cpu_name, measure, pinned, random_array

HEAD = ("network", "untuned", "tuned", "ratio", "other kernels")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bnnc.tools.tuned", description=__doc__)
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
            ratios.append(times["untuned"].minimum / times["tuned"].minimum)
            shown = (time_text(times[name].minimum) for name in ("untuned", "tuned"))
            rows.append((model.stem, *shown, f"{ratios[-1]:.3f}", others))
    mean = math.exp(math.fsum(map(math.log, ratios)) / len(ratios))
    rows.append(("geometric mean", "", "", f"{mean:.3f}", ""))
    show(f"{cpu_name()}, core {core}, {arguments.target}, one thread, fastest calls", *table(rows))
    return 0


def _compare(model: Path, arguments: argparse.Namespace) -> tuple[dict[str, Timing], str]:
    """Times of the untuned and the tuned code, and how many of their kernels differ."""
    from ..driver import compile
    from ..runtime import load
    from ..runtime.artifact import read_file, read_manifest

    with tempfile.TemporaryDirectory() as folder:
        plain, tuned = Path(folder, "untuned.so"), Path(folder, "tuned.so")
        compile(model, arguments.target, plain)
        compile(model, arguments.target, tuned, tune=True, tune_seconds=arguments.tune_seconds)
        contenders: dict[str, Any] = {}
        kernels: list[list[str]] = []
        for path in (plain, tuned):
            loaded = load(path)
            manifest = read_manifest(read_file(path), str(path))
            inputs = [
                random_array(tensor, arguments.batch if manifest.symbolic else 1, seed)
                for seed, tensor in enumerate(manifest.inputs)
            ]
            contenders[path.stem] = partial(loaded, *inputs)
            kernels.append([kernel.kernel for kernel in manifest.kernels])
        times = measure(contenders, arguments.seconds)
    return times, _difference(*kernels)


def _difference(untuned: Sequence[str], tuned: Sequence[str]) -> str:
    """``3 of 20``: kernels of the tuned code that the untuned one has not."""
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
