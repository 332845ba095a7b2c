"""How a pixel-sliced convolution is cut up, whatever is added: tiles of pixels, chunks of input
channels, windows of words, border classes, and what scratch must hold.

`majority_sums`, `tree_sums` and `codeword_sums` are the ways of adding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .....ir import Array, Batch
from .....ir.ops import BinaryConv
from .....ir.ops.binary import BLOCK
from .....ir.ops.window_axis import border_classes, joint
from .....runtime.weight_packing import in_words
from ...geometry import Geometry

SCRATCH = 384 << 10
"""Bytes of scratch that a kernel may use."""
MOST_CLASSES = 255
"""Border classes that a byte tells apart."""
LANES_SCRATCH = 88 << 10
"""Those that turning counts into lanes takes."""


@dataclass(frozen=True)
class Prices:
    """Cycles of an addition of planes and of making all forms of a majority; of an addition from
    a list, and of loading and keeping a channel's state around a list; of an addition of one of the
    planes that a word counts; and of comparing a channel's counts in a tile."""

    addition: float
    group: float
    listed: float
    chunk: float
    word: float
    threshold: float


@dataclass(frozen=True)
class SlicedPlan(ABC):
    """One layer cut into tiles of ``bits`` pixels and chunks of ``channels`` input channels."""

    geometry: Geometry
    bits: int
    channels: int
    ternary: bool

    # What a way of adding decides.

    @property
    @abstractmethod
    def digits(self) -> int:
        """Planes of a channel's state between chunks."""

    @property
    @abstractmethod
    def tables(self) -> int:
        """Bytes of scratch of everything but the states."""

    @abstractmethod
    def cycles(self, prices: Prices) -> float:
        """Cycles of one tile up to the counts of all its channels."""

    @abstractmethod
    def program_bytes(self, scales: bool) -> int:
        """Bytes of what says which planes the channels add, where the weights do not matter to
        their number; ``scales``: addresses may scale what they add."""

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
    def chunks(self) -> int:
        """Chunks; the last may have fewer channels."""
        return -(-self.geometry.channels // self.channels)

    @property
    def resident(self) -> int:
        """Output channels whose states lie in scratch, a multiple of the stripe: all of them, or
        as many as fit, 0 if none do."""
        room = max(0, SCRATCH - self.tables) // (self.digits * self.plane)
        return min(room // self.stripe, self.stripes) * self.stripe

    @property
    def blocks(self) -> int:
        """Times that a tile's tables are made."""
        return -(-self.geometry.out_channels // self.resident)

    @property
    def stripe(self) -> int:
        """Output channels of a task."""
        return min(BLOCK, -(-self.geometry.out_channels // 16) * 16)

    @property
    def stripes(self) -> int:
        """Tasks of a tile."""
        return -(-self.geometry.out_channels // self.stripe)

    @property
    def tiles(self) -> int:
        """Tiles of one inference, at the N for which the geometry counts."""
        return -(-self.geometry.samples * self.words // self.lanes)

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
        return _valid(self.geometry)

    @cached_property
    def classes(self) -> tuple[Array, Array]:
        """Border classes: taps inside the map, bool [classes, taps], and each pixel's class."""
        return border_classes(self.valid.T)

    def cyclic(self, bits: Array) -> Array:
        """Rows of bits [.., pixels] as words u64 [.., words + a window], repeated over images, so
        that a tile may begin at any word of an image."""
        count = self.words + self.window * self.lanes
        return np.take(in_words(bits, 64), np.arange(count) % self.words, axis=-1)

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

    def padded(self, weights: Array) -> Array:
        """Mismatches in padding, whose bits are 0: i32 [O, classes]."""
        inside, _ = self.classes
        per_tap = weights.reshape(len(weights), self.geometry.channels, -1).sum(axis=1)
        return (per_tap @ ~inside.T).astype(np.int32)

    def products(self) -> Array:
        """Inputs inside the map: i32 [classes]."""
        return (self.classes[0].sum(axis=1) * self.geometry.channels).astype(np.int32)


def _valid(g: Geometry) -> Array:
    """Whether the input under each tap is inside the map: bool [taps, pixels]."""
    return joint([axis.inside for axis in g.axes]).reshape(-1, g.taps).T


def refusal(op: BinaryConv) -> str | None:
    """Why a convolution cannot be pixel-sliced, whatever is added, or None."""
    g = Geometry.of(op)
    if g.groups > 1:
        return "groups"
    if g.out != g.size or g.strides != (1, 1):
        return "the result differs in size from the operand"
    if g.channels * g.taps < 2:
        return "one input has nothing to add"
    samples = g.batch.factor if isinstance(g.batch, Batch) else g.batch
    if samples * -(-g.size[0] * g.size[1] // 64) >= 1 << 30:
        return "the operand is too large"
    if g.taps > MOST_CLASSES // 4 and len(border_classes(_valid(g).T)[0]) > MOST_CLASSES:
        return f"more than {MOST_CLASSES} border classes"
    return None
