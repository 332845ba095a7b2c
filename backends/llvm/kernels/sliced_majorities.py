"""Adding the majorities of planes by threes: what every weight needs, half an addition an input.

A plane holds one bit of as many pixels as a vector has bits. With the planes of all K = channels *
taps inputs in a queue, a group takes three planes from the front, whose signs w are bits of the
weights, and appends their sum plane:

    (a ^ wa) + (b ^ wb) + (c ^ wc) = 2 * maj(a ^ wa, b ^ wb, c ^ wc) + (a ^ b ^ c) ^ (wa ^ wb ^ wc)

The sum plane is the same for every output channel up to its sign. The majority has 8 forms, one per
signs, which are computed once per tile; an output channel only names one form per group. After
K // 2 groups one plane is left, the parity of the count (with K even, the last group's third plane
is zero). So a channel's count of mismatches is twice the sum of K // 2 named planes, plus the
parity: each input costs half an addition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from llvmlite import ir

from ....ir import Array, Ternary
from ....ir.ops import BinaryConv
from ..code import I8, I16, I32, I64, Code, Index, IRValue
from ..geometry import Geometry
from ..kernel import Job
from ..planes import Column, carry_save, signed_majorities
from .sliced_layer import Finish, SlicedLayer, Span
from .sliced_plan import LANES_STACK, Prices, SlicedPlan

GROUP = 3
"""Planes that a group takes."""
FORMS = 8
"""Majorities of three planes with any signs."""
MOST_GROUPS = 64
"""Groups of a chunk: their table of forms stays in the first-level cache."""


@dataclass(frozen=True)
class MajorityPlan(SlicedPlan):
    """Chunks whose planes are taken in groups of three."""

    @classmethod
    def of(cls, op: BinaryConv, bits: int) -> MajorityPlan | None:
        """The plan with the chunk that costs least, None where the taps cannot be grouped."""
        g = Geometry.of(op)
        ternary = isinstance(op.x.element, Ternary)
        plans = [cls(g, bits, n, ternary) for n in range(1, g.channels + 3) if _fits(n * g.taps)]
        return min(plans, key=lambda plan: plan.additions(), default=None)

    @property
    def groups(self) -> int:
        """Groups in all."""
        return self.inputs // 2

    @property
    def chunk(self) -> int:
        """Groups of a chunk."""
        return self.channels * self.geometry.taps // GROUP

    @property
    def chunks(self) -> int:
        """Chunks; the last may have fewer groups."""
        return -(-self.groups // self.chunk)

    @property
    def last(self) -> int:
        """Groups of the last chunk."""
        return self.groups - self.chunk * (self.chunks - 1)

    @property
    def digits(self) -> int:
        """Planes of a channel's sum of majorities, twice over where operands may be zero."""
        return (2 * self.groups + 1 if self.ternary else self.groups).bit_length()

    @property
    def tables(self) -> int:
        planes = self.groups + 1 + (GROUP + FORMS) * self.chunk + 2 + self.window
        return self.plane * planes + LANES_STACK

    def additions(self) -> float:
        """Additions of planes per output channel and tile, with the upkeep of the sums."""
        ripple = max(1, self.digits - self.chunk.bit_length())
        return self.groups + self.chunks * (ripple + 0.5 * self.digits)

    def cycles(self, prices: Prices) -> float:
        additions = self.geometry.out_channels * self.additions()
        return self.blocks * self.groups * prices.group + additions * prices.addition

    def program(self, weights: Array) -> tuple[Array, Array]:
        """Each channel's form of every group: u8 [chunks, O, chunk]; and its parity's sign.

        Absent groups of the last chunk are 0.
        """
        count = len(weights)
        queue = np.zeros((self.inputs + self.groups + GROUP, count), np.uint8)
        queue[: self.inputs] = weights.reshape(count, self.inputs).T
        forms = np.zeros((self.chunks * self.chunk, count), np.uint8)
        for group in range(self.groups):
            a, b, c = queue[GROUP * group : GROUP * (group + 1)]
            forms[group] = a + 2 * b + 4 * c
            queue[self.inputs + group] = a ^ b ^ c
        shaped = forms.reshape(self.chunks, self.chunk, count).transpose(0, 2, 1)
        return np.ascontiguousarray(shaped), queue[self.inputs + self.groups - 1]


def _fits(planes: int) -> bool:
    return planes % GROUP == 0 and planes // GROUP <= MOST_GROUPS


class MajorityLayer(SlicedLayer):
    """Tables of forms, and a program that names them."""

    plan: MajorityPlan

    def __init__(self, job: Job, code: Code, plan: MajorityPlan) -> None:
        super().__init__(job, code, plan)
        program, self.signs = plan.program(self.weights)
        self.program = code.data(self._offsets(program))
        self.queue = code.scratch(plan.plane * (GROUP * plan.chunk + plan.groups + 1))
        self.sums_at = code.offset(self.queue, plan.plane * GROUP * plan.chunk)
        self.table = code.scratch(plan.plane * FORMS * plan.chunk)
        self.parities = code.scratch(2 * plan.plane)

    def once(
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
            return [code.b.xor(parity, self._sign(channel)), *digits]

        finish(span, Finish(counts, doubled=False))

    def twice(
        self, span: Span, masks: list[IRValue], finish: Callable[[Span, Finish], None]
    ) -> None:
        """Zeros as -1, then as +1."""
        code, plan = self.code, self.plan
        self.clear(span)
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
            sign = self._sign(channel)
            low, carry = carry_save(code, *(code.b.xor(plane, sign) for plane in pair))
            column.add(carry)
            return [low, *self._known(column.settle())]

        finish(span, Finish(counts, doubled=True))

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
            number = code.mul(code.sub(channel, first), plan.geometry.taps)
            at = code.offset(base, code.mul(number, plan.plane))
            for tap, plane in enumerate(self.shifted(channel, masks, span, filled)):
                code.store(plane, code.offset(at, tap * plan.plane))
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

    # Adding.

    def _column(self, channel: Index, span: Span, fresh: bool) -> Column:
        blank: list[IRValue] = [None] * self.plan.digits
        return Column(self.code, blank if fresh else self.state_of(channel, span))

    def _add(self, chunk: Index, span: Span, count: int, fresh: bool = False) -> None:
        """Add a chunk to the sums of all channels of a span."""
        with self.code.loop(span.start, span.stop) as channel:
            column = self._column(channel, span, fresh)
            self.keep(self._absorb(column, chunk, channel, count), channel, span)

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

    def _sign(self, channel: Index) -> IRValue:
        """The sign of a channel's parity in all lanes."""
        at = self.code.offset(self._sign_words, self.code.mul(channel, 4))
        return self.code.splat(self.code.load(at, I32), self.type.count)
