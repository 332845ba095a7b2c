"""Binary convolution and product on packed words: exclusive or, and a count of ones.

Where vectors count the ones of 32-bit lanes, a lane takes 32 inputs at a time. Elsewhere lanes are
bytes: counts of up to 31 bytes stay below 256 and are added in bytes ("counts"), their sums in
16-bit lanes as far as these reach. The border of the operand counts as -1 (a ternary's as 0); what
that adds is known for each border class and taken off at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ....ir import Array, Layout, Op, Ternary
from ....ir.ops import BinaryConv, BinaryGemm, Fused
from ....ir.ops.window_axis import border_classes, joint, window_axes
from ....ir.types import WORD_BITS
from ....runtime.weight_packing import in_words
from ...codegen.fused_region import anchor_of
from ...codegen.kernel_builder import I32
from ...codegen.kernel_interface import Job
from ...interface import Choice
from ...targets import Target
from ..expressions import Term
from ..product_blocks import COUNTS, KNOBS, Layer, border, refusal, tiles
from ..program import Buffer, Program
from ..schedules import has_block, in_registers, moved
from ..tensor_kernel import Knobs, Schedule, kernel_of
from ..tir import T, tirx
from ..window_operand import Read, Source

_NONZERO = "nonzero"
_MOST_BYTES = 31
"""Bytes whose ones a byte can count."""


def unit_bits(target: Target) -> int:
    """Inputs that a lane takes at a time."""
    return 32 if target.has.popcount == "dword" else 8


def widest(target: Target) -> int:
    """Lanes of a vector of such units."""
    return target.vector_bits // unit_bits(target)


@dataclass(frozen=True)
class Chunks:
    """Axes in two parts: those over chunks, at least one, and those of what is counted at once. One
    may be on both sides."""

    outer: tuple[int, ...]
    inner: tuple[int, ...]
    single: bool = False
    """Whether there is one chunk, with an axis of its own."""
    shared: bool = False
    """Whether the last outer axis and the inner one are parts of one."""

    @classmethod
    def of(cls, sizes: Sequence[int], most: int) -> Chunks:
        """Chunks of at most ``most`` elements."""
        outer, inner = list(sizes), list[int]()
        while outer and math.prod(inner) * outer[-1] <= most:
            inner.insert(0, outer.pop())
        if not outer:
            return cls((1,), tuple(inner), single=True)
        if inner:
            return cls(tuple(outer), tuple(inner))
        part = max(d for d in range(1, most + 1) if outer[-1] % d == 0)
        return cls((*outer[:-1], outer[-1] // part), (part,), shared=True)

    def place(self, at: Sequence[Any]) -> list[Any]:
        """The position on the original axes of one on the axes of both parts."""
        if self.shared:
            return [*at[:-2], at[-2] * self.inner[0] + at[-1]]
        return [*at[self.single :]]


@dataclass(frozen=True)
class Binary:
    """A binary product whose operand is in words."""

    layer: Layer

    @property
    def program(self) -> Program:
        """The function."""
        return self.layer.program

    @cached_property
    def bits(self) -> int:
        """Inputs of a unit."""
        return unit_bits(self.layer.job.target)

    @property
    def counted(self) -> bool:
        """Whether bytes count first."""
        return self.bits == 8

    @property
    def ternary(self) -> bool:
        """Whether the operand has a mask."""
        return isinstance(self.layer.op.x.element, Ternary)

    @property
    def plane(self) -> int:
        """Units of a plane of a pixel."""
        channels = self.layer.op.x.type.concrete(1)[1]
        return -(-channels // WORD_BITS) * (WORD_BITS // self.bits)

    @cached_property
    def units(self) -> int:
        """Units of a group that are read at each tap."""
        needed = -(-self.layer.group_channels // self.bits)
        return self.plane if self.layer.groups == 1 and needed > _MOST_BYTES else needed

    def packed(self, weights: Array) -> Array:
        """The weights in units, [O, taps.., units]."""
        signs, bits = np.moveaxis(weights, 1, -1), self.bits
        room = self.units * bits - signs.shape[-1]
        padded = np.pad(signs, [*[(0, 0)] * (signs.ndim - 1), (0, room)])
        return in_words(padded, bits)

    def source(self) -> Source:
        """The operand in units."""
        op = self.layer.op
        units = self.program.units(self.layer.job.outer(op.x), self.bits)
        # Only of the sign plane, as many units as are read.
        elements = 2 * self.plane if self.ternary else self.elements
        return self.layer.source(elements, f"uint{self.bits}", lambda at: units[tuple(at)])

    @property
    def elements(self) -> int:
        """Units of a plane of a pixel that are read."""
        groups = self.layer.groups
        return self.units if groups == 1 else groups * self.layer.group_channels // self.bits

    @cached_property
    def chunks(self) -> Chunks:
        """Taps and units, in chunks that a byte can count."""
        return Chunks.of((*self.layer.window.kernel, self.units), _MOST_BYTES)

    def bases(self) -> tuple[list[Buffer], Buffer] | int:
        """What the sum is without mismatches: a number, or border classes of each axis of the
        result and a table over these, [classes.., blocks, lanes]."""
        layer = self.layer
        inputs, window = layer.group_channels, layer.window
        axes = window_axes(window, layer.op.x.type.concrete(1)[2:])
        if not any(axis.bordered for axis in axes):
            return inputs * math.prod(window.kernel)
        classes, of_position = zip(*(border_classes(axis.inside) for axis in axes), strict=True)
        inside = joint(classes)  # [classes.., taps..]
        taps = tuple(range(len(axes), 2 * len(axes)))

        def table(weights: Array) -> Array:
            """[classes.., blocks, lanes]"""
            ones = np.moveaxis(weights, 1, -1).sum(-1, dtype=np.int64)
            outside = np.tensordot(ones, ~inside, (tuple(range(1, 1 + len(axes))), taps))
            sums = (inputs * inside.sum(taps) + 2 * outside).astype(np.int32)  # [O, classes..]
            return np.moveaxis(layer.blocked(sums), 0, -2)

        maps = [self.program.data(numbers.astype(np.int32)) for numbers in of_position]
        return maps, self.program.data(layer.weights.map(table))

    @property
    def wide(self) -> str:
        """What holds the mismatches of an output."""
        most = self.layer.group_channels * math.prod(self.layer.window.kernel)
        return "uint16" if self.counted and most < 1 << 16 else "int32"

    # Blocks.

    def mismatches(self, read: Any, w: Buffer, at: Sequence[Any], axes: Sequence[Any]) -> Any:
        """Ones where a unit of inputs differs from one of weights, and the mask has any."""
        *taps, unit = axes
        weight = w[(at[-2], *taps, unit, at[-1])]
        differ = tirx.bitwise_xor(self._unit(read, at, taps, unit), weight)
        if self.ternary:
            differ = tirx.bitwise_and(differ, self._unit(read, at, taps, unit + self.plane))
        return tirx.popcount(differ)

    def _unit(self, read: Any, at: Sequence[Any], taps: Sequence[Any], unit: Any) -> Any:
        return read(at, taps, self.layer.group_channels // self.bits, unit)

    def counts(self, operand: Any, w: Buffer) -> Buffer:
        """Mismatches of each chunk and output."""
        chunks, extents = self.chunks, self.layer.extents
        rank = len(extents)
        counts = self.program.scratch((*chunks.outer, *extents), "uint8")
        with self.program.block(COUNTS, (*chunks.outer, *extents), chunks.inner) as (place, axes):
            with T.init():
                T.buffer_store(counts, tirx.const(0, "uint8"), place)
            step = chunks.place([*place[:-rank], *axes])
            more = self.mismatches(operand, w, place[-rank:], step)
            T.buffer_store(counts, counts[tuple(place)] + more, place)
        return counts

    def sums(self, source: Source, read: Read, w: Buffer) -> Buffer:
        """Mismatches of each output."""
        operand = self.layer.reader(source, read)
        counts = self.counts(operand, w) if self.counted else None
        sums = self.program.scratch(self.layer.extents, self.wide)
        reduced = self.chunks.outer if self.counted else (*self.layer.window.kernel, self.units)
        with self.program.block("sums", self.layer.extents, reduced) as (at, axes):
            with T.init():
                T.buffer_store(sums, tirx.const(0, self.wide), at)
            if counts is None:
                mismatches = self.mismatches(operand, w, at, axes)
            else:
                mismatches = counts[(*axes, *at)]
            T.buffer_store(sums, sums[tuple(at)] + tirx.Cast(self.wide, mismatches), at)
        return sums

    def nonzero(self, read: Read, source: Any) -> Buffer:
        """Inputs of a ternary operand that are not zero, [N, spatial.., groups]."""
        layer = self.layer
        samples, *spatial = layer.space.extents[:-1]
        nonzero = self.program.scratch((samples, *spatial, layer.groups), "int32")
        extents = (samples, *spatial, layer.groups)
        sizes = (*layer.window.kernel, self.units)
        with self.program.block(_NONZERO, extents, sizes) as ((n, *at, group), (*taps, i)):
            place = [n, *at, group]
            with T.init():
                T.buffer_store(nonzero, tirx.const(0, "int32"), place)
            unit = group * (layer.group_channels // self.bits) + i + self.plane
            mask = read([n, *source.positions(at, taps), unit])
            ones = tirx.Cast("int32", tirx.popcount(mask))
            T.buffer_store(nonzero, nonzero[tuple(place)] + ones, place)
        return nonzero

    def finished(self, at: Sequence[Any], mismatches: Any, start: Any) -> Term:
        """The sum of products: what it would be without mismatches, less 2 for each."""
        if isinstance(start, tuple):
            maps, table = start
            classes = [m[(i,)] for m, i in zip(maps, at[1:-2], strict=True)]
            base = table[(*classes, at[-2], at[-1])]
        elif isinstance(start, int):
            base = tirx.const(start, "int32")
        else:
            channel = self.layer.space.index(at)[1]
            base = start[(*at[:-2], self.layer.group(channel))]
        return Term.of(I32, base - tirx.Cast("int32", mismatches) * 2)


def _write(job: Job) -> Program:
    return written(Binary(Layer(job, widest(job.target))))


def written(binary: Binary) -> Program:
    """The blocks of a product."""
    layer, program = binary.layer, binary.program
    region = layer.region
    source = binary.source()
    w = program.binary_weights(
        layer.weights, layer.weights.map(lambda w: layer.blocked(binary.packed(w)))
    )
    start: Any = None if binary.ternary else binary.bases()
    with program.body():
        read = source.prepare()
        sums = binary.sums(source, read, w)
        if binary.ternary:
            start = binary.nonzero(read, source)
        with program.block("out", layer.space.extents) as (at, _):
            region.store(at, lambda lane: binary.finished((*at, lane), sums[(*at, lane)], start))
    return program


def plan(schedule: Schedule, knobs: Knobs, program: Program) -> None:
    """Tiles, bytes counted in registers."""
    sums, reduced = tiles(schedule, knobs, program)
    first = [(sums, reduced[0])]
    if has_block(schedule, COUNTS):
        counts = schedule.get_sblock(COUNTS)
        spatial, inner = moved(schedule, counts, reduced[-1])
        in_registers(schedule, spatial, inner)
        first.insert(0, (counts, inner[0]))
    if has_block(schedule, _NONZERO):
        around = schedule.get_loops(schedule.get_sblock("out"))
        moved(schedule, schedule.get_sblock(_NONZERO), around[1])
    border(schedule, program)
    for block, loop in first:
        schedule.decompose_reduction(block, loop)


def _refuses(op: Op, target: Target) -> str | None:
    assert isinstance(op, Fused)
    anchor = anchor_of(op, BinaryConv, BinaryGemm)
    x = anchor.x.type
    if x.layout is not Layout.WORDS:
        return f"{anchor.mnemonic()} reads words, not {x}"
    groups = anchor.groups if isinstance(anchor, BinaryConv) else 1
    if groups > 1 and x.concrete(1)[1] // groups % unit_bits(target):
        return f"groups of {x.concrete(1)[1] // groups} channels divide a unit of bits"
    return refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Three operations for a vector of units, in two a cycle; more where a count takes several;
    and the epilogue."""
    assert isinstance(op, Fused)
    anchor = anchor_of(op, BinaryConv, BinaryGemm)
    (result,) = anchor.infer()
    outputs = result.elements_per_sample()
    macs = outputs * float(np.prod(anchor.w.type.concrete(1)[1:]))
    each = {"dword": 1.5, "byte": 1.5, "table": 4.0}[target.has.popcount]
    if target.has.popcount == "dword" and target.vector_bits < 512:
        each = 8.0
    return macs / target.vector_bits * each + outputs / target.lanes * (2 + len(op.body.nodes))


KERNELS = (
    kernel_of("binary_conv", BinaryConv, _write, plan, _cycles, _refuses, KNOBS),
    kernel_of("binary_gemm", BinaryGemm, _write, plan, _cycles, _refuses, KNOBS),
)
