"""Adding what words count: for layers whose kernels per input channel come from a codebook.

Over an input channel c a word k counts S(c, k) = 2 m(c, k) + p(c, k) mismatches, p being the parity
of the planes under the taps up to a sign. Where a layer has few words (Wang et al., Sparse Kernel
Selection, CVPR 2023), m of each is computed once and all output channels that use the word add its
few planes. With several input channels *together* the table has an entry for every combination of
their words, whose planes are fewer than those of its parts:

    words together              1     2     3
    planes of a 3x3 kernel      3     4     4     where majorities add 4.5, 9, 13.5

The parities are added two by two to what is left of those before: a majority, in the form that the
signs name, and a sum plane for the next two. So an output channel's program is an index in the
codebook's table per entry, and a form per two entries.

An output channel may use the complement of a word throughout, as reordering leaves it: the words
are added, and the count is turned at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .....errors import LoweringError
from .....ir import Array, Ternary
from .....ir.codewords import Codebook, planes_of_half
from .....ir.ops import BinaryConv
from .....runtime.weight_layouts import Codewords
from ....codegen.constant_contents import joined
from ....codegen.kernel_builder import I8, I64, Code, Index, IRValue
from ....codegen.kernel_interface import Job
from ...bit_planes import Column, carry_save, signed_majorities
from ...geometry import Geometry
from .chunks import ChunkedLayer, ChunkedPlan
from .sliced_layer import Span
from .sliced_plan import LANES_SCRATCH, Prices

FORMS = 8
"""Majorities of three planes with any signs."""
EIGHT = 8
"""The largest factor in an address."""
MOST_TOGETHER = 3
"""Input channels of an entry."""
MOST_ENTRIES = 256
"""Entries of a group: what a byte names."""
NEAR, FAR = 36 << 10, 160 << 10
"""Bytes of a chunk's table that stays in the first-level cache, and in the second."""

_STORED = 4.5 / 64
"""Cycles to write a byte of a table that only the second-level cache holds, 0.6 of it nearer."""
_TYPICAL = Prices(1.6, 15.0, 1.7, 55.0, 1.5, threshold=60.0)
"""Prices by which the size of a chunk is chosen."""


@dataclass(frozen=True)
class CodebookPlan(ChunkedPlan):
    """Groups of ``together`` input channels, of ``count`` words."""

    count: int
    together: int

    @classmethod
    def of(cls, op: BinaryConv, bits: int, together: int) -> CodebookPlan | None:
        """The plan with the chunk that costs least, None without a codebook of few words."""
        if not op.codewords or op.codewords**together > MOST_ENTRIES:
            return None
        g = Geometry.of(op)
        if g.taps < 2 or g.channels % together:
            return None
        ternary = isinstance(op.x.element, Ternary)
        first = cls(g, bits, 2 * together, ternary, op.codewords, together)
        sizes = range(first.channels, g.channels + first.channels, first.channels)
        plans = (replace(first, channels=channels) for channels in sizes)
        fitting = (plan for plan in plans if plan.table <= FAR and plan.resident)
        return min(fitting, key=lambda plan: plan.cycles(_TYPICAL), default=None)

    # Sizes.

    @property
    def groups(self) -> int:
        return self.geometry.channels // self.together

    @property
    def chunk(self) -> int:
        return self.channels // self.together

    @property
    def entries(self) -> int:
        """Entries of a group."""
        return self.count**self.together

    @property
    def planes(self) -> int:
        """Planes of an entry."""
        return planes_of_half(self.geometry.taps, self.together)

    def size(self, channels: int) -> int:
        """Planes of what one word counts in each of some channels."""
        return (self.geometry.taps * channels).bit_length()

    @property
    def forms_at(self) -> int:
        """Where the forms of a chunk's parities lie in its table, in bytes."""
        return self.chunk * self.entries * self.stride

    @property
    def table(self) -> int:
        """Bytes of a chunk's table."""
        return self.forms_at + self.chunk // 2 * FORMS * self.plane

    @property
    def digits(self) -> int:
        """Planes of a channel's count without the parity; see `ChunkedLayer.negation`."""
        return self.inputs.bit_length() - (0 if self.ternary else 1)

    @property
    def parts(self) -> list[int]:
        """Planes of what the words of a group's next channel count, and of all combinations of the
        words of its first one, its first two .., short of the whole group."""
        if self.together == 1:
            return []
        shorter = range(1, self.together)
        return [self.count * self.size(1), *(self.count**n * self.size(n) for n in shorter)]

    @property
    def tables(self) -> int:
        planes = sum(self.parts) + self.chunk + 3 + self.window
        return self.table + planes * self.plane + LANES_SCRATCH

    def cycles(self, prices: Prices) -> float:
        near = self.table <= NEAR
        addition = prices.word * (1.0 if near else 1.1)
        ripple = max(1, self.digits - (self.chunk * (self.planes + 1)).bit_length())
        added = self.groups * (self.planes + 0.5) + self.chunks * (ripple + 0.5 * self.digits)
        shifting = 2 * self.geometry.taps
        words = 0.65 * prices.group * self.count * self.geometry.taps / 9
        tables = self.geometry.channels * (shifting + words)
        if self.together > 1:
            stored = self.stride * _STORED * (0.6 if near else 1.0)
            entry = max(0.5 * prices.group, stored)
            tables += self.groups * self.entries * entry
        return self.blocks * tables + self.geometry.out_channels * added * addition

    def program_bytes(self, scales: bool) -> int:
        return self.chunks * self.geometry.out_channels * self.row

    @property
    def stride(self) -> int:
        """Bytes of an entry."""
        return self.planes * self.plane

    @property
    def scale(self) -> int:
        """What the program's name of an entry stands for, in bytes: an eighth of its place, which
        an address multiplies as it is used, where that fits in a byte; else its number."""
        spelled = (self.entries - 1) * self.stride // EIGHT < 256
        return EIGHT if spelled else self.stride

    # Weights [O, C, kh, kw] as 0/1.

    def codebook(self, weights: Array) -> Codebook:
        """The words of which there are ``count``; raises LoweringError for other weights."""
        codebook = Codebook.of(weights)
        if codebook is None or len(codebook.words) != self.count:
            raise LoweringError(f"codewords={self.count}: the weights have other words")
        return codebook

    def padded(self, weights: Array) -> Array:
        """With what complemented channels count too much."""
        negated = self.codebook(weights).negated
        excess = (1 << self.inputs.bit_length()) - 1 - self.inputs
        return super().padded(weights) + np.where(negated, excess, 0).astype(np.int32)[:, None]

    @property
    def row(self) -> int:
        """Bytes of a channel's program in a chunk: an entry per group, a form per two."""
        return self.chunk + self.chunk // 2

    def layout(self, book: Codebook) -> Codewords:
        """The program: each channel's entries and forms as `scale` says."""
        words = book.words.astype(np.int64) @ (np.int64(1) << np.arange(self.geometry.taps))
        return Codewords(
            len(book.negated),
            self.geometry.channels,
            self.geometry.taps,
            self.together,
            self.chunk,
            self.stride // self.scale,
            self.plane // EIGHT,
            self.count,
            (*words.tolist(), *map(int, book.negated)),
        )


