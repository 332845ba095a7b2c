"""``bnnc compile``: an ONNX model becomes one library."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...inspection.layer_report import almost_binary, layer_lines, row_of, totals
from ..arguments import add_backend, add_model_options, by_name, positive, seconds
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
EMIT = ("so", "obj", "asm", "llvm", "ir")
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
    add_backend(parser, "code generator")
    add(
        "--emit",
        choices=EMIT,
        default="so",
        help="shared library (default), relocatable object, assembly, LLVM IR, or bnnc's IR",
    )
    add("--header", metavar="H", help="also write the C header")
    add("--prefix", metavar="P", help="prefix of the C names (default: from the output's name)")
    add_model_options(parser)
    add("--exact-float", action="store_true", help="leave out every float rewrite that rounds")
    add(
        "--no-reuse",
        action="store_true",
        help="compute every channel on its own, however much weights have in common",
    )
    add(
        "--mst-max-depth",
        type=positive,
        metavar="N",
        help="compute channels from each other at most N steps away from one computed in full",
    )
    add("--linker", metavar="L", help="an LLD or GNU ld to use instead of the one bnnc comes with")
    add("--dump-ir", metavar="DIR", help="write the IR after each pass to DIR, numbered")
    add(
        "--compress",
        action="store_true",
        help="a smaller file, which is expanded when Python loads it (C: see `bnnc expand`)",
    )
    add("--tune", action="store_true", help="measure the ways to compute each layer, here and now")
    add(
        "--tune-seconds",
        type=seconds,
        metavar="S",
        help="time to measure each distinct layer (default 0.3)",
    )
    add(
        "--tune-trials",
        type=positive,
        metavar="N",
        help="schedules of the tvm backend to try for each distinct layer (default 32)",
    )
    add(
        "--tune-tracker",
        metavar="HOST:PORT/KEY",
        help="try them on a board that TVM's RPC tracker knows by KEY, and not here",
    )
    add("-v", "--verbose", action="store_true", help="list the layers")


def run(arguments: argparse.Namespace) -> int:
    require_compiler("bnnc compile")
    from ....driver import Options, compile_file, output_path
    from ....errors import InputError
    from ....tuning import SECONDS, TRIALS

    if arguments.tune_seconds is not None and not arguments.tune:
        raise InputError("--tune-seconds is the time of --tune, which is not given")
    for name in ("trials", "tracker"):
        if getattr(arguments, f"tune_{name}") is not None and not arguments.tune:
            raise InputError(f"--tune-{name} is for --tune, which is not given")
    if arguments.mst_max_depth is not None and arguments.no_reuse:
        raise InputError("--mst-max-depth bounds the reuse that --no-reuse leaves out")
    options = Options(
        arguments.backend,
        arguments.emit,
        arguments.prefix,
        by_name(arguments.shapes),
        arguments.sign_zero,
        arguments.exact_float,
        arguments.linker,
        (arguments.tune_seconds or SECONDS) if arguments.tune else None,
        arguments.tune_trials or TRIALS,
        arguments.tune_tracker,
        compress=arguments.compress,
        reuse=not arguments.no_reuse,
        mst_max_depth=arguments.mst_max_depth or 0,
    )
    model = arguments.model
    output = output_path(model, arguments.output, options)
    with progress() as say:
        compilation = compile_file(
            model, arguments.target, output, options, arguments.header, arguments.dump_ir, say
        )
    _remark(compilation)
    show(_summary(output, compilation, options.emit))
    if arguments.verbose:
        show(*layer_lines([row_of(layer) for layer in compilation.manifest.layers]))
    return 0


def _summary(output: Path, compilation: Compilation, emit: str) -> str:
    from ...inspection.stored_weights import stored_weights, total

    counted = totals(compilation.manifest.layers)
    before, after = compilation.imported.source.bytes, len(compilation.data)
    size = f"{bytes_text(before)} -> {bytes_text(after)}"
    if emit in ("so", "obj"):
        size += f" ({before / after:.1f}x)"
        weights = stored_weights(compilation.data, compilation.manifest, str(output))
        if weights:
            size += f", {total(weights).bits:.2f} bits a binary weight"
    target = compilation.manifest.target
    return (
        f"{output}: {counted['binarized']} of {counted['total']} layers on bits, {size}, "
        f"{target.name if target.name != 'native' else f'native ({target.cpu})'}, "
        f"{compilation.seconds:.1f} s"
    )


def _remark(compilation: Compilation) -> None:
    """Print the importer's notes, and the layers that are almost binary, to stderr."""
    for warning in compilation.warnings:
        complain(f"warning: {warning}")
    for note in compilation.imported.notes:
        complain(f"note: {note}")
    almost = almost_binary(compilation.manifest.layers)
    for layer in almost[:NOTES]:
        complain(f"note: layer {layer.name} ({layer.op}) stays float: {layer.reason}")
    if len(almost) > NOTES:
        complain(f"note: {len(almost) - NOTES} more layers stay float; bnnc inspect lists them")
