"""Which channels of which values have to stay together when channels are put in another order.

`trace` follows the channel axis of every value through a graph. Groups of channels are tied where
an operator takes them at the same places (elementwise, skip additions), cut where a concatenation,
a slice or the groups of a convolution end, and free until something depends on their order: a
graph input or output, a float sum over them, an operator that is not followed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...ir import F32, Array, Batch, Graph, Node, Op, Value
from ...ir.ops import (
    AveragePool,
    BatchNorm,
    BinaryConv,
    BinaryGemm,
    Concat,
    Const,
    Conv,
    Gemm,
    MaxPool,
    Pad,
    Reshape,
    Slice,
    Threshold,
    Transpose,
)
from ...ir.ops.nn import Reduction
from ...ir.ops.shape import flat_size


class Groups:
    """Groups of channels: a union-find whose members can be cut in parts."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._same: dict[int, int] = {}
        self._parts: dict[int, tuple[list[int], list[int]]] = {}
        """Where the parts of a group begin, and what they are."""

    def new(self, size: int) -> int:
        """A group of ``size`` channels that is tied to no other."""
        self.sizes.append(size)
        return len(self.sizes) - 1

    def leaves(self, groups: Iterable[int]) -> tuple[int, ...]:
        """What groups have become: those that stand for them, in order."""
        leaves: list[int] = []
        ahead = list(groups)[::-1]
        while ahead:
            leaves.append(self._first(ahead))
        return tuple(leaves)

    def part(self, groups: Sequence[int], start: int, size: int) -> tuple[int, ...]:
        """Groups of ``size`` channels from ``start`` on; those at the ends are cut in two."""
        taken: list[int] = []
        at, end = 0, start + size
        for group in groups:
            after = at + self.sizes[group]
            if start <= at and after <= end:
                taken.append(group)
            elif at < end and start < after:
                taken += self._within(self._now(group), max(start - at, 0), min(end, after) - at)
            at = after
        return self.leaves(taken)

    def _within(self, group: int, start: int, end: int) -> list[int]:
        """Parts of a group from one of its channels to another."""
        first, last = (self._boundary(group, channel) for channel in (start, end))
        return self._parts[group][1][first:last]

    def _boundary(self, group: int, channel: int) -> int:
        """The number of the part that begins at a channel, made where there is none. Parts that
        have parts are replaced by them, so that the next search finds its place at once."""
        if not channel:
            return 0
        if group not in self._parts:
            self._split(group, channel)
        starts, members = self._parts[group]
        while channel < self.sizes[group]:
            number = bisect_right(starts, channel) - 1
            if starts[number] == channel:
                return number
            member = self._now(members[number])
            if member not in self._parts:
                self._split(member, channel - starts[number])
            inner, parts = self._parts[member]
            starts[number : number + 1] = [starts[number] + at for at in inner]
            members[number : number + 1] = parts
        return len(members)

    def tie(self, a: Sequence[int], b: Sequence[int]) -> None:
        """Let two rows of groups of the same size be permuted alike."""
        ahead, others = list(a)[::-1], list(b)[::-1]
        while ahead and others:
            x, y = self._first(ahead), self._first(others)
            if self.sizes[x] > self.sizes[y]:
                x = self._cut(x, self.sizes[y], ahead)
            elif self.sizes[x] < self.sizes[y]:
                y = self._cut(y, self.sizes[x], others)
            if x != y:
                self._same[y] = x

    def _first(self, ahead: list[int]) -> int:
        """The first of the leaves that a reversed row of groups stands for, taken off it."""
        while (group := self._now(ahead.pop())) in self._parts:
            ahead.extend(self._parts[group][1][::-1])
        return group

    def _cut(self, leaf: int, size: int, ahead: list[int]) -> int:
        """The first ``size`` channels of a leaf; the others go back ahead."""
        self._split(leaf, size)
        first, rest = self._parts[leaf][1]
        ahead.append(rest)
        return first

    def _now(self, group: int) -> int:
        """What a group has been tied to."""
        while group in self._same:
            nearer = self._same[group]
            self._same[group] = self._same.get(nearer, nearer)  # halves the way of later calls
            group = nearer
        return group

    def _split(self, leaf: int, size: int) -> None:
        self._parts[leaf] = [0, size], [self.new(size), self.new(self.sizes[leaf] - size)]


@dataclass(frozen=True)
class Axis:
    """The channel axis of a value: its place, groups of channels one after another, and how many
    neighbours each channel has become (more than one after a Flatten)."""

    position: int
    groups: tuple[int, ...]
    repeat: int = 1


@dataclass(frozen=True)
class Obstacle:
    """An order that cannot change: that of ``value``'s channels where ``node`` reads or makes them
    (None: where they enter or leave the graph).

    ``undone``: whether a Gather before the reader would put them back.
    """

    value: Value
    node: Node | None
    reason: str
    undone: bool
    groups: tuple[int, ...]


