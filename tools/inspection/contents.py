"""The contents of a model or an artifact, for text, JSON and page: ``bnnc inspect`` and
`bnnc.inspect`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BnncError, InputError
from ...files import open_regular
from ...options import Options, Shapes, SignZero
from ..command_line.console import CYCLES, bytes_text, count_text
from .html_graph import Drawing, draw, draw_list
from .layer_report import Computed, Row, rows_of, tensor_lines, totals

if TYPE_CHECKING:
    from ...frontend import Imported
    from ...runtime.manifest import Kernel, Manifest
    from .reuse_report import Reused


@dataclass(frozen=True)
class Contents:
    """The contents of a file. ``facts`` are lines, which from the second one on begin with a label
    of 8 characters; ``more`` are the lines after the layers."""

    facts: Sequence[str]
    json: Mapping[str, object]
    rows: Sequence[Row]
    drawing: Callable[[], Drawing]
    remark: str = ""
    more: Sequence[str] = ()


def is_artifact(path: str) -> bool:
    """Whether a file's content is that of an artifact; files that cannot be read are none."""
    from ...runtime.compressed import MAGIC, is_compressed

    try:
        with open_regular(path) as (file, _):
            head = file.read(len(MAGIC))
    except (OSError, ValueError):
        return False
    return head[:4] == b"\x7fELF" or is_compressed(head)


def artifact_contents(path: str, options: Options, target: str | None = None) -> Contents:
    """The contents of an artifact, for whatever machine it is. Raises ArtifactError, and InputError
    where a target or options are given, which say how a model would be compiled."""
    from ...runtime.artifact import read_manifest, to_dict
    from ...runtime.artifact_file import expanded, read_stored
    from .stored_weights import stored_lines, stored_weights, total

    given = {
        "--target": target is not None,
        "--shape": bool(options.shapes),
        "--sign-zero": options.sign_zero != Options.sign_zero,
    }
    for flag in (flag for flag, is_given in given.items() if is_given):
        raise InputError(f"{path}: is compiled already; {flag} is for models, leave it out")
    file = read_stored(path)
    data = expanded(file, path)
    manifest = read_manifest(data, path)
    weights = stored_weights(file, manifest, path)
    size = bytes_text(len(file))
    if file is not data:
        size += f", compressed from {bytes_text(len(data))}"
    return Contents(
        _artifact_facts(manifest, size),
        {
            "kind": "artifact",
            **to_dict(manifest),
            "bytes": len(file),
            "expanded_bytes": len(data),
            "stored_weights": [kernel.json() for kernel in weights],
            "bits_per_weight": total(weights).bits if weights else None,
            **totals(manifest.layers),
        },
        rows_of(manifest),
        lambda: draw_list([layer.name for layer in manifest.layers]),
        "An artifact does not contain the graph: these are its layers in order.",
        stored_lines(weights),
    )


def _artifact_facts(manifest: Manifest, size: str) -> Sequence[str]:
    """The lines before an artifact's layers; ``size`` is that of its file."""
    target, source, workspace = manifest.target, manifest.source, manifest.workspace
    origin = _source(source.bytes, source.opset, source.producer)
    rounds = workspace.rounds
    memory = (
        f"{bytes_text(workspace.fixed)} + {bytes_text(workspace.per_batch)} a sample"
        f" + {bytes_text(workspace.per_thread)} a thread"
    )
    if rounds.steps:
        memory += (
            f" + {bytes_text(rounds.per_sample)} a sample of a round "
            f"(up to {rounds.samples} a thread)"
        )
    options = ", ".join(f"{key}={_option(value)}" for key, value in manifest.options.items())
    return (
        f"{manifest.name}, compiled by bnnc {manifest.bnnc}, {size}",
        f"target  {target.name}: {target.triple}, {target.cpu}",
        f"needs   {' '.join(target.features) or 'nothing beyond the architecture'}",
        *tensor_lines("input", manifest.inputs),
        *tensor_lines("output", manifest.outputs),
        f"kernels {_kernels(manifest.kernels)}",
        f"memory  {bytes_text(manifest.constants)} of constants, workspace {memory}",
        f"source  {origin}, sha256 {source.sha256[:16]}",
        f"options {options or 'none'}",
    )


