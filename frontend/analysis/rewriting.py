"""Pattern rewriting over an imported graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from ...ir import Array, Builder, Graph, Node, Op, Value
from ...ir.ops import (
    Concat,
    Const,
    Conv,
    Expand,
    Gemm,
    MatMul,
    MaxPool,
    Neg,
    Pad,
    Reshape,
    Slice,
    Transpose,
)
from ..importing.graph_builder import live_nodes
from .ranges import Range, ranges

Kind = TypeVar("Kind", bound=Op)


@dataclass(frozen=True)
class Found:
    """What a node computes instead: ``op`` on values of the old graph. ``absorbed`` are the nodes
    that the pattern covers; their origins go to the new value, first to last."""

    op: Op
    absorbed: tuple[Node, ...] = ()


class View:
    """The graph that a pattern looks at, and the new one that grows beside it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.notes: list[str] = []
        self.builder = Builder.over(graph)

    @cached_property
    def ranges(self) -> dict[Value, Range]:
        """Bounds of the float32 values."""
        return ranges(self.graph)

    @cached_property
    def factors(self) -> frozenset[Value]:
        """Values that a convolution or product multiplies: its operands, and what these are before
        moves and operators with constants."""
        found: set[Value] = set()
        for node in reversed(self.graph.nodes):
            op = node.op
            if isinstance(op, (Conv, Gemm)):
                found.add(op.x)
            elif isinstance(op, MatMul):
                found.update((op.a, op.b))
            elif found.isdisjoint(node.results):
                continue
            elif isinstance(op, (Concat, MaxPool, Pad, Reshape, Slice, Transpose)):
                found.update(op.operands)
            elif op.elementwise:
                running = [v for v in op.operands if self.made_by(v, Const) is None]
                found.update(running if len(running) == 1 else ())
        return frozenset(found)

    def made_by(self, value: Value, kind: type[Kind]) -> Kind | None:
        """The operator that defines ``value`` if it is of this kind."""
        op = self.graph.producer_op(value)
        return op if isinstance(op, kind) else None

    def node(self, value: Value) -> Node:
        """The node that defines ``value``."""
        return self.graph.producers[value]

    def constant(self, value: Value) -> Array | None:
        """The contents of a constant."""
        op = self.made_by(value, Const)
        return None if op is None else op.array

    def number(self, value: Value) -> float | None:
        """The one number that a constant holds everywhere.

        ``ones_like`` of a tensor with symbolic batch is an expanded constant, -1 its negation.
        """
        spread = self.made_by(value, Expand)
        if spread is not None:
            return self.number(spread.x)
        negated = self.made_by(value, Neg)
        if negated is not None:
            inner = self.number(negated.x)
            return None if inner is None else -inner
        array = self.constant(value)
        if array is None or not array.size or array.dtype.kind == "V":
            return None
        first = array.reshape(-1)[0]
        return float(first) if bool((array == first).all()) else None

    def add(self, op: Op, hint: str, origin: Sequence[str]) -> Value:
        """A further node of the new graph, on values of the old one or of the new one."""
        return self.builder.add(op.map_operands(self.builder.get), hint, origin)


Match = Callable[[View, Node], Found | None]


def rewrite(graph: Graph, match: Match, notes: list[str] | None = None) -> Graph:
    """Replace every node that ``match`` answers for; unused nodes go. Names stay with values.

    Remarks of the pattern are added to ``notes``.
    """
    view = View(graph)
    builder = view.builder
    changed = False
    for node in graph.nodes:
        found = match(view, node)
        if found is None or found.op.infer() != (node.results[0].type,):
            builder.copy(node)
            continue
        changed = True
        old = node.result
        origin = dict.fromkeys(o for n in (*found.absorbed, node) for o in n.origin)
        new = Value(old.name, old.type, tuple(origin))
        builder.nodes.append(Node(found.op.map_operands(builder.get), (new,)))
        builder.put(old, new)
    if notes is not None:
        notes.extend(view.notes)
    if not changed:
        return graph
    out = builder.finish(graph)
    return out.replace(nodes=tuple(live_nodes(out.nodes, [o.value for o in out.outputs])))


def full(value: Value, number: float) -> Const:
    """A scalar constant in the element type of ``value``."""
    return Const.of(np.asarray(number, value.element.dtype))
