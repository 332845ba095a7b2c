"""Relayouts between words of channels and planes of pixels: transpositions of bits.

    words   [N, pixels, planes, ceil(C/64)] u64      a pixel's channels side by side
    planes  [C, planes, N, ceil(pixels/64)] u64      a channel's pixels side by side

A task is 64 pixels of an image, one word of every channel. Within it go tiles of as many pixels
as a vector has bytes, and 8 or 16 bytes of channels (one or two words a pixel):

1. bytes: tiles of pixels x bytes are transposed by rounds of `_interleave`, each one shuffle a
   vector. 16 pixels keep to their 128-bit part of the vector, so that no byte crosses parts.
2. bits: a vector now holds the same byte (8 channels) of successive pixels. A channel's bits are
   the sign bits of the bytes, shifted to the top (VPMOVB2M, VPTESTMB, PMOVMSKB); the other way
   round they select the bytes in which a bit is set.

Pixels past the end of an image are neither read nor written, their bits are 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ....ir import Batch, Layout, Op, Scalar, TensorType
from ....ir.ops import Relayout
from ....ir.types import WORD_BITS
from ...codegen.kernel_builder import I1, I8, I64, Code, Index, vector
from ...codegen.kernel_interface import Extent, Job, Kernel
from ...interface import Choice, KernelDescriptor
from ...targets import Target
from ..views import words_of

PART = 16
"""Bytes of a part of a vector in which shuffles of bytes stay."""


@dataclass(frozen=True)
class _Shape:
    """The extents of a tensor of bits, and where its words lie. Byte strides."""

    channels: int
    pixels: int
    planes: int
    words: int
    """Words of a plane of a pixel."""
    blocks: int
    """Words of a channel of an image."""
    channel: Index
    """From one plane of one channel to the next."""

    @classmethod
    def of(cls, code: Code, type_: TensorType) -> _Shape:
        """The shape of a tensor in words or planes."""
        channels, images = type_.shape[1], type_.shape[0]
        assert isinstance(channels, int)
        assert not isinstance(type_.element, Scalar)
        pixels = _pixels(type_)
        blocks = -(-pixels // WORD_BITS)
        count: Index = code.mul(code.batch, images.factor) if isinstance(images, Batch) else images
        planes = type_.element.planes
        return cls(channels, pixels, planes, words_of(type_), blocks, code.mul(count, 8 * blocks))

    @property
    def pixel(self) -> int:
        """From one pixel to the next in words."""
        return 8 * self.planes * self.words


def _pixels(type_: TensorType) -> int:
    return math.prod(d for d in type_.shape[2:] if isinstance(d, int))


@dataclass(frozen=True)
class _Tile:
    """Some pixels and one or two words of each: where they lie on both sides.

    ``rows`` is the address of the first pixel's first word, ``planes`` that of the first channel's
    byte of the first pixel; ``channels`` are those of each word, ``count`` the pixels that exist.
    """

    shape: _Shape
    rows: Any
    planes: Any
    channels: tuple[int, ...]
    count: int

    @property
    def contiguous(self) -> bool:
        """True when two pixels are 16 bytes in a row."""
        return self.shape.pixel == 8


Body = Callable[[Code, _Tile], None]


def _lower(job: Job) -> None:
    op, type_ = job.op, job.result.type
    assert isinstance(op, Relayout)
    to_planes = op.layout is Layout.PLANES
    words, planes = (op.x, job.result) if to_planes else (job.result, op.x)

    def body(code: Code) -> None:
        shape = _Shape.of(code, type_)
        with code.loop(code.begin, code.end) as task:
            image, block = code.divide(task, shape.blocks)
            pixel = code.add(code.mul(image, shape.pixels), code.mul(block, WORD_BITS))
            rows = code.offset(code.pointer(words), code.mul(pixel, shape.pixel))
            plane_bytes = code.offset(code.pointer(planes), code.mul(task, 8))
            tile = _pack if to_planes else _unpack
            _block(code, shape, tile, (rows, plane_bytes), block)

    job.step(Extent.of(type_.shape[0], -(-_pixels(type_) // WORD_BITS)), body)


def _block(code: Code, shape: _Shape, body: Body, at: tuple[Any, Any], block: Index) -> None:
    """64 pixels of every channel; the last block of an image may have fewer."""
    b: Any = code.b
    step = code.target.vector_bits // 8
    rest = shape.pixels % WORD_BITS
    full = rest // step * step
    partial = code.b.icmp_signed("==", code.index(block), I64(shape.blocks - 1)) if rest else I1(0)
    with code.loop(0, b.select(partial, I64(full), I64(WORD_BITS)), step) as first:
        rows = code.offset(at[0], code.mul(first, shape.pixel))
        planes = code.offset(at[1], b.udiv(first, I64(8)))
        _channels(code, shape, body, (rows, planes), step)
    if rest:
        with code.when(partial):
            for first in range(full, WORD_BITS, step):
                rows = code.offset(at[0], first * shape.pixel)
                planes = code.offset(at[1], first // 8)
                _channels(code, shape, body, (rows, planes), max(0, rest - first))


def _channels(code: Code, shape: _Shape, body: Body, at: tuple[Any, Any], count: int) -> None:
    """The words of a tile's pixels, two at a time while they are full; without pixels the bits of
    one channel after another, which are 0."""
    full, rest = divmod(shape.channels, WORD_BITS)
    pairs, tail = full // 2, (WORD_BITS,) * (full % 2) + (rest,) * (rest > 0)
    if not count:
        pairs, tail = 0, (1,)
    with code.loop(0, shape.planes if count else shape.planes * shape.channels) as plane:
        rows = code.offset(at[0], code.mul(plane, 8 * shape.words))
        planes = code.offset(at[1], code.mul(plane, shape.channel))

        def tile(pair: Index, channels: tuple[int, ...]) -> None:
            across = code.mul(code.mul(pair, 2 * WORD_BITS * shape.planes), shape.channel)
            here = code.offset(rows, code.mul(pair, 16)), code.offset(planes, across)
            body(code, _Tile(shape, *here, channels, count))

        if pairs:
            with code.loop(0, pairs) as pair:
                tile(pair, (WORD_BITS, WORD_BITS))
        if tail:
            tile(pairs, tail)


# --- bytes ------------------------------------------------------------------------------------


def _interleave(code: Code, vectors: Sequence[Any], rounds: int) -> list[Any]:
    """A transposition of bytes: with vectors numbered v3 v2 v1 v0 (in bits) and the bytes of each
    part b3 b2 b1 b0, every round moves the highest of both to the lowest place of the other."""
    lanes = vectors[0].type.count
    half, size = len(vectors) // 2, PART // 2
    low, high = (
        [
            i
            for p in range(0, lanes, PART)
            for k in range(size)
            for i in (p + s + k, lanes + p + s + k)
        ]
        for s in (0, size)
    )
    for _ in range(rounds):
        pairs = zip(vectors[:half], vectors[half:], strict=True)
        vectors = [code.shuffle(a, b, order) for a, b in pairs for order in (low, high)]
    return list(vectors)


def _read_rows(code: Code, tile: _Tile, lanes: int) -> list[Any]:
    """Pixels as vectors: 16 bytes of pixel i of each part (two words), or 8 bytes of pixels 2 i and
    2 i + 1 (one word); zeros past the end."""
    two = len(tile.channels) == 2
    return [
        _joined(code, [_row(code, tile, p, two) for p in range(first, lanes, PART)])
        for first in range(0, PART, 1 if two else 2)
    ]


def _row(code: Code, tile: _Tile, pixel: int, two: bool) -> Any:
    type_, word = vector(I8, PART), vector(I8, 8)
    if pixel >= tile.count:
        return type_(None)
    at = code.offset(tile.rows, pixel * tile.shape.pixel)
    if two or (tile.contiguous and pixel + 1 < tile.count):
        return code.load(at, type_)
    first = code.load(at, word)
    if pixel + 1 >= tile.count:
        return code.widen(first, PART)
    second = code.load(code.offset(at, tile.shape.pixel), word)
    return code.shuffle(first, second, range(PART))


def _write_rows(code: Code, tile: _Tile, rows: Sequence[Any]) -> None:
    """The inverse of `_read_rows`."""
    two = len(tile.channels) == 2
    for i, row in enumerate(rows):
        for part in range(0, row.type.count, PART):
            pixel = part + (i if two else 2 * i)
            at = code.offset(tile.rows, pixel * tile.shape.pixel)
            if two or (tile.contiguous and pixel + 1 < tile.count):
                if pixel < tile.count:
                    code.store(code.lanes_of(row, part, PART), at)
                continue
            for k in range(min(2, tile.count - pixel)):
                word = code.lanes_of(row, part + 8 * k, 8)
                code.store(word, code.offset(at, k * tile.shape.pixel))


def _joined(code: Code, parts: Sequence[Any]) -> Any:
    """Parts as one vector, joined pairwise."""
    while len(parts) > 1:
        size = 2 * parts[0].type.count
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [code.shuffle(a, b, range(size)) for a, b in pairs]
    return parts[0]


# --- bits -------------------------------------------------------------------------------------


def _byte_columns(tile: _Tile) -> list[tuple[int, int, int]]:
    """(number of the byte in the tile, its first channel, its channels)."""
    out: list[tuple[int, int, int]] = []
    for word, channels in enumerate(tile.channels):
        for byte in range(-(-channels // 8)):
            out.append((8 * word + byte, WORD_BITS * word + 8 * byte, min(8, channels - 8 * byte)))
    return out


def _address(code: Code, tile: _Tile, channel: int) -> Any:
    across = code.mul(tile.shape.channel, channel * tile.shape.planes)
    return code.offset(tile.planes, across)


def _pack(code: Code, tile: _Tile) -> None:
    """From words to planes."""
    lanes = code.target.vector_bits // 8
    bits = ir.IntType(lanes)
    columns: list[Any] = []
    if tile.count:
        columns = _interleave(code, _read_rows(code, tile, lanes), 4)
    for number, channel, count in _byte_columns(tile):
        for k in range(count):
            at = _address(code, tile, channel + k)
            if not tile.count:
                code.store(bits(0), at)
                continue
            code.store(_signs(code, columns[number], 7 - k), at)


def _signs(code: Code, octets: Any, shift: int) -> Any:
    """Bit 7 - shift of every byte, as an integer."""
    b: Any = code.b
    lanes = octets.type.count
    shifted = b.shl(octets, octets.type([shift] * lanes)) if shift else octets
    return b.bitcast(b.icmp_signed("<", shifted, octets.type(None)), ir.IntType(lanes))


def _unpack(code: Code, tile: _Tile) -> None:
    """From planes to words."""
    if not tile.count:
        return
    lanes = code.target.vector_bits // 8
    octets = vector(I8, lanes)
    rows: list[Any] = [octets(None)] * (8 * len(tile.channels))
    for number, channel, count in _byte_columns(tile):
        for k in range(count):
            rows[number] = _with_bit(code, rows[number], _address(code, tile, channel + k), k)
    _write_rows(code, tile, _interleave(code, rows, 4 if len(tile.channels) == 2 else 3))


def _with_bit(code: Code, octets: Any, at: Any, bit: int) -> Any:
    """``octets`` with bit ``bit`` of byte i set where bit i of the integer at an address is."""
    b: Any = code.b
    lanes = octets.type.count
    power = octets.type([1 << bit] * lanes)
    if code.target.has.mask_registers:
        chosen = b.bitcast(code.load(at, ir.IntType(lanes)), vector(I1, lanes))
        return b.select(chosen, b.or_(octets, power), octets)
    # Without mask registers each byte meets its own bit, in a copy of the byte that holds it.
    bits = code.load(at, vector(I8, lanes // 8))
    copies = code.shuffle(bits, bits, [i // 8 for i in range(lanes)])
    own = octets.type([1 << i % 8 for i in range(lanes)])
    is_set = b.icmp_unsigned("==", b.and_(copies, own), own)
    return b.or_(octets, b.and_(b.sext(is_set, octets.type), power))


# --- the descriptor ---------------------------------------------------------------------------


def is_transposition(op: Op) -> bool:
    """True for a relayout between words and planes."""
    if not isinstance(op, Relayout):
        return False
    return {op.layout, op.x.type.layout} == {Layout.WORDS, Layout.PLANES}


def _refuses(op: Op, target: Target) -> str | None:
    return None if is_transposition(op) else "goes only between words and planes"


def _cycles(op: Op, target: Target, choice: Choice) -> float:
    """Per vector of 8 channels: four shuffles, parts to put together, 8 masks to shift out and to
    store; or 8 masks to load and add, a little dearer without mask registers."""
    assert isinstance(op, Relayout)
    size = target.vector_bits // 8
    elements = TensorType(op.x.shape).concrete(1)
    vectors = elements[0] * -(-elements[1] // 8) * -(-_pixels(op.x.type) // size)
    if op.layout is Layout.PLANES:
        each = 8 + 1.4 * size / PART
    else:
        each = 14 if target.has.mask_registers else 16
    return each * vectors * op.x.element.planes  # type: ignore[union-attr]


KERNELS = (Kernel(KernelDescriptor("transpose_bits", Relayout, _refuses, _cycles), _lower),)