def _kernels(kernels: Sequence[Kernel]) -> str:
    """How often each kernel runs, in the order in which they are first needed."""
    counts = Counter(kernel.kernel.partition(" ")[0] for kernel in kernels)
    named = ", ".join(f"{count} {name}" for name, count in counts.items())
    cycles = count_text(sum(kernel.cycles for kernel in kernels))
    return f"{named or 'none'}; {cycles} {CYCLES} a sample predicted"


def _source(size: int, opset: int, producer: str) -> str:
    return f"{bytes_text(size)}, opset {opset}, {producer or 'producer unknown'}"


def _option(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ",".join(map(str, value)) or "none"
    return str(value).lower()


def model_contents(
    path: str, options: Options, target: str | None = None, mst: bool = False
) -> Contents:
    """The contents of an ONNX model, with the kernels that it would have for a target; ``mst`` adds
    what reuse along trees would save. Raises BnncError."""
    from ...backends.manifest_entries import tensor_entries
    from .layer_facts import inspect_model
    from .reuse_report import reuse_lines

    inspected = inspect_model(path, options.shapes, options.sign_zero)
    source, notes, graph = inspected.imported.source, inspected.imported.notes, inspected.graph
    layers = [facts.layer for facts in inspected.layers]
    target = target or "native"
    computed, why_not = _computed(inspected.imported, options, target)
    inputs, outputs = tensor_entries(graph)
    facts = (
        _source(source.bytes, source.opset, source.producer),
        *tensor_lines("input", inputs),
        *tensor_lines("output", outputs),
        *(f"note    {note}" for note in (*notes, *why_not)),
    )
    json: dict[str, object] = {
        "kind": "model",
        "name": Path(path).stem,
        "source": asdict(source),
        "target": None,
        "inputs": [asdict(t) for t in inputs],
        "outputs": [asdict(t) for t in outputs],
        "layers": [
            {**facts.json(), "kernels": [asdict(one) for one in computed.get(facts.layer.name, ())]}
            for facts in inspected.layers
        ],
        "notes": list(notes),
        **totals(layers),
    }
    lines: list[str] = []
    if mst:
        reused = _reused(inspected.imported, options, target)
        json["mst"] = [layer.json() for layer in reused]
        lines = reuse_lines(reused)
    numbers = {layer.node: number for number, layer in enumerate(inspected.layers)}
    rows = [layer.row(computed.get(layer.layer.name, ())) for layer in inspected.layers]
    return Contents(facts, json, rows, lambda: draw(graph, numbers), more=lines)


def _reused(imported: Imported, options: Options, target: str) -> Sequence[Reused]:
    """What reuse along trees would save in each layer on bits, for a target."""
    from ...driver import load_backend, resolve_target
    from .reuse_report import reused_layers

    machine, backend = resolve_target(target), load_backend("llvm")
    return reused_layers(imported, machine, backend, options.mst_max_depth)


def _computed(
    imported: Imported, options: Options, target: str
) -> tuple[Mapping[str, Sequence[Computed]], Sequence[str]]:
    """The kernels that a model has for a target, by layer; or why there are none."""
    from ...backends.cost_model import PredictedCost
    from ...backends.interface import Choice, Scheduled
    from ...driver import kernel, load_backend, lower, resolve_target
    from ...ir.ops import Fused
    from ...ir.text import print_node

    try:
        costs = PredictedCost(resolve_target(target), load_backend("llvm").kernels)
        graph, _ = lower(imported, costs, options)
    except BnncError as error:
        return {}, [f"no kernels: {error}"]
    found: dict[str, list[Computed]] = {}
    for node in graph.nodes:
        if isinstance(node.op, Fused):
            made = kernel(Scheduled(node, Choice.parse(node.op.kernel), 0), costs)
            one = Computed(made.kernel, made.cycles, print_node(node))
            if made.macs:
                found.setdefault(made.name, []).append(one)
    return found, []


def inspect(
    file: str | os.PathLike[str],
    *,
    shapes: Shapes | None = None,
    sign_zero: SignZero = "exact",
    target: str | None = None,
) -> Mapping[str, object]:
    """The contents of an ONNX model or of an artifact, as ``bnnc inspect --json`` prints them: its
    layers, on bits or not and why, the kernels that a model has for ``target`` (default: this
    machine), and what else is known. Raises BnncError."""
    path, options = os.fspath(file), Options(shapes=shapes, sign_zero=sign_zero)
    if is_artifact(path):
        return artifact_contents(path, options, target).json
    return model_contents(path, options, target).json
