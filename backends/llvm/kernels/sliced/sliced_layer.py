"""One pixel-sliced convolution in one kernel function: tiles, planes under taps, states.

Per tile and chunk of input channels, the planes under all taps are made by shifting; a way of
adding makes a table of them in the first-level cache, and adds to each output channel's state what
its weights name there. Whoever ends a span gets the planes of its counts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from .....errors import LoweringError
from .....ir.ops import BinaryConv
from ....codegen.fused_region import anchor_of
from ....codegen.kernel_builder import I32, I64, Code, Index, IRValue, vector
from ....codegen.kernel_interface import Extent, Job
from ...bit_planes import plane_type
from .sliced_plan import SlicedPlan


@dataclass(frozen=True)
class Span:
    """A tile's first word, its place in an image, and a range of output channels."""

    word: Index
    phase: Index
    start: Index
    stop: Index


@dataclass(frozen=True)
class Finish:
    """``counts(channel)``: planes of a channel's mismatches, the lowest bit first; ``doubled`` when
    they are those of two additions."""

    counts: Callable[[Index], list[IRValue]]
    doubled: bool


class SlicedLayer(ABC):
    """One layer in one kernel function; its subclasses are ways of adding."""

    def __init__(self, job: Job, code: Code, plan: SlicedPlan) -> None:
        op = anchor_of(job.op, BinaryConv)
        self.job, self.code, self.op = job, code, op
        self.plan = plan
        self.type = plane_type(plan.bits)
        self.words = vector(I64, plan.lanes)
        self.total = code.mul(plan.geometry.batch_size(code), plan.words)
        self.ternary = plan.ternary
        self.x = code.pointer(job.outer(op.x))
        if not job.is_constant(op.w):
            raise LoweringError(f"{job.node.describe()}: weights must be a constant")
        self.weights = job.contents(op.w)
        self.valid = code.data(plan.cyclic(plan.valid))
        self.window = code.scratch(8 * plan.window * plan.lanes)
        self.state = code.scratch(plan.plane * plan.digits * plan.resident)

    @abstractmethod
    def once(
        self, span: Span, masks: list[IRValue], finish: Callable[[Span, Finish], None]
    ) -> None:
        """Add up a span of a two-valued operand and end it."""

    @abstractmethod
    def twice(
        self, span: Span, masks: list[IRValue], finish: Callable[[Span, Finish], None]
    ) -> None:
        """Add up a span with zeros as -1, then as +1, and end it."""

    # Tasks.

    def body(self, finish: Callable[[Span, Finish], None]) -> None:
        """The whole kernel function; ``finish`` ends a span with what makes its counts."""
        code, plan = self.code, self.plan
        tiles = code.divide(code.add(self.total, plan.lanes - 1), plan.lanes)[0]
        items = code.mul(tiles, plan.stripes)
        extent = tasks(plan)
        count = code.add(code.mul(code.batch, extent.per_batch), extent.fixed)
        first, last = (
            code.b.udiv(code.index(code.mul(at, items)), code.index(count))
            for at in (code.begin, code.end)
        )
        begin, _ = code.divide(first, plan.stripes)
        end, _ = code.divide(code.add(last, plan.stripes - 1), plan.stripes)
        with code.loop(begin, end) as tile:
            origin = code.mul(tile, plan.stripes)
            start = code.mul(code.max(code.sub(first, origin), 0), plan.stripe)
            stop = code.min(code.sub(last, origin), plan.stripes)
            stop = code.min(code.mul(stop, plan.stripe), plan.geometry.out_channels)
            word = code.mul(tile, plan.lanes)
            _, phase = code.divide(word, plan.words)
            with code.loop(start, stop, plan.resident) as at:
                upper = code.min(code.add(at, plan.resident), stop)
                self._span(Span(word, phase, at, upper), finish)

    def _span(self, span: Span, finish: Callable[[Span, Finish], None]) -> None:
        masks = self._masks(span)
        if not self.ternary:
            self.once(span, masks, finish)
            return
        self.code.either(
            self._no_zeros(span, masks),
            lambda: self.once(span, masks, finish),
            lambda: self.twice(span, masks, finish),
        )

    # Reading.

    def _masks(self, span: Span) -> list[IRValue]:
        """Lanes of each vector of the window that lie inside the operand."""
        code, b, plan = self.code, self.code.b, self.plan
        lanes = ir.Constant(self.words, list(range(plan.lanes)))
        out: list[IRValue] = []
        for number in range(plan.window):
            first = code.add(span.word, number * plan.lanes - plan.before)
            at = b.add(code.splat(code.index(first), plan.lanes), lanes)
            limit = code.splat(code.index(self.total), plan.lanes)
            out.append(b.icmp_unsigned("<", at, limit))
        return out

    def _read(self, channel: Index, plane: int, span: Span, number: int, mask: IRValue) -> IRValue:
        """One vector of a channel's words, 0 outside the operand."""
        code, plan = self.code, self.plan
        planes = 2 if self.ternary else 1
        row = code.add(code.mul(code.mul(channel, planes), self.total), code.mul(plane, self.total))
        word = code.add(span.word, number * plan.lanes - plan.before)
        at = code.offset(self.x, code.mul(code.add(row, word), 8))
        name = f"llvm.masked.load.v{plan.lanes}i64.p0"
        return code.intrinsic(name, self.words, at, I32(8), mask, self.words(None))

    def masked_store(self, value: IRValue, at: IRValue, mask: IRValue) -> None:
        """Write words where ``mask`` is set."""
        name = f"llvm.masked.store.v{self.plan.lanes}i64.p0"
        self.code.intrinsic(name, ir.VoidType(), value, at, I32(8), mask)

    def tail(self, span: Span) -> IRValue:
        """The words of a tile that lie inside the operand."""
        code, plan = self.code, self.plan
        lanes = ir.Constant(self.words, list(range(plan.lanes)))
        left = code.splat(code.index(code.sub(self.total, span.word)), plan.lanes)
        return code.b.icmp_unsigned("<", lanes, left)

    def _no_zeros(self, span: Span, masks: list[IRValue]) -> IRValue:
        """Whether the mask plane of every channel is full in the window."""
        code, b, plan = self.code, self.code.b, self.plan
        pixels = plan.geometry.size[0] * plan.geometry.size[1]
        full = code.data(plan.cyclic(np.ones(pixels, np.uint8)))
        ahead = -(-plan.before // plan.words) * plan.words - plan.before
        _, phase = code.divide(code.add(span.phase, ahead), plan.words)
        wanted: list[IRValue] = []
        for number in range(plan.window):
            at = code.offset(full, code.mul(code.add(phase, number * plan.lanes), 8))
            wanted.append(b.select(masks[number], code.load(at, self.words), self.words(None)))

        def channel(at: Index, state: list[IRValue]) -> list[IRValue]:
            (missing,) = state
            for number, mask in enumerate(masks):
                mask_plane = self._read(at, 1, span, number, mask)
                missing = b.or_(missing, b.xor(mask_plane, wanted[number]))
            return [missing]

        (missing,) = code.repeat(0, plan.geometry.channels, 1, [self.words(None)], channel)
        missing_bits = b.bitcast(missing, ir.IntType(plan.bits))
        return b.icmp_unsigned("==", missing_bits, missing_bits.type(0))

    # Planes.

    def shifted(
        self, channel: Index, masks: list[IRValue], span: Span, filled: bool
    ) -> list[IRValue]:
        """The planes under all taps of a channel, with 0 for padding."""
        code, b, plan = self.code, self.code.b, self.plan
        for vector_, mask in enumerate(masks):
            words = self._read(channel, 0, span, vector_, mask)
            if filled:
                words = b.or_(words, b.not_(self._read(channel, 1, span, vector_, mask)))
            code.store(words, code.offset(self.window, 8 * plan.lanes * vector_))
        planes: list[IRValue] = []
        for tap in range(plan.geometry.taps):
            words, bits = divmod(plan.shift(tap), 64)
            here = code.offset(self.window, 8 * (plan.before + words))
            plane = code.load(here, self.words)
            if bits:
                above = code.load(code.offset(here, 8), self.words)
                by = ir.Constant(self.words, [bits] * plan.lanes)
                name = f"llvm.fshr.v{plan.lanes}i64"
                plane = code.intrinsic(name, self.words, above, plane, by)
            if not plan.valid[tap].all():
                plane = b.and_(plane, self.cyclic_load(self.valid, tap, span))
            planes.append(plane)
        return planes

    def cyclic_load(self, rows: IRValue, row: Index, span: Span) -> IRValue:
        """A tile's words of a row of ``SlicedPlan.cyclic``."""
        code, plan = self.code, self.plan
        length = plan.words + plan.window * plan.lanes
        word = code.add(code.mul(row, length), span.phase)
        return code.load(code.offset(rows, code.mul(word, 8)), self.words)

    # States.

    def state_of(self, channel: Index, span: Span) -> list[IRValue]:
        """A channel's digits as they were kept."""
        at = self._place(channel, span)
        places = range(0, self.plan.digits * self.plan.plane, self.plan.plane)
        return [self.code.load(self.code.offset(at, p), self.type) for p in places]

    def keep(self, digits: list[IRValue], channel: Index, span: Span) -> None:
        """Write a channel's digits."""
        at = self._place(channel, span)
        for digit, plane in enumerate(digits):
            self.code.store(plane, self.code.offset(at, digit * self.plan.plane))

    def clear(self, span: Span) -> None:
        """Set the digits of all channels to zero."""
        code, plan = self.code, self.plan
        with code.loop(0, code.mul(code.sub(span.stop, span.start), plan.digits)) as at:
            code.store(self.type(None), code.offset(self.state, code.mul(at, plan.plane)))

    def _place(self, channel: Index, span: Span) -> IRValue:
        number = self.code.sub(channel, span.start)
        size = self.plan.digits * self.plan.plane
        return self.code.offset(self.state, self.code.mul(number, size))


def tasks(plan: SlicedPlan) -> Extent:
    """As many tasks as there are stripes of tiles, or a few more."""
    tiles = -(-plan.words // plan.lanes)
    return Extent.of(plan.geometry.batch, tiles * plan.stripes)
