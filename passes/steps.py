"""Step functions: elementwise code that takes one value below a threshold and another above it.

    where(x > 0, 1, 0),   clip(round(x / a), 0, 1) * a,   floor(clip((x + 1) / 2, 0, 1) + 0.5)

However a binarizer is written, it is a chain of operators of which each is monotone in its operand,
rounds it, compares it or chooses. `Chain` splits the float32 numbers into pieces on which a value
is constant or monotone, operator by operator: where a monotone value is rounded or compared, its
boundaries are found by bisection over the ordered float32 numbers, evaluating the operators' own
references. So the threshold is exact, whatever was rounded on the way, per channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir import F32, Array, Graph, Node, Op, Scalar, Value
from ..ir.ops import (
    Add,
    And,
    Cast,
    Ceil,
    Clip,
    Div,
    Equal,
    Floor,
    Less,
    LessEqual,
    Max,
    Min,
    Mul,
    Neg,
    Not,
    Or,
    PRelu,
    Relu,
    Round,
    Sign,
    Sub,
    Where,
)
from .analysis import constant, per_channel

DISCRETE = (Cast, Ceil, Equal, Floor, Less, LessEqual, Round, Sign, Where)
"""Operators that can make steps of a monotone function."""
_MONOTONE = (Add, Clip, Div, Max, Min, Mul, Neg, PRelu, Relu, Sub)
_KNOWN = (*DISCRETE, *_MONOTONE, And, Not, Or)
_MOST_NODES, _MOST_PIECES = 64, 16
_LARGEST = int(np.float32(np.finfo(np.float32).max).view(np.int32))


@dataclass(frozen=True, eq=False)
class Step:
    """``table[0]`` where x < threshold, ``table[2]`` where x > threshold; at it ``table[1]`` if
    ``zero`` is 0, else as on the side that ``zero`` names."""

    x: Value
    threshold: Array
    """float32, [C] or [1]."""
    zero: int
    table: Array
    """[3, C] or [3, 1], in the value's own type."""


