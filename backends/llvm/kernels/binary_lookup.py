"""Binary convolution, channel-packed, by tables: lanes are bytes, one output channel each.

Four weights of an output channel are the index of a table of 16 (PSHUFB) which the operand's four
signs at the same place choose. One table serves two neighbouring output pixels a and b:

    table[a, b][w] = popcount(a ^ w) + 16 * popcount(b ^ w)

so one shuffle counts 8 products a byte. Three of them fit the halves of a byte (3 * 4 < 16); the
sum is then added to a byte, and shifted by 4 to another. The shift moves lower halves of odd bytes
into even ones; what was added tells them apart in the end, modulo 256 (`_widen`), so that nothing
masks them. Bytes hold 63 lookups; then they are widened to 16 bits. Three lookups of a vector cost
3 shuffles and 5 other operations; carry-save adders take as many for a third of the products.

The tables' addresses (`lookup_tables`) are computed once per row of the operand and serve all
output channels and all kernel rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from llvmlite import ir

from ....ir import Layout, Op, Ternary
from ....ir.ops import BinaryConv, Fused, Threshold
from ....runtime.weight_layouts import Nibbles, widths_of
from ...codegen.elementwise_emitters import Packed
from ...codegen.fused_region import anchor_of
from ...codegen.isa import instructions
from ...codegen.kernel_builder import I8, I16, I32, I64, Index, IRValue, vector
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...interface import Choice, KernelDescriptor, Params
from ...targets import Target
from ..binary_layer import WORD, binary_anchor_of
from ..epilogue import Epilogue, channel_blocks
from ..geometry import Geometry
from ..product_layer import Layer
from ..tiles import balanced, refusal
from .lookup.lookup_tables import MASKED, Frame, build_rows, pair_tables
from .lookup.lookup_thresholds import Thresholds, threshold_of

_LIMIT = 63
"""Lookups of at most 4 that a byte can sum."""
_GROUP = 3
"""Lookups of at most 4 that half a byte can sum."""
_PRODUCTS = (1 << 15) - 1
"""Products that a signed 16-bit sum holds."""
_LONG = 1024
"""Products from which on a tile takes longer than fetching the maps of the region after them, of
which it touches a line or two a pixel: too far apart for the processor to foresee."""
_SCRATCH = 24 << 10
"""Bytes of table addresses of a chunk of rows, to stay in the first-level cache."""


def _refuses(op: Op, target: Target) -> str | None:
    anchor = binary_anchor_of(op)
    if not target.has.byte_lookup:
        return f"{target.name} has no tables in registers"
    if anchor.x.type.layout is not Layout.WORDS:
        return f"expected an operand in words, got {anchor.x!r}"
    reason = refusal(op, target)
    if reason is not None:
        return reason
    geometry = Geometry.of(anchor)
    if geometry.groups > 1 or geometry.by_sample:
        return "groups and single pixels are not supported"
    if geometry.channels % 4 and geometry.padded:
        return "channels that do not fill four are not supported with padding"
    if geometry.channels * geometry.taps > _PRODUCTS:
        return f"more than {_PRODUCTS} products an output are not supported"
    return None


_PRICES = {512: (5.05, 9.5, 5.0, 0.21), 256: (2.85, 12.2, 3.0, 0.3), 128: (2.5, 8.0, 1.5, 0.5)}
"""Cycles of a group of lookups of one pair, of widening one pair's bytes, of comparing and storing
one pixel's sums, and of building one address, by bits of a vector; measured."""


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """What `_PRICES` says, and the region after the anchor, on widened sums."""
    assert isinstance(op, Fused)
    anchor = binary_anchor_of(op)
    g = Geometry.of(anchor)
    group, widen, store, build = _PRICES[target.vector_bits]
    ports = target.has.vector_ports
    frame = Frame.of(g, anchor.x.type, masked=False)
    steps = frame.entries * (g.kernel[1] if frame.tap_columns == 1 else 1)
    piece = _piece(steps)
    pieces = [piece] * (steps // piece) + [steps % piece] * (steps % piece > 0)
    groups = sum(-(-piece // _GROUP) for piece in pieces)
    runs = sum(last - first for first, last in g.axes[0].ranges)
    runs *= 1 if frame.tap_columns == 1 else g.kernel[1]
    lanes = target.vector_bits // 8
    blocks = sum(width / lanes for width in widths_of(g.out_channels, lanes))
    nodes = op.body.nodes[1:]
    if len(nodes) != 1 or not isinstance(nodes[0].op, Threshold):
        parts = 4 if target.vector_bits > 128 else 2
        store = parts * (6 + len(nodes)) / ports
    pairs = -(-g.out[1] // 2)
    summing = runs * pairs * (group * groups + widen * len(pieces))
    storing = g.out[0] * g.out[1] * store
    indexing = 1.2 * min(g.size[0], g.out[0] * g.strides[0]) * frame.row_bytes / 2 * build
    if g.channels < WORD:
        indexing += g.out[0] * pairs * 180 * g.strides[1] / ports
    return g.samples * (blocks * (summing + storing) + indexing)


@dataclass
class _Kernel(Layer[BinaryConv]):
    """The kernel function of one layer."""

    def __post_init__(self) -> None:
        g, x, target = self.geometry, self.op.x.type, self.code.target
        self.ternary = isinstance(x.element, Ternary)
        self.lanes = widths_of(g.out_channels, target.vector_bits // 8)[0]
        most = self.job.choice.get("pairs", 7 if target.registers == 32 else 4)
        self.pairs = balanced(-(-g.out[1] // 2), most)
        self.frame = Frame.of(g, x, masked=False)
        self.masked = Frame.of(g, x, masked=True)

    @cached_property
    def rows(self) -> int:
        """Output rows of a chunk."""
        frame = self.masked if self.ternary else self.frame
        input_rows = _SCRATCH // frame.row_bytes - frame.reach
        return max(1, min(self.geometry.out[0], input_rows // self.geometry.strides[0] + 1))

    def body(self) -> None:
        """Chunks of rows of each sample."""
        code, g = self.code, self.geometry
        self.region = Epilogue(code, self.job)
        self.x = code.pointer(self.job.outer(self.op.x))
        self.tables = code.data(pair_tables())
        self.w = code.weights(
            self.constant, Nibbles(g.out_channels, g.channels, g.taps, self.lanes)
        )
        threshold = threshold_of(self.job)
        self.thresholds = None
        if threshold is not None:
            widths = widths_of(g.out_channels, self.lanes)
            products = g.taps * g.channels
            self.thresholds = Thresholds.of(code, self.job, threshold, products, widths)
        frame = self.masked if self.ternary else self.frame
        self.index = code.scratch(frame.bytes(self.rows))
        self.sums = code.scratch(4 * self.pairs * self.lanes)
        rows = g.out[0]
        stop = code.b.udiv(code.add(code.end, rows - 1), I64(rows))
        with code.loop(code.b.udiv(code.begin, I64(rows)), stop) as sample:
            before = code.mul(sample, rows)
            last = code.min(code.sub(code.end, before), rows)
            with code.loop(code.max(code.sub(code.begin, before), 0), last, self.rows) as first:
                self._chunk(sample, first, code.min(code.add(first, self.rows), last))

    def _chunk(self, sample: Index, first: Index, last: Index) -> None:
        code = self.code
        x = code.offset(self.x, code.mul(sample, self.frame.sample_bytes))

        def run(frame: Frame) -> None:
            build_rows(code, frame, x, self.index, first, last)
            self._blocks(frame, sample, first, last)

        if not self.ternary:
            run(self.frame)
            return
        zeros = self.frame.has_zeros(code, x, first, last)
        code.either(zeros, lambda: run(self.masked), lambda: run(self.frame))

    def _blocks(self, frame: Frame, sample: Index, first: Index, last: Index) -> None:
        """All output channels of a chunk: the weights of a block stay in a cache meanwhile."""
        code, g = self.code, self.geometry

        def block(channel: Index, count: int) -> None:
            with code.loop(first, last) as row:
                step = code.mul(code.sub(row, first), g.strides[0] * frame.row_bytes)
                there = code.offset(self.index, step)
                tile = _Tile(self, frame, sample, row, channel, count, there)
                tile.columns()

        channel_blocks(code, g.out_channels, self.lanes, block, packs=self.region.packs)


class _Tile:
    """Some neighbouring pairs of output pixels of a row, for one block of output channels."""

    def __init__(
        self,
        layer: _Kernel,
        frame: Frame,
        sample: Index,
        row: Index,
        channel: Index,
        count: int,
        index: IRValue,
    ) -> None:
        self.layer = layer
        self.frame = frame
        self.code = layer.code
        self.place = (sample, channel, row)
        self.count = count
        self.index = index
        self.lanes = widths_of(count, layer.lanes)[0]
        self.bytes = vector(I8, self.lanes)
        self.halves = vector(I16, self.lanes // 2)
        g = layer.geometry
        self.entries = frame.entries
        self.kernel_rows = g.rows_inside(layer.code, row)
        self.w = self.code.offset(layer.w, self.code.mul(channel, g.taps * self.entries))

    def columns(self) -> None:
        """All pixels of the row: full tiles in a loop, then what remains."""
        layer, code = self.layer, self.code
        width = layer.geometry.out[1]
        full = width // (2 * layer.pairs) * layer.pairs
        if full == layer.pairs:
            self._tile(0, layer.pairs, 2 * full)
        else:
            with code.loop(0, full, layer.pairs) as pair:
                self._tile(pair, layer.pairs, 2 * layer.pairs)
        if 2 * full < width:
            rest = width - 2 * full
            self._tile(full, -(-rest // 2), rest)

    def _tile(self, pair: Index, pairs: int, pixels: int) -> None:
        """Sum the kernel's rows in memory, then store pixel by pixel."""
        code, g, frame = self.code, self.layer.geometry, self.frame
        if g.channels * g.taps >= _LONG:
            self._prefetch(pair, pixels)
        self.pairs = pairs
        low, high = self.kernel_rows
        absent = self._absent(low, high)
        for at in range(4 * pairs):
            code.store(absent, code.offset(self.layer.sums, at * self.lanes))
        start = code.offset(self.index, code.mul(pair, frame.pair_bytes))
        with code.loop(low, high) as ky:
            x = code.offset(start, code.mul(ky, g.dilations[0] * frame.row_bytes))
            w = code.offset(self.w, code.mul(ky, g.kernel[1] * self.entries * self.lanes))
            if frame.tap_columns == 1:
                self._run(x, w, g.kernel[1] * self.entries)
            else:
                with code.loop(0, g.kernel[1]) as kx:
                    there = code.offset(x, code.mul(kx, frame.tap_columns * frame.column_bytes))
                    weights = code.offset(w, code.mul(kx, self.entries * self.lanes))
                    self._run(there, weights, self.entries)
        self._store(pair, pixels)

    def _prefetch(self, pair: Index, pixels: int) -> None:
        """Fetch what the region reads and writes, unless one sample is all: that is in a cache."""
        code, g = self.code, self.layer.geometry
        sample, channel, row = self.place
        several = code.b.icmp_signed(">", code.index(g.batch_size(code)), I64(1))
        with code.when(several), code.loop(0, pixels) as pixel:
            column = code.add(code.mul(pair, 2), pixel)
            self.layer.region.prefetch(g.index(sample, channel, row, column), self.count)

    def _absent(self, low: Index, high: Index) -> IRValue:
        """Mismatches of the kernel's rows outside the operand: half of their products."""
        code, g = self.code, self.layer.geometry
        if self.frame.masked:
            return self.halves(None)
        rows = code.sub(g.kernel[0], code.sub(high, low))
        half = code.mul(rows, g.kernel[1] * g.channels // 2)
        one = I16(half) if isinstance(half, int) else code.b.trunc(half, I16)
        return code.splat(one, self.halves.count)

    # Counting.

    def _run(self, x: IRValue, w: IRValue, steps: int) -> None:
        """Consecutive lookups, in pieces of as many as bytes can sum."""
        code, piece = self.code, _piece(steps)
        in_pieces = steps // piece * piece
        with code.loop(0, in_pieces, piece) as at:
            there = code.offset(x, code.mul(at, 2))
            self._piece(there, code.offset(w, code.mul(at, self.lanes)), piece)
        if in_pieces < steps:
            there, weights = code.offset(x, 2 * in_pieces), code.offset(w, in_pieces * self.lanes)
            self._piece(there, weights, steps - in_pieces)

    def _piece(self, x: IRValue, w: IRValue, steps: int) -> None:
        """Lookups without overflow: groups of three in a loop, then the rest; then 16 bits."""
        code = self.code

        def group(at: Index, state: Sequence[IRValue], count: int = _GROUP) -> list[IRValue]:
            there = code.offset(x, code.mul(at, 2))
            return self._group(there, code.offset(w, code.mul(at, self.lanes)), count, state)

        grouped = steps // _GROUP * _GROUP
        state = [self.bytes(None)] * (2 * self.pairs)
        state = code.repeat(0, grouped, _GROUP, state, group)
        if grouped < steps:
            state = group(grouped, state, steps - grouped)
        for pair in range(self.pairs):
            self._widen(pair, *state[2 * pair : 2 * pair + 2])

    def _group(self, x: IRValue, w: IRValue, count: int, state: Sequence[IRValue]) -> list[IRValue]:
        """Up to three lookups of every pair."""
        code, b = self.code, self.code.b
        weights = [code.load(code.offset(w, j * self.lanes), self.bytes) for j in range(count)]
        four = ir.Constant(self.halves, [4] * (self.lanes // 2))
        out: list[IRValue] = []
        for pair in range(self.pairs):
            at = code.offset(x, pair * self.frame.pair_bytes)
            counts = self._lookup(at, weights[0])
            for j in range(1, count):
                counts = b.add(counts, self._lookup(code.offset(at, 2 * j), weights[j]))
            combined, high = state[2 * pair : 2 * pair + 2]
            upper = b.bitcast(b.lshr(b.bitcast(counts, self.halves), four), self.bytes)
            out += [b.add(combined, counts), b.add(high, upper)]
        return out

    def _lookup(self, x: IRValue, weights: IRValue) -> IRValue:
        """Mismatches of four signs of a pair of pixels, the second pixel's in the upper half."""
        if not self.frame.masked:
            return self._shuffle(x, 0, weights)
        second = self.code.offset(x, self.frame.pair_bytes // 2)
        low = self._shuffle(x, MASKED, weights)
        return self.code.b.add(low, self._shuffle(second, MASKED + 4096, weights))

    def _shuffle(self, x: IRValue, tables: int, weights: IRValue) -> IRValue:
        """Look weights up in the table whose distance from ``tables`` lies at ``x``."""
        code = self.code
        distance = code.b.zext(code.load(x, I16), I64)
        place = code.offset(code.offset(self.layer.tables, tables), distance)
        table = code.b.load(place, typ=vector(I8, 16), align=16)
        order = [i % 16 for i in range(self.lanes)]
        spread = code.shuffle(table, table, order)
        return instructions(code).lookup_bytes(spread, weights, weights.type.count)

    def _widen(self, pair: int, combined: IRValue, high: IRValue) -> None:
        """Add the bytes of both pixels to their 16-bit sums of even and of odd bytes.

        ``high`` has the upper halves of even bytes plus 16 times the lower ones of odd bytes.
        """
        code, b = self.code, self.code.b
        four, eight, byte = (
            ir.Constant(self.halves, [n] * (self.lanes // 2)) for n in (4, 8, 0xFF)
        )
        combined, high = b.bitcast(combined, self.halves), b.bitcast(high, self.halves)

        def without(total: IRValue, more: IRValue) -> IRValue:
            """``total - 16 * more`` modulo 256."""
            return b.and_(b.sub(total, b.shl(more, four)), byte)

        second_odd = b.lshr(high, eight)
        first_odd = without(b.lshr(combined, eight), second_odd)
        second_even = without(high, first_odd)
        first_even = without(combined, second_even)
        for number, part in enumerate((first_even, first_odd, second_even, second_odd)):
            at = code.offset(self.layer.sums, (4 * pair + number) * self.lanes)
            code.store(b.add(code.load(at, self.halves), part), at)

    # What is done with the sums.

    def _store(self, pair: Index, pixels: int) -> None:
        """The region on each pixel of a tile."""
        code, g = self.code, self.layer.geometry
        sample, channel, row = self.place
        first = code.mul(pair, 2)
        with code.loop(0, pixels) as pixel:
            at = code.offset(self.layer.sums, code.mul(pixel, 2 * self.lanes))
            sums = [code.load(code.offset(at, n * self.lanes), self.halves) for n in (0, 1)]
            column = code.add(first, pixel)
            if self.layer.thresholds is None or self.frame.masked:
                self._apply(sums, column)
            else:
                bits = Packed((self.layer.thresholds.bits(channel, sums),))
                place = g.index(sample, channel, row, column)
                self.layer.region.results[0].store(bits, place, 1, self.count)

    def _apply(self, sums: Sequence[IRValue], column: Index) -> None:
        """Widen the sums of a pixel and run the region on them."""
        code, g = self.code, self.layer.geometry
        sample, channel, row = self.place
        inputs = self._inputs(column)
        for start, counts in self._parts(sums):
            valid = min(counts.type.count, self.count - start)
            if valid <= 0:
                break
            twice = code.b.add(counts, counts)
            dot = code.b.sub(code.splat(inputs, counts.type.count), twice)
            place = g.index(sample, code.add(channel, start), row, column)
            self.layer.region.apply(place, 1, dot, valid)

    def _parts(self, sums: Sequence[IRValue]) -> list[tuple[int, IRValue]]:
        """Sums in 16-bit lanes as i32 vectors of consecutive channels, at least 8, or as one:
        `nibbles` puts channel r * lanes / 4 + j into byte 4 j + r."""
        b, quarter = self.code.b, self.lanes // 4
        wide = vector(I32, quarter)
        low, high = (ir.Constant(wide, [n] * quarter) for n in (0xFFFF, 16))
        even, odd = (b.bitcast(halves, wide) for halves in sums)
        parts = [b.and_(even, low), b.and_(odd, low), b.lshr(even, high), b.lshr(odd, high)]
        if quarter < 8:
            parts = [self.code.concat(parts[:2]), self.code.concat(parts[2:])]
        if self.layer.region.packs_several:
            parts = [self.code.concat(parts)]
        return [(n * part.type.count, part) for n, part in enumerate(parts)]

    def _inputs(self, column: Index) -> IRValue:
        """Products of one output: all, of which those outside the operand count half; or, with
        zeros, the inputs that are not zero."""
        g = self.layer.geometry
        if self.frame.masked:
            return self.frame.inputs(self.code, self.index, column, self.kernel_rows)
        return I32(g.taps * g.channels)


def _piece(steps: int) -> int:
    """Lookups between two widenings: equal pieces where they come out even."""
    even = [n for n in range(_LIMIT, _LIMIT // 2, -_GROUP) if steps % n == 0]
    return min(steps, even[0] if even else _LIMIT) if steps > _LIMIT else steps


def _candidates(op: Op, target: Target) -> tuple[Params, ...]:
    """Pairs of pixels in registers: what divides a row evenly among its tiles."""
    pairs = -(-Geometry.of(binary_anchor_of(op)).out[1] // 2)
    most = (7, 8, 6, 5, 4) if target.registers == 32 else (4, 5, 3, 2)
    return tuple({"pairs": count} for count in dict.fromkeys(balanced(pairs, n) for n in most))


def _extra_bytes(op: Op, target: Target, choice: Choice) -> int:
    """Half a byte names four weights; see `Nibbles`."""
    g = Geometry.of(binary_anchor_of(op))
    layout = Nibbles(g.out_channels, g.channels, g.taps, target.vector_bits // 8)
    return layout.nbytes - math.prod(layout.shape) // 8


def _lower(job: Job) -> None:
    op = anchor_of(job.op, BinaryConv)
    geometry = Geometry.of(op)
    extent = Extent.of(geometry.batch, geometry.out[0])
    job.step(extent, lambda code: _Kernel(job, code, op).body())


KERNELS = (
    Kernel(
        KernelDescriptor(
            "binary_conv_lookup",
            BinaryConv,
            _refuses,
            _cycles,
            _candidates,
            extra_bytes=_extra_bytes,
        ),
        _lower,
    ),
)
