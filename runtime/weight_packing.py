"""What layouts of weights are made of: bits in words, output channels in lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def in_words(bits: Array, width: int) -> Array:
    """0/1 along the last axis as little-endian words of ``width`` bits, the first one lowest; the
    last word is filled up with 0."""
    room = [(0, 0)] * (bits.ndim - 1) + [(0, -bits.shape[-1] % width)]
    octets = np.packbits(np.pad(bits.astype(np.uint8), room), axis=-1, bitorder="little")
    return np.ascontiguousarray(octets).view(f"<u{width // 8}")


def in_lanes(rows: Array, width: int, groups: int = 1) -> Array:
    """A row of weights for each output channel, [O, ..], as [blocks, .., width]: blocks of
    ``width`` channels, those of different groups apart, missing ones 0."""
    outputs = len(rows) // groups
    split = rows.reshape(groups, outputs, *rows.shape[1:])
    room = [(0, 0), (0, -outputs % width)] + [(0, 0)] * (rows.ndim - 1)
    blocks = np.pad(split, room).reshape(-1, width, *rows.shape[1:])
    return np.moveaxis(blocks, 1, -1)
