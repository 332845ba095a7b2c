"""Tensors in memory: where an element lies, and vectors of elements along one axis.

A `View` addresses a value by logical coordinates (`Index` per axis; those of broadcast axes are
ignored), so that kernels do not care about layouts:

    view = View.of(code, value, rank)                  # rank >= value's rank: broadcast as NumPy
    lanes = view.load(index, axis=1, lanes=16, count=16)

``index`` names lane 0; lane i lies i steps further along ``axis``. Scalars load as vectors of
their LLVM type (bool as i1), packed elements as `Packed`: one vector of i1 per plane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llvmlite import ir

from ...ir import BOOL, Batch, Bits, Layout, Scalar, TensorType, Ternary, Value
from ...ir.types import WORD_BITS, physical_axes
from ..codegen.elementwise_emitters import Lanes, Packed
from ..codegen.kernel_builder import I1, I8, I32, Code, Index, IRValue, memory_type, pieces, vector


def strides_of(type_: TensorType) -> tuple[int, ...]:
    """Elements from one position to the next, per logical axis, of an unpacked layout."""
    out = [0] * type_.rank
    step = 1
    for axis in reversed(physical_axes(type_.rank, type_.layout)):
        out[axis] = step
        dim = type_.shape[axis]
        step *= dim.factor if isinstance(dim, Batch) else dim
    return tuple(out)


def words_of(type_: TensorType) -> int:
    """64-bit words of one plane of one pixel."""
    channels = type_.shape[1]
    assert isinstance(channels, int)
    return -(-channels // WORD_BITS)


def pixel_strides(type_: TensorType) -> tuple[int, ...]:
    """Bytes from one position to the next, per logical axis, of a tensor in words; 0 for axis 1."""
    element = type_.element
    assert not isinstance(element, Scalar)
    pixel = 8 * element.planes * words_of(type_)
    spatial = TensorType((type_.shape[0], 1, *type_.shape[2:]))
    return tuple(0 if a == 1 else s * pixel for a, s in enumerate(strides_of(spatial)))


def stored_type(type_: TensorType, constant: bool) -> TensorType:
    """How a value lies in memory: constants in logical order, whatever their layout says."""
    return type_.with_layout(Layout.ROW_MAJOR) if constant else type_


def pitched_strides(value: Value, type_: TensorType) -> tuple[int, ...]:
    """`strides_of` a value's type, or of the tensor that the value is a part of."""
    if value.slot is None or not value.slot.pitch:
        return strides_of(type_)
    batch, _, *spatial = type_.shape
    return strides_of(TensorType((batch, value.slot.pitch, *spatial), type_.element, type_.layout))


def byte_strides(value: Value, rank: int, constant: bool = False) -> tuple[int, ...]:
    """Bytes per step along each axis of a result of ``rank``, 0 where the value broadcasts.

    The axis that words pack has 0 too.
    """
    type_ = stored_type(value.type, constant)
    if type_.layout is Layout.WORDS:
        steps = pixel_strides(type_)
    else:
        size = 1 if isinstance(type_.element, (Bits, Ternary)) else type_.element.dtype.itemsize
        steps = tuple(step * size for step in pitched_strides(value, type_))
    known = [0 if dim == 1 else step for dim, step in zip(type_.shape, steps, strict=True)]
    return (*[0] * (rank - type_.rank), *known)


