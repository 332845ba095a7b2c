"""``bnnc inspect``: the contents of a model or an artifact, layer by layer."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from ....errors import InputError, OutputError
from ....files import check_writable, write_file
from ...inspection.contents import artifact_contents, is_artifact, model_contents
from ...inspection.html_page import page
from ...inspection.layer_report import layer_lines, on_bits_text, wrapped
from ..arguments import add_options, add_quiet, options_of, positive
from ..console import require_compiler, show, show_json

NAME = "inspect"
HELP = "list the layers of a model or artifact: on bits or not, and why"
DESCRIPTION = """\
List every Conv and Gemm layer of an ONNX model or of a compiled one: whether it runs on bits, why,
and what would let it; window, shapes, multiply-accumulates of one sample (bit ops: those of them
on bits), bytes of weights, the kernel that computes it for --target, its backend and predicted
cycles of one sample, and how sign(0) = 0 is computed. --html writes the same as one page with
a drawing of the graph, -q leaves out what stands below a layer's row. Artifacts contain less than
models; inspecting one needs only NumPy, whatever machine it is for.

--mst adds, for each layer on bits, what computing channels from each other would save: bit
operations (terms of all channels' sums) in full, along a minimum spanning tree of the channels (as
a share of K and of K/2, which a full channel costs where kernels share its first level; random
weights of that size for comparison), the tree's depth, channels equal or opposite to earlier ones,
the trees of blocks that kernels have, what was chosen for --target, and why."""
EXAMPLES = """\
  bnnc inspect mnist.onnx
  bnnc inspect mnist.onnx --html mnist.html
  bnnc inspect mnist.onnx --mst
  bnnc inspect mnist.so --json | jq .binarized
"""


HEAD = len("source  ")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="MODEL.onnx|ARTIFACT")
    parser.add_argument("--json", action="store_true", help="print JSON with everything known")
    parser.add_argument("--html", metavar="FILE", help="write one self-contained page")
    add_quiet(parser.add_argument)
    parser.add_argument("--mst", action="store_true", help="what reuse along trees would save")
    parser.add_argument(
        "--target", metavar="T", help="for which a model's kernels are chosen (default native)"
    )
    parser.add_argument(
        "--mst-max-depth",
        dest="tree_depth",
        type=positive,
        metavar="N",
        help="with --mst: the same bound as that of bnnc compile",
    )
    add_options(parser, "shapes", "sign_zero")


def run(arguments: argparse.Namespace) -> int:
    path, html = arguments.file, arguments.html
    if html is not None:
        check_writable(Path(html))
        if os.path.exists(html) and os.path.exists(path) and os.path.samefile(html, path):
            raise OutputError(f"{html}: would overwrite what it shows; name another file")
    if arguments.tree_depth is not None and not arguments.mst:
        raise InputError("--mst-max-depth bounds the trees of --mst, which is not given")
    if html is not None and arguments.mst:
        raise InputError("--mst is not part of the page that --html writes; leave one of them out")
    options = replace(options_of(arguments), mst_max_depth=arguments.tree_depth or 0)
    if is_artifact(path):
        if arguments.mst:
            raise InputError(f"{path}: --mst looks at a model's weights; name the ONNX file")
        contents = artifact_contents(path, options, arguments.target)
    else:
        require_compiler("inspecting a model")
        contents = model_contents(path, options, arguments.target, arguments.mst)
    if html is not None:
        title = Path(path).name
        write_file(
            Path(html),
            page(title, contents.facts, contents.remark, contents.rows, contents.drawing()),
        )
    if arguments.json:
        show_json(contents.json)
    elif html is not None and not arguments.quiet:
        show(f"{html}: {on_bits_text([row.layer for row in contents.rows])}")
    elif html is None:
        rows = [row.bare for row in contents.rows] if arguments.quiet else contents.rows
        facts = (line for fact in contents.facts[1:] for line in wrapped(fact[:HEAD], fact[HEAD:]))
        show(f"{path}: {contents.facts[0]}", *facts, "", *layer_lines(rows))
        if contents.more:
            show("", *contents.more)
    return 0
