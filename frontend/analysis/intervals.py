"""Rigorous bounds of elementwise float32 expressions of one variable.

The variable's range is cut into cells: sixteen per power of two on either side of zero, cut again
at every constant of the expression, zero alone. On each cell the expression is evaluated in
interval arithmetic. Rounding to nearest is monotone, so float32 operations on the ends of
intervals enclose every float32 result: the bounds hold for what a machine computes, not only for
real numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ir import BOOL, F32, Array, Graph, Node, Op, Value, ops

LARGEST = 1e19
"""The widest range of the variable: its square is finite."""

MAX_OPERATORS = 256
_PER_OCTAVE = 16
_LIBRARY_ERROR = np.float32(2e-6)
"""Relative error granted to any library's tanh and sigmoid."""


@dataclass(frozen=True)
class Bounds:
    """Least and greatest value per cell (float32); truth values are 0 and 1."""

    low: Array
    high: Array


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
) -> tuple[Cells, tuple[Bounds, ...]] | None:
    """Bounds of several values as functions of |x| <= ``largest``; None when one is no such
    function."""
    nodes = _expression(graph, values, x)
    if nodes is None:
        return None
    constants = [node.op.array for node in nodes if isinstance(node.op, ops.Const)]
    cuts = [float(a.reshape(-1)[0]) for a in constants if a.size and a.dtype.kind in "fiub"]
    grid = cells(cuts, largest)
    known = {x: Bounds(grid.low, grid.high)}
    with np.errstate(all="ignore"):
        for node in nodes:
            found = _step(node.op, [known[v] for v in node.op.operands], grid)
            if found is None or np.isnan(found.low).any() or np.isnan(found.high).any():
                return None
            known[node.result] = found
    return grid, tuple(known[value] for value in values)


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
        if node is not None and isinstance(node.op, _KNOWN):
            stack.extend(node.op.operands)
        else:
            roots.add(at)
    root = next(iter(roots), None)
    return root if not stack and len(roots) == 1 and root is not None else None


def point_values(graph: Graph, value: Value, x: Value) -> tuple[Cells, Array] | None:
    """The value of a piecewise constant function of finite ``x`` on each cell; None when it is not
    proven to be constant on every one."""
    found = bounds(graph, (value,), x, float(np.finfo(np.float32).max))
    if found is None:
        return None
    grid, (held,) = found
    return (grid, held.low) if np.array_equal(held.low, held.high) else None


def _expression(graph: Graph, values: Sequence[Value], x: Value) -> list[Node] | None:
    """Nodes from ``x`` to ``values`` in order; None when there are others in between."""
    found: dict[Value, Node] = {}
    stack = list(values)
    while stack:
        at = stack.pop()
        if at is x or at in found:
            continue
        node = graph.producers.get(at)
        if node is None or len(found) >= MAX_OPERATORS or not isinstance(node.op, _KNOWN):
            return None
        found[at] = node
        stack.extend(node.op.operands)
    wanted = set(found.values())
    return [node for node in graph.nodes if node in wanted]


def _step(op: Op, args: Sequence[Bounds], grid: Cells) -> Bounds | None:
    if isinstance(op, ops.Const):
        array = op.array
        if not array.size or array.dtype.kind not in "fiub":
            return None
        low, high = np.float32(array.min()), np.float32(array.max())
        return Bounds(np.full_like(grid.low, low), np.full_like(grid.low, high))
    if isinstance(op, ops.Cast):
        return _cast(op, args[0])
    if isinstance(op, ops.Clip):
        low, high = (np.full_like(grid.low, bound) for bound in (op.low, op.high))
        return _least(_greatest(args[0], Bounds(low, low)), Bounds(high, high))
    if isinstance(op, ops.Sign):
        ends = (np.where(v == 0, op.zero, np.sign(v)) for v in (args[0].low, args[0].high))
        return Bounds(*(np.asarray(v, np.float32) for v in ends))
    if isinstance(op, ops.Where):
        return _where(*args)
    if isinstance(op, ops.Expand):
        return args[0]
    rule = _RULES.get(type(op))
    return None if rule is None else rule(*args)


def _monotone(function: Callable[..., Any], args: Sequence[Bounds]) -> Bounds:
    """A function that does not decrease in any operand."""
    return Bounds(
        np.asarray(function(*(a.low for a in args)), np.float32),
        np.asarray(function(*(a.high for a in args)), np.float32),
    )


