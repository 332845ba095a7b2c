"""Product of 8-bit integers with weights of at most 4 levels, four output channels to a byte.

Bits 2f and 2f + 1 of a byte are the *field* f: the code 0 .. 3 of one weight, w = least + step *
code. Four bytes side by side are four inputs of a lane's four channels; a mask leaves one field of
each, which the instruction that multiplies bytes takes as it is, 4^f times too large:

    sum_k w[k] * x[k]  =  step * (sum_k 4^f code[k] * x[k]) / 4^f  +  least * sum_k x[k]

So a weight is 2 bits in the library and in memory, and one instruction unpacks a vector of them.
With few rows weights are read once from memory for little work, which is what this is for; rows of
a tile share them. Inputs are signed; unsigned ones are shifted by 128 (an exclusive or), and 128 *
sum(w) corrects the sum.

PMADDUBSW adds two products in 16 bits: there, fields 2 and 3 are shifted down to fields 0 and 1
first, whose sums are widened before they overflow. SDOT takes no unsigned bytes, so that field 3 is
shifted down to field 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ....ir import I8 as SIGNED
from ....ir import I32 as INT32
from ....ir import SIGN, Array, Bits, Element, Op, decode
from ....ir.ops import BinaryGemm, Fused
from ....ir.ops.binary import BYTES, I32_MAX
from ....runtime.weight_packing import in_lanes
from ... import cache_traffic
from ...codegen.isa import instructions
from ...codegen.isa.instruction_set import filled
from ...codegen.kernel_builder import I8, I16, I32, Index, IRValue, vector
from ...codegen.kernel_interface import Job, Kernel
from ...codegen.reductions import Sum
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..binary_layer import binary_anchor_of
from ..epilogue import Epilogue
from ..geometry import Geometry
from ..product_layer import Layer
from ..tiles import Plan, Tile, for_tiles, refusal, tasks
from .reduce import across

FOUR = 4
"""Inputs of a word, and fields of a byte."""
SHIFT = 128
"""What makes unsigned bytes signed, and the largest magnitude of these."""
_PAIRS_LIMIT = ((1 << 15) - 1) // (2 * SHIFT * 3 * 4)
"""How many sums of two products, of the codes of fields 0 and 1, a 16-bit lane holds."""


class Levels(NamedTuple):
    """Weights of few levels: least + step * code."""

    least: int
    step: int
    most: int
    """The largest code."""

    @classmethod
    def of(cls, element: Element) -> Levels | None:
        """The levels of an element of bits, or None where a field does not hold them."""
        if not isinstance(element, Bits):
            return None
        values = sorted({int(v) for v in element.values})
        least = values[0]
        step = math.gcd(*(v - least for v in values[1:])) or 1
        most = (values[-1] - least) // step
        return cls(least, step, most) if most < FOUR else None


class _Field(NamedTuple):
    """One of four weights of a byte: ``(byte >> shift) & mask`` is ``factor`` times its code, the
    bytes shifted two at a time."""

    shift: int
    mask: int
    factor: int


_IN_PLACE = tuple(_Field(0, 3 << 2 * f, 1 << 2 * f) for f in range(FOUR))
_BELOW_128 = (*_IN_PLACE[:3], _Field(6, 3, 1))
_LOW_TWICE = (*_IN_PLACE[:2], *(_Field(4, mask, factor) for _, mask, factor in _IN_PLACE[:2]))


class _Layer(Layer[BinaryGemm]):
    """One product for one target."""

    @cached_property
    def plan(self) -> Plan:
        """A vector of channels for each field."""
        pixels = _rows(self.code.target)
        return Plan(self.code.lanes, FOUR, pixels, self.job.packs, split_groups=False)

    @cached_property
    def levels(self) -> Levels:
        """Of the weights."""
        levels = Levels.of(self.op.w.element)
        assert levels is not None
        return levels

    @cached_property
    def fields(self) -> tuple[_Field, ...]:
        """How weights are unpacked."""
        if self.code.target.has.byte_products == "pairs":
            return _LOW_TWICE
        return _BELOW_128 if instructions(self.code).dot_takes_signed else _IN_PLACE

    @property
    def words(self) -> int:
        """Words of four inputs."""
        return self.geometry.channels // FOUR

    def packed(self, codes: Array) -> Array:
        """[blocks, words, lanes, 4] bytes of four fields."""
        least, step, _ = self.levels
        integers = decode(codes, self.op.w.element).astype(np.int32)
        rows = ((integers - least) // step).astype(np.uint8)
        rows = rows.reshape(len(rows), self.words, FOUR)
        blocks = in_lanes(rows, self.plan.width).swapaxes(2, 3)
        fields = blocks.reshape(*blocks.shape[:2], FOUR, self.plan.lanes, FOUR)
        shifts = np.array([0, 2, 4, 6], np.uint8)[:, None, None]
        return (fields << shifts).sum(2, dtype=np.uint8)

    def corrections(self, codes: Array) -> Array:
        """[blocks, width]: what the shift of unsigned inputs takes from each channel's sum."""
        sums = decode(codes, self.op.w.element).astype(np.int32).sum(1, dtype=np.int32)
        return in_lanes(SHIFT * sums, self.plan.width)

    def body(self) -> None:
        """The whole kernel function."""
        code, weights = self.code, self.constant.map(self.packed)
        self.x = code.pointer(self.job.outer(self.op.x))
        binary = self.op.w.element == SIGN
        self.w = code.own_weights(self.constant, weights) if binary else code.data(weights)
        self.start = None
        if self.op.x.element != SIGNED:
            self.start = code.data(self.constant.map(self.corrections))
        self.region = Epilogue(code, self.job)
        for_tiles(code, self.geometry, self.plan, self._tile)

    def _tile(self, tile: Tile) -> None:
        for pixel, value in enumerate(_Run(self, tile).sums()):
            self.region.apply(tile.index(self.code, self.geometry, pixel), 1, value, tile.count)


