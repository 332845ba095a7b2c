"""Adding along a tree: a channel's count from that of a channel whose weights are almost the same.

Where a channel's weights differ from its parent's in the inputs D, its mismatches m there are what
the parent matched, so that

    count(channel) = count(parent) - |D| + 2 * sum over D of m

(Vo et al., MST-compression: Compressing and Accelerating Binary Neural Networks with Minimum
Spanning Tree, ICCV 2023). A root adds all its inputs. The table holds each input's plane and its
complement, and a channel's program lists those that it adds. Channels are added up on their own,
children from -|D| / 2, chunk by chunk; at the end parents are added to their children, modulo a
power of two above all counts.

Lists differ in length. They run through one unrolled chain of additions, entered as many additions
before its end as a list is long; the roots', which are longer than all others, more than once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .....ir import Array, Ternary
from .....ir.ops import BinaryConv
from .....ir.ops.binary import BLOCK
from .....runtime.weight_layouts import Differences
from ....codegen.kernel_builder import I8, I16, I32, I64, Code, Index, IRValue
from ....codegen.kernel_interface import Job
from ...bit_planes import Column, carry_save
from ...geometry import Geometry
from .sliced_layer import Finish, SlicedLayer, Span
from .sliced_plan import LANES_SCRATCH, Prices, SlicedPlan

SIGNS = 2
"""Planes of an input in the table: as it is, and its complement."""
UNROLL = 8
"""Additions between two entries of the chain; lists are filled up with zero planes."""
LONGEST = 48
"""Most `UNROLL` of the chain; longer lists, those of roots, run through it again."""
TABLE = 56 << 10
"""Bytes of a chunk's table: 16 bits say where a plane lies, and much of it stays in the first-level
cache."""
_INPUT, _PARENT = 4.0, 30.0
"""Cycles to make an input's planes, and to add a parent."""


