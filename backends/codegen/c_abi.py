"""The C ABI of an artifact: what runs the steps, checks the caller's arguments, and says what
the artifact is. The generated header documents the C interface.

    struct P_args { u64 size; const i64 *dims; const void *const *inputs; void *const *outputs;
                    void *workspace; P_parallel_for parallel_for; void *pool; };
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ...ir import Array, Graph, Slot, Value, arena_bytes
from ...ir.types import sample_bytes
from .constant_pool import Pool
from .kernel_builder import I1, I8, I32, I64, PTR, SIGNATURE, IRValue
from .kernel_interface import Step
from .threads import PIECE_CYCLES, THREAD_CYCLES

ABI_VERSION = 1
ARGS_BYTES = 56
_DIMS, _INPUTS, _OUTPUTS, _WORKSPACE, _PARALLEL_FOR, _POOL = (8, 16, 24, 32, 40, 48)
_WRONG_SIZE, _WRONG_DIMENSION, _WRONG_WORKSPACE, _NULL_TENSOR = 1, 2, 3, 4
_MAX_BYTES = 1 << 46
_ALIGN = 64

PREFIX = "__bnnc__"
"""Stands for the model's prefix until `emit` knows it."""
CONSTANTS = PREFIX + "constants"


@dataclass(frozen=True)
class Workspace:
    """Bytes of scratch memory, ``per_batch * N + fixed``, as the slots of a graph need them."""

    per_batch: int
    fixed: int

    @classmethod
    def of(cls, graph: Graph) -> Workspace:
        """The smallest workspace that holds every slot."""
        return cls(*arena_bytes(graph))


