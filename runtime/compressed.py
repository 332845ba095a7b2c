"""Compressed artifacts: the same file in less space, expanded exactly when it is read.

    8 bytes   b"BNNCPACK"
    2 x u32   number of this format, bytes of the header
    32 bytes  SHA-256 of all that follows
    header    JSON, deflated: sizes, and how each stream is stored
    streams   in the order of the header

Binary weights take more than a bit each in the constants of the code, in the form that its kernels
want (`weight_layouts`). Here they are cut out and stored as what they are, matrices of bits
(`bit_coding`), from which their layout makes the constants again. The rest of the file is stored in
segments.

The digest finds damage before anything is decoded; the expanded file has a checksum of its own.
Neither finds malice, but no header makes the reader write beyond what the limits below allow.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from ..errors import ArtifactError
from .bit_coding import (
    CodedBits,
    Forest,
    Stream,
    decode,
    decode_bits,
    encode,
    encode_bits,
    inflated,
)
from .manifest import MAX_FILE_BYTES
from .manifest_decoder import Fields
from .weight_layouts import WeightLayout, described, from_description

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bits = NDArray[Any]

MAGIC = b"BNNCPACK"
"""The first bytes of a compressed artifact."""
FORMAT = 1
MAX_GROWTH = 256
"""How many bytes a byte of a file may become at most, after a mebibyte that any file may fill."""
SEGMENT = 1 << 16
LEAST = 256
"""Bytes of constants that are worth an entry."""
_HEAD = struct.Struct("<8sII32s")
_MAX_HEADER = 4 << 20
_AS_THEY_ARE = "bytes"
"""Coding of constants that no layout makes."""
_AGAIN = "again"
"""Coding of constants that are made from the weights of the entry before."""


class Weights(NamedTuple):
    """Binary weights among the constants of a file, for `compress`.

    ``kernel``: the number of their kernel in the manifest; ``data`` is what ``layout`` makes of
    ``bits``, u8 [O, K], K being channels x ``taps``; without a layout only the bytes are known.
    """

    kernel: int
    data: bytes
    bits: Bits
    taps: int
    layout: WeightLayout | None


@dataclass(frozen=True)
class Entry:
    """Weights in a compressed file: where their constants stand in the expanded one, and how they
    are stored."""

    kernel: int
    offset: int
    size: int
    taps: int
    layout: WeightLayout | None
    coded: CodedBits

    @property
    def nbytes(self) -> int:
        """Bytes in the compressed file."""
        return self.coded.nbytes


@dataclass(frozen=True)
class Contents:
    """A compressed file taken apart: the expanded file's size, its weights by offset, and the
    segments of everything else."""

    size: int
    entries: tuple[Entry, ...]
    rest: tuple[Stream, ...]


def is_compressed(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a compressed artifact."""
    return head[: len(MAGIC)] == MAGIC


# Reading.


def expand(data: bytes, path: str) -> bytes:
    """The artifact's file as it was before it was compressed; ArtifactError for damage."""
    contents = read_contents(data, path)
    out = bytearray(contents.size)
    for entry, data in zip(contents.entries, _constants(contents.entries, path), strict=True):
        out[entry.offset : entry.offset + entry.size] = data
    left = contents.size - sum(entry.size for entry in contents.entries)
    if len(contents.rest) != -(-left // SEGMENT):
        raise ArtifactError(f"{path}: {len(contents.rest)} segments for {left} bytes")
    rest = b"".join(
        decode(stream, min(SEGMENT, left - number * SEGMENT), path)
        for number, stream in enumerate(contents.rest)
    )
    done = 0
    for begin, end in _gaps(contents.entries, contents.size):
        out[begin:end] = rest[done : done + end - begin]
        done += end - begin
    return bytes(out)


def read_contents(data: bytes, path: str) -> Contents:
    """What a compressed file holds, still encoded; ArtifactError when it is damaged or newer."""
    if len(data) < _HEAD.size:
        raise _damaged(path, f"{len(data)} bytes are less than a header")
    _magic, version, size, digest = _HEAD.unpack_from(data)
    if version != FORMAT:
        raise ArtifactError(
            f"{path}: made by a newer bnnc (compression {version}, this one reads {FORMAT}): "
            "upgrade"
        )
    view = memoryview(data)[_HEAD.size :]
    if hashlib.sha256(view).digest() != digest or size > len(view):
        raise _damaged(path, "its digest does not match")
    text = inflated(bytes(view[:size]), _MAX_HEADER, path)
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"header: {error}") from None
    return _Reader(view[size:], path).contents(value, len(data))


