"""Float weights of few levels: codes in words, and floats from them again in registers.

A lane is an output channel. Its word of 32 bits holds the codes of its next inputs, 1, 2 or 4 bits
each, the first lowest; the last word is filled up with code 0. Instructions that look floats up in
a register make weights of them, bit for bit those of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...ir import Array, Bits
from ...ir.ops import Product
from ..codegen.isa import instructions
from ..codegen.kernel_builder import I32, Code, Index, IRValue, vector

WORD = 32
_WIDEST = 4
"""Bits of a code."""


def refusal(op: Product) -> str | None:
    """Why the weights of a product cannot be packed, or None."""
    element = op.w.element
    if isinstance(element, Bits) and element.planes <= _WIDEST:
        return None
    return f"packed weights have at most {1 << _WIDEST} levels, got {op.w!r}"


@dataclass(frozen=True)
class PackedWeights:
    """The form of weights of an element in vectors of ``lanes``."""

    element: Bits
    lanes: int

    @property
    def bits(self) -> int:
        """Of a code: a power of two, so that words are full."""
        return 1 << (self.element.planes - 1).bit_length()

    @property
    def each(self) -> int:
        """Codes of a word."""
        return WORD // self.bits

    def words(self, inputs: int) -> int:
        """Words of so many inputs."""
        return -(-inputs // self.each)

    def packed(self, codes: Array) -> Array:
        """Codes [.., inputs, lanes] as words [.., words, lanes]."""
        room = [(0, 0)] * (codes.ndim - 2) + [(0, -codes.shape[-2] % self.each), (0, 0)]
        filled = np.pad(codes, room).astype(np.uint32)
        shaped = filled.reshape(*codes.shape[:-2], -1, self.each, codes.shape[-1])
        shifts = np.arange(0, WORD, self.bits, dtype=np.uint32)[:, None]
        return np.bitwise_or.reduce(shaped << shifts, axis=-2)

    def load(self, code: Code, places: Sequence[IRValue]) -> list[IRValue]:
        """Words of one lane each, a vector from each place."""
        return [code.load(at, vector(I32, self.lanes)) for at in places]

    def weights(self, code: Code, words: Sequence[IRValue], number: int) -> list[IRValue]:
        """The weights of input ``number`` of vectors of words."""
        values = self.element.values
        table = [*values, *values[-1:] * ((1 << self.bits) - len(values))]
        its = instructions(code)
        return [its.lookup_floats(table, word, self.bits * number) for word in words]

    def unpack(
        self, code: Code, words: IRValue, count: Index, to: IRValue, width: int, vectors: int
    ) -> None:
        """Write the weights of ``count`` words as floats, both in rows of ``width`` lanes, of which
        ``vectors`` are filled."""
        row = 4 * width
        with code.loop(0, count) as number:
            here = code.offset(words, code.mul(number, row))
            there = code.offset(to, code.mul(number, self.each * row))
            steps = range(0, 4 * self.lanes * vectors, 4 * self.lanes)
            loaded = self.load(code, [code.offset(here, step) for step in steps])
            for j in range(self.each):
                for step, weights in zip(steps, self.weights(code, loaded, j), strict=True):
                    code.store(weights, code.offset(there, j * row + step))