@dataclass
class Axes:
    """The channel axes of a graph's values, and what keeps them in order."""

    graph: Graph
    groups: Groups = field(default_factory=Groups)
    of: dict[Value, Axis] = field(default_factory=dict[Value, Axis])
    obstacles: list[Obstacle] = field(default_factory=list[Obstacle])

    def leaves(self, value: Value) -> tuple[int, ...]:
        """Groups of a value's channels, in order."""
        return self.groups.leaves(self.of[value].groups)

    def index(self, value: Value, orders: Mapping[int, Array]) -> Array | None:
        """Which entry of a value's channel axis comes to each place when leaves are put in
        ``orders``; None: all stay."""
        axis = self.of.get(value)
        if axis is None or not any(leaf in orders for leaf in self.groups.leaves(axis.groups)):
            return None
        parts: list[Array] = []
        first = 0
        for leaf in self.groups.leaves(axis.groups):
            size = self.groups.sizes[leaf]
            parts.append(first + orders.get(leaf, np.arange(size)))
            first += size
        channels = np.concatenate(parts)
        return (channels[:, None] * axis.repeat + np.arange(axis.repeat)).reshape(-1)

    # How operators are followed. Each method puts the axis of its node's result.

    def fresh(self, value: Value) -> None:
        """Let a value have channels on axis 1 that are tied to no other."""
        self.of[value] = Axis(1, (self.groups.new(_size(value, 1)),))

    def keep(self, value: Value, node: Node | None, reason: str, undone: bool = False) -> None:
        """Nothing may move ``value``'s channels."""
        axis = self.of.get(value)
        if axis is not None:
            undone = undone and value.element == F32
            self.obstacles.append(Obstacle(value, node, reason, undone, axis.groups))

    def opaque(self, node: Node, reason: str) -> None:
        """An operator that is not followed keeps the order of what it reads and makes."""
        for value in dict.fromkeys(node.op.operands):
            self.keep(value, node, reason, undone=True)
        for value in node.results:
            if value.type.rank > 1 and not isinstance(value.shape[1], Batch):
                self.fresh(value)
                self.keep(value, node, reason)

    def elementwise(self, node: Node) -> None:
        """Tie operands at the same places; constants follow."""
        op, result = node.op, node.result
        read = [v for v in op.operands if v in self.of]
        others = [v for v in op.operands if v not in self.of and flat_size(v.shape) > 1]
        if not all(isinstance(self.graph.producer_op(v), Const) for v in others):
            return self.opaque(node, "it reads what has no channels")
        places = {self.of[v].position + result.type.rank - v.type.rank for v in read}
        if len(places) != 1:
            return self.opaque(node, "the channels of its operands are not the same axis")
        (position,) = places
        size = _size(result, position)
        wide = [v for v in read if _size(v, self.of[v].position) == size]
        if not wide or len({self.of[v].repeat for v in wide}) > 1:
            return self.opaque(node, "it broadcasts channels")
        first = self.of[wide[0]]
        for other in wide[1:]:
            self.groups.tie(first.groups, self.of[other].groups)
        self.of[result] = Axis(position, first.groups, first.repeat)
        return None

    def per_channel(self, node: Node) -> None:
        """Constants along axis 1, whichever axis the channels are."""
        if not all(isinstance(self.graph.producer_op(v), Const) for v in node.op.operands[1:]):
            return self.opaque(node, "its parameters are not constant")
        return self.elementwise(node)

    def passing(self, node: Node) -> None:
        """A window over the other axes."""
        axis = self.of.get(node.op.operands[0])
        if axis is None or axis.position != 1:
            return self.opaque(node, "its window runs over channels")
        self.of[node.result] = axis
        return None

    def product(self, node: Node) -> None:
        """Binary products absorb any order of their inputs; float sums depend on it."""
        op = node.op
        assert isinstance(op, (BinaryConv, BinaryGemm, Conv, Gemm))
        makers = [self.graph.producer_op(v) for v in op.operands[1:]]
        if not all(isinstance(maker, Const) for maker in makers):
            return self.opaque(node, "its weights are not constant")
        axis = self.of.get(op.x)
        groups = getattr(op, "groups", 1)
        per_group, outputs = op.w.shape[1], _size(node.result, 1)
        if axis is None or axis.position != 1 or (op.x.type.rank > 2 and axis.repeat > 1):
            self.keep(op.x, node, "its inputs are not channels", undone=True)
        elif per_group == 1 and groups == outputs:
            self.of[node.result] = axis
            return None
        elif isinstance(op, (Conv, Gemm)):
            self.keep(op.x, node, "a float sum depends on the order of its inputs", undone=True)
        else:
            for number in range(groups - 1):
                self.groups.part(axis.groups, number * per_group, per_group)
        self.of[node.result] = Axis(
            1, tuple(self.groups.new(outputs // groups) for _ in range(groups))
        )
        return None

    def concat(self, node: Node) -> None:
        """Channels one after another, or ties across what is joined along another axis."""
        op = node.op
        assert isinstance(op, Concat)
        axes = [self.of.get(v) for v in op.xs]
        known = [axis for axis in axes if axis is not None]
        if len(known) < len(axes) or len({(a.position, a.repeat) for a in known}) > 1:
            return self.opaque(node, "what it joins has no channels in common")
        first = known[0]
        if op.axis == first.position:
            groups = tuple(group for axis in known for group in axis.groups)
            self.of[node.result] = Axis(op.axis, groups, first.repeat)
            return None
        for axis in known[1:]:
            self.groups.tie(first.groups, axis.groups)
        self.of[node.result] = first
        return None

    def slice(self, node: Node) -> None:
        """Some channels one after another, or all of them."""
        op = node.op
        assert isinstance(op, Slice)
        axis = self.of.get(op.x)
        if axis is None:
            return self.opaque(node, "it cuts no channels")
        at = axis.position
        start, step, size = op.starts[at], op.steps[at], op.sizes[at]
        if (start, step, size) == (0, 1, op.x.shape[at]):
            self.of[node.result] = axis
            return None
        if step != 1 or start % axis.repeat or size % axis.repeat:
            return self.opaque(node, "it takes single channels")
        taken = self.groups.part(axis.groups, start // axis.repeat, size // axis.repeat)
        self.of[node.result] = Axis(at, taken, axis.repeat)
        return None

    def pad(self, node: Node) -> None:
        """A border around all channels alike."""
        op = node.op
        assert isinstance(op, Pad)
        axis = self.of.get(op.x)
        if axis is None or op.before[axis.position] or op.after[axis.position]:
            return self.opaque(node, "it adds channels")
        self.of[node.result] = axis
        return None

    def transpose(self, node: Node) -> None:
        """The channel axis goes elsewhere."""
        op = node.op
        assert isinstance(op, Transpose)
        axis = self.of.get(op.x)
        if axis is None:
            return self.opaque(node, "it moves no channels")
        self.of[node.result] = replace(axis, position=op.perm.index(axis.position))
        return None

    def reshape(self, node: Node) -> None:
        """Channels stay in one piece, and so does what is before them; each keeps its
        neighbours (Flatten)."""
        op = node.op
        assert isinstance(op, Reshape)
        axis = self.of.get(op.x)
        if axis is None:
            return self.opaque(node, "it moves no channels")
        old, new = op.x.shape, node.result.shape
        ahead = flat_size(old[: axis.position])
        count = sum(self.groups.sizes[leaf] for leaf in self.groups.leaves(axis.groups))
        for position, size in enumerate(new):
            if isinstance(size, Batch) or flat_size(new[:position]) != ahead:
                continue
            if size >= count and size % count == 0:
                inner = axis.repeat * flat_size(old[axis.position + 1 :])
                if inner == size // count * flat_size(new[position + 1 :]):
                    self.of[node.result] = Axis(position, axis.groups, size // count)
                    return None
        return self.opaque(node, "it tears channels apart")

    def reduce(self, node: Node) -> None:
        """Over the other axes."""
        op = node.op
        assert isinstance(op, Reduction)
        axis = self.of.get(op.x)
        if axis is None or axis.position in op.axes:
            return self.opaque(node, "it runs over channels")
        gone = 0 if op.keepdims else sum(a < axis.position for a in op.axes)
        self.of[node.result] = replace(axis, position=axis.position - gone)
        return None


def _size(value: Value, position: int) -> int:
    size = value.shape[position]
    assert isinstance(size, int)
    return size


def trace(graph: Graph) -> Axes:
    """Follow the channels of all values of a graph."""
    axes = Axes(graph)
    handlers: dict[type[Op], Callable[[Node], None]] = {
        AveragePool: axes.passing,
        BatchNorm: axes.per_channel,
        BinaryConv: axes.product,
        BinaryGemm: axes.product,
        Concat: axes.concat,
        Conv: axes.product,
        Gemm: axes.product,
        MaxPool: axes.passing,
        Pad: axes.pad,
        Reshape: axes.reshape,
        Slice: axes.slice,
        Threshold: axes.per_channel,
        Transpose: axes.transpose,
    }
    for value in graph.inputs:
        if value.type.rank > 1 and not isinstance(value.shape[1], Batch):
            axes.fresh(value)
            axes.keep(value, None, "it enters the graph in this order")
    for node in graph.nodes:
        op = node.op
        if type(op) in handlers:
            handlers[type(op)](node)
        elif op.elementwise:
            axes.elementwise(node)
        elif isinstance(op, Reduction):
            axes.reduce(node)
        elif not isinstance(op, Const):
            axes.opaque(node, f"{op.mnemonic()} is not followed")
    for value in dict.fromkeys(output.value for output in graph.outputs):
        axes.keep(value, None, "it leaves the graph in this order", undone=True)
    return axes
