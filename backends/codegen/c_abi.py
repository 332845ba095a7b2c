"""The C ABI of an artifact: what runs the steps, checks the caller's arguments, and says what
the artifact is. The generated header documents the C interface.

    struct P_args { u64 size; const i64 *dims; const void *const *inputs; void *const *outputs;
                    void *workspace; P_parallel_for parallel_for; void *pool; i64 threads; };

The workspace has the batch arena (per sample), the arena of a round (per sample of it), the fixed
arena, the memory of the call, and scratch for each of its threads. The memory of a call is one
word, whose bits say which scratches are free, and the frame of the current step with four words
before it: the kernel, the address of the first word (NULL: the kernel needs no scratch), how many
threads the step is worth, and how many tasks a piece must have.

The first steps run in rounds, each for some samples of the batch, so that what they write stays in
a core's caches until it is read. Values that only they touch lie in the arena of a round; of
others, a round has the samples that are its own. Later steps run once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from llvmlite import ir

from ...ir import Array, Graph, Slot, Value, aligned, arena_bytes
from ...ir.types import sample_bytes
from ...runtime.manifest import ABI, NO_WORKSPACE, Rounds, Workspace, interface_number
from ..manifest_entries import tensor_entries
from ..targets import Target
from .constant_pool import Pool
from .kernel_builder import I1, I8, I32, I64, KERNEL, PTR, IRValue
from .kernel_interface import Step
from .threads import MAX_THREADS, PIECE_CYCLES, THREAD_CYCLES

ARGS_BYTES = 64
_DIMS, _INPUTS, _OUTPUTS, _WORKSPACE, _PARALLEL_FOR, _POOL, _THREADS = range(8, 64, 8)
_TASK = ir.FunctionType(ir.VoidType(), [PTR, I64, I64])
_FRAME = 128
"""Where the frame begins in the memory of a call; the words before it, counted from there."""
_KERNEL, _FREE, _WORTH, _UNIT = (-32, -24, -16, -8)
_WRONG_SIZE, _WRONG_DIMENSION, _WRONG_WORKSPACE, _NULL_TENSOR = 1, 2, 3, 4
_MAX_BYTES = 1 << 46
_ALIGN = 64
_ZERO, _ONE = I64(0), I64(1)

LONGEST = 1024
"""Addresses that one function puts into frames: LLVM's time grows faster than a function does."""

PREFIX = "__bnnc__"
"""Stands for the model's prefix until `emit` knows it."""
CONSTANTS = PREFIX + "constants"


@dataclass(frozen=True)
class _Samples:
    """What a run of steps works on: the arguments and the memory of a call for ``batch`` samples,
    ``count`` of which from ``first`` on are its own."""

    args: IRValue
    call: IRValue
    batch: IRValue
    first: IRValue
    count: IRValue

    TYPES = (PTR, PTR, I64, I64, I64)

    @property
    def values(self) -> tuple[IRValue, ...]:
        """The fields, as arguments of a function."""
        return self.args, self.call, self.batch, self.first, self.count


@dataclass(frozen=True)
class _Place:
    """Where values lie for some samples of a call."""

    b: ir.IRBuilder
    samples: _Samples
    per_batch: int
    fixed: int
    """Bytes of the fixed arena."""

    def of(self, value: Value) -> IRValue:
        """The address of a value's first sample."""
        b, slot = self.b, value.slot
        assert slot is not None, f"%{value.name} has no slot"
        start = self._start(slot)
        if value.type.symbolic and slot.arena != "round" and self.samples.first != _ZERO:
            batch, _, *spatial = value.type.shape
            type_ = value.type
            if slot.pitch:
                type_ = replace(type_, shape=(batch, slot.pitch, *spatial))
            start = _offset(b, start, b.mul(self.samples.first, I64(sample_bytes(type_))))
        if not slot.channel:
            return start
        return _offset(b, start, I64(slot.channel * value.type.element.dtype.itemsize))

    def _start(self, slot: Slot) -> IRValue:
        b, samples = self.b, self.samples
        if slot.arena == "fixed":
            return _offset(b, samples.call, I64(slot.offset - self.fixed))
        if slot.arena in ("input", "output"):
            table = _field(b, samples.args, _INPUTS if slot.arena == "input" else _OUTPUTS)
            return _field(b, table, 8 * slot.offset)
        workspace = _field(b, samples.args, _WORKSPACE)
        if slot.arena == "batch":
            return _offset(b, workspace, b.mul(samples.batch, I64(slot.offset)))
        start = b.mul(samples.batch, I64(self.per_batch))
        return _offset(b, workspace, b.add(start, b.mul(samples.count, I64(slot.offset))))