class _Reader:
    """Takes the streams of a payload in the order of the header."""

    def __init__(self, payload: memoryview, path: str) -> None:
        self.payload = payload
        self.path = path
        self.size = 0
        self.at = 0

    def contents(self, value: object, file_size: int) -> Contents:
        """The whole file."""
        top = Fields(value, f"{self.path}: header")
        most = min(MAX_FILE_BYTES, (1 << 20) + MAX_GROWTH * file_size)
        self.size = size = top.integer("size", 1, most)
        entries = tuple(self._entry(fields) for fields in top.children("weights"))
        rest = tuple(self._streams(top, "rest"))
        top.finish()
        end = 0
        for entry in entries:
            if entry.offset < end:
                raise _damaged(self.path, "weights that overlap")
            end = entry.offset + entry.size
        if end > size or self.at != len(self.payload):
            raise _damaged(self.path, "streams and sizes do not fit")
        return Contents(size, entries, rest)

    def _entry(self, fields: Fields) -> Entry:
        size = fields.integer("size", 1, MAX_FILE_BYTES)
        taps = fields.integer("taps", 1, MAX_FILE_BYTES)
        layout = self._layout(fields, size)
        coded = CodedBits(fields.string("coding"), tuple(self._streams(fields, "streams")))
        if (layout is None) != (coded.coding == _AS_THEY_ARE):
            raise _damaged(self.path, f"{coded.coding} without a layout, or with one")
        offset = fields.integer("offset", 0, MAX_FILE_BYTES)
        entry = Entry(fields.size("kernel"), offset, size, taps, layout, coded)
        fields.finish()
        return entry

    def _layout(self, fields: Fields, size: int) -> WeightLayout | None:
        """The layout, after checks that it makes no more constants than its size in the file
        suggests (in a tree, at least every 64th channel lists all its weights) and has no more
        weights than the file can."""
        name, sizes = fields.string("layout"), fields.items("fields")
        if not name:
            return None
        numbers = [number for number in sizes if type(number) is int]
        layout = from_description(name, numbers, self.path)
        outputs, inputs = layout.shape
        fits = outputs * inputs <= 256 * self.size and size <= layout.nbytes <= 64 * size
        if len(numbers) != len(sizes) or not fits:
            raise _damaged(self.path, f"weights of {size} bytes that their layout does not fill")
        return layout

    def _streams(self, fields: Fields, key: str) -> Iterator[Stream]:
        """Pairs of coder and bytes."""
        for item in fields.items(key):
            pair = cast("list[object]", item) if isinstance(item, list) else []
            match pair:
                case [str(coder), int(size)] if 0 <= size <= len(self.payload) - self.at:
                    yield Stream(coder, bytes(self.payload[self.at : self.at + size]))
                    self.at += size
                case _:
                    raise fields.wrong(key, "pairs of a coder and bytes of the file", item)


def _constants(entries: Sequence[Entry], path: str) -> Iterator[bytes]:
    """The constants of the code that were made from each entry's weights."""
    bits: Bits | None = None
    for entry in entries:
        layout, coded = entry.layout, entry.coded
        if layout is None:
            if len(coded.streams) != 1:
                raise _damaged(path, "bytes in several streams")
            yield decode(coded.streams[0], entry.size, path)
            continue
        if coded.coding != _AGAIN:
            bits = decode_bits(coded, *layout.shape, entry.taps, path)
        if bits is None or bits.shape != layout.shape:
            raise _damaged(path, "weights that are those of no entry before")
        data = layout.array(bits).tobytes()
        if len(data) != entry.size:
            raise _damaged(path, f"weights that make {len(data)} bytes instead of {entry.size}")
        yield data


def _damaged(path: str, what: str) -> ArtifactError:
    return ArtifactError(f"{path}: the file is truncated or damaged: {what}; compile it again")