@dataclass(frozen=True)
class TreePlan(SlicedPlan):
    """Chunks of inputs, and each channel's parent (see `BinaryConv`)."""

    parents: tuple[int, ...]
    distances: tuple[int, ...]

    @classmethod
    def of(cls, op: BinaryConv, bits: int) -> TreePlan | None:
        """The plan with the fewest chunks whose tables stay in the cache, None without parents."""
        if not op.parents:
            return None
        g = Geometry.of(op)
        most = (TABLE * 8 // bits - 1) // SIGNS // g.taps
        if not most:
            return None
        channels = -(-g.channels // -(-g.channels // most))
        ternary = isinstance(op.x.element, Ternary)
        return cls(g, bits, channels, ternary, op.parents, op.distances)

    @property
    def digits(self) -> int:
        return (2 * self.inputs if self.ternary else self.inputs).bit_length()

    @property
    def zero(self) -> int:
        """Where the table's zero plane lies, in bytes, after a chunk's inputs."""
        return SIGNS * self.channels * self.geometry.taps * self.plane

    @property
    def tables(self) -> int:
        return self.zero + (1 + self.window) * self.plane + LANES_SCRATCH

    def cycles(self, prices: Prices) -> float:
        count = self.geometry.out_channels
        tables = self.blocks * self.inputs * _INPUT
        additions = self.listed * prices.listed
        return tables + additions + count * (self.chunks * prices.chunk + _PARENT)

    def program_bytes(self, scales: bool) -> int:
        """Two bytes a place; begin and length of each list; each channel's start."""
        count = self.geometry.out_channels
        return round(2 * self.listed) + 4 * count * (2 * self.chunks + self.digits)

    @property
    def listed(self) -> float:
        """Places in all lists, with what fills them up, which is half of the most on average."""
        filled = self.geometry.out_channels * self.chunks * (UNROLL - 1) / 2
        return sum(self.distances) + filled

    # Weights [O, C, kh, kw] as 0/1.

    @cached_property
    def roots(self) -> Array:
        """Channels without a parent: bool [O]."""
        return np.asarray(self.parents) < 0

    def layout(self, part: int) -> Differences:
        """What each channel adds: places in the table, in lists filled up to `UNROLL` (part 0),
        where the list of each chunk and channel begins (1) and how many `UNROLL` it is long (2)."""
        size = self.channels * self.geometry.taps
        parents = tuple(parent + 1 for parent in self.parents)
        return Differences(len(parents), self.inputs, size, self.plane, UNROLL, part, parents)

    def starts(self, weights: Array, times: int) -> tuple[Array, Array]:
        """The children's -|D| ``times``: halves as digits, words of ones or zeros [O, digits], and
        what is left over as words [O]."""
        flat = weights.reshape(len(weights), -1)
        apart = (flat != flat[list(self.parents)]).sum(axis=1)
        amounts = np.where(self.roots, 0, -times * apart)
        halves = (amounts >> 1)[:, None] >> np.arange(self.digits) & 1
        return _words(halves), _words(amounts & 1)

    def edges(self) -> tuple[Array, Array]:
        """Children after their parents: u8 [blocks, BLOCK, child and parent in the block], and how
        many: u8 [blocks]."""
        blocks = -(-len(self.parents) // BLOCK)
        pairs = np.zeros((blocks, BLOCK, 2), np.uint8)
        counts = np.zeros(blocks, np.uint8)
        depths = [_depth(self.parents, channel) for channel in range(len(self.parents))]
        for channel in sorted(range(len(self.parents)), key=lambda c: depths[c]):
            if depths[channel]:
                block = channel // BLOCK
                pairs[block, counts[block]] = channel % BLOCK, self.parents[channel] % BLOCK
                counts[block] += 1
        return pairs, counts


def _words(truth: Array) -> Array:
    return np.where(truth != 0, np.uint32(0xFFFFFFFF), np.uint32(0))


def _depth(parents: tuple[int, ...], channel: int) -> int:
    depth = 0
    while parents[channel] >= 0:
        channel = parents[channel]
        depth += 1
    return depth


class TreeLayer(SlicedLayer):
    """A table of inputs, lists of those that differ, and sums from parents to children."""

    plan: TreePlan

    def __init__(self, job: Job, code: Code, plan: TreePlan) -> None:
        super().__init__(job, code, plan)
        self.table = code.scratch(plan.zero + plan.plane)
        self.lists, self.begins, self.lengths = (
            code.weights(self.weights, plan.layout(part)) for part in range(3)
        )
        self.longest = job.ask(self.weights.map(self._longest))
        pairs, counts = plan.edges()
        self.pairs, self.counts = code.data(pairs), code.data(counts)

    def _longest(self, weights: Array) -> int:
        """How many `UNROLL` the chain is."""
        lengths = self.plan.layout(2).array(weights.reshape(len(weights), -1))
        return min(int(lengths[:, ~self.plan.roots].max(initial=1)), LONGEST)

    def once(
        self, span: Span, masks: list[IRValue], finish: Callable[[Span, Finish], None]
    ) -> None:
        self._all(span, masks, (False,))
        finish(span, Finish(lambda channel: self.state_of(channel, span), doubled=False))

    def twice(
        self, span: Span, masks: list[IRValue], finish: Callable[[Span, Finish], None]
    ) -> None:
        self._all(span, masks, (False, True))
        finish(span, Finish(lambda channel: self.state_of(channel, span), doubled=True))

    def _all(self, span: Span, masks: list[IRValue], passes: tuple[bool, ...]) -> None:
        """The counts of all channels of a span, ``passes`` say how zeros are read."""
        code, plan = self.code, self.plan
        starts = self.weights.map(lambda weights: plan.starts(weights, len(passes)))
        halves = code.data(starts.map(lambda both: both[0]))
        odd = code.data(starts.map(lambda both: both[1]))
        with code.loop(span.start, span.stop) as channel:
            self.keep(self._words(halves, channel, plan.digits), channel, span)
        code.store(self.type(None), code.offset(self.table, plan.zero))
        for filled in passes:
            with code.loop(0, plan.chunks) as chunk:
                self._make_table(chunk, masks, span, filled)
                with code.loop(span.start, span.stop) as channel:
                    self._add(chunk, channel, span)
        first, _ = code.divide(span.start, BLOCK)
        last, _ = code.divide(code.add(span.stop, BLOCK - 1), BLOCK)
        with code.loop(first, last) as block:
            count = code.load(code.offset(self.counts, block), I8)
            with code.loop(0, code.b.zext(count, I64)) as number:
                self._from_parent(block, number, odd, span)

    def _words(self, rows: IRValue, row: Index, count: int) -> list[IRValue]:
        """``count`` words of a row in all lanes of a plane each."""
        code = self.code
        at = code.offset(rows, code.mul(row, 4 * count))
        words = (code.load(code.offset(at, 4 * i), I32) for i in range(count))
        return [code.splat(word, self.type.count) for word in words]

    def _make_table(self, chunk: Index, masks: list[IRValue], span: Span, filled: bool) -> None:
        """The planes of a chunk's inputs, and their complements."""
        code, plan = self.code, self.plan
        first = code.mul(chunk, plan.channels)
        last = code.min(code.add(first, plan.channels), plan.geometry.channels)
        with code.loop(first, last) as channel:
            planes = self.shifted(channel, masks, span, filled)
            number = code.mul(code.sub(channel, first), plan.geometry.taps)
            at = code.offset(self.table, code.mul(number, SIGNS * plan.plane))
            for tap, plane in enumerate(planes):
                there = code.offset(at, tap * SIGNS * plan.plane)
                code.store(plane, there)
                code.store(code.b.not_(plane), code.offset(there, plan.plane))

    def _add(self, chunk: Index, channel: Index, span: Span) -> None:
        """Add what a channel lists for a chunk."""
        code, plan = self.code, self.plan
        row = code.mul(code.add(code.mul(chunk, plan.geometry.out_channels), channel), 4)
        blocks = code.b.zext(code.load(code.offset(self.lengths, row), I32), I64)
        begin = code.b.zext(code.load(code.offset(self.begins, row), I32), I64)
        names = code.offset(self.lists, begin)

        def run(at: Index, digits: list[IRValue]) -> list[IRValue]:
            rest = code.offset(names, code.mul(at, 2 * UNROLL))
            count = code.min(code.sub(blocks, at), self.longest)
            return self._chain(digits, rest, code.index(count))

        digits = code.repeat(0, blocks, self.longest, self.state_of(channel, span), run)
        self.keep(digits, channel, span)

    def _chain(self, digits: list[IRValue], names: IRValue, blocks: IRValue) -> list[IRValue]:
        """Add ``blocks`` times `UNROLL` planes to a number; see the module."""
        code, b = self.code, self.code.b
        entries = [code.function.append_basic_block("add") for _ in range(self.longest + 1)]
        # Where a list as long as the chain would begin.
        names = code.offset(names, code.mul(code.sub(blocks, self.longest), 2 * UNROLL))
        fresh, origin = Column(code, digits), b.block
        dispatch = b.switch(blocks, entries[-1])
        for number, entry in enumerate(entries[:-1]):
            dispatch.add_case(I64(self.longest - number), entry)
        b.position_at_end(entries[0])
        column = Column.joined(code, [(fresh, origin)])
        for number, entry in enumerate(entries[1:]):
            for i in range(UNROLL):
                place = code.offset(names, 2 * (UNROLL * number + i))
                offset = b.zext(code.load(place, I16), I64)
                column.add(code.load(code.offset(self.table, offset), self.type))
            before = b.block
            b.branch(entry)
            b.position_at_end(entry)
            column = Column.joined(code, [(fresh, origin), (column, before)])
        return [plane for plane in column.settle() if plane is not None]

    def _from_parent(self, block: Index, number: Index, odd: IRValue, span: Span) -> None:
        """A child's count: its parent's, twice its own sum, and what is left of the distance."""
        code, b = self.code, self.code.b
        at = code.offset(self.pairs, code.mul(code.add(code.mul(block, BLOCK), number), 2))
        child, parent = (
            code.add(code.mul(block, BLOCK), b.zext(code.load(code.offset(at, i), I8), I64))
            for i in range(2)
        )
        (left,) = self._words(odd, child, 1)
        lowest, *others = self.state_of(parent, span)
        digits, carry = [b.xor(lowest, left)], b.and_(lowest, left)
        for parent_plane, plane in zip(others, self.state_of(child, span)[:-1], strict=True):
            digit, carry = carry_save(code, parent_plane, plane, carry)
            digits.append(digit)
        self.keep(digits, child, span)