_Stored = Callable[[Value | Array], int | None]
"""Where in the constants something lies; None for a value that is computed."""


class Entry:
    """Writes the exported functions of a graph into a module. The first ``in_rounds`` steps run in
    rounds, as large as suits the target."""

    def __init__(
        self, module: ir.Module, graph: Graph, target: Target, steps: Sequence[Step], in_rounds: int
    ) -> None:
        self.module = module
        self.graph = graph
        self.steps = steps
        self.symbolic = any(v.type.symbolic for v in graph.inputs)
        per_batch, per_sample, self._call = arena_bytes(graph)
        frame = 8 * (1 + max((len(step.slots) for step in steps), default=0))
        scratch = max((step.scratch for step in steps), default=0)
        samples = target.samples_of_a_round(per_sample) if in_rounds else 1
        rounds = Rounds(in_rounds, samples, per_sample)
        fixed = self._call + _FRAME + aligned(frame)
        self.workspace = Workspace(per_batch, fixed, scratch, rounds)
        self._parts = 0

    def write(self, pool: Pool, constants: dict[Value, Array]) -> None:
        """All functions but ``describe``."""
        self._number("abi_version", I32(ABI))
        self._number("interface", I64(interface_number(*tensor_entries(self.graph))))
        self._workspace_size()
        self._dispatch(self._task())

        def stored(source: Value | Array) -> int | None:
            array = constants.get(source) if isinstance(source, Value) else source
            return None if array is None else pool.offset(array)

        self._run(stored)

    def _define(self, name: str, type_: ir.FunctionType) -> tuple[ir.Function, ir.IRBuilder]:
        function = ir.Function(self.module, type_, PREFIX + name)
        function.attributes.add("nounwind")
        return function, ir.IRBuilder(function.append_basic_block("entry"))

    def _number(self, name: str, value: ir.Constant) -> None:
        _, b = self._define(name, ir.FunctionType(value.type, []))
        b.ret(value)

    def _workspace_size(self) -> None:
        function, b = self._define("workspace_size", ir.FunctionType(I64, [PTR, I64]))
        dims, threads = function.args
        n = self._batch(b, function, dims, I64(NO_WORKSPACE))
        threads = _possible(b, threads)
        arenas = b.add(self._by_batch(b, n, threads), I64(self.workspace.fixed))
        b.ret(b.add(arenas, b.mul(threads, I64(self.workspace.per_thread))))

    def _by_batch(self, b: ir.IRBuilder, batch: IRValue, threads: IRValue) -> IRValue:
        """Bytes of the arenas whose size depends on the batch."""
        bytes_ = b.mul(batch, I64(self.workspace.per_batch))
        per_sample = self.workspace.rounds.per_sample
        if not per_sample:
            return bytes_
        return b.add(bytes_, b.mul(self._most(b, batch, threads), I64(per_sample)))

    def _most(self, b: ir.IRBuilder, batch: IRValue, threads: IRValue) -> IRValue:
        """Samples of the largest round."""
        most = b.mul(threads, I64(self.workspace.rounds.samples))
        return b.select(b.icmp_unsigned("<", batch, most), batch, most)

    def _scratch(self, b: ir.IRBuilder, call: IRValue, index: IRValue) -> IRValue:
        """The scratch of a number, behind the memory of a call."""
        start = self.workspace.fixed - self._call
        return _offset(b, call, b.add(I64(start), b.mul(index, I64(self.workspace.per_thread))))

    def _task(self) -> ir.Function:
        """``task(frame, begin, end)``: some tasks of a step, with a scratch that is free.

        There are as many as the caller says that threads are at work. It waits where that is wrong.
        """
        function, b = self._define("task", _TASK)
        function.linkage = "internal"
        frame, begin, end = function.args
        kernel, free = (_field(b, frame, field) for field in (_KERNEL, _FREE))
        names = ("bare", "look", "take", "work")
        bare, look, take, work = (function.append_basic_block(name) for name in names)
        b.cbranch(b.icmp_unsigned("==", free, PTR(None)), bare, look)
        b.position_at_end(bare)
        _call(b, KERNEL, kernel, frame, begin, end, PTR(None))
        b.ret_void()
        b.position_at_end(look)
        before = b.load_atomic(free, "monotonic", 8, typ=I64)
        b.cbranch(b.icmp_unsigned("==", before, I64(0)), look, take)
        b.position_at_end(take)
        mine = b.and_(before, b.neg(before))
        swap = b.cmpxchg(free, before, b.xor(before, mine), "acquire", "monotonic")
        b.cbranch(b.extract_value(swap, 1), work, look)
        b.position_at_end(work)
        _call(b, KERNEL, kernel, frame, begin, end, self._scratch(b, free, b.cttz(mine, I1(1))))
        b.atomic_rmw("or", free, mine, "release")
        b.ret_void()
        return function

    def _dispatch(self, task: ir.Function) -> None:
        """``dispatch(args, frame, count)``: here, or through the caller's parallel_for, which sees
        every step, those of one task too: so it can tell them apart by their order."""
        type_ = ir.FunctionType(ir.VoidType(), [PTR, PTR, I64])
        function, b = self._define("dispatch", type_)
        function.linkage = "internal"
        function.attributes.add("noinline")
        args, frame, count = function.args
        here = function.append_basic_block("here")
        there = function.append_basic_block("there")
        parallel_for = _field(b, args, _PARALLEL_FOR)
        b.cbranch(b.icmp_unsigned("==", parallel_for, PTR(None)), here, there)
        b.position_at_end(here)
        scratch = self._scratch(b, _field(b, frame, _FREE), I64(0))
        _call(b, KERNEL, _field(b, frame, _KERNEL), frame, I64(0), count, scratch)
        b.ret_void()
        b.position_at_end(there)
        outer = ir.FunctionType(ir.VoidType(), [PTR, PTR, PTR, I64])
        _call(b, outer, parallel_for, _field(b, args, _POOL), task, frame, count)
        b.ret_void()

    def _run(self, stored: _Stored) -> None:
        function, b = self._define("run", ir.FunctionType(I32, [PTR]))
        (args,) = function.args
        batch = self._check(b, function)
        threads = _possible(b, _field(b, args, _THREADS, I64))
        call = self._start(b, args, batch, threads)
        whole = _Samples(args, call, batch, _ZERO, batch)
        split = self.workspace.rounds.steps
        if split:
            with self._round(b, function, whole, threads) as part:
                self._steps(b, part, self.steps[:split], stored)
        self._steps(b, whole, self.steps[split:], stored)
        b.ret(I32(0))

    @contextmanager
    def _round(
        self, b: ir.IRBuilder, function: ir.Function, whole: _Samples, threads: IRValue
    ) -> Generator[_Samples]:
        """A loop over the rounds of a batch: as few as can be, and as equal."""
        batch = whole.batch
        count = _divide_up(b, batch, self._most(b, batch, threads))
        size = _divide_up(b, batch, count)
        with _each(b, function, batch, size) as first:
            left = b.sub(batch, first)
            mine = b.select(b.icmp_unsigned("<", left, size), left, size)
            yield replace(whole, first=first, count=mine)

    def _steps(
        self, b: ir.IRBuilder, samples: _Samples, steps: Sequence[Step], stored: _Stored
    ) -> None:
        """Dispatch steps on some samples, those of long runs in functions of their own."""
        b.store(samples.count, _offset(b, samples.call, I64(_FRAME)))
        first, *others = _parts(steps)
        self._fill(b, samples, first, stored)
        for part in others:
            self._parts += 1
            type_ = ir.FunctionType(ir.VoidType(), _Samples.TYPES)
            function, inner = self._define(f"run.{self._parts}", type_)
            function.linkage = "internal"
            function.attributes.add("noinline")
            self._fill(inner, _Samples(*function.args), part, stored)
            inner.ret_void()
            b.call(function, samples.values)

    def _fill(
        self, b: ir.IRBuilder, samples: _Samples, steps: Sequence[Step], stored: _Stored
    ) -> None:
        """Fill a frame for each step and dispatch it."""
        place = _Place(b, samples, self.workspace.per_batch, self._call)
        block, dispatch = (self.module.globals[n] for n in (CONSTANTS, PREFIX + "dispatch"))

        def address(source: Value | Array) -> IRValue:
            offset = stored(source)
            if offset is not None:
                return _offset(b, block, I64(offset))
            assert isinstance(source, Value)
            return place.of(source)

        frame = _offset(b, samples.call, I64(_FRAME))
        for step in steps:
            for index, source in enumerate(step.slots):
                at = b.gep(frame, [I64(index + 1)], source_etype=I64)
                b.store(address(source), at)
            n = samples.count
            count = b.add(b.mul(n, I64(step.tasks.per_batch)), I64(step.tasks.fixed))
            self._worth(b, step, n, count, frame)
            b.store(self.module.globals[step.function], _offset(b, frame, I64(_KERNEL)))
            free = samples.call if step.scratch else PTR(None)
            b.store(free, _offset(b, frame, I64(_FREE)))
            b.call(dispatch, [samples.args, frame, count])

    def _start(self, b: ir.IRBuilder, args: IRValue, batch: IRValue, threads: IRValue) -> IRValue:
        """The memory of the call, behind the arenas; every scratch is free."""
        arenas = b.add(self._by_batch(b, batch, threads), I64(self._call))
        call = _offset(b, _field(b, args, _WORKSPACE), arenas)
        b.store(b.lshr(I64(-1), b.sub(I64(MAX_THREADS), threads)), call)
        return call

    def _worth(
        self, b: ir.IRBuilder, step: Step, batch: IRValue, count: IRValue, frame: IRValue
    ) -> None:
        """What the pool of `threads` finds before the frame: how many threads the step is
        worth, and tasks of one piece; both at least 1. An estimate needs no more than a power of
        two."""

        def at_least_1(value: IRValue) -> IRValue:
            return b.select(b.icmp_unsigned("==", value, I64(0)), I64(1), value)

        work = b.mul(batch, I64(1 << round(math.log2(max(1.0, step.cycles)))))
        pieces = b.add(b.udiv(work, I64(PIECE_CYCLES)), I64(1))
        worth = at_least_1(b.udiv(work, I64(THREAD_CYCLES)))
        b.store(worth, _offset(b, frame, I64(_WORTH)))
        b.store(at_least_1(b.udiv(count, pieces)), _offset(b, frame, I64(_UNIT)))

    def _check(self, b: ir.IRBuilder, function: ir.Function) -> IRValue:
        """Return a status for wrong arguments; N otherwise (1 when nothing is symbolic)."""
        (args,) = function.args

        def refuse(condition: IRValue, status: int) -> None:
            _refuse(b, function, condition, I32(status))

        refuse(_null(b, args), _WRONG_SIZE)
        refuse(b.icmp_unsigned("!=", _field(b, args, 0, I64), I64(ARGS_BYTES)), _WRONG_SIZE)
        batch = self._batch(b, function, _field(b, args, _DIMS), I32(_WRONG_DIMENSION))
        workspace = _field(b, args, _WORKSPACE)
        crooked = b.and_(b.ptrtoint(workspace, I64), I64(_ALIGN - 1))
        wrong = b.or_(_null(b, workspace), b.icmp_unsigned("!=", crooked, I64(0)))
        refuse(wrong, _WRONG_WORKSPACE)
        for field, count in (
            (_INPUTS, len(self.graph.inputs)),
            (_OUTPUTS, len(self.graph.outputs)),
        ):
            if count:
                table = _field(b, args, field)
                refuse(_null(b, table), _NULL_TENSOR)
                with _each(b, function, I64(count)) as index:
                    tensor = b.load(b.gep(table, [index], source_etype=PTR), typ=PTR, align=8)
                    refuse(_null(b, tensor), _NULL_TENSOR)
        return batch

    def _batch(
        self, b: ir.IRBuilder, function: ir.Function, dims: IRValue, refusal: ir.Constant
    ) -> IRValue:
        """N, of which ``function`` returns ``refusal`` where it is out of range."""
        if not self.symbolic:
            return I64(1)
        _refuse(b, function, _null(b, dims), refusal)
        batch = b.load(dims, typ=I64, align=8)
        low = b.icmp_signed("<", batch, I64(1))
        high = b.icmp_signed(">", batch, I64(self._largest_batch()))
        _refuse(b, function, b.or_(low, high), refusal)
        return batch

    def _largest_batch(self) -> int:
        """N up to which no byte offset comes near the range of an address."""
        values = [v for node in self.graph.nodes for v in node.results] + list(self.graph.inputs)
        sample = max((sample_bytes(v.type) for v in values), default=1)
        return max(1, _MAX_BYTES // max(1, self.workspace.per_batch, sample))


def _parts(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps in runs of at most `LONGEST` addresses, unless one step has more; one run at
    least."""
    parts: list[list[Step]] = [[]]
    room = LONGEST
    for step in steps:
        if parts[-1] and len(step.slots) + 1 > room:
            parts.append([])
            room = LONGEST
        parts[-1].append(step)
        room -= len(step.slots) + 1
    return parts


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


def _possible(b: ir.IRBuilder, threads: IRValue) -> IRValue:
    """A number of threads, at least 1 and at most as many as there can be."""
    for sign, bound in (("<", I64(1)), (">", I64(MAX_THREADS))):
        threads = b.select(b.icmp_signed(sign, threads, bound), bound, threads)
    return threads


def _refuse(
    b: ir.IRBuilder, function: ir.Function, condition: IRValue, result: ir.Constant
) -> None:
    """Return ``result`` where a condition holds, and go on elsewhere."""
    bad, good = (function.append_basic_block(name) for name in ("refuse", "go"))
    b.cbranch(condition, bad, good)
    b.position_at_end(bad)
    b.ret(result)
    b.position_at_end(good)


def _null(b: ir.IRBuilder, pointer: IRValue) -> IRValue:
    return b.icmp_unsigned("==", pointer, PTR(None))


def _offset(b: ir.IRBuilder, pointer: IRValue, offset: IRValue) -> IRValue:
    return b.gep(pointer, [offset], source_etype=I8)


def _field(b: ir.IRBuilder, base: IRValue, offset: int, type_: ir.Type = PTR) -> IRValue:
    return b.load(_offset(b, base, I64(offset)), typ=type_, align=8)


def _divide_up(b: ir.IRBuilder, number: IRValue, by: IRValue) -> IRValue:
    return b.udiv(b.add(number, b.sub(by, I64(1))), by)


@contextmanager
def _each(
    b: ir.IRBuilder, function: ir.Function, count: IRValue, step: IRValue = _ONE
) -> Generator[IRValue]:
    """A loop over 0, ``step`` .. below ``count``, at least once."""
    before, body = b.block, function.append_basic_block("each")
    b.branch(body)
    b.position_at_end(body)
    index: Any = b.phi(I64)
    index.add_incoming(I64(0), before)
    yield index
    following = b.add(index, step)
    index.add_incoming(following, b.block)
    after = function.append_basic_block("after")
    b.cbranch(b.icmp_unsigned("<", following, count), body, after)
    b.position_at_end(after)


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
