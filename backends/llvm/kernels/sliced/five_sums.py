"""Adding planes by fives, where the first adder of two planes is cheaper if what tells them apart
is known: half an addition an input as in `majority_sums`, every second one at two instructions.

A group takes five planes from the queue (`plane_queue`), with signs from the weights, and

    a + b + c + d + e = 2 * (x + y) + (a ^ b ^ c ^ d ^ e)
    x = maj(a, b, c)    y = maj(a ^ b ^ c, d, e)

An adder of z, x and y needs t = x ^ y: its sum is z ^ t, its carry z where t is set and else x. So
the table holds no y but t, which has 16 forms, as it stays the same when all five signs turn; x has
8. That is exclusive or and selection where one instruction selects, against two and a selection. In
the end the last group lacks up to three planes, which are zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .....ir.ops import BinaryConv
from .....runtime.weight_layouts import FIVE, FIVE_FORMS, Fives
from ....codegen.kernel_builder import I16, I32, I64, Index, IRValue
from ...bit_planes import Column, signed_majorities
from .plane_queue import QueueLayer, QueuePlan, cheapest

NAME = 4
"""Bytes of the program for a group."""


@dataclass(frozen=True)
class FivesPlan(QueuePlan):
    """Groups of five."""

    taken: ClassVar[int] = FIVE
    added: ClassVar[int] = 2
    forms: ClassVar[int] = FIVE_FORMS

    @classmethod
    def of(cls, op: BinaryConv, bits: int, near: int) -> FivesPlan | None:
        """The plan that costs least with tables of up to ``near`` bytes, None where there is
        none."""
        return cheapest(cls, op, bits, near // (FIVE_FORMS * bits // 8))

    def layout(self, scales: bool) -> Fives:
        return Fives(self.geometry.out_channels, self.inputs, self.chunk, self.plane)


class FivesLayer(QueueLayer):
    """Adds two planes of each group."""

    def forms(self, planes: list[IRValue]) -> list[IRValue]:
        b = self.code.b
        three, pair = planes[:3], planes[3:]
        first = signed_majorities(self.code, *three)
        second = signed_majorities(self.code, b.xor(b.xor(three[0], three[1]), three[2]), *pair)
        apart: list[IRValue] = []
        for signs in range(16):
            # Of b, c, d and e; that of the sum plane of a, b and c follows.
            turned = (signs ^ signs >> 1) & 1
            apart.append(b.xor(first[2 * (signs & 3)], second[turned + 2 * (signs >> 2)]))
        return [*first, *apart]

    def absorb(self, column: Column, chunk: Index, channel: Index, count: int) -> list[IRValue]:
        """Add what a channel names for the first ``count`` groups of a chunk."""
        code, plan = self.code, self.plan
        # The last chunk comes first: no constant is added to its addresses.
        place = code.sub(plan.chunks - 1, chunk)
        row = code.add(code.mul(place, plan.geometry.out_channels), channel)
        names = code.offset(self.program, code.mul(row, plan.chunk * NAME))
        for group in range(count):
            name = code.load(code.offset(names, group * NAME), I32)
            halves = code.b.trunc(name, I16), code.b.lshr(name, I32(16))
            plane, apart = (
                code.load(code.offset(self.table, code.b.zext(half, I64)), self.type)
                for half in halves
            )
            column.add_two(plane, apart)
        return self.known(column.settle())
