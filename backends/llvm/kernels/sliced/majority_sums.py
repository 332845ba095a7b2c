"""Adding the majorities of planes by threes: what every weight needs, half an addition an input.

A plane holds one bit of as many pixels as a vector has bits. A group takes three planes from the
queue (`plane_queue`), with signs w from the weights:

    (a ^ wa) + (b ^ wb) + (c ^ wc) = 2 * maj(a ^ wa, b ^ wb, c ^ wc) + (a ^ b ^ c) ^ (wa ^ wb ^ wc)

The majority has 8 forms, and an output channel names one per group. After K // 2 groups only the
parity of the count is left (with K even, the last group's third plane is zero). So a channel's
count of mismatches is twice the sum of K // 2 named planes, plus the parity: each input costs half
an addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from .....ir.ops import BinaryConv
from .....runtime.weight_layouts import FORMS, GROUP, Majorities
from ....codegen.kernel_builder import I8, I16, I64, Index, IRValue
from ...bit_planes import Column, signed_majorities
from .plane_queue import QueueLayer, QueuePlan, cheapest

MOST_GROUPS = 64
"""Groups of a chunk: their table of forms stays in the first-level cache."""


@dataclass(frozen=True)
class MajorityPlan(QueuePlan):
    """Groups of three."""

    taken: ClassVar[int] = GROUP
    added: ClassVar[int] = 1
    forms: ClassVar[int] = FORMS

    @classmethod
    def of(cls, op: BinaryConv, bits: int) -> MajorityPlan | None:
        """The plan that costs least, None where the taps cannot be grouped."""
        return cheapest(cls, op, bits, MOST_GROUPS)

    def layout(self, scales: bool) -> Majorities:
        """A form is named in a byte where addresses scale, else in two."""
        count = self.geometry.out_channels
        return Majorities(count, self.inputs, self.chunk, 0 if scales else self.plane)


class MajorityLayer(QueueLayer):
    """Adds a form of each group."""

    def forms(self, planes: list[IRValue]) -> list[IRValue]:
        return signed_majorities(self.code, *planes)

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
