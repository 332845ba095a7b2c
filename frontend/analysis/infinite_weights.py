"""Infinities among the weights of an imported graph."""

from __future__ import annotations

import numpy as np

from ...ir import Graph
from ...ir.ops import Const
from ...ir.traits import Trait


def infinite_weights(graph: Graph) -> list[str]:
    """One problem for each constant that holds infinity and is multiplied or divided by: elsewhere
    it is a bound or a mask."""
    problems: list[str] = []
    for node in graph.nodes:
        if Trait.MULTIPLIES not in node.op.traits:
            continue
        for value in node.op.operands:
            op = graph.producer_op(value)
            if isinstance(op, Const) and op.array.dtype.kind == "f" and np.isinf(op.array).any():
                index = [int(i) for i in np.argwhere(np.isinf(op.array))[0]]
                problems.append(
                    f"{node.describe()}: constant '{value.name}' holds infinity, first at {index}"
                )
    return problems
