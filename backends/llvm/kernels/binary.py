"""Binary convolution and product, channel-packed: lanes are output channels.

For each word of 32 input channels and each tap, a vector holds that word of the weights of
consecutive output channels; the pixel's word is broadcast. With s the sign bits, w the weights, m
the mask of a ternary operand:

    two values:    dot = K - 2 * popcount(s ^ w)            K = channels * taps inside the operand
    ternary:       dot = popcount(m) - 2 * popcount(s ^ (w & m))         (s is 0 where m is 0)

Taps outside the operand are skipped, so that zero padding needs no correction. Channels that do
not fill their last word are 0 in both operands. Zeros of a ternary operand are rare after most
layers: where a chunk of rows reads none, the two-valued loop runs. Groups that are whole words use
their range of words; others let blocks of output channels cross groups, with a mask per lane that
keeps its own group's bits.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from ....ir import Layout, Op, Ternary
from ....ir.ops import BinaryConv, BinaryGemm, Fused
from ...codegen.kernel_builder import I32, I64, Index, IRValue, vector
from ...codegen.kernel_interface import Job, Kernel
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..binary_layer import WORD, BinaryLayer, binary_anchor_of
from ..epilogue import Epilogue
from ..geometry import Geometry
from ..popcount import State
from ..tiles import Tile, for_tiles, refusal, tasks
from ..views import words_of

_TOGETHER = 16
"""Words of a pixel's mask that are looked at by one round of a loop."""


