"""Bounds of every value of a graph that follow from the graph itself."""

from __future__ import annotations

import numpy as np

from ...ir import BOOL, F32, Graph, Value
from ...ir.intervals import UNKNOWN, Interval


def ranges(graph: Graph) -> dict[Value, Interval]:
    """Bounds of every float32 and bool value of a graph, whatever its inputs are."""
    known: dict[Value, Interval] = {}
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            bounds = node.op.interval([known.get(v, UNKNOWN) for v in node.op.operands])
            known.update((v, bounds) for v in node.results if v.element in (F32, BOOL))
    return known
