"""Which values are made of signs: two-valued functions of a sign, moved about.

    relu(sign(x)),   0.3 * sign(x) + 0.1,   where(sign(x) == -1, 0, sign(x)),   max_pool(sign(x))

An elementwise function of one sign, with constants per channel, takes at most one value for each of
-1, 0 and +1; `Signs` holds that table. Moves take the table along. A product reads the bits of the
sign, and what the table says of its scale and offset becomes constants after it.

Whatever else takes two values, or three of which one is in the middle, is a function of its own
sign, whichever operators computed it (`few_values`): its bits are taken of its floats.

    sign(x) * sign(y),   reduce_max(sign(x)),   where(mask, sign(x), sign(y)),   pad(sign(x), 0)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import VerifyError
from ...ir import BOOL, F32, Array, Node, Op, Value
from ...ir.ops import (
    Binarize,
    Cast,
    Concat,
    Const,
    MaxPool,
    Pad,
    Reshape,
    Sign,
    Slice,
    Sub,
)
from ...ir.rewriting import Rewriter
from ...ir.traits import PASSES_ON, Trait
from ..canonicalize import FEW_CHANNELS, is_flatten
from .few_values import few, given
from .queries import channel_shape, described, per_channel

LARGEST_FLOAT_INTEGER = 1 << 24
"""Integers up to it are float32 numbers."""


@dataclass(frozen=True, eq=False)
class Signs:
    """A value that takes ``table[0, c]``, ``table[1, c]``, ``table[2, c]`` in channel c where the
    sign beneath it is -1, 0, +1."""

    base: Value
    """The sign, or the move of signs, that the value is an elementwise function of."""
    table: Array
    """[3, C], or [3, 1] when all channels agree; the value's own type."""
    ternary: bool
    """Whether the signs beneath can be 0."""
    of_floats: bool = False
    """Whether what is beneath is no `Sign`, but some value of two or three values."""
    approximated: bool = False
    """Whether kernels may miss the table's values by a few units in the last place."""

    @property
    def uniform(self) -> bool:
        """True when all channels take the same values."""
        return self.table.shape[1] == 1

    @property
    def taken(self) -> Array:
        """The rows of the table that are taken: [3, C] or [2, C]."""
        return self.table if self.ternary else self.table[[0, 2]]

    def wide(self, channels: int) -> Array:
        """The table with a column for each channel."""
        return np.broadcast_to(self.table, (3, channels))


@dataclass(frozen=True)
class Levels:
    """A value as ``scale * s + offset`` for signs s; float64, [] or [C]."""

    scale: Array
    offset: Array
    zero: int | None
    """What the signs are to be at 0 for this reader; None: as they are."""


@dataclass(frozen=True)
class NotSigns:
    """Why a value is not made of signs, and what would make it so."""

    reason: str
    advice: str


