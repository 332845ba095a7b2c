"""The window of a convolution (or of a product, a window of one) over at most two spatial axes.

Border classes: zero padding is not stored, so an output column reads only the taps that lie inside
the operand. `Geometry.segments` groups neighbouring columns with the same taps; rows find theirs at
run time (`Geometry.rows_inside`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from ...ir import Batch, Dim, TensorType
from ...ir.ops import BinaryGemm, Gemm, Product
from ...ir.ops.window_axis import WindowAxis
from ..codegen.kernel_builder import Code, Index


@dataclass(frozen=True)
class Segment:
    """``count`` output columns from ``start`` that see the kernel columns first .. last-1."""

    start: int
    count: int
    first: int
    last: int


@dataclass(frozen=True)
class Geometry:
    """Sizes of one convolution; pairs are (vertical, horizontal)."""

    batch: Dim
    channels: int
    out_channels: int
    groups: int
    size: tuple[int, int]
    out: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int]
    """Padding before the first row and column; what follows the last needs no name."""
    rank: int

    @classmethod
    def of(cls, op: Product) -> Geometry:
        """The geometry of a product; the operator's types have been verified."""
        (result,) = op.infer()
        x, w = op.x.type, op.w.type
        if isinstance(op, (BinaryGemm, Gemm)):
            one = (1, 1)
            return cls(x.shape[0], _int(x, 1), _int(w, 0), 1, one, one, one, one, one, (0, 0), 2)
        flat = x.rank == 3
        pads = op.pads[: len(op.pads) // 2]
        return cls(
            x.shape[0],
            _int(x, 1),
            _int(w, 0),
            op.groups,
            _pair(x.shape[2:], 1, flat),
            _pair(result.shape[2:], 1, flat),
            _pair(w.shape[2:], 1, flat),
            _pair(op.strides, 1, flat),
            _pair(op.dilations, 1, flat),
            _pair(pads, 0, flat),
            x.rank,
        )

    @property
    def samples(self) -> int:
        """Samples at N = 1."""
        return self.batch.factor if isinstance(self.batch, Batch) else self.batch

    def batch_size(self, code: Code) -> Index:
        """Samples of a call."""
        batch = self.batch
        return code.mul(code.batch, batch.factor) if isinstance(batch, Batch) else batch

    @property
    def group_channels(self) -> int:
        """Input channels of one group."""
        return self.channels // self.groups

    @property
    def group_out(self) -> int:
        """Output channels of one group."""
        return self.out_channels // self.groups

    @property
    def taps(self) -> int:
        """Kernel positions."""
        return self.kernel[0] * self.kernel[1]

    @cached_property
    def axes(self) -> tuple[WindowAxis, WindowAxis]:
        """Both axes of the window, with the taps that are inside the operand."""
        sizes = (self.size, self.out, self.kernel, self.strides, self.dilations, self.pads)
        vertical, horizontal = zip(*sizes, strict=True)
        return WindowAxis(*vertical), WindowAxis(*horizontal)

    @property
    def padded(self) -> bool:
        """True when some outputs see taps outside the operand."""
        return any(axis.bordered for axis in self.axes)

    @property
    def by_sample(self) -> bool:
        """True when the output is one pixel: then pixels are those of different samples."""
        return self.out == (1, 1)

    def macs(self) -> int:
        """Multiply-accumulates of one sample, padding included."""
        return self.out[0] * self.out[1] * self.out_channels * self.group_channels * self.taps

    def axis_strides(self, strides: tuple[int, ...]) -> tuple[int, int, int, int]:
        """Strides of a tensor's logical axes as (sample, channel, row, column)."""
        n, c, *spatial = strides
        row, column = ((0, 0), (0, *spatial), tuple(spatial))[min(len(spatial), 2)][:2]
        return n, c, row, column

    def index(self, sample: Index, channel: Index, row: Index, column: Index) -> tuple[Index, ...]:
        """Coordinates in the result's own rank."""
        return (sample, channel, row, column)[:2] + (row, column)[4 - self.rank :]

    def segments(self) -> list[Segment]:
        """Border classes of the output columns, left to right."""
        ranges = self.axes[1].ranges
        out: list[Segment] = []
        for taps, run in groupby(range(self.out[1]), key=ranges.__getitem__):
            columns = list(run)
            out.append(Segment(columns[0], len(columns), *taps))
        return out

    def row(self) -> Segment:
        """All output columns, and all kernel columns."""
        return Segment(0, self.out[1], 0, self.kernel[1])

    def rows_inside(self, code: Code, row: Index) -> tuple[Index, Index]:
        """First and end of the kernel rows inside the operand for an output row."""
        ranges = self.axes[0].ranges
        if len(set(ranges)) == 1:
            return ranges[0]
        if isinstance(row, int):
            return ranges[row]
        step, taps = self.dilations[0], self.kernel[0]
        start = code.sub(code.mul(row, self.strides[0]), self.pads[0])
        # Kernel row k reads start + k * step, which must lie in 0 .. size-1. Negative distances
        # are clamped before the division, which is unsigned.
        before = code.max(code.sub(step - 1, start), 0)
        first = code.min(code.divide(before, step)[0], taps)
        room = code.max(code.sub(self.size[0] + step - 1, start), 0)
        last = code.max(code.min(code.divide(room, step)[0], taps), first)
        return first, last


def _int(type_: TensorType, axis: int) -> int:
    dim = type_.shape[axis]
    assert isinstance(dim, int)
    return dim


def _pair(values: tuple[Dim, ...], missing: int, flat: bool) -> tuple[int, int]:
    """(vertical, horizontal) from the spatial axes; one axis is horizontal."""
    known = [v for v in values if isinstance(v, int)]
    return (missing, known[0]) if flat else (known[0], known[1])
