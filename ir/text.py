"""The text form of graphs: ``print_graph(parse(text)) == text``.

    graph @tiny imported {
      input %x: f32[N,2,1,1]
      %w = const() data=[1, -1] element=f32 : f32[1,2]
      %y = gemm(%x, %w, none) : f32[N,1] in batch+0 from "Gemm_0"
      output %y as "logits"
    }

Operand and attribute lists follow the operator's fields. Constants of up to 16 elements are
printed in full, equal ones as ``splat(v)``, others as ``#digest`` with the contents beside the
text (`save` and `load` keep them in ``FILE.npz``). The parser also reads ``random(seed)``.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ParseError, VerifyError
from .core import Data, Graph, Node, Op, Output, Region, Slot, Stage, Value
from .types import (
    SCALARS,
    TERNARY,
    Array,
    Batch,
    Bits,
    Element,
    Layout,
    Scalar,
    Shape,
    TensorType,
    shape_text,
)

INLINE = 16
"""Constants up to this many elements are printed in full."""


# --- printing ---------------------------------------------------------------------------------


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


def _print_node(node: Node, indent: str) -> list[str]:
    names = ", ".join(f"%{_name(v.name)}" for v in node.results)
    operands = ", ".join(_operand(getattr(node.op, f)) for f in node.op.operand_fields())
    head = f"{indent}{names} = {node.op.mnemonic()}({operands})"
    body: list[str] = []
    for field in node.op.attribute_fields():
        held = getattr(node.op, field)
        if isinstance(held, Region):
            body = _print_region(held, indent)
        else:
            head += f" {field}={_attribute(held)}"
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
    return name if re.fullmatch(r"[A-Za-z0-9_.$/:-]+", name) else json.dumps(name)


def _operand(held: Any) -> str:
    if held is None:
        return "none"
    if isinstance(held, Value):
        return f"%{_name(held.name)}"
    return f"[{', '.join(_operand(v) for v in held)}]"


def _attribute(held: Any) -> str:
    if isinstance(held, Data):
        return _data(held)
    if isinstance(held, bool):
        return "true" if held else "false"
    if isinstance(held, Enum):
        return str(held.value)
    if isinstance(held, str):
        return json.dumps(held)
    if isinstance(held, float):
        return repr(held)
    if isinstance(held, tuple):
        return shape_text(typing.cast(Shape, held))
    return str(held)


def _data(data: Data) -> str:
    flat = data.array.reshape(-1)
    if (
        flat.size > 1
        and flat.dtype.kind != "V"
        and flat.tobytes() == flat[:1].tobytes() * flat.size
    ):
        return f"splat({_number(flat[0])})"
    if flat.size <= INLINE and not np.isnan(flat.astype(np.float64)).any():
        return f"[{', '.join(_number(v) for v in flat)}]"
    return f"#{data.digest}"


def _number(value: Any) -> str:
    if isinstance(value, np.bool_):
        return "true" if value else "false"
    if isinstance(value, np.floating):
        return (
            np.format_float_scientific(value, unique=True, trim="-")
            if (value != 0 and not 1e-4 <= abs(value) < 1e7 and np.isfinite(value))
            else np.format_float_positional(value, unique=True, trim="-")
        )
    return str(value)


def constants(graph: Graph) -> dict[str, Array]:
    """Contents of the constants that print as a digest."""
    out: dict[str, Array] = {}
    for node in graph.nodes:
        for field in node.op.attribute_fields():
            held = getattr(node.op, field)
            if isinstance(held, Data) and _data(held).startswith("#"):
                out[held.digest] = held.array
    return out


def save(graph: Graph, path: Path) -> None:
    """Write the text to ``path`` and large constants to ``path`` + ``.npz``."""
    path.write_text(print_graph(graph), encoding="utf-8")
    held = constants(graph)
    if held:
        np.savez(path.with_name(path.name + ".npz"), **typing.cast(Any, held))


def load(path: Path) -> Graph:
    """Read what `save` wrote; raises ParseError with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
        beside = path.with_name(path.name + ".npz")
        if not beside.exists():
            return parse(text, {}, str(path))
        with np.load(beside, allow_pickle=False) as archive:
            return parse(text, archive, str(path))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ParseError(f"{path}: {error}") from error