@dataclass
class Tracer:
    """Follows signs through a graph whose nodes are visited in order."""

    rw: Rewriter
    operators: Mapping[str, str] = field(default_factory=dict[str, str])
    """The model's operators by the names of its nodes, for messages."""
    known: dict[tuple[Value, bool], Signs | NotSigns] = field(
        default_factory=dict[tuple[Value, bool], "Signs | NotSigns"]
    )
    """By value, and by whether the reader takes a flattened map (`_follows`)."""
    apart: dict[tuple[Value, bool], Signs] = field(
        default_factory=dict[tuple[Value, bool], "Signs"]
    )
    """Values that are their own base: by the values that they take, not by what computes them."""
    packed: dict[tuple[Value, bool, int | None], Value] = field(
        default_factory=dict[tuple[Value, bool, "int | None"], Value]
    )

    def visit(self, node: Node) -> None:
        """Take note of a node that has just been built."""
        for value in node.results:
            for flat in (False, True):
                self.known[value, flat] = _compressed(self._signs(node, value, flat))

    def find(self, value: Value, flat: bool = False) -> Signs | NotSigns:
        """What is known of a value; ``flat``: the reader is a product, which can read the map that
        was flattened instead."""
        if (value, flat) not in self.known and value.element == BOOL:
            return self._truths(value, flat)
        return self.known.get((value, flat)) or NotSigns(
            "they are a graph input",
            "a first layer reads real numbers; to have it on bits, encode its input as signs "
            "(thermometer or bit planes) in the model",
        )

    def _signs(self, node: Node, value: Value, flat: bool) -> Signs | NotSigns:
        traced = self._traced(node, value, flat)
        if isinstance(traced, Signs):
            return traced
        return self._by_values(node, value, flat) or traced

    def _by_values(self, node: Node, value: Value, flat: bool) -> Signs | None:
        """A value as a function of its own sign: that of what it is above or below the middle."""
        op = node.op
        if isinstance(op, Const) or len(node.results) > 1:
            return None
        if value.element == BOOL:
            return self._truths(value, flat)
        args = self._taken(op, value, flat)
        values = None if args is None else given(op, args)
        if values is None:
            return None
        low, *middle, high = values.astype(np.float64)
        approximated = self._approximated(op, flat)
        # What is in the middle is told apart only when it is exactly that.
        if middle and (approximated or np.any(middle[0] - low != high - middle[0])):
            return None
        if value.element != F32 and np.any(np.maximum(-low, high) > LARGEST_FLOAT_INTEGER):
            return None
        table = values if middle else values[[0, 0, 1]]
        return self._own(value, flat, Signs(value, table, bool(middle), True, approximated))

    def _approximated(self, op: Op, flat: bool = False) -> bool:
        """Whether an operator's results, or what it reads, are computed to a few units only."""
        below = [self.find(v, flat) for v in op.operands]
        inexact = any(isinstance(b, Signs) and b.approximated for b in below)
        return inexact or Trait.APPROXIMATED in op.traits

    def _truths(self, value: Value, flat: bool) -> Signs:
        """Truth values, whatever decides them."""
        return self._own(value, flat, Signs(value, np.array([[0], [0], [1]], bool), False, True))

    def _own(self, value: Value, flat: bool, signs: Signs) -> Signs:
        self.apart[value, flat] = signs
        return signs

    def _taken(self, op: Op, result: Value, flat: bool) -> list[Array] | None:
        """What the operands that `given` asks for take; None where one takes many values."""
        operands = op.operands if op.pointwise else op.sources
        if not operands or not (op.pointwise or op.traits & PASSES_ON):
            return None
        rank, channels = result.type.rank, result.shape[1] if result.shape[1:] else 1
        taken: dict[Value, Array] = {}
        for value in operands:
            if (array := self.rw.array(value)) is not None:
                columns = per_channel(array, rank, channels) if op.pointwise and rank > 1 else None
                values = few(array) if columns is None else columns[None]
            else:
                signs = self.find(value, flat)
                fits = isinstance(signs, Signs) and (signs.uniform or value.type.rank == rank)
                values = signs.taken if isinstance(signs, Signs) and fits else None
            if values is None:
                return None
            taken[value] = values
        return [taken[value] for value in operands]

    def _traced(self, node: Node, value: Value, flat: bool) -> Signs | NotSigns:
        op = node.op
        if isinstance(op, Sign):
            table = np.array([[-1], [op.zero], [1]], np.float32)
            return Signs(value, table, op.zero == 0)
        if isinstance(op, Concat):
            return self._joined(node, op)
        if isinstance(op, Pad):
            return self._padded(node, op)
        if op.pointwise:
            return self._elementwise(node, flat)
        if _moves(op):
            return self._moved(node, op, flat)
        return self._not_sign(node)

    def _moved(self, node: Node, op: Op, flat: bool) -> Signs | NotSigns:
        below = self.find(op.sources[0])
        if isinstance(below, NotSigns):
            return below if not isinstance(op, MaxPool) else self._not_sign(node)
        out = replace(below, base=node.result)
        if isinstance(op, MaxPool):
            if op.may_be_empty():
                return self._not_sign(node, "has windows that see only padding")
            if not np.all(np.diff(below.table.astype(np.float64), axis=0) >= 0):
                return self._not_sign(node, "takes the maximum of falling functions of signs")
            return out
        if isinstance(op, Slice):
            if below.uniform:
                return out
            stop = op.starts[1] + op.steps[1] * (op.sizes[1] - 1)
            taken = np.arange(op.starts[1], stop + np.sign(op.steps[1]), op.steps[1])
            return replace(out, table=below.table[:, taken])
        if isinstance(op, Reshape) and self._follows(op, flat):
            if below.uniform or _is_squeeze(op):
                return out
            columns = op.shape[1] // op.x.shape[1]
            return replace(out, table=np.repeat(below.table, columns, axis=1))
        if below.uniform and self._path(op) is not None:
            return out
        return self._not_sign(node, "moves signs in a way that packed words cannot follow")

    def _joined(self, node: Node, op: Concat) -> Signs | NotSigns:
        parts = [self.find(x) for x in op.xs]
        signs = [p for p in parts if isinstance(p, Signs)]
        if not signs:
            same = all(part == parts[0] for part in parts)
            return parts[0] if same else self._not_sign(node)
        if len(signs) < len(parts):
            number = next(i for i, p in enumerate(parts) if isinstance(p, NotSigns))
            other = op.xs[number]
            made = self.rw.producers.get(other)
            name = described(made, self.operators) if made else f"'{other.name}'"
            return self._not_sign(node, f"joins signs with {name}, which is none")
        if len({p.ternary for p in signs}) > 1:
            return self._not_sign(node, "joins signs that are 0 at 0 with signs that are not")
        of_floats = any(p.of_floats for p in signs)
        if op.axis == 1:
            tables = [p.wide(x.shape[1]) for p, x in zip(signs, op.xs, strict=True)]
            table = np.concatenate(tables, axis=1)
        elif all(np.array_equal(p.taken, signs[0].taken) for p in signs):
            table = signs[0].table
        else:
            return self._not_sign(node, "joins signs of several scales")
        return Signs(node.result, table, signs[0].ternary, of_floats, self._approximated(op))

    def _padded(self, node: Node, op: Pad) -> Signs | NotSigns:
        below = self.find(op.x)
        if isinstance(below, NotSigns):
            return below
        movable = below.uniform and self._path(op) is not None
        if any(op.before[:2] + op.after[:2]) and not movable:
            return self._not_sign(node, "pads channels")
        if border_sign(below, op.value) is None:
            return NotSigns(
                f"{described(node, self.operators)} pads signs with {op.value:g}",
                "pad with a value that the signs take, or with 0 right before the convolution",
            )
        return replace(below, base=node.result)

    def _elementwise(self, node: Node, flat: bool) -> Signs | NotSigns:
        """The operator's own reference at the three values of the sign."""
        op, result = node.op, node.result
        rank, channels = result.type.rank, result.shape[1] if result.shape[1:] else 1
        arrays = {v: self.rw.array(v) for v in op.operands}
        running = [v for v, array in arrays.items() if array is None]
        below: list[Signs] = []
        for value in running:
            signs = self.find(value, flat)
            if isinstance(signs, NotSigns):
                return (
                    signs
                    if Trait.AFFINE in op.traits and len(running) == 1
                    else self._not_sign(node)
                )
            below.append(signs)
        if len({b.base for b in below}) != 1 or {v.shape for v in running} != {result.shape}:
            return self._not_sign(node)
        constants = [a for a in arrays.values() if a is not None]
        if rank < 2 or any(per_channel(a, rank, channels) is None for a in constants):
            return self._not_sign(node)

        def seen(value: Value) -> Any:
            if arrays[value] is not None:
                return arrays[value]
            operand = self.find(value, flat)
            assert isinstance(operand, Signs)
            return operand.table.reshape(3, -1, *[1] * (rank - 2))

        try:
            with np.errstate(all="ignore"):
                out = np.asarray(op.reference([seen(v) for v in op.operands], 3))
        except VerifyError:
            return self._not_sign(node)
        table = out.reshape(3, -1)
        return replace(below[0], table=table, approximated=self._approximated(op, flat))

    def _not_sign(self, node: Node, why: str = "is not a sign") -> NotSigns:
        name = described(node, self.operators)
        return NotSigns(
            f"{name} {why}",
            f"binarize the layer's input: a Sign (or Where(x >= 0, 1, -1)) after {name}",
        )

    def _follows(self, op: Reshape, flat: bool) -> bool:
        """True for reshapes that packed words follow: [N, C, 1, 1] <-> [N, C], and flattening right
        under a product (``flat``), which reads the map instead. Any other reader of a flattened map
        would need its bits in another order, and a map of few channels would fill few bits of its
        words: those are flattened before the sign where that can be."""
        if _is_squeeze(op):
            return True
        if not flat or not is_flatten(op):
            return False
        below = self.find(op.x)
        movable = isinstance(below, Signs) and below.uniform and self._path(op) is not None
        return op.x.shape[1] >= FEW_CHANNELS or not movable

    def _path(self, op: Op) -> tuple[Value, list[Op]] | None:
        """The sign under a stack of moves and max pools, and the stack, innermost first. The sign
        commutes with a max pool too: it never decreases."""
        stack: list[Op] = []
        while _moves(op):
            stack.append(op)
            below = self.find(op.sources[0])
            if isinstance(below, NotSigns) or (below.base, False) in self.apart:
                return None
            op = self.rw.producers[below.base].op
            if isinstance(op, Sign):
                return below.base, stack[::-1]
        return None

    def bits(self, value: Value, flat: bool, zero: int | None) -> Value:
        """Rebuild the signs beneath a value on bits; ``zero`` as in `Levels`."""
        wanted = (self._base(value, flat), flat)
        todo = [wanted]
        while todo:
            base, as_flat = todo[-1]
            missing = [
                (below, False)
                for below in self._below(base, as_flat)
                if (below, False, zero) not in self.packed
            ]
            if not missing:
                todo.pop()
                self.packed.setdefault((base, as_flat, zero), self._bits(base, as_flat, zero))
            todo.extend(missing)
        return self.packed[(*wanted, zero)]

    def _base(self, value: Value, flat: bool = False) -> Value:
        signs = self.find(value, flat)
        assert isinstance(signs, Signs)
        return signs.base

    def _below(self, base: Value, flat: bool) -> list[Value]:
        """The bases whose bits a move of signs reads; none where the floats are moved instead."""
        if (base, flat) in self.apart:
            return []
        op = self.rw.producers[base].op
        if isinstance(op, Sign) or self._turned(op, flat) is not None:
            return []
        return [self._base(v) for v in op.operands]

    def _turned(self, op: Op, flat: bool) -> tuple[Value, list[Op]] | None:
        """The path to the sign for moves that packed words cannot follow."""
        follows = not _moves(op) or isinstance(op, MaxPool) or Trait.AXISWISE in op.traits
        if isinstance(op, Reshape):
            follows = self._follows(op, flat)
        if isinstance(op, Pad):
            follows = not any(op.before[:2] + op.after[:2])
        return None if follows else self._path(op)

    def _bits(self, base: Value, flat: bool, zero: int | None) -> Value:
        """One sign or move on the bits of its operands, which are there."""
        if (base, flat) in self.apart:
            return self._of_values(base, self.apart[base, flat], zero)
        node, rw = self.rw.producers[base], self.rw
        op, name = node.op, base.name + ".bits"
        if isinstance(op, Sign):
            return self._binarized(base, [], name, zero)
        turned = self._turned(op, flat)
        if turned is not None:
            return self._binarized(*turned, name, zero)
        if isinstance(op, Pad):
            op = self._with_sign(op, zero)

        def packed(value: Value) -> Value:
            return self.packed[self._base(value), False, zero]

        return rw.add(op.map_operands(packed), name, node.origin)

    def _of_values(self, base: Value, signs: Signs, zero: int | None) -> Value:
        """The sign of what a value of two or three values is above the middle of them."""
        rw, name, origin = self.rw, base.name, base.origin
        x = base if base.element == F32 else rw.add(Cast(base, F32), name + ".float", origin)
        low, middle, high = signs.table.astype(np.float64)
        if not signs.ternary:
            zero, middle = 1, np.float32((low + high) / 2)
            middle = np.where((low < 0) & (high > 0), 0, np.where(middle > low, middle, high))
        elif zero is None:
            zero = 0
        if np.any(middle):
            array = np.asarray(middle, np.float32)
            shape = channel_shape(base.type.rank) if array.size > 1 else ()
            offset = rw.const(array.reshape(shape), name + ".middle", origin)
            x = rw.add(Sub(x, offset), name + ".above", origin)
        return rw.add(Binarize(x, zero), name + ".bits", origin)

    def _with_sign(self, op: Pad, zero: int | None) -> Pad:
        """The pad with the sign that its value stands for."""
        below = self.find(op.x)
        border = border_sign(below, op.value) if isinstance(below, Signs) else None
        assert border is not None
        return replace(op, value=float(zero if border == 0 and zero is not None else border))

    def _binarized(self, base: Value, moves: list[Op], name: str, zero: int | None) -> Value:
        """A sign on bits. What moved the sign moves its operand instead, move(sign(x)) =
        sign(move(x)): moving floats is what kernels do well."""
        rw, node = self.rw, self.rw.producers[base]
        op = node.op
        assert isinstance(op, Sign)
        x = op.x
        for move in moves:
            turned = self._with_sign(move, zero) if isinstance(move, Pad) else move
            moved: Any = replace(turned, x=x)  # type: ignore[call-arg]
            x = rw.add(moved, base.name + ".moved", node.origin)
        at_zero = zero if zero is not None and op.zero == 0 else op.zero
        return rw.add(Binarize(x, at_zero), name, node.origin)


