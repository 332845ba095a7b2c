"""The loop nest that convolutions and products share.

Tasks are output rows (samples where the output is one pixel). A kernel walks chunks of rows; in
a chunk, all blocks of output channels, so that a block's weights stay in the first-level cache
while all pixels of the chunk use them; then rows, border classes and tiles of neighbouring pixels.
A tile's sums live in registers: [pixels][vectors of channels].

Groups: blocks of channels stay inside one group (`Plan.split_groups`), or cross groups and leave
it to the kernel to give each lane its own channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...ir import Op
from ...ir.ops import Fused, Product
from ...ir.types import WORD_BITS
from ..codegen import fused_region
from ..codegen.kernel_builder import Code, Index, IRValue
from ..codegen.kernel_interface import Extent
from ..targets import Target
from .epilogue import channel_blocks, last_block
from .geometry import Geometry, Segment

_STRIPES = 8
"""Tasks a sample that a layer of one output row is split into, for threads to share."""
_WORTH_STRIPES = 1 << 18
"""Multiply-accumulates from which that is worth it."""
CHUNK_PIXELS = 64
"""Pixels of a chunk: enough that streaming the weights once per chunk costs little."""


def refusal(op: Op, target: Target) -> str | None:
    """Why no kernel of this loop nest computes a fused convolution or product, or None."""
    assert isinstance(op, Fused)
    assert op.anchor is not None
    anchor = op.anchor.op
    assert isinstance(anchor, Product)
    if anchor.x.type.rank > 4:
        return f"{anchor.mnemonic()} over {anchor.x.type.rank - 2} spatial axes is not supported"
    if anchor.w not in op.body.params:
        return "weights must be a constant"
    return fused_region.plain_refusal(op, target)


@dataclass(frozen=True)
class Plan:
    """Blocking of one kernel: lanes of a channel block, its vectors, pixels of a tile."""

    lanes: int
    vectors: int
    pixels: int
    packs: bool
    split_groups: bool
    ragged: bool = False
    """Whether a tile may hold pixels of several border classes, at a known column: the kernel then
    leaves out the taps outside for each pixel."""
    blocks_inside: bool = False
    """Whether all blocks of channels of a tile come before the next tile: for kernels whose weights
    all stay in the first-level cache, while each reads other inputs."""

    @property
    def width(self) -> int:
        """Output channels of a block."""
        return self.lanes * self.vectors

    def vectors_for(self, count: int) -> int:
        """Vectors that a block with only ``count`` channels needs."""
        return narrowed(self.vectors, self.lanes, count)


def narrowed(vectors: int, lanes: int, channels: int) -> int:
    """``vectors`` halved while they still hold ``channels``, and 8 lanes for packing."""
    while vectors % 2 == 0 and vectors // 2 * lanes >= max(8, channels):
        vectors //= 2
    return vectors


@dataclass(frozen=True)
class Tile:
    """``pixels`` neighbouring outputs, and the first ``count`` channels of one block.

    Pixel p is column + p of the row, or sample + p when the output is one pixel. ``rows`` and
    ``columns`` are the kernel rows and columns inside the operand; ``block`` numbers the weights.
    """

    sample: Index
    row: Index
    column: Index
    pixels: int
    rows: tuple[Index, Index]
    columns: tuple[int, int]
    channel: Index
    count: int
    block: Index
    group: Index

    def index(self, code: Code, geometry: Geometry, pixel: int) -> tuple[Index, ...]:
        """Coordinates of a pixel's first channel in the result."""
        if geometry.by_sample:
            return geometry.index(code.add(self.sample, pixel), self.channel, self.row, self.column)
        return geometry.index(self.sample, self.channel, self.row, code.add(self.column, pixel))


