"""One pixel-sliced convolution in one kernel function: tiles, tables, sums.

Per tile and chunk of input channels, the planes under all taps are made by shifting, the majorities
of their groups go into a table in the first-level cache, and each output channel adds those that
its weights name (see `sliced_plan`). Whoever ends a span gets the planes of its counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from llvmlite import ir

from ....errors import LoweringError
from ....ir import Array, Batch, Op
from ....ir.ops import BinaryConv, Fused
from ...base import Choice
from ...targets import Target
from ..code import I8, I16, I32, I64, Code, Index, IRValue, vector
from ..kernel import Extent, Job
from ..planes import Column, carry_save, plane_type, signed_majorities
from .sliced_plan import FORMS, GROUP, SlicedPlan, widths


@dataclass(frozen=True)
class Span:
    """A tile's first word, its place in an image, and a range of output channels."""

    word: Index
    phase: Index
    start: Index
    stop: Index


@dataclass(frozen=True)
class Finish:
    """``counts(channel)``: planes of a channel's mismatches, the parity first and still without its
    sign; ``doubled`` when they are those of two additions."""

    counts: Callable[[Index], list[IRValue]]
    doubled: bool


class SlicedLayer:
    """One layer in one kernel function."""

    def __init__(self, job: Job, code: Code) -> None:
        op = anchor_of(job.op)
        self.job, self.code, self.op = job, code, op
        self.plan = plan = plan_of(op, job.choice, code.target)
        self.type = plane_type(plan.bits)
        self.words = vector(I64, plan.lanes)
        batch = plan.geometry.batch
        samples = code.mul(code.batch, batch.factor) if isinstance(batch, Batch) else batch
        self.total = code.mul(samples, plan.words)
        self.ternary = plan.ternary
        self.x = code.pointer(job.outer(op.x))
        weights = job.constant(op.w)
        if weights is None:
            raise LoweringError(f"{job.node.describe()}: weights must be a constant")
        self.weights = weights
        program, self.signs = plan.program(weights)
        self.program = code.data(self._offsets(program))
        self.valid = code.data(plan.cyclic(plan.valid))
        self.window = code.scratch(8 * plan.window * plan.lanes)
        self.queue = code.scratch(plan.plane * (GROUP * plan.chunk + plan.groups + 1))
        self.sums_at = code.offset(self.queue, plan.plane * GROUP * plan.chunk)
        self.table = code.scratch(plan.plane * FORMS * plan.chunk)
        self.state = code.scratch(plan.plane * plan.digits * plan.held)
        self.parities = code.scratch(2 * plan.plane)

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
            with code.loop(start, stop, plan.held) as at:
                upper = code.min(code.add(at, plan.held), stop)
                self._span(Span(word, phase, at, upper), finish)

    def _span(self, span: Span, finish: Callable[[Span, Finish], None]) -> None:
        masks = self._masks(span)
        if not self.ternary:
            self._once(span, masks, finish)
            return
        self.code.either(
            self._no_zeros(span, masks),
            lambda: self._once(span, masks, finish),
            lambda: self._twice(span, masks, finish),
        )

    def _once(
        self, span: Span, masks: list[IRValue], finish: Callable[[Span, Finish], None]
    ) -> None:
        """Two-valued operand: the last chunk's sums are finished without leaving registers."""
        code, plan = self.code, self.plan
        final = plan.chunks - 1

        def rest(chunk: Index) -> None:
            self._make_table(chunk, masks, span, filled=False)
            code.either(
                code.b.icmp_signed("==", code.index(chunk), I64(0)),
                lambda: self._add(chunk, span, plan.chunk, fresh=True),
                lambda: self._add(chunk, span, plan.chunk),
            )

        if final:
            with code.loop(0, final) as chunk:
                rest(chunk)
        self._make_table(final, masks, span, filled=False)

        def counts(channel: Index) -> list[IRValue]:
            column = self._column(channel, span, fresh=not final)
            digits = self._absorb(column, final, channel, plan.last)
            parity = code.load(self._parity(0), self.type)
            return [parity, *digits]

        finish(span, Finish(counts, doubled=False))

    def _twice(
        self, span: Span, masks: list[IRValue], finish: Callable[[Span, Finish], None]
    ) -> None:
        """Zeros as -1, then as +1."""
        code, plan = self.code, self.plan
        with code.loop(0, code.mul(code.sub(span.stop, span.start), plan.digits)) as at:
            code.store(self.type(None), code.offset(self.state, code.mul(at, plan.plane)))
        for filled in (False, True):
            with code.loop(0, plan.chunks - 1) as chunk:
                self._make_table(chunk, masks, span, filled)
                self._add(chunk, span, plan.chunk)
            self._make_table(plan.chunks - 1, masks, span, filled)
            self._add(plan.chunks - 1, span, plan.last)
            if not filled:
                code.store(code.load(self._parity(0), self.type), self._parity(1))

        def counts(channel: Index) -> list[IRValue]:
            column = self._column(channel, span, fresh=False)
            pair = [code.load(self._parity(i), self.type) for i in range(2)]
            sign = self.sign(channel)
            low, carry = carry_save(code, *(code.b.xor(plane, sign) for plane in pair))
            column.add(carry)
            # The parity's sign is taken away again by whoever adds it.
            return [code.b.xor(low, sign), *self._known(column.settle())]

        finish(span, Finish(counts, doubled=True))

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
                held = self._read(at, 1, span, number, mask)
                missing = b.or_(missing, b.xor(held, wanted[number]))
            return [missing]

        (missing,) = code.repeat(0, plan.geometry.channels, 1, [self.words(None)], channel)
        whole = b.bitcast(missing, ir.IntType(plan.bits))
        return b.icmp_unsigned("==", whole, whole.type(0))

    # Tables.

    def _make_table(self, chunk: Index, masks: list[IRValue], span: Span, filled: bool) -> None:
        """The forms of a chunk's groups; their sum planes join the queue."""
        code, plan = self.code, self.plan
        before = code.mul(chunk, GROUP * plan.chunk)
        waiting = code.min(code.sub(plan.inputs, before), GROUP * plan.chunk)
        base = code.offset(self.sums_at, code.mul(waiting, -plan.plane))
        first = code.mul(chunk, plan.channels)
        last = code.min(code.add(first, plan.channels), plan.geometry.channels)
        with code.loop(first, last) as channel:
            self._shifted(channel, code.sub(channel, first), base, masks, span, filled)
        done = code.mul(chunk, plan.chunk)
        count = code.min(code.sub(plan.groups, done), plan.chunk)
        if plan.inputs % 2 == 0:
            # The last group's third plane; its sum plane takes the same place afterwards.
            third = code.offset(self.sums_at, (plan.groups - 1) * plan.plane)
            code.store(self.type(None), third)
        with code.loop(0, count) as group:
            at = code.offset(base, code.mul(group, GROUP * plan.plane))
            planes = [code.load(code.offset(at, i * plan.plane), self.type) for i in range(GROUP)]
            total = code.b.xor(code.b.xor(planes[0], planes[1]), planes[2])
            number = code.mul(code.add(done, group), plan.plane)
            code.store(total, code.offset(self.sums_at, number))
            row = code.offset(self.table, code.mul(group, FORMS * plan.plane))
            for form, plane in enumerate(signed_majorities(code, *planes)):
                code.store(plane, code.offset(row, form * plan.plane))

    def _shifted(
        self,
        channel: Index,
        number: Index,
        base: IRValue,
        masks: list[IRValue],
        span: Span,
        filled: bool,
    ) -> None:
        """The planes under all taps of a channel, with 0 for padding."""
        code, b, plan = self.code, self.code.b, self.plan
        for vector_, mask in enumerate(masks):
            words = self._read(channel, 0, span, vector_, mask)
            if filled:
                words = b.or_(words, b.not_(self._read(channel, 1, span, vector_, mask)))
            code.store(words, code.offset(self.window, 8 * plan.lanes * vector_))
        taps = plan.geometry.taps
        at = code.offset(base, code.mul(number, taps * plan.plane))
        for tap in range(taps):
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
            code.store(plane, code.offset(at, tap * plan.plane))

    def cyclic_load(self, rows: IRValue, row: Index, span: Span) -> IRValue:
        """A tile's words of a row of ``SlicedPlan.cyclic``."""
        code, plan = self.code, self.plan
        length = plan.words + plan.window * plan.lanes
        word = code.add(code.mul(row, length), span.phase)
        return code.load(code.offset(rows, code.mul(word, 8)), self.words)

    # Adding.

    def _sums(self, channel: Index, span: Span) -> IRValue:
        """Where a channel's digits lie."""
        code, plan = self.code, self.plan
        number = code.sub(channel, span.start)
        return code.offset(self.state, code.mul(number, plan.digits * plan.plane))

    def _column(self, channel: Index, span: Span, fresh: bool) -> Column:
        if fresh:
            return Column(self.code, [None] * self.plan.digits)
        at = self._sums(channel, span)
        places = range(0, self.plan.digits * self.plan.plane, self.plan.plane)
        return Column(
            self.code, [self.code.load(self.code.offset(at, p), self.type) for p in places]
        )

    def _add(self, chunk: Index, span: Span, count: int, fresh: bool = False) -> None:
        """Add a chunk to the sums of all channels of a span."""
        code, plan = self.code, self.plan
        with code.loop(span.start, span.stop) as channel:
            column = self._column(channel, span, fresh)
            at = self._sums(channel, span)
            for digit, plane in enumerate(self._absorb(column, chunk, channel, count)):
                code.store(plane, code.offset(at, digit * plan.plane))

    def _absorb(self, column: Column, chunk: Index, channel: Index, count: int) -> list[IRValue]:
        """Add the forms that a channel names for the first ``count`` groups of a chunk."""
        code, plan = self.code, self.plan
        row = code.add(code.mul(chunk, plan.geometry.out_channels), channel)
        names = code.offset(self.program, code.mul(row, plan.chunk * self.offset_type.width // 8))
        for group in range(count):
            place = code.offset(names, group * self.offset_type.width // 8)
            offset = code.b.zext(code.load(place, self.offset_type), I64)
            at = self.table
            if self.scales:
                at = code.offset(at, group * FORMS * plan.plane)
                offset = code.mul(offset, plan.plane // FORMS)
            column.add(code.load(code.offset(at, offset), self.type))
        return self._known(column.settle())

    @property
    def scales(self) -> bool:
        """Whether an address adds a constant and a scaled register: a form then takes a byte,
        else the whole offset is spelled out in two."""
        return self.code.target.machine == "x86_64"

    @property
    def offset_type(self) -> ir.IntType:
        """How the program names a form."""
        return I8 if self.scales else I16

    def _offsets(self, program: Array) -> Array:
        """The program as the inner loop reads it; see ``scales``."""
        if self.scales:
            return program * np.uint8(FORMS)
        groups = np.arange(self.plan.chunk) * FORMS
        return ((program + groups) * self.plan.plane).astype(np.uint16)

    def _known(self, digits: list[IRValue | None]) -> list[IRValue]:
        return [self.type(None) if plane is None else plane for plane in digits]

    def _parity(self, number: int) -> IRValue:
        """Where a parity plane lies: the last sum plane of the queue, and a copy."""
        if number:
            return self.parities
        return self.code.offset(self.sums_at, (self.plan.groups - 1) * self.plan.plane)

    @cached_property
    def _sign_words(self) -> IRValue:
        words = np.where(self.signs != 0, np.uint32(0xFFFFFFFF), np.uint32(0))
        return self.code.data(words)

    def sign(self, channel: Index) -> IRValue:
        """The sign of a channel's parity in all lanes."""
        at = self.code.offset(self._sign_words, self.code.mul(channel, 4))
        return self.code.splat(self.code.load(at, I32), self.type.count)


def anchor_of(op: Op) -> BinaryConv:
    """The convolution of a fused region."""
    assert isinstance(op, Fused)
    assert op.anchor is not None
    anchor = op.anchor.op
    assert isinstance(anchor, BinaryConv)
    return anchor


def plan_of(op: BinaryConv, choice: Choice, target: Target) -> SlicedPlan:
    """The plan of a kernel choice; the widest vectors that fit where it does not say."""
    return SlicedPlan.of(op, choice.get("bits", 0) or widths(op, target)[0])


def tasks(plan: SlicedPlan) -> Extent:
    """As many tasks as there are stripes of tiles, or a few more."""
    tiles = -(-plan.words // plan.lanes)
    return Extent.of(plan.geometry.batch, tiles * plan.stripes)
