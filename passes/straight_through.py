"""The straight-through estimator of a rounded value is read as the rounded value.

    fl(p + fl(q - p)) -> q        q is computed from p, or from what p is computed from, by rounding

``detach`` vanishes in export and leaves this residue of q, which training computes p's gradient
through. The import removes it where that changes no bit (signs, mostly). Quantizers of more levels
are off by what the two additions round, up to 2^-24 of p: what the model means is q, and only q has
few levels. `--exact-float` keeps the residue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ..ir import Graph, Node, Stage, Value
from ..ir.ops import Add, Ceil, Floor, Round, Sub
from ..ir.rewriting import Rewriter, rewrite
from .manager import Context, Exactness, Pass

_MOST = 64
"""Operators that are looked at before a residue."""


@dataclass(frozen=True)
class StraightThrough(Pass):
    """Read (q - p) + p as q.

    Before:
        input %x: f32[N,4]
        %r = round(%x) : f32[N,4]
        %q = clip(%r) low=-2.0 high=1.0 : f32[N,4]
        %d = sub(%q, %x) : f32[N,4]
        %y = add(%x, %d) : f32[N,4]
        output %y as "y"
    After:
        input %x: f32[N,4]
        %r = round(%x) : f32[N,4]
        %q = clip(%r) low=-2.0 high=1.0 : f32[N,4]
        output %q as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.IMPORTED,)
    exactness: ClassVar[Exactness] = "rounding"

    def run(self, graph: Graph, context: Context) -> Graph:
        return rewrite(graph, (_rule,))


def _rule(rw: Rewriter, node: Node) -> Value | None:
    for q, p in _readings(rw, node):
        if q.type == node.result.type and _is_rounded(rw, q, p):
            return q
    return None


def _readings(rw: Rewriter, node: Node) -> Iterator[tuple[Value, Value]]:
    """The pairs (q, p) of which a node is q - p + p."""
    op = node.op
    if isinstance(op, Add):
        for p, inner in ((op.a, op.b), (op.b, op.a)):
            difference = rw.op(inner, Sub)
            if difference is not None and difference.b is p:
                yield difference.a, p
    if isinstance(op, Sub):
        difference = rw.op(op.b, Sub)
        if difference is not None and difference.a is op.a:
            yield difference.b, op.a


def _is_rounded(rw: Rewriter, q: Value, p: Value) -> bool:
    """Whether q comes from p, or from what p is elementwise computed from, through a rounding."""
    roundings = [op for v in _before(rw, q) if (op := rw.op(v, (Round, Floor, Ceil)))]
    common = set(_before(rw, p))
    return any(v in common for op in roundings for v in _before(rw, op.x))


def _before(rw: Rewriter, value: Value) -> Iterator[Value]:
    """A value and what it is elementwise computed from, constants left out, the nearest first."""
    seen = [value]
    for at in seen:
        yield at
        node = rw.producer(at)
        if node is not None and node.op.elementwise and len(seen) < _MOST:
            new = (v for v in node.op.operands if rw.array(v) is None)
            seen += [v for v in dict.fromkeys(new) if v not in seen]
