"""``bnnc run``: a compiled model on arrays from files."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import add_quiet, add_threads
from ..console import shape_text, show

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "run"
HELP = "run a compiled model on .npy or .npz files"
DESCRIPTION = "Run a compiled model on arrays from .npy or .npz files. Needs only NumPy."
EXAMPLES = """\
  bnnc run mnist.so --input images.npy
  bnnc run mnist.so --input image=images.npy -o scores.npz
  bnnc run net.so --input both.npz          (the names in the file are those of the inputs)
"""
SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("artifact", metavar="ARTIFACT", help="what bnnc compile wrote: load only what you trust")
    add(
        "--input",
        dest="inputs",
        metavar="[NAME=]X.npy|X.npz",
        action="append",
        required=True,
        help="an array for an input, or a .npz with one by the name of each; repeat it for more",
    )
    add_threads(parser)
    add("-o", "--output", metavar="OUT.npz", help="write the outputs there instead of printing")
    add_quiet(parser.add_argument)


def run(arguments: argparse.Namespace) -> int:
    from ....files import check_writable, write_file
    from ....runtime import load
    from ....runtime.manifest import Tensor
    from ..array_files import gather, to_npz

    output = Path(arguments.output) if arguments.output is not None else None
    if output is not None:
        check_writable(output)
    with load(arguments.artifact, arguments.threads) as model:
        described: Any = model.metadata["inputs"]
        inputs = [Tensor(**tensor) for tensor in described]
        results = model.run(gather(arguments.inputs, inputs))
    if output is None:
        show(*_described(results))
    else:
        write_file(output, to_npz(results))
        if not arguments.quiet:
            show(f"{output}: " + ", ".join(_title(*item) for item in results.items()))
    return 0


def _described(results: Mapping[str, NDArray[Any]]) -> Sequence[str]:
    """One line for each output: shape, dtype, range and the largest of each row."""
    lines: list[str] = []
    for name, array in results.items():
        line = _title(name, array)
        if array.size and array.dtype.kind != "b":
            line += f", min {array.min():.6g}, max {array.max():.6g}"
        if array.size and array.ndim and array.shape[-1] > 1:
            rows = array.reshape(-1, array.shape[-1]).argmax(-1)
            dots = " .." if rows.size > SHOWN else ""
            line += f", argmax {' '.join(map(str, rows[:SHOWN]))}{dots}"
        lines.append(line)
    return lines


def _title(name: str, array: NDArray[Any]) -> str:
    return f"{name}: {array.dtype} {shape_text(array.shape)}"
