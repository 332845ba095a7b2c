"""Graphs inside of nodes: the branches of an If, the bodies of loops."""

from __future__ import annotations

from collections.abc import Iterator

from onnx import AttributeProto, GraphProto, NodeProto


def subgraphs(attribute: AttributeProto) -> Iterator[GraphProto]:
    """The graphs that an attribute holds."""
    if attribute.type == AttributeProto.GRAPH:
        yield attribute.g
    yield from attribute.graphs


def names_read(node: NodeProto) -> set[str]:
    """The tensors that a node reads, as its inputs or in its branches."""
    read = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in subgraphs(attribute):
            inside = {t.name for t in (*graph.input, *graph.initializer)}
            inside.update(name for inner in graph.node for name in inner.output)
            used = {output.name for output in graph.output}
            used.update(name for inner in graph.node for name in names_read(inner))
            read |= used - inside
    return read
