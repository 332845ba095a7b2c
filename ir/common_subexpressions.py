"""Equal operators over equal operands are one value, and so are equal constants.

The importer merges before it looks for binarizers, in which exporters write one clip twice, each
time with constants of its own; the pass `common-subexpressions` merges what other passes make.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .core import Graph, Node, Op, Output, Value
from .ops import Const
from .traits import Trait


def merge_equal(graph: Graph) -> Graph:
    """The graph with one value for all that are computed alike: under the name of the first, with
    the origins of all. Outputs that show equal values show the same one."""
    rivals = Counter(_kind(node.op) for node in graph.nodes if isinstance(node.op, Const))
    first_of: dict[Any, Node] = {}
    same: dict[Value, Value] = {}
    origins: dict[Value, list[str]] = {}
    kept: list[Node] = []
    for node in graph.nodes:
        current = _over(node, same)
        if isinstance(node.op, Const) and rivals[_kind(node.op)] == 1:
            kept.append(current)  # its contents need not be hashed
            continue
        first = first_of.setdefault(_key(current), current)
        if first is current:
            kept.append(current)
            continue
        for value, other in zip(first.results, node.results, strict=True):
            same[other] = value
            origins.setdefault(value, list(value.origin)).extend(other.origin)
    if not same:
        return graph
    joint = {v: replace(v, origin=tuple(dict.fromkeys(names))) for v, names in origins.items()}

    def final(value: Value) -> Value:
        value = same.get(value, value)
        return joint.get(value, value)

    nodes = [_over(node, joint) for node in kept]
    nodes = [replace(node, results=tuple(map(final, node.results))) for node in nodes]
    outputs = tuple(Output(output.name, final(output.value)) for output in graph.outputs)
    return graph.replace(nodes=tuple(nodes), outputs=outputs)


def _over(node: Node, new: Mapping[Value, Value]) -> Node:
    """The node on other operands; itself where none has another."""
    if new.keys().isdisjoint(node.op.operands):
        return node
    return Node(node.op.map_operands(lambda v: new.get(v, v)), node.results)


def _kind(op: Op) -> Any:
    """What constants share that may be equal."""
    assert isinstance(op, Const)
    return op.element, op.array.shape


def _key(node: Node) -> Any:
    """Equal for nodes that compute equal values in equal types, every bit: zeros of different signs
    are different attributes; operands that commute are a set."""
    attributes = (getattr(node.op, name) for name in node.op.attribute_fields())
    numbers = tuple(repr(a) for a in attributes if isinstance(a, (float, tuple)))
    types = tuple(value.type for value in node.results)
    if Trait.COMMUTES in node.op.traits:
        return type(node.op), frozenset(node.op.operands), numbers, types
    return node.op, numbers, types
