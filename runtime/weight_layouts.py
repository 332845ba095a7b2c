"""How kernels store binary weights: from a matrix of bits to the constants of the code.

A matrix [O, K] of 0/1 (1 for +1) holds one row per output channel and in it, in order, the input
channels and their taps. The kernels make their constants with these functions, and so does the
expansion of a compressed artifact, which contains only the bits. The meaning of a layout must
therefore never change: a kernel that needs another one gets a new class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import ArtifactError
from . import matrix_registers
from .matrix_registers import in_registers
from .weight_packing import in_lanes, in_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

WORD = 32
"""Bits of a word of input channels."""
GROUP = 3
"""Planes that a group of `Majorities` takes."""
FORMS = 8
"""Majorities of three planes with any signs."""
FIVE = 5
"""Planes that a group of `Fives` takes."""
FIVE_FORMS = FORMS + 16
"""What its table holds: the first majorities, then in how far the two differ, with any signs."""
_MOST = 1 << 31


class WeightLayout(Protocol):
    """A way to store a matrix of bits; the fields of an instance are integers of at least 0."""

    @property
    def shape(self) -> tuple[int, int]:
        """O and K of the matrix."""
        ...

    @property
    def nbytes(self) -> int:
        """Bytes of the constants, at most."""
        ...

    def array(self, bits: Array) -> Array:
        """The constants made from a matrix of 0/1, u8 [O, K]."""
        ...

    def possible(self) -> bool:
        """Whether the fields fit each other, for those read from a file."""
        ...


@dataclass(frozen=True)
class Words:
    """Words of 32 input channels in lanes of output channels: u32 [blocks, taps, span, width].

    A block has ``width`` output channels, of one group if ``split``, and reads ``span`` words of
    each tap from the first that its channels need on.
    """

    outputs: int
    channels: int
    taps: int
    groups: int
    span: int
    width: int
    split: int

    @property
    def shape(self) -> tuple[int, int]:
        """O and K."""
        return self.outputs, self.channels // self.groups * self.taps

    @property
    def words(self) -> int:
        """Words of all input channels."""
        return -(-self.channels // WORD)

    @property
    def blocks(self) -> tuple[int, int]:
        """Groups whose blocks are apart, and blocks of each."""
        groups = self.groups if self.split else 1
        return groups, -(-(self.outputs // groups) // self.width)

    @property
    def nbytes(self) -> int:
        """Bytes of the constants."""
        return 4 * math.prod(self.blocks) * self.taps * self.span * self.width

    def possible(self) -> bool:
        """Whether groups divide the channels, and a block's words are among those there are."""
        sizes = (self.outputs, self.channels, self.taps, self.groups, self.span, self.width)
        return (
            min(sizes) > 0
            and not self.outputs % self.groups
            and not self.channels % self.groups
            and self.span <= self.words
            and self.outputs * self.taps * self.words * WORD < _MOST
        )

    def array(self, bits: Array) -> Array:
        """The weights' words; channels of other groups are 0."""
        shaped = bits.reshape(self.outputs, -1, self.taps).transpose(0, 2, 1)
        rows = np.zeros((self.outputs, self.taps, self.words * WORD), np.uint8)
        for outs, ins in self._groups():
            rows[outs, :, ins] = shaped[outs]
        return self._blocked(in_words(rows, WORD))

    def masks(self) -> Array:
        """1 for the input channels of an output channel's group: u32 [blocks, span, width]."""
        rows = np.zeros((self.outputs, self.words * WORD), np.uint8)
        for outs, ins in self._groups():
            rows[outs, ins] = 1
        return self._blocked(in_words(rows, WORD))

    def _groups(self) -> list[tuple[slice, slice]]:
        out, into = self.outputs // self.groups, self.channels // self.groups
        return [
            (slice(group * out, (group + 1) * out), slice(group * into, (group + 1) * into))
            for group in range(self.groups)
        ]

    def _blocked(self, words: Array) -> Array:
        """[O, .., words] to [blocks, .., span, width]: lanes innermost, each block its words."""
        groups, blocks = self.blocks
        per_group, group_out = self.outputs // groups, self.outputs // self.groups
        group_channels = self.channels // self.groups
        out: list[Array] = []
        for number, block in enumerate(in_lanes(words, self.width, groups)):
            group, inside = divmod(number, blocks)
            start = group * per_group + inside * self.width
            low = start // group_out * group_channels // WORD if self.groups > 1 else 0
            low = min(low, words.shape[-1] - self.span)
            out.append(block[..., low : low + self.span, :])
        return np.stack(out)


