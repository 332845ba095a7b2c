"""One kernel function under construction.

A kernel is ``void kernel(ptr frame, i64 begin, i64 end, ptr scratch)``: it does tasks begin ..
end-1 of a step. The frame holds N and the addresses that the kernel reads and writes, so that two
steps with the same code share one function. The scratch is memory of the thread that runs it. A
kernel's body is a Python function over a `Code`:

    def body(code: Code) -> None:
        source, target = code.pointer(x), code.pointer(y)       # base addresses (ptr)
        with code.loop(code.begin, code.end) as task:           # i64
            value = code.load(code.offset(source, code.mul(task, 4)), F32)
            code.store(value, code.offset(target, code.mul(task, 4)))

Integers that steer addresses are Python ints while they are known (`Index`); `add`, `mul`,
`divide` fold them. ``code.b`` is the llvmlite builder for everything else. Loads and stores take
byte offsets and are aligned only to the element.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from llvmlite import ir

from ...ir import Array, Scalar, Value, aligned
from ...runtime.weight_layouts import WeightLayout
from ..interface import StoredWeights
from ..targets import Target
from .constant_contents import Contents, joined

IRValue = Any
"""A value of the generated code: llvmlite does not type what its builder returns."""
Index = IRValue | int
"""An i64 that may be known."""

PTR = ir.PointerType()
I1, I8, I16, I32, I64 = (ir.IntType(n) for n in (1, 8, 16, 32, 64))
FLOAT, DOUBLE = ir.FloatType(), ir.DoubleType()
_MEMORY_TYPES: dict[str, ir.Type] = {
    "f32": FLOAT,
    "f64": DOUBLE,
    "f16": ir.HalfType(),
    "i8": I8,
    "u8": I8,
    "bool": I8,
    "i16": I16,
    "i32": I32,
    "i64": I64,
}
KERNEL = ir.FunctionType(ir.VoidType(), [PTR, I64, I64, PTR])
STACK_SCRATCH = 512
"""Scratch of up to so many bytes is on the stack, where LLVM may keep it in registers; callers'
stacks may be small, so what is larger is in the workspace."""


def memory_type(element: Scalar) -> ir.Type:
    """How one element lies in memory; bool takes a byte that is 0 or 1."""
    return _MEMORY_TYPES[element.name]


def vector(type_: ir.Type, lanes: int) -> ir.VectorType:
    """``<lanes x type>``."""
    return ir.VectorType(type_, lanes)


@dataclass(frozen=True)
class Foreign:
    """LLVM IR that defines ``void name(..)``; equal names stand for equal functions."""

    name: str
    text: str


class Emission(Protocol):
    """What the emitters of elementwise operators and of `isa` need: a `Code`, or what stands for
    one elsewhere.

    Values have an LLVM type, a scalar's or a vector's; ``b`` has the methods of llvmlite's builder.
    """

    @property
    def b(self) -> Any:
        """Arithmetic, comparisons, conversions and selections."""
        ...

    @property
    def target(self) -> Target:
        """What the code may use."""
        ...

    def overloaded(
        self, name: str, x: IRValue, *more: IRValue, flags: Sequence[str] = ()
    ) -> IRValue:
        """``llvm.<name>``, overloaded on the type of ``x``, which its result has too."""
        ...

    def saturated(self, x: IRValue, type_: ir.VectorType) -> IRValue:
        """Floats towards zero to signed integers, the nearest where out of range; NaN gives 0."""
        ...

    def scaled(self, x: IRValue, power: IRValue) -> IRValue:
        """Floats times 2 to the ``power`` (i32), rounded once. Needs ``power_scaling``."""
        ...

    def intrinsic(self, name: str, result: ir.VectorType, *args: IRValue) -> IRValue:
        """Call an LLVM intrinsic by its full name."""
        ...


class Code:
    """Builds one kernel function; see the module's docstring."""

    def __init__(self, module: ir.Module, name: str, target: Target) -> None:
        self.module = module
        self.target = target
        self.function = ir.Function(module, KERNEL, name)
        self.function.linkage = "internal"
        self.function.attributes.add("nounwind")
        self.function.attributes.add("noinline")
        frame, begin, end, scratch = self.function.args
        frame.add_attribute("noalias")
        scratch.add_attribute("noalias")
        self._frame = frame
        self._scratch = scratch
        self.begin: IRValue = begin
        self.end: IRValue = end
        self._entry: Any = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.b: Any = ir.IRBuilder(self.function.append_basic_block("body"))
        self.batch: IRValue = self._frame_load(0, I64)
        self.slots: list[Value | Array | Contents[Array]] = []
        """What the frame holds after N: values and constant data, in order."""
        self.stored: list[Contents[StoredWeights]] = []
        """The binary weights among the data."""
        self.foreign: dict[str, str] = {}
        """LLVM IR by the name of the function that it defines."""
        self.scratch_bytes = 0
        """What a thread needs of the workspace while it runs the kernel."""
        self._pointers: dict[Any, IRValue] = {}

    def finish(self) -> None:
        """Close the function."""
        self.b.ret_void()
        self._entry.branch(self.function.basic_blocks[1])

    @property
    def lanes(self) -> int:
        """32-bit lanes of a vector register."""
        return self.target.lanes

    # Addresses.

    def _frame_load(self, index: int, type_: ir.Type) -> IRValue:
        at = self._entry.gep(self._frame, [I64(index)], source_etype=I64)
        loaded = self._entry.load(at, typ=type_, align=8)
        loaded.set_metadata("invariant.load", self.module.add_metadata([]))
        return loaded

    def _slot(self, key: Any, content: Value | Array | Contents[Array]) -> IRValue:
        if key not in self._pointers:
            self.slots.append(content)
            self._pointers[key] = self._frame_load(len(self.slots), PTR)
        return self._pointers[key]

    def pointer(self, value: Value) -> IRValue:
        """Base address of an operand or result; for a `Const`, of its contents in logical order."""
        return self._slot(value, value)

    def data(self, array: Array | Contents[Array]) -> IRValue:
        """Address of read-only data, 64-byte aligned, with 64 zero bytes readable after it."""
        if isinstance(array, Contents):
            return self._slot(array, array)
        array = np.ascontiguousarray(array)
        return self._slot((array.dtype.str, array.tobytes()), array)

    def weights(
        self, bits: Contents[Array], layout: WeightLayout | Contents[WeightLayout]
    ) -> IRValue:
        """Address of what a layout makes of binary weights [O, ..], 0/1; as ``data``."""
        if not isinstance(layout, Contents):
            known = layout
            layout = Contents(lambda: known)
        shaped = joined(lambda bits, layout: bits.reshape(layout.shape), bits, layout)
        data = joined(lambda bits, layout: layout.array(bits), shaped, layout)
        self.stored.append(joined(stored_weights, shaped, data, layout))
        return self.data(data)

    def own_weights(self, bits: Contents[Array], array: Contents[Array]) -> IRValue:
        """As ``data``, for an array that stands for binary weights [O, ..]."""
        self.stored.append(joined(stored_weights, bits, array))
        return self.data(array)

    def scratch(self, size: int) -> IRValue:
        """Address of ``size`` bytes of this thread's, 64-byte aligned, with no certain content."""
        if size > STACK_SCRATCH:
            start = self.scratch_bytes
            self.scratch_bytes += aligned(size)
            return self._entry.gep(self._scratch, [I64(start)], source_etype=I8)
        space = self._entry.alloca(ir.ArrayType(I8, size))
        space.align = 64
        space.type = PTR
        return space

    def offset(self, pointer: IRValue, offset: Index) -> IRValue:
        """The address ``offset`` bytes further on."""
        if isinstance(offset, int) and offset == 0:
            return pointer
        return self.b.gep(pointer, [self.index(offset)], source_etype=I8)

    # Known and unknown integers.

    def index(self, value: Index) -> IRValue:
        """An i64 value."""
        return I64(value) if isinstance(value, int) else value

    def add(self, a: Index, b: Index) -> Index:
        """a + b."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if isinstance(a, int):
            a, b = b, a
        if isinstance(b, int) and b == 0:
            return a
        return self.b.add(a, self.index(b), flags=["nsw"])

    def sub(self, a: Index, b: Index) -> Index:
        """a - b."""
        if isinstance(b, int):
            return self.add(a, -b)
        return self.b.sub(self.index(a), b, flags=["nsw"])

    def mul(self, a: Index, b: Index) -> Index:
        """a * b."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if isinstance(a, int):
            a, b = b, a
        if isinstance(b, int) and b in (0, 1):
            return a if b else 0
        return self.b.mul(self.index(a), self.index(b), flags=["nsw"])

    def divide(self, a: Index, b: int) -> tuple[Index, Index]:
        """Quotient and remainder of a >= 0 by a known b > 0."""
        if isinstance(a, int):
            return divmod(a, b)
        if b == 1:
            return a, 0
        quotient = self.b.udiv(a, I64(b))
        return quotient, self.b.sub(a, self.b.mul(quotient, I64(b)))

    def min(self, a: Index, b: Index) -> Index:
        """The smaller, signed."""
        return self._choose("<", a, b)

    def max(self, a: Index, b: Index) -> Index:
        """The greater, signed."""
        return self._choose(">", a, b)

    def _choose(self, sign: str, a: Index, b: Index) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b) if sign == "<" else max(a, b)
        a, b = self.index(a), self.index(b)
        return self.b.select(self.b.icmp_signed(sign, a, b), a, b)

    def split(self, flat: Index, sizes: Sequence[int]) -> tuple[Index, ...]:
        """Coordinates of a flat row-major index; the first size is not needed and may be any."""
        out: list[Index] = []
        for size in reversed(sizes[1:]):
            flat, rest = self.divide(flat, size)
            out.append(rest)
        return (flat, *reversed(out))

    # Control.

    @contextmanager
    def loop(self, start: Index, stop: Index, step: Index = 1) -> Generator[IRValue]:
        """``for (i = start; i < stop; i += step)``, nothing carried."""
        blocks = self._loop_blocks()
        head, body, done = blocks
        before = self.b.block
        self.b.branch(head)
        self.b.position_at_end(head)
        at = self.b.phi(I64)
        at.add_incoming(self.index(start), before)
        self.b.cbranch(self.b.icmp_signed("<", at, self.index(stop)), body, done)
        self.b.position_at_end(body)
        yield at
        at.add_incoming(self.b.add(at, self.index(step), flags=["nsw"]), self.b.block)
        self.b.branch(head)
        self.b.position_at_end(done)

    def repeat(
        self,
        start: Index,
        stop: Index,
        step: int,
        state: Sequence[IRValue],
        body: Callable[[Index, list[IRValue]], Sequence[IRValue]],
    ) -> list[IRValue]:
        """A loop that carries values, ``state = body(i, state)``; one known trip is inlined."""
        if isinstance(start, int) and isinstance(stop, int) and stop - start <= step:
            return list(body(start, list(state))) if start < stop else list(state)
        head, inside, done = self._loop_blocks()
        before = self.b.block
        self.b.branch(head)
        self.b.position_at_end(head)
        at = self.b.phi(I64)
        at.add_incoming(self.index(start), before)
        carried = [self.b.phi(value.type) for value in state]
        for phi, value in zip(carried, state, strict=True):
            phi.add_incoming(value, before)
        self.b.cbranch(self.b.icmp_signed("<", at, self.index(stop)), inside, done)
        self.b.position_at_end(inside)
        after = body(at, list(carried))
        at.add_incoming(self.b.add(at, I64(step), flags=["nsw"]), self.b.block)
        for phi, value in zip(carried, after, strict=True):
            phi.add_incoming(value, self.b.block)
        self.b.branch(head)
        self.b.position_at_end(done)
        return list(carried)

    @contextmanager
    def when(self, condition: IRValue) -> Generator[None]:
        """``if (condition)``."""
        inside = self.function.append_basic_block("then")
        done = self.function.append_basic_block("endif")
        self.b.cbranch(condition, inside, done)
        self.b.position_at_end(inside)
        yield
        self.b.branch(done)
        self.b.position_at_end(done)

    def either(
        self, condition: ir.Value, then: Callable[[], None], otherwise: Callable[[], None]
    ) -> None:
        """``if (condition) then(); else otherwise();``."""
        blocks = [self.function.append_basic_block(name) for name in ("then", "else", "endif")]
        self.b.cbranch(condition, blocks[0], blocks[1])
        for block, body in zip(blocks, (then, otherwise), strict=False):
            self.b.position_at_end(block)
            body()
            self.b.branch(blocks[2])
        self.b.position_at_end(blocks[2])

    def _loop_blocks(self) -> tuple[ir.Block, ir.Block, ir.Block]:
        append = self.function.append_basic_block
        return append("loop"), append("do"), append("done")

    # Memory.

    def load(self, pointer: IRValue, type_: ir.Type) -> IRValue:
        """A scalar or vector at an address aligned to the (lane's) size."""
        return self.b.load(pointer, typ=type_, align=_alignment(type_))

    def load_fixed(self, pointer: IRValue, type_: ir.Type) -> IRValue:
        """`load` of what no store changes: it may leave a loop."""
        loaded = self.load(pointer, type_)
        loaded.set_metadata("invariant.load", self.module.add_metadata([]))
        return loaded

    def store(self, value: IRValue, pointer: IRValue) -> None:
        """Write a scalar or vector to an address aligned to the (lane's) size."""
        self.b.store(value, pointer, align=_alignment(value.type))

    def load_lanes(self, pointer: IRValue, type_: ir.Type, lanes: int, count: int) -> IRValue:
        """A vector of ``lanes`` of which only the first ``count`` are read; the others are 0."""
        if count == lanes:
            return self.load(pointer, vector(type_, lanes))
        size = _alignment(type_)
        loaded: IRValue = vector(type_, lanes)(None)
        for start, width in pieces(count):
            at = self.offset(pointer, start * size)
            if width == 1:
                # Not as a vector of one: LLVM 22 asserts where it narrows what follows to it.
                loaded = self.b.insert_element(loaded, self.load(at, type_), I32(start))
                continue
            placed = self.widen(self.load(at, vector(type_, width)), lanes)
            loaded = self.blend(loaded, placed, start, width) if start else placed
        return loaded

    def store_lanes(self, value: IRValue, pointer: IRValue, count: int) -> None:
        """Write the first ``count`` lanes."""
        if count == value.type.count:
            self.store(value, pointer)
            return
        size = _alignment(value.type)
        for start, width in pieces(count):
            at = self.offset(pointer, start * size)
            if width == 1:
                self.store(self.b.extract_element(value, I32(start)), at)
            else:
                self.store(self.lanes_of(value, start, width), at)

    def prefetch(self, pointer: IRValue) -> None:
        """Fetch the cache line of an address, which need not be valid, into the second level."""
        self.intrinsic("llvm.prefetch.p0", ir.VoidType(), pointer, I32(0), I32(2), I32(1))

    # Vectors.

    def freeze(self, value: IRValue) -> IRValue:
        """The value, and the optimizer sees nothing of what it is made of."""
        block = self.b.block
        frozen = ir.instructions.Instruction(block, value.type, "freeze", [value])
        block.instructions.append(frozen)
        self.b.position_at_end(block)
        return frozen

    def splat(self, value: IRValue, lanes: int) -> IRValue:
        """All lanes equal to a scalar."""
        type_ = vector(value.type, lanes)
        if isinstance(value, ir.Constant):
            return ir.Constant(type_, [value.constant] * lanes)
        one = self.b.insert_element(type_(ir.Undefined), value, I32(0))
        return self.shuffle(one, one, [0] * lanes)

    def shuffle(self, a: IRValue, b: IRValue, order: Sequence[int]) -> IRValue:
        """Lanes of a, then b, picked by number."""
        mask = ir.Constant(vector(I32, len(order)), list(order))
        return self.b.shuffle_vector(a, b, mask)

    def lanes_of(self, value: IRValue, start: int, width: int) -> IRValue:
        """A part of a vector."""
        if start == 0 and width == value.type.count:
            return value
        return self.shuffle(value, value, range(start, start + width))

    def widen(self, value: IRValue, lanes: int) -> IRValue:
        """The vector followed by zeros."""
        count = value.type.count
        if count == lanes:
            return value
        zero = value.type(None)
        return self.shuffle(value, zero, [*range(count), *[count] * (lanes - count)])

    def blend(self, base: IRValue, part: IRValue, start: int, width: int) -> IRValue:
        """``base`` with lanes start.. replaced by the first ``width`` lanes of ``part``."""
        lanes = base.type.count
        inside = range(start, start + width)
        order = [lanes + i - start if i in inside else i for i in range(lanes)]
        return self.shuffle(base, part, order)

    def concat(self, parts: Sequence[IRValue]) -> IRValue:
        """Equal vectors one after another; the number of lanes grows by powers of two."""
        parts = list(parts)
        combined = parts[0]
        for part in parts[1:]:
            lanes, more = combined.type.count, part.type.count
            part = part if more == lanes else self.widen(part, lanes)
            combined = self.shuffle(combined, part, range(lanes + more))
        return combined

    def intrinsic(self, name: str, result: ir.Type, *args: IRValue) -> IRValue:
        """Call an LLVM intrinsic by its full name."""
        function = self._declared(name, ir.FunctionType(result, [a.type for a in args]))
        return self.b.call(function, args)

    def overloaded(
        self, name: str, x: IRValue, *more: IRValue, flags: Sequence[str] = ()
    ) -> IRValue:
        """Call ``llvm.<name>``, overloaded on the type of ``x``, a scalar or vector."""
        function = self._declared(
            f"llvm.{name}.{_suffix(x.type)}",
            ir.FunctionType(x.type, [x.type, *(m.type for m in more)]),
        )
        return self.b.call(function, [x, *more], fastmath=flags)

    def saturated(self, x: IRValue, type_: ir.VectorType) -> IRValue:
        """Floats towards zero to signed integers, the nearest where out of range; NaN gives 0."""
        name = f"llvm.fptosi.sat.{_suffix(type_)}.{_suffix(x.type)}"
        return self.intrinsic(name, type_, x)

    def scaled(self, x: IRValue, power: IRValue) -> IRValue:
        """Floats times 2 to the ``power`` (i32), rounded once. Needs ``power_scaling``."""
        name = f"llvm.ldexp.{_suffix(x.type)}.{_suffix(power.type)}"
        return self.intrinsic(name, x.type, x, power)

    def call(self, foreign: Foreign, *args: IRValue) -> None:
        """Call a function that comes with its own LLVM IR."""
        self.foreign[foreign.name] = foreign.text
        kind = ir.FunctionType(ir.VoidType(), [a.type for a in args])
        self.b.call(self._declared(foreign.name, kind), args)

    def _declared(self, name: str, type_: ir.FunctionType) -> ir.Function:
        return self.module.globals.get(name) or ir.Function(self.module, type_, name)


def stored_weights(bits: Array, array: Array, layout: WeightLayout | None = None) -> StoredWeights:
    """What an array stands for: binary weights [O, ..]."""
    return StoredWeights(bits.reshape(len(bits), -1), array.tobytes(), layout)


def pieces(count: int) -> list[tuple[int, int]]:
    """``count`` lanes as (start, width) with widths that are powers of two, wide ones first."""
    out: list[tuple[int, int]] = []
    start = 0
    while start < count:
        width = 1 << ((count - start).bit_length() - 1)
        out.append((start, width))
        start += width
    return out


def _suffix(type_: ir.Type) -> str:
    """How the name of an overloaded intrinsic spells a type: ``v16f32``."""
    if isinstance(type_, ir.VectorType):
        return f"v{type_.count}{_suffix(type_.element)}"
    return {"float": "f32", "double": "f64"}.get(str(type_), str(type_))


def _alignment(type_: ir.Type) -> int:
    """Bytes of a scalar, or of one lane."""
    if isinstance(type_, ir.VectorType):
        type_ = type_.element
    if isinstance(type_, ir.IntType):
        return max(1, type_.width // 8)
    return {"float": 4, "double": 8, "half": 2, "ptr": 8}[str(type_)]
