"""What convolutions and products have in common: weights in blocks of lanes, and the tiles.

A block "sums" reduces over the taps of a window and the inputs of a group; lanes are output
channels. `tiles` keeps the sums of a few pixels and a few blocks of channels in registers: each
vector of weights meets every pixel, each input every block.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...ir import Array, Op
from ...ir.ops import BinaryConv, BinaryGemm, Conv, Fused, Gemm, Product, Window
from ...runtime.weight_packing import in_lanes
from ..codegen.constant_contents import Contents
from ..codegen.fused_region import anchor_of, plain_refusal
from ..codegen.kernel_interface import Job
from ..targets import Target
from .program import Coordinate, Program
from .region_blocks import Region
from .results import Space
from .schedules import extent, has_block, in_registers, make_tasks, moved
from .tensor_kernel import Knobs, Schedule
from .window_operand import PAD, Read, Source

KINDS = (BinaryConv, BinaryGemm, Conv, Gemm)
COUNTS = "counts"
"""The block that counts in bytes before "sums" adds that up."""
KNOBS = ("pixels", "vectors", "unroll")
"""What `tiles` asks for."""
_MOST_PIXELS = 14
_MOST_VECTORS = 8
_LATENCY = 8
"""Sums that do not wait for each other."""


@dataclass(frozen=True)
class Layer:
    """One product under construction, its channels in blocks of at most ``widest`` lanes."""

    job: Job
    widest: int

    @cached_property
    def op(self) -> Product:
        """The anchor."""
        return anchor_of(self.job.op, *KINDS)

    @cached_property
    def program(self) -> Program:
        """The function."""
        return Program(self.job)

    @cached_property
    def space(self) -> Space:
        """The elements of the result."""
        return Space.of_channels(self.op.infer()[0], self.widest)

    @cached_property
    def region(self) -> Region:
        """What follows the product."""
        return Region(self.program, self.space)

    @property
    def window(self) -> Window:
        """The window, without axes for a product of matrices."""
        if isinstance(self.op, Conv | BinaryConv):
            return self.op.window
        return Window((), (), (), ())

    @property
    def groups(self) -> int:
        """Groups of channels."""
        return self.op.groups if isinstance(self.op, Conv | BinaryConv) else 1

    @property
    def group_channels(self) -> int:
        """Input channels of a group."""
        return self.op.x.type.concrete(1)[1] // self.groups

    @property
    def outputs(self) -> int:
        """Output channels."""
        return self.op.w.type.concrete(1)[0]

    def group(self, channel: Coordinate) -> Coordinate:
        """The group of an output channel."""
        return 0 if self.groups == 1 else channel // (self.outputs // self.groups)

    @cached_property
    def weights(self) -> Contents[Array]:
        """The constant weights [O, C / groups, taps..], codes where they are bits."""
        return self.job.contents(self.op.w)

    def blocked(self, rows: Array) -> Array:
        """Rows [O, taps.., inputs] as [blocks, taps.., inputs, lanes], missing channels 0."""
        return in_lanes(rows, self.space.lanes)

    @property
    def extents(self) -> tuple[int, ...]:
        """Axes of the sums: those of the space, and lanes."""
        return (*self.space.extents, self.space.lanes)

    def source(self, elements: int, dtype: str, read: Read) -> Source:
        """The operand seen through the window, 0 in its border."""
        return Source(self.program, self.window, self.op.x.type, elements, dtype, 0, read)

    def reader(self, source: Source, read: Read) -> Any:
        """``read`` at an element of the sums, a tap, and an input of the sums' group."""

        def at(
            place: Sequence[Coordinate], taps: Sequence[Coordinate], each: int, i: Coordinate
        ) -> Any:
            sample, channel, *positions = self.space.index(place)
            element = self.group(channel) * each + i
            return read([sample, *source.positions(positions, taps), element])

        return at


def refusal(op: Op, target: Target) -> str | None:
    """Why no product of this kind can be computed, or None."""
    assert isinstance(op, Fused)
    anchor = anchor_of(op, *KINDS)
    if anchor.w not in op.body.params:
        return "weights must be a constant"
    return plain_refusal(op, target)


