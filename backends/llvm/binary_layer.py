"""What a binary convolution looks like to its kernel: blocking, words and blocked weights."""

from __future__ import annotations

from functools import cached_property

from ...ir import Op, Ternary
from ...ir.ops import BinaryConv, BinaryGemm
from ...runtime.weight_layouts import WORD, Words
from ..codegen.fused_region import anchor_of
from ..codegen.kernel_builder import Index
from .popcount import Counter, counter_for, registers_per_sum
from .product_layer import Layer
from .tiles import Plan, Tile, narrowed
from .views import words_of


def binary_anchor_of(op: Op) -> BinaryConv | BinaryGemm:
    """The binary product of a fused region."""
    return anchor_of(op, BinaryConv, BinaryGemm)


class BinaryLayer(Layer[BinaryConv | BinaryGemm]):
    """One binary convolution for one target."""

    @cached_property
    def ternary(self) -> bool:
        """Whether the operand has a mask."""
        return isinstance(self.op.x.element, Ternary)

    @cached_property
    def masked(self) -> bool:
        """Whether lanes of one block may belong to different groups."""
        g = self.geometry
        separate = g.group_channels % WORD == 0 and (not self.job.packs or g.group_out % 64 == 0)
        return g.groups > 1 and not separate

    @cached_property
    def plan(self) -> Plan:
        """Registers decide: sums of pixels x vectors, weights and temporaries beside them."""
        target, lanes = self.code.target, self.code.lanes
        room = target.registers - (6 if target.registers == 32 else 7)
        sums = max(1, room // (registers_per_sum(target) * (2 if self.counts_masks else 1)))
        vectors = 1
        if target.has.popcount == "dword":
            vectors = 2
        elif target.has.popcount == "byte":
            vectors, sums = (4, 16) if lanes == 4 else (2, 12)
        vectors = max(vectors, -(-8 // lanes))
        vectors = narrowed(vectors, lanes, self.geometry.group_out)
        pixels = max(1, min(7, sums // vectors))
        return Plan(lanes, vectors, pixels, self.job.packs, split_groups=not self.masked)

    @cached_property
    def counts_masks(self) -> bool:
        """Whether the number of nonzero inputs differs from lane to lane."""
        return self.ternary and self.masked

    @cached_property
    def counter(self) -> Counter:
        """How bits are counted."""
        return counter_for(self.code)

    # Words: a pixel's own, those one block reads, and where they begin.

    @cached_property
    def pixel_words(self) -> int:
        """Words of 32 channels from the sign plane's first to the mask plane's first."""
        return 2 * words_of(self.op.x.type)

    @cached_property
    def span(self) -> int:
        """Words that one block of output channels reads at each tap."""
        g = self.geometry
        if g.groups == 1:
            return -(-g.channels // WORD)
        if not self.masked:
            return g.group_channels // WORD
        widest = 1
        for start in range(0, g.out_channels, self.plan.width):
            last = min(start + self.plan.width, g.out_channels) - 1
            low = start // g.group_out * g.group_channels // WORD
            high = ((last // g.group_out + 1) * g.group_channels - 1) // WORD
            widest = max(widest, high - low + 1)
        return widest

    def first_word(self, tile: Tile) -> Index:
        """The first word that the tile's block reads."""
        g, code = self.geometry, self.code
        if g.groups == 1:
            return 0
        if not self.masked:
            return code.mul(tile.group, g.group_channels // WORD)
        group, _ = code.divide(tile.channel, g.group_out)
        word, _ = code.divide(code.mul(group, g.group_channels), WORD)
        return code.min(word, -(-g.channels // WORD) - self.span)

    @cached_property
    def merged(self) -> bool:
        """Whether the words of neighbouring taps of a row are one run in memory."""
        plain = not self.ternary and not self.masked
        return plain and self.geometry.dilations[1] == 1 and self.span == self.pixel_words

    # Weights.

    @cached_property
    def words(self) -> Words:
        """How the weights lie."""
        g, plan = self.geometry, self.plan
        split = int(plan.split_groups)
        return Words(g.out_channels, g.channels, g.taps, g.groups, self.span, plan.width, split)
