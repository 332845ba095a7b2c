"""Everything elementwise after a window or product runs in its store loop.

A region starts at an anchor (convolution, product, pool, reduction) or at an elementwise operator
that no anchor took, and grows by elementwise operators over its values as long as their other
operands exist before the region, up to the size `LARGEST`: scale, bias, skip Add, PRelu, clip, the
next sign and packing. Values that somebody outside reads become further results, stored once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..ir import Graph, Node, Region, Stage
from ..ir.ops import (
    Fused,
)
from ..ir.traits import ANCHOR, Trait
from .manager import Context, Pass

LARGEST = 256
"""Nodes of a region, a function that is approximated for `_FUNCTION` of them: LLVM's time grows
faster than a function does, and what memory takes between two regions of so many operators is
little beside them."""
_FUNCTION = 16


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


@dataclass(eq=False)
class _Unit:
    """A single node, or a group that becomes one region.

    ``rank``: not below that of any unit that this one depends on; before groups are made, the place
    in the graph. So a search for what depends on a unit need not look below its rank.
    """

    nodes: list[Node]
    rank: int
    fused: bool = False


def _size(node: Node) -> int:
    """How much code a node is, in operators that are one instruction."""
    return _FUNCTION if node.op.traits & Trait.APPROXIMATED else 1


class _Units:
    """The graph's nodes, each in one unit."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.order = graph.order
        self.units = {node: _Unit([node], i) for node, i in self.order.items()}

    def grouped(self, node: Node) -> bool:
        """True when a region holds the node."""
        return self.units[node].fused

    def start(self, first: Node) -> None:
        """Open a region at ``first`` and let it grow.

        A reader that must wait may fit once what it waits for is in the region; one that fits does
        so whatever joins before it, as nothing comes to depend on the region that did not before.
        """
        group = self.units[first]
        group.fused = True
        shape, start = first.results[0].shape, group.rank
        independent: set[_Unit] = set()
        fresh, refused = self._readers(first), list[Node]()
        size, grown = _size(first), False
        while fresh and size < LARGEST:
            user = fresh.pop()
            fits = user.op.elementwise and user.results[0].shape == shape
            if fits and not self.grouped(user):
                if self._depends(user, group, start, independent):
                    refused.append(user)
                else:
                    group.nodes.append(user)
                    size += _size(user)
                    self.units[user] = group
                    fresh += self._readers(user)
                    grown = True
            if not fresh and grown:
                fresh, refused, grown = refused, [], False
        group.nodes.sort(key=lambda node: (node is not first, self.order[node]))
        self._raise_rank(group)

    def _readers(self, node: Node) -> list[Node]:
        return [user for value in node.results for user in self.graph.users.get(value, ())]

    def _above(self, nodes: Sequence[Node]) -> list[_Unit]:
        """The units that some nodes read, in order, each once."""
        producers = self.graph.producers
        read = dict.fromkeys(v for node in nodes for v in node.op.operands)
        return list(dict.fromkeys(self.units[producers[v]] for v in read if v in producers))

    def _depends(self, user: Node, group: _Unit, start: int, independent: set[_Unit]) -> bool:
        """True when an operand of ``user`` from outside is computed, through whole units, from
        the group, whose rank was ``start``: fusing it would make a cycle. ``independent`` units do
        not depend on the group."""
        todo = [unit for unit in self._above([user]) if unit is not group]
        seen: set[_Unit] = set()
        while todo:
            unit = todo.pop()
            if unit is group:
                return True
            if unit.rank >= start and unit not in seen and unit not in independent:
                seen.add(unit)
                todo.extend(self._above(unit.nodes))
        independent |= seen
        return False

    def _raise_rank(self, group: _Unit) -> None:
        """Rank a group by its nodes and what they read, and with it what depends on the group."""
        ranks = [self.order[node] for node in group.nodes]
        group.rank = max([group.rank, *ranks, *(unit.rank for unit in self._above(group.nodes))])
        todo = [group]
        while todo:
            unit = todo.pop()
            for node in unit.nodes:
                for user in self._readers(node):
                    below = self.units[user]
                    if below.rank < unit.rank:
                        below.rank = unit.rank
                        todo.append(below)

    def emit(self) -> list[Node]:
        """Nodes in an order that defines values before their use, regions fused."""
        out: list[Node] = []
        done: set[_Unit] = set()
        for unit in dict.fromkeys(self.units[node] for node in self.graph.nodes):
            todo = [] if unit in done else [(unit, iter(self._above(unit.nodes)))]
            while todo:
                unit, above = todo[-1]
                waiting = next((u for u in above if u not in done and u is not unit), None)
                if waiting is not None:
                    todo.append((waiting, iter(self._above(waiting.nodes))))
                    continue
                todo.pop()
                done.add(unit)
                out.append(self.fuse(unit.nodes) if unit.fused else unit.nodes[0])
        return out

    def fuse(self, unit: Sequence[Node]) -> Node:
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
