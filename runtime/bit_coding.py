"""Bytes and matrices of bits in less space, exactly: zlib's entropy coder, and what makes it fit.

Bytes are stored in the shortest of a few ways; floats as planes (all first bytes, then all second
ones, ..), because their exponents repeat. The rows of a matrix of bits are stored plain, as the
difference from a similar row (the parent in a forest), or as numbers of distinct kernels. Deltas
are bytes of mostly zero bits: a Huffman code of them comes within 2 % of their entropy where
neighbouring rows have equally many ones, so rows are sorted by that.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import ArtifactError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

PLANES = 4
LEVELS = 16
"""How many classes of distance to the parent there are; rows are sorted by class."""
LONGEST_KERNEL = 16
MOST_KERNELS = 256
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY)
_STREAMS = {"plain": 1, "tree": 3, "kernels": 2}


class Stream(NamedTuple):
    """Bytes in their stored form, and the form's name: ``raw``, ``zlib``, or ``planes``."""

    coder: str
    stored: bytes


class CodedBits(NamedTuple):
    """A matrix of bits [O, K], stored ``plain``, along a ``tree``, or as numbers of ``kernels``."""

    coding: str
    streams: tuple[Stream, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of all streams."""
        return sum(len(stream.stored) for stream in self.streams)


class Forest(NamedTuple):
    """Rows that differ little: ``parents`` [O] (-1: none), and ``negated`` [O]: if only one of a
    row and its parent is negated, the row resembles its parent's complement."""

    parents: Array
    negated: Array


def encode(data: bytes) -> Stream:
    """The shortest way to store bytes."""
    planes = _planes(data)
    coded = [Stream("raw", data)]
    for coder, content in (("zlib", data), ("planes", planes)):
        coded += [Stream(coder, _deflated(content, how)) for how in _STRATEGIES]
    return min(coded, key=lambda stream: len(stream.stored))


def decode(stream: Stream, size: int, where: str) -> bytes:
    """Exactly ``size`` bytes; ArtifactError when the stream holds something else."""
    if stream.coder == "raw":
        data = stream.stored
    elif stream.coder in ("zlib", "planes"):
        data = inflated(stream.stored, size, where)
    else:
        raise ArtifactError(f"{where}: made by a newer bnnc (coder {stream.coder!r}): upgrade")
    if len(data) != size:
        raise ArtifactError(f"{where}: a stream holds {len(data)} bytes instead of {size}")
    return _merged(data) if stream.coder == "planes" else data


def inflated(stored: bytes, most: int, where: str) -> bytes:
    """The bytes that zlib compressed, at most ``most``; ArtifactError when there are more."""
    machine = zlib.decompressobj()
    try:
        data = machine.decompress(stored, most + 1)
    except zlib.error as error:
        raise ArtifactError(f"{where}: {error}") from None
    if not machine.eof or machine.unused_data or len(data) > most:
        raise ArtifactError(f"{where}: a stream does not end where it should, at {most} bytes")
    return data


def encode_bits(bits: Array, forest: Forest, taps: int) -> CodedBits:
    """The shortest way to store a matrix of 0/1, u8 [O, K] with K channels x ``taps``."""
    rows = np.packbits(bits, axis=1)
    coded = [CodedBits("plain", (encode(rows.tobytes()),)), _along(bits, forest)]
    kernels = _as_kernels(bits, taps)
    if kernels is not None:
        coded.append(kernels)
    return min(coded, key=lambda candidate: candidate.nbytes)


def decode_bits(coded: CodedBits, outputs: int, inputs: int, taps: int, where: str) -> Array:
    """The matrix: u8 [outputs, inputs]. Raises ArtifactError for streams that encode no matrix."""
    decoders = {"plain": _decode_plain, "tree": _decode_tree, "kernels": _decode_kernels}
    if coded.coding not in decoders:
        raise ArtifactError(f"{where}: made by a newer bnnc (coding {coded.coding!r}): upgrade")
    if len(coded.streams) != _STREAMS[coded.coding]:
        raise ArtifactError(f"{where}: {len(coded.streams)} streams for coding {coded.coding}")
    return decoders[coded.coding](coded.streams, (outputs, inputs), taps, where)


# Bytes.


def _deflated(data: bytes, strategy: int) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
    return machine.compress(data) + machine.flush()


def _planes(data: bytes) -> bytes:
    """Bytes 0, 4, 8, .., then 1, 5, ..; the remainder stays at the end."""
    aligned = len(data) // PLANES * PLANES
    planes = np.frombuffer(data, np.uint8, aligned).reshape(-1, PLANES).T
    return planes.tobytes() + data[aligned:]


def _merged(data: bytes) -> bytes:
    """The inverse of `_planes`."""
    aligned = len(data) // PLANES * PLANES
    planes = np.frombuffer(data, np.uint8, aligned).reshape(PLANES, -1).T
    return planes.tobytes() + data[aligned:]


# Matrices.


def _decode_plain(
    streams: Sequence[Stream], shape: tuple[int, int], taps: int, where: str
) -> Array:
    return np.unpackbits(_rows(streams[0], shape, where), axis=1, count=shape[1])


def _rows(stream: Stream, shape: tuple[int, int], where: str) -> Array:
    """Packed rows, u8 [O, bytes]."""
    width = -(-shape[1] // 8)
    packed = np.frombuffer(decode(stream, shape[0] * width, where), np.uint8)
    return packed.reshape(shape[0], width)


def _along(bits: Array, forest: Forest) -> CodedBits:
    """Links to parents, with the sign; classes of distances; deltas, sorted by class."""
    parents, negated = np.asarray(forest.parents), np.asarray(forest.negated).astype(np.uint8)
    plain = bits ^ negated[:, None]
    deltas = np.where(parents[:, None] >= 0, plain ^ plain[parents], plain)
    classes = (deltas.sum(axis=1, dtype=np.int64) * LEVELS // bits.shape[1]).astype(np.uint8)
    order = np.argsort(classes, kind="stable")
    links = (2 * (parents + 1) + negated).astype("<u4")
    rows = np.packbits(deltas[order], axis=1)
    parts = (links.tobytes(), classes.tobytes(), rows.tobytes())
    return CodedBits("tree", tuple(encode(part) for part in parts))


def _decode_tree(streams: Sequence[Stream], shape: tuple[int, int], taps: int, where: str) -> Array:
    outputs = shape[0]
    links = np.frombuffer(decode(streams[0], 4 * outputs, where), "<u4").astype(np.int64)
    classes = np.frombuffer(decode(streams[1], outputs, where), np.uint8)
    rows = np.empty((outputs, -(-shape[1] // 8)), np.uint8)
    rows[np.argsort(classes, kind="stable")] = _rows(streams[2], shape, where)
    parents = links // 2 - 1
    if parents.max() >= outputs:
        raise ArtifactError(f"{where}: a parent that does not exist")
    known = parents < 0
    while not known.all():
        ready = ~known & known[parents]
        if not ready.any():
            raise ArtifactError(f"{where}: channels that are each other's parents")
        rows[ready] ^= rows[parents[ready]]
        known |= ready
    return np.unpackbits(rows, axis=1, count=shape[1]) ^ (links & 1).astype(np.uint8)[:, None]


def _as_kernels(bits: Array, taps: int) -> CodedBits | None:
    """The distinct kernels of one input channel as words, and the number of each kernel; None if
    there are too many."""
    if taps > LONGEST_KERNEL:
        return None
    words = bits.reshape(-1, taps).astype(np.int64) @ (1 << np.arange(taps))
    distinct, numbers = np.unique(words, return_inverse=True)
    if len(distinct) > MOST_KERNELS:
        return None
    padded = np.zeros(MOST_KERNELS, "<u2")
    padded[: len(distinct)] = distinct
    streams = (encode(padded.tobytes()), encode(numbers.astype(np.uint8).tobytes()))
    return CodedBits("kernels", streams)


def _decode_kernels(
    streams: Sequence[Stream], shape: tuple[int, int], taps: int, where: str
) -> Array:
    if not 0 < taps <= LONGEST_KERNEL or shape[1] % taps:
        raise ArtifactError(f"{where}: kernels of {taps} taps in rows of {shape[1]}")
    distinct = np.frombuffer(decode(streams[0], 2 * MOST_KERNELS, where), "<u2")
    count = shape[0] * (shape[1] // taps)
    numbers = np.frombuffer(decode(streams[1], count, where), np.uint8)
    table = (distinct[:, None] >> np.arange(taps) & 1).astype(np.uint8)
    return table[numbers].reshape(shape)
