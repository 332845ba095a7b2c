"""Counting bits in 32-bit lanes, many words at a time, by what the target has.

A `Counter` keeps a state per sum: a list of vectors that `absorb` updates with ``chunk`` words,
`settle` makes ready for more words than a byte can count, and `finish` turns into i32 lanes.

- `DwordCounter`: a population count per lane (VPOPCNTD, or whatever LLVM makes of it).
- `ByteCounter`: a population count per byte (NEON cnt, VPOPCNTB), summed in bytes.
- `TableCounter`: carry-save adders, so that only every fourth or eighth word meets the 16-entry
  table in a register (PSHUFB). Mula, Kurz, Lemire, "Faster Population Counts Using AVX2
  Instructions" (2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from llvmlite import ir

from ..codegen.isa import instructions
from ..codegen.kernel_builder import I8, I16, I32, Code, IRValue, vector
from ..targets import Target
from .bit_planes import carry_save

State = list[IRValue]

_BYTE_LIMIT = 31
"""Population counts of a byte (at most 8) that a byte can sum."""


class Counter(Protocol):
    """Sums population counts in ``lanes`` 32-bit lanes."""

    chunk: int
    """Words that `absorb` likes to take at once."""
    limit: int
    """Calls of `absorb` with up to ``chunk`` words between two calls of `settle`; 0: never."""

    def start(self, settles: bool) -> State:
        """The state of an empty sum; ``settles`` says whether `settle` will be called."""
        ...

    def absorb(self, state: State, words: Sequence[IRValue]) -> State:
        """Add the bits of up to ``chunk`` words (<lanes x i32> each)."""
        ...

    def settle(self, state: State) -> State:
        """Move what bytes have summed into i32 lanes."""
        ...

    def finish(self, state: State) -> IRValue:
        """The sums as <lanes x i32>."""
        ...


def counter_for(code: Code) -> Counter:
    """The counter of the code's target, one vector register wide."""
    kind = code.target.has.popcount
    if kind == "dword":
        return DwordCounter(code)
    if kind == "byte":
        return ByteCounter(code)
    return TableCounter(code)


class DwordCounter:
    """xor, popcount, add: three operations a word.

    LLVM adds the counts of a chunk before it adds them to the sum, so a chunk is two words: more
    would keep too many counts alive.
    """

    chunk = 2
    limit = 0

    def __init__(self, code: Code) -> None:
        self.code = code
        self.type = vector(I32, code.lanes)

    def start(self, settles: bool) -> State:
        return [self.type(None)]

    def absorb(self, state: State, words: Sequence[IRValue]) -> State:
        (total,) = state
        for word in words:
            bits = self.code.intrinsic(f"llvm.ctpop.v{self.code.lanes}i32", self.type, word)
            total = self.code.b.add(total, bits)
        return [total]

    def settle(self, state: State) -> State:
        return state

    def finish(self, state: State) -> IRValue:
        return state[0]


class ByteCounter:
    """Byte counts summed in bytes: state [bytes] or [bytes, total].

    A chunk is two words for the same reason as in `DwordCounter`.
    """

    chunk = 2
    limit = _BYTE_LIMIT // chunk

    def __init__(self, code: Code) -> None:
        self.code = code
        self.type = vector(I32, code.lanes)
        self.bytes = vector(I8, 4 * code.lanes)
        self.instructions = instructions(code)

    def start(self, settles: bool) -> State:
        return [self.bytes(None), self.type(None)] if settles else [self.bytes(None)]

    def absorb(self, state: State, words: Sequence[IRValue]) -> State:
        b, sums = self.code.b, state[0]
        for word in words:
            name = f"llvm.ctpop.v{self.bytes.count}i8"
            bits = self.code.intrinsic(name, self.bytes, b.bitcast(word, self.bytes))
            sums = b.add(sums, bits)
        return [sums, *state[1:]]

    def settle(self, state: State) -> State:
        sums, total = state
        return [self.bytes(None), self.instructions.add_bytes(total, sums)]

    def finish(self, state: State) -> IRValue:
        total = state[1] if len(state) > 1 else self.type(None)
        return self.instructions.add_bytes(total, state[0])


class TableCounter:
    """Harley-Seal: state [ones, twos, (fours), bytes] or with a total after them.

    ``bytes`` count groups of ``chunk`` bits, so they and the total weigh ``chunk``.
    """

    def __init__(self, code: Code) -> None:
        self.code = code
        self.type = vector(I32, code.lanes)
        self.bytes = vector(I8, 4 * code.lanes)
        self.instructions = instructions(code)
        # Each level of adders needs one more register per sum.
        self.levels = 3 if code.target.registers == 32 else 2
        self.chunk = 1 << self.levels
        self.limit = _BYTE_LIMIT

    def start(self, settles: bool) -> State:
        state = [self.type(None)] * self.levels + [self.bytes(None)]
        return [*state, self.type(None)] if settles else state

    def absorb(self, state: State, words: Sequence[IRValue]) -> State:
        """Missing words count as zero: their adders shrink to half adders."""
        carries: list[IRValue | None] = list(words)
        updated = list(state)
        for level in range(self.levels):
            carries, updated[level] = self._level(carries, updated[level])
        (overflow,) = carries or [None]
        if overflow is not None:
            bits = self._table(overflow)
            updated[self.levels] = self.code.b.add(updated[self.levels], bits)
        return updated

    def _level(
        self, planes: list[IRValue | None], sum_plane: IRValue
    ) -> tuple[list[IRValue | None], IRValue]:
        """Add planes of one weight into ``sum_plane``, two at a time; the carries weigh twice."""
        carries: list[IRValue | None] = []
        present = [plane for plane in planes if plane is not None]
        for at in range(0, len(present), 2):
            pair = present[at : at + 2]
            sum_plane, carry = carry_save(self.code, sum_plane, *pair)
            carries.append(carry)
        return carries, sum_plane

    def settle(self, state: State) -> State:
        *planes, sums, total = state
        return [*planes, self.bytes(None), self.instructions.add_bytes(total, sums)]

    def finish(self, state: State) -> IRValue:
        b = self.code.b
        planes, sums = state[: self.levels], state[self.levels]
        total = state[self.levels + 1] if len(state) > self.levels + 1 else self.type(None)
        total_of_bytes = self.instructions.add_bytes(total, sums)
        low = self.bytes(None)
        for plane in reversed(planes):
            # Horner: at most 8 * (1 + 2 + 4) in a byte.
            low = b.add(b.add(low, low), self._table(plane))
        shift = ir.Constant(self.type, [self.levels] * self.code.lanes)
        return self.instructions.add_bytes(b.shl(total_of_bytes, shift), low)

    def _table(self, word: IRValue) -> IRValue:
        """Population count of each byte from a table of 16."""
        b = self.code.b
        half = ir.Constant(self.bytes, [0x0F] * self.bytes.count)
        four = ir.Constant(vector(I16, self.bytes.count // 2), [4] * (self.bytes.count // 2))
        counts = [bin(n).count("1") for n in range(16)]
        table = ir.Constant(self.bytes, counts * (self.bytes.count // 16))
        low = b.and_(b.bitcast(word, self.bytes), half)
        shifted = b.lshr(b.bitcast(word, four.type), four)
        high = b.and_(b.bitcast(shifted, self.bytes), half)
        count = self.bytes.count
        entries = [self.instructions.lookup_bytes(table, n, count) for n in (low, high)]
        return b.add(*entries)


def registers_per_sum(target: Target) -> int:
    """Vector registers that one sum keeps busy in the inner loop."""
    if target.has.popcount == "table":
        return 6 if target.registers == 32 else 4
    return 1
