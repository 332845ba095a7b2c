"""Reads the text form of graphs (see `text`). Malformed text raises ParseError and nothing else."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache
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
)

MAX_FILL = 1 << 26
"""Elements that ``splat`` and ``random`` may stand for."""
ARENAS = ("batch", "round", "fixed", "input", "output")

_TOKEN = re.compile(
    r"""\s+ | //[^\n]* | (?P<token>
        %(?:[A-Za-z0-9_.$/:-]*[A-Za-z0-9_.$/-] | "(?:[^"\\]|\\.)*")
      | @(?:[A-Za-z0-9_.$/:-]+ | "(?:[^"\\]|\\.)*")
      | \#[0-9a-f]{16}
      | "(?:[^"\\]|\\.)*"
      | \d*N\b
      | -?inf\b | nan\b | -?\d+(?:\.\d*)?(?:e[+-]?\d+)?(?![A-Za-z_])
      | [A-Za-z_][A-Za-z0-9_-]*
      | [{}()\[\]<>,;:=@+]
    )""",
    re.VERBOSE,
)


def parse(text: str, constants: Mapping[str, Array] | None = None, file: str = "<text>") -> Graph:
    """A graph from its text; ``constants`` maps digests to constants. Raises ParseError."""
    return _Parser(text, constants or {}, file).graph()


@cache
def attribute_hints(cls: type[Op]) -> Mapping[str, Any]:
    """The types of an operator's fields."""
    return typing.get_type_hints(cls)