def _cast(op: ops.Cast, a: Bounds) -> Bounds | None:
    if op.x.element == BOOL and op.to in (F32, BOOL):
        return a
    if op.x.element == F32 and op.to == BOOL:
        never = (a.low > 0) | (a.high < 0)
        return _truth(never, (a.low == 0) & (a.high == 0))
    return a if op.x.element == op.to == F32 else None


def _mul(a: Bounds, b: Bounds) -> Bounds:
    products = np.stack([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high])
    return Bounds(products.min(axis=0), products.max(axis=0))


def _abs(a: Bounds) -> Bounds:
    ends = np.stack([np.abs(a.low), np.abs(a.high)])
    inside = (a.low <= 0) & (a.high >= 0)
    return Bounds(np.where(inside, np.float32(0), ends.min(axis=0)), ends.max(axis=0))


def _truth(surely: Any, never: Any) -> Bounds:
    return Bounds(np.asarray(surely, np.float32), np.asarray(~never, np.float32))


def _where(c: Bounds, a: Bounds, b: Bounds) -> Bounds:
    return Bounds(
        np.where(c.low > 0, a.low, np.where(c.high < 1, b.low, np.minimum(a.low, b.low))),
        np.where(c.low > 0, a.high, np.where(c.high < 1, b.high, np.maximum(a.high, b.high))),
    )


def _add(a: Bounds, b: Bounds) -> Bounds:
    return Bounds(a.low + b.low, a.high + b.high)


def _sub(a: Bounds, b: Bounds) -> Bounds:
    return Bounds(a.low - b.high, a.high - b.low)


def _neg(a: Bounds) -> Bounds:
    return Bounds(-a.high, -a.low)


def _not(a: Bounds) -> Bounds:
    return Bounds(1 - a.high, 1 - a.low)


def _least(a: Bounds, b: Bounds) -> Bounds:
    return _monotone(np.minimum, (a, b))


def _greatest(a: Bounds, b: Bounds) -> Bounds:
    return _monotone(np.maximum, (a, b))


def _relu(a: Bounds) -> Bounds:
    return _greatest(a, Bounds(np.zeros_like(a.low), np.zeros_like(a.low)))


def _equal(a: Bounds, b: Bounds) -> Bounds:
    same = (a.low == a.high) & (b.low == b.high) & (a.low == b.low)
    return _truth(same, (a.high < b.low) | (b.high < a.low))


def _less(a: Bounds, b: Bounds) -> Bounds:
    return _truth(a.high < b.low, a.low >= b.high)


def _less_equal(a: Bounds, b: Bounds) -> Bounds:
    return _truth(a.high <= b.low, a.low > b.high)


def _div(a: Bounds, b: Bounds) -> Bounds | None:
    """None when the divisor may be zero."""
    if bool(((b.low <= 0) & (b.high >= 0)).any()):
        return None
    ends = np.stack([a.low / b.low, a.low / b.high, a.high / b.low, a.high / b.high])
    return Bounds(ends.min(axis=0), ends.max(axis=0))


def _sigmoid(a: Bounds) -> Bounds:
    """Increasing from 0 to 1, to the accuracy of any library."""
    low, high = (1 / (1 + np.exp(-x.astype(np.float64))) for x in (a.low, a.high))
    low, high = low * (1 - _LIBRARY_ERROR), np.minimum(high * (1 + _LIBRARY_ERROR), 1)
    return Bounds(low.astype(np.float32), high.astype(np.float32))


def _tanh(a: Bounds) -> Bounds:
    """Increasing, with the sign of its operand, to the accuracy of any library."""
    low, high = np.tanh(a.low), np.tanh(a.high)
    return Bounds(low - np.abs(low) * _LIBRARY_ERROR, high + np.abs(high) * _LIBRARY_ERROR)


_RULES: dict[type[Op], Callable[..., Bounds | None]] = {
    ops.Abs: _abs,
    ops.Add: _add,
    ops.And: _least,
    ops.Div: _div,
    ops.Equal: _equal,
    ops.Less: _less,
    ops.LessEqual: _less_equal,
    ops.Max: _greatest,
    ops.Min: _least,
    ops.Mul: _mul,
    ops.Neg: _neg,
    ops.Not: _not,
    ops.Or: _greatest,
    ops.Relu: _relu,
    ops.Sigmoid: _sigmoid,
    ops.Sub: _sub,
    ops.Tanh: _tanh,
}
_KNOWN = (*_RULES, ops.Cast, ops.Clip, ops.Const, ops.Expand, ops.Sign, ops.Where)
