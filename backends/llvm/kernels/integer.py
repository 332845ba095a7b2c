"""Convolution and product of 8-bit integers with weights of 1 to 8 bits: lanes are output channels.

Four inputs of a pixel's window that lie side by side in memory are one 32-bit word, broadcast to
all lanes; each lane holds the four weights of its channel as bytes (0 where there is no input).
What multiplies them is a `_Dot`:

- VPDPBUSD, SDOT: four products into a 32-bit sum, one instruction;
- PMADDUBSW: two products into a 16-bit sum, and an addition; widened before it overflows;
- PMADDWD: the same of bytes widened to 16 bits, where weights are so large that two products
  overflow that sum;
- anything else: 16-bit products of widened bytes (SMLAL).

The first two of x86 want unsigned inputs, SDOT and the last signed ones: the others are shifted by
128 on their way (an exclusive or), and 128 * sum(w) corrects the sum. Bit planes through the
popcount kernel would take 8 times its operations, 24 for what VPDPBUSD does in 8.

There is no padding: the operator `pad` comes before. Any layout of the operand will do: its strides
only decide which inputs are neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Protocol

import numpy as np
from llvmlite import ir

from ....ir import I8 as SIGNED
from ....ir import SIGN, Array, Op, decode
from ....ir.ops import BinaryConv, BinaryGemm, Fused
from ....ir.ops.binary import BYTES, largest_input, magnitude
from ....runtime.weight_packing import in_lanes
from ...codegen.fused_region import bytes_for_bits
from ...codegen.isa import instructions, of_target
from ...codegen.isa.instruction_set import filled
from ...codegen.kernel_builder import I8, I16, I32, Code, Index, IRValue, vector
from ...codegen.kernel_interface import Job, Kernel
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..binary_layer import binary_anchor_of
from ..epilogue import Epilogue
from ..geometry import Geometry
from ..product_layer import Layer
from ..tiles import Plan, Tile, for_tiles, narrowed, refusal, tasks

FOUR = 4
"""Inputs of a word."""
SHIFT = 128
"""Between unsigned and signed bytes, and the largest magnitude of these."""
UNSIGNED = 255
"""The largest unsigned byte."""
I16_MAX = (1 << 15) - 1


class _Dot(Protocol):
    """Sums of four products a lane: a state that `add` updates, `settle` at the latest after
    `_Way.limit` times, and `finish` turns into i32 lanes."""

    def start(self) -> list[IRValue]:
        """An empty sum."""
        ...

    def add(self, state: list[IRValue], x: IRValue, w: IRValue) -> list[IRValue]:
        """Four more products; x and w are bytes."""
        ...

    def settle(self, state: list[IRValue]) -> list[IRValue]:
        """Move narrow sums into wide ones."""
        ...

    def finish(self, state: list[IRValue]) -> IRValue:
        """The settled sums."""
        ...


@dataclass(frozen=True)
class _Way:
    """Which `_Dot` an operator takes on a target, and which operand that gets."""

    name: str
    shift: int
    """What is added to inputs that are of the other signedness than the instructions want."""
    largest: int
    """The largest magnitude of a product of shifted inputs."""

    @classmethod
    def of(cls, op: BinaryConv | BinaryGemm, target: Target) -> _Way:
        """The way of an operator."""
        name: str = target.has.byte_products
        takes_signed = of_target(target).dot_takes_signed
        signed = {"fours": takes_signed, "pairs": False, "singles": True}[name]
        inputs, shift = largest_input(op), 0
        if op.x.element == SIGNED and not signed:
            inputs, shift = min(inputs + SHIFT, UNSIGNED), SHIFT
        elif op.x.element != SIGNED and signed and inputs >= SHIFT:
            inputs, shift = SHIFT, -SHIFT
        largest = inputs * magnitude(op.w.element)
        if name == "pairs" and 2 * largest > I16_MAX:
            name = "wide pairs"
        return cls(name, shift, largest)

    @property
    def limit(self) -> int:
        """How often a state takes products before it is settled."""
        narrow = {"pairs": 2, "singles": 1}.get(self.name)
        return I16_MAX // (narrow * max(1, self.largest)) if narrow else 1 << 20

    def dot(self, code: Code) -> _Dot:
        """What multiplies."""
        kinds = {"fours": _Fours, "pairs": _Pairs, "wide pairs": _WidePairs, "singles": _Singles}
        return kinds[self.name](code)


class _Fours:
    """One instruction for four products."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.type = vector(I32, code.lanes)
        self.instructions = instructions(code)

    def start(self) -> list[IRValue]:
        return [self.type(None)]

    def add(self, state: list[IRValue], x: IRValue, w: IRValue) -> list[IRValue]:
        return [self.instructions.dot_bytes(state[0], x, w)]

    def settle(self, state: list[IRValue]) -> list[IRValue]:
        return state

    def finish(self, state: list[IRValue]) -> IRValue:
        return state[0]


