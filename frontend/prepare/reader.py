"""From bytes to a model that the importer can walk: parsed, bounded, checked, sorted.

`onnx.checker` refuses files that every tool of their ecosystem reads (a missing domain import), so
the essentials are checked here: sizes before allocation, names, order, operator signatures.
"""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, EncodeError, Message
from onnx import GraphProto, ModelProto, NodeProto, TensorProto

from ...errors import Limit, ModelError, ModelFileError, ModelNotFoundError
from ...files import open_regular
from .file_formats import folder_format, other_format
from .finn_im2col import lowered_convolutions
from .half_precision import half_types, to_float32
from .local_functions import inline_functions
from .masked_fill import masked_fills
from .subgraphs import names_read
from .tensor_data import all_tensors, check_tensor, embed_external, tensors_of

OLDEST_OPSET = 6
NEWEST_OPSET = onnx.defs.onnx_opset_version()
ONNX_NAMES = ("", "ai.onnx")
"""Spellings of the standard domain."""

MAX_FILE_BYTES = (1 << 31) - 1
"""The limit of the file format."""


@dataclass(frozen=True)
class Source:
    """Which model was read: ``sha256`` and ``bytes`` of its serialized form with all weights
    inside, standard ``opset``, and the ``producer`` that the file names."""

    sha256: str
    bytes: int
    opset: int
    producer: str


@dataclass(frozen=True)
class Body:
    """A graph ready for import, the model's or a branch's. ``nodes`` define before use."""

    graph: GraphProto
    nodes: tuple[NodeProto, ...]
    initializers: Mapping[str, TensorProto]


@dataclass(frozen=True)
class Checked(Body):
    """A model ready for import. ``label`` starts every message; ``half`` names the types that were
    turned into float32."""

    label: str
    source: Source
    versions: Mapping[str, int]
    half: tuple[str, ...]


def label_of(given: str | os.PathLike[str] | ModelProto) -> str:
    """The model's name in messages."""
    return "<model>" if isinstance(given, ModelProto) else os.fspath(given)


def read(given: str | os.PathLike[str] | ModelProto) -> Checked:
    """Read and check a model; raises ModelError, whose message lacks the file's name."""
    if isinstance(given, ModelProto):
        model, folder = ModelProto(), None
        model.CopyFrom(given)
    else:
        model, folder = parse(given), Path(given).parent
    _check_text(model)
    _check_header(model)
    for tensor in _inline_tensors(model):
        check_tensor(tensor)
    embed_external(model, folder)
    for tensor in all_tensors(model):
        tensor.ClearField("data_location")
    versions = _versions(model)
    source = _source(model, versions[""])
    model = inline_functions(model)
    body = body_of(model.graph)
    for tensor in tensors_of(body.graph):
        check_tensor(tensor)
    half = half_types(body.graph, body.nodes, body.initializers)
    if half:
        to_float32(model)
    parts = body.graph, body.nodes, body.initializers
    return Checked(*parts, label_of(given), source, versions, half)


def body_of(graph: GraphProto) -> Body:
    """A graph with its names checked and its nodes in order; raises ModelError."""
    if graph.sparse_initializer:
        names = ", ".join(repr(s.values.name) for s in graph.sparse_initializer)
        raise ModelError(f"sparse initializers are not supported: {names}")
    initializers = _check_names(graph)
    return Body(graph, _sorted(graph, initializers), initializers)


def parse(given: str | os.PathLike[str]) -> ModelProto:
    """The protobuf message in a file."""
    path = Path(given)
    try:
        if path.is_dir():
            raise ModelError(folder_format(path))
        with open_regular(path) as (file, size):
            if size > MAX_FILE_BYTES:
                raise ModelError(f"has {size} bytes; an ONNX file has at most {MAX_FILE_BYTES}")
            data = file.read(size)
    except OSError as error:
        kind = ModelNotFoundError if isinstance(error, FileNotFoundError) else ModelFileError
        raise kind(error.errno or 0, error.strerror or str(error), label_of(given)) from error
    except ValueError as error:
        raise ModelError(f"cannot be read: {error}") from error
    if not data:
        raise ModelError("is empty; expected an ONNX file")
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        text = other_format(data, path) or "is not an ONNX file, or is truncated"
        raise ModelError(text) from error
    # Protobuf takes many bytes for fields that it does not know.
    other = None if model.HasField("graph") else other_format(data, path)
    if other is not None:
        raise ModelError(other)
    return model


def _check_text(message: Message) -> None:
    """Raise ModelError when a name is not UTF-8, which protobuf returns as bytes, or holds a NUL,
    which ends a string of C."""
    for field, content in message.ListFields():
        items = (content,) if isinstance(content, (str, bytes, Message)) else content
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in items:
                if isinstance(inner, Message):
                    _check_text(inner)
        elif field.type == FieldDescriptor.TYPE_STRING:
            for text in items:
                if not isinstance(text, str):
                    raise ModelError(f"is damaged: {field.full_name} {text!r} is not UTF-8 text")
                if "\0" in text:
                    raise ModelError(f"is damaged: {field.full_name} {text!r} holds a NUL")


