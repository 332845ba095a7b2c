"""The text form of graphs: ``print_graph(parse(text)) == text``.

    graph @tiny imported {
      input %x: f32[N,2,1,1]
      %w = const() data=[1, -1] element=f32 : f32[1,2]
      %y = gemm(%x, %w, none) : f32[N,1] in batch+0 from "Gemm_0"
      output %y as "logits"
    }

Operand and attribute lists follow the operator's fields; annotations (`core.ANNOTATION`) that say
nothing are left out. Constants of up to 16 elements are
printed in full, equal ones as ``splat(v)``, others as ``#digest`` with the contents beside the
text (`save` and `load` keep them in ``FILE.npz``). The parser also reads ``random(seed)``.
"""

from __future__ import annotations

import io
import json
import re
import typing
import zlib
from enum import Enum
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..errors import ParseError
from ..files import open_regular, write_files
from .core import Data, Graph, Node, Region, Value
from .parser import MAX_FILL, attribute_hints, parse
from .types import Array, Shape, shape_text

INLINE = 16
"""Constants up to this many elements are printed in full."""


def print_graph(graph: Graph) -> str:
    """The text of a graph, ending with a newline."""
    lines = [f"graph @{_name(graph.name)} {graph.stage.name.lower()} {{"]
    for value in graph.inputs:
        lines.append(f"  input %{_name(value.name)}: {value.type}{_tail(value)}")
    for node in graph.nodes:
        lines.extend(_print_node(node, "  "))
    for output in graph.outputs:
        lines.append(f"  output %{_name(output.value.name)} as {json.dumps(output.name)}")
    return "\n".join([*lines, "}", ""])


def print_node(node: Node) -> str:
    """The text of one node, without the constants that it reads."""
    return "\n".join(_print_node(node, ""))


def _print_node(node: Node, indent: str) -> list[str]:
    names = ", ".join(f"%{_name(v.name)}" for v in node.results)
    operands = ", ".join(_operand(getattr(node.op, f)) for f in node.op.operand_fields())
    head = f"{indent}{names} = {node.op.mnemonic()}({operands})"
    body: list[str] = []
    hints = attribute_hints(type(node.op))
    for field in node.op.stated_fields():
        attribute = getattr(node.op, field)
        if isinstance(attribute, Region):
            body = _print_region(attribute, indent)
        else:
            head += f" {field}={_attribute(attribute, hints[field])}"
    types = ", ".join(f"{v.type}{_slot(v)}" for v in node.results)
    tail = f" : {types}" + "".join(f" from {json.dumps(o)}" for o in node.origin)
    if not body:
        return [head + tail]
    return [f"{head} {{", *body, f"{indent}}}{tail}"]


def _print_region(region: Region, indent: str) -> list[str]:
    inner = indent + "  "
    params = ", ".join(f"%{_name(v.name)}: {v.type}" for v in region.params)
    lines = [f"{inner}({params})"]
    for node in region.nodes:
        lines.extend(_print_node(node, inner))
    results = ", ".join(f"%{_name(v.name)}" for v in region.results)
    return [*lines, f"{inner}yield {results}"]


def _slot(value: Value) -> str:
    return f" in {value.slot}" if value.slot else ""


def _tail(value: Value) -> str:
    return _slot(value) + "".join(f" from {json.dumps(o)}" for o in value.origin)


def _name(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z0-9_.$/:-]*[A-Za-z0-9_.$/-]", name)
    return name if plain else json.dumps(name)


def _operand(operand: Any) -> str:
    if operand is None:
        return "none"
    if isinstance(operand, Value):
        return f"%{_name(operand.name)}"
    return f"[{', '.join(_operand(v) for v in operand)}]"


def _attribute(attribute: Any, hint: Any) -> str:
    if isinstance(attribute, Data):
        return _data(attribute)
    if hint is bool:
        return "true" if attribute else "false"
    if hint is float:
        return repr(float(attribute))
    if isinstance(attribute, Enum):
        return str(attribute.value)
    if isinstance(attribute, str):
        return json.dumps(attribute)
    if isinstance(attribute, tuple):
        return shape_text(typing.cast(Shape, attribute))
    return str(attribute)


def _data(data: Data) -> str:
    flat = data.array.reshape(-1)
    if flat.dtype.kind == "f" and np.isnan(flat).any():
        return f"#{data.digest}"
    same = flat.tobytes() == flat[:1].tobytes() * flat.size
    if 1 < flat.size <= MAX_FILL and same:
        return f"splat({_number(flat[0])})"
    if flat.size <= INLINE:
        return f"[{', '.join(_number(v) for v in flat)}]"
    return f"#{data.digest}"


def _number(value: Any) -> str:
    if isinstance(value, np.bool_):
        return "true" if value else "false"
    if not isinstance(value, np.floating):
        return str(value)
    magnitude = abs(float(value))
    if magnitude == 0 or 1e-4 <= magnitude < 1e7 or np.isinf(magnitude):
        return np.format_float_positional(value, unique=True, trim="-")
    return np.format_float_scientific(value, unique=True, trim="-")


def constants(graph: Graph) -> dict[str, Array]:
    """Contents of the constants that print as a digest."""
    out: dict[str, Array] = {}
    for node in graph.nodes:
        for field in node.op.attribute_fields():
            attribute = getattr(node.op, field)
            if isinstance(attribute, Data) and _data(attribute).startswith("#"):
                out[attribute.digest] = attribute.array
    return out


def save(graph: Graph, path: Path) -> None:
    """Write the text to ``path`` and large constants to ``path`` + ``.npz``: both or neither.
    Raises OutputError."""
    write_files(saved(graph, path))


def saved(graph: Graph, path: Path) -> dict[Path, bytes]:
    """The files that `save` writes; the text is the last: when it is there, its constants are."""
    files: dict[Path, bytes] = {}
    large = constants(graph)
    if large:
        content = io.BytesIO()
        np.savez(content, **typing.cast(Any, large))
        files[path.with_name(f"{path.name}.npz")] = content.getvalue()
    files[path] = print_graph(graph).encode()
    return files


def load(path: Path) -> Graph:
    """Read what `save` wrote; raises ParseError with file and line."""
    try:
        with open_regular(path) as (file, size):
            text = file.read(size).decode("utf-8")
        beside = path.with_name(path.name + ".npz")
        if not beside.exists():
            return parse(text, {}, str(path))
        with open_regular(beside) as (file, _), np.load(file, allow_pickle=False) as archive:
            return parse(text, archive, str(path))
    except OSError as error:
        raise ParseError(f"{path}: cannot read: {error.strerror or error}") from error
    except (EOFError, TypeError, ValueError, BadZipFile, zlib.error) as error:
        raise ParseError(f"{path}: {error}") from error