class _Parser:
    def __init__(self, text: str, constants: Mapping[str, Array], file: str) -> None:
        self.file = file
        self.constants = constants
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

    def error(self, message: str, ahead: int = 0) -> ParseError:
        """An error at the last token read, or at the next one."""
        at = max(self.at - 1 + ahead, 0)
        return ParseError(f"{self.file}:{self.tokens[at][1]}: {message}")

    @property
    def peek(self) -> str:
        return self.tokens[self.at][0]

    def next(self) -> str:
        token = self.peek
        self.at += token != ""
        return token

    def accept(self, token: str) -> bool:
        accepted = self.peek == token
        self.at += accepted
        return accepted

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise self.error(f"expected {token!r}, got {self.peek!r}", ahead=1)

    def name(self, sigil: str) -> str:
        token = self.next()
        if not token.startswith(sigil) or len(token) < 2:
            raise self.error(f"expected a name with {sigil}, got {token!r}")
        return self.unquoted(token[1:]) if token[1] == '"' else token[1:]

    def string(self) -> str:
        token = self.next()
        if not token.startswith('"'):
            raise self.error(f"expected a string, got {token!r}")
        return self.unquoted(token)

    def unquoted(self, token: str) -> str:
        try:
            return json.loads(token)
        except ValueError as error:
            raise self.error(f"malformed string {token}: {error}") from None

    def integer(self) -> int:
        token = self.next()
        if not re.fullmatch(r"-?\d{1,19}", token):
            raise self.error(f"expected an integer, got {token!r}")
        return int(token)

    def number(self) -> float:
        token = self.next()
        if token in ("true", "false"):
            return token == "true"
        try:
            integral = re.fullmatch(r"0|-?[1-9]\d{0,18}", token)
            return int(token) if integral else float(token)
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
            raise self.error(f"unexpected {self.peek!r} after the graph", ahead=1)
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
        results = [Value(n, t, origin, s) for n, t, s in zip(names, types, slots, strict=True)]
        return Node(op, tuple(self.define(v) for v in results))

    def operands(self, cls: type[Op]) -> dict[str, Any]:
        hints = attribute_hints(cls)
        self.expect("(")
        out: dict[str, Any] = {}
        for index, field in enumerate(cls.operand_fields()):
            if index:
                self.expect(",")
            if hints[field] == tuple[Value, ...]:
                self.expect("[")
                out[field] = tuple(self.listed(self.value))
            elif hints[field] != Value and self.accept("none"):
                out[field] = None
            else:
                out[field] = self.value()
        self.expect(")")
        return out

    def attributes(self, cls: type[Op]) -> dict[str, Any]:
        hints = attribute_hints(cls)
        known = [f for f in cls.attribute_fields() if hints[f] is not Region]
        out: dict[str, Any] = {}
        while self.peek not in (":", "{"):
            field = self.next()
            if field not in known or field in out:
                raise self.error(f"{cls.mnemonic()} has no attribute {field!r}, or has it twice")
            self.expect("=")
            out[field] = self.attribute(hints[field])
        if self.peek == "{":
            out["body"] = self.region()
        return out

    def attribute(self, hint: Any) -> Any:
        if hint is bool:
            return self.boolean()
        if hint is float:
            return float(self.number())
        readers: dict[Any, Callable[[], Any]] = {
            Data: self.data,
            int: self.integer,
            str: self.string,
            Layout: self.layout,
            Element: self.element,
            Shape: self.shape,
        }
        return readers[hint]() if hint in readers else self.integers()

    def boolean(self) -> bool:
        token = self.next()
        if token not in ("true", "false"):
            raise self.error(f"expected true or false, got {token!r}")
        return token == "true"

    def region(self) -> Region:
        self.expect("{")
        if len(self.scopes) > 1:
            raise self.error("regions do not nest")
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
        if not 1 <= planes <= 8:
            raise self.error(f"bits have 1 to 8 planes, got {planes}")
        self.expect(";")
        values = [float(self.number())]
        while self.accept(","):
            values.append(float(self.number()))
        self.expect(">")
        if len(values) != 1 << planes:
            raise self.error(f"bits of {planes} planes need {1 << planes} values")
        try:
            return Bits(tuple(values))
        except VerifyError as error:
            raise self.error(str(error)) from error

    def shape(self) -> Shape:
        self.expect("[")
        return tuple(self.listed(self.dimension))

    def integers(self) -> tuple[int, ...]:
        self.expect("[")
        return tuple(self.listed(self.integer))

    def dimension(self) -> int | Batch:
        if re.fullmatch(r"\d{0,18}N", self.peek):
            return Batch(int(self.next()[:-1] or 1))
        return self.integer()

    def slot(self) -> Slot | None:
        if not self.accept("in"):
            return None
        arena = self.next()
        if arena not in ARENAS:
            raise self.error(f"unknown arena {arena!r}")
        self.expect("+")
        offset = self.integer()
        if not self.accept("at"):
            return Slot(arena, offset)
        channel = self.integer()
        self.expect("of")
        return Slot(arena, offset, channel, self.integer())

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
        number = self.number() if kind == "splat" else self.integer()
        if kind == "random" and number < 0:
            raise self.error("a seed is not negative")
        self.expect(")")
        return kind, number

    def constant(self, spec: tuple[str, Any], type_: TensorType) -> Data:
        kind, content = spec
        shape, element = type_.concrete(1), type_.element
        size = type_.elements_per_sample()
        if kind in ("splat", "random") and size > MAX_FILL:
            raise self.error(f"{kind} of {type_} is absurdly large")
        if kind == "digest":
            if content not in self.constants:
                raise self.error(f"the contents of constant #{content} are missing")
            array = np.asarray(self.constants[content])
        elif kind == "splat":
            array = np.full(shape, self.stored([content], element)[0])
        elif kind == "random":
            array = _random(content, shape, element)
        else:
            array = self.stored(content, element)
        if array.size != size:
            raise self.error(f"constant of {array.size} elements does not fit {type_}")
        return Data(array.reshape(shape))

    def stored(self, numbers: Sequence[float], element: Element) -> Array:
        """Numbers in the interpreter's storage; integers must fit."""
        if element.dtype.kind == "f":
            with np.errstate(over="ignore"):
                return np.array(numbers, np.float64).astype(element.dtype)
        low, high = 0, 1
        if element.dtype.kind != "b":
            info = np.iinfo(element.dtype.name)
            low, high = info.min, info.max
        for number in numbers:
            if not isinstance(number, int) or not low <= number <= high:
                raise self.error(f"{number} does not fit {element}")
        return np.array(numbers, element.dtype)


def _random(seed: int, shape: tuple[int, ...], element: Element) -> Array:
    generator = np.random.Generator(np.random.PCG64(seed))
    if isinstance(element, Bits):
        return generator.integers(0, len(element.values), shape).astype(np.uint8)
    if isinstance(element, Scalar) and element.dtype.kind == "f":
        return generator.standard_normal(shape).astype(element.dtype)
    return generator.integers(-1, 2, shape).astype(element.dtype)