@dataclass(frozen=True)
class View:
    """A value seen with ``len(strides)`` axes; ``strides`` in bytes, 0 where it broadcasts."""

    code: Code
    base: IRValue
    type: TensorType
    strides: tuple[int, ...]
    channel: int
    """The axis of the view that words pack (axis 1 of the type)."""
    padded: bool
    """True for constants: a whole vector may be read where only its first lanes are."""

    @classmethod
    def of(cls, code: Code, value: Value, rank: int, constant: bool = False) -> View:
        """A value aligned to the last axes of a result of ``rank``."""
        type_ = stored_type(value.type, constant)
        strides = byte_strides(value, rank, constant)
        return cls(code, code.pointer(value), type_, strides, rank - type_.rank + 1, constant)

    def with_more_axes(self, count: int) -> View:
        """The same value, broadcast along ``count`` further axes at the end."""
        return replace(self, strides=(*self.strides, *[0] * count))

    def address(self, index: Sequence[Index]) -> IRValue:
        """Address of an element (of its pixel's first word when packed)."""
        total: Index = 0
        for at, stride in zip(index, self.strides, strict=True):
            total = self.code.add(total, self.code.mul(at, stride))
        return self.code.offset(self.base, total)

    # Loading.

    def load(self, index: Sequence[Index], axis: int, lanes: int, count: int) -> Lanes:
        """``count`` elements along ``axis`` in the first of ``lanes`` lanes; nothing else is read.

        The lanes past ``count`` hold anything. Packed elements along axis 1 must start at a
        multiple of 8 (of ``lanes`` when there are fewer).
        """
        element = self.type.element
        if self.type.layout is Layout.WORDS:
            return self._load_words(index, axis, lanes, count)
        if isinstance(element, Scalar):
            loaded = self._load_scalars(index, axis, lanes, count, memory_type(element))
            return self._truth(loaded) if element == BOOL else loaded
        codes = self._load_scalars(index, axis, lanes, count, I8)
        return self._unpack_codes(codes)

    def _load_scalars(
        self, index: Sequence[Index], axis: int, lanes: int, count: int, type_: ir.Type
    ) -> IRValue:
        code, at = self.code, self.address(index)
        stride = self.strides[axis] if self.strides else 0
        if stride == 0:
            return code.splat((code.load_fixed if self.padded else code.load)(at, type_), lanes)
        if stride == self.item_bytes:
            if self.padded:
                return code.load_fixed(at, vector(type_, lanes))
            return code.load_lanes(at, type_, lanes, count)
        gathered = vector(type_, lanes)(ir.Undefined)
        for lane in range(count):
            one = code.load(code.offset(at, lane * stride), type_)
            gathered = code.b.insert_element(gathered, one, I32(lane))
        return gathered

    @property
    def item_bytes(self) -> int:
        """Bytes of an element, or of a code."""
        return 1 if self.type.is_binary else self.type.element.dtype.itemsize

    def _truth(self, bytes_: IRValue) -> IRValue:
        return self.code.b.icmp_unsigned("!=", bytes_, bytes_.type(None))

    def _unpack_codes(self, codes: IRValue) -> Packed:
        """Stored codes of constants (ternary: -1, 0, 1) to planes."""
        b, lanes, element = self.code.b, codes.type.count, self.type.element
        zero = codes.type(None)
        if isinstance(element, Ternary):
            return Packed((b.icmp_signed(">", codes, zero), b.icmp_signed("!=", codes, zero)))
        assert isinstance(element, Bits)
        masks = [self.code.splat(I8(1 << bit), lanes) for bit in range(element.planes)]
        return Packed(tuple(self._truth(b.and_(codes, mask)) for mask in masks))

    def _load_words(self, index: Sequence[Index], axis: int, lanes: int, count: int) -> Packed:
        if axis == self.channel and self.type.shape[1] != 1:
            return self._each_plane(lambda plane: self._load_run(index, plane, lanes))
        if axis == self.channel or self.strides[axis] == 0:
            return self._each_plane(
                lambda plane: self.code.splat(self._load_bit(index, plane), lanes)
            )
        return self._each_plane(lambda plane: self._gather(index, axis, plane, lanes, count))

    def _each_plane(self, load: Callable[[int], IRValue]) -> Packed:
        element = self.type.element
        assert not isinstance(element, Scalar)
        return Packed(tuple(load(plane) for plane in range(element.planes)))

    def _bit_address(self, index: Sequence[Index], plane: int) -> tuple[IRValue, Index]:
        """Address of the byte that holds a channel's bit, and the bit's number in it."""
        channel: Index = 0 if self.type.shape[1] == 1 else index[self.channel]
        byte, bit = self.code.divide(channel, 8)
        place = self.code.add(byte, plane * 8 * words_of(self.type))
        return self.code.offset(self.address(index), place), bit

    def _load_run(self, index: Sequence[Index], plane: int, lanes: int) -> IRValue:
        """Bits of ``lanes`` consecutive channels."""
        b = self.code.b
        if lanes >= 8:
            at, _ = self._bit_address(index, plane)
            bits = self.code.load(at, ir.IntType(lanes))
        else:
            at, bit = self._bit_address(index, plane)
            byte = self.code.load(at, I8)
            shift = I8(bit) if isinstance(bit, int) else b.trunc(bit, I8)
            bits = b.trunc(b.lshr(byte, shift), ir.IntType(lanes))
        return b.bitcast(bits, vector(I1, lanes))

    def _load_bit(self, index: Sequence[Index], plane: int) -> IRValue:
        at, bit = self._bit_address(index, plane)
        shift = I8(bit) if isinstance(bit, int) else self.code.b.trunc(bit, I8)
        return self.code.b.trunc(self.code.b.lshr(self.code.load(at, I8), shift), I1)

    def _gather(
        self, index: Sequence[Index], axis: int, plane: int, lanes: int, count: int
    ) -> IRValue:
        out = vector(I1, lanes)(ir.Undefined)
        for lane in range(count):
            there = list(index)
            there[axis] = self.code.add(there[axis], lane)
            out = self.code.b.insert_element(out, self._load_bit(there, plane), I32(lane))
        return out

    # Storing.

    def store(self, value: Lanes, index: Sequence[Index], axis: int, count: int) -> None:
        """Write the first ``count`` lanes along ``axis``; bits only along axis 1, 8 or more lanes.

        The block that holds the last channel must be named by a known index when the channels do
        not fill their last word: its unused bits are written as 0.
        """
        if isinstance(value, Packed):
            for plane, bits in enumerate(value.planes):
                self._store_bits(bits, index, axis, count, plane)
            return
        code = self.code
        if value.type.element == I1:
            value = code.b.zext(value, vector(I8, value.type.count))
        at, stride = self.address(index), self.strides[axis] if self.strides else 0
        if stride in (0, self.item_bytes):
            code.store_lanes(value, at, count)
            return
        for lane in range(count):
            one = code.b.extract_element(value, I32(lane))
            code.store(one, code.offset(at, lane * stride))

    def _store_bits(
        self, bits: IRValue, index: Sequence[Index], axis: int, count: int, plane: int
    ) -> None:
        assert axis == self.channel
        code, lanes = self.code, bits.type.count
        assert lanes % 8 == 0
        channels, start = self.type.shape[1], index[axis]
        assert isinstance(channels, int)
        mask_type = ir.IntType(lanes)
        word = code.b.bitcast(bits, mask_type)
        if count < lanes:
            word = code.b.and_(word, mask_type((1 << count) - 1))
        at, _ = self._bit_address(index, plane)
        if not isinstance(start, int) or start + count < channels:
            code.store(word, at)
            return
        room = WORD_BITS * words_of(self.type) - start
        if room < lanes:
            word, lanes = code.b.trunc(word, ir.IntType(room)), room
        for first, width in pieces(lanes):
            part = code.b.trunc(code.b.lshr(word, word.type(first)), ir.IntType(width))
            code.store(part, code.offset(at, first // 8))
        for first, width in pieces((room - lanes) // 8):
            code.store(ir.IntType(8 * width)(0), code.offset(at, lanes // 8 + first))
