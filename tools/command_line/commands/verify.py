"""``bnnc verify``: is the compiled model right?"""

from __future__ import annotations

import argparse

from ..arguments import add_options, add_quiet, natural, options_of, positive, tolerance
from ..console import progress, require_compiler, show, show_json

NAME = "verify"
HELP = "check a compiled model against a reference"
DESCRIPTION = """\
Check a model layer by layer and end to end: the graph on the values of an independent reference
(ONNX Runtime with its optimizations off, or qonnx), every kernel against its definition, bit by bit
from integer counts on, and the compiled model's outputs. A sign or another step may differ where
the reference's value before it is below the float error bound: a near-tie, listed with its layer.
The last line, with -q the only one, is ok, near-tie (outputs differ because of one) or MISMATCH.
Without ARTIFACT the model is compiled in memory. Exit code 1 means that a number is wrong."""
EXAMPLES = """\
  bnnc verify mnist.onnx
  bnnc verify mnist.onnx mnist.so --inputs images.npz
  bnnc verify net.onnx --target x86-64-v3 --runs 10
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="MODEL.onnx")
    add("artifact", metavar="ARTIFACT", nargs="?", help="compiled from that model")
    add("--inputs", metavar="X.npz", help="arrays by input name (default: random ones)")
    add("--runs", type=positive, default=3, metavar="N", help="random inputs to try (default 3)")
    add("--seed", type=natural, default=0, metavar="S", help="of the random inputs (default 0)")
    add(
        "--rtol",
        type=tolerance,
        default=1e-3,
        metavar="R",
        help="for outputs, relative to their largest value (default 0.001)",
    )
    add("--atol", type=tolerance, default=1e-5, metavar="A", help="absolute (default 0.00001)")
    add("--target", metavar="T", help="target to compile for (default: the artifact's, or native)")
    add("--json", action="store_true", help="print JSON with every finding")
    add_quiet(parser.add_argument)
    add_options(parser, "backend", about="code generator, without ARTIFACT")
    add_options(parser, "shapes", "sign_zero")


def run(arguments: argparse.Namespace) -> int:
    require_compiler("bnnc verify")
    from ...verification import model_check

    options = options_of(arguments)
    with progress(arguments.quiet) as say:
        say("verifying")
        report = model_check.verify(
            arguments.model,
            arguments.artifact,
            arguments.inputs,
            arguments.runs,
            arguments.seed,
            arguments.rtol,
            arguments.atol,
            arguments.target,
            options.shapes,
            options.sign_zero,
            options.backend,
        )
    if arguments.json:
        show_json(report.json())
    else:
        show(*([report.verdict] if arguments.quiet else report.lines()))
    return 1 if report.mismatch else 0