class _Pairs:
    """16-bit sums of pairs of products."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.type = vector(I32, code.lanes)
        self.half = vector(I16, 2 * code.lanes)
        self.instructions = instructions(code)

    def start(self) -> list[IRValue]:
        return [self.half(None), self.type(None)]

    def add(self, state: list[IRValue], x: IRValue, w: IRValue) -> list[IRValue]:
        return [self.code.b.add(state[0], self.instructions.multiply_pairs(x, w)), state[1]]

    def settle(self, state: list[IRValue]) -> list[IRValue]:
        return [self.half(None), self.code.b.add(state[1], self.instructions.add_pairs(state[0]))]

    def finish(self, state: list[IRValue]) -> IRValue:
        return state[1]


class _WidePairs:
    """32-bit sums of pairs of 16-bit products: of a word's even bytes, then of its odd ones."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.type = vector(I32, code.lanes)
        self.half = vector(I16, 2 * code.lanes)
        self.instructions = instructions(code)

    def start(self) -> list[IRValue]:
        return [self.type(None)]

    def add(self, state: list[IRValue], x: IRValue, w: IRValue) -> list[IRValue]:
        b, eight = self.code.b, filled(self.half, 8)
        x, w = b.bitcast(x, self.half), b.bitcast(w, self.half)
        even = b.and_(x, filled(self.half, 0xFF)), b.ashr(b.shl(w, eight), eight)
        odd = b.lshr(x, eight), b.ashr(w, eight)
        total = state[0]
        for pair in (even, odd):
            total = b.add(total, self.instructions.add_products(*pair))
        return [total]

    def settle(self, state: list[IRValue]) -> list[IRValue]:
        return state

    def finish(self, state: list[IRValue]) -> IRValue:
        return state[0]


