"""Groups of planes from a queue, common to `majority_sums` and `five_sums`.

The queue holds the planes of all K = channels * taps inputs. A group takes some from its front and
appends their sum plane, which is the same for every output channel up to its sign. What else they
add up to depends on their signs, bits of the weights: all its forms are computed once per tile, and
an output channel names those that it adds. In the end one plane is left, the parity of the count.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cache, reduce
from typing import ClassVar, TypeVar

from .....ir import Ternary
from .....ir.ops import BinaryConv
from .....runtime.weight_layouts import Fives, Majorities
from ....codegen.kernel_builder import Code, Index, IRValue
from ....codegen.kernel_interface import Job
from ...geometry import Geometry
from .chunks import ChunkedLayer, ChunkedPlan
from .sliced_layer import Span
from .sliced_plan import LANES_SCRATCH, Prices

Plan = TypeVar("Plan", bound="QueuePlan")


@dataclass(frozen=True)
class QueuePlan(ChunkedPlan):
    """Chunks of groups, whose planes come from as many whole input channels as there are."""

    taken: ClassVar[int]
    """Planes that a group takes."""
    added: ClassVar[int]
    """Planes that a channel adds of a group."""
    forms: ClassVar[int]
    """Planes of a group in the table."""

    @property
    def groups(self) -> int:
        """Groups in all."""
        return -(-(self.inputs - 1) // (self.taken - 1))

    @property
    def lacking(self) -> int:
        """Planes that the last group does not find."""
        return (self.taken - 1) * self.groups + 1 - self.inputs

    @property
    def chunk(self) -> int:
        """Groups of a chunk."""
        return self.channels * self.geometry.taps // self.taken

    @property
    def chunks(self) -> int:
        """Chunks; the last may have fewer groups."""
        return -(-self.groups // self.chunk)

    @property
    def digits(self) -> int:
        """Planes of half a channel's count, twice over where operands may be zero."""
        half = self.inputs // 2
        return (2 * half + 1 if self.ternary else half).bit_length()

    @property
    def queued(self) -> int:
        """Planes of the queue in scratch: a chunk's inputs, and the sum planes of all groups."""
        return self.taken * self.chunk + self.groups + self.taken - 2

    @property
    def tables(self) -> int:
        planes = self.queued + self.forms * self.chunk + 2 + self.window
        return self.plane * planes + LANES_SCRATCH

    def additions(self) -> float:
        """Additions of planes per output channel and tile, with the upkeep of the sums."""
        ripple = max(1, self.digits - (self.added * self.chunk).bit_length())
        return self.added * self.groups + self.chunks * (ripple + 0.5 * self.digits)

    def cycles(self, prices: Prices) -> float:
        additions = self.geometry.out_channels * self.additions()
        majorities = self.blocks * self.added * self.groups
        return majorities * prices.group + additions * prices.addition

    def program_bytes(self, scales: bool) -> int:
        return self.layout(scales).nbytes

    @abstractmethod
    def layout(self, scales: bool) -> Majorities | Fives:
        """How a program names what each channel adds; ``scales``: addresses may scale it."""


def cheapest(kind: type[Plan], op: BinaryConv, bits: int, most: int) -> Plan | None:
    """The plan with the chunk of up to ``most`` groups that costs least, None where the taps cannot
    be grouped."""
    g, ternary = Geometry.of(op), isinstance(op.x.element, Ternary)
    channels = _best_chunk(kind, g, bits, ternary, most)
    return kind(g, bits, channels, ternary) if channels else None


@cache
def _best_chunk(kind: type[QueuePlan], g: Geometry, bits: int, ternary: bool, most: int) -> int:
    """Its channels, 0 where there is none: looked for once, since the same question comes for
    every layer of a network, many times."""

    def fits(planes: int) -> bool:
        return planes % kind.taken == 0 and planes // kind.taken <= most

    sizes = [n for n in range(1, g.channels + kind.taken) if fits(n * g.taps)]
    return min(sizes, key=lambda n: kind(g, bits, n, ternary).additions(), default=0)


class QueueLayer(ChunkedLayer):
    """Tables of forms, and a program that names them."""

    plan: QueuePlan

    def __init__(self, job: Job, code: Code, plan: QueuePlan) -> None:
        super().__init__(job, code, plan)
        layout = plan.layout(code.target.has.scaled_addresses)
        self.signs = self.sign_words(
            self.weights.map(lambda bits: layout.parities(bits.reshape(layout.shape)))
        )
        self.program = code.weights(self.weights, layout)
        self.queue = code.scratch(plan.plane * plan.queued)
        self.sums_at = code.offset(self.queue, plan.plane * plan.taken * plan.chunk)
        self.table = code.scratch(plan.plane * plan.forms * plan.chunk)

    @abstractmethod
    def forms(self, planes: list[IRValue]) -> list[IRValue]:
        """What a table holds of a group with these planes."""

    def make_table(self, chunk: Index, masks: list[IRValue], span: Span, filled: bool) -> None:
        """The forms of a chunk's groups; their sum planes join the queue."""
        code, plan = self.code, self.plan
        before = code.mul(chunk, plan.taken * plan.chunk)
        waiting = code.min(code.sub(plan.inputs, before), plan.taken * plan.chunk)
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
        for place in range(plan.lacking):
            # The sum plane of the last group takes the first of these places afterwards.
            absent = code.offset(self.sums_at, (plan.groups - 1 + place) * plan.plane)
            code.store(self.type(None), absent)
        with code.loop(0, count) as group:
            at = code.offset(base, code.mul(group, plan.taken * plan.plane))
            places = range(0, plan.taken * plan.plane, plan.plane)
            planes = [code.load(code.offset(at, place), self.type) for place in places]
            total = reduce(code.b.xor, planes)
            number = code.mul(code.add(done, group), plan.plane)
            code.store(total, code.offset(self.sums_at, number))
            row = code.offset(self.table, code.mul(group, plan.forms * plan.plane))
            for form, plane in enumerate(self.forms(planes)):
                code.store(plane, code.offset(row, form * plan.plane))

    @property
    def parity(self) -> IRValue:
        """The last sum plane of the queue."""
        return self.code.offset(self.sums_at, (self.plan.groups - 1) * self.plan.plane)