def _check_header(model: ModelProto) -> None:
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise ModelError("is not an ONNX model, or is truncated: it holds no graph")
    if not model.ir_version:
        raise ModelError("is not an ONNX model: it states no IR version")
    if model.ir_version > onnx.IR_VERSION:
        raise ModelError(
            f"ONNX IR version {model.ir_version} is unknown; the newest known is {onnx.IR_VERSION}"
        )
    if not model.graph.output:
        raise ModelError("the graph has no outputs")


def _inline_tensors(model: ModelProto) -> list[TensorProto]:
    """Tensors whose bytes are in the message."""
    return [t for t in tensors_of(model.graph) if t.data_location != TensorProto.EXTERNAL]


def _versions(model: ModelProto) -> dict[str, int]:
    """Operator set version of each domain that the model imports."""
    versions: dict[str, int] = {}
    for entry in model.opset_import:
        domain = "" if entry.domain in ONNX_NAMES else entry.domain
        if versions.setdefault(domain, entry.version) != entry.version:
            raise ModelError(f"imports two versions of operator set '{domain or 'ai.onnx'}'")
    if "" not in versions:
        text = "states no version of the standard operator set (opset_import)"
        raise ModelError(text, limits=[Limit.OPERATOR if versions else None])
    version = versions[""]
    if version > NEWEST_OPSET:
        raise ModelError(f"opset {version} is unknown; the newest known is {NEWEST_OPSET}")
    if version < OLDEST_OPSET:
        raise ModelError(
            f"opset {version} is too old; the oldest supported is {OLDEST_OPSET}; "
            "onnx.version_converter converts models",
            limits=[Limit.OPSET],
        )
    return versions


def _source(model: ModelProto, opset: int) -> Source:
    try:
        data = model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError) as error:
        raise ModelError("the model and its external data exceed 2 GiB") from error
    return Source(hashlib.sha256(data).hexdigest(), len(data), opset, model.producer_name)


def _check_names(graph: GraphProto) -> dict[str, TensorProto]:
    """Initializers by name, once every tensor is known to be defined once."""
    initializers = {t.name: t for t in graph.initializer}
    if len(initializers) != len(graph.initializer):
        raise ModelError(f"initializer '{_repeated([t.name for t in graph.initializer])}' repeats")
    inputs = [i.name for i in graph.input]
    if len(set(inputs)) != len(inputs):
        raise ModelError(f"graph input '{_repeated(inputs)}' repeats")
    outputs = [o.name for o in graph.output]
    if len(set(outputs)) != len(outputs):
        raise ModelError(f"graph output '{_repeated(outputs)}' repeats")
    defined = dict.fromkeys([*inputs, *initializers], "the graph's inputs and initializers")
    for node in graph.node:
        for name in filter(None, node.output):
            where = f"node '{node.name or name}' ({node.op_type})"
            if name in defined:
                raise ModelError(f"{where}: '{name}' is already defined by {defined[name]}")
            defined[name] = where
    return initializers


def _repeated(names: Sequence[str]) -> str:
    return next(name for i, name in enumerate(names) if name in names[:i])


def _sorted(graph: GraphProto, initializers: Mapping[str, TensorProto]) -> tuple[NodeProto, ...]:
    """The nodes that the outputs depend on, each after what it reads, else in file order."""
    nodes = lowered_convolutions(masked_fills(graph.node, initializers))
    producer = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    reads = [sorted({producer[n] for n in names_read(node) if n in producer}) for node in nodes]
    live = _reached(reads, [producer[o.name] for o in graph.output if o.name in producer])
    waiting = {i: len(reads[i]) for i in live}
    readers: dict[int, list[int]] = {}
    for i in sorted(live):
        for j in reads[i]:
            readers.setdefault(j, []).append(i)
    ready = [i for i in sorted(live) if not waiting[i]]
    order: list[int] = []
    while ready:
        i = heapq.heappop(ready)
        order.append(i)
        for j in readers.get(i, []):
            waiting[j] -= 1
            if not waiting[j]:
                heapq.heappush(ready, j)
    if len(order) < len(live):
        left = {i for i in live if waiting[i]}
        raise ModelError(f"the graph has a cycle: {_cycle(nodes, reads, left)}")
    return tuple(nodes[i] for i in order)


def _reached(reads: Sequence[Sequence[int]], roots: Sequence[int]) -> set[int]:
    seen = set(roots)
    stack = list(seen)
    while stack:
        for i in reads[stack.pop()]:
            if i not in seen:
                seen.add(i)
                stack.append(i)
    return seen


def _cycle(nodes: Sequence[NodeProto], reads: Sequence[Sequence[int]], left: set[int]) -> str:
    """One cycle among the nodes that could not be ordered, as text."""
    at = min(left)
    path: list[int] = []
    while at not in path:
        path.append(at)
        at = next(i for i in reads[at] if i in left)
    loop = [*path[path.index(at) :], at][::-1]
    return " -> ".join(f"node '{nodes[i].name or nodes[i].output[0]}'" for i in loop)
