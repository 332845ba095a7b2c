"""``bnnc inspect``: what a model or an artifact holds, layer by layer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..arguments import add_model_options, by_name
from ..console import bytes_text, require_compiler, show, show_json
from ..report import layer_json, layer_lines, tensor_lines, totals

NAME = "inspect"
HELP = "list the layers of a model or artifact: on bits or not, and why"
DESCRIPTION = """\
List every Conv and Gemm layer of an ONNX model or of a compiled one: whether it runs on bits and
why, shapes, multiply-accumulates of one sample (bit ops: those of them on bits), bytes of weights.
Artifacts need NumPy alone, whatever machine they are for."""
EXAMPLES = """\
  bnnc inspect mnist.onnx
  bnnc inspect mnist.so --json | jq .binarized
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="MODEL.onnx|ARTIFACT")
    parser.add_argument("--json", action="store_true", help="print JSON with everything known")
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    if _is_elf(arguments.file):
        return _artifact(arguments.file, arguments.json)
    require_compiler("inspecting a model")
    return _model(arguments)


def _is_elf(path: str) -> bool:
    """Whether the content says that this is an artifact; files that cannot be read are not."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def _artifact(path: str, as_json: bool) -> int:
    from ...runtime.artifact import read_file, read_manifest, to_dict

    data = read_file(path)
    manifest = read_manifest(data, path)
    if as_json:
        known = {"kind": "artifact", **to_dict(manifest), "bytes": len(data)}
        show_json({**known, **totals(manifest.layers)})
        return 0
    target, source = manifest.target, manifest.source
    options = ", ".join(f"{key}={_option(held)}" for key, held in manifest.options.items())
    show(
        f"{path}: {manifest.name}, compiled by bnnc {manifest.bnnc}, {bytes_text(len(data))}",
        f"target  {target.name}: {target.triple}, {target.cpu}",
        f"needs   {' '.join(target.features) or 'nothing beyond the architecture'}",
        *tensor_lines("input", manifest.inputs),
        *tensor_lines("output", manifest.outputs),
        f"memory  {bytes_text(manifest.constants)} of constants, workspace "
        f"{bytes_text(manifest.workspace.fixed)} + {bytes_text(manifest.workspace.per_batch)} "
        "a sample",
        f"source  {bytes_text(source.bytes)}, opset {source.opset}, "
        f"{source.producer or 'producer unknown'}, sha256 {source.sha256[:16]}",
        f"options {options}" if options else "options none",
        "",
        *layer_lines(manifest.layers),
    )
    return 0


def _option(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ",".join(map(str, value)) or "none"
    return str(value).lower()


def _model(arguments: argparse.Namespace) -> int:
    from ...driver import import_model, layer, recognised, tensor

    path = arguments.file
    imported = import_model(path, by_name(arguments.shapes), arguments.sign_zero)
    graph, source = imported.graph, imported.source
    layers = [layer(verdict) for verdict in recognised(graph)]
    inputs = [tensor(value.name, value) for value in graph.inputs]
    outputs = [tensor(output.name, output.value) for output in graph.outputs]
    if arguments.json:
        show_json(
            {
                "kind": "model",
                "name": Path(path).stem,
                "source": asdict(source),
                "target": None,
                "inputs": [asdict(t) for t in inputs],
                "outputs": [asdict(t) for t in outputs],
                "layers": layer_json(layers),
                "notes": list(imported.notes),
                **totals(layers),
            }
        )
        return 0
    show(
        f"{path}: {bytes_text(source.bytes)}, opset {source.opset}, "
        f"{source.producer or 'producer unknown'}",
        *tensor_lines("input", inputs),
        *tensor_lines("output", outputs),
        *(f"note    {note}" for note in imported.notes),
        "",
        *layer_lines(layers),
    )
    return 0