def _gaps(entries: Sequence[Entry], size: int) -> Iterator[tuple[int, int]]:
    """Begin and end of the bytes before, between and after the entries."""
    begin = 0
    for entry in entries:
        yield begin, entry.offset
        begin = entry.offset + entry.size
    yield begin, size


# Writing.


def compress(data: bytes, weights: Sequence[Weights], forest: Callable[[Bits], Forest]) -> bytes:
    """A compressed file that `expand` turns back into ``data``, which contains the weights.

    ``forest`` tells which rows of a matrix of bits resemble each other.
    """
    packed = _written(data, _entries(data, weights, forest))
    if len(data) > (1 << 20) + MAX_GROWTH * len(packed):
        # Almost nothing but zeros: the reader would take the size for damage.
        packed = _written(data, (), plain=True)
    assert expand(packed, "compressed") == data
    return packed


def _entries(
    data: bytes, weights: Sequence[Weights], forest: Callable[[Bits], Forest]
) -> tuple[Entry, ...]:
    """The weights that ``data`` contains, by offset; equal ones and those inside others once."""
    located: dict[int, Weights] = {}
    for tensor in weights:
        offset = data.find(tensor.data)
        end = offset + len(tensor.data)
        apart = all(end <= at or at + len(other.data) <= offset for at, other in located.items())
        if offset >= 0 and len(tensor.data) >= LEAST and apart:
            located[offset] = tensor
    entries: list[Entry] = []
    before: Weights | None = None
    for offset, tensor in sorted(located.items(), key=lambda entry: entry[0]):
        if before is not None and tensor.layout is not None and _same(tensor, before):
            layout, coded = tensor.layout, CodedBits(_AGAIN, ())
        else:
            layout, coded = _shortest(tensor, forest)
            before = tensor if layout is not None else before
        entries.append(Entry(tensor.kernel, offset, len(tensor.data), tensor.taps, layout, coded))
    return tuple(entries)


def _same(one: Weights, other: Weights) -> bool:
    """Whether two constants are made from the same weights."""
    return one.kernel == other.kernel and np.array_equal(one.bits, other.bits)


def _shortest(
    weights: Weights, forest: Callable[[Bits], Forest]
) -> tuple[WeightLayout | None, CodedBits]:
    """The layout and the coded bits, or no layout and the coded bytes where those are shorter."""
    as_bytes = CodedBits(_AS_THEY_ARE, (encode(weights.data),))
    if weights.layout is not None:
        as_bits = encode_bits(weights.bits, forest(weights.bits), weights.taps)
        if as_bits.nbytes < as_bytes.nbytes:
            return weights.layout, as_bits
    return None, as_bytes


def _written(data: bytes, entries: Sequence[Entry], plain: bool = False) -> bytes:
    rest = b"".join(data[begin:end] for begin, end in _gaps(entries, len(data)))
    parts = [rest[begin : begin + SEGMENT] for begin in range(0, len(rest), SEGMENT)]
    segments = [Stream("raw", part) if plain else encode(part) for part in parts]
    header = {
        "size": len(data),
        "weights": [_described(entry) for entry in entries],
        "rest": _sizes(segments),
    }
    text = zlib.compress(json.dumps(header, separators=(",", ":"), sort_keys=True).encode(), 9)
    streams = [stream for entry in entries for stream in entry.coded.streams]
    payload = b"".join(stream.stored for stream in (*streams, *segments))
    digest = hashlib.sha256(text + payload).digest()
    return _HEAD.pack(MAGIC, FORMAT, len(text), digest) + text + payload


def _described(entry: Entry) -> dict[str, object]:
    """The JSON object that describes an entry in the header."""
    name, fields = described(entry.layout) if entry.layout is not None else ("", [])
    return {
        "kernel": entry.kernel,
        "offset": entry.offset,
        "size": entry.size,
        "taps": entry.taps,
        "layout": name,
        "fields": fields,
        "coding": entry.coded.coding,
        "streams": _sizes(entry.coded.streams),
    }


def _sizes(streams: Sequence[Stream]) -> list[tuple[str, int]]:
    return [(stream.coder, len(stream.stored)) for stream in streams]
