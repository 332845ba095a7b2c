"""Arithmetic on bit planes: a vector register holds one bit of as many pixels as it has bits.

A number per pixel is a list of planes, the lowest bit first. Two planes of one weight and a sum
plane make a sum and a carry (`carry_save`), so that `Column` adds planes at two vector operations
each where any function of three bits is one instruction, at three to five elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from ..codegen.isa import instructions
from ..codegen.kernel_builder import I8, I32, Code, IRValue, vector

XOR = 0x96
MAJORITY = 0xE8
CARRY_OF_SUM = 0x8E
"""The majority of a, x, y from a ^ x ^ y, x, y: x where x and y agree, else not the sum."""


def plane_type(bits: int) -> ir.VectorType:
    """A plane of ``bits`` pixels."""
    return vector(I32, bits // 32)


def carry_save(
    code: Code, a: IRValue, x: IRValue, y: IRValue | None = None
) -> tuple[IRValue, IRValue]:
    """Sum and carry of two or three planes."""
    b = code.b
    if y is None:
        return b.xor(a, x), b.and_(a, x)
    if code.target.has.logic == "ternary":
        # From the sum, so that it can take the place of a and no register needs to be copied.
        total = instructions(code).ternary_logic(XOR, a, x, y)
        return total, instructions(code).ternary_logic(CARRY_OF_SUM, total, x, y)
    half = b.xor(x, y)
    return b.xor(half, a), majority(code, a, x, y)


def majority(code: Code, a: IRValue, x: IRValue, y: IRValue) -> IRValue:
    """What two of three planes say."""
    b = code.b
    if code.target.has.logic == "ternary":
        return instructions(code).ternary_logic(MAJORITY, a, x, y)
    if code.target.has.logic == "select":
        return _chosen(code, b.xor(x, y), a, x)
    return b.or_(b.and_(x, y), b.and_(b.xor(x, y), a))


def _chosen(code: Code, mask: IRValue, one: IRValue, other: IRValue) -> IRValue:
    """Bits of ``one`` where a mask is set, else of ``other``, which is one instruction as long as
    LLVM does not mix the mask with what it is made of."""
    b, mask = code.b, code.freeze(mask)
    return b.or_(b.and_(mask, one), b.and_(b.not_(mask), other))


def signed_majorities(code: Code, a: IRValue, x: IRValue, y: IRValue) -> list[IRValue]:
    """The majorities of three planes with signs: form 1 negates a, 2 negates x, 4 negates y."""
    b = code.b
    if code.target.has.logic == "ternary":
        tables = [_signed(MAJORITY, form) for form in range(8)]
        return [instructions(code).ternary_logic(table, a, x, y) for table in tables]

    def pair(turned: IRValue, one: IRValue, other: IRValue) -> IRValue:
        """The majority with ``turned`` negated."""
        return b.or_(b.and_(one, other), b.and_(b.xor(one, other), b.not_(turned)))

    if code.target.has.logic == "select":
        # A majority turns with one of its planes where the other two differ.
        whole = majority(code, a, x, y)
        half = [whole, *(b.xor(whole, b.xor(*others)) for others in ((x, y), (a, y), (a, x)))]
    else:
        half = [majority(code, a, x, y), pair(a, x, y), pair(x, a, y), pair(y, a, x)]
    forms = {0: half[0], 1: half[1], 2: half[2], 4: half[3]}
    forms.update({7 - form: b.not_(plane) for form, plane in list(forms.items())})
    return [forms[form] for form in range(8)]


def _signed(table: int, form: int) -> int:
    """The table of a function whose first, second, third operand is negated by bits of form."""
    turn = 4 * (form & 1) | (form & 2) | (form >> 2)
    return sum(((table >> (i ^ turn)) & 1) << i for i in range(8))


class Column:
    """A sum of planes per pixel, as planes: ``digits[j]`` weighs 2**j, None is zero.

    Planes wait in pairs for an adder, so that adding n planes takes about n adders, and few
    registers: only the digits and one waiting plane each are alive.
    """

    def __init__(
        self,
        code: Code,
        digits: Sequence[IRValue | None],
        waiting: Sequence[IRValue | None] | None = None,
    ) -> None:
        self.code = code
        self.digits = list(digits)
        self._waiting = list(waiting or [None] * len(self.digits))

    @classmethod
    def joined(cls, code: Code, ways: Sequence[tuple[Column, ir.Block]]) -> Column:
        """At the beginning of a block, the sum that came from whichever block was before."""

        def place(planes: list[IRValue | None]) -> IRValue | None:
            present = [plane for plane in planes if plane is not None]
            if not present:
                return None
            phi = code.b.phi(present[0].type)
            for plane, (_, block) in zip(planes, ways, strict=True):
                phi.add_incoming(phi.type(None) if plane is None else plane, block)
            return phi

        count = range(len(ways[0][0].digits))
        digits = [place([way.digits[i] for way, _ in ways]) for i in count]
        return cls(code, digits, [place([way._waiting[i] for way, _ in ways]) for i in count])

    def add(self, plane: IRValue, digit: int = 0) -> None:
        """Add a plane of weight 2**digit, modulo what the digits hold."""
        if digit == len(self.digits):
            return
        current, waiting = self.digits[digit], self._waiting[digit]
        if current is None:
            self.digits[digit] = plane
        elif waiting is None:
            self._waiting[digit] = plane
        else:
            self._waiting[digit] = None
            self.digits[digit], carry = carry_save(self.code, current, waiting, plane)
            self.add(carry, digit + 1)

    def add_two(self, plane: IRValue, apart: IRValue) -> None:
        """Add two planes of weight 1: one, and in what the other differs from it."""
        b, current = self.code.b, self.digits[0]
        if current is None:
            self.digits[0], carry = apart, b.and_(plane, b.not_(apart))
        else:
            self.digits[0] = b.xor(current, apart)
            carry = _chosen(self.code, apart, current, plane)
        self.add(carry, 1)

    def settle(self) -> list[IRValue | None]:
        """The digits when no plane waits any more."""
        for digit, waiting in enumerate(self._waiting):
            current = self.digits[digit]
            if waiting is not None and current is not None:
                self._waiting[digit] = None
                self.digits[digit], carry = carry_save(self.code, current, waiting)
                self.add(carry, digit + 1)
        return self.digits


# Planes to bytes. Registers are seen as rows of 16 bytes, which unpacking does not cross.


def unpack(code: Code, a: IRValue, x: IRValue, half: int) -> IRValue:
    """Bytes from one half of each 16 bytes of a and x in turns."""
    count = 4 * a.type.count
    order = [
        row + 8 * half + i + turn
        for row in range(0, count, 16)
        for i in range(8)
        for turn in (0, count)
    ]
    b, wide = code.b, vector(I8, count)
    return b.bitcast(code.shuffle(b.bitcast(a, wide), b.bitcast(x, wide), order), a.type)


def numbers(code: Code, planes: Sequence[IRValue]) -> list[IRValue]:
    """Up to 8 planes as bytes, one per pixel: byte k of register c holds pixel 8 k + c.

    Each byte column of the planes is a matrix of 8x8 bits; three rounds of swaps between registers
    transpose all of them.
    """
    registers = [*planes, *[planes[0].type(None)] * (8 - len(planes))]
    for by, mask in ((4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        for low in range(8):
            if not low & by:
                pair = registers[low], registers[low | by]
                registers[low], registers[low | by] = _swapped(code, *pair, by, mask)
    return registers


def _swapped(
    code: Code, low: IRValue, high: IRValue, by: int, mask: int
) -> tuple[IRValue, IRValue]:
    """Exchange the bits of ``low`` outside a mask with those of ``high`` inside it."""
    b = code.b
    values = (by, mask, ~mask & 0xFFFFFFFF)
    shift, kept, other = (ir.Constant(low.type, [v] * low.type.count) for v in values)
    if code.target.has.logic == "ternary":
        return (
            b.or_(b.and_(low, kept), b.and_(b.shl(high, shift), other)),
            b.or_(b.and_(b.lshr(low, shift), kept), b.and_(high, other)),
        )
    moved = b.and_(b.xor(b.lshr(low, shift), high), kept)
    return b.xor(low, b.shl(moved, shift)), b.xor(high, moved)


def transposed(code: Code, rows: Sequence[IRValue]) -> list[IRValue]:
    """16 registers of bytes: row l of result r holds byte r of row l of every operand."""
    registers = list(rows)
    for _ in range(4):
        registers = [
            unpack(code, registers[i], registers[i + 8], half) for i in range(8) for half in (0, 1)
        ]
    return registers
