"""Everything elementwise after a window or product runs in its store loop.

A region starts at an anchor (convolution, product, pool, reduction) or at an elementwise operator
that no anchor took, and grows by elementwise operators over its values as long as their other
operands exist before the region: scale, bias, skip Add, PRelu, clip, the next sign and packing.
Values that somebody outside reads become further results, stored once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..ir import Graph, Node, Region, Stage
from ..ir.ops import (
    Fused,
)
from ..ir.traits import ANCHOR
from .manager import Context, Pass


@dataclass(frozen=True)
class FuseEpilogue(Pass):
    """Group anchors and elementwise operators into fused regions.

    Before:
        input %x: f32[N,4]
        input %w: f32[4,4]
        %y = gemm(%x, %w, none) : f32[N,4]
        %z = relu(%y) : f32[N,4]
        output %z as "z"
    After:
        %z = fused([%x, %w]) kernel="" {
          (%x: f32[N,4], %w: f32[4,4])
          %y = gemm(%x, %w, none) : f32[N,4]
          %z = relu(%y) : f32[N,4]
          yield %z
        } : f32[N,4]
        output %z as "z"
    """

    requires: ClassVar[tuple[Stage, ...]] = (Stage.PACKED,)

    def run(self, graph: Graph, context: Context) -> Graph:
        units = _Units(graph)
        for anchors in (True, False):
            for node in graph.nodes:
                starts = node.op.traits & ANCHOR if anchors else node.op.elementwise
                if starts and not units.grouped(node):
                    units.start(node)
        return graph.replace(nodes=tuple(units.emit()))


class _Units:
    """The graph's nodes, each alone or in a group that becomes one region."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.members: dict[Node, list[Node]] = {node: [node] for node in graph.nodes}
        self.fused: set[Node] = set()

    def grouped(self, node: Node) -> bool:
        """True when a region holds the node."""
        return node in self.fused

    def start(self, first: Node) -> None:
        """Open a region at ``first`` and let it grow."""
        group = self.members[first]
        self.fused.add(first)
        shape = first.results[0].shape
        at = 0
        while at < len(group):
            readers = [u for v in group[at].results for u in self.graph.users.get(v, ())]
            at += 1
            for user in readers:
                fits = user.op.elementwise and user.results[0].shape == shape
                if fits and user not in self.fused and not self.depends(user, group):
                    group.append(user)
                    self.members[user] = group
                    self.fused.add(user)
                    at = 0
        order = {node: i for i, node in enumerate(self.graph.nodes)}
        group.sort(key=lambda node: (node is not first, order[node]))

    def above(self, unit: list[Node]) -> list[Node]:
        """Nodes outside a unit that it reads."""
        producers = self.graph.producers
        made = [producers[v] for node in unit for v in node.op.operands if v in producers]
        return [node for node in dict.fromkeys(made) if self.members[node] is not unit]

    def depends(self, user: Node, group: list[Node]) -> bool:
        """True when an operand of ``user`` from outside is computed, through whole units, from
        the group: fusing it would make a cycle."""
        todo = [n for n in self.above([user]) if self.members[n] is not group]
        seen: set[int] = set()
        while todo:
            unit = self.members[todo.pop()]
            if unit is group:
                return True
            if id(unit) not in seen:
                seen.add(id(unit))
                todo.extend(self.above(unit))
        return False

    def emit(self) -> list[Node]:
        """Nodes in an order that defines values before their use, regions fused."""
        out: list[Node] = []
        done: set[int] = set()
        for node in self.graph.nodes:
            todo = [self.members[node]]
            while todo:
                unit = todo[-1]
                waiting = [self.members[n] for n in self.above(unit)]
                waiting = [u for u in waiting if id(u) not in done]
                if id(unit) in done or not waiting:
                    todo.pop()
                    if id(unit) not in done:
                        done.add(id(unit))
                        out.append(self.fuse(unit) if unit[0] in self.fused else unit[0])
                else:
                    todo.append(waiting[0])
        return out

    def fuse(self, unit: list[Node]) -> Node:
        """One fused node; its region uses the values of the graph itself."""
        inside = {v for node in unit for v in node.results}
        params = [v for node in unit for v in node.op.operands if v not in inside]
        params = list(dict.fromkeys(params))
        members = set(unit)
        results = [
            v
            for node in unit
            for v in node.results
            if v in self.graph.output_values
            or any(user not in members for user in self.graph.users.get(v, ()))
        ]
        body = Region(tuple(params), tuple(unit), tuple(results))
        return Node(Fused(tuple(params), body), tuple(results))
