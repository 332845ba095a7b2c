"""Table addresses for `binary_lookup`: which table serves four signs of two output pixels.

A `Frame` says how the addresses of one row of the operand lie in scratch memory: per column one
u16 for each four channels, the distance of its table in `pair_tables`. A column pairs an input
pixel with that of the next output, ``strides`` further on. Columns outside the operand have tables
that count 2 mismatches of 4, which is the product 0: so zero padding needs no border classes.

A masked frame (ternary operands with zeros) has a column for each single input pixel; its tables
count sign ^ (weight & mask), and the nonzero inputs of each column follow the addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
from llvmlite import ir

from .....ir import Array, TensorType
from ....codegen.kernel_builder import I8, I32, I64, Code, Index, IRValue, pieces, vector
from ...geometry import Geometry
from ...views import pixel_strides, words_of

_FIRST, _SECOND, _NONE = 4096, 4096 + 256, 4096 + 512
MASKED = 4864
"""Where the tables of a sign and a mask begin; 4096 bytes on, the same times 16."""

_Presence = tuple[bool, bool]
"""Whether the two pixels of a column lie inside the operand."""


def pair_tables() -> Array:
    """All tables, 16 bytes each.

    16 a + 256 b: mismatches of a, and those of b times 16; 4096 + 16 a and 4352 + 16 b: with only
    one pixel inside the operand; 4608: with none. From `MASKED` on 16 s + 256 m.
    """
    four = np.arange(16)
    count = np.array([bin(n).count("1") for n in range(16)])
    single = count[four[:, None] ^ four]
    both = single[None, :, :] + 16 * single[:, None, :]
    masked = count[four[None, :, None] ^ (four[:, None, None] & four)]
    one = [single + 32, 2 + 16 * single, np.full((16, 1), 34)]
    parts = [both, *one, np.zeros(MASKED - _NONE - 16), masked, 16 * masked]
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.uint8)


@dataclass(frozen=True)
class Frame:
    """One row of table addresses; see the module's docstring."""

    geometry: Geometry
    masked: bool
    words: int
    source: tuple[int, int, int]
    """Bytes of the operand from one sample, row and column to the next."""

    @classmethod
    def of(cls, geometry: Geometry, type_: TensorType, masked: bool) -> Frame:
        """The frame of a convolution's operand in words."""
        n, _, row, column = geometry.axis_strides(pixel_strides(type_))
        return cls(geometry, masked, words_of(type_), (n, row, column))

    @property
    def sample_bytes(self) -> int:
        """Bytes of the operand from one sample to the next."""
        return self.source[0]

    @property
    def _bytes(self) -> int:
        """Bytes read of a pixel: those of its channels, in fours."""
        return 4 * -(-self.geometry.channels // 32)

    @property
    def entries(self) -> int:
        """Addresses of a column."""
        return 2 * self._bytes

    @property
    def column_bytes(self) -> int:
        """Bytes of a column's addresses."""
        return 2 * self.entries

    # Columns: all of them where the windows of neighbouring pairs overlap, else window by window.

    @property
    def _dense(self) -> bool:
        g = self.geometry
        return self.masked or g.dilations[1] > 1 or g.kernel[1] > 2 * g.strides[1]

    @property
    def _pairs(self) -> int:
        return -(-self.geometry.out[1] // 2)

    @property
    def tap_columns(self) -> int:
        """Columns from one tap of a kernel row to the next."""
        return self.geometry.dilations[1] if self._dense else 1

    @property
    def pair_bytes(self) -> int:
        """Bytes from one pair of outputs to the next."""
        g = self.geometry
        return self.column_bytes * (2 * g.strides[1] if self._dense else g.kernel[1])

    @cached_property
    def _inputs(self) -> list[int]:
        """The input column of each column of the frame."""
        g, step = self.geometry, 2 * self.geometry.strides[1]
        if not self._dense:
            windows = range(-g.pads[1], -g.pads[1] + self._pairs * step, step)
            return [first + tap for first in windows for tap in range(g.kernel[1])]
        last = 2 * self._pairs - (1 if self.masked else 2)
        reach = g.strides[1] * last + g.dilations[1] * (g.kernel[1] - 1) + 1
        return list(range(-g.pads[1], -g.pads[1] + reach))

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of the frame."""
        counts = 4 if self.masked else 0
        return len(self._inputs) * (self.column_bytes + counts)

    @property
    def reach(self) -> int:
        """Input rows between the first and the last row of a kernel, both included."""
        return self.geometry.dilations[0] * (self.geometry.kernel[0] - 1) + 1

    def bytes(self, rows: int) -> int:
        """Scratch for so many output rows."""
        return ((rows - 1) * self.geometry.strides[0] + self.reach) * self.row_bytes

    def input_rows(self, code: Code, first: Index, last: Index) -> tuple[Index, Index, Index]:
        """Row of the scratch's first row; first and end of the rows inside the operand that the
        output rows first .. last-1 read."""
        g = self.geometry
        base = code.sub(code.mul(first, g.strides[0]), g.pads[0])
        end = code.add(code.sub(code.mul(code.sub(last, 1), g.strides[0]), g.pads[0]), self.reach)
        return base, code.max(base, 0), code.min(end, g.size[0])

    # What the operand holds.

    def has_zeros(self, code: Code, x: IRValue, first: Index, last: Index) -> IRValue:
        """Whether a mask bit of the rows that outputs first .. last-1 read is 0."""
        g, b = self.geometry, code.b
        _, low, high = self.input_rows(code, first, last)
        tail = (1 << (g.channels - 64 * (self.words - 1))) - 1
        full = [*[(1 << 64) - 1] * (self.words - 1), tail]

        def pixel(at: Index, state: Sequence[IRValue]) -> list[IRValue]:
            place = code.offset(x, code.add(code.mul(at, self.source[2]), 8 * self.words))
            return [
                b.or_(
                    missing_bits, b.xor(code.load(code.offset(place, 8 * number), I64), I64(mask))
                )
                for number, (missing_bits, mask) in enumerate(zip(state, full, strict=True))
            ]

        start, stop = code.mul(low, g.size[1]), code.mul(high, g.size[1])
        missing = code.repeat(start, stop, 1, [I64(0)] * self.words, pixel)
        any_missing = missing[0]
        for more in missing[1:]:
            any_missing = b.or_(any_missing, more)
        return b.icmp_unsigned("!=", any_missing, I64(0))

    def inputs(
        self, code: Code, index: IRValue, column: Index, rows: tuple[Index, Index]
    ) -> IRValue:
        """Nonzero inputs of an output pixel, from the counts of a masked frame (i32)."""
        g = self.geometry
        first = code.mul(column, 4 * g.strides[1])
        counts = code.offset(code.offset(index, len(self._inputs) * self.column_bytes), first)

        def row(ky: Index, state: Sequence[IRValue]) -> list[IRValue]:
            (total,) = state
            there = code.offset(counts, code.mul(ky, g.dilations[0] * self.row_bytes))
            for kx in range(g.kernel[1]):
                place = code.offset(there, 4 * kx * g.dilations[1])
                total = code.b.add(total, code.load(place, I32))
            return [total]

        (total,) = code.repeat(rows[0], rows[1], 1, [I32(0)], row)
        return total

    # Building.

    def build_row(self, code: Code, source: IRValue, out: IRValue) -> None:
        """One row: runs of columns that are inside the operand alike."""
        g = self.geometry
        step = 0 if self.masked else g.strides[1]
        span = 1 if self._dense else g.kernel[1]

        def inside(number: int) -> tuple[_Presence, ...]:
            columns = self._inputs[number * span : (number + 1) * span]
            return tuple((0 <= i < g.size[1], 0 <= i + step < g.size[1]) for i in columns)

        forward = 1 if self._dense else 2 * g.strides[1]
        for presence, run in groupby(range(len(self._inputs) // span), key=inside):
            numbers = list(run)
            with code.loop(numbers[0], numbers[-1] + 1) as number:
                for tap, present in enumerate(presence):
                    column = code.add(code.mul(number, span), tap)
                    at = code.add(code.mul(number, forward), self._inputs[0] + tap)
                    there = code.offset(source, code.mul(at, self.source[2]))
                    self._build_column(code, there, present, out, column)

    def _build_column(
        self, code: Code, source: IRValue, present: _Presence, out: IRValue, column: Index
    ) -> None:
        second = 8 * self.words if self.masked else self.geometry.strides[1] * self.source[2]
        into = code.offset(out, code.mul(column, self.column_bytes))

        def part(at: Index, width: int, known: int | None) -> None:
            places = (code.offset(source, at), code.offset(source, code.add(at, second)))
            values = self._addresses(code, places, present, width, known)
            code.store(values, code.offset(into, code.mul(at, 4)))

        lanes = code.lanes
        # The last bytes are apart: only they can be without channels.
        built = (self._bytes - 1) // lanes * lanes if self._bytes > 4 * lanes else 0
        with code.loop(0, built, lanes) as at:
            part(at, lanes, None)
        while built < self._bytes:
            for first, width in pieces(min(lanes, self._bytes - built)):
                part(built + first, width, built + first)
            built = min(self._bytes, built + lanes)
        if self.masked:
            self._build_count(code, source, present[0], out, column)

    def _addresses(
        self,
        code: Code,
        places: tuple[IRValue, IRValue],
        present: _Presence,
        width: int,
        known: int | None,
    ) -> IRValue:
        """Two u16 in each u32: those of the lower and of the upper half of a byte."""
        wide = vector(I32, width)
        if self.masked:
            present = (present[0], present[0])
            if not present[0]:
                return wide(None)
        base = {(True, True): 0, (True, False): _FIRST, (False, True): _SECOND}.get(present, _NONE)
        shifts = [(4, 16), (8, 20)] if all(present) else [(4, 16), (4, 16)]
        total = ir.Constant(wide, [base * 0x10001] * width)
        for place, inside, (low, high) in zip(places, present, shifts, strict=True):
            if inside:
                octets = code.b.zext(code.load(place, vector(I8, width)), wide)
                for mask, shift in ((0x0F, low), (0xF0, high)):
                    bits = code.b.shl(octets, ir.Constant(wide, [shift] * width))
                    chosen = ir.Constant(wide, [mask << shift] * width)
                    total = code.b.or_(total, code.b.and_(bits, chosen))
        if all(present) or known is None:
            return total
        return code.b.and_(total, ir.Constant(wide, self._real(known, width)))

    def _real(self, first: int, width: int) -> list[int]:
        """For bytes from ``first`` on, ones in the halves that hold channels: addresses 0 of the
        others count nothing."""
        channels = self.geometry.channels
        fours = range(first, first + width)
        return [
            sum(0xFFFF << 16 * half for half in (0, 1) if 8 * byte + 4 * half < channels)
            for byte in fours
        ]

    def _build_count(
        self, code: Code, source: IRValue, inside: bool, out: IRValue, column: Index
    ) -> None:
        """The nonzero inputs of a column, after all addresses of the row."""
        b, total = code.b, I64(0)
        for word in range(self.words) if inside else ():
            mask = code.load(code.offset(source, 8 * (self.words + word)), I64)
            total = b.add(total, code.intrinsic("llvm.ctpop.i64", I64, mask))
        at = code.add(code.mul(column, 4), len(self._inputs) * self.column_bytes)
        code.store(b.trunc(total, I32), code.offset(out, at))


def build_rows(
    code: Code, frame: Frame, x: IRValue, out: IRValue, first: Index, last: Index
) -> None:
    """The frame's rows that the output rows first .. last-1 of the sample at ``x`` read."""
    base, low, high = frame.input_rows(code, first, last)
    with code.loop(low, high) as row:
        source = code.offset(x, code.mul(row, frame.source[1]))
        frame.build_row(
            code, source, code.offset(out, code.mul(code.sub(row, base), frame.row_bytes))
        )
