"""Whether 0 can reach a sign, and what each sign does there.

A sign whose operand keeps away from 0 never gives its value at 0: as +1 it needs no third value.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...ir import Graph, Node
from ...ir.intervals import UNKNOWN
from ...ir.ops import Sign
from .patterns import Replacement, View, replace_matches


@dataclass(frozen=True)
class AtZero:
    """What one sign of the imported graph does at 0."""

    name: str
    """The sign's value in the graph."""
    origin: tuple[str, ...]
    """Its nodes in the model."""
    zero: int
    """The value at 0; 0 needs a third value."""
    why: str


def without_zero(graph: Graph, why: dict[str, str]) -> Graph:
    """Signs that 0 cannot reach, as signs with +1 there; ``why`` gets the reason by name."""

    def match(view: View, node: Node) -> Replacement | None:
        op = node.op
        if not isinstance(op, Sign) or op.zero:
            return None
        least = view.ranges.get(op.x, UNKNOWN).least
        if not least > 0:
            return None
        why[node.result.name] = f"0 cannot reach it: its operand is at least {least:g} in magnitude"
        return Replacement(Sign(op.x, 1))

    return replace_matches(graph, match)


def at_zero(graph: Graph, why: dict[str, str]) -> tuple[AtZero, ...]:
    """Every sign of the graph; ``why`` holds reasons by the sign's name."""
    plain = {0: "sign(0) = 0 is kept exactly", 1: "+1 at 0, as the model says",
             -1: "-1 at 0, as the model says"}  # fmt: skip
    return tuple(
        AtZero(
            node.result.name,
            node.origin,
            node.op.zero,
            why.get(node.result.name, plain[node.op.zero]),
        )
        for node in graph.nodes
        if isinstance(node.op, Sign)
    )
