"""Convolution and product of few bits on a matrix unit: 16 pixels times 16 output channels a step.

The operand is expanded to bytes in scratch memory: signs to +1 and -1, what lies outside of it to
0, which is exact, as are the zeros of ternary operands. There a pixel has its channels in whole
rows of the unit's registers, 64 bytes, and pixels lie such that the inputs of neighbouring outputs
under one tap are neighbours, too: 16 of them are a register, read with the distance of two pixels
as its stride. So a tap is an offset, and there is no im2col. With strides, inputs are sorted by
their remainders (`_Frame`); at the end of each row of outputs lie a few positions that stand for
none, whose sums are dropped.

Weights are bits in the library. A block of 32 output channels has them expanded to registers'
worth of bytes, 4 inputs of 16 channels a row, before all of a chunk's pixels use them; weights of
more than 4 bits are such bytes in the library. Sums of up to 32 positions and 32 channels stay in
four registers while all inputs are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from ....ir import I8 as SIGNED
from ....ir import SIGN, Array, Bits, Element, Layout, Op, Ternary, decode
from ....ir.ops import BinaryConv, BinaryGemm, Fused
from ....ir.ops.binary import BYTES
from ....runtime.matrix_registers import BLOCK, ROW, SIDE, in_registers
from ....runtime.weight_layouts import Registers
from ....runtime.weight_packing import in_words
from ... import cache_traffic
from ...codegen.isa import instructions
from ...codegen.isa.instruction_set import filled
from ...codegen.kernel_builder import I1, I8, I32, I64, Index, IRValue, vector
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..binary_layer import binary_anchor_of
from ..epilogue import Epilogue, channel_blocks
from ..geometry import Geometry
from ..product_layer import Layer
from ..tiles import refusal
from ..views import words_of

REGISTER = SIDE * ROW
"""Bytes of a register."""
SUMS, INPUTS, WEIGHTS = (0, 1, 2, 3), (4, 5), (6, 7)
"""Registers: sums [positions][channels], operands of two tiles each."""


@dataclass(frozen=True)
class _Frame:
    """How the expanded operand of some output rows lies in memory.

    ``strides`` of the window split its inputs into maps by the remainders of their row and column;
    within a map, an output and the next one see neighbouring inputs. Where the output is one pixel,
    outputs are those of samples, and what each sees lies tap by tap.
    """

    geometry: Geometry

    @property
    def depth(self) -> int:
        """Bytes of a pixel: its channels, in whole rows of a register."""
        return -(-self.geometry.channels // ROW) * ROW

    @property
    def _whole(self) -> bool:
        return self.geometry.by_sample

    @cached_property
    def _reach(self) -> tuple[int, int]:
        """Rows and columns of a map beyond those of the first tap."""
        g = self.geometry
        rows, columns = (
            (k - 1) * d // s for k, d, s in zip(g.kernel, g.dilations, g.strides, strict=True)
        )
        return (0, 0) if self._whole else (rows, columns)

    @property
    def flat(self) -> bool:
        """Whether outputs of different samples may follow each other, as no row has a neighbour."""
        return self._reach[0] == 0

    @property
    def pitch(self) -> int:
        """Positions from an output row to the next."""
        return self.geometry.out[1] + self._reach[1]

    @property
    def step(self) -> int:
        """Bytes from a position to the next; one row more than all taps of one, so that the rows of
        a register do not compete for a set of the first-level cache."""
        return self.depth * self.geometry.taps + ROW if self._whole else self.depth

    @cached_property
    def maps(self) -> list[tuple[int, int]]:
        """Remainders of rows and columns that some tap has."""
        g = self.geometry
        if self._whole:
            return [(0, 0)]
        taps = product(range(g.kernel[0]), range(g.kernel[1]))
        return sorted({self._remainder(tap) for tap in taps})

    def _remainder(self, tap: tuple[int, int]) -> tuple[int, int]:
        (y, x), (down, right), (sy, sx) = tap, self.geometry.dilations, self.geometry.strides
        return y * down % sy, x * right % sx

    def map_rows(self, rows: int) -> int:
        """Rows of a map for so many output rows."""
        return rows + self._reach[0]

    def map_bytes(self, rows: int) -> int:
        """Bytes of one map for so many output rows."""
        return self.map_rows(rows) * self.pitch * self.step

    def nbytes(self, rows: int) -> int:
        """Bytes of all maps for so many output rows."""
        return len(self.maps) * self.map_bytes(rows)

    def taps(self, rows: int) -> Array:
        """Offset of each 64 inputs from those of the first: i64 [taps * depth / 64]."""
        g = self.geometry
        first: list[int] = []
        for number, (y, x) in enumerate(product(range(g.kernel[0]), range(g.kernel[1]))):
            if self._whole:
                first.append(number * self.depth)
                continue
            place = self.maps.index(self._remainder((y, x))) * self.map_bytes(rows)
            row, column = y * g.dilations[0] // g.strides[0], x * g.dilations[1] // g.strides[1]
            first.append(place + (row * self.pitch + column) * self.step)
        return np.add.outer(np.array(first), np.arange(0, self.depth, ROW)).reshape(-1)


@dataclass(frozen=True)
class _Plan:
    """How much is expanded at once: ``pieces`` of up to ``rows`` output rows, each of one sample
    unless the frame is flat."""

    frame: _Frame
    rows: int
    pieces: int

    @classmethod
    def of(cls, geometry: Geometry, target: Target) -> _Plan:
        """As many samples, or rows of one, as leave the second-level cache room for weights."""
        frame = _Frame(geometry)
        room = target.l2 // 4
        if frame.flat:
            return cls(frame, max(1, min(room // frame.nbytes(1), _FLAT // frame.pitch + 1)), 1)
        rows = geometry.out[0]
        while rows > 1 and frame.nbytes(rows) > room:
            rows = -(-rows // 2)
        several = room // frame.nbytes(rows) if rows == geometry.out[0] else 1
        return cls(frame, rows, max(1, min(_MOST_PIECES, several)))

    @property
    def in_sample(self) -> int:
        """Pieces of a sample."""
        return -(-self.frame.geometry.out[0] // self.rows)

    @property
    def scratch(self) -> int:
        """Bytes of the expanded operand, and what the last register reads beyond it."""
        beyond = BLOCK * self.frame.step + self.frame.depth
        return self.pieces * self.frame.nbytes(self.rows) + beyond


_FLAT = 4096
"""Positions of a piece of a flat frame: enough to use a block's weights many times."""
_MOST_PIECES = 16
_MOST_PLANES = 4


