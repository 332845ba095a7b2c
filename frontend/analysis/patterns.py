"""The frontend's patterns over `ir.rewriting`: what they see of an imported graph, and its facts.

A pattern looks at the graph that the walk began with, because facts are proven only of that graph.
Each node is looked at once; what a pattern leaves is for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from ...ir import Array, Graph, Node, Op, Value
from ...ir.intervals import Interval
from ...ir.ops import (
    Const,
    Conv,
    Div,
    Expand,
    Gemm,
    MatMul,
    Mul,
    Neg,
)
from ...ir.rewriting import Rewriter
from ...ir.traits import PASSES_ON
from .ranges import ranges

Kind = TypeVar("Kind", bound=Op)


@dataclass(frozen=True)
class Replacement:
    """What a node computes instead: ``op`` on values of the old graph. ``absorbed`` are the nodes
    that the pattern covers; their origins go to the new value, first to last."""

    op: Op
    absorbed: tuple[Node, ...] = ()


class View:
    """The graph that a pattern looks at, and the new one that a rewriter builds beside it."""

    def __init__(self, rw: Rewriter) -> None:
        self.rw = rw
        self.graph = rw.source
        self.notes: list[str] = []

    @cached_property
    def ranges(self) -> dict[Value, Interval]:
        """Bounds of the float32 values."""
        return ranges(self.graph)

    @cached_property
    def factors(self) -> frozenset[Value]:
        """Values that a convolution or product multiplies: its operands, and what these are before
        moves, operators with constants and factors."""
        factors: set[Value] = set()
        for node in reversed(self.graph.nodes):
            op = node.op
            if isinstance(op, (Conv, Gemm)):
                factors.add(op.x)
            elif isinstance(op, MatMul):
                factors.update((op.a, op.b))
            elif factors.isdisjoint(node.results):
                continue
            elif op.traits & PASSES_ON and not op.elementwise:
                factors.update(op.sources)
            elif op.elementwise:
                running = [v for v in op.operands if self.made_by(v, Const) is None]
                scales = isinstance(op, (Mul, Div))
                factors.update(running if scales or len(running) == 1 else ())
        return frozenset(factors)

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
        return self.rw.add(op.map_operands(self.rw.get), hint, origin)


Match = Callable[[View, Node], Replacement | None]


def replace_matches(graph: Graph, match: Match, notes: list[str] | None = None) -> Graph:
    """Replace every node that ``match`` answers for; unused nodes go. Names stay with values.

    Remarks of the pattern are added to ``notes``.
    """
    rw = Rewriter.over(graph)
    view = View(rw)

    def rule(rw: Rewriter, current: Node) -> Value | None:
        node = view.node(current.result)
        replacement = match(view, node)
        if replacement is None or replacement.op.infer() != (node.result.type,):
            return None
        origin = [o for n in (*replacement.absorbed, node) for o in n.origin]
        return view.add(replacement.op, node.result.name, origin)

    rewritten, changed = rw.walk((rule,))
    if notes is not None:
        notes.extend(view.notes)
    return rewritten if changed else graph


def full(value: Value, number: float) -> Const:
    """A scalar constant in the element type of ``value``."""
    return Const.of(np.asarray(number, value.element.dtype))
