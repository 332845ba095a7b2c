"""Which values of a scheduled graph may share memory: parts of a concatenation, and results that
take the place of an operand.

A concatenation of channels-last maps copies nothing when its operands are computed right into it:
their pixels lie as far apart as those of the concatenation. A region that adds a skip to its sums,
element by element, may write the sum where the skip was, if nobody reads that afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from ...ir import Graph, Layout, Node, Scalar, TensorType, Value
from ...ir.ops import Concat, Fused, Threshold


@dataclass
class Buffer:
    """Memory that one value, and the views of it, share, while the nodes first .. last run."""

    size: int
    first: int
    last: int
    offset: int = 0


Parts = Mapping[Value, tuple[Value, int]]


def concatenated(graph: Graph) -> dict[Value, tuple[Value, int]]:
    """Value to the concatenation that it is computed into, and its first channel there.

    Only regions know how to read and write parts, so nothing else may touch them.
    """
    parts: dict[Value, tuple[Value, int]] = {}
    joined: set[Node] = set()
    outputs = graph.output_values
    for node in graph.nodes:
        op = node.op
        if not (isinstance(op, Concat) and op.axis == 1 and _is_map(node.result.type)):
            continue
        taken = len(set(op.xs)) < len(op.xs) or any(x in parts or x in outputs for x in op.xs)
        if taken or not all(_local(graph, x, node, joined) for x in op.xs):
            continue
        joined.add(node)
        start = 0
        for x in op.xs:
            parts[x] = (node.result, start)
            channels = x.shape[1]
            assert isinstance(channels, int)
            start += channels
    return parts


def _is_map(type_: TensorType) -> bool:
    return type_.layout is Layout.CHANNELS_LAST and isinstance(type_.element, Scalar)


def _local(graph: Graph, value: Value, reader: Node, joined: set[Node]) -> bool:
    """True when only regions and concatenations without copies touch a map."""
    maker = graph.producers.get(value)
    if maker is None or not _is_map(value.type):
        return False
    others = [user for user in graph.users.get(value, ()) if user is not reader]
    computed = isinstance(maker.op, Fused) or maker in joined
    return computed and all(isinstance(user.op, Fused) for user in others)


@dataclass(frozen=True)
class LastReads:
    """When each value is read for the last time, as positions in the graph's order of nodes; and
    until when memory is read, under the values that `live_in` has been told of."""

    positions: Mapping[Node, int]
    last: Mapping[Value, int]
    _until: dict[Value, int]

    @classmethod
    def of(cls, graph: Graph) -> LastReads:
        """The reads of a graph."""
        last = {v: i for i, node in enumerate(graph.nodes) for v in node.op.operands}
        return cls({node: i for i, node in enumerate(graph.nodes)}, last, {})

    def live_in(self, value: Value, root: Value) -> None:
        """Note that a value lies in the memory of ``root``."""
        self._until[root] = max(self._until.get(root, -1), self.last.get(value, -1))

    def place(
        self, node: Node, result: Value, roots: Mapping[Value, Value], kept: Set[Value]
    ) -> Value:
        """The value whose memory a result takes: that of an operand which nobody reads afterwards,
        under any of its views, or its own. ``roots`` are those of the values so far, ``kept`` are
        roots whose memory is not free."""
        position = self.positions[node]
        for operand in _replaceable(node, result):
            root = roots[operand]
            read = [v for v in node.op.operands if roots.get(v) is root]
            if root not in kept and read == [operand] and self._until[root] <= position:
                return root
        return result


def _replaceable(node: Node, result: Value) -> list[Value]:
    """Operands of a region in whose place ``result`` may be written: the region reads them at the
    element that it writes, and nowhere else."""
    if not isinstance(node.op, Fused) or not isinstance(result.element, Scalar):
        return []
    body, anchor = node.op.body, node.op.anchor
    operands: list[Value] = []
    for outer, param in zip(node.op.xs, body.params, strict=True):
        readers = [n for n in body.nodes if param in n.op.operands]
        apart = any(n is anchor or isinstance(n.op, Threshold) for n in readers)
        if outer.type == result.type and not apart and param not in body.results:
            operands.append(outer)
    return operands
