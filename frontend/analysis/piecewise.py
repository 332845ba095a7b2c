"""Rigorous bounds of elementwise float32 expressions of one variable.

The variable's range is cut into cells: sixteen per power of two on either side of zero, cut again
at every constant of the expression, and halved where a proof needs it; zero is a cell of its own.
On each cell the expression is evaluated in interval arithmetic. Rounding to nearest is monotone, so
float32 operations on the ends of intervals enclose every float32 result: the bounds hold for what a
machine computes, not only for real numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...ir import Array, Graph, Node, Op, Value
from ...ir.intervals import UNKNOWN, Interval
from ...ir.ops import Ceil, Const, Floor, Round
from ...ir.traits import PASSES_ON, Trait
from .step_functions import floats, ordinals

LARGEST = 1e19
"""The widest range of the variable: its square is finite."""

MAX_OPERATORS = 256
_PER_OCTAVE = 16
_MOST_OPEN = 512
"""Cells that may be left to halve: more are no thresholds but a claim that is wrong, or too fine
for intervals."""
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


def everywhere(
    graph: Graph,
    values: Sequence[Value],
    x: Value,
    largest: float,
    holds: Callable[..., Array],
    known: Interval = UNKNOWN,
) -> bool:
    """Whether a condition is proven of several values, functions of x, for every |x| <= ``largest``
    within ``known``.

    ``holds`` gets the values' intervals and says on which cells it holds. The others are halved,
    down to single numbers, so that each jump of the values lies between two cells.
    """
    nodes = _expression(graph, values, x, roundings=True)
    if nodes is None:
        return False
    grid = _overlapping(cells(_cuts(nodes), largest), known)
    while True:
        enclosed = _enclosed(nodes, values, x, grid)
        with np.errstate(all="ignore"):
            wrong = ~np.broadcast_to(holds(*enclosed), grid.low.shape)
        for interval in enclosed:
            wrong |= interval.nan
        if not wrong.any():
            return True
        if wrong.sum() > _MOST_OPEN or np.any(grid.low[wrong] == grid.high[wrong]):
            return False
        grid = _halves(grid.low[wrong], grid.high[wrong])


def _overlapping(grid: Cells, known: Interval) -> Cells:
    """The cells that hold numbers of an interval."""
    met = (grid.high >= known.low) & (grid.low <= known.high)
    return Cells(grid.low[met], grid.high[met])


def _halves(low: Array, high: Array) -> Cells:
    """Each cell of several numbers as two."""
    middle = (ordinals(low) + ordinals(high)) >> 1
    return Cells(np.concatenate([low, floats(middle + 1)]), np.concatenate([floats(middle), high]))


def _cuts(nodes: Sequence[Node]) -> list[float]:
    constants = [node.op.array for node in nodes if isinstance(node.op, Const)]
    return [float(a.reshape(-1)[0]) for a in constants if a.size and a.dtype.kind in "fiub"]


def _enclosed(
    nodes: Sequence[Node], values: Sequence[Value], x: Value, grid: Cells
) -> tuple[Interval, ...]:
    """Bounds of the values on each cell of x."""
    known = {x: Interval.of(grid.low, grid.high)}
    with np.errstate(all="ignore"):
        for node in nodes:
            known[node.result] = node.op.interval([known[v] for v in node.op.operands])
    return tuple(_on(grid, known[value]) for value in values)


def _on(grid: Cells, interval: Interval) -> Interval:
    """The interval with an entry for each cell."""
    parts = interval.low, interval.high, interval.least, interval.nan
    return Interval(*(np.broadcast_to(part, grid.low.shape) for part in parts))


def expression_root(graph: Graph, value: Value, roundings: bool = False) -> Value | None:
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
        if node is not None and _is_followed(node.op, roundings):
            stack.extend(node.op.operands)
        else:
            roots.add(at)
    root = next(iter(roots), None)
    return root if not stack and len(roots) == 1 and root is not None else None


def point_values(graph: Graph, value: Value, x: Value) -> tuple[Cells, Array] | None:
    """The value of a piecewise constant function of finite ``x`` on each cell; None when it is not
    proven to be constant on every one."""
    nodes = _expression(graph, (value,), x, roundings=False)
    if nodes is None:
        return None
    grid = cells(_cuts(nodes), float(np.finfo(np.float32).max))
    (interval,) = _enclosed(nodes, (value,), x, grid)
    constant = np.array_equal(interval.low, interval.high) and not np.any(interval.nan)
    return (grid, interval.low) if constant else None


def _expression(
    graph: Graph, values: Sequence[Value], x: Value, roundings: bool
) -> list[Node] | None:
    """Nodes from ``x`` to ``values`` in order; None when there are others in between."""
    producers: dict[Value, Node] = {}
    stack = list(values)
    while stack:
        at = stack.pop()
        if at is x or at in producers:
            continue
        node = graph.producers.get(at)
        if node is None or len(producers) >= MAX_OPERATORS or not _is_followed(node.op, roundings):
            return None
        producers[at] = node
        stack.extend(node.op.operands)
    wanted = set(producers.values())
    return [node for node in graph.nodes if node in wanted]


def _is_followed(op: Op, roundings: bool) -> bool:
    """Constants, and elementwise operators with bounds of their own. What libraries approximate is
    followed where it flattens out: elsewhere its bounds on a cell say little. Roundings jump inside
    of cells: where these stay, what follows a rounding is a function of its result."""
    if isinstance(op, Const):
        return True
    says_nothing = type(op).interval is Op.interval and not op.traits & _BOUNDED
    steep = Trait.APPROXIMATED in op.traits and Trait.NONEXPANSIVE not in op.traits
    rounds = isinstance(op, (Ceil, Floor, Round)) and not roundings
    partial = Trait.PARTIAL in op.traits
    return op.elementwise and not (says_nothing or steep or rounds or partial)
