"""Bounds of every value of a graph, from what is known of the graph alone.

A `Range` bounds a value and its magnitude from below. Rounding to nearest is monotone, so float32
arithmetic on bounds encloses every float32 result; library functions are granted an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ir import F32, Graph, Op, Value, ops
from ...ir.ops import Const, Sign

_LIBRARY_ERROR = 1e-5
"""Relative error granted to any library's exponential, square root or hyperbolic tangent."""


@dataclass(frozen=True)
class Range:
    """low <= x <= high and |x| >= least, for every element."""

    low: Any
    high: Any
    least: Any = 0.0

    @classmethod
    def of(cls, low: Any, high: Any, least: Any = 0.0) -> Range:
        """Bounds in float32; those that say nothing are dropped."""
        low, high, least = (np.float32(v) for v in (low, high, least))
        low = np.float32(-np.inf) if np.isnan(low) else low
        high = np.float32(np.inf) if np.isnan(high) else high
        least = np.float32(0) if np.isnan(least) else least
        return cls(low, high, max(least, low, -high, np.float32(0)))

    @property
    def most(self) -> Any:
        """The greatest magnitude."""
        return max(abs(self.low), abs(self.high))


ANYTHING = Range(np.float32(-np.inf), np.float32(np.inf))


def ranges(graph: Graph) -> dict[Value, Range]:
    """Bounds of every float32 value of a graph."""
    known: dict[Value, Range] = {}
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            args = [known.get(v, ANYTHING) for v in node.op.operands]
            for value in node.results:
                if value.element == F32:
                    known[value] = _range(node.op, args)
    return known


def _range(op: Op, args: Sequence[Range]) -> Range:
    if isinstance(op, Const):
        if not op.array.size or op.array.dtype != np.float32:
            return ANYTHING
        return Range.of(op.array.min(), op.array.max(), np.abs(op.array).min())
    if isinstance(op, Sign):
        return Range.of(-1, 1, 1 if op.zero or args[0].least > 0 else 0)
    if isinstance(op, ops.Clip):
        return _least(_greatest(args[0], Range.of(op.low, op.low)), Range.of(op.high, op.high))
    if isinstance(op, ops.Pad):
        return _either(args[0], Range.of(op.value, op.value, abs(op.value)))
    if isinstance(op, ops.Where):
        return _either(*args[1:])
    if isinstance(op, ops.MaxPool) and any(op.pads):
        return Range.of(-np.inf, args[0].high, args[0].least)
    if isinstance(op, _MOVES):
        return _either(*args[: 1 if isinstance(op, ops.Gather) else None])
    rule = _RULES.get(type(op))
    return ANYTHING if rule is None else rule(*args)


def _either(*args: Range) -> Range:
    return Range.of(min(a.low for a in args), max(a.high for a in args), min(a.least for a in args))


def _add(a: Range, b: Range) -> Range:
    return Range.of(a.low + b.low, a.high + b.high, max(a.least - b.most, b.least - a.most))


def _sub(a: Range, b: Range) -> Range:
    return _add(a, _neg(b))


def _neg(a: Range) -> Range:
    return Range.of(-a.high, -a.low, a.least)


def _mul(a: Range, b: Range) -> Range:
    ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    ends = [np.float32(0) if np.isnan(e) else e for e in ends]
    return Range.of(min(ends), max(ends), a.least * b.least)


def _div(a: Range, b: Range) -> Range:
    if not b.least > 0 or (b.low < 0) != (b.high < 0):
        return Range.of(-np.inf, np.inf, a.least / b.most if b.most < np.inf else 0)
    ends = [x / y for x in (a.low, a.high) for y in (b.low, b.high)]
    return Range.of(min(ends), max(ends), a.least / b.most if b.most < np.inf else 0)


def _abs(a: Range) -> Range:
    return Range.of(a.least, a.most, a.least)


def _least(a: Range, b: Range) -> Range:
    return Range.of(min(a.low, b.low), min(a.high, b.high), min(a.least, b.least))


def _greatest(a: Range, b: Range) -> Range:
    return Range.of(max(a.low, b.low), max(a.high, b.high), min(a.least, b.least))


def _relu(a: Range) -> Range:
    return Range.of(max(a.low, np.float32(0)), max(a.high, np.float32(0)))


def _function(function: Callable[[Any], Any], low: float, high: float) -> Callable[..., Range]:
    """A library's function that never falls, with values in [low, high]."""

    def rule(a: Range) -> Range:
        ends = [float(function(np.float64(end))) for end in (a.low, a.high)]
        first = ends[0] - abs(ends[0]) * _LIBRARY_ERROR
        last = ends[1] + abs(ends[1]) * _LIBRARY_ERROR
        return Range.of(max(first, low) if first == first else low, min(last, high))

    return rule


def _tanh(a: Range) -> Range:
    found = _function(np.tanh, -1, 1)(a)
    return Range.of(found.low, found.high, np.tanh(a.least) * (1 - _LIBRARY_ERROR))


def _logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _sum_of_positives(a: Range) -> Range:
    """Adding what is not negative never makes a sum smaller."""
    if a.low >= 0:
        return Range.of(a.low, np.inf)
    return Range.of(-np.inf, 0) if a.high <= 0 else ANYTHING


def _share(*args: Range) -> Range:
    return Range.of(0, 1 + _LIBRARY_ERROR)


_MOVES = (
    ops.Concat, ops.Expand, ops.Gather, ops.MaxPool, ops.ReduceMax, ops.ReduceMin, ops.Reshape,
    ops.Slice, ops.Transpose,
)  # fmt: skip

_RULES: dict[type[Op], Callable[..., Range]] = {
    ops.Abs: _abs,
    ops.Add: _add,
    ops.Div: _div,
    ops.Exp: _function(np.exp, 0, np.inf),
    ops.Max: _greatest,
    ops.Min: _least,
    ops.Mul: _mul,
    ops.Neg: _neg,
    ops.ReduceSum: _sum_of_positives,
    ops.Relu: _relu,
    ops.Sigmoid: _function(_logistic, 0, 1),
    ops.Softmax: _share,
    ops.Sqrt: _function(np.sqrt, 0, np.inf),
    ops.Sub: _sub,
    ops.Tanh: _tanh,
}
