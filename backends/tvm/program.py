"""One kernel as a PrimFunc over one sample, under construction.

A symbolic batch is a loop around the function, so that every shape here is that for N = 1. The
buffers are declared first, by asking for views and data; then blocks are written:

    program = Program(job)
    x, w = program.view(op.x), program.data(weights)
    with program.body():
        sums = program.scratch((8, 16), "float32")
        with program.block("sums", (8, 16), (64,)) as ((i, lane), (k,)):
            ...
    program.function           # tirx.PrimFunc; program.slots says what its buffers are

Blocks are found by name in the schedule.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from tvm.script.ir_builder import IRBuilder

from ...ir import BOOL, Array, Bits, Layout, Scalar, TensorType, Ternary, Value
from ...ir.types import WORD_BITS, physical_axes
from ..codegen.constant_contents import Contents, joined
from ..codegen.elementwise_emitters import Lanes, Packed
from ..codegen.kernel_builder import I1, I8, memory_type, stored_weights
from ..codegen.kernel_interface import Job
from ..interface import StoredWeights
from .expressions import Expression, Expressions, Term, constant, dtype_of
from .tir import T, tirx

Coordinate = Any
"""An index into one axis: a TIR expression or an int."""
Buffer = Any
_UNIT = 32
"""Bits of the words in which single bits are looked up."""


class Program:
    """One PrimFunc; see the module's docstring."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.code = Expressions(job.target)
        self.slots: list[Value | Array | Contents[Array]] = []
        """What each buffer of the function holds."""
        self.weights: list[Contents[StoredWeights]] = []
        """The binary weights among them."""
        self.definitions: list[str] = []
        """LLVM IR of functions that the blocks call."""
        self.function: Any = None
        self._kept: list[Buffer] = []
        self.buffers: list[Buffer] = []
        """The buffers, in the order of ``slots``."""
        self._known: dict[Any, Buffer] = {}

    # Buffers.

    def _buffer(
        self, key: Any, slot: Value | Array | Contents[Array], shape: Sequence[int], dtype: str
    ) -> Buffer:
        if key not in self._known:
            name = f"a{len(self.slots)}"
            self._known[key] = tirx.decl_buffer([*shape] or [1], dtype, name)
            self.buffers.append(self._known[key])
            self.slots.append(slot)
        return self._known[key]

    def data(self, array: Array | Contents[Array]) -> Buffer:
        """Read-only data."""
        if isinstance(array, Contents):
            array = array.map(_readable)
            shape, dtype = self.job.ask(array.map(lambda array: (array.shape, str(array.dtype))))
            return self._buffer(array, array, shape, dtype)
        array = _readable(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        return self._buffer(key, array, array.shape, str(array.dtype))

    def binary_weights(self, bits: Contents[Array], array: Contents[Array]) -> Buffer:
        """`data` that stands for binary weights [O, ..], 0/1."""
        self.weights.append(joined(stored_weights, bits, array))
        return self.data(array)

    def units(self, value: Value, bits: int) -> Buffer:
        """The packed words of a value as integers of ``bits``: [N, spatial.., planes * words]."""
        type_ = value.type
        assert type_.layout is Layout.WORDS
        shape = type_.concrete(1)
        pixel = _planes(type_) * _words(type_) * (WORD_BITS // bits)
        physical = (shape[0], *shape[2:], pixel)
        return self._buffer((value, bits), value, physical, f"uint{bits}")

    def view(self, value: Value) -> View:
        """A value of the graph (not of a region), whatever its layout."""
        type_ = value.type
        if self.job.is_constant(value):
            type_ = type_.with_layout(Layout.ROW_MAJOR)
            if value not in self._known:
                self._known[value] = self.data(self.job.contents(value).map(_codes))
            return View(self, type_, self._known[value])
        if type_.layout is Layout.WORDS:
            return View(self, type_, self.units(value, _UNIT))
        shape = list(type_.concrete(1))
        if value.slot is not None and value.slot.pitch:
            shape[1] = value.slot.pitch
        physical = [shape[axis] for axis in physical_axes(type_.rank, type_.layout)]
        element = type_.element
        dtype = dtype_of(memory_type(element)) if isinstance(element, Scalar) else "int8"
        return View(self, type_, self._buffer(value, value, physical, dtype))

    # Statements.

    @contextmanager
    def body(self) -> Generator[None]:
        """What is written inside becomes the function."""
        with IRBuilder() as builder, T.prim_func(s_tir=True):
            T.func_name("main")
            for buffer in self.buffers:
                T.arg(buffer.name, buffer)
            yield
        self.function = builder.get()

    def scratch(self, shape: Sequence[int], dtype: str) -> Buffer:
        """Memory of the function's own."""
        return T.sblock_alloc_buffer([*shape], dtype)

    @contextmanager
    def keeping(self, lanes: int, lane: Coordinate) -> Generator[None]:
        """Emitters may keep what they computed in a lane of ``lanes``, the loop directly around
        them."""

        def keep(value: Expression) -> Expression:
            truth = str(value.ty.dtype) == "bool"
            kept = self.scratch((lanes,), "int8" if truth else str(value.ty.dtype))
            if lanes > 1:
                self._kept.append(kept)
            T.buffer_store(kept, tirx.Cast("int8", value) if truth else value, [lane])
            read = kept[(lane,)]
            return tirx.NE(read, constant(I8, 0)) if truth else read

        self.code.b.keep = keep
        yield
        self.code.b.keep = None

    def release(self) -> None:
        """Name what was kept once more, outside the loop over lanes: TVM would make one element of
        what only the loop knows."""
        while self._kept:
            T.evaluate(tirx.address_of(self._kept.pop()[(0,)]))

    @contextmanager
    def block(
        self, name: str, spatial: Sequence[int], reduced: Sequence[int] = ()
    ) -> Generator[tuple[list[Any], list[Any]]]:
        """A block inside as many loops, outermost first; gives its axes."""
        extents = [*spatial, *reduced] or [1]
        with T.grid(*extents) as loops:
            variables = list(loops) if len(extents) > 1 else [loops]
            with T.sblock(name):
                axes = [
                    T.axis.spatial(extent, at)
                    if i < len(extents) - len(reduced)
                    else T.axis.reduce(extent, at)
                    for i, (extent, at) in enumerate(zip(extents, variables, strict=True))
                ]
                yield axes[: len(spatial)], axes[len(extents) - len(reduced) :]


def _readable(array: Array) -> Array:
    """In one piece, without truths, for which TVM has no bytes."""
    array = np.ascontiguousarray(array)
    return array.view(np.int8) if array.dtype.kind == "b" else array


def _codes(array: Array) -> Array:
    """Stored codes as the signed bytes that views read."""
    return array.view(np.int8) if array.dtype == np.uint8 else array


def _planes(type_: TensorType) -> int:
    assert not isinstance(type_.element, Scalar)
    return type_.element.planes


def _words(type_: TensorType) -> int:
    return -(-type_.concrete(1)[1] // WORD_BITS)


@dataclass(frozen=True)
class View:
    """A tensor in a buffer, addressed by logical coordinates of any rank not below its own;
    axes of one element are broadcast."""

    program: Program
    type: TensorType
    buffer: Buffer

    def _own(self, index: Sequence[Coordinate]) -> list[Coordinate]:
        """The coordinates on the tensor's own axes."""
        shape = self.type.concrete(1)
        last = list(index)[len(index) - len(shape) :]
        return [0 if size == 1 else at for size, at in zip(shape, last, strict=True)]

    def place(self, index: Sequence[Coordinate]) -> list[Coordinate]:
        """Where an unpacked element lies in the buffer."""
        own = self._own(index)
        return [own[axis] for axis in physical_axes(len(own), self.type.layout)] or [0]

    def load(self, index: Sequence[Coordinate]) -> Lanes:
        """An element as a term, or as a truth for each plane of a packed one."""
        element = self.type.element
        if self.type.layout is Layout.WORDS:
            return self._load_bits(index)
        stored = self.buffer[tuple(self.place(index))]
        if not isinstance(element, Scalar):
            return planes_of(stored, element)
        if element == BOOL:
            return Term.of(I1, tirx.NE(stored, constant(I8, 0)))
        return Term.of(memory_type(element), stored)

    def _load_bits(self, index: Sequence[Coordinate]) -> Packed:
        own = self._own(index)
        units = _words(self.type) * (WORD_BITS // _UNIT)
        channel = own[1]
        at = [own[0], *own[2:]]
        planes: list[Term] = []
        for plane in range(_planes(self.type)):
            unit = self.buffer[(*at, plane * units + tirx.floordiv(_int(channel), _UNIT))]
            bit = tirx.Cast("uint32", tirx.floormod(_int(channel), _UNIT))
            low = tirx.bitwise_and(tirx.shift_right(unit, bit), tirx.const(1, "uint32"))
            planes.append(Term.of(I1, tirx.NE(low, tirx.const(0, "uint32"))))
        return Packed(tuple(planes))


def _int(at: Coordinate) -> Expression:
    return tirx.const(at, "int32") if isinstance(at, int) else at


def planes_of(code: Expression, element: Bits | Ternary) -> Packed:
    """The planes of a stored code (ternary: -1, 0, 1)."""
    zero = constant(I8, 0)
    if isinstance(element, Ternary):
        return Packed((Term.of(I1, tirx.GT(code, zero)), Term.of(I1, tirx.NE(code, zero))))
    masks = [tirx.const((1 << p) - (256 if p == 7 else 0), "int8") for p in range(element.planes)]
    return Packed(tuple(Term.of(I1, tirx.NE(tirx.bitwise_and(code, mask), zero)) for mask in masks))
