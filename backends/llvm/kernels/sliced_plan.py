"""What a pixel-sliced convolution computes: its plan, and the constants that steer it.

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
from functools import cached_property

import numpy as np

from ....ir import Array, Batch, Ternary
from ....ir.ops import BinaryConv
from ...targets import Target
from ..geometry import Geometry

GROUP = 3
"""Planes that a group takes."""
FORMS = 8
"""Majorities of three planes with any signs."""
MOST_GROUPS = 64
"""Groups of a chunk: their table of forms stays in the first-level cache."""
STACK = 384 << 10
"""Bytes of stack that a kernel may use."""
LANES_STACK = 88 << 10
"""Those that turning counts into lanes takes."""


@dataclass(frozen=True)
class SlicedPlan:
    """One layer cut into tiles of ``bits`` pixels and chunks of ``channels`` input channels."""

    geometry: Geometry
    bits: int
    channels: int
    ternary: bool

    @classmethod
    def of(cls, op: BinaryConv, bits: int) -> SlicedPlan:
        """The plan with the chunk that costs least."""
        g = Geometry.of(op)
        ternary = isinstance(op.x.element, Ternary)
        plans = [cls(g, bits, n, ternary) for n in range(1, g.channels + 3) if _fits(n * g.taps)]
        return min(plans, key=lambda plan: plan.additions())

    # Sizes.

    @property
    def plane(self) -> int:
        """Bytes of a plane."""
        return self.bits // 8

    @property
    def lanes(self) -> int:
        """64-bit words of a plane."""
        return self.bits // 64

    @property
    def words(self) -> int:
        """Words of one channel of one image."""
        return -(-self.geometry.size[0] * self.geometry.size[1] // 64)

    @property
    def inputs(self) -> int:
        """K."""
        return self.geometry.channels * self.geometry.taps

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
    def _tables(self) -> int:
        """Bytes of stack of everything but the sums."""
        planes = self.groups + 1 + (GROUP + FORMS) * self.chunk + 2 + self.window
        return self.plane * planes + LANES_STACK

    @property
    def held(self) -> int:
        """Output channels whose sums lie on the stack, a multiple of the stripe: all of them, or as
        many as fit, 0 if none do."""
        room = max(0, STACK - self._tables) // (self.digits * self.plane)
        return min(room // self.stripe, self.stripes) * self.stripe

    @property
    def stripe(self) -> int:
        """Output channels of a task."""
        return min(64, -(-self.geometry.out_channels // 16) * 16)

    @property
    def stripes(self) -> int:
        """Tasks of a tile."""
        return -(-self.geometry.out_channels // self.stripe)

    def additions(self) -> float:
        """Additions of planes per output channel and tile, with the upkeep of the sums."""
        ripple = max(1, self.digits - self.chunk.bit_length())
        return self.groups + self.chunks * (ripple + 0.5 * self.digits)

    # Shifts.

    def shift(self, tap: int) -> int:
        """Pixels from an output to the input under a tap."""
        g = self.geometry
        row, column = divmod(tap, g.kernel[1])
        down = row * g.dilations[0] - g.pads[0]
        return down * g.size[1] + column * g.dilations[1] - g.pads[1]

    @cached_property
    def before(self) -> int:
        """Words that a tile reads before its own."""
        return max(0, -(min(self.shift(t) for t in range(self.geometry.taps)) // 64))

    @cached_property
    def window(self) -> int:
        """Vectors that a tile reads of each channel."""
        after = max(0, max(self.shift(t) for t in range(self.geometry.taps)) // 64 + 1)
        return -(-(self.before + self.lanes + after) // self.lanes)

    # Borders.

    @cached_property
    def valid(self) -> Array:
        """Whether the input under each tap is inside the map: bool [taps, pixels]."""
        g = self.geometry
        rows, columns = np.divmod(np.arange(g.size[0] * g.size[1]), g.size[1])
        out: list[Array] = []
        for tap in range(g.taps):
            row, column = divmod(tap, g.kernel[1])
            y = rows + row * g.dilations[0] - g.pads[0]
            x = columns + column * g.dilations[1] - g.pads[1]
            out.append((y >= 0) & (y < g.size[0]) & (x >= 0) & (x < g.size[1]))
        return np.stack(out)

    @cached_property
    def classes(self) -> tuple[Array, Array]:
        """Border classes: taps inside the map, bool [classes, taps], and each pixel's class."""
        found, numbers = np.unique(self.valid.T, axis=0, return_inverse=True)
        return found, numbers.reshape(-1)

    def cyclic(self, bits: Array) -> Array:
        """Rows of bits [.., pixels] as words u64 [.., words + a window], repeated over images, so
        that a tile may begin at any word of an image."""
        fill = [(0, 0)] * (bits.ndim - 1) + [(0, self.words * 64 - bits.shape[-1])]
        packed = np.packbits(np.pad(bits.astype(np.uint8), fill), axis=-1, bitorder="little")
        words = np.ascontiguousarray(packed).view("<u8")
        count = self.words + self.window * self.lanes
        return np.take(words, np.arange(count) % self.words, axis=-1)

    @cached_property
    def present(self) -> Array:
        """Classes in a tile by its first word: u8 [words, 1 + classes], their number first."""
        masks = self.cyclic(np.equal.outer(np.arange(len(self.classes[0])), self.classes[1]))
        out = np.zeros((self.words, 1 + len(masks)), np.uint8)
        for word in range(self.words):
            inside = np.flatnonzero(masks[:, word : word + self.lanes].any(axis=1))
            out[word, 0] = len(inside)
            out[word, 1 : 1 + len(inside)] = inside
        return out

    # Weights [O, C, kh, kw] as 0/1.

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

    def padded(self, weights: Array) -> Array:
        """Mismatches in padding, whose bits are 0: i32 [O, classes]."""
        inside, _ = self.classes
        per_tap = weights.reshape(len(weights), self.geometry.channels, -1).sum(axis=1)
        return (per_tap @ ~inside.T).astype(np.int32)

    def products(self) -> Array:
        """Inputs inside the map: i32 [classes]."""
        return (self.classes[0].sum(axis=1) * self.geometry.channels).astype(np.int32)


def _fits(planes: int) -> bool:
    return planes % GROUP == 0 and planes // GROUP <= MOST_GROUPS


def widths(op: BinaryConv, target: Target) -> tuple[int, ...]:
    """Pixels of a vector on a target, the most first, as far as the sums fit on the stack."""
    fitting = (bits for bits in (512, 256, 128) if bits <= target.vector_bits)
    return tuple(bits for bits in fitting if SlicedPlan.of(op, bits).held)


def refusal(op: BinaryConv, target: Target) -> str | None:
    """Why a convolution cannot be pixel-sliced, or None."""
    g = Geometry.of(op)
    if g.groups > 1:
        return "groups"
    if g.out != g.size or g.strides != (1, 1):
        return "the result has another size than the operand"
    if g.channels * g.taps < 2:
        return "one input has nothing to add"
    if not any(_fits(n * g.taps) for n in range(1, GROUP + 1)):
        return f"a kernel of {g.taps} taps"
    if not widths(op, target):
        return "its sums do not fit on the stack"
    samples = g.batch.factor if isinstance(g.batch, Batch) else g.batch
    if samples * -(-g.size[0] * g.size[1] // 64) >= 1 << 30:
        return "the operand is too large"
    if g.taps > MOST_GROUPS and len(SlicedPlan.of(op, target.vector_bits).classes[0]) > 255:
        return "more than 255 border classes"
    return None
