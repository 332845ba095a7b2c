"""The ordinary epilogue after a pixel-sliced convolution: counts become lanes of channels.

The planes of each channel's count become bytes per pixel; those of 16 channels are transposed in
blocks of 16x16, so that a pixel reads 16 counts as one vector. A count may take a second byte. A
stripe of channels is done together: what the epilogue reads and writes of a pixel is one run.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir

from .....ir import Array
from .....ir.types import WORD_BITS
from ....codegen.kernel_builder import I8, I32, I64, Index, IRValue, vector
from ...bit_planes import numbers, transposed
from ...epilogue import Epilogue, all_strides, last_block
from .sliced_layer import Finish, SlicedLayer, Span

BLOCK = 16
"""Channels of a vector, and pixels of a row of bytes."""


class SlicedLanes:
    """Ends spans of one layer with its region's elementwise operators."""

    def __init__(self, layer: SlicedLayer) -> None:
        self.layer, self.code, self.plan = layer, layer.code, layer.plan
        plan, code = self.plan, self.code
        self.region = Epilogue(code, layer.job)
        most = 2 * plan.inputs if plan.ternary else plan.inputs
        self.bytes = -(-most.bit_length() // 8)
        self.rows = plan.plane // BLOCK
        """Rows of 16 bytes in a register."""
        self.part = 8 * plan.plane
        """Bytes of one channel's counts of a tile, one byte each."""
        self.block_bytes = self.bytes * BLOCK * self.part
        self.counts = code.scratch(self.block_bytes)
        self.pixels = code.scratch(plan.stripe // BLOCK * self.block_bytes)
        channels = plan.geometry.out_channels
        self.columns = -(-channels // BLOCK) * BLOCK
        self.offsets = code.data(layer.weights.map(self._offsets))
        self.classes = code.data(plan.classes[1].astype(np.uint8))
        height, width = plan.geometry.size
        rank = plan.geometry.rank
        steps = [strides[2:] for strides in all_strides(layer.job)]
        # Rows of the map that follow one another need no division by its width.
        self.flat = rank == 3 or height == 1 or all(s[0] == width * s[1] for s in steps)

    def _offsets(self, weights: Array) -> Array:
        """[classes, columns]: what twice the mismatches are taken from."""
        offsets = self.plan.products() + 2 * self.plan.padded(weights)
        padded = np.pad(offsets.T, [(0, 0), (0, self.columns - len(offsets))])
        return np.ascontiguousarray(padded, np.int32)

    def span(self, span: Span, finish: Finish) -> None:
        """Counts through the epilogue for all channels of a span."""
        code, channels, width = self.code, self.plan.geometry.out_channels, self.plan.stripe
        own = last_block(channels, width, self.region.packs)
        full = code.min(span.stop, channels - own)
        with code.loop(span.start, full, width) as channel:
            self._stripe(channel, width, span, finish)
        if own:
            with code.when(code.b.icmp_signed("==", code.index(span.stop), I64(channels))):
                self._stripe(channels - own, own, span, finish)

    def _stripe(self, channel: Index, count: int, span: Span, finish: Finish) -> None:
        """``count`` channels: their counts, block by block, then pixel by pixel."""
        code = self.code
        with code.loop(0, count, BLOCK) as block:
            first = code.add(channel, block)
            last = code.min(code.add(first, BLOCK), code.add(channel, count))
            with code.loop(first, last) as at:
                self._expand(finish.counts(at), at, code.sub(at, first))
            number, _ = code.divide(block, BLOCK)
            there = code.offset(self.pixels, code.mul(number, self.block_bytes))
            with code.loop(0, 8 * self.bytes) as register:
                self._transpose(register, there)
        with code.loop(0, self.plan.lanes) as word:
            self._word(word, channel, count, span, finish)

    def _expand(self, planes: list[IRValue], channel: Index, number: Index) -> None:
        """One channel's count to bytes of pixels."""
        code = self.code
        row = code.mul(number, self.part)
        for byte in range(self.bytes):
            there = code.offset(self.counts, code.add(row, byte * BLOCK * self.part))
            for i, register in enumerate(numbers(code, planes[8 * byte : 8 * byte + 8])):
                code.store(register, code.offset(there, i * self.plan.plane))

    def _transpose(self, number: Index, there: IRValue) -> None:
        """Register ``number`` of 16 channels' bytes to pixels of 16 bytes."""
        code, plane = self.code, self.plan.plane
        byte, register = code.divide(number, 8)
        base = code.add(code.mul(byte, BLOCK * self.part), code.mul(register, plane))
        rows = [
            code.load(code.offset(self.counts, code.add(base, i * self.part)), self.layer.type)
            for i in range(BLOCK)
        ]
        there = code.offset(there, code.mul(number, BLOCK * plane))
        for i, row in enumerate(transposed(code, rows)):
            code.store(row, code.offset(there, i * plane))

    def _word(self, word: Index, channel: Index, count: int, span: Span, finish: Finish) -> None:
        """The pixels of one word of the tile.

        Pixel p of the tile is row p // 128 of line p // 8 % 16 of register p % 8.
        """
        code, plan = self.code, self.plan
        number = code.add(span.word, word)
        sample, place = code.divide(number, plan.words)
        first = code.mul(place, WORD_BITS)
        size = plan.geometry.size[0] * plan.geometry.size[1]
        left = code.min(code.sub(size, first), WORD_BITS)
        inside = code.b.icmp_signed("<", code.index(number), code.index(self.layer.total))
        left = code.b.select(inside, code.index(left), I64(0))
        row, half = code.divide(word, 2)
        with code.loop(0, left, 8) as start:
            line, _ = code.divide(start, 8)
            line = code.mul(code.add(line, code.mul(half, 8)), self.rows)
            base = code.offset(self.pixels, code.mul(code.add(line, row), BLOCK))
            origin = code.add(first, start)
            with code.loop(0, code.min(code.sub(left, start), 8)) as i:
                at = code.offset(base, code.mul(i, BLOCK * self.plan.plane))
                for block in range(0, count, BLOCK):
                    here = code.offset(at, block // BLOCK * self.block_bytes)
                    part = code.add(channel, block), min(BLOCK, count - block)
                    self._pixel(here, (sample, code.add(origin, i)), part, finish)

    def _pixel(
        self, at: IRValue, place: tuple[Index, Index], part: tuple[Index, int], finish: Finish
    ) -> None:
        """Up to 16 counts of one pixel (sample, position), from bytes, through the region."""
        code, b = self.code, self.code.b
        (sample, pixel), (channel, count) = place, part
        lanes = vector(I32, BLOCK)
        total = b.zext(code.load(at, vector(I8, BLOCK)), lanes)
        if self.bytes > 1:
            high = code.load(code.offset(at, BLOCK * self.part), vector(I8, BLOCK))
            total = b.add(total, b.shl(b.zext(high, lanes), ir.Constant(lanes, [8] * BLOCK)))
        if not finish.doubled:
            total = b.add(total, total)
        kind = b.zext(code.load(code.offset(self.classes, pixel), I8), I64)
        entry = code.add(code.mul(kind, self.columns), channel)
        offset = code.load(code.offset(self.offsets, code.mul(entry, 4)), lanes)
        row, column = (0, pixel) if self.flat else code.divide(pixel, self.plan.geometry.size[1])
        index = self.plan.geometry.index(sample, channel, row, column)
        self.region.apply(index, 1, b.sub(offset, total), count)