# --- parsing ----------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s+ | //[^\n]* | (?P<token>
        %(?:[A-Za-z0-9_.$/:-]*[A-Za-z0-9_.$/-] | "(?:[^"\\]|\\.)*")
      | @(?:[A-Za-z0-9_.$/:-]+ | "(?:[^"\\]|\\.)*")
      | \#[0-9a-f]{16}
      | "(?:[^"\\]|\\.)*"
      | -?inf\b | nan\b | -?\d+(?:\.\d*)?(?:e[+-]?\d+)?(?![A-Za-z_])
      | \d*N\b
      | [A-Za-z_][A-Za-z0-9_-]*
      | [{}()\[\]<>,;:=@+]
    )""",
    re.VERBOSE,
)


def parse(text: str, held: Mapping[str, Array] | None = None, file: str = "<text>") -> Graph:
    """A graph from its text; ``held`` maps digests to constants. Raises ParseError."""
    return _Parser(text, held or {}, file).graph()


class _Parser:
    def __init__(self, text: str, held: Mapping[str, Array], file: str) -> None:
        self.file = file
        self.held = held
        self.scopes: list[dict[str, Value]] = [{}]
        self.tokens: list[tuple[str, int]] = []
        self.at = 0
        position, line = 0, 1
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise ParseError(f"{file}:{line}: unexpected {text[position]!r}")
            if match["token"] is not None:
                self.tokens.append((match["token"], line))
            line += match[0].count("\n")
            position = match.end()
        self.tokens.append(("", line))

    # Tokens.

    def error(self, message: str) -> ParseError:
        return ParseError(f"{self.file}:{self.tokens[self.at][1]}: {message}")

    @property
    def peek(self) -> str:
        return self.tokens[self.at][0]

    def next(self) -> str:
        token = self.peek
        self.at += token != ""
        return token

    def accept(self, token: str) -> bool:
        found = self.peek == token
        self.at += found
        return found

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise self.error(f"expected {token!r}, got {self.peek!r}")

    def name(self, sigil: str) -> str:
        token = self.next()
        if not token.startswith(sigil) or len(token) < 2:
            raise self.error(f"expected a name with {sigil}, got {token!r}")
        return json.loads(token[1:]) if token[1] == '"' else token[1:]

    def string(self) -> str:
        token = self.next()
        if not token.startswith('"'):
            raise self.error(f"expected a string, got {token!r}")
        return json.loads(token)

    def integer(self) -> int:
        token = self.next()
        if not re.fullmatch(r"-?\d+", token):
            raise self.error(f"expected an integer, got {token!r}")
        return int(token)

    def number(self) -> float:
        token = self.next()
        if token in ("true", "false"):
            return token == "true"
        try:
            return int(token) if re.fullmatch(r"-?[1-9]\d*", token) else float(token)
        except ValueError:
            raise self.error(f"expected a number, got {token!r}") from None

    # Structure.

    def graph(self) -> Graph:
        self.expect("graph")
        name = self.name("@")
        stage = self.next()
        if stage.upper() not in Stage.__members__:
            raise self.error(f"unknown stage {stage!r}")
        self.expect("{")
        inputs: list[Value] = []
        outputs: list[Output] = []
        nodes: list[Node] = []
        while not self.accept("}"):
            if self.accept("input"):
                inputs.append(self.input())
            elif self.accept("output"):
                value = self.value()
                self.expect("as")
                outputs.append(Output(self.string(), value))
            else:
                nodes.append(self.node())
        if self.peek:
            raise self.error(f"unexpected {self.peek!r} after the graph")
        return Graph(name, tuple(inputs), tuple(nodes), tuple(outputs), Stage[stage.upper()])

    def input(self) -> Value:
        name = self.name("%")
        self.expect(":")
        type_ = self.type()
        slot = self.slot()
        return self.define(Value(name, type_, self.origin(), slot))

    def define(self, value: Value) -> Value:
        if value.name in self.scopes[-1]:
            raise self.error(f"%{value.name} is defined twice")
        self.scopes[-1][value.name] = value
        return value

    def value(self) -> Value:
        name = self.name("%")
        if name not in self.scopes[-1]:
            raise self.error(f"%{name} is not defined")
        return self.scopes[-1][name]

    def node(self) -> Node:
        names = [self.name("%")]
        while self.accept(","):
            names.append(self.name("%"))
        self.expect("=")
        mnemonic = self.next()
        cls = Op.REGISTRY.get(mnemonic)
        if cls is None:
            raise self.error(f"unknown operator {mnemonic!r}")
        arguments = self.operands(cls)
        arguments.update(self.attributes(cls))
        self.expect(":")
        types: list[TensorType] = []
        slots: list[Slot | None] = []
        for index in range(len(names)):
            if index:
                self.expect(",")
            types.append(self.type())
            slots.append(self.slot())
        if "data" in arguments:
            arguments["data"] = self.constant(arguments["data"], types[0])
        origin = self.origin()
        try:
            op = cls(**arguments)
        except (TypeError, VerifyError) as error:
            raise self.error(f"{mnemonic}: {error}") from error
        made = [Value(n, t, origin, s) for n, t, s in zip(names, types, slots, strict=True)]
        return Node(op, tuple(self.define(v) for v in made))

    def operands(self, cls: type[Op]) -> dict[str, Any]:
        self.expect("(")
        out: dict[str, Any] = {}
        for index, field in enumerate(cls.operand_fields()):
            if index:
                self.expect(",")
            if self.accept("none"):
                out[field] = None
            elif self.accept("["):
                out[field] = tuple(self.listed(self.value))
            else:
                out[field] = self.value()
        self.expect(")")
        return out

    def attributes(self, cls: type[Op]) -> dict[str, Any]:
        hints = typing.get_type_hints(cls)
        known = {f.name for f in fields(cls)}
        out: dict[str, Any] = {}
        while self.peek not in (":", "{"):
            field = self.next()
            if field not in known:
                raise self.error(f"{cls.mnemonic()} has no attribute {field!r}")
            self.expect("=")
            out[field] = self.attribute(hints[field])
        if self.peek == "{":
            out["body"] = self.region()
        return out

    def attribute(self, hint: Any) -> Any:
        if hint is Data:
            return self.data()
        if hint is bool:
            return self.next() == "true"
        if hint is int:
            return self.integer()
        if hint is float:
            return float(self.number())
        if hint is str:
            return self.string()
        if hint is Layout:
            return self.layout()
        if hint == Element:
            return self.element()
        return self.shape()

    def region(self) -> Region:
        self.expect("{")
        self.scopes.append({})
        self.expect("(")
        params: list[Value] = []
        while not self.accept(")"):
            if params:
                self.expect(",")
            params.append(self.input())
        nodes: list[Node] = []
        while not self.accept("yield"):
            nodes.append(self.node())
        results = [self.value()]
        while self.accept(","):
            results.append(self.value())
        self.expect("}")
        self.scopes.pop()
        return Region(tuple(params), tuple(nodes), tuple(results))

    def listed(self, item: Any) -> list[Any]:
        """Items up to the closing bracket; the opening one has been read."""
        out: list[Any] = []
        while not self.accept("]"):
            if out:
                self.expect(",")
            out.append(item())
        return out

    # Types.

    def type(self) -> TensorType:
        element = self.element()
        shape = self.shape()
        layout = self.layout() if self.accept_layout() else Layout.ROW_MAJOR
        try:
            return TensorType(shape, element, layout)
        except VerifyError as error:
            raise self.error(str(error)) from error

    def accept_layout(self) -> bool:
        token = self.peek
        if not token.startswith("@"):
            return False
        self.tokens[self.at] = (token[1:], self.tokens[self.at][1])
        return True

    def layout(self) -> Layout:
        token = self.next()
        if token not in {layout.value for layout in Layout}:
            raise self.error(f"unknown layout {token!r}")
        return Layout(token)

    def element(self) -> Element:
        token = self.next()
        if token in SCALARS:
            return SCALARS[token]
        if token == "ternary":
            return TERNARY
        if token != "bits":
            raise self.error(f"unknown element {token!r}")
        self.expect("<")
        planes = self.integer()
        self.expect(";")
        values = [float(self.number())]
        while self.accept(","):
            values.append(float(self.number()))
        self.expect(">")
        if len(values) != 1 << planes:
            raise self.error(f"bits of {planes} planes need {1 << planes} values")
        return Bits(tuple(values))

    def shape(self) -> Shape:
        self.expect("[")
        return tuple(self.listed(self.dimension))

    def dimension(self) -> int | Batch:
        if re.fullmatch(r"\d*N", self.peek):
            return Batch(int(self.next()[:-1] or 1))
        return self.integer()

    def slot(self) -> Slot | None:
        if not self.accept("in"):
            return None
        arena = self.next()
        self.expect("+")
        return Slot(arena, self.integer())

    def origin(self) -> tuple[str, ...]:
        out: list[str] = []
        while self.accept("from"):
            out.append(self.string())
        return tuple(out)

    # Constants.

    def data(self) -> tuple[str, Any]:
        token = self.peek
        if token.startswith("#"):
            self.next()
            return "digest", token[1:]
        if self.accept("["):
            return "list", self.listed(self.number)
        kind = self.next()
        if kind not in ("splat", "random"):
            raise self.error(f"expected a constant, got {kind!r}")
        self.expect("(")
        held = self.number() if kind == "splat" else self.integer()
        self.expect(")")
        return kind, held

    def constant(self, spec: tuple[str, Any], type_: TensorType) -> Data:
        kind, held = spec
        shape, element = type_.concrete(1), type_.element
        if kind == "digest":
            if held not in self.held:
                raise self.error(f"the contents of constant #{held} are missing")
            array = np.asarray(self.held[held])
        elif kind == "splat":
            array = np.full(shape, held, element.dtype)
        elif kind == "random":
            array = _random(int(held), shape, element)
        else:
            array = _listed(held, element)
        if array.size != type_.elements_per_sample():
            raise self.error(f"constant of {array.size} elements does not fit {type_}")
        return Data(array.reshape(shape))


def _listed(numbers: Sequence[float], element: Element) -> Array:
    return np.array(numbers).astype(element.dtype)


def _random(seed: int, shape: tuple[int, ...], element: Element) -> Array:
    generator = np.random.Generator(np.random.PCG64(seed))
    if isinstance(element, Bits):
        return generator.integers(0, len(element.values), shape).astype(np.uint8)
    if isinstance(element, Scalar) and element.dtype.kind == "f":
        return generator.standard_normal(shape).astype(element.dtype)
    return generator.integers(-1, 2, shape).astype(element.dtype)