class _Layer(Layer[BinaryConv | BinaryGemm]):
    """One convolution or product for one target."""

    @cached_property
    def plan(self) -> _Plan:
        """What is expanded at once."""
        return _Plan.of(self.geometry, self.code.target)

    @property
    def frame(self) -> _Frame:
        """How the operand lies when it is expanded."""
        return self.plan.frame

    @property
    def rows(self) -> int:
        """Rows of 64 inputs that a sum has."""
        return self.geometry.taps * self.frame.depth // ROW

    @property
    def levels(self) -> tuple[int, ...]:
        """What the codes of weights stand for that are bits in the library."""
        return _levels(self.op.w.element)

    @property
    def signed(self) -> bool:
        """Whether the expanded operand is."""
        return self.op.x.element not in BYTES or self.op.x.element == SIGNED

    # Weights.

    @cached_property
    def w(self) -> IRValue:
        """Address of the weights: rows of registers, a word for each bit, or bytes."""
        g, code, element = self.geometry, self.code, self.op.w.element
        if element == SIGN:
            return code.weights(self.constant, Registers(g.out_channels, g.channels, g.taps))

        def stored(codes: Array) -> Array:
            shaped = codes.reshape(g.out_channels, g.channels, g.taps)
            if not self.levels:
                return in_registers(decode(shaped, element).astype(np.int8))
            bits = (in_registers(shaped >> bit & 1) for bit in range(self.planes))
            return np.concatenate([in_words(rows, ROW) for rows in bits], axis=-1)

        return code.data(self.constant.map(stored))

    @property
    def planes(self) -> int:
        """Bits of a weight in the library, where it is no byte."""
        return _planes(self.levels)

    # Code.

    def body(self) -> None:
        """The whole kernel function."""
        code, plan = self.code, self.plan
        unit = self.unit = instructions(code).matrix_unit()
        self.x = code.pointer(self.job.outer(self.op.x))
        self.taps = code.data(self.frame.taps(plan.rows))
        self.expanded = code.scratch(plan.scratch)
        self.sums = code.scratch(4 * BLOCK * BLOCK)
        self.unpacked = code.scratch(2 * self.rows * REGISTER) if self.levels else None
        self.region = Epilogue(code, self.job)
        unit.take(code.data(np.frombuffer(unit.shapes, np.uint8)))
        first, last = self._piece_of(code.begin), self._piece_of(code.sub(code.end, 1))
        with code.loop(first, code.add(last, 1), plan.pieces) as piece:
            end = code.min(code.add(piece, plan.pieces), code.add(last, 1))
            self._chunk(piece, end)
        unit.leave()

    def _piece_of(self, task: Index) -> Index:
        """The piece that a task, an output row, belongs to."""
        code, plan = self.code, self.plan
        if self.frame.flat:
            return code.divide(task, plan.rows)[0]
        sample, row = code.divide(task, self.geometry.out[0])
        piece, _ = code.divide(row, plan.rows)
        return code.add(code.mul(sample, plan.in_sample), piece)

    def _tasks_of(self, piece: Index) -> tuple[Index, Index]:
        """The first task of a piece and the one past its last, of those to be done."""
        code, plan, height = self.code, self.plan, self.geometry.out[0]
        if self.frame.flat:
            first = code.mul(piece, plan.rows)
            last = code.add(first, plan.rows)
        else:
            sample, part = code.divide(piece, plan.in_sample)
            start, row = code.mul(sample, height), code.mul(part, plan.rows)
            first = code.add(start, row)
            last = code.add(start, code.min(code.add(row, plan.rows), height))
        return code.max(first, code.begin), code.min(last, code.end)

    def _chunk(self, first: Index, last: Index) -> None:
        """Expand the pieces first .. last-1; then, for each block of channels, its weights."""
        code, g = self.code, self.geometry
        size = self.frame.nbytes(self.plan.rows)

        def memory(piece: Index) -> IRValue:
            return code.offset(self.expanded, code.mul(code.sub(piece, first), size))

        with code.loop(first, last) as piece:
            begin, end = self._tasks_of(piece)
            _Expansion(self, begin, end, memory(piece)).write()

        def block(channel: Index, count: int) -> None:
            number, _ = code.divide(channel, BLOCK)
            weights = self._weights(number)
            with code.loop(first, last) as piece:
                _Block(self, channel, count, weights).add(*self._tasks_of(piece), memory(piece))

        channel_blocks(code, g.out_channels, BLOCK, block, packs=self.job.packs)

    def _weights(self, block: Index) -> IRValue:
        """Address of a block's weights as bytes."""
        code, lines = self.code, 2 * self.rows * SIDE
        if self.unpacked is None:
            return code.offset(self.w, code.mul(block, lines * ROW))
        size = 8 * self.planes
        source = code.offset(self.w, code.mul(block, lines * size))
        with code.loop(0, lines) as line:
            at = code.offset(source, code.mul(line, size))
            words = [code.load(code.offset(at, 8 * bit), I64) for bit in range(self.planes)]
            value = self.bytes_of(self.levels, words)
            code.store(value, code.offset(self.unpacked, code.mul(line, ROW)))
        return self.unpacked

    def bytes_of(self, levels: Sequence[int], words: Sequence[IRValue]) -> IRValue:
        """Levels by codes, whose bits are those of the words."""
        b, octets = self.code.b, vector(I8, ROW)
        if not words:
            return filled(octets, levels[0])
        *lower, highest = words
        half = len(levels) // 2
        low, high = (self.bytes_of(part, lower) for part in (levels[:half], levels[half:]))
        return b.select(b.bitcast(highest, vector(I1, ROW)), high, low)


