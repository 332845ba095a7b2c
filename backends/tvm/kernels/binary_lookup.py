"""Binary convolution where bytes are looked up in tables in a register, but not counted.

Lanes are bytes, one output channel each. Four weights are the index of a table of 16 which four
signs of each of two neighbouring output pixels a and b choose:

    table[a, b][w] = popcount(a ^ w) + 16 * popcount(b ^ w)

Two or three entries fit the halves of a byte ("lookups"); bytes sum them ("counts"), modulo 256,
and their upper halves once more, which tells both pixels apart. A task first writes the distance of
each table that it needs ("distances"), for all its output channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ....ir import Array, Layout, Op, Ternary
from ....ir.ops import BinaryConv, Fused
from ....ir.types import WORD_BITS
from ...codegen.fused_region import anchor_of
from ...codegen.isa import instructions
from ...codegen.kernel_builder import I8
from ...codegen.kernel_interface import Job
from ...interface import Choice
from ...targets import Target
from ..expressions import Expressions, Term, expression, reinterpreted
from ..product_blocks import COUNTS, KNOBS, Layer, border, narrow, pixels_of, refusal, tiles
from ..program import Buffer, Program
from ..results import Space
from ..schedules import in_registers, moved
from ..tensor_kernel import Knobs, Schedule, kernel_of
from ..tir import T, tirx
from ..window_operand import MOST_BYTES, Read, Source, seen_by_task
from . import binary

_TABLE = 16
"""Bytes of a table."""
_LOOKUPS, _DISTANCES = "lookups", "distances"
_MOST = 63
"""Entries of at most 4 that a byte can sum."""
_TOGETHER = 3
"""Entries that half a byte can sum."""


@dataclass(frozen=True)
class _Lookup(binary.Binary):
    """A convolution by tables."""

    @cached_property
    def table(self) -> Buffer:
        """All tables, those of [b, a] with a vector each."""
        four = np.arange(16)
        count = np.array([bin(n).count("1") for n in four], np.uint8)
        ones = count[four[:, None] ^ four]
        both = ones + 16 * ones[:, None, :]
        return self.program.data(np.tile(both, self.layer.space.lanes // _TABLE).ravel())

    def packed(self, weights: Array) -> Array:
        """Fours of weights, lower halves of bytes and upper ones, [O, taps.., 2, units]."""
        units = super().packed(weights)
        return np.stack([units & 15, units >> 4], axis=-2)

    @cached_property
    def columns(self) -> bool:
        """Whether the taps of a row of the kernel are summed together, else the halves of bytes."""
        return 1 < self.layer.window.kernel[-1] <= _TOGETHER

    @cached_property
    def together(self) -> int:
        """Lookups that are summed together."""
        return self.layer.window.kernel[-1] if self.columns else 2

    @cached_property
    def chunks(self) -> binary.Chunks:
        """What is not summed together, in chunks that a byte can sum."""
        taps = self.layer.window.kernel
        sizes = (*taps[:-1], 2, self.units) if self.columns else (*taps, self.units)
        return binary.Chunks.of(sizes, _MOST // self.together)

    def place(self, axes: Sequence[Any], step: Any) -> tuple[list[Any], Any, Any]:
        """Taps, half and unit of a lookup."""
        *others, last, unit = self.chunks.place(axes)
        return ([*others, step], last, unit) if self.columns else ([*others, last], step, unit)

    def distances(self, source: Source, read: Read) -> Buffer:
        """Distances of the tables of each column that the window sees and of the one that the next
        output pixel sees instead, [N, spatial.., 2, units]."""
        samples = self.layer.space.extents[0]
        space = (samples, *source.seen, 2, self.units)
        distances = self.program.scratch(space, "uint16")
        step = self.layer.window.strides[-1]

        def four(place: Sequence[Any], half: Any, unit: Any) -> Any:
            byte = tirx.Cast("uint16", read([*place, unit]))
            shift = tirx.Cast("uint16", half * 4)
            return tirx.bitwise_and(tirx.shift_right(byte, shift), tirx.const(15, "uint16"))

        with self.program.block(_DISTANCES, space) as ((*place, column, half, unit), _):
            beside = tirx.min(column + step, source.seen[-1] - 1)
            first = four([*place, column], half, unit)
            second = four([*place, beside], half, unit)
            number = first + second * tirx.const(16, "uint16")
            lanes = tirx.const(self.layer.space.lanes, "uint16")
            T.buffer_store(distances, number * lanes, [*place, column, half, unit])
        return distances

    def sums(self, source: Source, read: Read, w: Buffer) -> Buffer:
        """Mismatches of each output."""
        program, chunks = self.program, self.chunks
        distances = self.distances(source, read)
        *rows, width, blocks, lanes = self.layer.extents
        pairs = (*rows, -(-width // 2), blocks, lanes)
        outer, inner = chunks.outer, chunks.inner
        isa = instructions(Expressions(program.job.target))
        rank = len(pairs)

        lookups = program.scratch((*outer, *inner, *pairs), "uint8")
        zero = tirx.const(0, "uint8")
        with program.block(_LOOKUPS, (*outer, *inner, *pairs), (self.together,)) as (at, (step,)):
            axes, (sample, *place, pair, block, lane) = at[:-rank], at[-rank:]
            taps, half, unit = self.place(axes, step)
            seen = source.positions([*place, pair * 2], taps)
            distance = tirx.Cast("int32", distances[(sample, *seen, half, unit)])
            weights = w[(block, *taps, half, unit, lane)]
            table = Term.of(I8, self.table[(distance + lane,)])
            looked = isa.lookup_bytes(table, Term.of(I8, weights), lanes)
            entry = reinterpreted(expression(looked), "uint8")
            with T.init():
                T.buffer_store(lookups, zero, at)
            T.buffer_store(lookups, lookups[tuple(at)] + entry, at)

        both, upper = (program.scratch((*outer, *pairs), "uint8") for _ in range(2))
        with program.block(COUNTS, (*outer, *pairs), inner) as (at, axes):
            with T.init():
                T.buffer_store(both, zero, at)
                T.buffer_store(upper, zero, at)
            counts = lookups[(*at[:-rank], *axes, *at[-rank:])]
            T.buffer_store(both, both[tuple(at)] + counts, at)
            high = tirx.shift_right(counts, tirx.const(4, "uint8"))
            T.buffer_store(upper, upper[tuple(at)] + high, at)

        sums = program.scratch(self.layer.extents, self.wide)
        with program.block("sums", self.layer.extents, outer) as (at, axes):
            *place, column, block, lane = at
            there = (*axes, *place, tirx.floordiv(column, 2), block, lane)
            second = upper[there]
            first = both[there] - second * tirx.const(16, "uint8")
            odd = tirx.EQ(tirx.floormod(column, 2), 1)
            with T.init():
                T.buffer_store(sums, tirx.const(0, self.wide), at)
            more = tirx.Cast(self.wide, tirx.Select(odd, second, first))
            T.buffer_store(sums, sums[tuple(at)] + more, at)
        return sums


def _write(job: Job) -> Program:
    lookup = _Lookup(Layer(job, binary.widest(job.target)))
    _ = lookup.table  # an argument of the function, which blocks cannot add
    return binary.written(lookup)


def _plan(schedule: Schedule, knobs: Knobs, program: Program) -> None:
    sums, reduced = tiles(schedule, knobs, program, pairs=True)
    counts = schedule.get_sblock(COUNTS)
    spatial, inner = moved(schedule, counts, reduced[-1])
    in_registers(schedule, spatial, inner)
    lookups = schedule.get_sblock(_LOOKUPS)
    spatial, steps = moved(schedule, lookups, inner[-1])
    in_registers(schedule, spatial, steps)
    schedule.unroll(steps[0])
    task = schedule.get_loops(schedule.get_sblock("out"))[0]
    spatial, _ = moved(schedule, schedule.get_sblock(_DISTANCES), task)
    narrow(schedule, spatial[-1], program.job.target)
    border(schedule, program)
    for block, loop in ((lookups, steps[0]), (counts, inner[0]), (sums, reduced[0])):
        schedule.decompose_reduction(block, loop)


def _refuses(op: Op, target: Target) -> str | None:
    if target.has.popcount != "table":
        return f"{target.name} counts bits in vectors"
    assert isinstance(op, Fused)
    anchor = anchor_of(op, BinaryConv)
    x = anchor.x.type
    if x.layout is not Layout.WORDS or isinstance(x.element, Ternary):
        return f"{anchor.mnemonic()} reads words of signs, not {x}"
    if anchor.groups > 1:
        return "groups are not supported"
    (result,) = anchor.infer()
    lanes = Space.of_channels(result, binary.widest(target)).lanes
    if lanes % _TABLE:
        return f"{lanes} output channels do not fill a vector"
    if not pixels_of(result.concrete(1)[-1], pairs=True):
        return "long rows of an odd number of pixels are not supported"
    words = -(-x.concrete(1)[1] // WORD_BITS)
    distances = 2 * WORD_BITS // 4 * words
    if distances * seen_by_task(anchor.window, x.concrete(1)[2:]) > MOST_BYTES:
        return "a task sees too much of the operand"
    return refusal(op, target)


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Eleven operations for three lookups of a vector, each of eight inputs a byte, and the
    epilogue."""
    assert isinstance(op, Fused)
    anchor = anchor_of(op, BinaryConv)
    (result,) = anchor.infer()
    outputs = result.elements_per_sample()
    macs = outputs * float(np.prod(anchor.w.type.concrete(1)[1:]))
    lookups = macs / target.vector_bits
    ports = target.has.vector_ports
    return lookups * 11 / 3 / ports + outputs / target.lanes * (2 + len(op.body.nodes))


def _extra_bytes(op: Op, target: Target, choice: Choice) -> int:
    """Half a byte names four weights, where one bit each would do."""
    return anchor_of(op, BinaryConv).w.type.elements_per_sample() // 8


KERNELS = (
    kernel_of(
        "binary_conv_lookup", BinaryConv, _write, _plan, _cycles, _refuses, KNOBS, _extra_bytes
    ),
)
