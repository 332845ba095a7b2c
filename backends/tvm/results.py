"""Where a kernel writes: the space of elements it computes, and its results in any layout.

`Space` orders the elements as they lie in the result, the innermost axis cut into blocks of equal
lanes. `Results` stores such a block; lanes of packed results go to bytes first, of which a function
of LLVM IR makes an integer, in registers once LLVM has inlined it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

from ...ir import Layout, Scalar, TensorType, Ternary, Value
from ...ir.types import WORD_BITS, Element, physical_axes
from ..codegen.elementwise_emitters import Lanes, Packed
from ..targets import Target
from .expressions import expression
from .program import Buffer, Coordinate, Program, View
from .tir import T, tirx

_WIDEST = {512: 16, 256: 8, 128: 8}
"""Lanes of a block by the bits of a vector: a register of 32-bit lanes, two small ones."""


@dataclass(frozen=True)
class Space:
    """Elements of a logical shape, in the order of ``axes``, the last one in blocks of ``lanes``.

    ``padded`` spaces go beyond the last element of their last axis, to fill a block.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    lanes: int

    @classmethod
    def of(cls, type_: TensorType, packs: bool, target: Target) -> Space:
        """The elements of a result; packed ones have their channels in the lanes."""
        shape = type_.concrete(1)
        layout = Layout.CHANNELS_LAST if packs else type_.layout
        axes = physical_axes(len(shape), layout)
        if not packs:
            # Axes of one element lie anywhere: lanes are the elements that are neighbours.
            axes = tuple(sorted(axes, key=lambda axis: shape[axis] != 1))
        last = shape[axes[-1]] if axes else 1
        lanes = math.gcd(last, _WIDEST[target.vector_bits])
        return cls(shape, axes, max(8, lanes) if packs else lanes)

    @classmethod
    def of_channels(cls, type_: TensorType, widest: int) -> Space:
        """The elements of a product, its channels in at most ``widest`` lanes (at least 8), the
        last block padded where fewer would not fill half a vector."""
        shape = type_.concrete(1)
        divides = math.gcd(shape[1], widest)
        lanes = divides if 2 * divides >= widest else min(widest, 1 << (shape[1] - 1).bit_length())
        return cls(shape, physical_axes(len(shape), Layout.CHANNELS_LAST), max(8, lanes))

    @property
    def extents(self) -> tuple[int, ...]:
        """Sizes of the loops: axes, and blocks of the last one."""
        if not self.axes:
            return (1,)
        sizes = [self.shape[a] for a in self.axes]
        return (*sizes[:-1], -(-sizes[-1] // self.lanes))

    @property
    def padded(self) -> bool:
        """Whether the last block has lanes without an element."""
        return bool(self.axes) and self.shape[self.axes[-1]] % self.lanes != 0

    def index(self, at: Sequence[Coordinate]) -> tuple[Coordinate, ...]:
        """Logical coordinates of an element, the last one inside where the space is padded."""
        if not self.axes:
            return ()
        place = at[-2] * self.lanes + at[-1]
        if self.padded:
            place = tirx.min(place, self.shape[self.axes[-1]] - 1)
        out: list[Coordinate] = [0] * len(self.shape)
        for axis, coordinate in zip(self.axes, (*at[:-2], place), strict=True):
            out[axis] = coordinate
        return tuple(out)

    def inside(self, at: Sequence[Coordinate]) -> Any:
        """Whether there is an element, in a padded space."""
        return tirx.LT(at[-2] * self.lanes + at[-1], self.shape[self.axes[-1]])


class Results:
    """The results of a node, stored a block of lanes at a time."""

    def __init__(self, program: Program, values: Sequence[Value], space: Space) -> None:
        self.program = program
        self.space = space
        self._values = tuple(values)
        self._views: dict[Value, View] = {}
        self._words: dict[Value, Buffer] = {}
        for value in values:
            if value.type.layout is Layout.WORDS:
                self._words[value] = program.units(value, space.lanes)
            else:
                self._views[value] = program.view(value)
        if self._words:
            program.definitions.append(pack_definition(space.lanes))

    def store(
        self, at: Sequence[Coordinate], compute: Callable[[Coordinate], Sequence[Lanes]]
    ) -> None:
        """Write a block of lanes of every result; inside a `Program.block` over the blocks of the
        space, with the values that ``compute`` gives for a lane."""
        lanes = self.space.lanes
        codes = {
            value: [self.program.scratch((lanes,), "int8") for _ in range(_planes(value))]
            for value in self._words
        }
        # A result may lie where an operand does: none is stored before all of them are known.
        plain = [value for value in self._values if value not in codes]
        held_back = {
            value: self.program.scratch((lanes,), str(self._views[value].buffer.dtype))
            for value in plain[:-1]
        }
        with self._lanes() as lane:
            index = self.space.index((*at, lane))
            with self.program.keeping(lanes, lane):
                computed = dict(zip(self._values, compute(lane), strict=True))
            for value, buffers in codes.items():
                one = computed[value]
                assert isinstance(one, Packed)
                self._store_bytes(buffers, one, at, lane)
            for value, buffer in held_back.items():
                T.buffer_store(buffer, _stored(computed[value], self._views[value]), [lane])
            for value in plain[-1:]:
                self._store(value, _stored(computed[value], self._views[value]), at, index, lane)
        self.program.release()
        for value, buffer in held_back.items():
            with self._lanes() as lane:
                index = self.space.index((*at, lane))
                self._store(value, buffer[(lane,)], at, index, lane)
        for value, bytes_ in codes.items():
            self._pack(value, bytes_, at)

    def _lanes(self) -> AbstractContextManager[Coordinate]:
        return T.vectorized(self.space.lanes) if self.space.lanes > 1 else nullcontext(0)

    def _store(
        self,
        value: Value,
        element: Any,
        at: Sequence[Coordinate],
        index: Sequence[Coordinate],
        lane: Coordinate,
    ) -> None:
        """Write one element, if there is one."""
        view = self._views[value]
        with ExitStack() as stack:
            if self.space.padded:
                stack.enter_context(T.If(self.space.inside((*at, lane))))
                stack.enter_context(T.Then())
            T.buffer_store(view.buffer, element, view.place(index))

    def _store_bytes(
        self, codes: Sequence[Buffer], packed: Packed, at: Sequence[Coordinate], lane: Coordinate
    ) -> None:
        """A byte for each plane, 0 where there is no element."""
        for buffer, truth in zip(codes, packed.planes, strict=True):
            bit = tirx.Cast("int8", expression(truth))
            if self.space.padded:
                # Under a condition TVM would take coordinates for inside that are not.
                bit = tirx.Mul(bit, tirx.Cast("int8", self.space.inside((*at, lane))))
            T.buffer_store(buffer, bit, [lane])

    def _pack(self, value: Value, codes: Sequence[Buffer], at: Sequence[Coordinate]) -> None:
        """The integer of a block of lanes; the last block also fills its word up with 0."""
        lanes, words = self.space.lanes, self._words[value]
        channels = value.type.concrete(1)[1]
        blocks = -(-channels // lanes)
        units = -(-channels // WORD_BITS) * (WORD_BITS // lanes)
        *pixel, block = at
        for plane, buffer in enumerate(codes):
            address = tirx.address_of(buffer[(0,)])
            packed = tirx.call_extern(f"uint{lanes}", pack_function(lanes), address)
            T.buffer_store(words, packed, [*pixel, plane * units + block])
            if blocks < units:
                with T.If(tirx.EQ(block, blocks - 1)), T.Then():
                    for unit in range(blocks, units):
                        zero = tirx.const(0, f"uint{lanes}")
                        T.buffer_store(words, zero, [*pixel, plane * units + unit])


def pack_function(lanes: int) -> str:
    """The function that makes an integer of the lowest bits of bytes."""
    return f"bnnc.pack.{lanes}"


def pack_definition(lanes: int) -> str:
    """Its LLVM IR."""
    return f"""
define internal i{lanes} @{pack_function(lanes)}(ptr %codes) alwaysinline nounwind {{
  %bytes = load <{lanes} x i8>, ptr %codes, align 1
  %truths = icmp ne <{lanes} x i8> %bytes, zeroinitializer
  %word = bitcast <{lanes} x i1> %truths to i{lanes}
  ret i{lanes} %word
}}"""


def _planes(value: Value) -> int:
    element = value.type.element
    assert not isinstance(element, Scalar)
    return element.planes


def _stored(lanes: Lanes, view: View) -> Any:
    """An element as it lies in memory."""
    value = code_of(lanes, view.type.element) if isinstance(lanes, Packed) else expression(lanes)
    dtype = str(view.buffer.dtype)
    return value if str(value.ty.dtype) == dtype else tirx.Cast(dtype, value)


def code_of(packed: Packed, element: Element) -> Any:
    """The byte of a packed element that is stored unpacked (ternary: -1, 0, 1)."""
    bits = [tirx.Cast("int8", expression(plane)) for plane in packed.planes]
    if isinstance(element, Ternary):
        one, two = tirx.const(1, "int8"), tirx.const(2, "int8")
        return tirx.Mul(bits[1], tirx.Sub(tirx.Mul(bits[0], two), one))
    total = bits[0]
    for plane, bit in enumerate(bits[1:], 1):
        total = tirx.bitwise_or(total, tirx.shift_left(bit, tirx.const(plane, "int8")))
    return total
