"""Values, operators and graphs.

An operator is a frozen dataclass whose fields are its operands (annotated ``Value``,
``Value | None`` or ``tuple[Value, ...]``) and its attributes (everything else). From the fields
follow the text form, rewriting and hashing, so that a new operator is one class:

    @dataclass(frozen=True)
    class Relu(Unary):
        def reference(self, args, batch): return np.maximum(args[0], 0)
"""

from __future__ import annotations

import hashlib
import re
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from functools import cache, cached_property
from typing import Any, ClassVar

import numpy as np

from ..errors import VerifyError
from .intervals import LIBRARY_ERROR, UNKNOWN, Interval, monotone
from .traits import NO_TRAITS, PASSES_ON, Trait
from .types import Array, Bits, Element, TensorType, Ternary


class Stage(IntEnum):
    """How far a graph has been lowered; `verify` says what each stage may hold."""

    IMPORTED = 0
    BINARIZED = 1
    PACKED = 2
    SCHEDULED = 3


@dataclass(frozen=True)
class Slot:
    """Where a value lives at run time, decided by the memory plan.

    ``arena`` is ``batch`` (byte offset times N), ``round`` (byte offset times the samples of one
    round) or ``fixed`` (byte offset after those arenas). The nodes up to the last one that touches
    the ``round`` arena run in rounds: all of them for some samples of the batch, then for others.
    With ``pitch`` the value is part of a channels-last tensor of that many channels at ``offset``:
    those from ``channel`` on.
    """

    arena: str
    offset: int
    channel: int = 0
    pitch: int = 0

    def __str__(self) -> str:
        part = f" at {self.channel} of {self.pitch}" if self.pitch else ""
        return f"{self.arena}+{self.offset}{part}"


@dataclass(frozen=True, eq=False)
class Value:
    """One SSA value; two values are the same only if they are the same object.

    ``origin`` lists the ONNX nodes that it came from, for errors and reports.
    """

    name: str
    type: TensorType
    origin: tuple[str, ...] = ()
    slot: Slot | None = None

    def __repr__(self) -> str:
        return f"%{self.name}: {self.type}"

    @property
    def shape(self) -> tuple[Any, ...]:
        """Logical shape; the first entry may be a `Batch`."""
        return self.type.shape

    @property
    def element(self) -> Element:
        """Element type."""
        return self.type.element


