"""Functions alone, next to ONNX Runtime: how long one operator takes on many floats.

`python -m bnnc.tools.benchmarks.function_times [Sigmoid ..]` makes a model of each operator on one
tensor, compiles it, and runs it in turns with ONNX Runtime on one core and one thread. Both read
and write the same arrays in each call. Softmax works along the last axis.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ...runtime.artifact import read_manifest
from ...runtime.cpu import cpu_name
from ...runtime.library import Library
from ...runtime.verified_bytes import VerifiedBytes
from ..command_line.console import progress, require_compiler, show, table, time_text
from ..command_line.exits import guarded
from .timing import Timing, measure, pinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPERATORS = ("Exp", "Log", "Sigmoid", "Tanh", "Erf", "Softmax", "LogSoftmax")
HEAD = ("operator", "bnnc", "median", "ONNX Runtime", "median", "ratio")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bnnc.tools.benchmarks.function_times", description=__doc__
    )
    add = parser.add_argument
    add("operators", nargs="*", metavar="OPERATOR", help=f"default: {' '.join(OPERATORS)}")
    add("--shape", type=int, nargs="+", default=[32, 1024], help="default 32 1024")
    add("--target", default="native", help="one that this machine runs (default native)")
    add("--seconds", type=float, default=2.0, help="for each operator and engine (default 2)")
    arguments = parser.parse_args(argv)
    return guarded(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> int:
    """All measurements that the arguments ask for."""
    require_compiler("measured")
    operators: list[str] = arguments.operators or [*OPERATORS]
    unknown = [name for name in operators if name not in OPERATORS]
    if unknown:
        raise InputError(f"unknown operator {unknown[0]!r}; expected some of {' '.join(OPERATORS)}")
    rows: list[tuple[str, ...]] = [HEAD]
    with pinned() as core, progress() as say, tempfile.TemporaryDirectory() as folder:
        for name in operators:
            say(name)
            ours, theirs = _times(name, arguments, Path(folder))
            shown = [time_text(t) for each in (ours, theirs) for t in (each.minimum, each.median)]
            rows.append((name, *shown, f"{theirs.minimum / ours.minimum:.2f}"))
    shape = "x".join(map(str, arguments.shape))
    show(f"{cpu_name()}, core {core}, {arguments.target}, one thread, {shape} floats", *table(rows))
    return 0


def _times(name: str, arguments: argparse.Namespace, folder: Path) -> tuple[Timing, Timing]:
    """Of bnnc and of ONNX Runtime."""
    from ...driver import build
    from ...options import Options

    model = folder / f"{name}.onnx"
    _write(name, arguments.shape, model)
    x, out = _aligned(arguments.shape), _aligned(arguments.shape)
    x[...] = np.random.default_rng(0).standard_normal(arguments.shape)
    if name == "Log":
        np.abs(x, out=x)
    compilation = build(str(model), arguments.target, Options(), name)
    manifest = read_manifest(compilation.data, str(model))
    with closing(VerifiedBytes(compilation.data)) as verified:
        ours = Library(verified, manifest, str(model))
    calls = {"bnnc": lambda: ours.run(1, [x], [out]), "ORT": _onnxruntime(model, x, out)}
    times = measure(calls, arguments.seconds)
    return times["bnnc"], times["ORT"]


def _aligned(shape: Sequence[int]) -> NDArray[np.float32]:
    """Floats that begin a cache line, as both engines lay out what is inside a network."""
    memory = np.zeros(4 * math.prod(shape) + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + 4 * math.prod(shape)].view(np.float32).reshape(shape)


def _onnxruntime(
    model: Path, x: NDArray[np.float32], out: NDArray[np.float32]
) -> Callable[[], object]:
    """A call of ONNX Runtime."""
    import onnxruntime as ort

    options: Any = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session: Any = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(out))
    return lambda: session.run_with_iobinding(binding)


def _write(name: str, shape: Sequence[int], path: Path) -> None:
    """A model of one operator."""
    import onnx
    from onnx import helper

    attributes: dict[str, Any] = {"axis": -1} if "Softmax" in name else {}
    values = [helper.make_tensor_value_info(v, onnx.TensorProto.FLOAT, shape) for v in "xy"]
    node = helper.make_node(name, ["x"], ["y"], **attributes)
    graph = helper.make_graph([node], name, values[:1], values[1:])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


if __name__ == "__main__":
    raise SystemExit(main())