class _Run:
    """The inner loop of one tile: state [rows][fields] of sums."""

    def __init__(self, layer: _Layer, tile: Tile) -> None:
        self.layer = layer
        self.tile = tile
        self.code = code = layer.code
        self.octets = vector(I8, FOUR * code.lanes)
        self.narrow = code.target.has.byte_products == "pairs"
        self.vectors = layer.plan.vectors_for(tile.count)
        row = layer.strides[0]
        first = code.offset(layer.x, code.mul(tile.sample, row))
        self.rows = [code.offset(first, pixel * row) for pixel in range(tile.pixels)]
        self.block_bytes = FOUR * code.lanes
        self.w = code.offset(layer.w, code.mul(tile.block, layer.words * self.block_bytes))

    def sums(self) -> list[IRValue]:
        """One vector of the block's channels for each row."""
        code, layer = self.code, self.layer
        least, step, _ = layer.levels
        totals = self._products()
        out: list[IRValue] = []
        for number, row in enumerate(self.rows):
            rest = None
            if least:
                rest = code.splat(code.b.mul(self._sum_of(row), I32(least)), code.lanes)
            parts: list[IRValue] = []
            for f, field in enumerate(layer.fields[: self.vectors]):
                part = totals[number * self.vectors + f]
                if field.factor > 1:
                    part = code.b.ashr(part, filled(part.type, field.factor.bit_length() - 1))
                if step > 1:
                    part = code.b.mul(part, filled(part.type, step))
                if rest is not None:
                    part = code.b.add(part, rest)
                if layer.start is not None:
                    channel = code.add(code.mul(self.tile.block, layer.plan.width), f * code.lanes)
                    at = code.offset(layer.start, code.mul(channel, 4))
                    part = code.b.add(part, code.load(at, part.type))
                parts.append(part)
            out.append(code.concat(parts))
        return out

    def _products(self) -> list[IRValue]:
        """32-bit sums of field times input, [rows][fields]."""
        code, words = self.code, self.layer.words
        count = len(self.rows) * self.vectors
        state = [vector(I32, code.lanes)(None) for _ in range(count)]
        if not self.narrow:
            return list(code.repeat(0, words, 1, state, self._word))
        settled = words // _PAIRS_LIMIT * _PAIRS_LIMIT

        def piece(first: Index, state: Sequence[IRValue]) -> list[IRValue]:
            return self._widened(first, code.add(first, _PAIRS_LIMIT), state)

        state = code.repeat(0, settled, _PAIRS_LIMIT, state, piece)
        return self._widened(settled, words, state) if settled < words else list(state)

    def _widened(self, first: Index, last: Index, state: Sequence[IRValue]) -> list[IRValue]:
        """The sums and those of a few words, which 16 bits hold."""
        code = self.code
        narrow = [vector(I16, 2 * code.lanes)(None) for _ in state]
        narrow = code.repeat(first, last, 1, narrow, self._word)
        wide = map(instructions(code).add_pairs, narrow)
        return [code.b.add(total, part) for total, part in zip(state, wide, strict=True)]

    def _word(self, number: Index, state: Sequence[IRValue]) -> list[IRValue]:
        code = self.code
        packed = code.load(
            code.offset(self.w, code.mul(number, self.block_bytes)), vector(I16, 2 * code.lanes)
        )
        shifted: dict[int, IRValue] = {0: packed}
        fields: list[IRValue] = []
        for shift, mask, _ in self.layer.fields[: self.vectors]:
            if shift not in shifted:
                shifted[shift] = code.b.lshr(packed, filled(packed.type, shift))
            octets = code.b.bitcast(shifted[shift], self.octets)
            fields.append(code.b.and_(octets, filled(self.octets, mask)))
        out: list[IRValue] = []
        for row in self.rows:
            place = code.offset(row, code.mul(number, FOUR))
            word = self._signed(code.b.load(place, typ=I32, align=1))
            x = code.b.bitcast(code.splat(word, code.lanes), self.octets)
            out += [self._add(state[len(out) + f], field, x) for f, field in enumerate(fields)]
        return out

    def _add(self, total: IRValue, field: IRValue, x: IRValue) -> IRValue:
        """A sum and the products of unsigned fields and signed inputs."""
        isa = instructions(self.code)
        if self.narrow:
            return self.code.b.add(total, isa.multiply_pairs(field, x))
        return isa.dot_bytes(total, field, x)

    def _sum_of(self, row: IRValue) -> IRValue:
        """The sum of a row's inputs as one integer."""
        code = self.code
        width = FOUR * code.lanes
        in_vectors = self.layer.geometry.channels // width * width
        ones = filled(self.octets, 1)

        def absorb(total: IRValue, x: IRValue) -> IRValue:
            if not self.narrow:
                return instructions(code).dot_bytes(total, ones, x)
            isa = instructions(code)
            return code.b.add(total, isa.add_pairs(isa.multiply_pairs(ones, x)))

        def step(at: Index, state: Sequence[IRValue]) -> list[IRValue]:
            x = code.b.load(code.offset(row, at), typ=self.octets, align=1)
            return [absorb(state[0], self._signed(x))]

        def last(at: Index, state: Sequence[IRValue]) -> list[IRValue]:
            word = self._signed(code.b.load(code.offset(row, at), typ=I32, align=1))
            one = code.b.insert_element(vector(I32, code.lanes)(None), word, I32(0))
            return [absorb(state[0], code.b.bitcast(one, self.octets))]

        state: Sequence[IRValue] = [vector(I32, code.lanes)(None)]
        state = code.repeat(0, in_vectors, width, state, step)
        state = code.repeat(in_vectors, self.layer.geometry.channels, FOUR, state, last)
        return code.b.extract_element(across(code, Sum(INT32), state[0]), I32(0))

    def _signed(self, x: IRValue) -> IRValue:
        """Inputs, less 128 where they are unsigned."""
        if self.layer.start is None:
            return x
        flips = I32(0x80808080) if x.type == I32 else filled(x.type, 0x80)
        return self.code.b.xor(x, flips)


