"""Rigorous bounds of elementwise float32 expressions of one variable.

The variable's range is cut into cells: sixteen per power of two on either side of zero, cut again
at every constant of the expression; zero is a cell of its own. On each cell the expression is
evaluated in interval arithmetic. Rounding to nearest is monotone, so float32 operations on the ends
of intervals enclose every float32 result: the bounds hold for what a machine computes, not only for
real numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...ir import Array, Graph, Node, Op, Value
from ...ir.intervals import Interval
from ...ir.ops import Ceil, Const, Floor, Round
from ...ir.traits import PASSES_ON, Trait

LARGEST = 1e19
"""The widest range of the variable: its square is finite."""

MAX_OPERATORS = 256
_PER_OCTAVE = 16
_BOUNDED = PASSES_ON | Trait.RISES | Trait.FALLS
"""Traits from which bounds follow."""


@dataclass(frozen=True)
class Cells:
    """Closed intervals of float32 that cover [-largest, largest]; one of them is zero."""

    low: Array
    high: Array


def cells(cuts: Sequence[float], largest: float) -> Cells:
    """The standard cells, cut below and above each finite number of ``cuts``."""
    last = np.float32(largest)
    octaves = np.float64(2.0) ** np.arange(-126, 128)
    steps = 1 + np.arange(_PER_OCTAVE) / _PER_OCTAVE
    edges = np.outer(octaves, steps).reshape(-1).astype(np.float32)
    extra = np.array([abs(c) for c in cuts if np.isfinite(c) and c != 0], np.float32)
    above = np.nextafter(extra, np.float32(np.inf))
    tiny = np.nextafter(np.float32(0), np.float32(1))
    starts = np.unique(np.concatenate([[tiny], edges, extra, above]).astype(np.float32))
    starts = starts[starts <= last]
    ends = np.append(np.nextafter(starts[1:], np.float32(0)), last)
    zero = np.zeros(1, np.float32)
    return Cells(
        np.concatenate([-ends[::-1], zero, starts]), np.concatenate([-starts[::-1], zero, ends])
    )


def bounds(
    graph: Graph, values: Sequence[Value], x: Value, largest: float = LARGEST
) -> tuple[Cells, tuple[Interval, ...]] | None:
    """Bounds of several values as functions of |x| <= ``largest``, an interval for each cell; None
    when one is no such function, or may be not-a-number."""
    nodes = _expression(graph, values, x)
    if nodes is None:
        return None
    constants = [node.op.array for node in nodes if isinstance(node.op, Const)]
    cuts = [float(a.reshape(-1)[0]) for a in constants if a.size and a.dtype.kind in "fiub"]
    grid = cells(cuts, largest)
    known = {x: Interval.of(grid.low, grid.high)}
    with np.errstate(all="ignore"):
        for node in nodes:
            interval = node.op.interval([known[v] for v in node.op.operands])
            if np.any(interval.nan):
                return None
            known[node.result] = interval
    return grid, tuple(_on(grid, known[value]) for value in values)


def _on(grid: Cells, interval: Interval) -> Interval:
    """The interval with an entry for each cell."""
    low, high = (np.broadcast_to(end, grid.low.shape) for end in (interval.low, interval.high))
    return Interval.of(low, high)


def expression_root(graph: Graph, value: Value) -> Value | None:
    """The one float32 value that ``value`` is an elementwise expression of, with constants; None
    when there are several, or none."""
    roots: set[Value] = set()
    seen: set[Value] = set()
    stack = [value]
    while stack and len(seen) < MAX_OPERATORS and len(roots) < 2:
        at = stack.pop()
        if at in seen:
            continue
        seen.add(at)
        node = graph.producers.get(at)
        if node is not None and _is_followed(node.op):
            stack.extend(node.op.operands)
        else:
            roots.add(at)
    root = next(iter(roots), None)
    return root if not stack and len(roots) == 1 and root is not None else None


def point_values(graph: Graph, value: Value, x: Value) -> tuple[Cells, Array] | None:
    """The value of a piecewise constant function of finite ``x`` on each cell; None when it is not
    proven to be constant on every one."""
    enclosed = bounds(graph, (value,), x, float(np.finfo(np.float32).max))
    if enclosed is None:
        return None
    grid, (interval,) = enclosed
    return (grid, interval.low) if np.array_equal(interval.low, interval.high) else None


def _expression(graph: Graph, values: Sequence[Value], x: Value) -> list[Node] | None:
    """Nodes from ``x`` to ``values`` in order; None when there are others in between."""
    producers: dict[Value, Node] = {}
    stack = list(values)
    while stack:
        at = stack.pop()
        if at is x or at in producers:
            continue
        node = graph.producers.get(at)
        if node is None or len(producers) >= MAX_OPERATORS or not _is_followed(node.op):
            return None
        producers[at] = node
        stack.extend(node.op.operands)
    wanted = set(producers.values())
    return [node for node in graph.nodes if node in wanted]


def _is_followed(op: Op) -> bool:
    """Constants, and elementwise operators with bounds of their own. What libraries approximate is
    followed where it flattens out: elsewhere its bounds on a cell say little. Roundings are not:
    they jump inside of cells, and what follows them is a function of their results."""
    if isinstance(op, Const):
        return True
    says_nothing = type(op).interval is Op.interval and not op.traits & _BOUNDED
    steep = Trait.APPROXIMATED in op.traits and Trait.NONEXPANSIVE not in op.traits
    rounds = isinstance(op, (Ceil, Floor, Round))
    partial = Trait.PARTIAL in op.traits
    return op.elementwise and not (says_nothing or steep or rounds or partial)