@dataclass(frozen=True)
class Registers:
    """Registers of a matrix unit as words of bits, in the order of `in_registers`: u64 [blocks, 2,
    rows, 16]."""

    outputs: int
    channels: int
    taps: int

    @property
    def shape(self) -> tuple[int, int]:
        """O and K."""
        return self.outputs, self.channels * self.taps

    @property
    def nbytes(self) -> int:
        """Bytes of the constants."""
        block, row = matrix_registers.BLOCK, matrix_registers.ROW
        return -(-self.outputs // block) * block * self.taps * -(-self.channels // row) * row // 8

    def possible(self) -> bool:
        """Whether there are weights, and not too many."""
        return min(self.outputs, self.channels, self.taps) > 0 and self.nbytes < _MOST

    def array(self, bits: Array) -> Array:
        """The words."""
        rows = in_registers(bits.reshape(self.outputs, self.channels, self.taps))
        return in_words(rows, matrix_registers.ROW)[..., 0]


@dataclass(frozen=True)
class Nibbles:
    """Indices of tables of 16: u8 [blocks, taps, fours of channels, lanes], each 0 .. 15.

    The order of lanes (`byte_order`) lets bytes widen to vectors of consecutive channels; the last
    block may have fewer. Channels come in fours, of whole words of 32.
    """

    outputs: int
    channels: int
    taps: int
    lanes: int

    @property
    def shape(self) -> tuple[int, int]:
        """O and K."""
        return self.outputs, self.channels * self.taps

    @property
    def fours(self) -> int:
        """Fours of channels."""
        return -(-self.channels // WORD) * WORD // 4

    @property
    def widths(self) -> list[int]:
        """Bytes of each block: ``lanes``, and the fewest that hold the last channels."""
        return widths_of(self.outputs, self.lanes)

    @property
    def nbytes(self) -> int:
        """Bytes of the constants."""
        full, rest = divmod(self.outputs, self.lanes)
        last = widths_of(rest, self.lanes)[-1] if rest else 0
        return (full * self.lanes + last) * self.taps * self.fours

    def possible(self) -> bool:
        """Whether blocks are of complete fours of lanes."""
        sizes = (self.outputs, self.channels, self.taps)
        return min(sizes) > 0 and self.lanes in (16, 32, 64)

    def array(self, bits: Array) -> Array:
        """The indices."""
        shaped = bits.reshape(self.outputs, self.channels, self.taps).transpose(0, 2, 1)
        rows = np.zeros((self.outputs, self.taps, 4 * self.fours), np.uint8)
        rows[:, :, : self.channels] = shaped
        fours = rows.reshape(self.outputs, self.taps, -1, 4) @ np.array([1, 2, 4, 8], np.uint8)
        blocks: list[Array] = []
        start = 0
        for width in self.widths:
            block = np.zeros((width, *fours.shape[1:]), np.uint8)
            part = fours[start : start + width]
            block[: len(part)] = part
            blocks.append(np.moveaxis(block[byte_order(width)], 0, -1).ravel())
            start += width
        return np.concatenate(blocks)


@dataclass(frozen=True)
class Majorities:
    """The forms that a channel adds, one per group of three planes: [chunks, O, chunk].

    Planes are those of the K inputs, then the sum plane of each group, and each group takes the
    first three that are left. Its form, 0 .. 7, is their signs; if K is even, the last group has
    two planes. With ``plane`` = 0 a form is a byte, 8 times its number; else two bytes, which say
    where its plane of ``plane`` bytes lies in the table of the chunk. Absent groups of the last
    chunk are form 0.
    """

    outputs: int
    inputs: int
    chunk: int
    plane: int

    @property
    def shape(self) -> tuple[int, int]:
        """O and K."""
        return self.outputs, self.inputs

    @property
    def groups(self) -> int:
        """Groups of a channel."""
        return self.inputs // 2

    @property
    def chunks(self) -> int:
        """Chunks of groups."""
        return -(-self.groups // self.chunk)

    @property
    def nbytes(self) -> int:
        """Bytes of the constants."""
        return (2 if self.plane else 1) * self.chunks * self.outputs * self.chunk

    def possible(self) -> bool:
        """Whether there are groups and their places fit in two bytes."""
        fits = self.chunk * FORMS * self.plane <= 1 << 16
        return self.outputs > 0 and self.inputs > 1 and self.chunk > 0 and fits

    def array(self, bits: Array) -> Array:
        """The program."""
        queue = self._queue(bits)
        forms = np.zeros((self.chunks * self.chunk, self.outputs), np.uint8)
        named = queue[: GROUP * self.groups].reshape(-1, GROUP, self.outputs)
        if self.inputs % 2 == 0:
            named[-1, -1] = 0  # No third plane; the last sum plane has taken its place.
        forms[: self.groups] = named[:, 0] + 2 * named[:, 1] + 4 * named[:, 2]
        shaped = forms.reshape(self.chunks, self.chunk, -1).transpose(0, 2, 1)
        if not self.plane:
            return np.ascontiguousarray(shaped * np.uint8(FORMS))
        places = shaped + np.arange(self.chunk) * FORMS
        return np.ascontiguousarray((places * self.plane).astype(np.uint16))

    def parities(self, bits: Array) -> Array:
        """The sign of each channel's parity, the last sum plane: u8 [O]."""
        return self._queue(bits)[self.inputs + self.groups - 1]

    def _queue(self, bits: Array) -> Array:
        return _queue(bits, self.groups, GROUP)


def _queue(bits: Array, groups: int, taken: int) -> Array:
    """The signs of all planes of a queue, 0 where there are none any more: u8 [planes, O]. Groups
    that wait for no other of the same round are computed at once."""
    outputs, inputs = bits.shape
    queue = np.zeros((inputs + groups + taken, outputs), np.uint8)
    queue[:inputs] = bits.T
    done, there = 0, inputs
    while done < groups:
        ready = min(max(1, there // taken - done), groups - done)
        parts = queue[taken * done : taken * (done + ready)].reshape(ready, taken, -1)
        queue[there : there + ready] = np.bitwise_xor.reduce(parts, axis=1)
        done, there = done + ready, there + ready
    return queue


@dataclass(frozen=True)
class Fives:
    """The planes that a channel adds, two per group of five: u32 [chunks, O, chunk], the last chunk
    first.

    Planes are those of the K inputs, then the sum plane of each group, and each group takes the
    first five that are left; the last one may have fewer. Its signs are a, b, c, d, e. The table of
    a chunk holds `FIVE_FORMS` planes of ``plane`` bytes for each group: form a + 2 b + 4 c of the
    majority of its first three, then the 16 forms of what tells that from the majority of their sum
    and the last two, which are the same with all signs turned: b + 2 c + 4 d + 8 e with a = 0. The
    low half of a number says where the first lies in the table, the high half the second. Absent
    groups of the last chunk are the first form of both.
    """

    outputs: int
    inputs: int
    chunk: int
    plane: int

    @property
    def shape(self) -> tuple[int, int]:
        """O and K."""
        return self.outputs, self.inputs

    @property
    def groups(self) -> int:
        """Groups of a channel."""
        return -(-(self.inputs - 1) // (FIVE - 1))

    @property
    def chunks(self) -> int:
        """Chunks of groups."""
        return -(-self.groups // self.chunk)

    @property
    def nbytes(self) -> int:
        """Bytes of the constants."""
        return 4 * self.chunks * self.outputs * self.chunk

    def possible(self) -> bool:
        """Whether there are groups and their places fit in two bytes."""
        fits = self.chunk * FIVE_FORMS * self.plane <= 1 << 16
        return min(self.outputs, self.inputs - 1, self.chunk, self.plane) > 0 and fits

    def array(self, bits: Array) -> Array:
        """The program."""
        queue = _queue(bits, self.groups, FIVE).astype(np.int64)
        queue[self.inputs + self.groups - 1] = 0  # Not a plane that a group takes.
        named = queue[: FIVE * self.groups].reshape(-1, FIVE, self.outputs)
        first = named[:, 0] + 2 * named[:, 1] + 4 * named[:, 2]
        turned = named[:, 1:] ^ named[:, :1]
        second = FORMS + (turned << np.arange(FIVE - 1)[:, None]).sum(axis=1)
        places = np.zeros((2, self.chunks * self.chunk, self.outputs), np.int64)
        places[1] = FORMS
        places[:, : self.groups] = first, second
        places += np.arange(places.shape[1])[:, None] % self.chunk * FIVE_FORMS
        low, high = places * self.plane
        shaped = (low + (high << 16)).reshape(self.chunks, self.chunk, -1).transpose(0, 2, 1)
        return np.ascontiguousarray(shaped[::-1], np.uint32)

    def parities(self, bits: Array) -> Array:
        """The sign of each channel's parity, the last sum plane: u8 [O]."""
        return _queue(bits, self.groups, FIVE)[self.inputs + self.groups - 1]


@dataclass(frozen=True)
class Differences:
    """The inputs in which a channel differs from its parent, all of them for a root: lists of u16,
    one of each chunk of ``chunk`` inputs and channel, which say where a plane of ``plane`` bytes
    lies in the chunk's table.

    The table holds each input's plane and its complement, then a plane of zeros, with which lists
    are filled up to multiples of ``unroll``. ``part`` is 0 for the lists; 1 for where
    they begin in bytes, u32 [chunks, O]; 2 for how many times ``unroll`` they are long, the same.
    ``parents`` are 1 more than the parent, 0 for roots.
    """

    outputs: int
    inputs: int
    chunk: int
    plane: int
    unroll: int
    part: int
    parents: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """O and K."""
        return self.outputs, self.inputs

    @property
    def chunks(self) -> int:
        """Chunks of inputs; the last may have fewer."""
        return -(-self.inputs // self.chunk)

    @property
    def nbytes(self) -> int:
        """Bytes; for lists at most: each as long as a root's, no two channels agree anywhere."""
        if self.part:
            return 4 * self.chunks * self.outputs
        full, rest = divmod(self.inputs, self.chunk)
        filled = full * -(-self.chunk // self.unroll) + -(-rest // self.unroll)
        return 2 * self.outputs * self.unroll * filled

    def possible(self) -> bool:
        """Whether there is a parent for each channel, and places fit in two bytes."""
        sizes = (self.outputs, self.inputs, self.chunk, self.plane, self.unroll)
        return (
            min(sizes) > 0
            and self.part < 3
            and len(self.parents) == self.outputs >= max(self.parents)
            and (2 * self.chunk + 1) * self.plane <= 1 << 16
        )

    def array(self, bits: Array) -> Array:
        """The part."""
        differs = self.differing(bits)
        firsts = range(0, self.inputs, self.chunk)
        counts = np.add.reduceat(differs, firsts, axis=1, dtype=np.int64).T
        blocks = -(-counts // self.unroll)
        if self.part == 2:
            return blocks.astype(np.uint32)
        ends = self.unroll * np.cumsum(blocks).reshape(blocks.shape)
        starts = ends - self.unroll * blocks
        if self.part == 1:
            return (2 * starts).astype(np.uint32)
        lists = np.full(int(ends[-1, -1]), 2 * self.chunk * self.plane, np.int64)
        for first, begins, sizes in zip(firsts, starts, counts, strict=True):
            channels, inputs = np.nonzero(differs[:, first : first + self.chunk])
            skipped = begins - (np.cumsum(sizes) - sizes)
            places = 2 * inputs + bits[channels, first + inputs]
            lists[np.arange(len(inputs)) + skipped[channels]] = places * self.plane
        return lists.astype(np.uint16)

    def differing(self, bits: Array) -> Array:
        """Which inputs a channel lists: bool [O, K]."""
        parents = np.array(self.parents)
        return (bits != bits[parents - 1]) | (parents == 0)[:, None]


@dataclass(frozen=True)
class Codewords:
    """Which words of a codebook a channel's kernels are: u8 [chunks, O, 3 * chunk / 2].

    ``together`` input channels are a group, the numbers of their words one entry, times ``entry``.
    The entries of a chunk of groups are followed by forms, ``form`` times 0 .. 7, one for each two
    groups: the sign left before, and those of the two groups' parities. ``book`` has the words'
    bits as ``words`` numbers, ascending, then for each channel 1 if it is their complement.
    """

    outputs: int
    channels: int
    taps: int
    together: int
    chunk: int
    entry: int
    form: int
    words: int
    book: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """O and K."""
        return self.outputs, self.channels * self.taps

    @property
    def groups(self) -> int:
        """Groups of a channel."""
        return self.channels // self.together

    @property
    def chunks(self) -> int:
        """Chunks of groups; bytes of those that the last one lacks are 0."""
        return -(-self.groups // self.chunk)

    @property
    def nbytes(self) -> int:
        """Bytes of the constants."""
        return self.chunks * self.outputs * (self.chunk + self.chunk // 2)

    def possible(self) -> bool:
        """Whether groups are whole, and the book has its words and a sign for each channel."""
        sizes = (self.outputs, self.channels, self.taps, self.together, self.chunk, self.words)
        return (
            min(sizes) > 0
            and not self.channels % self.together
            and not self.chunk % 2
            and self.taps < 63
            and self.together < 9
            and self.words < 257
            and len(self.book) == self.words + self.outputs
            and max(self.book[: self.words]) < 1 << self.taps
            and max(self.book[self.words :]) < 2
        )

    def array(self, bits: Array) -> Array:
        """The program."""
        indices = self._indices(bits)
        entries = indices @ self.words ** np.arange(self.together)[::-1]
        signs = self._signs(indices)
        before = np.cumsum(signs, axis=1, dtype=np.uint8) & 1
        left = np.concatenate([np.zeros((self.outputs, 1), np.uint8), before[:, 1:-1:2]], axis=1)
        forms = left + 2 * signs[:, 0::2] + 4 * signs[:, 1::2]
        shifted = np.zeros(signs.shape, np.int64)
        shifted[:, : self.groups] = entries * self.entry
        shape = (self.outputs, self.chunks, -1)
        rows = [shifted.reshape(shape), forms.reshape(shape).astype(np.int64) * self.form]
        return np.concatenate(rows, axis=2).transpose(1, 0, 2).astype(np.uint8)

    def parities(self, bits: Array) -> Array:
        """The sign of each channel's parity: u8 [O]."""
        return np.bitwise_xor.reduce(self._signs(self._indices(bits)), axis=1)

    def _indices(self, bits: Array) -> Array:
        """The number of each word: [O, groups, together]."""
        book = np.array(self.book[: self.words], np.int64)
        negated = np.array(self.book[self.words :], np.uint8)
        shaped = (bits ^ negated[:, None]).reshape(-1, self.taps).astype(np.int64)
        numbers = np.searchsorted(book, shaped @ (np.int64(1) << np.arange(self.taps)))
        numbers = np.minimum(numbers, self.words - 1)
        return numbers.reshape(self.outputs, self.groups, self.together)

    def _signs(self, indices: Array) -> Array:
        """The sign of each group's parity: u8 [O, groups of whole chunks]."""
        ones = np.array([bin(word).count("1") & 1 for word in self.book[: self.words]], np.uint8)
        signs = np.zeros((self.outputs, self.chunks * self.chunk), np.uint8)
        signs[:, : self.groups] = np.bitwise_xor.reduce(ones[indices], axis=2)
        return signs


_Kind = (
    type[Words]
    | type[Registers]
    | type[Nibbles]
    | type[Majorities]
    | type[Fives]
    | type[Differences]
    | type[Codewords]
)
LAYOUTS: Mapping[str, _Kind] = {
    "words": Words,
    "registers": Registers,
    "nibbles": Nibbles,
    "majorities": Majorities,
    "fives": Fives,
    "differences": Differences,
    "codewords": Codewords,
}
_LISTS = (Differences, Codewords)
"""Those whose last field is a tuple."""


def described(layout: WeightLayout) -> tuple[str, list[int]]:
    """The description of a layout in a file: its name and its fields."""
    name = next(name for name, kind in LAYOUTS.items() if isinstance(layout, kind))
    instance: Any = layout
    *sizes, last = astuple(instance)
    return name, [*sizes, *(last if isinstance(last, tuple) else (last,))]


def from_description(name: str, sizes: list[int], where: str) -> WeightLayout:
    """The layout of a description; ArtifactError when there is none."""
    kind = LAYOUTS.get(name)
    if kind is None:
        raise ArtifactError(f"{where}: made by a newer bnnc (weights stored as {name!r}): upgrade")
    known: list[Any] = list(sizes)
    single = len(fields(kind))
    if kind in _LISTS:
        single -= 1
        known[single:] = [tuple(known[single:])]
    inside = all(0 <= size < _MOST for size in sizes[:single])
    if len(known) == len(fields(kind)) and inside and min(sizes) >= 0:
        layout = kind(*known)
        if layout.possible():
            return layout
    raise ArtifactError(f"{where}: no weights can be stored as {name} {sizes[:8]}")


def byte_order(lanes: int) -> Array:
    """The channel of each byte of a block: r * lanes / 4 + j in byte 4 j + r."""
    return np.arange(lanes).reshape(4, lanes // 4).T.ravel()


def widths_of(channels: int, lanes: int) -> list[int]:
    """Bytes of each block of channels: ``lanes``, and the fewest that hold the last channels."""
    widths, rest = [lanes] * (channels // lanes), channels % lanes
    while lanes > 16 and lanes // 2 >= rest:
        lanes //= 2
    return [*widths, lanes] if rest else widths