class _Singles:
    """A 16-bit sum for each of the four inputs."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.type = vector(I32, code.lanes)
        self.wide = vector(I16, 4 * code.lanes)

    def start(self) -> list[IRValue]:
        return [self.wide(None), self.type(None)]

    def add(self, state: list[IRValue], x: IRValue, w: IRValue) -> list[IRValue]:
        b = self.code.b
        products = b.mul(b.sext(x, self.wide), b.sext(w, self.wide))
        return [b.add(state[0], products), state[1]]

    def settle(self, state: list[IRValue]) -> list[IRValue]:
        code, b, count = self.code, self.code.b, self.wide.count
        sums = b.sext(state[0], vector(I32, count))
        parts = [code.shuffle(sums, sums, range(k, count, FOUR)) for k in range(FOUR)]
        total = state[1]
        for part in parts:
            total = b.add(total, part)
        return [self.wide(None), total]

    def finish(self, state: list[IRValue]) -> IRValue:
        return state[1]


def words_of_window(geometry: Geometry, strides: tuple[int, int, int, int]) -> list[_Word]:
    """The words that cover a window, each inside the bytes that the window spans.

    ``strides`` are the bytes from one sample, channel, row and column to the next.
    """
    g = geometry
    _, channel, row, column = strides
    inputs = sorted(
        (c * channel + y * g.dilations[0] * row + x * g.dilations[1] * column, (c, y, x))
        for c, y, x in product(range(g.channels), *map(range, g.kernel))
    )
    end = inputs[-1][0] + 1
    out: list[_Word] = []
    at = 0
    while at < len(inputs):
        start = min(inputs[at][0], end - FOUR)
        first = at
        while at < len(inputs) and inputs[at][0] < start + FOUR:
            at += 1
        out.append(_Word(start, tuple((place - start, tap) for place, tap in inputs[first:at])))
    return out


@dataclass(frozen=True)
class _Word:
    """Four bytes from ``offset`` on, and which of them are which inputs (channel, row, column)."""

    offset: int
    inputs: tuple[tuple[int, tuple[int, int, int]], ...]


class _Layer(Layer[BinaryConv | BinaryGemm]):
    """One product of bytes for one target."""

    @cached_property
    def words(self) -> list[_Word]:
        """What covers the window."""
        return words_of_window(self.geometry, self.strides)

    @cached_property
    def way(self) -> _Way:
        """How products are summed."""
        return _Way.of(self.op, self.code.target)

    @cached_property
    def dot(self) -> _Dot:
        """What sums them."""
        return self.way.dot(self.code)

    @cached_property
    def plan(self) -> Plan:
        """Sums for all registers but those of the weights, the input and temporaries."""
        lanes = self.code.lanes
        vectors, pixels = _blocking(self.code.target, self.op)
        return Plan(lanes, vectors, pixels, self.job.packs, split_groups=False)

    def weights(self, codes: Array) -> Array:
        """[blocks, words, width, 4] of integers."""
        g = self.geometry
        integers = decode(codes, self.op.w.element).astype(np.int8)
        integers = integers.reshape(g.out_channels, g.channels, *g.kernel)
        rows = np.zeros((g.out_channels, len(self.words), FOUR), np.int8)
        for number, word in enumerate(self.words):
            for place, tap in word.inputs:
                rows[:, number, place] = integers[(slice(None), *tap)]
        return in_lanes(rows, self.plan.width).swapaxes(2, 3)

    def body(self) -> None:
        """The whole kernel function."""
        code, weights = self.code, self.constant.map(self.weights)
        self.x = code.pointer(self.job.outer(self.op.x))
        binary = self.op.w.element == SIGN
        self.w = code.own_weights(self.constant, weights) if binary else code.data(weights)
        self.offsets = code.data(np.array([word.offset for word in self.words], np.int64))
        self.start = None
        if shift := self.way.shift:
            self.start = code.data(
                weights.map(lambda w: -shift * w.sum(axis=(1, 3), dtype=np.int32))
            )
        self.region = Epilogue(code, self.job)
        for_tiles(code, self.geometry, self.plan, self._tile)

    def _tile(self, tile: Tile) -> None:
        for pixel, value in enumerate(_Run(self, tile).sums()):
            index = tile.index(self.code, self.geometry, pixel)
            self.region.apply(index, 1, value, tile.count)


class _Run:
    """The inner loop of one tile: state [pixels][vectors] of sums."""

    def __init__(self, layer: _Layer, tile: Tile) -> None:
        self.layer = layer
        self.tile = tile
        self.code = layer.code
        g, plan, code = layer.geometry, layer.plan, layer.code
        self.vectors = plan.vectors_for(tile.count)
        n, _, row, column = layer.strides
        self.step = n if g.by_sample else column * g.strides[1]
        at = code.add(code.mul(tile.sample, n), code.mul(tile.row, g.strides[0] * row))
        at = code.add(at, code.mul(tile.column, g.strides[1] * column))
        self.x = code.offset(layer.x, at)
        self.word_bytes = FOUR * plan.width
        block = len(layer.words) * self.word_bytes
        self.w = code.offset(layer.w, code.mul(tile.block, block))

    def sums(self) -> list[IRValue]:
        """One vector of the block's channels for each pixel."""
        code, layer, dot = self.code, self.layer, self.layer.dot
        empty = dot.start()
        self.size = len(empty)
        state = [v for _ in range(self.tile.pixels * self.vectors) for v in empty]
        count = len(layer.words)
        limit = layer.way.limit
        in_pieces = count // limit * limit

        def piece(first: Index, state: Sequence[IRValue]) -> list[IRValue]:
            return self._settled(self._words(first, code.add(first, limit), state))

        state = code.repeat(0, in_pieces, limit, state, piece)
        if in_pieces < count:
            state = self._settled(self._words(in_pieces, count, state))
        out: list[IRValue] = []
        for pixel in range(self.tile.pixels):
            first = pixel * self.vectors
            parts = [dot.finish(self._sum(state, first + v)) for v in range(self.vectors)]
            out.append(code.concat([self._corrected(p, v) for v, p in enumerate(parts)]))
        return out

    def _sum(self, state: Sequence[IRValue], number: int) -> list[IRValue]:
        return list(state[number * self.size : (number + 1) * self.size])

    def _settled(self, state: Sequence[IRValue]) -> list[IRValue]:
        count = self.tile.pixels * self.vectors
        return [v for i in range(count) for v in self.layer.dot.settle(self._sum(state, i))]

    def _corrected(self, value: IRValue, number: int) -> IRValue:
        layer, code = self.layer, self.code
        if layer.start is None:
            return value
        channel = code.add(code.mul(self.tile.block, layer.plan.width), number * layer.plan.lanes)
        at = code.offset(layer.start, code.mul(channel, 4))
        return code.b.add(value, code.load(at, value.type))

    def _words(self, first: Index, last: Index, state: Sequence[IRValue]) -> list[IRValue]:
        code, layer, lanes = self.code, self.layer, self.layer.plan.lanes
        octets = vector(I8, FOUR * lanes)

        def word(number: Index, state: Sequence[IRValue]) -> list[IRValue]:
            offset = code.load(code.offset(layer.offsets, code.mul(number, 8)), ir.IntType(64))
            here = code.offset(self.x, offset)
            at = code.offset(self.w, code.mul(number, self.word_bytes))
            weights = [
                code.load(code.offset(at, FOUR * lanes * v), octets) for v in range(self.vectors)
            ]
            out: list[IRValue] = []
            for pixel in range(self.tile.pixels):
                x = self._inputs(code.offset(here, pixel * self.step), octets)
                for v in range(self.vectors):
                    sums = self._sum(state, pixel * self.vectors + v)
                    out += layer.dot.add(sums, x, weights[v])
            return out

        return code.repeat(first, last, 1, state, word)

    def _inputs(self, at: IRValue, octets: ir.VectorType) -> IRValue:
        """Four inputs in all lanes, of the signedness that the instructions want. They are shifted
        before they are copied: the other way round, LLVM 22 never ends where there is VBMI."""
        code, lanes = self.code, self.layer.plan.lanes
        word = code.b.load(at, typ=I32, align=1)
        if self.layer.way.shift:
            word = code.b.xor(word, I32(0x80808080))
        return code.b.bitcast(code.splat(word, lanes), octets)