def stripe(geometry: Geometry) -> int:
    """Output channels of one task.

    All of them, but where there is one row a sample: then a layer worth several threads has
    several tasks a sample, of whole words. Task t is sample t % N of stripe t / N. (Few rows are
    better than stripes: threads then do not write to the same cache lines of packed results.)
    """
    channels = geometry.out_channels
    many = isinstance(geometry.batch, int) and geometry.batch >= _STRIPES
    small = geometry.macs() < _WORTH_STRIPES
    if geometry.out[0] > 1 or geometry.groups > 1 or many or small:
        return channels
    unit = 2 * WORD_BITS
    return -(-channels // (_STRIPES * unit)) * unit


def tasks(geometry: Geometry) -> Extent:
    """Output rows, or stripes of samples."""
    stripes = -(-geometry.out_channels // stripe(geometry))
    return Extent.of(geometry.batch, geometry.out[0] * stripes)


def balanced(count: int, most: int) -> int:
    """Pixels of a tile, at most ``most``: as few tiles as possible, then equal ones."""
    tiles = -(-count // most)
    return -(-count // tiles)


Emit = Callable[[Tile], None]


def for_tiles(
    code: Code,
    geometry: Geometry,
    plan: Plan,
    emit: Emit,
    special: tuple[Callable[[Index, Index], IRValue], Emit] | None = None,
    before_block: Callable[[Index], None] | None = None,
) -> None:
    """Call ``emit`` for each kind of tile, inside the loops that visit all of them, and
    ``before_block`` with the number of a block before its tiles of a chunk.

    ``special`` is a test of a chunk (its first task and the one past its last) made at run time,
    and what to emit instead where it holds.
    """
    assert before_block is None or not plan.blocks_inside

    def chunk(first: Index, last: Index, number: Index | None) -> None:
        if special is None:
            _chunk(code, geometry, plan, (first, last), number, emit, before_block)
            return
        holds, instead = special
        code.either(
            holds(first, last),
            lambda: _chunk(code, geometry, plan, (first, last), number, instead, before_block),
            lambda: _chunk(code, geometry, plan, (first, last), number, emit, before_block),
        )

    for_chunks(code, geometry, chunk)


def for_chunks(
    code: Code, geometry: Geometry, body: Callable[[Index, Index, Index | None], None]
) -> None:
    """Call ``body(first, last, stripe)`` for chunks of rows, or of the samples of one stripe."""
    step = CHUNK_PIXELS if geometry.by_sample else max(1, CHUNK_PIXELS // geometry.out[1])

    def chunks(begin: Index, end: Index, number: Index | None) -> None:
        with code.loop(begin, end, step) as first:
            body(first, code.min(code.add(first, step), end), number)

    if stripe(geometry) == geometry.out_channels:
        chunks(code.begin, code.end, None)
        return
    size = code.index(geometry.batch_size(code))
    number = code.b.udiv(code.begin, size)
    with code.loop(number, code.b.udiv(code.sub(code.add(code.end, size), 1), size)) as number:
        before = code.mul(number, size)
        first = code.max(code.sub(code.begin, before), 0)
        chunks(first, code.min(code.sub(code.end, before), size), number)


def _chunk(
    code: Code,
    geometry: Geometry,
    plan: Plan,
    chunk: tuple[Index, Index],
    stripe_number: Index | None,
    emit: Emit,
    before_block: Callable[[Index], None] | None,
) -> None:
    """All tiles of the rows first .. last-1."""
    first, last = chunk

    def block(channel: Index, count: int, number: Index, group: Index) -> None:
        if before_block is not None:
            before_block(number)
        if geometry.by_sample:
            _samples(code, geometry, plan, (first, last), channel, count, number, group, emit)
            return

        def tile(place: _Place) -> None:
            emit(Tile(*place, channel, count, number, group))

        _places(code, geometry, plan, chunk, tile)

    def blocks(place: _Place) -> None:
        for_blocks(
            code,
            geometry,
            plan,
            stripe_number,
            lambda channel, count, number, group: emit(Tile(*place, channel, count, number, group)),
        )

    if plan.blocks_inside:
        _places(code, geometry, plan, chunk, blocks)
    else:
        for_blocks(code, geometry, plan, stripe_number, block)


_Place = tuple[Index, Index, Index, int, tuple[Index, Index], tuple[int, int]]
"""The first fields of a `Tile`: where it is, its pixels, and the taps inside the operand."""


def _places(
    code: Code,
    geometry: Geometry,
    plan: Plan,
    chunk: tuple[Index, Index],
    body: Callable[[_Place], None],
) -> None:
    """Tiles of the rows first .. last-1, for any block of channels."""
    with code.loop(*chunk) as task:
        sample, row = code.divide(task, geometry.out[0])
        rows = geometry.rows_inside(code, row)
        for segment in [geometry.row()] if plan.ragged else geometry.segments():
            _columns(
                code,
                geometry,
                plan,
                segment,
                lambda column, pixels, taps: body((sample, row, column, pixels, rows, taps)),
            )


def for_blocks(
    code: Code,
    geometry: Geometry,
    plan: Plan,
    stripe_number: Index | None,
    body: Callable[[Index, int, Index, Index], None],
) -> None:
    """Call ``body(channel, count, number, group)`` for the blocks of a stripe, or all blocks."""
    if stripe_number is None:
        _blocks(code, geometry, plan, body)
    else:
        _stripe(code, geometry, plan, stripe_number, body)


def _stripe(
    code: Code,
    geometry: Geometry,
    plan: Plan,
    number: Index,
    body: Callable[[Index, int, Index, Index], None],
) -> None:
    """The blocks of one stripe; the last block of all, where it is code of its own, is in the
    last stripe."""
    channels, width = geometry.out_channels, stripe(geometry)
    own = last_block(channels, plan.width, plan.packs)
    start = code.mul(number, width)
    stop = code.min(code.add(start, width), channels - own)
    with code.loop(start, stop, plan.width) as channel:
        body(channel, plan.width, code.divide(channel, plan.width)[0], 0)
    if own:
        final = (channels - 1) // width
        with code.when(code.b.icmp_signed("==", code.index(number), code.index(final))):
            first = channels - own
            body(first, own, first // plan.width, 0)


def _blocks(
    code: Code,
    geometry: Geometry,
    plan: Plan,
    body: Callable[[Index, int, Index, Index], None],
) -> None:
    """All blocks of output channels as (first channel, count, number, group)."""
    if geometry.groups == 1 or not plan.split_groups:

        def block(channel: Index, count: int) -> None:
            body(channel, count, code.divide(channel, plan.width)[0], 0)

        channel_blocks(code, geometry.out_channels, plan.width, block, packs=plan.packs)
        return
    per_group = -(-geometry.group_out // plan.width)
    with code.loop(0, geometry.groups) as group:
        start = code.mul(group, geometry.group_out)

        def part(offset: Index, count: int) -> None:
            inside = code.divide(offset, plan.width)[0]
            number = code.add(code.mul(group, per_group), inside)
            body(code.add(start, offset), count, number, group)

        channel_blocks(code, geometry.group_out, plan.width, part)


def _columns(
    code: Code,
    geometry: Geometry,
    plan: Plan,
    segment: Segment,
    body: Callable[[Index, int, tuple[int, int]], None],
) -> None:
    """Tiles of one border class, or of a row, with the kernel columns that they see: several alike
    in a loop, those at borders and what remains at known columns."""
    pixels = plan.pixels if plan.ragged else balanced(segment.count, plan.pixels)
    end = segment.start + segment.count
    start = segment.start
    while start < end:
        taps = geometry.axes[1].ranges[start]
        tiles = _alike(geometry, start, end) // pixels
        if tiles > 1:
            with code.loop(start, start + tiles * pixels, pixels) as column:
                body(column, pixels, taps)
            start += tiles * pixels
            continue
        size = min(pixels, end - start)
        body(start, size, (segment.first, segment.last))
        start += size


def _alike(geometry: Geometry, start: int, end: int) -> int:
    """How many outputs from ``start`` on see the same taps."""
    ranges = geometry.axes[1].ranges
    return next((i for i in range(start, end) if ranges[i] != ranges[start]), end) - start


def _samples(
    code: Code,
    geometry: Geometry,
    plan: Plan,
    chunk: tuple[Index, Index],
    channel: Index,
    count: int,
    number: Index,
    group: Index,
    emit: Callable[[Tile], None],
) -> None:
    """Tiles of samples, then tiles of half as many, and so on to one."""
    (segment,) = geometry.segments()
    rows = geometry.rows_inside(code, 0)
    first, last = chunk
    known = geometry.batch if isinstance(geometry.batch, int) else None
    pixels = plan.pixels if known is None else min(plan.pixels, known)

    def at(sample: Index, pixels: int) -> None:
        columns = (segment.first, segment.last)
        emit(Tile(sample, 0, 0, pixels, rows, columns, channel, count, number, group))

    while pixels > 1:
        rounds, _ = code.divide(code.sub(last, first), pixels)
        full = code.add(first, code.mul(rounds, pixels))
        with code.loop(first, full, pixels) as sample:
            at(sample, pixels)
        first, pixels = full, pixels // 2
    with code.loop(first, last) as sample:
        at(sample, 1)
