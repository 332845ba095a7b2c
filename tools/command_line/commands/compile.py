"""``bnnc compile``: an ONNX model becomes one library."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ....options import FLAGS
from ...inspection.layer_report import (
    almost_binary,
    layer_lines,
    on_bits_text,
    rows_of,
    smaller_text,
)
from ..arguments import add_options, add_quiet, options_of
from ..console import bytes_text, complain, progress, require_compiler, show

if TYPE_CHECKING:
    from ....driver import Compilation

NAME = "compile"
HELP = "compile an ONNX model for a target"
DESCRIPTION = "Compile an ONNX model to a shared library that Python and C load."
EXAMPLES = """\
  bnnc compile mnist.onnx
  bnnc compile mnist.onnx --target cortex-a72 -o mnist-pi4.so --header mnist.h
  bnnc compile net.onnx --shape image=1x3x224x224,mask=1x10 -v
  bnnc compile net.onnx --target aarch64-unknown-linux-gnu:cortex-x1 --emit obj
  bnnc compile net.onnx --tune
  bnnc compile net.onnx --backend tvm --tune --tune-trials 64
  bnnc compile net.onnx --compress
  bnnc compile net.onnx --dump-ir passes/
"""
NOTES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="MODEL.onnx")
    add(
        "--target",
        default="native",
        metavar="T",
        help="native (default), a name that `bnnc targets` lists, or TRIPLE:CPU of LLVM",
    )
    add("-o", "--output", metavar="OUT", help="default: the model's path with .so (or .o, .s, ..)")
    add_options(parser, *FLAGS)
    loud = parser.add_mutually_exclusive_group().add_argument
    loud("-v", "--verbose", action="store_true", help="list the layers")
    add_quiet(loud)


def run(arguments: argparse.Namespace) -> int:
    require_compiler("bnnc compile")
    from ....driver import compile_file, output_path

    options = options_of(arguments)
    model = arguments.model
    output = output_path(model, arguments.output, options)
    with progress(arguments.quiet) as say:
        compilation = compile_file(model, arguments.target, output, options, say)
    for warning in compilation.warnings:
        complain(f"warning: {warning}")
    if arguments.quiet:
        return 0
    _remark(compilation)
    show(_summary(output, compilation, options.emit))
    if arguments.verbose:
        show(*layer_lines(rows_of(compilation.manifest)))
    return 0


def _summary(output: Path, compilation: Compilation, emit: str) -> str:
    from ...inspection.stored_weights import stored_weights, total

    layers = compilation.manifest.layers
    size = bytes_text(len(compilation.data))
    if emit in ("so", "obj"):
        size = smaller_text(layers, len(compilation.data))
        weights = stored_weights(compilation.data, compilation.manifest, str(output))
        if weights:
            size += f", {total(weights).bits:.2f} bits a binary weight"
    target = compilation.manifest.target
    return (
        f"{output}: {on_bits_text(layers)}, {size}, "
        f"{target.name if target.name != 'native' else f'native ({target.cpu})'}, "
        f"{compilation.seconds:.1f} s"
    )


def _remark(compilation: Compilation) -> None:
    """Print the importer's notes, and the layers that are almost binary, to stderr."""
    for note in compilation.imported.notes:
        complain(f"note: {note}")
    almost = almost_binary(compilation.manifest.layers)
    for layer in almost[:NOTES]:
        complain(f"note: layer {layer.name} ({layer.op}) stays float: {layer.reason}")
    if len(almost) > NOTES:
        complain(f"note: {len(almost) - NOTES} more layers stay float; bnnc inspect lists them")