_REGISTERS = {"fours": (1, 2), "pairs": (1, 3), "wide pairs": (1, 5), "singles": (2, 3)}
"""Of a sum while it is added to, and for all sums in between."""
_INSTRUCTIONS = {"fours": 1, "pairs": 2, "wide pairs": 4, "singles": 4}
"""For four products in each lane."""
_SETTLES = {"fours": 0, "pairs": 4, "wide pairs": 0, "singles": 12}
"""To settle a sum that registers have no room for."""


def _blocking(target: Target, op: BinaryConv | BinaryGemm) -> tuple[int, int]:
    """Vectors of channels and pixels of a tile."""
    lanes = target.lanes
    vectors = max(4 if target.registers == 32 else 2, -(-8 // lanes))
    vectors = narrowed(vectors, lanes, op.w.type.concrete(1)[0])
    each, temporaries = _REGISTERS[_Way.of(op, target).name]
    room = target.registers - vectors - temporaries
    return vectors, max(1, min(12, room // (vectors * each)))


def _refuses(op: Op, target: Target) -> str | None:
    anchor = binary_anchor_of(op)
    if anchor.x.element not in BYTES:
        return f"expected an operand of bytes, got {anchor.x!r}"
    if isinstance(anchor, BinaryConv) and (any(anchor.pads) or anchor.groups > 1):
        return "bytes take neither padding nor groups"
    if int(np.prod([d for d in anchor.w.shape[1:] if isinstance(d, int)])) < FOUR:
        return f"a window has at least {FOUR} bytes"
    return refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Two instructions a cycle for four products a lane, half of that without a dot product; words
    that hold fewer inputs are not known before the layout is."""
    assert isinstance(op, Fused)
    anchor = binary_anchor_of(op)
    geometry = Geometry.of(anchor)
    vectors, pixels = _blocking(target, anchor)
    blocks = -(-geometry.out_channels // (vectors * target.lanes))
    words = geometry.channels * geometry.kernel[0] * -(-geometry.kernel[1] // FOUR)
    if isinstance(anchor, BinaryGemm):
        words = -(-geometry.channels // FOUR)
    way = _Way.of(anchor, target)
    each = _INSTRUCTIONS[way.name] + (_SETTLES[way.name] / way.limit if words > way.limit else 0)
    tiles = geometry.out[0] * -(-geometry.out[1] // pixels)
    operations = words * (pixels * vectors * each / 2 + 2) + pixels * vectors * len(op.body.nodes)
    return geometry.samples * tiles * blocks * operations


def _lower(job: Job) -> None:
    op = binary_anchor_of(job.op)
    job.step(tasks(Geometry.of(op)), lambda code: _Layer(job, code, op).body())


def _annotations(choice: Choice) -> tuple[str, ...]:
    return ("largest",)


KERNELS = tuple(
    Kernel(
        KernelDescriptor(
            name, kind, _refuses, _cycles, extra_bytes=bytes_for_bits, annotations=_annotations
        ),
        _lower,
    )
    for name, kind in (("integer_conv", BinaryConv), ("integer_gemm", BinaryGemm))
)
