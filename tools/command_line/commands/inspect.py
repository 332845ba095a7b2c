"""``bnnc inspect``: the contents of a model or an artifact, layer by layer."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ....errors import InputError, OutputError
from ....files import check_writable, open_regular, write_file
from ...inspection.html_graph import Drawing, draw, draw_list
from ...inspection.html_page import page
from ...inspection.layer_report import Row, layer_lines, row_of, tensor_lines, totals, wrapped
from ..arguments import add_options, options_of, positive
from ..console import bytes_text, count_text, require_compiler, show, show_json

if TYPE_CHECKING:
    from ....runtime.manifest import Kernel

NAME = "inspect"
HELP = "list the layers of a model or artifact: on bits or not, and why"
DESCRIPTION = """\
List every Conv and Gemm layer of an ONNX model or of a compiled one: whether it runs on bits, why,
and what would let it; window, shapes, multiply-accumulates of one sample (bit ops: those of them
on bits), bytes of weights, and how sign(0) = 0 is computed. --html writes the same as one page with
a drawing of the graph. Artifacts contain less than models; inspecting one needs only NumPy,
whatever machine it is for.

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
    parser.add_argument("--mst", action="store_true", help="what reuse along trees would save")
    parser.add_argument(
        "--target", metavar="T", help="with --mst: whose kernels to choose from (default native)"
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
    if arguments.target is not None and not arguments.mst:
        raise InputError("--target says whose kernels --mst chooses from, which is not given")
    if arguments.tree_depth is not None and not arguments.mst:
        raise InputError("--mst-max-depth bounds the trees of --mst, which is not given")
    if html is not None and arguments.mst:
        raise InputError("--mst is not part of the page that --html writes; leave one of them out")
    if _is_artifact(path):
        if arguments.mst:
            raise InputError(f"{path}: --mst looks at a model's weights; name the ONNX file")
        contents = _artifact(path)
    else:
        require_compiler("inspecting a model")
        contents = _model(arguments)
    if html is not None:
        title = Path(path).name
        write_file(
            Path(html),
            page(title, contents.facts, contents.remark, contents.rows, contents.drawing()),
        )
    if arguments.json:
        show_json(contents.json)
    elif html is not None:
        counted = totals([row.layer for row in contents.rows])
        show(f"{html}: {counted['binarized']} of {counted['total']} layers on bits")
    else:
        facts = (line for fact in contents.facts[1:] for line in wrapped(fact[:HEAD], fact[HEAD:]))
        show(f"{path}: {contents.facts[0]}", *facts, "", *layer_lines(contents.rows))
        if contents.more:
            show("", *contents.more)
    return 0


@dataclass(frozen=True)
class _Contents:
    """The contents of a file. ``facts`` are lines, which from the second one on begin with a label
    of HEAD characters; ``more`` are the lines after the layers."""

    facts: Sequence[str]
    json: Mapping[str, object]
    rows: Sequence[Row]
    drawing: Callable[[], Drawing]
    remark: str = ""
    more: Sequence[str] = ()


def _is_artifact(path: str) -> bool:
    """Whether a file's content is that of an artifact; files that cannot be read are none."""
    from ....runtime.compressed import MAGIC, is_compressed

    try:
        with open_regular(path) as (file, _):
            head = file.read(len(MAGIC))
    except (OSError, ValueError):
        return False
    return head[:4] == b"\x7fELF" or is_compressed(head)


def _artifact(path: str) -> _Contents:
    from ....runtime.artifact import read_manifest, to_dict
    from ....runtime.artifact_file import expanded, read_stored
    from ...inspection.stored_weights import stored_lines, stored_weights, total

    file = read_stored(path)
    data = expanded(file, path)
    manifest = read_manifest(data, path)
    weights = stored_weights(file, manifest, path)
    size = bytes_text(len(file))
    if file is not data:
        size += f", compressed from {bytes_text(len(data))}"
    layers = manifest.layers
    target, source = manifest.target, manifest.source
    origin = _source(source.bytes, source.opset, source.producer)
    workspace = manifest.workspace
    memory = (
        f"{bytes_text(workspace.fixed)} + {bytes_text(workspace.per_batch)} a sample"
        f" + {bytes_text(workspace.per_thread)} a thread"
    )
    options = ", ".join(f"{key}={_option(value)}" for key, value in manifest.options.items())
    facts = (
        f"{manifest.name}, compiled by bnnc {manifest.bnnc}, {size}",
        f"target  {target.name}: {target.triple}, {target.cpu}",
        f"needs   {' '.join(target.features) or 'nothing beyond the architecture'}",
        *tensor_lines("input", manifest.inputs),
        *tensor_lines("output", manifest.outputs),
        f"kernels {_kernels(manifest.kernels)}",
        f"memory  {bytes_text(manifest.constants)} of constants, workspace {memory}",
        f"source  {origin}, sha256 {source.sha256[:16]}",
        f"options {options}" if options else "options none",
    )
    return _Contents(
        facts,
        {
            "kind": "artifact",
            **to_dict(manifest),
            "bytes": len(file),
            "expanded_bytes": len(data),
            "stored_weights": [kernel.json() for kernel in weights],
            "bits_per_weight": total(weights).bits if weights else None,
            **totals(layers),
        },
        [row_of(layer) for layer in layers],
        lambda: draw_list([layer.name for layer in layers]),
        "An artifact does not contain the graph: these are its layers in order.",
        stored_lines(weights),
    )


def _kernels(kernels: Sequence[Kernel]) -> str:
    """How often each kernel runs, in the order in which they are first needed."""
    counts = Counter(kernel.kernel.partition(" ")[0] for kernel in kernels)
    named = ", ".join(f"{count} {name}" for name, count in counts.items())
    cycles = count_text(sum(kernel.cycles for kernel in kernels))
    return f"{named or 'none'}; {cycles} cycles a sample predicted"


def _source(size: int, opset: int, producer: str) -> str:
    return f"{bytes_text(size)}, opset {opset}, {producer or 'producer unknown'}"


def _option(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ",".join(map(str, value)) or "none"
    return str(value).lower()


def _model(arguments: argparse.Namespace) -> _Contents:
    from ....backends.manifest_entries import tensor_entries
    from ....driver import load_backend, resolve_target
    from ...inspection.layer_facts import inspect_model
    from ...inspection.reuse_report import reuse_lines, reused_layers

    path, options = arguments.file, options_of(arguments)
    inspected = inspect_model(path, options.shapes, options.sign_zero)
    source, notes, graph = inspected.imported.source, inspected.imported.notes, inspected.graph
    layers = [facts.layer for facts in inspected.layers]
    inputs, outputs = tensor_entries(graph)
    facts = (
        _source(source.bytes, source.opset, source.producer),
        *tensor_lines("input", inputs),
        *tensor_lines("output", outputs),
        *(f"note    {note}" for note in notes),
    )
    json: dict[str, object] = {
        "kind": "model",
        "name": Path(path).stem,
        "source": asdict(source),
        "target": None,
        "inputs": [asdict(t) for t in inputs],
        "outputs": [asdict(t) for t in outputs],
        "layers": [layer.json() for layer in inspected.layers],
        "notes": list(notes),
        **totals(layers),
    }
    reused = None
    if arguments.mst:
        target = resolve_target(arguments.target or "native")
        depth = arguments.tree_depth or 0
        reused = reused_layers(inspected.imported, target, load_backend("llvm"), depth)
        json["mst"] = [layer.json() for layer in reused]
    lines = [] if reused is None else reuse_lines(reused)
    numbers = {layer.node: number for number, layer in enumerate(inspected.layers)}
    rows = [layer.row for layer in inspected.layers]
    return _Contents(facts, json, rows, lambda: draw(graph, numbers), more=lines)