class Entry:
    """Writes the exported functions of a graph into a module."""

    def __init__(self, module: ir.Module, graph: Graph, workspace: Workspace) -> None:
        self.module = module
        self.graph = graph
        self.workspace = workspace
        self.symbolic = any(v.type.symbolic for v in graph.inputs)

    def write(self, steps: Sequence[Step], pool: Pool, constants: dict[Value, Array]) -> None:
        """All functions but ``describe``."""
        self._number("abi_version", ABI_VERSION)
        self._workspace_size()
        dispatch = self._dispatch()
        self._run(steps, pool, constants, dispatch)

    def _define(self, name: str, type_: ir.FunctionType) -> tuple[ir.Function, ir.IRBuilder]:
        function = ir.Function(self.module, type_, PREFIX + name)
        function.attributes.add("nounwind")
        return function, ir.IRBuilder(function.append_basic_block("entry"))

    def _number(self, name: str, value: int) -> None:
        _, b = self._define(name, ir.FunctionType(I32, []))
        b.ret(I32(value))

    def _workspace_size(self) -> None:
        function, b = self._define("workspace_size", ir.FunctionType(I64, [PTR]))
        if not self.symbolic:
            b.ret(I64(self.workspace.per_batch + self.workspace.fixed))
            return
        n = b.load(function.args[0], typ=I64, align=8)
        b.ret(b.add(b.mul(n, I64(self.workspace.per_batch)), I64(self.workspace.fixed)))

    def _dispatch(self) -> ir.Function:
        """``dispatch(args, kernel, frame, count)``: here, or through the caller's parallel_for,
        which sees every step, those of one task too: so it can tell them apart by their order."""
        type_ = ir.FunctionType(ir.VoidType(), [PTR, PTR, PTR, I64])
        function, b = self._define("dispatch", type_)
        function.linkage = "internal"
        function.attributes.add("noinline")
        args, kernel, frame, count = function.args
        here = function.append_basic_block("here")
        there = function.append_basic_block("there")
        parallel_for = _field(b, args, _PARALLEL_FOR)
        b.cbranch(b.icmp_unsigned("==", parallel_for, PTR(None)), here, there)
        b.position_at_end(here)
        _call(b, SIGNATURE, kernel, frame, I64(0), count)
        b.ret_void()
        b.position_at_end(there)
        outer = ir.FunctionType(ir.VoidType(), [PTR, PTR, PTR, I64])
        _call(b, outer, parallel_for, _field(b, args, _POOL), kernel, frame, count)
        b.ret_void()
        return function

    def _run(
        self,
        steps: Sequence[Step],
        pool: Pool,
        constants: dict[Value, Array],
        dispatch: ir.Function,
    ) -> None:
        function, b = self._define("run", ir.FunctionType(I32, [PTR]))
        (args,) = function.args
        batch = self._check(b, function)
        inputs, outputs = _field(b, args, _INPUTS), _field(b, args, _OUTPUTS)
        workspace = _field(b, args, _WORKSPACE)
        block = self.module.globals[CONSTANTS]

        def address(source: Value | Array) -> IRValue:
            if not isinstance(source, Value):
                return _offset(b, block, I64(pool.offset(source)))
            if source in constants:
                return _offset(b, block, I64(pool.offset(constants[source])))
            slot = source.slot
            assert slot is not None, f"%{source.name} has no slot"
            start = self._slot(b, slot, inputs, outputs, workspace, batch)
            if not slot.channel:
                return start
            return _offset(b, start, I64(slot.channel * source.type.element.dtype.itemsize))

        room = 3 + max((len(step.slots) for step in steps), default=0)
        memory: Any = b.alloca(I64, size=I32(room))
        memory.align = 16
        memory.type = PTR
        frame = _offset(b, memory, I64(16))
        b.store(batch, frame)
        for step in steps:
            for index, source in enumerate(step.slots):
                at = b.gep(frame, [I64(index + 1)], source_etype=I64)
                b.store(address(source), at)
            count = b.add(b.mul(batch, I64(step.tasks.per_batch)), I64(step.tasks.fixed))
            self._worth(b, step, batch, count, memory)
            kernel = self.module.globals[step.function]
            b.call(dispatch, [args, kernel, frame, count])
        b.ret(I32(0))

    def _worth(
        self, b: ir.IRBuilder, step: Step, batch: IRValue, count: IRValue, memory: IRValue
    ) -> None:
        """What the pool of `threads` finds before the frame: how many threads the step is
        worth, and tasks of one piece; both at least 1. An estimate needs no more than a power of
        two."""

        def at_least_1(value: IRValue) -> IRValue:
            return b.select(b.icmp_unsigned("==", value, I64(0)), I64(1), value)

        work = b.mul(batch, I64(1 << round(math.log2(max(1.0, step.cycles)))))
        pieces = b.add(b.udiv(work, I64(PIECE_CYCLES)), I64(1))
        b.store(at_least_1(b.udiv(work, I64(THREAD_CYCLES))), memory)
        b.store(at_least_1(b.udiv(count, pieces)), _offset(b, memory, I64(8)))

    def _slot(
        self,
        b: ir.IRBuilder,
        slot: Slot,
        inputs: IRValue,
        outputs: IRValue,
        workspace: IRValue,
        batch: IRValue,
    ) -> IRValue:
        if slot.arena == "batch":
            return _offset(b, workspace, b.mul(batch, I64(slot.offset)))
        if slot.arena == "fixed":
            start = b.mul(batch, I64(self.workspace.per_batch))
            return _offset(b, workspace, b.add(start, I64(slot.offset)))
        table = inputs if slot.arena == "input" else outputs
        return _field(b, table, 8 * slot.offset)

    def _check(self, b: ir.IRBuilder, function: ir.Function) -> IRValue:
        """Return a status for wrong arguments; N otherwise (1 when nothing is symbolic)."""
        (args,) = function.args

        def refuse(condition: IRValue, status: int) -> None:
            bad = function.append_basic_block("refuse")
            good = function.append_basic_block("go")
            b.cbranch(condition, bad, good)
            b.position_at_end(bad)
            b.ret(I32(status))
            b.position_at_end(good)

        def null(pointer: IRValue) -> IRValue:
            return b.icmp_unsigned("==", pointer, PTR(None))

        refuse(null(args), _WRONG_SIZE)
        refuse(b.icmp_unsigned("!=", _field(b, args, 0, I64), I64(ARGS_BYTES)), _WRONG_SIZE)
        batch: IRValue = I64(1)
        if self.symbolic:
            dims = _field(b, args, _DIMS)
            refuse(null(dims), _WRONG_DIMENSION)
            batch = b.load(dims, typ=I64, align=8)
            low = b.icmp_signed("<", batch, I64(1))
            high = b.icmp_signed(">", batch, I64(self._largest_batch()))
            refuse(b.or_(low, high), _WRONG_DIMENSION)
        if self.workspace.per_batch + self.workspace.fixed:
            workspace = _field(b, args, _WORKSPACE)
            crooked = b.and_(b.ptrtoint(workspace, I64), I64(_ALIGN - 1))
            wrong = b.or_(null(workspace), b.icmp_unsigned("!=", crooked, I64(0)))
            refuse(wrong, _WRONG_WORKSPACE)
        for field, count in (
            (_INPUTS, len(self.graph.inputs)),
            (_OUTPUTS, len(self.graph.outputs)),
        ):
            if count:
                table = _field(b, args, field)
                refuse(null(table), _NULL_TENSOR)
                missing: IRValue = I1(0)
                for index in range(count):
                    missing = b.or_(missing, null(_field(b, table, 8 * index)))
                refuse(missing, _NULL_TENSOR)
        return batch

    def _largest_batch(self) -> int:
        """N up to which no byte offset comes near the range of an address."""
        values = [v for node in self.graph.nodes for v in node.results] + list(self.graph.inputs)
        sample = max((sample_bytes(v.type) for v in values), default=1)
        return max(1, _MAX_BYTES // max(1, self.workspace.per_batch, sample))


def describe(module: ir.Module, manifest: bytes, section: str) -> None:
    """The manifest in its own section, and the function that returns it."""
    type_ = ir.ArrayType(I8, len(manifest))
    text: Any = ir.GlobalVariable(module, type_, PREFIX + "manifest")
    text.linkage = "internal"
    text.global_constant = True
    text.initializer = ir.Constant(type_, bytearray(manifest))
    text.section = section
    text.align = 8
    function = ir.Function(module, ir.FunctionType(PTR, []), PREFIX + "describe")
    function.attributes.add("nounwind")
    ir.IRBuilder(function.append_basic_block("entry")).ret(text)


def _offset(b: ir.IRBuilder, pointer: IRValue, offset: IRValue) -> IRValue:
    return b.gep(pointer, [offset], source_etype=I8)


def _field(b: ir.IRBuilder, base: IRValue, offset: int, type_: ir.Type = PTR) -> IRValue:
    return b.load(_offset(b, base, I64(offset)), typ=type_, align=8)


def _call(b: ir.IRBuilder, type_: ir.FunctionType, pointer: IRValue, *args: IRValue) -> None:
    b.call(_Callee(pointer, type_), args)


class _Callee:
    """A pointer to a function together with the function's type, as llvmlite wants a callee."""

    def __init__(self, pointer: IRValue, type_: ir.FunctionType) -> None:
        self.type = pointer.type
        self.function_type = type_
        self._pointer = pointer

    def get_reference(self) -> str:
        """How the text form names the pointer."""
        return self._pointer.get_reference()