def tile_of(
    pixels: Sequence[int], blocks: Sequence[int], registers: int, each: int
) -> tuple[int, int]:
    """Pixels and blocks of a tile: the least cycles a sum, for ``registers`` of which a block of
    lanes takes ``each``. Two sums a cycle, unless they are few and wait for each other, or two
    loads: one for each vector of weights and for each input."""

    def cycles(tile: tuple[int, int]) -> tuple[float, int]:
        p, v = tile
        sums = max(p * v * each, _LATENCY) / 2
        loads = (v * each + p) / 2
        return (max(sums, loads) + 0.15 * loads) / (p * v), -p * v

    fitting = [
        (p, v)
        for p in pixels
        for v in blocks
        if (p * v + v) * each <= registers or (p, v) == (pixels[0], blocks[0])
    ]
    return min(fitting, key=cycles)


def divisors(number: int, most: int) -> list[int]:
    """Divisors up to ``most``."""
    return [d for d in range(1, most + 1) if number % d == 0]


def pixels_of(width: int, pairs: bool = False) -> list[int]:
    """Pixels that a tile of a row can have; in ``pairs`` an even number, or the whole row."""
    return [p for p in divisors(width, _MOST_PIXELS) if not pairs or p % 2 == 0 or p == width]


def tiles(
    schedule: Schedule, knobs: Knobs, program: Program, pairs: bool = False
) -> tuple[Any, list[Any]]:
    """Tile the result and the sums; gives the block of these and their reduced loops, which are
    outside the tile. In ``pairs`` of pixels, a task has all channels of a row, if there are
    several rows; else it has some channels."""
    target = program.job.target
    out = schedule.get_sblock("out")
    *outer, pixel, block = schedule.get_loops(out)
    across = pixels_of(extent(schedule, pixel), pairs)
    deep = divisors(extent(schedule, block), _MOST_VECTORS)
    lanes = int(schedule.get(schedule.get_sblock("sums")).iter_vars[len(outer) + 2].dom.extent)
    # Where bytes count first, sums are in registers only to add that up; its steps take some too.
    bits, spare = (8, 4) if has_block(schedule, COUNTS) else (32, 2)
    each = max(1, lanes * bits // target.vector_bits)
    pixels, vectors = tile_of(across, deep, target.registers - spare, each)
    p = knobs.pick("pixels", first(pixels, across))
    v = knobs.pick("vectors", first(vectors, deep))
    far, near = schedule.split(pixel, [None, p])
    blocks, inner = schedule.split(block, [None, v])
    rows = pairs and math.prod(extent(schedule, loop) for loop in outer) > 1
    # Unless tasks are rows, the weights of some channels meet all of them: they are read once.
    order = [*outer, blocks] if rows else [*outer[:1], blocks, *outer[1:]]
    schedule.reorder(*order, far, near, inner)
    make_tasks(schedule, program, outer if rows else order)
    for loop in (near, inner):
        schedule.unroll(loop)
    sums = schedule.get_sblock("sums")
    spatial, reduced = moved(schedule, sums, far)
    steps = knobs.pick("unroll", divisors(extent(schedule, reduced[-1]), 4))
    last, unrolled = schedule.split(reduced[-1], [None, steps])
    schedule.unroll(unrolled)
    in_registers(schedule, spatial, [*reduced[:-1], last, unrolled])
    return sums, [*reduced[:-1], last]


def products(schedule: Schedule, knobs: Knobs, program: Program) -> None:
    """The plan of a product whose sums are computed in one go."""
    sums, reduced = tiles(schedule, knobs, program)
    border(schedule, program)
    schedule.decompose_reduction(sums, reduced[0])


def border(schedule: Schedule, program: Program) -> None:
    """Copy what a task reads of an operand with a border, once all its readers are in place."""
    if has_block(schedule, PAD):
        copy = schedule.get_sblock(PAD)
        task = schedule.get_loops(schedule.get_sblock("out"))[0]
        spatial, _ = moved(schedule, copy, task)
        narrow(schedule, spatial[-1], program.job.target)


def narrow(schedule: Schedule, loop: Any, target: Target) -> None:
    """A loop in vectors where these divide it."""
    size = math.gcd(extent(schedule, loop), target.lanes)
    if size > 1:
        _, lanes = schedule.split(loop, [None, size])
        schedule.vectorize(lanes)


def first(value: int, values: Sequence[int]) -> list[int]:
    """The values, one of them in front."""
    return [value, *(v for v in values if v != value)]
