"""Verifiers: what must hold in every graph, and what may be present at each stage."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakSet

from ..errors import VerifyError
from .core import Graph, Node, Stage, Value
from .ops import (
    BatchNorm,
    Const,
    Fused,
    Relayout,
)
from .traits import Trait
from .types import Layout

_SOUND: WeakSet[Node] = WeakSet()
"""Nodes that hold to the rules by themselves, wherever they stand."""


def verify(graph: Graph) -> None:
    """Raise VerifyError at the first rule that the graph breaks."""
    defined: set[Value] = set()
    names: set[str] = set()
    _define(graph.inputs, defined, names, "graph input")
    for value in graph.inputs:
        if value.type.layout is not Layout.ROW_MAJOR:
            raise VerifyError(f"graph input {value!r} must be row-major")
        if value.type.is_binary and graph.stage == Stage.IMPORTED:
            raise VerifyError(f"graph input {value!r} holds bits in an imported graph")
    for node in graph.nodes:
        verify_node(node, defined)
        _define(node.results, defined, names, node)
        _verify_stage(node, graph.stage)
    for output in graph.outputs:
        if output.value not in defined:
            raise VerifyError(f"output '{output.name}' shows a value that nothing defines")
    if len({output.name for output in graph.outputs}) < len(graph.outputs):
        raise VerifyError("two outputs have the same name")


def verify_node(node: Node, defined: set[Value]) -> None:
    """Check one node: operands defined, types as inferred, the operator's own rules.

    Nodes do not change: what a node says of itself is checked once, however many passes keep it.
    """
    for value in node.op.operands:
        if value not in defined:
            raise VerifyError(f"{node.describe()}: %{value.name} is used before it is defined")
    if node not in _SOUND:
        _verify_own(node)
        _SOUND.add(node)


def _verify_own(node: Node) -> None:
    where = node.describe()
    try:
        inferred = node.op.infer()
        node.op.verify()
    except VerifyError as error:
        raise VerifyError(f"{where}: {error}") from error
    if len(inferred) != len(node.results):
        raise VerifyError(f"{where}: expected {len(inferred)} results, got {len(node.results)}")
    for value, expected in zip(node.results, inferred, strict=True):
        if value.type.with_layout(expected.layout) != expected:
            raise VerifyError(f"{where}: expected {expected}, got {value!r}")
        if isinstance(node.op, Relayout) and value.type.layout is not node.op.layout:
            raise VerifyError(f"{where}: expected {expected}, got {value!r}")
    if isinstance(node.op, Fused):
        _verify_region(node.op)


def _verify_region(op: Fused) -> None:
    defined: set[Value] = set(op.body.params)
    for node in op.body.nodes:
        verify_node(node, defined)
        defined.update(node.results)
    for value in op.body.results:
        if value not in defined:
            raise VerifyError(f"fused region yields %{value.name}, which nothing defines")


def _define(
    values: Iterable[Value], defined: set[Value], names: set[str], where: Node | str
) -> None:
    for value in values:
        if value in defined or value.name in names:
            place = where if isinstance(where, str) else where.describe()
            raise VerifyError(f"{place}: %{value.name} is defined twice")
        defined.add(value)
        names.add(value.name)


def _verify_stage(node: Node, stage: Stage) -> None:
    """Imported graphs hold no bits; packed ones no batch_norm and every bit in words
    or planes; scheduled ones only fused regions, moves and constants, each value in its slot."""
    reason = _misplaced(node, stage)
    if reason is not None:
        raise VerifyError(f"{node.describe()}: {reason}")


def _misplaced(node: Node, stage: Stage) -> str | None:
    op = node.op
    packed = Trait.BITS in op.traits or isinstance(op, (Fused, Relayout))
    if stage == Stage.IMPORTED and packed:
        return "does not belong into an imported graph"
    if stage < Stage.PACKED:
        if any(v.type.layout is not Layout.ROW_MAJOR for v in node.results):
            return "layouts are decided by pack-bits"
        return None
    if isinstance(op, BatchNorm):
        return "must be gone in a packed graph"
    for value in node.results:
        as_bits = value.type.layout in (Layout.WORDS, Layout.PLANES)
        if value.type.is_binary != as_bits and not isinstance(op, Const):
            return f"{value!r} must be packed exactly when it holds bits"
    if stage == Stage.SCHEDULED and op.elementwise:
        return "elementwise operators run in fused regions"
    return None
