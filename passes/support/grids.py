"""Values whose elements are multiples of one unit: what rounding leaves, and casts of integers.

Adding integers, multiplying by positive numbers, bounds that are multiples too, and moving elements
keep them. As in bits, there is no not-a-number among them: where one is rounded, the integer is 0,
or the least one of those that bytes hold only with an offset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ...ir import BOOL, F32, I8, U8, Node, Scalar, Value
from ...ir.intervals import UNKNOWN, Interval
from ...ir.ops import (
    Add,
    Cast,
    Ceil,
    Clip,
    Div,
    Floor,
    MaxPool,
    Mul,
    Pad,
    Relu,
    Reshape,
    Round,
    Sub,
    Transpose,
)
from ...ir.rewriting import Rewriter
from ...ir.traits import PASSES_ON
from .queries import is_power_of_two

LARGEST = 1 << 24
"""Integers below it are exact in float32."""
LARGEST_ROUNDED = 1 << 10
"""Where units are rounded, multiples below it are off by far less than a unit."""
NEAR = 1e-5
"""Steps that a bound may lie off the grid: what is left of it is far below the steps' rounding."""
_LONGEST = 64
"""Operators between integers and their reader."""
_LONGEST_BOUND = 16
"""Operators before a rounding by which its operand is bounded."""
_RANGES = {U8: (0.0, 255.0), I8: (-128.0, 127.0), BOOL: (0.0, 1.0)}


@dataclass(frozen=True)
class Grid:
    """A value whose elements are ``unit`` times integers from low to high, each within float32's
    rounding. ``stored``: the bytes that hold them already, and what is missing there."""

    low: float
    high: float
    unit: float = 1.0
    stored: tuple[Scalar, int] | None = None

    @property
    def exact(self) -> bool:
        """Whether no element is rounded."""
        return is_power_of_two(self.unit)

    @property
    def largest(self) -> float:
        """The greatest magnitude of the integers."""
        return max(abs(self.low), abs(self.high))

    def bytes(self) -> tuple[Scalar, int] | None:
        """An element of 8 bits that holds the integers minus an offset, and the offset."""
        if self.stored is not None:
            return self.stored
        for element in (U8, I8):
            low, high = _RANGES[element]
            if low <= self.low and self.high <= high:
                return element, 0
        return (U8, int(self.low)) if self.high - self.low <= 255 else None

    def joined(self, value: float) -> Grid | None:
        """The grid of the same elements and one more value."""
        at = self._steps(value)
        if at is None or not math.isfinite(at):
            return None
        stored = self.stored
        if stored is not None:
            low, high = _RANGES[stored[0]]
            stored = stored if low <= at - stored[1] <= high else None
        return replace(self, low=min(self.low, at), high=max(self.high, at), stored=stored)

    def clipped(self, low: float, high: float) -> Grid | None:
        """The grid between bounds that lie on it, or outside of it."""
        first, last = self._steps(low), self._steps(high)
        if first is None or last is None:
            return None
        first, last = max(first, self.low), min(last, self.high)
        if (first, last) == (self.low, self.high):
            return self
        return replace(self, low=first, high=last, stored=None) if first <= last else None

    def moved(self, by: float) -> Grid | None:
        """The grid plus a value. Floats beyond 2^24 are integers: exact ones need no ends."""
        at = self._steps(by)
        most = LARGEST if self.exact else LARGEST_ROUNDED
        ends = [abs(end) for end in (self.low, self.high) if math.isfinite(end) or not self.exact]
        if at is None or not max(ends, default=0) + abs(at) < most:
            return None
        stored = self.stored and (self.stored[0], self.stored[1] + int(at))
        return replace(self, low=self.low + at, high=self.high + at, stored=stored)

    def _steps(self, value: float) -> float | None:
        """A value in units, if it is on the grid or infinite."""
        steps = value / self.unit
        if not math.isfinite(steps):
            return steps
        whole = float(round(steps))
        return whole if abs(steps - whole) <= (0 if self.exact else NEAR) else None