def _moves(op: Op) -> bool:
    """Whether the signs of one operand come through an operator as signs, at other places."""
    return (Trait.MOVES in op.traits or isinstance(op, MaxPool)) and len(op.sources) == 1


def border_sign(signs: Signs, value: float) -> int | None:
    """The sign for which every channel takes ``value``, or None."""
    rows = (0, 2, 1) if signs.ternary else (0, 2)
    for row in rows:
        if np.all(signs.table[row] == signs.table.dtype.type(value)):
            return row - 1
    return None


def levels(signs: Signs, name: str) -> Levels | NotSigns:
    """Scale and offset of a value made of signs, or why it has none."""
    if signs.table.dtype != np.float32 or not np.isfinite(signs.table).all():
        return NotSigns(f"'{name}' is not a finite number for every sign", "")
    low, middle, high = signs.table.astype(np.float64)
    if np.any(low == high):
        channel = int(np.argmax(low == high))
        return NotSigns(f"'{name}' does not depend on its sign in channel {channel}", "")
    zero = None
    scale, offset = (high - low) / 2, (high + low) / 2
    if signs.ternary:
        largest = np.maximum(np.abs(low), np.abs(high))
        if np.all(middle == low):
            zero = -1
        elif np.all(middle == high):
            zero = 1
        elif not np.all(np.abs(middle - offset) <= 1e-7 * largest):
            at = int(np.argmax(np.abs(middle - offset)))
            return NotSigns(
                f"'{name}' takes three values: {low[at]:g}, {middle[at]:g} at 0, {high[at]:g}",
                "use a sign that is never 0, or --sign-zero=+1 if that is how it was trained",
            )
    if signs.uniform:
        scale, offset = scale[0], offset[0]
    return Levels(np.asarray(scale), np.asarray(offset), zero)


def _compressed(signs: Signs | NotSigns) -> Signs | NotSigns:
    """One column where all channels agree."""
    if isinstance(signs, NotSigns) or signs.uniform or np.any(signs.table != signs.table[:, :1]):
        return signs
    return replace(signs, table=signs.table[:, :1])


def _is_squeeze(op: Reshape) -> bool:
    """[N, C, 1, 1] <-> [N, C]: packed words do not move."""
    ones = [d for d in (*op.x.shape[2:], *op.shape[2:]) if d != 1]
    return not ones and op.shape[:2] == op.x.shape[:2]