@dataclass(frozen=True, eq=False)
class Data:
    """The contents of a constant: a read-only array in the interpreter's storage.

    Compared by digest, printed in full when small and as its digest otherwise.
    """

    array: Array

    def __post_init__(self) -> None:
        array = np.array(self.array, order="C", copy=True)
        array.setflags(write=False)
        object.__setattr__(self, "array", array)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over dtype, shape and bytes, 16 hex digits."""
        head = f"{self.array.dtype.str}{self.array.shape}".encode()
        return hashlib.sha256(head + self.array.tobytes()).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Data) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


ANNOTATION = "annotation"
"""Metadata key of attributes that only say what passes found out; their default says nothing."""


@dataclass(frozen=True)
class Op:
    """Base of all operators."""

    REGISTRY: ClassVar[dict[str, type[Op]]] = {}
    traits: ClassVar[Trait] = NO_TRAITS
    """What kind of function the operator is; every operator states its own."""
    codomain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    """What all values of a monotone function lie between."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.reference is not Op.reference:  # a base of operators has none
            Op.REGISTRY[cls.mnemonic()] = cls

    @classmethod
    @cache
    def mnemonic(cls) -> str:
        """The operator's name in the text form: ``BinaryConv`` is ``binary_conv``."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def operand_fields(cls) -> tuple[str, ...]:
        """Names of the fields that hold values."""
        return _split_fields(cls)[0]

    @classmethod
    def attribute_fields(cls) -> tuple[str, ...]:
        """Names of the fields that hold attributes."""
        return _split_fields(cls)[1]

    def stated_fields(self) -> tuple[str, ...]:
        """Attribute fields without the annotations that say nothing."""
        defaults = {f.name: f.default for f in fields(self) if ANNOTATION in f.metadata}
        return tuple(
            name
            for name in self.attribute_fields()
            if name not in defaults or getattr(self, name) != defaults[name]
        )

    @cached_property
    def operands(self) -> tuple[Value, ...]:
        """All operands, missing optional ones left out."""
        out: list[Value] = []
        for name in self.operand_fields():
            operand = getattr(self, name)
            if isinstance(operand, Value):
                out.append(operand)
            elif operand is not None:
                out.extend(operand)
        return tuple(out)

    def map_operands(self, function: Callable[[Value], Value]) -> Op:
        """The same operator on other values."""
        changes: dict[str, Any] = {}
        for name in self.operand_fields():
            operand = getattr(self, name)
            if isinstance(operand, Value):
                changes[name] = function(operand)
            elif operand is not None:
                changes[name] = tuple(function(v) for v in operand)
        return replace(self, **changes)

    @property
    def elementwise(self) -> bool:
        """Whether each result element depends on the elements at its own position."""
        return Trait.ELEMENTWISE in self.traits

    @property
    def pointwise(self) -> bool:
        """Whether it computes at each position, and does not only broadcast."""
        return self.elementwise and Trait.MOVES not in self.traits

    @property
    def jumps(self) -> bool:
        """Whether results jump; what stands before may not be rounded otherwise."""
        return Trait.STEPS in self.traits

    @property
    def sources(self) -> tuple[Value, ...]:
        """The operands whose elements an operator that moves or selects passes on."""
        return self.operands

    def terms(self) -> int:
        """Products or elements that each result element sums; 1 where nothing is summed."""
        return 1

    def interval(self, args: Sequence[Interval]) -> Interval:
        """What encloses a float32 or bool result, from what encloses the operands."""
        passed = [a for v, a in zip(self.operands, args, strict=True) if v in self.sources]
        if self.elementwise and self.traits & (Trait.RISES | Trait.FALLS):
            approximated = Trait.APPROXIMATED in self.traits
            bounds = monotone(
                lambda ends: self.reference(ends, 1),
                args,
                falls=Trait.FALLS in self.traits,
                error=LIBRARY_ERROR if approximated else 0.0,
                codomain=self.codomain,
            )
            if not self.traits & PASSES_ON:
                return bounds
            least = Interval.union(*passed).least
            return Interval.of(bounds.low, bounds.high, least, bounds.nan)
        if self.traits & PASSES_ON:
            return Interval.union(*passed)
        return UNKNOWN

    def leader(self) -> Node | None:
        """The node of the operator's body after which it is called in messages."""
        return None

    def infer(self) -> tuple[TensorType, ...]:
        """Row-major types of the results; raises VerifyError when operands do not fit."""
        raise VerifyError(f"{self.mnemonic()} does not infer its results")

    def verify(self) -> None:
        """Checks beyond `infer`; raises VerifyError."""

    def reference(self, args: Sequence[Any], batch: int) -> Any:
        """Compute on NumPy arrays in the interpreter's storage: the operator's definition.

        ``args`` follows `operands`; ``batch`` is N. Returns an array, or a tuple of arrays.
        """
        raise VerifyError(f"{self.mnemonic()} has no reference")