@dataclass
class _Expansion:
    """Writes the bytes of the output rows ``first`` .. ``last``-1 to ``memory``."""

    layer: _Layer
    first: Index
    last: Index
    memory: IRValue

    def write(self) -> None:
        """All maps, one row of pixels after another."""
        layer, code, g = self.layer, self.layer.code, self.layer.geometry
        frame = layer.frame
        if g.by_sample:
            with code.loop(self.first, self.last) as sample:
                at = code.offset(self.memory, code.mul(code.sub(sample, self.first), frame.step))
                for row in range(g.kernel[0]):
                    start = code.offset(at, row * g.kernel[1] * frame.depth)
                    self._row(sample, row * g.dilations[0], 0, start, g.kernel[1], g.dilations[1])
            return
        beyond = frame.map_rows(0)
        for number, (down, right) in enumerate(frame.maps):
            start = code.offset(self.memory, number * frame.map_bytes(layer.plan.rows))
            with code.loop(self.first, code.add(self.last, beyond)) as task:
                at = code.mul(code.sub(task, self.first), frame.pitch * frame.depth)
                if frame.flat:
                    sample, row = code.divide(task, g.out[0])
                else:
                    sample, _ = code.divide(self.first, g.out[0])
                    row = code.sub(task, code.mul(sample, g.out[0]))
                top = code.add(code.mul(row, g.strides[0]), down)
                self._row(sample, top, right, code.offset(start, at), frame.pitch, g.strides[1])

    def _row(
        self, sample: Index, top: Index, left: int, at: IRValue, count: int, step: int
    ) -> None:
        """``count`` pixels from the padded operand's row ``top`` and column ``left`` on, ``step``
        columns apart; 0 where there are none."""
        code, g, depth = self.layer.code, self.layer.geometry, self.layer.frame.depth
        _, _, high, wide = self.layer.strides
        n = self.layer.strides[0]
        column = left - g.pads[1]
        low = min(count, max(0, -(column // step)))
        end = max(low, min(count, -((column - g.size[1]) // step)))
        row = code.sub(top, g.pads[0])

        def inside() -> None:
            start = code.add(code.mul(sample, n), code.mul(row, high))
            source = code.offset(self.layer.x, code.add(start, (column + low * step) * wide))
            self._zeros(at, low)
            with code.loop(0, end - low) as pixel:
                to = code.offset(at, code.add(code.mul(pixel, depth), low * depth))
                self._pixel(code.offset(source, code.mul(pixel, step * wide)), to)
            self._zeros(code.offset(at, end * depth), count - end)

        if not g.padded and self.layer.frame.map_rows(0) == 0:
            inside()
            return
        b = code.b
        there = b.and_(
            b.icmp_signed(">=", code.index(row), I64(0)),
            b.icmp_signed("<", code.index(row), I64(g.size[0])),
        )
        code.either(there, inside, lambda: self._zeros(at, count))

    def _zeros(self, at: IRValue, pixels: int) -> None:
        code, zero = self.layer.code, vector(I8, ROW)(None)
        lines = pixels * self.layer.frame.depth // ROW
        if 0 < lines <= 4:
            for line in range(lines):
                code.store(zero, code.offset(at, line * ROW))
        elif lines:
            with code.loop(0, lines) as line:
                code.store(zero, code.offset(at, code.mul(line, ROW)))

    def _pixel(self, source: IRValue, to: IRValue) -> None:
        """All channels of one pixel."""
        code, layer = self.layer.code, self.layer
        channels = layer.geometry.channels
        full, rest = divmod(channels, ROW)
        with code.loop(0, full) as line:
            code.store(self._channels(source, line, ROW), code.offset(to, code.mul(line, ROW)))
        if rest:
            code.store(self._channels(source, full, rest), code.offset(to, full * ROW))

    def _channels(self, source: IRValue, line: Index, count: int) -> IRValue:
        """The first ``count`` of the 64 channels from 64 * ``line`` on as bytes, the others 0."""
        layer, code, b = self.layer, self.layer.code, self.layer.code.b
        x = layer.op.x
        octets = vector(I8, ROW)
        if x.element in BYTES:
            return code.load_lanes(code.offset(source, code.mul(line, ROW)), I8, ROW, count)
        at = code.offset(source, code.mul(line, 8))
        signs = layer.bytes_of((-1, 1), [code.load(at, I64)])
        if isinstance(x.element, Ternary):
            mask = code.load(code.offset(at, 8 * words_of(x.type)), I64)
        elif count < ROW:
            mask = I64((1 << count) - 1)
        else:
            return signs
        return b.select(b.bitcast(mask, vector(I1, ROW)), signs, octets(None))


@dataclass
class _Block:
    """Sums of up to 32 output channels."""

    layer: _Layer
    channel: Index
    count: int
    weights: IRValue

    @property
    def sides(self) -> int:
        """Registers of channels."""
        return -(-self.count // SIDE)

    def add(self, first: Index, last: Index, memory: IRValue) -> None:
        """The outputs of the rows ``first`` .. ``last``-1."""
        code, frame = self.layer.code, self.layer.frame
        unused = frame.pitch - self.layer.geometry.out[1]
        positions = code.sub(code.mul(code.sub(last, first), frame.pitch), unused)
        twice = code.mul(code.divide(code.add(positions, SIDE - 1), BLOCK)[0], BLOCK)
        with code.loop(0, twice, BLOCK) as position:
            self._positions(first, position, positions, memory, 2)
        with code.when(code.b.icmp_signed("<", code.index(twice), code.index(positions))):
            self._positions(first, twice, positions, memory, 1)

    def _positions(
        self, first: Index, position: Index, end: Index, memory: IRValue, tiles: int
    ) -> None:
        """Outputs of up to 16 * ``tiles`` positions."""
        code, layer = self.layer.code, self.layer
        unit, step = layer.unit, layer.frame.step
        pairs = [
            (SUMS[2 * i + j], INPUTS[i], WEIGHTS[j])
            for i in range(tiles)
            for j in range(self.sides)
        ]
        for total, _, _ in pairs:
            unit.clear(total)
        inputs = code.offset(memory, code.mul(position, step))
        with code.loop(0, layer.rows) as row:
            offset = code.load(code.offset(layer.taps, code.mul(row, 8)), I64)
            here = code.offset(inputs, offset)
            there = code.offset(self.weights, code.mul(row, REGISTER))
            for i in range(tiles):
                unit.load(INPUTS[i], code.offset(here, i * SIDE * step), I64(step))
            for j in range(self.sides):
                at = code.offset(there, j * layer.rows * REGISTER)
                unit.load(WEIGHTS[j], at, I64(ROW))
            for numbers in pairs:
                unit.add_products(*numbers, layer.signed)
        for total, i, j in pairs:
            place = (i - INPUTS[0]) * SIDE * 4 * BLOCK + (j - WEIGHTS[0]) * ROW
            unit.store(total, code.offset(layer.sums, place), I64(4 * BLOCK))
        self._results(first, position, code.min(code.add(position, SIDE * tiles), end))

    def _results(self, first: Index, start: Index, end: Index) -> None:
        """Hand the sums of the positions ``start`` .. ``end``-1 to the epilogue, but of those that
        are no output."""
        code, layer = self.layer.code, self.layer
        g, pitch = layer.geometry, layer.frame.pitch
        if g.by_sample:
            with code.loop(start, end) as at:
                self._result(code.sub(at, start), code.add(first, at), 0, 0)
            return
        row, _ = code.divide(start, pitch)
        beyond, _ = code.divide(code.add(end, pitch - 1), pitch)
        with code.loop(row, beyond) as row:
            sample, y = code.divide(code.add(first, row), g.out[0])
            begin = code.mul(row, pitch)
            inside = code.min(code.add(begin, g.out[1]), end)
            with code.loop(code.max(begin, start), inside) as at:
                self._result(code.sub(at, start), sample, y, code.sub(at, begin))

    def _result(self, number: Index, sample: Index, row: Index, column: Index) -> None:
        """Hand over one position's sums."""
        code, layer = self.layer.code, self.layer
        at = code.offset(layer.sums, code.mul(number, 4 * BLOCK))
        sums = code.load(at, vector(I32, SIDE * self.sides))
        index = layer.geometry.index(sample, self.channel, row, column)
        layer.region.apply(index, 1, sums, self.count)


def _refuses(op: Op, target: Target) -> str | None:
    anchor = binary_anchor_of(op)
    if not target.has.matrix_unit:
        return f"{target.name} has no matrix unit"
    if anchor.x.element in BYTES:
        if anchor.x.type.rank > 2 and anchor.x.type.layout is not Layout.CHANNELS_LAST:
            return f"expected an operand with channels last, got {anchor.x!r}"
    elif anchor.x.type.layout is not Layout.WORDS:
        return f"expected an operand in words, got {anchor.x!r}"
    if Geometry.of(anchor).groups > 1:
        return "a matrix unit multiplies all channels"
    return refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """16 cycles a product of two registers; what follows sums, expanded weights and inputs as a
    sketch of 3x3 layers has measured on Sapphire Rapids."""
    assert isinstance(op, Fused)
    anchor = binary_anchor_of(op)
    geometry = Geometry.of(anchor)
    plan = _Plan.of(geometry, target)
    frame = plan.frame
    rows = geometry.taps * frame.depth // ROW
    pieces = geometry.samples * plan.in_sample
    positions = min(plan.rows, geometry.out[0]) * frame.pitch
    if frame.flat:
        outputs = geometry.samples * geometry.out[0]
        pieces = -(-outputs // plan.rows)
        positions = min(plan.rows, outputs) * frame.pitch
    sides = -(-geometry.out_channels // SIDE)
    tiles = -(-positions // SIDE)
    products = pieces * tiles * sides * (16.0 * rows + 40 + 15 * len(op.body.nodes))
    chunks = -(-pieces // plan.pieces)
    levels = len(_levels(anchor.w.element))
    expanded = chunks * sides * rows * SIDE * (1.5 + levels / 2 if levels else 0)
    inputs = pieces * frame.nbytes(plan.rows) / ROW * 2
    arriving = cache_traffic.weights(_bytes_of_weights(anchor))
    return max(products + expanded, arriving) + inputs


def _extra_bytes(op: Op, target: Target, choice: Choice) -> int:
    """Weights of many levels are bytes; channels fill registers."""
    anchor = binary_anchor_of(op)
    w = anchor.w.type
    planes = w.element.planes if isinstance(w.element, Bits) else 8
    return _bytes_of_weights(anchor) - w.elements_per_sample() * planes // 8


def _bytes_of_weights(anchor: BinaryConv | BinaryGemm) -> int:
    geometry = Geometry.of(anchor)
    channels = -(-geometry.out_channels // BLOCK) * BLOCK
    planes = _planes(_levels(anchor.w.element)) or 8
    return channels * geometry.taps * _Frame(geometry).depth * planes // 8


def _levels(element: Element) -> tuple[int, ...]:
    """What codes of up to 4 bits stand for; empty for elements that are stored as bytes."""
    if not isinstance(element, Bits) or element.planes > _MOST_PLANES:
        return ()
    return tuple(int(value) for value in element.values)


def _planes(levels: Sequence[int]) -> int:
    """Bits of the codes of some levels; 0 where there are none."""
    return max(0, len(levels) - 1).bit_length()


def _lower(job: Job) -> None:
    op = binary_anchor_of(job.op)
    geometry = Geometry.of(op)
    rows = Extent.of(geometry.batch, geometry.out[0])
    job.step(rows, lambda code: _Layer(job, code, op).body())


KERNELS = tuple(
    Kernel(KernelDescriptor(name, kind, _refuses, _cycles, extra_bytes=_extra_bytes), _lower)
    for name, kind in (("binary_conv_matrix", BinaryConv), ("binary_gemm_matrix", BinaryGemm))
)
