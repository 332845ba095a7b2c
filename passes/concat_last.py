"""Elementwise operators over a concatenation run on its parts, in the regions that compute them.

f(concat(a, b), c) = concat(f(a, c[:A]), f(b, c[A:])) for elementwise f and constants c: exact. The
result is then written once, instead of being written, read and written again; and the concatenation
that remains copies nothing when its operands can be computed directly into it. In a dense block,
where each layer reads all that came before it, no layer's normalization reads the growing map: a
part makes, while it is in registers, what all later layers want of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir import Array, Graph, Node, Stage, Value
from ..ir.ops import Concat, Const, Threshold
from ..ir.rewriting import Rewriter, rewrite
from ..ir.traits import ANCHOR
from .manager import Context, Pass


@dataclass(frozen=True)
class ConcatLast(Pass):
    """Move concatenations of channels after elementwise operators.

    Before:
        input %x: f32[N,2,4]
        %a = neg(%x) : f32[N,2,4]
        %b = relu(%x) : f32[N,2,4]
        %c = const() data=[1, 2, 3, 4] element=f32 : f32[4,1]
        %m = concat([%a, %b]) axis=1 : f32[N,4,4]
        %y = mul(%m, %c) : f32[N,4,4]
        output %y as "y"
    After:
        %a = neg(%x) : f32[N,2,4]
        %b = relu(%x) : f32[N,2,4]
        %c.0 = const() data=[1, 2] element=f32 : f32[2,1]
        %y.0 = mul(%a, %c.0) : f32[N,2,4]
        %c.1 = const() data=[3, 4] element=f32 : f32[2,1]
        %y.1 = mul(%b, %c.1) : f32[N,2,4]
        %y = concat([%y.0, %y.1]) axis=1 : f32[N,4,4]
        output %y as "y"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.IMPORTED, Stage.BINARIZED)

    def run(self, graph: Graph, context: Context) -> Graph:
        return rewrite(graph, (concat_last,))


def concat_last(rw: Rewriter, node: Node) -> Value | None:
    """The rule: one operand is a concatenation of what regions compute, others are constants."""
    op = node.op
    if not op.pointwise:
        return None
    joined = next((v for v in op.operands if rw.op(v, Concat)), None)
    concat = rw.op(joined, Concat) if joined is not None else None
    if joined is None or concat is None or concat.axis != 1 or joined.shape != node.result.shape:
        return None
    xs = _parts(rw, concat)
    producers = [rw.producer(x) for x in xs]
    fused = all(n is not None and (n.op.elementwise or n.op.traits & ANCHOR) for n in producers)
    others = [v for v in op.operands if v is not joined]
    if not fused or any(rw.array(v) is None for v in others):
        return None
    parts: list[Value] = []
    first = 0
    for number, x in enumerate(xs):
        channels = x.shape[1]
        assert isinstance(channels, int)
        last = first + channels
        axis = 0 if isinstance(op, Threshold) else 1 - joined.type.rank
        cut = {v: _slice(rw, v, axis, (first, last), number) for v in others}
        part = op.map_operands(lambda v, x=x, cut=cut: x if v is joined else cut[v])
        parts.append(rw.add(part, f"{node.result.name}.{number}", node.origin))
        first = last
    return rw.add(Concat(tuple(parts), 1), node.result.name, node.origin)


def _parts(rw: Rewriter, concat: Concat) -> list[Value]:
    """What a concatenation joins, in order, through concatenations over the same axis."""
    parts: list[Value] = []
    todo = [*concat.xs]
    while todo:
        x = todo.pop()
        inner = rw.op(x, Concat)
        if inner is not None and inner.axis == concat.axis:
            todo += inner.xs
        else:
            parts.append(x)
    return parts[::-1]


def _slice(rw: Rewriter, value: Value, axis: int, span: tuple[int, int], number: int) -> Value:
    """The part of a constant for channels ``span``; itself where it does not vary over them.
    ``axis`` counts from the first axis, or from the last when negative."""
    array: Array = rw.array(value)
    if array.ndim < -axis or array.ndim <= axis or array.shape[axis] == 1:
        return value
    place = axis % array.ndim
    taken = array.take(range(*span), place)
    return rw.add(Const.of(taken, value.element), f"{value.name}.{number}", value.origin)
