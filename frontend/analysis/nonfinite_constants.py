"""Constants of an imported graph that no result may depend on: NaN, and infinite weights."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ...ir import Array, Graph
from ...ir.ops import Const
from ...ir.traits import Trait


def nonfinite_constants(graph: Graph, with_nan: Collection[str]) -> tuple[list[str], list[str]]:
    """Problems of constants of the model that hold NaN, and of those that hold infinity and are
    multiplied or divided by: elsewhere that is a bound or a mask.

    ``with_nan`` are their names. Only those are wrong that the normalised graph still reads:
    exporters store tensors that were allocated (``x.new(shape)``), and whose every element a choice
    replaces.
    """
    nans: list[str] = []
    infinities: list[str] = []
    for node in graph.nodes:
        for value in node.op.operands:
            op = graph.producer_op(value)
            if not isinstance(op, Const) or op.array.dtype.kind != "f":
                continue
            where = f"{node.describe()}: constant '{value.name}' holds"
            if value.name in with_nan:
                nans.append(f"{where} NaN, first at {_first(np.isnan(op.array))}")
            elif Trait.MULTIPLIES in node.op.traits and np.isinf(op.array).any():
                infinities.append(f"{where} infinity, first at {_first(np.isinf(op.array))}")
    nans.extend(
        f"output '{output.name}' is a constant with NaN"
        for output in graph.outputs
        if output.value.name in with_nan
    )
    return nans, infinities


def _first(mask: Array) -> list[int]:
    return [int(i) for i in np.argwhere(mask)[0]]
