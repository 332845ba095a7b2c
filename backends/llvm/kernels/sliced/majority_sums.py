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

from dataclasses import dataclass
from functools import cache

from llvmlite import ir

from .....ir import Ternary
from .....ir.ops import BinaryConv
from .....runtime.weight_layouts import FORMS, GROUP, Majorities
from ....codegen.kernel_builder import I8, I16, I64, Code, Index, IRValue
from ....codegen.kernel_interface import Job
from ...bit_planes import Column, signed_majorities
from ...geometry import Geometry
from .chunks import ChunkedLayer, ChunkedPlan
from .sliced_layer import Span
from .sliced_plan import LANES_SCRATCH, Prices

MOST_GROUPS = 64
"""Groups of a chunk: their table of forms stays in the first-level cache."""


@dataclass(frozen=True)
class MajorityPlan(ChunkedPlan):
    """Chunks whose planes are taken in groups of three."""

    @classmethod
    def of(cls, op: BinaryConv, bits: int) -> MajorityPlan | None:
        """The plan with the chunk that costs least, None where the taps cannot be grouped."""
        return _cheapest(Geometry.of(op), bits, isinstance(op.x.element, Ternary))

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
    def digits(self) -> int:
        """Planes of a channel's sum of majorities, twice over where operands may be zero."""
        return (2 * self.groups + 1 if self.ternary else self.groups).bit_length()

    @property
    def tables(self) -> int:
        planes = self.groups + 1 + (GROUP + FORMS) * self.chunk + 2 + self.window
        return self.plane * planes + LANES_SCRATCH

    def additions(self) -> float:
        """Additions of planes per output channel and tile, with the upkeep of the sums."""
        ripple = max(1, self.digits - self.chunk.bit_length())
        return self.groups + self.chunks * (ripple + 0.5 * self.digits)

    def cycles(self, prices: Prices) -> float:
        additions = self.geometry.out_channels * self.additions()
        return self.blocks * self.groups * prices.group + additions * prices.addition

    def program_bytes(self, scales: bool) -> int:
        return self.layout(scales).nbytes

    def layout(self, scales: bool) -> Majorities:
        """How a program names each channel's form of every group: in a byte where addresses scale,
        else in two."""
        count = self.geometry.out_channels
        return Majorities(count, self.inputs, self.chunk, 0 if scales else self.plane)


@cache
def _cheapest(g: Geometry, bits: int, ternary: bool) -> MajorityPlan | None:
    """Looked for once: the same question comes for every layer of a network, many times."""
    sizes = (n for n in range(1, g.channels + 3) if _fits(n * g.taps))
    plans = [MajorityPlan(g, bits, n, ternary) for n in sizes]
    return min(plans, key=lambda plan: plan.additions(), default=None)


def _fits(planes: int) -> bool:
    return planes % GROUP == 0 and planes // GROUP <= MOST_GROUPS


class MajorityLayer(ChunkedLayer):
    """Tables of forms, and a program that names them."""

    plan: MajorityPlan

    def __init__(self, job: Job, code: Code, plan: MajorityPlan) -> None:
        super().__init__(job, code, plan)
        layout = plan.layout(self.scales)
        self.signs = self.sign_words(
            self.weights.map(lambda bits: layout.parities(bits.reshape(layout.shape)))
        )
        self.program = code.weights(self.weights, layout)
        self.queue = code.scratch(plan.plane * (GROUP * plan.chunk + plan.groups + 1))
        self.sums_at = code.offset(self.queue, plan.plane * GROUP * plan.chunk)
        self.table = code.scratch(plan.plane * FORMS * plan.chunk)

    # Tables.

    def make_table(self, chunk: Index, masks: list[IRValue], span: Span, filled: bool) -> None:
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

    def absorb(self, column: Column, chunk: Index, channel: Index, count: int) -> list[IRValue]:
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
        return self.known(column.settle())

    @property
    def scales(self) -> bool:
        """Whether an address adds a constant and a scaled register: a form then takes a byte,
        else the whole offset is spelled out in two."""
        return self.code.target.has.scaled_addresses

    @property
    def offset_type(self) -> ir.IntType:
        """How the program names a form."""
        return I8 if self.scales else I16

    @property
    def parity(self) -> IRValue:
        """The last sum plane of the queue."""
        return self.code.offset(self.sums_at, (self.plan.groups - 1) * self.plan.plane)