def _refuses(op: Op, target: Target) -> str | None:
    anchor = binary_anchor_of(op)
    if anchor.x.type.layout is not Layout.WORDS:
        return f"expected an operand in words, got {anchor.x!r}"
    return refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Vector operations at two a cycle, from the counter's operations a word (measured), what a
    counter needs in the end, and the epilogue."""
    assert isinstance(op, Fused)
    x = binary_anchor_of(op).x.type
    geometry = Geometry.of(binary_anchor_of(op))
    pixels = geometry.out[0] * geometry.out[1]
    blocks = -(-geometry.out_channels // target.lanes)
    a_tap = -(-geometry.group_channels // WORD)
    a_word, finish = {"dword": (3.0, 2), "byte": (3.2, 2), "table": (3.4, 28)}[target.has.popcount]
    if target.has.popcount == "table":
        # The carry-save adders take runs of words: a tap's, or a row's that lie in one run.
        one_run = geometry.groups == 1 and a_tap == 2 * words_of(x)
        rows = one_run and geometry.dilations[1] == 1 and not isinstance(x.element, Ternary)
        a_word += 10.3 / (a_tap * (geometry.kernel[1] if rows else 1))
    operations = a_word * a_tap * geometry.taps + finish + len(op.body.nodes)
    return geometry.samples * pixels * blocks * operations / 2


class _Kernel(BinaryLayer):
    """The kernel function: chunks of rows, tiles, and what is done with their sums."""

    def body(self) -> None:
        """The whole kernel function."""
        code = self.code
        self.x = code.pointer(self.job.outer(self.op.x))
        self.w = code.weights(self.constant, self.words)
        self.mine = code.data(self.words.masks()) if self.masked else None
        self.region = Epilogue(code, self.job)
        special = (self._no_zeros, self._two_valued) if self.ternary else None
        for_tiles(code, self.geometry, self.plan, self._tile, special)

    def _no_zeros(self, first: Index, last: Index) -> IRValue:
        """Whether every mask bit that the tasks first .. last-1 may read is set.

        The operand is one run of rows over all samples; those from the first row of the first task
        to the last row of the last one are looked at, a 64-bit word at a time.
        """
        code, g, b = self.code, self.geometry, self.code.b

        def row(task: Index, beyond: int) -> Index:
            sample, at = (task, 0) if g.by_sample else code.divide(task, g.out[0])
            start = code.sub(code.mul(at, g.strides[0]), g.pads[0])
            inside = code.max(code.min(code.add(start, beyond), g.size[0]), 0)
            return code.add(code.mul(sample, g.size[0]), inside)

        low = code.mul(row(first, 0), g.size[1])
        reach = g.dilations[0] * (g.kernel[0] - 1) + 1
        high = code.mul(row(code.sub(last, 1), reach), g.size[1])
        words = words_of(self.op.x.type)
        together = min(words, _TOGETHER)
        most = (words - 1) // together * together
        full = (1 << 64) - 1
        last_word = (1 << (g.channels - 64 * (words - 1))) - 1
        rest = [*[full] * (words - 1 - most), last_word]

        def pixel(at: Index, state: Sequence[IRValue]) -> list[IRValue]:
            place = code.offset(self.x, code.mul(code.add(code.mul(at, 2), 1), 8 * words))

            def piece(first: Index, state: Sequence[IRValue]) -> list[IRValue]:
                at = code.offset(place, code.mul(first, 8))
                return self._missing(at, [full] * together, state)

            state = code.repeat(0, most, together, state, piece)
            return self._missing(code.offset(place, 8 * most), rest, state)

        missing = code.repeat(low, high, 1, [I64(0)] * together, pixel)
        any_missing = missing[0]
        for more in missing[1:]:
            any_missing = b.or_(any_missing, more)
        return b.icmp_unsigned("==", any_missing, I64(0))

    def _missing(
        self, place: IRValue, masks: Sequence[int], state: Sequence[IRValue]
    ) -> list[IRValue]:
        """``state``, each with the bits of a mask that its word at ``place`` does not have."""
        code, b = self.code, self.code.b
        out = list(state)
        for number, mask in enumerate(masks):
            word = code.load(code.offset(place, 8 * number), I64)
            out[number] = b.or_(out[number], b.xor(word, I64(mask)))
        return out

    def _tile(self, tile: Tile) -> None:
        self._store(tile, _Run(self, tile, self.ternary).sums())

    def _two_valued(self, tile: Tile) -> None:
        self._store(tile, _Run(self, tile, ternary=False).sums())

    def _store(self, tile: Tile, sums: list[IRValue]) -> None:
        for pixel, dot in enumerate(sums):
            self.region.apply(tile.index(self.code, self.geometry, pixel), 1, dot, tile.count)


class _Run:
    """The inner loops of one tile: sums live in registers, one state per pixel and vector."""

    def __init__(self, layer: _Kernel, tile: Tile, ternary: bool) -> None:
        self.layer = layer
        self.ternary = ternary
        self.counts_masks = ternary and layer.masked
        self.tile = tile
        self.code = layer.code
        self.counter = layer.counter
        g, plan, code = layer.geometry, layer.plan, layer.code
        self.vectors = plan.vectors_for(tile.count)
        n, _, row, column = layer.strides
        self.step = n if g.by_sample else column * g.strides[1]
        first = code.sub(code.mul(tile.column, g.strides[1]), g.pads[1])
        first = code.add(first, tile.columns[0] * g.dilations[1])
        at = code.add(code.mul(tile.sample, n), code.mul(first, column))
        at = code.add(at, code.mul(layer.first_word(tile), 4))
        self.x = code.offset(layer.x, at)
        self.x_row = code.sub(code.mul(tile.row, g.strides[0]), g.pads[0])
        self.row_bytes = row
        self.word_bytes = 4 * plan.width
        block_words = g.taps * layer.span
        self.w = code.offset(layer.w, code.mul(tile.block, block_words * self.word_bytes))
        self.mine: list[list[IRValue]] = []
        self.columns = tile.columns[1] - tile.columns[0]
        self.run_words = layer.span * (self.columns if layer.merged else 1)

    # State: per pixel and vector one counter (two when masks are counted), then nonzero counts.

    def sums(self) -> list[IRValue]:
        """Loop over the kernel's rows and finish."""
        settles = self._settles()
        counters = self.tile.pixels * self.vectors * (2 if self.counts_masks else 1)
        empty = self.counter.start(settles)
        self.size = len(empty)
        state = [value for _ in range(counters) for value in empty]
        if self._counts_nonzero():
            state += [I32(0)] * self.tile.pixels
        low, high = self.tile.rows
        self.settles = settles
        if self.columns and self.run_words:
            state = self.code.repeat(low, high, 1, state, self._row)
        return self._finish(state)

    def _counts_nonzero(self) -> bool:
        return self.ternary and not self.counts_masks

    def _settles(self) -> bool:
        """Whether a byte could overflow over all rows of the kernel."""
        if not self.counter.limit:
            return False
        runs = self.layer.geometry.kernel[0] * (1 if self.layer.merged else self.columns)
        calls = runs * -(-self.run_words // self.counter.chunk)
        return calls > self.counter.limit

    def _row(self, ky: Index, state: Sequence[IRValue]) -> Sequence[IRValue]:
        """All taps of one kernel row."""
        g, code, span = self.layer.geometry, self.code, self.layer.span
        y = code.add(self.x_row, code.mul(ky, g.dilations[0]))
        x = code.offset(self.x, code.mul(y, self.row_bytes))
        tap = code.add(code.mul(ky, g.kernel[1]), self.tile.columns[0])
        w = code.offset(self.w, code.mul(tap, span * self.word_bytes))
        if self.layer.merged:
            return self._words(x, w, list(state))
        column_bytes = self.layer.strides[3] * g.dilations[1]

        def column(kx: Index, state: Sequence[IRValue]) -> Sequence[IRValue]:
            return self._words(
                code.offset(x, code.mul(kx, column_bytes)),
                code.offset(w, code.mul(kx, span * self.word_bytes)),
                list(state),
            )

        if self.columns * self.run_words <= 2 * self.counter.chunk:
            for kx in range(self.columns):
                state = column(kx, state)
            return state
        return code.repeat(0, self.columns, 1, state, column)

    def _words(self, x: IRValue, w: IRValue, state: list[IRValue]) -> list[IRValue]:
        """A run of consecutive words, settled before bytes overflow."""
        code, counter = self.code, self.counter
        chunk = counter.chunk
        if not self.settles:
            return self._run(x, w, 0, self.run_words, state)
        part = counter.limit * chunk

        def piece(at: Index, state: Sequence[IRValue]) -> list[IRValue]:
            there = code.offset(x, code.mul(at, 4))
            weights = code.offset(w, code.mul(at, self.word_bytes))
            return self._settle(self._run(there, weights, at, part, list(state)))

        in_parts = self.run_words // part * part
        state = code.repeat(0, in_parts, part, state, piece)
        if in_parts < self.run_words:
            there = code.offset(x, 4 * in_parts)
            weights = code.offset(w, in_parts * self.word_bytes)
            rest = self.run_words - in_parts
            state = self._settle(self._run(there, weights, in_parts, rest, state))
        return state

    def _run(
        self, x: IRValue, w: IRValue, first: Index, words: int, state: list[IRValue]
    ) -> list[IRValue]:
        """``words`` words without overflow: whole chunks in a loop, then the rest."""
        code, chunk = self.code, self.counter.chunk

        def block(at: Index, state: Sequence[IRValue], count: int = chunk) -> list[IRValue]:
            there = code.offset(x, code.mul(at, 4))
            weights = code.offset(w, code.mul(at, self.word_bytes))
            return self._absorb(there, weights, code.add(first, at), count, list(state))

        chunked = words // chunk * chunk
        if chunked <= 2 * chunk:
            for at in range(0, chunked, chunk):
                state = block(at, state)
        else:
            state = code.repeat(0, chunked, chunk, state, block)
        return block(chunked, state, words - chunked) if chunked < words else state

    def _absorb(
        self, x: IRValue, w: IRValue, at: Index, count: int, state: list[IRValue]
    ) -> list[IRValue]:
        """One chunk of words for all pixels and vectors."""
        pixels = range(self.tile.pixels)
        signs = [self._pixel_words(x, p, 0, count) for p in pixels]
        masks: list[list[IRValue]] = []
        if self.ternary:
            plane = 4 * self.layer.pixel_words
            masks = [self._pixel_words(x, p, plane, count) for p in pixels]
            if self._counts_nonzero():
                for p in pixels:
                    self._nonzero(state, p, self.code.offset(x, p * self.step), plane, count)
        weights = self._block_words(w, count)
        mine = self._group_masks(at, count)
        for p in pixels:
            for v in range(self.vectors):
                self._count_words(state, p, v, signs, masks, weights, mine)
        return state

    def _count_words(
        self,
        state: list[IRValue],
        pixel: int,
        v: int,
        signs: list[list[IRValue]],
        masks: list[list[IRValue]],
        weights: list[list[IRValue]],
        mine: list[list[IRValue]],
    ) -> None:
        """Add the mismatches of some words to one sum (and its nonzero inputs to another)."""
        b = self.code.b
        differ: list[IRValue] = []
        inputs: list[IRValue] = []
        for j, weight in enumerate(weights[v]):
            if masks:
                weight = b.and_(weight, masks[pixel][j])
            word = b.xor(signs[pixel][j], weight)
            differ.append(b.and_(word, mine[v][j]) if mine else word)
            if self.counts_masks:
                inputs.append(b.and_(masks[pixel][j], mine[v][j]))
        self._update(state, pixel * self.vectors + v, differ)
        if inputs:
            self._update(state, (self.tile.pixels + pixel) * self.vectors + v, inputs)

    def _vector(self) -> ir.VectorType:
        return vector(I32, self.layer.plan.lanes)

    def _pixel_words(self, x: IRValue, pixel: int, plane: int, count: int) -> list[IRValue]:
        """``count`` words of a pixel, each in all lanes."""
        code, lanes = self.code, self.layer.plan.lanes
        at = code.offset(x, pixel * self.step + plane)
        if count > 1 and not code.target.has.spread_loads:
            # A load of each word would need an addition for its address.
            words = code.load(at, vector(I32, count))
            return [code.shuffle(words, words, [j] * lanes) for j in range(count)]
        return [code.splat(code.load(code.offset(at, 4 * j), I32), lanes) for j in range(count)]

    def _block_words(self, w: IRValue, count: int) -> list[list[IRValue]]:
        """The next words of all vectors of a block, [vectors][words]."""
        code, lanes = self.code, self.layer.plan.lanes
        return [
            [
                code.load(code.offset(w, j * self.word_bytes + 4 * lanes * v), self._vector())
                for j in range(count)
            ]
            for v in range(self.vectors)
        ]

    def _group_masks(self, at: Index, count: int) -> list[list[IRValue]]:
        layer, code = self.layer, self.code
        if layer.mine is None:
            return []
        start = code.mul(code.add(code.mul(self.tile.block, layer.span), at), self.word_bytes)
        return self._block_words(code.offset(layer.mine, start), count)

    def _update(self, state: list[IRValue], number: int, words: list[IRValue]) -> None:
        counts: State = state[number * self.size : (number + 1) * self.size]
        state[number * self.size : (number + 1) * self.size] = self.counter.absorb(counts, words)

    def _nonzero(
        self, state: list[IRValue], pixel: int, x: IRValue, plane: int, count: int
    ) -> None:
        """Count the pixel's nonzero inputs, two words at a time."""
        b, code = self.code.b, self.code
        place = len(state) - self.tile.pixels + pixel
        for j in range(0, count, 2):
            wide = j + 1 < count
            type_ = I64 if wide else I32
            word = b.load(code.offset(x, plane + 4 * j), typ=type_, align=4)
            bits = code.intrinsic(f"llvm.ctpop.i{type_.width}", type_, word)
            state[place] = b.add(state[place], b.trunc(bits, I32) if wide else bits)

    def _settle(self, state: list[IRValue]) -> list[IRValue]:
        extra = self.tile.pixels if self._counts_nonzero() else 0
        counters = (len(state) - extra) // self.size
        out: list[IRValue] = []
        for number in range(counters):
            out += self.counter.settle(state[number * self.size : (number + 1) * self.size])
        return out + state[counters * self.size :]

    def _finish(self, state: list[IRValue]) -> list[IRValue]:
        """dot = inputs - 2 * mismatches."""
        code, b = self.code, self.code.b
        out: list[IRValue] = []
        for pixel in range(self.tile.pixels):
            parts = [self._count(state, pixel * self.vectors + v) for v in range(self.vectors)]
            mismatches = code.concat(parts)
            twice = b.add(mismatches, mismatches)
            if self.counts_masks:
                first = (self.tile.pixels + pixel) * self.vectors
                inputs = code.concat([self._count(state, first + v) for v in range(self.vectors)])
            elif self.ternary:
                count = state[len(state) - self.tile.pixels + pixel]
                inputs = code.splat(count, twice.type.count)
            else:
                inputs = code.splat(self._inputs(), twice.type.count)
            out.append(b.sub(inputs, twice))
        return out

    def _count(self, state: list[IRValue], number: int) -> IRValue:
        return self.counter.finish(state[number * self.size : (number + 1) * self.size])

    def _inputs(self) -> IRValue:
        """Products of a two-valued operand inside the border."""
        low, high = self.tile.rows
        rows = self.code.sub(high, low)
        total = self.code.mul(rows, self.columns * self.layer.geometry.group_channels)
        return I32(total) if isinstance(total, int) else self.code.b.trunc(total, I32)


def _lower(job: Job) -> None:
    op = binary_anchor_of(job.op)
    job.step(tasks(Geometry.of(op)), lambda code: _Kernel(job, code, op).body())


KERNELS = (
    Kernel(KernelDescriptor("binary_conv", BinaryConv, _refuses, _cycles), _lower),
    Kernel(KernelDescriptor("binary_gemm", BinaryGemm, _refuses, _cycles), _lower),
)