def _rows(target: Target) -> int:
    """Rows of a tile: four sums each, and with pairs as many narrow ones."""
    return 4 if target.registers == 32 else 2


def _refuses(op: Op, target: Target) -> str | None:
    anchor = binary_anchor_of(op)
    if anchor.x.element not in BYTES:
        return f"expected an operand of bytes, got {anchor.x!r}"
    if target.has.byte_products == "singles":
        return f"{target.name} multiplies no bytes"
    levels = Levels.of(anchor.w.element)
    if levels is None:
        return f"a field holds {FOUR} levels, not those of {anchor.w!r}"
    inputs = Geometry.of(anchor).channels
    if inputs % FOUR:
        return f"inputs come in words of {FOUR}, got {inputs}"
    if inputs * SHIFT * levels.most * _IN_PLACE[-1].factor > I32_MAX:
        return f"sums of {inputs} inputs may exceed i32"
    return refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Two instructions a cycle: a load, masks and shifts for all rows of a tile, a product for each
    field and row, with pairs an addition too. At few rows weights arrive more slowly."""
    assert isinstance(op, Fused)
    anchor = binary_anchor_of(op)
    geometry = Geometry.of(anchor)
    blocks = -(-geometry.out_channels // (FOUR * target.lanes))
    rows = _rows(target)
    tiles = -(-geometry.samples // rows)
    each = FOUR * (2 if target.has.byte_products == "pairs" else 1) + 1
    word = (FOUR + 2) * tiles + geometry.samples * each
    words = geometry.channels // FOUR * blocks
    memory = words * FOUR * target.lanes / cache_traffic.LINE * cache_traffic.COLD
    products = max(words * word / 2, memory)
    return products + geometry.samples * blocks * FOUR * len(op.body.nodes)


def _extra_bytes(op: Op, target: Target, choice: Choice) -> int:
    """What it adds to store a bit as a field."""
    w = binary_anchor_of(op).w
    weights = w.type.elements_per_sample()
    assert isinstance(w.element, Bits)
    return weights // FOUR - weights * w.element.planes // 8


def _lower(job: Job) -> None:
    op = binary_anchor_of(job.op)
    assert isinstance(op, BinaryGemm)
    job.step(tasks(Geometry.of(op)), lambda code: _Layer(job, code, op).body())


KERNELS = (
    Kernel(
        KernelDescriptor(
            "integer_gemm_fields", BinaryGemm, _refuses, _cycles, extra_bytes=_extra_bytes
        ),
        _lower,
    ),
)