class CodebookLayer(ChunkedLayer):
    """Tables of what words count, and a program of indices."""

    plan: CodebookPlan

    def __init__(self, job: Job, code: Code, plan: CodebookPlan) -> None:
        super().__init__(job, code, plan)
        self.book = self.weights.map(plan.codebook)
        self.spelled = job.ask(self.book.map(lambda book: book.words))
        """The words: they are in the code."""
        layout = self.book.map(plan.layout)
        self.signs = self.sign_words(
            joined(
                lambda bits, layout: layout.parities(bits.reshape(layout.shape)),
                self.weights,
                layout,
            )
        )
        self.program = code.weights(self.weights, layout)
        self.table = code.scratch(plan.table)
        self.parts = [code.scratch(planes * plan.plane) for planes in plan.parts]
        self.left = code.scratch((plan.chunk + 2) * plan.plane)
        """The parity of all groups before, then those of a chunk's groups."""

    @property
    def parity(self) -> IRValue:
        return self.left

    def negation(self, channel: Index) -> IRValue | None:
        return self.word_of(self._negated, channel) if self._negates else None

    @cached_property
    def _negates(self) -> bool:
        return self.job.ask(self.book.map(lambda book: bool(book.negated.any())))

    @cached_property
    def _negated(self) -> IRValue:
        return self.sign_words(self.book.map(lambda book: book.negated))

    # Tables.

    def make_table(self, chunk: Index, masks: list[IRValue], span: Span, filled: bool) -> None:
        """What all words of a chunk's groups count, and the forms of the parities."""
        code, plan = self.code, self.plan
        with code.when(code.b.icmp_signed("==", code.index(chunk), I64(0))):
            code.store(self.type(None), self.left)
        done = code.mul(chunk, plan.chunk)
        count = code.min(code.sub(plan.groups, done), plan.chunk)
        with code.loop(0, count) as group:
            first = code.mul(code.add(done, group), plan.together)
            parity = self.type(None)
            for member in range(plan.together):
                planes = self.shifted(code.add(first, member), masks, span, filled)
                own, counts = self._counts([code.b.bitcast(p, self.type) for p in planes])
                parity = code.b.xor(parity, own)
                self._join(group, member, counts)
            code.store(parity, code.offset(self.left, code.mul(code.add(group, 1), plan.plane)))
        # The second of the last two parities where their number is odd.
        there = code.offset(self.left, code.mul(code.add(count, 1), plan.plane))
        code.store(self.type(None), there)
        pairs, _ = code.divide(code.add(count, 1), 2)
        with code.loop(0, pairs) as pair:
            self._forms(pair)

    def _counts(self, planes: list[IRValue]) -> tuple[IRValue, list[list[IRValue]]]:
        """The planes' parity, and for each word the planes of the mismatches that it counts."""
        code, zero = self.code, self.type(None)
        queue, majorities = list(planes), list[list[IRValue]]()
        for group in range(len(planes) // 2):
            a, x, y = [*queue, zero][3 * group : 3 * group + 3]
            majorities.append(signed_majorities(code, a, x, y))
            queue.append(code.b.xor(code.b.xor(a, x), y))
        counts: list[list[IRValue]] = []
        for word in self.spelled:
            column = Column(code, [None] * (self.plan.size(1) - 1))
            signs = [int(bit) for bit in word]
            for group, forms in enumerate(majorities):
                a, x, y = [*signs, 0][3 * group : 3 * group + 3]
                column.add(forms[a + 2 * x + 4 * y])
                signs.append(a ^ x ^ y)
            parity = code.b.not_(queue[-1]) if signs[-1] else queue[-1]
            counts.append([parity, *self.known(column.settle())])
        return queue[-1], counts

    def _join(self, group: Index, member: int, counts: list[list[IRValue]]) -> None:
        """Add a group's next channel: to each of its words, what each combination of the words
        before it counts. The last result is the table's, without the parities."""
        code, plan, last = self.code, self.plan, member == self.plan.together - 1
        row_size = plan.entries * plan.stride
        place = code.offset(self.table, code.mul(group, row_size))
        there = place if last else self.parts[1 + member]
        if member == 0:
            for number, planes in enumerate(counts):
                self._write(there, number, planes[1:] if last else planes)
            return
        for number, planes in enumerate(counts):
            self._write(self.parts[0], number, planes)
        before = plan.size(member)
        with code.loop(0, plan.count**member) as row:
            earlier = self._planes(self.parts[member], row, before)
            with code.loop(0, plan.count) as word:
                total = self._sum(earlier, self._planes(self.parts[0], word, plan.size(1)))
                total = total[: plan.size(member + 1)]
                number = code.add(code.mul(row, plan.count), word)
                self._write(there, number, total[1:] if last else total)

    def _sum(self, a: list[IRValue], x: list[IRValue]) -> list[IRValue]:
        """The sum of two numbers, a the longer one or as long."""
        total: list[IRValue] = []
        carry: IRValue | None = None
        for digit, plane in enumerate(a):
            rest = [addend for addend in (*x[digit : digit + 1], carry) if addend is not None]
            low, carry = carry_save(self.code, plane, *rest)
            total.append(low)
        return [*total, carry]

    def _planes(self, at: IRValue, number: Index, count: int) -> list[IRValue]:
        """Planes of a number of ``count`` digits."""
        code, plane = self.code, self.plan.plane
        at = code.offset(at, code.mul(number, count * plane))
        return [code.load(code.offset(at, i * plane), self.type) for i in range(count)]

    def _write(self, at: IRValue, number: Index, planes: list[IRValue]) -> None:
        code, plane = self.code, self.plan.plane
        at = code.offset(at, code.mul(number, len(planes) * plane))
        for i, digit in enumerate(planes):
            code.store(digit, code.offset(at, i * plane))

    def _forms(self, pair: Index) -> None:
        """The majorities of what is left and two parities; their sum is left."""
        code, plane = self.code, self.plan.plane
        a = code.load(self.left, self.type)
        x, y = self._planes(code.offset(self.left, plane), pair, 2)
        at = code.offset(self.table, self.plan.forms_at)
        self._write(at, pair, signed_majorities(code, a, x, y))
        code.store(code.b.xor(code.b.xor(a, x), y), self.left)

    # Adding.

    def absorb(self, column: Column, chunk: Index, channel: Index, count: int) -> list[IRValue]:
        code, plan = self.code, self.plan
        line = code.add(code.mul(chunk, plan.geometry.out_channels), channel)
        names = code.offset(self.program, code.mul(line, plan.row))

        def named(place: int, at: int, scale: int) -> IRValue:
            offset = code.b.zext(code.load(code.offset(names, place), I8), I64)
            return code.offset(code.offset(self.table, at), code.mul(offset, scale))

        for group in range(count):
            at = named(group, group * plan.entries * plan.stride, plan.scale)
            for digit, plane in enumerate(self._planes(at, 0, plan.planes)):
                column.add(plane, digit)
            if group % 2 or group == count - 1:
                pair = group // 2
                place = plan.forms_at + pair * FORMS * plan.plane
                at = named(plan.chunk + pair, place, EIGHT)
                column.add(code.load(at, self.type))
        return self.known(column.settle())