@cache
def _split_fields(cls: type[Op]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    hints = typing.get_type_hints(cls)
    kinds = (Value, Value | None, tuple[Value, ...])
    operands = tuple(f.name for f in fields(cls) if hints[f.name] in kinds)
    attributes = tuple(f.name for f in fields(cls) if hints[f.name] not in kinds)
    return operands, attributes


@dataclass(frozen=True, eq=False)
class Node:
    """An operator and the values that it defines."""

    op: Op
    results: tuple[Value, ...]

    @property
    def result(self) -> Value:
        """The only result."""
        (value,) = self.results
        return value

    @property
    def origin(self) -> tuple[str, ...]:
        """ONNX nodes that this one came from, in order, without repeats."""
        return tuple(dict.fromkeys(name for value in self.results for name in value.origin))

    def describe(self) -> str:
        """``node 'conv1' (binary_conv)`` for messages."""
        leader = self.op.leader() or self
        name = leader.origin[0] if leader.origin else leader.results[0].name
        return f"node '{name}' ({leader.op.mnemonic()})"


@dataclass(frozen=True, eq=False)
class Region:
    """The body of a fused operator: nodes over its own parameters."""

    params: tuple[Value, ...]
    nodes: tuple[Node, ...]
    results: tuple[Value, ...]


@dataclass(frozen=True)
class Output:
    """A graph output: its ONNX name and the value that it shows."""

    name: str
    value: Value


@dataclass(frozen=True, eq=False)
class Graph:
    """A model: nodes in an order that defines each value before its use."""

    name: str
    inputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    stage: Stage = Stage.IMPORTED

    @cached_property
    def producers(self) -> Mapping[Value, Node]:
        """The node that defines each value (graph inputs have none)."""
        return {value: node for node in self.nodes for value in node.results}

    @cached_property
    def users(self) -> Mapping[Value, tuple[Node, ...]]:
        """Nodes that read each value, in order, each once."""
        table: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in dict.fromkeys(node.op.operands):
                table.setdefault(value, []).append(node)
        return {value: tuple(nodes) for value, nodes in table.items()}

    @cached_property
    def order(self) -> Mapping[Node, int]:
        """The place of each node."""
        return {node: i for i, node in enumerate(self.nodes)}

    @cached_property
    def output_values(self) -> frozenset[Value]:
        """Values that leave the graph."""
        return frozenset(output.value for output in self.outputs)

    def producer_op(self, value: Value) -> Op | None:
        """The operator that defines a value, None for graph inputs."""
        node = self.producers.get(value)
        return node.op if node else None

    def only_user(self, value: Value) -> Node | None:
        """The single reader of a value that does not leave the graph, else None."""
        users = self.users.get(value, ())
        return users[0] if len(users) == 1 and value not in self.output_values else None

    def replace(self, **changes: Any) -> Graph:
        """A copy with other fields."""
        return replace(self, **changes)


@dataclass
class Builder:
    """Builds a node list, naming values uniquely.

    ``Builder.over(graph)`` starts a rewrite: `copy` re-adds nodes of the old graph with operands
    mapped to their replacements, `put` records a replacement, `finish` makes the new graph.
    """

    nodes: list[Node] = field(default_factory=list[Node])
    names: set[str] = field(default_factory=set[str])
    replaced: dict[Value, Value] = field(default_factory=dict[Value, Value])
    _counts: dict[str, int] = field(default_factory=dict[str, int])
    """The number of the last name of each hint: all lower ones are taken."""

    @classmethod
    def over(cls, graph: Graph) -> Builder:
        """An empty builder for a rewrite of ``graph``: its names are taken."""
        names = {v.name for v in graph.inputs}
        names.update(v.name for node in graph.nodes for v in node.results)
        return cls(names=names)

    def unique(self, hint: str) -> str:
        """``hint``, or ``hint.1``, ``hint.2`` .. when it is taken; the name is reserved."""
        count = self._counts.get(hint, 0)
        name = f"{hint}.{count}" if count else hint
        while name in self.names:
            count += 1
            name = f"{hint}.{count}"
        self._counts[hint] = count
        self.names.add(name)
        return name

    def add_all(
        self,
        op: Op,
        hint: str = "v",
        origin: Iterable[str] = (),
        types: Sequence[TensorType] | None = None,
    ) -> tuple[Value, ...]:
        """Append a node; results are inferred unless ``types`` gives them (with layouts)."""
        types = op.infer() if types is None else types
        origin = tuple(dict.fromkeys(origin))
        results = tuple(Value(self.unique(hint), type_, origin) for type_ in types)
        self.nodes.append(Node(op, results))
        return results

    def add(self, op: Op, hint: str = "v", origin: Iterable[str] = ()) -> Value:
        """Append a node with one result."""
        (value,) = self.add_all(op, hint, origin)
        return value

    def get(self, value: Value) -> Value:
        """What stands for an old value now."""
        while value in self.replaced:
            value = self.replaced[value]
        return value

    def put(self, old: Value, new: Value) -> None:
        """Let ``new`` stand for ``old``."""
        self.replaced[old] = new

    def copy(self, node: Node) -> tuple[Value, ...]:
        """Re-add an old node on the current operands.

        Its values keep their names, and their identity too unless the new operands change types.
        """
        op = node.op.map_operands(self.get)
        if all(new is old for new, old in zip(op.operands, node.op.operands, strict=True)):
            self.nodes.append(node)
            return node.results
        results: list[Value] = []
        for old, type_ in zip(node.results, op.infer(), strict=True):
            new = old
            if type_.with_layout(old.type.layout) != old.type:
                new = replace(old, type=type_.with_layout(old.type.layout))
                self.put(old, new)
            results.append(new)
        self.nodes.append(Node(op, tuple(results)))
        return tuple(results)

    def finish(self, graph: Graph, stage: Stage | None = None) -> Graph:
        """The rewritten graph."""
        outputs = tuple(Output(o.name, self.get(o.value)) for o in graph.outputs)
        return Graph(
            graph.name,
            graph.inputs,
            tuple(self.nodes),
            outputs,
            graph.stage if stage is None else stage,
        )


def decode(array: Array, element: Element) -> Array:
    """Stored codes to the float32 values that they stand for."""
    if isinstance(element, Bits):
        return np.asarray(element.values, np.float32)[array]
    if isinstance(element, Ternary):
        return array.astype(np.float32)
    return array
