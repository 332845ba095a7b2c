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

from .code import Code, Index, IRValue
from .epilogue import channel_blocks
from .geometry import Geometry, Segment
from .kernel import Extent

_CHUNK_PIXELS = 64
"""Pixels of a chunk: enough that streaming the weights once per chunk costs little."""


@dataclass(frozen=True)
class Plan:
    """Blocking of one kernel: lanes of a channel block, its vectors, pixels of a tile."""

    lanes: int
    vectors: int
    pixels: int
    packs: bool
    split_groups: bool

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


def tasks(geometry: Geometry) -> Extent:
    """Output rows."""
    return Extent.of(geometry.batch, geometry.out[0])


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
) -> None:
    """Call ``emit`` for each kind of tile, inside the loops that visit all of them.

    ``special`` is a test of a chunk (its first task and the one past its last) made at run time,
    and what to emit instead where it holds.
    """
    step = _CHUNK_PIXELS if geometry.by_sample else max(1, _CHUNK_PIXELS // geometry.out[1])
    with code.loop(code.begin, code.end, step) as first:
        last = code.min(code.add(first, step), code.end)
        if special is None:
            _chunk(code, geometry, plan, (first, last), emit)
        else:
            code.either(
                special[0](first, last),
                lambda: _chunk(code, geometry, plan, (first, last), special[1]),
                lambda: _chunk(code, geometry, plan, (first, last), emit),
            )


def _chunk(
    code: Code, geometry: Geometry, plan: Plan, chunk: tuple[Index, Index], emit: Emit
) -> None:
    """All tiles of the tasks first .. last-1."""
    first, last = chunk

    def block(channel: Index, count: int, number: Index, group: Index) -> None:
        if geometry.by_sample:
            _samples(code, geometry, plan, (first, last), channel, count, number, group, emit)
            return
        with code.loop(first, last) as task:
            sample, row = code.divide(task, geometry.out[0])
            rows = geometry.rows_inside(code, row)
            for segment in geometry.segments():
                _columns(
                    code,
                    plan,
                    segment,
                    lambda column, pixels, s=segment: emit(
                        Tile(
                            sample,
                            row,
                            column,
                            pixels,
                            rows,
                            (s.first, s.last),
                            channel,
                            count,
                            number,
                            group,
                        )
                    ),
                )

    _blocks(code, geometry, plan, block)


def _blocks(
    code: Code,
    geometry: Geometry,
    plan: Plan,
    body: Callable[[Index, int, Index, Index], None],
) -> None:
    """All blocks of output channels as (first channel, count, number, group)."""
    if geometry.groups == 1 or not plan.split_groups:

        def whole(channel: Index, count: int) -> None:
            body(channel, count, code.divide(channel, plan.width)[0], 0)

        channel_blocks(code, geometry.out_channels, plan.width, whole, packs=plan.packs)
        return
    per_group = -(-geometry.group_out // plan.width)
    with code.loop(0, geometry.groups) as group:
        start = code.mul(group, geometry.group_out)

        def part(offset: Index, count: int) -> None:
            inside = code.divide(offset, plan.width)[0]
            number = code.add(code.mul(group, per_group), inside)
            body(code.add(start, offset), count, number, group)

        channel_blocks(code, geometry.group_out, plan.width, part)


def _columns(code: Code, plan: Plan, segment: Segment, body: Callable[[Index, int], None]) -> None:
    """Tiles of one border class: full ones in a loop, then what remains."""
    pixels = balanced(segment.count, plan.pixels)
    rest = segment.count % pixels
    full = segment.start + segment.count - rest
    if full - segment.start == pixels:
        body(segment.start, pixels)
    else:
        with code.loop(segment.start, full, pixels) as column:
            body(column, pixels)
    if rest:
        body(full, rest)


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
    """Tiles of samples, then the remaining samples one by one."""
    (segment,) = geometry.segments()
    rows = geometry.rows_inside(code, 0)
    first, last = chunk
    known = geometry.batch if isinstance(geometry.batch, int) else None
    pixels = plan.pixels if known is None else min(plan.pixels, known)

    def at(sample: Index, pixels: int) -> None:
        columns = (segment.first, segment.last)
        emit(Tile(sample, 0, 0, pixels, rows, columns, channel, count, number, group))

    rounds, _ = code.divide(code.sub(last, first), pixels)
    full = code.add(first, code.mul(rounds, pixels))
    with code.loop(first, full, pixels) as sample:
        at(sample, pixels)
    if pixels > 1:
        with code.loop(full, last) as sample:
            at(sample, 1)