class Steps:
    """Finds the step functions of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.order = {v: i for i, node in enumerate(graph.nodes) for v in node.results}

    def find(self, value: Value) -> Step | None:
        """The value as a step function of another one; None when it is none.

        The farthest source is tried first: it leaves the least float arithmetic before the bit.
        """
        for source, nodes in reversed(self._sources(value)):
            if source.element == F32 and source.shape == value.shape:
                step = Chain(self.graph, source, nodes).step(value)
                if step is not None:
                    return step
        return None

    def _sources(self, value: Value) -> list[tuple[Value, list[Node]]]:
        """Values on which all of ``value`` depends, nearest first, with the nodes from each."""
        frontier, nodes = {value}, list[Node]()
        found: list[tuple[Value, list[Node]]] = []
        while len(nodes) < _MOST_NODES:
            open_ = [v for v in frontier if self._expands(v, value)]
            if not open_:
                break
            last = max(open_, key=lambda v: self.order[v])
            node = self.graph.producers[last]
            nodes.append(node)
            frontier.remove(last)
            frontier.update(v for v in node.op.operands if constant(self.graph, v) is None)
            if len(frontier) == 1:
                found.append((next(iter(frontier)), nodes[::-1]))
        return found

    def _expands(self, value: Value, result: Value) -> bool:
        """Whether a value is made elementwise, by an operator that `Chain` knows."""
        node = self.graph.producers.get(value)
        rank = value.type.rank
        if node is None or not isinstance(node.op, _KNOWN) or value.shape != result.shape:
            return False
        arrays = [constant(self.graph, v) for v in node.op.operands]
        if rank < 2 or all(a is not None for a in arrays):
            return False
        return all(a is None or per_channel(a, rank, value.shape[1]) is not None for a in arrays)


@dataclass(frozen=True, eq=False)
class _Piece:
    """A range of x on which a value is constant or monotone; it ends where the next one starts."""

    start: Array
    """First float32 of the range as an ordered integer, int64 [C]; ranges may be empty."""
    constant: bool


class Chain:
    """The nodes from a source to a value, in order, as functions of the source."""

    def __init__(self, graph: Graph, source: Value, nodes: list[Node]) -> None:
        self.graph = graph
        self.source = source
        self.nodes = nodes
        operands = [v for node in nodes for v in node.op.operands]
        arrays = [a for v in operands if (a := self._array(v)) is not None]
        self.rank = source.type.rank
        channels = [np.shape(a)[-(self.rank - 1)] for a in arrays if np.ndim(a) >= self.rank - 1]
        self.channels = max(channels, default=1)
        first = np.full(self.channels, -_LARGEST, np.int64)
        self.pieces: dict[Value, list[_Piece]] = {source: [_Piece(first, False)]}

    def _array(self, value: Value) -> Array | None:
        return constant(self.graph, value)

    def at(self, keys: Array, value: Value) -> Array:
        """``value`` where the source is the number with these keys: [..., C] to [..., C]."""
        x = _number(keys)
        env: dict[Value, Any] = {self.source: x.reshape(-1, self.channels, *[1] * (self.rank - 2))}
        if value == self.source:
            return x
        for node in self.nodes:
            args = [env[v] if v in env else self._array(v) for v in node.op.operands]
            with np.errstate(all="ignore"):
                env[node.result] = np.asarray(node.op.reference(args, len(x)))
            if node.result == value:
                break
        return np.broadcast_to(env[value].reshape(len(env[value]), -1), keys.shape)

    def step(self, value: Value) -> Step | None:
        """The value as a step function of the source, or None."""
        for node in self.nodes:
            found = self._through(node)
            if found is None or len(found) > _MOST_PIECES:
                return None
            self.pieces[node.result] = found
        pieces = self._merged(value)
        if pieces is None or not all(p.constant for p in pieces) or len(pieces) not in (2, 3):
            return None
        starts = np.stack([p.start for p in pieces])
        ends = np.concatenate([starts[1:] - 1, np.full((1, self.channels), _LARGEST)])
        if np.any(ends < starts) or not self._holds_at_infinity(value):
            return None
        values = self.at(starts, value)
        if len(pieces) == 2:
            # x >= t is x > the number before t: the rounder of both makes the shorter constant.
            first, before = starts[1], starts[1] - 1
            if _roundness(before) > _roundness(first):
                return Step(self.source, _number(before), -1, values[[0, 0, 1]])
            return Step(self.source, _number(first), 1, values[[0, 1, 1]])
        if np.any(starts[2] != starts[1] + 1):
            return None
        return Step(self.source, _number(starts[1]), 0, values)

    def _holds_at_infinity(self, value: Value) -> bool:
        """Whether the infinities take the value of the largest finite numbers."""
        finite = np.broadcast_to(np.array([[-_LARGEST], [_LARGEST]]), (2, self.channels))
        infinite = finite + np.sign(finite)
        return bool(np.all(self.at(finite, value) == self.at(infinite, value)))

    def _merged(self, value: Value) -> list[_Piece] | None:
        """Neighbouring pieces of one constant value made one."""
        out: list[_Piece] = []
        for piece in self.pieces[value]:
            if out and piece.constant and out[-1].constant:
                both = self.at(np.stack([out[-1].start, piece.start]), value)
                if np.all(both[0] == both[1]):
                    continue
            out.append(piece)
        return [p for i, p in enumerate(out) if not self._is_empty(out, i)]

    def _is_empty(self, pieces: list[_Piece], number: int) -> bool:
        return bool(np.all(self._end(pieces, number) < pieces[number].start))

    def _end(self, pieces: list[_Piece], number: int) -> Array:
        """The last key of a piece."""
        if number + 1 < len(pieces):
            return pieces[number + 1].start - 1
        return np.full(self.channels, _LARGEST, np.int64)

    def _through(self, node: Node) -> list[_Piece] | None:
        """Pieces of a node's result; None when it is neither constant nor monotone on one."""
        running = [v for v in dict.fromkeys(node.op.operands) if self._array(v) is None]
        starts = np.stack([p.start for v in running for p in self.pieces[v]])
        starts = np.unique(np.sort(starts, axis=0), axis=0)
        out: list[_Piece] = []
        for number, start in enumerate(starts):
            end = starts[number + 1] - 1 if number + 1 < len(starts) else self._end([], 0)
            if np.all(end < start):
                continue
            found = self._piece(node, start, end, running)
            if found is None:
                return None
            out += found
        return out

    def _constant_on(self, value: Value, start: Array, end: Array) -> bool:
        """Whether a value is constant on a range, in every channel where the range is not empty."""
        pieces = self.pieces[value]
        whole = start <= end
        for number, piece in enumerate(pieces):
            touches = whole & (piece.start <= end) & (self._end(pieces, number) >= start)
            if not piece.constant and np.any(touches):
                return False
        return True

    def _piece(
        self, node: Node, start: Array, end: Array, running: list[Value]
    ) -> list[_Piece] | None:
        op = node.op
        moving = [v for v in running if not self._constant_on(v, start, end)]
        if isinstance(op, Where) and op.condition not in moving:
            chosen = self._chosen(op, start, end)
            return [_Piece(start, not any(v in chosen for v in moving))]
        if not moving:
            return [_Piece(start, True)]
        if len(moving) > 1 or list(op.operands).count(moving[0]) > 1:
            return None
        if isinstance(op, Equal):
            return self._equal(op, start, end, moving[0])
        if not self._is_monotone(op, moving[0], start, end):
            return None
        return self._levels(node.result, start, end)

    def _chosen(self, op: Where, start: Array, end: Array) -> list[Value]:
        """Which sides a choice takes on a range where its condition is constant."""
        array = self._array(op.condition)
        held = self.at(start[None], op.condition)[0] if array is None else np.asarray(array)
        held = np.broadcast_to(held.reshape(-1), start.shape)[start <= end]
        return [op.a] * bool(held.any()) + [op.b] * bool((~held).any())

    def _is_monotone(self, op: Op, moving: Value, start: Array, end: Array) -> bool:
        """Whether an operator rises or falls throughout with the one operand that moves."""
        if isinstance(op, Div):
            return moving == op.a
        if isinstance(op, PRelu):
            slope = self._array(op.b)
            return moving == op.a and slope is not None and bool(np.all(slope >= 0))
        if isinstance(op, Where):
            return False
        if isinstance(op, Cast) and isinstance(op.to, Scalar) and op.to.dtype.kind != "f":
            ends = self.at(np.stack([start, np.maximum(start, end)]), moving)
            return op.to.dtype.kind == "i" and bool(np.all(np.abs(ends.astype(np.float64)) < 2e9))
        return True

    def _equal(self, op: Equal, start: Array, end: Array, moving: Value) -> list[_Piece]:
        """A monotone value is below, at and above a constant, in one order or the other."""
        other = op.b if moving == op.a else op.a
        array = self._array(other)

        def against(keys: Array) -> Array:
            held = self.at(keys, other) if array is None else array.reshape(-1)
            return np.sign(np.subtract(self.at(keys, moving), held, dtype=np.float64))

        first = against(start[None])[0]

        def left(keys: Array) -> Array:
            return against(keys)[0] != first

        def crossed(keys: Array) -> Array:
            return against(keys)[0] * first < 0

        at, second = self._bisect(start, end, left), self._bisect(start, end, crossed)
        return [_Piece(s, True) for s in (start, at, second)]

    def _levels(self, value: Value, start: Array, end: Array) -> list[_Piece]:
        """A monotone range, cut into its levels where the value is an integer of few levels."""
        ends = self.at(np.stack([start, np.maximum(start, end)]), value).astype(np.float64)
        with np.errstate(invalid="ignore"):
            levels = np.where(start <= end, np.abs(ends[1] - ends[0]), 0)
        if not self._is_integer(value) or not np.all(levels <= 4):
            constant = bool(np.all(levels == 0))
            return [_Piece(start, constant)]
        out = [_Piece(start, True)]
        for level in range(1, int(levels.max()) + 1):
            reached = self._reaches(value, ends[0], level)
            out.append(_Piece(self._bisect(start, end, reached), True))
        return out

    def _reaches(self, value: Value, first: Array, level: int) -> Callable[[Array], Array]:
        """Whether the value is ``level`` away from its first one."""

        def reached(keys: Array) -> Array:
            return np.abs(self.at(keys, value)[0].astype(np.float64) - first) >= level

        return reached

    def _is_integer(self, value: Value) -> bool:
        """Whether every number of the value is an integer (or a truth value)."""
        if value == self.source:
            return False
        node = self.graph.producers[value]
        op = node.op
        if value.element != F32 or isinstance(op, (Ceil, Floor, Round, Sign)):
            return True
        if isinstance(op, Clip):
            whole = all(np.isinf(b) or float(b).is_integer() for b in (op.low, op.high))
            return whole and self._is_integer(op.x)
        if isinstance(op, (Add, Max, Min, Neg, Relu, Sub)):
            return all(self._holds_integers(v) for v in op.operands)
        return isinstance(op, Cast) and self._is_integer(op.x)

    def _holds_integers(self, value: Value) -> bool:
        array = self._array(value)
        if array is None:
            return self._is_integer(value)
        return bool(np.all(np.isfinite(array)) and np.all(np.floor(array) == array))

    def _bisect(self, start: Array, end: Array, holds: Callable[[Array], Array]) -> Array:
        """The first key of start .. end where a condition, once true for good, holds; else the one
        after the end."""
        low, high = start.copy(), np.maximum(end + 1, start)
        for _ in range(33):
            middle = (low + high) // 2
            found = holds(np.minimum(middle, _LARGEST)[None]) | (middle >= high)
            high = np.where(found, middle, high)
            low = np.where(found, low, np.minimum(middle + 1, high))
        return high


def _roundness(keys: Array) -> int:
    """Trailing zeros of the numbers, as the power of two that divides all keys."""
    divisors = keys & -keys
    return int(np.where(keys == 0, 1 << 32, divisors).min())


def _number(keys: Array) -> Array:
    """float32 numbers from their places in the order of all of them; 0 is 0."""
    magnitude = np.abs(keys).astype(np.int32).view(np.float32)
    return np.where(keys < 0, -magnitude, magnitude)