def find_grid(rw: Rewriter, value: Value, longest: int = _LONGEST) -> Grid | None:
    """The integers that a float value holds, or None; they come at most ``longest`` operators from
    where they are made."""
    node = rw.producer(value)
    if node is None or value.element != F32 or not longest:
        return None
    op = node.op
    if isinstance(op, Cast) and op.x.element in _RANGES:
        stored = None if op.x.element == BOOL else (op.x.element, 0)
        return Grid(*_RANGES[op.x.element], stored=stored)  # type: ignore[index,arg-type]
    if isinstance(op, (Round, Floor, Ceil)):
        bounds = op.interval([_bounds(rw, op.x, _LONGEST_BOUND)])
        return Grid(float(bounds.low), float(bounds.high))
    if isinstance(op, (Clip, Relu)):
        grid = find_grid(rw, op.x, longest - 1)
        return grid.clipped(*_limits(op)) if grid else None
    if isinstance(op, Pad):
        grid = find_grid(rw, op.x, longest - 1)
        return grid.joined(op.value) if grid else None
    if isinstance(op, (Mul, Div, Add, Sub)):
        return _moved(rw, node, longest - 1)
    sources = op.sources if op.traits & PASSES_ON else ()
    if len(sources) != 1 or (isinstance(op, MaxPool) and op.may_be_empty()):
        return None
    return find_grid(rw, sources[0], longest - 1)


def _limits(op: Clip | Relu) -> tuple[float, float]:
    if isinstance(op, Relu):
        return 0.0, math.inf
    return tuple(float(np.float32(bound)) for bound in (min(op.low, op.high), op.high))  # type: ignore[return-value]


def _bounds(rw: Rewriter, value: Value, length: int) -> Interval:
    """What encloses a float value, by the operators before it, a number of them at most."""
    node = rw.producer(value)
    if node is None or not length:
        return UNKNOWN
    op = node.op
    if isinstance(op, Cast) and op.x.element in _RANGES:
        return Interval.of(*_RANGES[op.x.element])  # type: ignore[index,arg-type]
    if value.element != F32 or not (op.elementwise or rw.array(value) is not None):
        return UNKNOWN
    return op.interval([_bounds(rw, v, length // len(op.operands)) for v in op.operands])


def _moved(rw: Rewriter, node: Node, longest: int) -> Grid | None:
    """A grid times or over a positive number, or plus or minus one of its own elements."""
    op = node.op
    assert isinstance(op, (Mul, Div, Add, Sub))
    x, c = _operands(rw, op)
    if x.type != node.result.type:
        return None
    array, grid = rw.array(c), find_grid(rw, x, longest)
    if array is None or grid is None or array.size != 1 or not np.isfinite(array).all():
        return None
    number = float(array.reshape(()))
    if isinstance(op, (Add, Sub)):
        return grid.moved(number if isinstance(op, Add) else -number)
    if not number > 0:
        return None
    unit = grid.unit * number if isinstance(op, Mul) else grid.unit / number
    return replace(grid, unit=unit) if 2.0**-64 < unit < 2.0**64 else None


def _operands(rw: Rewriter, op: Mul | Div | Add | Sub) -> tuple[Value, Value]:
    """What is computed, and the constant."""
    turned = isinstance(op, (Mul, Add)) and rw.array(op.a) is not None
    return (op.b, op.a) if turned else (op.a, op.b)


def to_bytes(rw: Rewriter, value: Value, element: Scalar, offset: int = 0) -> Value:
    """The integers of a grid's value minus an offset as ``element``: those that it was computed
    from where nothing changed them since, else a cast."""
    node, grid = rw.producer(value), find_grid(rw, value)
    assert node is not None
    assert grid is not None
    op = node.op
    if isinstance(op, Cast) and not offset:
        return op.x if op.x.element == element else rw.add(Cast(op.x, element), value.name)
    if isinstance(op, (Mul, Div)):
        return to_bytes(rw, _operands(rw, op)[0], element, offset)
    if isinstance(op, (Add, Sub)):
        x, _ = _operands(rw, op)
        before = find_grid(rw, x)
        assert before is not None
        return to_bytes(rw, x, element, offset + int(before.low - grid.low))
    if isinstance(op, (Pad, Reshape, Transpose)):
        moved = replace(op, x=to_bytes(rw, op.x, element, offset))
        if isinstance(op, Pad):
            moved = replace(moved, value=float(round(op.value / grid.unit) - offset))
        return rw.add(moved, value.name + ".bytes", node.origin)
    if grid.unit != 1:
        unit = rw.const(np.float32(1 / grid.unit), value.name + ".unit", node.origin)
        value = rw.add(Mul(value, unit), value.name + ".steps", node.origin)
        if not grid.exact:
            value = rw.add(Round(value), value.name + ".whole", node.origin)
    if offset:
        least = rw.const(np.float32(offset), value.name + ".least", node.origin)
        value = rw.add(Sub(value, least), value.name + ".positive", node.origin)
    return rw.add(Cast(value, element), value.name + ".bytes", node.origin)
